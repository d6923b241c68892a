#define _GNU_SOURCE
#include "lib/report/ping.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/str.h"
#include "test/unit/recorder.h"

#define ID "01234567-89ab-cdef-0123-456789abcdef"
#define TYPE "\ntype text/plain; charset=utf-8\n\n"
#define OK { .status = 200, .body = "OK" }

static const char *const one_job[] = { "one" };

/* A run that went well and took 1.5 s. */
static struct report
fresh(void)
{
	struct report report;
	struct err err = ERR_INIT;

	assert_int_equal(report_begin(&report, &err), 0);
	assert_int_equal(report_jobs(&report, one_job, 1, &err), 0);
	(void)strcpy(report.id, ID);
	free(report.host);
	assert_int_equal(str_dup("a host", &report.host, &err), 0);
	report.jobs[0].stored = true;
	report.seconds = 1.5;
	return report;
}

static void
add_log(struct report *report, const char *line)
{
	struct err err = ERR_INIT;

	assert_int_equal(strlist_add(&report->log, line, &err), 0);
}

static struct ping
ping_to(const char *url)
{
	return (struct ping){ .url = url, .body_limit = PING_BODY_BYTES };
}

static int
start(struct ping *ping, const struct report *report, struct err *err)
{
	struct courier courier = { .until_s = 1e9 };

	return ping_start(ping, report, &courier, err);
}

static int
end(const struct ping *ping, const struct report *report, struct err *err)
{
	struct courier courier = { .until_s = 1e9 };

	return ping_end(ping, report, &courier, err);
}

static void
the_kind_is_found_by_the_url_or_told(void **state)
{
	static const struct {
		const char *url;
		enum ping_kind kind;
		const char *sent;	/* by start and end */
	} cases[] = {
		{ "https://hc-ping.com/u", PING_AUTO,
		  "POST https://hc-ping.com/u/start?rid=" ID TYPE "\n--\n"
		  "POST https://hc-ping.com/u?rid=" ID TYPE
		  "vbackup: success\n\n--\n" },
		{ "https://HC-Ping.com:443/k/slug/?create=1#x", PING_AUTO,
		  "POST https://HC-Ping.com:443/k/slug/start?create=1&rid=" ID
		  TYPE "\n--\n"
		  "POST https://HC-Ping.com:443/k/slug?create=1&rid=" ID TYPE
		  "vbackup: success\n\n--\n" },
		{ "http://u:p%40@h:8000/ping/u", PING_AUTO,
		  "POST http://h:8000/ping/u/start?rid=" ID "\nbasic u:p@" TYPE
		  "\n--\n"
		  "POST http://h:8000/ping/u?rid=" ID "\nbasic u:p@" TYPE
		  "vbackup: success\n\n--\n" },
		{ "http://h/%s", PING_HEALTHCHECKS,
		  "POST http://h/a%20host/start?rid=" ID TYPE "\n--\n"
		  "POST http://h/a%20host?rid=" ID TYPE
		  "vbackup: success\n\n--\n" },
		{ "https://h/api/push/t?status=up&msg=OK&ping=", PING_AUTO,
		  "GET https://h/api/push/t?status=up&msg=success&ping=1500"
		  "\n--\n" },
		{ "https://h/other", PING_KUMA,
		  "GET https://h/other?status=up&msg=success&ping=1500\n--\n" },
		{ "https://h/%s/x/?a=%s&b", PING_AUTO,
		  "GET https://h/a%20host/x/?a=a%20host&b\n--\n" },
		{ "https://hc-ping.com/u", PING_PLAIN,
		  "GET https://hc-ping.com/u\n--\n" },
		{ "https://hc-ping.com.evil/u", PING_AUTO,
		  "GET https://hc-ping.com.evil/u\n--\n" },
		{ "https://h?/ping/", PING_AUTO, "GET https://h?/ping/\n--\n" },
	};
	static const struct recorder_answer answers[] = { OK, OK };
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct report report = fresh();
		struct ping ping = ping_to(cases[i].url);

		ping.kind = cases[i].kind;
		recorder_start(answers, *cases[i].sent == 'P' ? 2 : 1);
		assert_int_equal(ping_check(&ping, &err), 0);
		assert_int_equal(start(&ping, &report, &err), 0);
		assert_int_equal(end(&ping, &report, &err), 0);
		assert_string_equal(recorder_text(), cases[i].sent);
		recorder_end();
		report_free(&report);
	}
}

