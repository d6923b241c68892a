#include "lib/base/mqtt.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"
#include "test/unit/broker.h"

#define PASSWORD "open-sesame"

static struct mqtt
to(const struct broker *broker)
{
	return (struct mqtt){ .host = "127.0.0.1", .port = broker->port,
	    .topic = "t", .payload = "p", .payload_len = 1,
	    .timeout_s = 20 };
}

static void
a_message_is_published_once(void **state)
{
	static const struct {
		const char *user, *password, *topic, *payload;
		size_t payload_len;
	} cases[] = {
		{ NULL, NULL, "a/b/c", "hello", 5 },
		{ "me", PASSWORD, "t", "\xc3\xa4\n\"", 4 },
		{ "me", NULL, "../%2f? x/./\xc3\xa4/", "a\0b", 3 },
		{ "u:@/", "p:@/", "/t", "\xff\xfe", 2 },
		{ NULL, NULL, "t", "", 0 },
	};
	static const struct broker_step yes[] = { BROKER_YES };
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CLEANUP(cleanup_free) char *payload = NULL;
		static struct broker broker;
		struct err err = ERR_INIT;
		struct mqtt mqtt;

		broker_start(&broker, yes, 1);
		mqtt = to(&broker);
		mqtt.user = cases[i].user;
		mqtt.password = cases[i].password;
		mqtt.topic = cases[i].topic;
		mqtt.payload = cases[i].payload;
		mqtt.payload_len = cases[i].payload_len;
		if (mqtt_publish(&mqtt, &err) < 0)
			fail_msg("%zu: %s", i, err.msg);
		broker_stop(&broker);
		broker_published(&broker, cases[i].user, cases[i].password,
		    cases[i].topic, &payload, &n);
		assert_int_equal(n, cases[i].payload_len);
		assert_memory_equal(payload, cases[i].payload, n);
		str_free(&broker.got);
	}
}

/* At each number of bytes that the length of a packet can have. */
static void
long_messages_arrive_whole(void **state)
{
	static const size_t sizes[] = { 124, 125, 16380, 16381, 2097148,
		2097149 };
	static const struct broker_step yes[] = { BROKER_YES };
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		CLEANUP(cleanup_free) char *sent = malloc(sizes[i] + 1);
		CLEANUP(cleanup_free) char *payload = NULL;
		static struct broker broker;
		struct err err = ERR_INIT;
		struct mqtt mqtt;

		assert_non_null(sent);
		for (n = 0; n < sizes[i]; n++)
			sent[n] = (char)('a' + n % 23);
		sent[n] = '\0';
		broker_start(&broker, yes, 1);
		mqtt = to(&broker);
		mqtt.payload = sent;
		mqtt.payload_len = sizes[i];
		if (mqtt_publish(&mqtt, &err) < 0)
			fail_msg("%zu: %s", sizes[i], err.msg);
		broker_stop(&broker);
		broker_published(&broker, NULL, NULL, "t", &payload, &n);
		assert_int_equal(n, sizes[i]);
		assert_memory_equal(payload, sent, n);
		str_free(&broker.got);
	}
}

static void
fails(const struct broker_step *step, double timeout_s, enum err_kind kind,
    const char *words)
{
	static struct broker broker;
	struct err err = ERR_INIT;
	struct mqtt mqtt;

	broker_start(&broker, step, 1);
	mqtt = to(&broker);
	mqtt.user = "me";
	mqtt.password = PASSWORD;
	mqtt.timeout_s = timeout_s;
	assert_int_equal(mqtt_publish(&mqtt, &err), -1);
	if (strstr(err.msg, words) == NULL)
		fail_msg("no '%s' in '%s'", words, err.msg);
	assert_int_equal(err.kind, kind);
	assert_null(strstr(err.msg, PASSWORD));
	assert_non_null(strstr(err.msg, "127.0.0.1:"));
	broker_stop(&broker);
	str_free(&broker.got);
}

