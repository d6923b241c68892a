/*
 * engine_peer: a scripted Engine (peer.h), and what its tests share.
 */
#ifndef TEST_UNIT_ENGINE_PEER_H
#define TEST_UNIT_ENGINE_PEER_H

#include <stdio.h>
#include <string.h>

#include "lib/docker/engine.h"
#include "test/unit/peer.h"

#define PONG(version) { .request = "GET /_ping",			\
    .answer = PEER_ANSWER("200 OK", "Api-Version: " version "\r\n",	\
    "2", "OK") }
#define ID "4f5e6d7c8b9a"

/* An answer that lasts until the connection is closed: no length to count. */
#define ANSWER(status, body)						\
	.answer = "HTTP/1.1 " status "\r\nConnection: close\r\n\r\n" body, \
	.then = PEER_CLOSE
#define OK(body) ANSWER("200 OK", body)
#define GONE ANSWER("404 Not Found", "{\"message\":\"No such container: x\"}")

/* At most n steps; a row of a table ends with an empty one. */
static inline size_t
count_steps(const struct peer_step *steps, size_t n)
{
	size_t i;

	for (i = 0; i < n && steps[i].request != NULL; i++)
		;
	return i;
}

static inline int
open_unix(const struct peer *peer, const char *api_version,
    struct engine **ret, struct err *err)
{
	char host[128];
	const struct engine_settings settings = {
		.host = host, .api_version = api_version
	};

	(void)snprintf(host, sizeof host, "unix://%s", peer->socket_path);
	return engine_open(&settings, ret, err);
}

static inline struct engine *
open_engine(const struct peer *peer)
{
	struct engine *engine = NULL;
	struct err err = ERR_INIT;

	if (open_unix(peer, NULL, &engine, &err) < 0)
		fail_msg("%s", err.msg);
	return engine;
}

static inline void
finish(struct engine *engine, struct peer *peer)
{
	engine_free(engine);
	peer_finish(peer);
	peer_free(peer);
}

static inline void
assert_message(const struct err *err, enum err_kind kind, const char *needle)
{
	if (err->kind != kind || strstr(err->msg, needle) == NULL)
		fail_msg("expected %d '%s', got %d '%s'", (int)kind, needle,
		    (int)err->kind, err->msg);
}

/* ERR_NONE: a success. */
static inline void
assert_outcome(size_t row, int rc, const struct err *err, enum err_kind kind,
    const char *needle)
{
	if (rc != (kind == ERR_NONE ? 0 : -1))
		fail_msg("row %zu: %d, %d '%s'", row, rc, (int)err->kind,
		    err->msg);
	if (rc < 0 && (err->kind != kind || (needle != NULL &&
	    strstr(err->msg, needle) == NULL)))
		fail_msg("row %zu: expected %d '%s', got %d '%s'", row,
		    (int)kind, needle != NULL ? needle : "", (int)err->kind,
		    err->msg);
}

#endif
