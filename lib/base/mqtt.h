/*
 * mqtt: one message to one topic, by libcurl: MQTT 3.1.1, QoS 0. With TLS only
 * where libcurl has it.
 */
#ifndef LIB_BASE_MQTT_H
#define LIB_BASE_MQTT_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"

struct mqtt {			/* everything borrowed */
	const char *host;
	unsigned port;
	bool tls;
	bool insecure;
	const char *ca_more;
	const char *user;	/* NULL: none */
	const char *password;
	const char *topic;
	const char *payload;
	size_t payload_len;
	double timeout_s;
};

bool mqtt_has_tls(void);

/* Fails: ERR_UNREACHABLE, ERR_UNTRUSTED, ERR_TIMEOUT, ERR_REFUSED,
 * ERR_PROTOCOL. */
MUST_CHECK int mqtt_publish(const struct mqtt *mqtt, struct err *err);

#endif
