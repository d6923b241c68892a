/*
 * broker: a scripted MQTT broker for one connection.
 *
 *     broker_start(&broker), broker_next(...)..., calls of the code under test,
 *     broker_stop(&broker)
 *
 * A thread serves one connection after the other, each as the next step says,
 * and keeps all bytes that came. A struct broker must be static: a test that
 * fails leaves its thread behind.
 */
#ifndef TEST_UNIT_BROKER_H
#define TEST_UNIT_BROKER_H

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/base/str.h"

struct broker_step {
	const char *answer;	/* to CONNECT; NULL: none */
	size_t answer_len;
	bool stall;		/* then say nothing until the client goes; else
				 * without an answer the connection is closed */
};

#define BROKER_YES { "\x20\x02\x00\x00", 4, false }
#define BROKER_NO(code) { "\x20\x02\x00" code, 4, false }

struct broker {
	int listener;
	unsigned port;		/* on 127.0.0.1 */
	const struct broker_step *steps;
	size_t n_steps;
	atomic_size_t served;	/* connections */
	atomic_bool stop;
	struct str got;		/* all bytes, of all connections */
	pthread_t thread;
};

void broker_start(struct broker *broker, const struct broker_step *steps,
    size_t n);
/* broker_stop: fails the test unless each step was served. Then got can be
 * looked at, and is to be freed. */
void broker_stop(struct broker *broker);

/* broker_published: *ret: the payload of the one PUBLISH, with QoS 0 and not
 * retained, in got, that must be whole and sound: CONNECT with this user and
 * password (NULL: none), PUBLISH of this topic, DISCONNECT. Caller frees. */
void broker_published(const struct broker *broker, const char *user,
    const char *password, const char *topic, char **ret, size_t *ret_n);

#endif