/* Of each outcome: what is behind the path. */
static void
a_status_says_how_the_run_ended(void **state)
{
	static const struct {
		enum err_kind kind;	/* of the run */
		bool stored, interrupted;
		const char *sent;
	} cases[] = {
		{ ERR_NONE, true, false, "u?rid=" ID TYPE
		  "vbackup: success\n\nlast\n\n--\n" },
		{ ERR_NONE, false, false, "u/1?rid=" ID TYPE
		  "vbackup: failure\nthe job was not begun\n\nlast\n\n--\n" },
		{ ERR_CONFIG, false, false, "u/2?rid=" ID TYPE
		  "vbackup: failure\nwhy\n\nlast\n\n--\n" },
		{ ERR_LOCKED, false, false, "u/4?rid=" ID TYPE
		  "vbackup: failure\nwhy\n\nlast\n\n--\n" },
		{ ERR_NONE, false, true, "u/5?rid=" ID TYPE
		  "vbackup: failure\nthe job was not begun\n\nlast\n\n--\n" },
	};
	static const struct recorder_answer answers[] = { OK };
	const struct ping ping = ping_to("https://hc-ping.com/u");
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct report report = fresh();

		add_log(&report, "last");
		report.jobs[0].stored = cases[i].stored;
		report.interrupted = cases[i].interrupted;
		if (cases[i].kind != ERR_NONE)
			err_set(&report.err, cases[i].kind, "why");
		recorder_start(RECORDER_ANSWERS(answers));
		assert_int_equal(end(&ping, &report, &err), 0);
		assert_string_equal(recorder_text() +
		    strlen("POST https://hc-ping.com/"), cases[i].sent);
		recorder_end();
		report_free(&report);
	}
}

static void
problems_are_a_failure_or_a_success_with_a_log(void **state)
{
	static const struct recorder_answer answers[] = { OK, OK };
	struct ping ping = ping_to("https://hc-ping.com/u");
	struct report report = fresh();
	struct err err = ERR_INIT;

	(void)state;
	report_problem(&report.jobs[0], "a file");
	report_problem(&report.jobs[0], "a container");
	report.jobs[0].n_problems += 3;
	assert_int_equal(strlist_add(&report.untold, "a hook", &err), 0);
	recorder_start(answers, 1);
	assert_int_equal(end(&ping, &report, &err), 0);
	assert_string_equal(recorder_text(), "POST https://hc-ping.com/u/3?rid="
	    ID TYPE "vbackup: problems\na file\n\n--\n");
	recorder_end();
	ping.problems_are_success = true;
	recorder_start(answers, 2);
	assert_int_equal(end(&ping, &report, &err), 0);
	assert_string_equal(recorder_text(),
	    "POST https://hc-ping.com/u/log?rid=" ID TYPE
	    "vbackup: problems\none: a file\none: a container\n"
	    "one: 3 more\na hook\n\n--\nPOST https://hc-ping.com/u?rid=" ID
	    TYPE "vbackup: problems\na file\n\n--\n");
	recorder_end();
	report_free(&report);
}

static void
the_success_is_sent_though_the_log_of_problems_is_lost(void **state)
{
	static const struct recorder_answer answers[] = { { .status = 500 },
		OK };
	struct ping ping = ping_to("https://hc-ping.com/u");
	struct report report = fresh();
	struct err err = ERR_INIT;

	(void)state;
	report_problem(&report.jobs[0], "a file");
	ping.problems_are_success = true;
	recorder_start(RECORDER_ANSWERS(answers));
	assert_int_equal(end(&ping, &report, &err), -1);
	assert_string_equal(err.msg, "ping: 'https://hc-ping.com' answered "
	    "with status 500");
	recorder_end();
	report_free(&report);
}

