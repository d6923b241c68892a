/*
 * What is no service of somebody's: any web hook, the program's own log, a
 * broker.
 */
#include <string.h>

#include "lib/base/intr.h"
#include "lib/base/lines.h"
#include "lib/base/log.h"
#include "lib/base/mqtt.h"
#include "lib/report/service_generic.h"
#include "lib/report/service_parts.h"

/* --- logger -------------------------------------------------------------- */

static void
log_line(void *cookie, const char *line)
{
	(void)cookie;
	log_info("%s", line);
}

static int
logger_send(const struct service_target *target,
    const struct message *message, struct courier *courier, struct err *err)
{
	struct lines lines = { .line = log_line };

	(void)target;
	(void)courier;
	(void)err;
	lines_add(&lines, message->title, strlen(message->title));
	lines_end(&lines);
	lines_add(&lines, message->body, strlen(message->body));
	lines_end(&lines);
	return 0;
}

/* --- mqtt ---------------------------------------------------------------- */

#define MQTT_PORT 1883
#define MQTTS_PORT 8883
#define MQTT_BODY_BYTES 131072	/* the least that a well-known broker takes */
#define MQTT_TRIES 3
#define MQTT_CALL_S 10.0	/* nothing ends one before */

/* Every name that such URLs have for a QoS; the first three are 0. */
static const char *const mqtt_qos[] = {
	"0", "AtMostOnce", "at_most_once", "1", "AtLeastOnce",
	"at_least_once", "2", "ExactlyOnce", "exactly_once", NULL
};
static const struct service_key mqtt_keys[] = {
	{ .name = "clientid" },
	{ .name = "qos", .type = KEY_CHOICE, .def = "0",
	  .choices = mqtt_qos },
	{ .name = "retained", .type = KEY_BOOL, .def = "no" },
	{ .name = "cleansession", .type = KEY_BOOL, .def = "yes" },
	{ .name = "disabletls", .type = KEY_BOOL, .def = "no" },
	{ .name = "disabletlsverification", .type = KEY_BOOL, .def = "no" },
	{ .name = NULL }
};

static bool
mqtt_uses_tls(const struct service_target *target)
{
	return strcmp(target->url.scheme, "mqtts") == 0 &&
	    !service_is(target, "disabletls");
}

/* What would be another message than was asked for is refused. */
static int
mqtt_check_keys(const struct service_target *target, struct err *err)
{
	const char *qos = service_get(target, "qos");
	size_t i;

	for (i = 0; i < 3; i++)
		if (qos == NULL || strcmp(qos, mqtt_qos[i]) == 0)
			break;
	if (i == 3)
		return err_set(err, ERR_CONFIG,
		    "'qos' can only be 0: messages are sent once");
	if (service_is(target, "retained"))
		return err_set(err, ERR_CONFIG,
		    "'retained' cannot be had: messages are sent without");
	if (service_get(target, "clientid") != NULL)
		return err_set(err, ERR_CONFIG,
		    "'clientid' cannot be had: its name is made by libcurl");
	return 0;
}

static int
mqtt_check(struct service_target *target, struct err *err)
{
	const char *path = target->url.path;

	if (*target->url.host == '\0' || *path == '\0' || path[1] == '\0')
		return err_set(err, ERR_CONFIG, "the host or the topic is "
		    "missing (mqtt://HOST/TOPIC)");
	if (strpbrk(path, "+#") != NULL)
		return err_set(err, ERR_CONFIG,
		    "a topic to publish to has no '+' and no '#' in it");
	if (mqtt_uses_tls(target) && !mqtt_has_tls())
		return err_set(err, ERR_CONFIG,
		    "this libcurl has no TLS for MQTT (8.19 has it)");
	return mqtt_check_keys(target, err);
}

static unsigned
mqtt_port(const struct service_target *target)
{
	if (target->url.port != 0)
		return target->url.port;
	return strcmp(target->url.scheme, "mqtts") == 0 ? MQTTS_PORT :
	    MQTT_PORT;
}

/* Until there is no time left, or a signal came. */
static int
mqtt_try(struct mqtt *mqtt, struct courier *courier, struct err *err)
{
	double pause_s = 1;
	int i;

	for (i = 1;; i++, pause_s *= 2) {
		double left_s = courier_left_s(courier);

		mqtt->timeout_s = left_s < MQTT_CALL_S ? left_s : MQTT_CALL_S;
		if (mqtt_publish(mqtt, err) == 0)
			return 0;
		if ((err->kind != ERR_UNREACHABLE &&
		    err->kind != ERR_TIMEOUT) || i == MQTT_TRIES ||
		    courier_left_s(courier) < pause_s || intr_sleep(pause_s))
			return -1;
	}
}

static int
mqtt_send(const struct service_target *target, const struct message *message,
    struct courier *courier, struct err *err)
{
	const struct service_url *url = &target->url;
	CLEANUP(cleanup_free) char *text = NULL;
	struct mqtt mqtt = {
		.host = url->host, .port = mqtt_port(target),
		.tls = mqtt_uses_tls(target),
		.insecure = service_is(target, "disabletlsverification"),
		.ca_more = courier->ca_more, .user = url->user,
		.password = url->password, .topic = url->path + 1
	};

	if (message_whole(message, "\n\n", MQTT_BODY_BYTES, MESSAGE_BYTES,
	    &text, err) < 0)
		return -1;
	mqtt.payload = text;
	mqtt.payload_len = strlen(text);
	return mqtt_try(&mqtt, courier, err);
}

const struct service service_plain[] = {
	{ .scheme = "generic", .keys = generic_keys,
	  .flags = SERVICE_ANY_KEYS | SERVICE_PLUS, .check = generic_check,
	  .send = generic_send },
	{ .scheme = "logger", .flags = SERVICE_ANY_KEYS,
	  .send = logger_send },
	{ .scheme = "mqtt", .also = "mqtts", .keys = mqtt_keys,
	  .check = mqtt_check, .send = mqtt_send },
	{ .scheme = NULL }
};
