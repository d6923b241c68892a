/*
 * engine_json: the Engine's answers, from JSON to types: containers and
 * volumes. Only for engine*.c and the tests. Its neighbours engine_json_*.h
 * have the same manners.
 *
 * Whatever the bytes are, the result is a complete value or ERR_PROTOCOL that
 * names the endpoint and the field. body is NUL-terminated, len without it.
 */
#ifndef LIB_DOCKER_ENGINE_JSON_H
#define LIB_DOCKER_ENGINE_JSON_H

#include <stddef.h>

#include "lib/base/err.h"
#include "lib/docker/engine.h"

/* GET /containers/json; sorted by name. */
MUST_CHECK int engine_json_containers(const char *body, size_t len,
    struct container_list *ret, struct err *err);

/* GET /volumes; sorted by name. */
MUST_CHECK int engine_json_volumes(const char *body, size_t len,
    struct volume_list *ret, struct err *err);

/* One volume; endpoint is for messages. */
MUST_CHECK int engine_json_volume(const char *body, size_t len,
    const char *endpoint, struct volume *ret, struct err *err);

/* GET /containers/ID/json: the seconds that its stop may take; negative: it
 * may take for ever. */
MUST_CHECK int engine_json_stop_timeout(const char *body, size_t len,
    double *ret_s, struct err *err);

/* GET /containers/ID/json. */
MUST_CHECK int engine_json_state(const char *body, size_t len,
    struct container_state *ret, struct err *err);

/* {"name":["value"]}, percent-encoded: what a list's parameter "filters" takes.
 * Caller frees. */
MUST_CHECK int engine_json_filter(const char *name, const char *value,
    char **ret, struct err *err);

/* The "Id" of what was made; caller frees. */
MUST_CHECK int engine_json_id(const char *body, size_t len,
    const char *endpoint, char **ret, struct err *err);

#define ENGINE_JSON_MESSAGE_BYTES 512

/* The text of an error's answer: its "message", else its first line, else "no
 * message". Cut if it is long. */
void engine_json_message(const char *body, size_t len,
    char ret[ENGINE_JSON_MESSAGE_BYTES]);

#endif