static void
others_have_no_start_and_plain_ones_hear_of_successes_only(void **state)
{
	static const struct recorder_answer answers[] = { OK };
	static const struct {
		const char *url;
		bool stored, problem, problems_are_success;
		const char *sent;	/* NULL: nothing */
	} cases[] = {
		{ "http://h/x", true, true, false, NULL },
		{ "http://h/x", true, true, true, "GET http://h/x\n--\n" },
		{ "http://h/x", false, false, true, NULL },
		{ "http://h/api/push/x", true, true, false,
		  "GET http://h/api/push/x?status=down&msg=problems%3A%20"
		  "%C3%A4%20%3F%26&ping=1500\n--\n" },
		{ "http://h/api/push/x", true, true, true,
		  "GET http://h/api/push/x?status=up&msg=problems%3A%20"
		  "%C3%A4%20%3F%26&ping=1500\n--\n" },
		{ "http://h/api/push/x", false, false, true,
		  "GET http://h/api/push/x?status=down&msg=failure%3A%20the%20"
		  "job%20was%20not%20begun&ping=1500\n--\n" },
	};
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct report report = fresh();
		struct ping ping = ping_to(cases[i].url);

		report.jobs[0].stored = cases[i].stored;
		if (cases[i].problem)
			report_problem(&report.jobs[0], "\xc3\xa4\n\xff&");
		ping.problems_are_success = cases[i].problems_are_success;
		recorder_start(answers, cases[i].sent != NULL);
		assert_int_equal(start(&ping, &report, &err), 0);
		assert_int_equal(end(&ping, &report, &err), 0);
		assert_string_equal(recorder_text(),
		    cases[i].sent != NULL ? cases[i].sent : "");
		recorder_end();
		report_free(&report);
	}
}

static void
long_words_for_kuma_are_cut(void **state)
{
	static const struct recorder_answer answers[] = { OK };
	const struct ping ping = ping_to("http://h/api/push/x");
	struct report report = fresh();
	struct err err = ERR_INIT;

	(void)state;
	report_problem(&report.jobs[0], "%01000d", 0);
	report.seconds = -1;
	recorder_start(RECORDER_ANSWERS(answers));
	assert_int_equal(end(&ping, &report, &err), 0);
	assert_int_equal(strlen(recorder_text()), strlen("GET http://h/api/"
	    "push/x?status=down&msg=&ping=0\n--\n") + 200 + 2 * 2);
	assert_non_null(strstr(recorder_text(), "0...&ping=0\n"));
	recorder_end();
	report_free(&report);
}

static void
the_server_says_how_long_a_body_may_be(void **state)
{
	static const struct {
		const char *header;	/* NULL: none */
		size_t limit;
	} cases[] = {
		{ NULL, PING_BODY_BYTES }, { "100", 100 }, { "64", 64 },
		{ "63", 63 }, { "0", 0 }, { "100000", 100000 },
		{ "1000000", 1000000 }, { "1000001", 1000000 },
		{ "99999999999999999999999", 1000000 },
		{ "", PING_BODY_BYTES }, { "-1", PING_BODY_BYTES },
		{ "10 kB", PING_BODY_BYTES }, { "0x10", PING_BODY_BYTES },
	};
	struct report report = fresh();
	struct err err = ERR_INIT;
	size_t i, k;

	(void)state;
	for (k = 0; k < 40000; k++)
		add_log(&report, k % 2 == 0 ? "one of very many lines" :
		    "of \xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82"
		    "\xac");
	add_log(&report, "the last line");
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct recorder_answer answers[] = {
			{ .status = 200, .header = "ping-body-limit",
			  .value = cases[i].header }, OK };
		struct ping ping = ping_to("https://hc-ping.com/u");

		recorder_start(RECORDER_ANSWERS(answers));
		assert_int_equal(start(&ping, &report, &err), 0);
		assert_int_equal(ping.body_limit, cases[i].limit);
		assert_int_equal(end(&ping, &report, &err), 0);
		assert_true(strlen(recorder_body(1)) <= cases[i].limit);
		assert_true(strlen(recorder_body(1)) > cases[i].limit / 2 ||
		    cases[i].limit < 64);
		assert_true(str_is_utf8(recorder_text()));
		if (cases[i].limit >= 64) {
			assert_true(str_ends(recorder_text(),
			    "the last line\n\n--\n"));
			assert_non_null(strstr(recorder_text(),
			    TYPE "vbackup: success\n"));
		}
		recorder_end();
	}
	report_free(&report);
}

static void
a_body_is_text_without_secrets(void **state)
{
	static const struct recorder_answer answers[] = { OK };
	const struct ping ping = ping_to("https://hc-ping.com/u");
	struct report report = fresh();
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(log_secret("hunter2", &err), 0);
	err_set(&report.err, ERR_SYSTEM, "no \xff\x01 hunter2");
	add_log(&report, "key hunter2");
	recorder_start(RECORDER_ANSWERS(answers));
	assert_int_equal(end(&ping, &report, &err), 0);
	assert_string_equal(recorder_text(), "POST https://hc-ping.com/u/1?rid="
	    ID TYPE "vbackup: failure\nno ?? ***\n\nkey ***\n\n--\n");
	recorder_end();
	report_free(&report);
	log_close();
}