static void
a_refusal_says_why(void **state)
{
	static const struct {
		struct broker_step step;
		const char *words;
	} cases[] = {
		{ BROKER_NO("\x01"), "it does not speak MQTT 3.1.1" },
		{ BROKER_NO("\x02"), "it does not take our name" },
		{ BROKER_NO("\x03"), "it is not available" },
		{ BROKER_NO("\x04"), "wrong user or password" },
		{ BROKER_NO("\x05"), "not authorized" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++)
		fails(&cases[i].step, 20, ERR_REFUSED, cases[i].words);
}

static void
what_is_no_broker_is_a_protocol_error(void **state)
{
	static const struct broker_step cases[] = {
		BROKER_NO("\x06"),
		BROKER_NO("\xff"),
		{ "HTTP/1.1 400 Bad Request\r\n\r\n", 28, false },
		{ "\x20", 1, true },	/* then it stalls */
		{ NULL, 0, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++)
		if (cases[i].stall)
			fails(&cases[i], 0.3, ERR_TIMEOUT, "no answer from");
		else
			fails(&cases[i], 20, ERR_PROTOCOL,
			    "no valid answer from");
}

static void
a_broker_that_says_nothing_is_a_timeout(void **state)
{
	static const struct broker_step step = { NULL, 0, true };

	(void)state;
	fails(&step, 0.3, ERR_TIMEOUT, "no answer from");
}

static void
nobody_there_is_unreachable(void **state)
{
	static struct broker broker;
	struct err err = ERR_INIT;
	struct mqtt mqtt;

	(void)state;
	broker_start(&broker, NULL, 0);
	broker_stop(&broker);	/* its port is free now */
	mqtt = to(&broker);
	assert_int_equal(mqtt_publish(&mqtt, &err), -1);
	assert_int_equal(err.kind, ERR_UNREACHABLE);
	mqtt.timeout_s = 0;
	assert_int_equal(mqtt_publish(&mqtt, &err), -1);
	assert_int_equal(err.kind, ERR_TIMEOUT);
}

static void
what_cannot_be_sent_is_not_tried(void **state)
{
	static char too_long[65537];
	const struct {
		struct mqtt mqtt;
		const char *message;
	} cases[] = {
		{ { .topic = "" }, "the topic is empty, or has a '+' or '#' "
		  "in it, which is for subscribers only" },
		{ { .topic = "a/#" }, "the topic is empty, or has a '+' or '#'"
		  " in it, which is for subscribers only" },
		{ { .topic = "+/a" }, "the topic is empty, or has a '+' or '#'"
		  " in it, which is for subscribers only" },
		{ { .topic = too_long }, "the topic, user or password is too "
		  "long for MQTT" },
		{ { .topic = "t", .password = too_long }, "the topic, user or "
		  "password is too long for MQTT" },
	};
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	memset(too_long, 'x', sizeof too_long - 1);
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(mqtt_publish(&cases[i].mqtt, &err), -1);
		assert_int_equal(err.kind, ERR_CONFIG);
		assert_string_equal(err.msg, cases[i].message);
	}
}

/* No clear text in place of TLS, whichever libcurl this is. */
static void
tls_is_had_or_refused(void **state)
{
	static const struct broker_step no_tls[] = { BROKER_YES };
	static struct broker broker;
	struct err err = ERR_INIT;
	struct mqtt mqtt;

	(void)state;
	broker_start(&broker, no_tls, mqtt_has_tls() ? 1 : 0);
	mqtt = to(&broker);
	mqtt.tls = true;
	mqtt.password = PASSWORD;
	assert_int_equal(mqtt_publish(&mqtt, &err), -1);
	broker_stop(&broker);
	if (mqtt_has_tls()) {
		assert_int_equal(err.kind, ERR_UNREACHABLE);
		assert_int_equal(broker.got.s[0], 0x16);	/* a hello */
	} else {
		assert_int_equal(err.kind, ERR_CONFIG);
		assert_string_equal(err.msg,
		    "this libcurl has no TLS for MQTT (8.19 has it)");
	}
	str_free(&broker.got);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_is_published_once),
		cmocka_unit_test(long_messages_arrive_whole),
		cmocka_unit_test(a_refusal_says_why),
		cmocka_unit_test(what_is_no_broker_is_a_protocol_error),
		cmocka_unit_test(a_broker_that_says_nothing_is_a_timeout),
		cmocka_unit_test(nobody_there_is_unreachable),
		cmocka_unit_test(what_cannot_be_sent_is_not_tried),
		cmocka_unit_test(tls_is_had_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
