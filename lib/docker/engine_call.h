/*
 * engine_call: how the Engine is asked. Private to lib/docker/engine*.c.
 *
 * An answer of any status is a success of engine_call: engine_refused makes
 * the error of one that says no.
 */
#ifndef LIB_DOCKER_ENGINE_CALL_H
#define LIB_DOCKER_ENGINE_CALL_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/http.h"
#include "lib/docker/engine.h"

#define ENGINE_ANSWER_S 60.0

struct engine {
	struct http *http;
	char version[16];	/* of the API, that we speak */
	char newest[16];	/* that the Engine can speak, if it said so */
	bool version_given;
};

struct engine_endpoint {
	const char *method;
	const char *before;	/* of the path: "/containers/" */
	const char *id;		/* one segment between them; NULL: none */
	const char *after;	/* with its query, escaped: "/stop?t=3" */
	bool newest;		/* not by our version of the API, but by the
				 * Engine's newest: only with that one does it
				 * tell, and keep, all that it knows */
};

/* engine_call: request has what method and path do not say (deadlines, body).
 * Fails    as http_call, naming the endpoint; an error of the request's own
 *          callbacks comes out as it is */
MUST_CHECK int engine_call(struct engine *engine,
    const struct engine_endpoint *endpoint, const struct http_request *request,
    struct http_response *ret, struct err *err);

/* engine_get: GET of something; 200 is the only success. An interruptible one
 * is ended by a signal: not for what brings something back. */
MUST_CHECK int engine_get(struct engine *engine,
    const struct engine_endpoint *endpoint, bool interruptible,
    struct http_response *ret, struct err *err);

/* engine_post: POST of a body (or NULL); any 2xx, and 304, are successes. */
MUST_CHECK int engine_post(struct engine *engine,
    const struct engine_endpoint *endpoint, const char *body,
    struct http_response *ret, struct err *err);

/* engine_refused: the error that an answer is, with the Engine's own words. */
int engine_refused(const struct engine_endpoint *endpoint,
    const struct http_response *response, struct err *err);

/* engine_refused_path: the same, of a path in a container: of that there are
 * more ways to say that it is not there. */
int engine_refused_path(const struct engine_endpoint *endpoint,
    const struct http_response *response, struct err *err);

/* engine_wait: sleep; a signal does not end it. */
void engine_wait(double seconds);

/* engine_mounts_free: n of them, and their array. */
void engine_mounts_free(struct mount *mounts, size_t n);

#endif