static void
a_refusal_is_an_error_that_shows_the_host_only(void **state)
{
	static const struct {
		const char *url;
		struct recorder_answer answer;
		const char *message;
	} cases[] = {
		{ "https://hc-ping.com/secret", { .status = 404 },
		  "ping: 'https://hc-ping.com' answered with status 404 "
		  "(nothing waits for pings at that URL)" },
		{ "https://hc-ping.com/secret",
		  { .status = 200, .body = "OK (not found)" },
		  "ping: 'https://hc-ping.com' answered with status 200" },
		{ "https://hc-ping.com/secret", { .status = 409 },
		  "ping: 'https://hc-ping.com' answered with status 409 "
		  "(several checks have that name: use a UUID)" },
		{ "https://u:secret@hc-ping.com/secret",
		  { .status = 400, .body = "secret" },
		  "ping: 'https://hc-ping.com' answered with status 400 (it "
		  "does not understand the URL)" },
		{ "http://h:1/api/push/secret", { .status = 404 },
		  "ping: 'http://h:1' answered with status 404 (nothing waits "
		  "for pings at that URL)" },
		{ "http://h/secret", { .status = 404 },
		  "ping: 'http://h' answered with status 404" },
		{ "http://h/secret", { .status = 302 },
		  "ping: 'http://h' answered with status 302" },
		{ "http://h/secret", { .status = 503 },
		  "ping: 'http://h' answered with status 503" },
		{ "http://h/secret", { .kind = ERR_UNREACHABLE },
		  "ping: scripted" },
	};
	struct report report = fresh();
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct ping ping = ping_to(cases[i].url);

		if (strstr(cases[i].url, "hc-ping") != NULL) {
			recorder_start(&cases[i].answer, 1);
			assert_int_equal(start(&ping, &report, &err), -1);
			assert_string_equal(err.msg, cases[i].message);
			assert_int_equal(ping.body_limit, PING_BODY_BYTES);
			recorder_end();
		}
		recorder_start(&cases[i].answer, 1);
		assert_int_equal(end(&ping, &report, &err), -1);
		assert_string_equal(err.msg, cases[i].message);
		assert_int_equal(err.kind, cases[i].answer.status != 0 ?
		    ERR_REFUSED : cases[i].answer.kind);
		recorder_end();
	}
	report_free(&report);
}

static void
a_new_check_is_a_success_too(void **state)
{
	static const struct recorder_answer answers[] = { { .status = 201,
		.body = "Created" }, OK };
	struct ping ping = ping_to("https://hc-ping.com/k/s?create=1");
	struct report report = fresh();
	struct err err = ERR_INIT;

	(void)state;
	recorder_start(RECORDER_ANSWERS(answers));
	assert_int_equal(start(&ping, &report, &err), 0);
	assert_int_equal(end(&ping, &report, &err), 0);
	recorder_end();
	report_free(&report);
}

static void
what_is_no_url_is_known_before(void **state)
{
	static const char *const urls[] = { "", "hc-ping.com/secret",
		"ftp://secret", "http://", "https://h:99999/secret" };
	struct report report = fresh();
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	recorder_start(NULL, 0);
	for (i = 0; i < sizeof urls / sizeof urls[0]; i++) {
		struct ping ping = ping_to(urls[i]);

		assert_int_equal(ping_check(&ping, &err), -1);
		assert_int_equal(err.kind, ERR_CONFIG);
		assert_null(strstr(err.msg, "secret"));
		assert_int_equal(start(&ping, &report, &err), -1);
		assert_int_equal(end(&ping, &report, &err), -1);
		assert_null(strstr(err.msg, "secret"));
	}
	recorder_end();
	report_free(&report);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_kind_is_found_by_the_url_or_told),
		cmocka_unit_test(a_status_says_how_the_run_ended),
		cmocka_unit_test(
		    problems_are_a_failure_or_a_success_with_a_log),
		cmocka_unit_test(
		    the_success_is_sent_though_the_log_of_problems_is_lost),
		cmocka_unit_test(
		    others_have_no_start_and_plain_ones_hear_of_successes_only),
		cmocka_unit_test(long_words_for_kuma_are_cut),
		cmocka_unit_test(the_server_says_how_long_a_body_may_be),
		cmocka_unit_test(a_body_is_text_without_secrets),
		cmocka_unit_test(
		    a_refusal_is_an_error_that_shows_the_host_only),
		cmocka_unit_test(a_new_check_is_a_success_too),
		cmocka_unit_test(what_is_no_url_is_known_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
