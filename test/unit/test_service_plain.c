#include "test/unit/letters.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/intr.h"
#include "lib/base/log.h"
#include "lib/base/mqtt.h"
#include "lib/base/str.h"
#include "lib/report/service.h"
#include "test/unit/broker.h"

#define N(array) (sizeof (array) / sizeof (array)[0])
#define WHOLE LETTERS_TITLE "\n\n" LETTERS_BODY

/* --- in place of the real ones ------------------------------------------- */

static struct str logged = STR_INIT;
static double slept_s;
static bool signalled;

void __wrap_log_info(const char *fmt, ...) PRINTF_LIKE(1, 2);
bool __wrap_intr_sleep(double seconds);

void
__wrap_log_info(const char *fmt, ...)
{
	char line[8192];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(line, sizeof line, fmt, args);
	va_end(args);
	str_addf(&logged, "[%s]", line);
}

bool
__wrap_intr_sleep(double seconds)
{
	slept_s += seconds;
	return signalled;
}

static int
send_to(const char *url, const struct message *message, double left_s,
    struct err *err)
{
	CLEANUP(service_close) struct service_target target =
	    SERVICE_TARGET_INIT;
	struct courier courier = { .until_s = clock_mono_s() + left_s };

	slept_s = 0;
	if (service_open(url, &target, err) < 0)
		fail_msg("%s", err->msg);
	return service_send(&target, message, &courier, err);
}

/* --- logger -------------------------------------------------------------- */

static void
the_logger_logs_line_by_line(void **state)
{
	static const char *const urls[] = { "logger://", "LOGGER://x/y?z=1" };
	struct message message = letters_message(OUTCOME_FAILURE);
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < N(urls); i++) {
		message.body = "one\n\ntwo %s\r\nthree";
		str_free(&logged);
		assert_int_equal(send_to(urls[i], &message, 60, &err), 0);
		assert_string_equal(logged.s, "[" LETTERS_TITLE "][one][]"
		    "[two %s][three]");
	}
	str_free(&logged);
}

/* --- mqtt ---------------------------------------------------------------- */

static char *
url_of(const struct broker *broker, const char *fmt)
{
	struct err err = ERR_INIT;
	const char *at = strchr(fmt, '*');
	char *url = NULL;

	assert_int_equal(str_format(&url, &err, "%.*s127.0.0.1:%u%s",
	    (int)(at - fmt), fmt, broker->port, at + 1), 0);
	return url;
}

static void
title_and_body_are_published(void **state)
{
	static const struct broker_step yes[] = { BROKER_YES };
	static const struct {
		const char *url;	/* * is the broker */
		const char *user, *password, *topic;
	} cases[] = {
		{ "mqtt://*/a/b", NULL, NULL, "a/b" },
		{ "mqtt://u:p%2f@*/a%20b/?qos=atmostonce&retained=no&"
		  "cleansession=no&disableTLS=no", "u", "p/", "a b/" },
		{ "mqtts://u@*//t?disableTLS=yes&qos=0", "u", NULL, "/t" },
	};
	const struct message message = letters_message(OUTCOME_FAILURE);
	static struct broker broker;
	size_t i, n;

	(void)state;
	for (i = 0; i < N(cases); i++) {
		CLEANUP(cleanup_free) char *url = NULL;
		CLEANUP(cleanup_free) char *payload = NULL;
		struct err err = ERR_INIT;

		broker_start(&broker, yes, 1);
		url = url_of(&broker, cases[i].url);
		if (send_to(url, &message, 60, &err) < 0)
			fail_msg("%s: %s", url, err.msg);
		broker_stop(&broker);
		broker_published(&broker, cases[i].user, cases[i].password,
		    cases[i].topic, &payload, &n);
		assert_string_equal(payload, WHOLE);
		str_free(&broker.got);
	}
}

static void
long_messages_keep_the_limit(void **state)
{
	static const struct broker_step yes[] = { BROKER_YES };
	struct message message = letters_message(OUTCOME_FAILURE);
	CLEANUP(str_free) struct str body = STR_INIT;
	CLEANUP(cleanup_free) char *url = NULL;
	CLEANUP(cleanup_free) char *payload = NULL;
	static struct broker broker;
	struct err err = ERR_INIT;
	size_t n;

	(void)state;
	while (body.len < 500000)
		str_add(&body, "a line of a log\n");
	str_add(&body, "THE END");
	assert_false(body.failed);
	message.body = body.s;
	broker_start(&broker, yes, 1);
	url = url_of(&broker, "mqtt://*/t");
	assert_int_equal(send_to(url, &message, 60, &err), 0);
	broker_stop(&broker);
	broker_published(&broker, NULL, NULL, "t", &payload, &n);
	assert_true(n <= 131072 && n > 130000);
	assert_true(str_starts(payload, LETTERS_TITLE "\n\n"));
	assert_true(str_ends(payload, "THE END"));
	str_free(&broker.got);
}

