/*
 * engine_json_swarm: the Engine's answers about a Swarm, from JSON to types;
 * as engine_json.h.
 */
#ifndef LIB_DOCKER_ENGINE_JSON_SWARM_H
#define LIB_DOCKER_ENGINE_JSON_SWARM_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/docker/engine_swarm.h"
#include "lib/docker/engine_tasks.h"

/* GET /info: a manager of a Swarm that is active? */
MUST_CHECK int engine_json_manager(const char *body, size_t len, bool *ret,
    struct err *err);

/* GET /services; sorted by name. */
MUST_CHECK int engine_json_services(const char *body, size_t len,
    struct service_list *ret, struct err *err);

/* GET /tasks; as they come. */
MUST_CHECK int engine_json_tasks(const char *body, size_t len,
    struct task_list *ret, struct err *err);

/* GET /nodes: the identifiers of those that are down; appended to *ret. */
MUST_CHECK int engine_json_down_nodes(const char *body, size_t len,
    struct strlist *ret, struct err *err);

#endif
