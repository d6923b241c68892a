/*
 * inventory: what the Docker Engine has, as far as a run needs to know.
 *
 * Without an Engine (none at the default address and none configured, or
 * docker.host = none) both lists are empty and engine is NULL: a run over
 * directories works. One that is configured and does not answer is an error,
 * and so is one that is there but that we may not speak to.
 */
#ifndef LIB_RUN_INVENTORY_H
#define LIB_RUN_INVENTORY_H

#include "lib/base/err.h"
#include "lib/config/options.h"
#include "lib/docker/engine.h"

struct inventory {
	struct engine *engine;
	struct container_list containers;
	struct volume_list volumes;
};

#define INVENTORY_INIT { NULL, CONTAINER_LIST_INIT, VOLUME_LIST_INIT }

MUST_CHECK int inventory_take(const struct options *options,
    struct inventory *ret, struct err *err);
void inventory_free(struct inventory *inventory);

/* inventory_volume: by name; NULL if there is none. */
const struct volume *inventory_volume(const struct inventory *inventory,
    const char *name);

#endif