/* A refusal is final; what does not answer is tried again. */
static void
failures_are_told_or_tried_again(void **state)
{
	static const struct broker_step refused[] = { BROKER_NO("\x05") };
	static const struct broker_step closed[] = { { NULL, 0, false } };
	static const struct {
		const struct broker_step *steps;
		enum err_kind kind;
		const char *words;
	} cases[] = {
		{ refused, ERR_REFUSED, "mqtt: the broker '127.0.0.1:" },
		{ closed, ERR_PROTOCOL, "mqtt: no valid answer from" },
	};
	const struct message message = letters_message(OUTCOME_FAILURE);
	static struct broker broker;
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++) {
		CLEANUP(cleanup_free) char *url = NULL;
		struct err err = ERR_INIT;

		broker_start(&broker, cases[i].steps, 1);
		url = url_of(&broker, "mqtt://u:open-sesame@*/t");
		assert_int_equal(send_to(url, &message, 60, &err), -1);
		broker_stop(&broker);
		assert_int_equal(err.kind, cases[i].kind);
		assert_true(str_starts(err.msg, cases[i].words));
		assert_null(strstr(err.msg, "open-sesame"));
		assert_true(slept_s < 0.5);
		str_free(&broker.got);
	}
}

static void
a_broker_that_is_away_is_tried_again_while_there_is_time(void **state)
{
	static const struct {
		double left_s;
		bool signalled;
		double slept_s;
	} cases[] = { { 60, false, 3 }, { 60, true, 1 }, { 0.9, false, 0 } };
	const struct message message = letters_message(OUTCOME_FAILURE);
	static struct broker broker;
	CLEANUP(cleanup_free) char *url = NULL;
	size_t i;

	(void)state;
	broker_start(&broker, NULL, 0);
	broker_stop(&broker);
	url = url_of(&broker, "mqtt://*/t");
	for (i = 0; i < N(cases); i++) {
		struct err err = ERR_INIT;

		signalled = cases[i].signalled;
		assert_int_equal(send_to(url, &message, cases[i].left_s,
		    &err), -1);
		assert_int_equal(err.kind, ERR_UNREACHABLE);
		assert_true(slept_s > cases[i].slept_s - 0.1 &&
		    slept_s < cases[i].slept_s + 0.1);
	}
	signalled = false;
}

static void
urls_that_cannot_work_are_refused(void **state)
{
	static const char topic[] = "mqtt: the host or the topic is missing "
	    "(mqtt://HOST/TOPIC)";
	static const char pattern[] = "mqtt: a topic to publish to has no '+' "
	    "and no '#' in it";
	static const struct letters_refusal cases[] = {
		{ "mqtt://x:hidden@h", topic, "hidden" },
		{ "mqtt://x:hidden@h/", topic, "hidden" },
		{ "mqtt:///hidden", topic, "hidden" },
		{ "mqtt://h/hidden/%23", pattern, "hidden" },
		{ "mqtt://h/hidden/+/x", pattern, "hidden" },
		{ "mqtt://h/hidden?qos=1", "mqtt: 'qos' can only be 0: "
		  "messages are sent once", "hidden" },
		{ "mqtt://h/hidden?qos=ExactlyOnce", "mqtt: 'qos' can only be "
		  "0: messages are sent once", "hidden" },
		{ "mqtt://h/hidden?retained=yes", "mqtt: 'retained' cannot be "
		  "had: messages are sent without", "hidden" },
		{ "mqtt://h/hidden?clientid=me", "mqtt: 'clientid' cannot be "
		  "had: its name is made by libcurl", "hidden" },
		{ "mqtt://h/hidden?title=x", "mqtt: unknown key 'title'",
		  "hidden" },
		{ "mqtt+http://h/hidden", "mqtt: nothing can follow with a "
		  "plus sign", "hidden" },
	};

	(void)state;
	letters_expect_refusals(cases, N(cases));
}

/* Never in the clear in place of TLS. */
static void
mqtts_needs_a_libcurl_that_has_it(void **state)
{
	static const struct letters_refusal refusal = {
		"mqtts://x:hidden@h/t", "mqtts: this libcurl has no TLS for "
		"MQTT (8.19 has it)", "hidden"
	};
	struct service_target target = SERVICE_TARGET_INIT;
	struct err err = ERR_INIT;

	(void)state;
	if (mqtt_has_tls()) {
		assert_int_equal(service_open(refusal.url, &target, &err), 0);
		service_close(&target);
	} else {
		letters_expect_refusals(&refusal, 1);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_logger_logs_line_by_line),
		cmocka_unit_test(title_and_body_are_published),
		cmocka_unit_test(long_messages_keep_the_limit),
		cmocka_unit_test(failures_are_told_or_tried_again),
		cmocka_unit_test(
		    a_broker_that_is_away_is_tried_again_while_there_is_time),
		cmocka_unit_test(urls_that_cannot_work_are_refused),
		cmocka_unit_test(mqtts_needs_a_libcurl_that_has_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
