/*
 * engine_json_helper: images, and containers that we make; as engine_json.h.
 */
#ifndef LIB_DOCKER_ENGINE_JSON_HELPER_H
#define LIB_DOCKER_ENGINE_JSON_HELPER_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

/* GET /images/json: the identifier of the smallest; caller frees. Fails:
 * ERR_NOTFOUND there is none. */
MUST_CHECK int engine_json_smallest(const char *body, size_t len, char **ret,
    struct err *err);

/* GET /images/ID/json: where containers of it have volumes of their own;
 * appended to *ret. */
MUST_CHECK int engine_json_image_volumes(const char *body, size_t len,
    struct strlist *ret, struct err *err);

/* The body of POST /containers/create for a helper; caller frees. masked:
 * where nothing but an empty directory shall be. */
MUST_CHECK int engine_json_helper_request(const char *image,
    const char *volume, const char *owner, bool writable,
    const struct strlist *masked, char **ret, struct err *err);

#endif
