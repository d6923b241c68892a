#define _GNU_SOURCE
#include "test/unit/recorder.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"

#define LETTERS_MAX 16

static struct {
	const struct recorder_answer *answers;
	size_t n_answers;
	size_t n;
	char *letters[LETTERS_MAX];
	char *bodies[LETTERS_MAX];
	struct str text;	/* of recorder_text */
} recorder;

int __wrap_courier_send(struct courier *courier, const struct letter *letter,
    struct http_response *ret, struct err *err);

static void
forget(void)
{
	size_t i;

	for (i = 0; i < recorder.n; i++) {
		free(recorder.letters[i]);
		free(recorder.bodies[i]);
		recorder.letters[i] = recorder.bodies[i] = NULL;
	}
	recorder.n = 0;
	str_free(&recorder.text);
}

void
recorder_start(const struct recorder_answer *answers, size_t n)
{
	static bool at_exit;

	if (!at_exit) {
		at_exit = true;
		(void)atexit(forget);
	}
	forget();
	recorder.answers = answers;
	recorder.n_answers = n;
}

void
recorder_end(void)
{
	if (recorder.n != recorder.n_answers)
		fail_msg("%zu letters, %zu answers", recorder.n,
		    recorder.n_answers);
}

size_t
recorder_n(void)
{
	return recorder.n;
}

const char *
recorder_letter(size_t i)
{
	assert_true(i < recorder.n);
	return recorder.letters[i];
}

const char *
recorder_body(size_t i)
{
	assert_true(i < recorder.n);
	return recorder.bodies[i];
}

static char *
as_text(const struct letter *letter)
{
	struct str text = STR_INIT;
	struct err err = ERR_INIT;
	char *ret = NULL;
	size_t i;

	str_addf(&text, "%s %s\n", letter->method == NULL ? "POST" :
	    letter->method, letter->url);
	for (i = 0; letter->headers != NULL && letter->headers[i] != NULL; i++)
		str_addf(&text, "%s\n", letter->headers[i]);
	if (letter->user != NULL)
		str_addf(&text, "basic %s:%s\n", letter->user,
		    letter->password == NULL ? "" : letter->password);
	if (letter->insecure)
		str_add(&text, "insecure\n");
	if (letter->body != NULL) {
		str_addf(&text, "type %s\n\n", letter->content_type == NULL ?
		    "(none)" : letter->content_type);
		str_addn(&text, letter->body, letter->body_len);
	}
	assert_int_equal(str_take(&text, &ret, &err), 0);
	return ret;
}

static void
keep(const struct letter *letter)
{
	if (recorder.n == recorder.n_answers || recorder.n == LETTERS_MAX)
		fail_msg("nobody expects '%s'", letter->url);
	recorder.letters[recorder.n] = as_text(letter);
	if (letter->body != NULL) {
		recorder.bodies[recorder.n] = strndup(letter->body,
		    letter->body_len);
		assert_non_null(recorder.bodies[recorder.n]);
		assert_int_equal(strlen(recorder.bodies[recorder.n]),
		    letter->body_len);
	}
	recorder.n++;
}

int
__wrap_courier_send(struct courier *courier, const struct letter *letter,
    struct http_response *ret, struct err *err)
{
	const struct recorder_answer *answer;
	const char *body;

	assert_non_null(courier);
	assert_non_null(letter->url);
	keep(letter);
	answer = &recorder.answers[recorder.n - 1];
	if (answer->status == 0)
		return err_set(err, answer->kind == ERR_NONE ?
		    ERR_UNREACHABLE : answer->kind, "scripted");
	body = answer->body == NULL ? "" : answer->body;
	*ret = (struct http_response){ .status = answer->status,
	    .body_len = answer->body_len != 0 ? answer->body_len :
	    strlen(body) };
	ret->body = calloc(1, ret->body_len + 1);
	assert_non_null(ret->body);
	memcpy(ret->body, body, ret->body_len);
	if (answer->header != NULL && answer->value != NULL)
		assert_int_equal(strmap_add(&ret->headers, answer->header,
		    answer->value, err), 0);
	return 0;
}

const char *
recorder_text(void)
{
	size_t i;

	str_free(&recorder.text);
	str_add(&recorder.text, "");
	for (i = 0; i < recorder.n; i++)
		str_addf(&recorder.text, "%s%s--\n", recorder.letters[i],
		    recorder.bodies[i] != NULL ? "\n" : "");
	assert_false(recorder.text.failed);
	return recorder.text.s;
}

void
recorder_expect(const char *const *letters, size_t n)
{
	size_t i;

	assert_int_equal(recorder.n, n);
	for (i = 0; i < n; i++)
		assert_string_equal(recorder.letters[i], letters[i]);
}
