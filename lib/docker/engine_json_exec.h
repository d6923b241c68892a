/*
 * engine_json_exec: commands in containers, to JSON and from it; as
 * engine_json.h.
 */
#ifndef LIB_DOCKER_ENGINE_JSON_EXEC_H
#define LIB_DOCKER_ENGINE_JSON_EXEC_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/docker/engine_exec.h"

/* The body of POST /containers/ID/exec; caller frees. */
MUST_CHECK int engine_json_exec_request(const struct engine_exec *exec,
    char **ret, struct err *err);

struct exec_state {
	bool running;
	bool ended;		/* status is known */
	int status;
	bool began;		/* there was a process, as far as can be told */
};

/* GET /exec/ID/json. */
MUST_CHECK int engine_json_exec_state(const char *body, size_t len,
    struct exec_state *ret, struct err *err);

#endif
