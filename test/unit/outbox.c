#include "test/unit/outbox.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/report/courier.h"

static struct {
	const struct outbox_answer *answers;
	size_t n_answers;
	size_t n;
	size_t body_len;
	struct str text;
} outbox;

int __wrap_courier_send(struct courier *courier, const struct letter *letter,
    struct http_response *ret, struct err *err);

void
outbox_start(const struct outbox_answer *answers, size_t n)
{
	str_free(&outbox.text);
	memset(&outbox, 0, sizeof outbox);
	outbox.answers = answers;
	outbox.n_answers = n;
	str_add(&outbox.text, "");
}

void
outbox_end(void)
{
	assert_int_equal(outbox.n, outbox.n_answers);
	assert_false(outbox.text.failed);
	str_free(&outbox.text);
}

const char *
outbox_text(void)
{
	return outbox.text.s;
}

size_t
outbox_body_len(void)
{
	return outbox.body_len;
}

static void
keep(const struct letter *letter)
{
	if (outbox.n == outbox.n_answers)
		fail_msg("nobody expects '%s'", letter->url);
	assert_int_equal(letter->body != NULL, letter->content_type != NULL);
	assert_null(letter->headers);
	assert_false(letter->insecure);
	str_addf(&outbox.text, "%s %s", letter->method, letter->url);
	if (letter->user != NULL)
		str_addf(&outbox.text, " %s:%s", letter->user,
		    letter->password != NULL ? letter->password : "");
	if (letter->body != NULL) {
		str_addf(&outbox.text, " %s\n", letter->content_type);
		str_addn(&outbox.text, letter->body, letter->body_len);
	}
	str_add(&outbox.text, "\n--\n");
	outbox.body_len = letter->body_len;
	outbox.n++;
}

int
__wrap_courier_send(struct courier *courier, const struct letter *letter,
    struct http_response *ret, struct err *err)
{
	const struct outbox_answer *answer = &outbox.answers[outbox.n];
	const char *body;

	assert_non_null(courier);
	keep(letter);
	if (answer->status == 0)
		return err_set(err, answer->kind, "scripted");
	body = answer->body != NULL ? answer->body : "";
	*ret = (struct http_response){ .status = answer->status,
	    .body_len = strlen(body) };
	if (answer->limit != NULL)
		assert_int_equal(strmap_add(&ret->headers, "ping-body-limit",
		    answer->limit, err), 0);
	assert_int_equal(str_dup(body, &ret->body, err), 0);
	return 0;
}
