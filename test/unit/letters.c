#define _GNU_SOURCE
#include "test/unit/letters.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/str.h"
#include "lib/report/service.h"

#define LONG_BYTES 40000

struct message
letters_message(enum outcome outcome)
{
	assert_int_equal(setenv("TZ", "XXX-2", 1), 0);
	tzset();
	return (struct message){ .title = LETTERS_TITLE,
	    .body = LETTERS_BODY, .outcome = outcome, .host = "box",
	    .time = 1795140000 };
}

int
letters_send(const char *url, const struct message *message,
    const struct recorder_answer *answers, size_t n, struct err *err)
{
	CLEANUP(service_close) struct service_target target =
	    SERVICE_TARGET_INIT;
	struct courier courier = { .until_s = 1e18 };
	int rc;

	recorder_start(answers, n);
	if (service_open(url, &target, err) < 0)
		fail_msg("%s", err->msg);
	assert_int_equal(recorder_n(), 0);
	rc = service_send(&target, message, &courier, err);
	recorder_end();
	return rc;
}

void
letters_refuse(const char *url, const char *message,
    const char *const *secrets)
{
	struct service_target target = SERVICE_TARGET_INIT;
	struct err err = ERR_INIT;

	recorder_start(NULL, 0);
	if (service_open(url, &target, &err) == 0) {
		service_close(&target);
		fail_msg("'%s' was accepted", url);
	}
	assert_string_equal(err.msg, message);
	assert_int_equal(err.kind, ERR_CONFIG);
	for (; secrets != NULL && *secrets != NULL; secrets++)
		assert_null(strstr(err.msg, *secrets));
}

void
letters_expect(const struct letters_case *cases, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		struct message message = letters_message(cases[i].outcome);
		struct err err = ERR_INIT;

		if (letters_send(cases[i].url, &message, &cases[i].answer, 1,
		    &err) < 0)
			fail_msg("%s: %s", cases[i].url, err.msg);
		recorder_expect(&cases[i].letter, 1);
	}
}

void
letters_expect_failures(const struct letters_failure *cases, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		struct message message = letters_message(OUTCOME_FAILURE);
		struct err err = ERR_INIT;

		if (letters_send(cases[i].url, &message, &cases[i].answer, 1,
		    &err) == 0)
			fail_msg("%zu: %s: was sent", i, cases[i].url);
		assert_string_equal(err.msg, cases[i].message);
		assert_int_equal(err.kind, cases[i].kind);
	}
}

void
letters_expect_refusals(const struct letters_refusal *cases, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		const char *secrets[] = { cases[i].secret, NULL };

		letters_refuse(cases[i].url, cases[i].message, secrets);
	}
}

/* Characters of three bytes, in lines of ten, with an end of its own. */
static char *
long_text(const char *end, bool lines)
{
	struct str text = STR_INIT;
	struct err err = ERR_INIT;
	char *ret = NULL;
	size_t i;

	for (i = 0; text.len < LONG_BYTES; i++)
		str_add(&text, lines && i % 11 == 10 ? "\n" : "\xe2\x82\xac");
	str_add(&text, end);
	assert_int_equal(str_take(&text, &ret, &err), 0);
	return ret;
}

static size_t
units_of(const char *text, size_t n, enum message_unit unit)
{
	size_t i, units = 0;

	for (i = 0; i < n; i++)
		units += unit == MESSAGE_BYTES ||
		    ((unsigned char)text[i] & 0xc0) != 0x80;
	return units;
}

/* A newline is two bytes in JSON, and one for the service. */
static size_t
newlines_of(const char *text, size_t n)
{
	size_t i, newlines = 0;

	for (i = 0; i + 1 < n; i++)
		newlines += text[i] == '\\' && text[i + 1] == 'n';
	return newlines;
}

static void
expect_limit(const struct letters_limit *limit, const char *sent)
{
	const char *text = strstr(sent, limit->mark);
	size_t n, units;

	if (text == NULL)
		fail_msg("no '%s' in '%.300s'", limit->mark, sent);
	text += strlen(limit->mark);
	n = strcspn(text, "\"&\n");
	units = units_of(text, n, limit->unit);
	if (str_starts(limit->mark, "\""))
		units -= newlines_of(text, n);
	if (units > limit->max || units < limit->max / 2)
		fail_msg("%s: %zu of %zu", limit->url, units, limit->max);
	assert_true(strncmp(text + n - 3, "...", 3) == 0 ||
	    strncmp(text + n - 3, "END", 3) == 0);
	assert_true(str_is_utf8(sent));
}

void
letters_expect_limits(const struct letters_limit *cases, size_t n)
{
	CLEANUP(cleanup_free) char *title = long_text("title", false);
	CLEANUP(cleanup_free) char *body = long_text("THE END", true);
	size_t i;

	for (i = 0; i < n; i++) {
		struct message message = letters_message(OUTCOME_FAILURE);
		struct err err = ERR_INIT;

		message.title = title;
		message.body = body;
		if (letters_send(cases[i].url, &message, &cases[i].answer, 1,
		    &err) < 0)
			fail_msg("%s: %s", cases[i].url, err.msg);
		expect_limit(&cases[i], recorder_letter(0));
	}
}
