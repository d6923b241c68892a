/*
 * engine_json_volume: volumes that we make; as engine_json.h.
 */
#ifndef LIB_DOCKER_ENGINE_JSON_VOLUME_H
#define LIB_DOCKER_ENGINE_JSON_VOLUME_H

#include "lib/base/err.h"
#include "lib/docker/engine_volume.h"

/* The body of POST /volumes/create; caller frees. */
MUST_CHECK int engine_json_volume_request(
    const struct engine_volume_wanted *wanted, char **ret, struct err *err);

#endif
