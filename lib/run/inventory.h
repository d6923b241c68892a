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
#include "lib/docker/engine_swarm.h"

struct inventory {
	struct engine *engine;
	struct container_list containers;
	struct volume_list volumes;
	struct service_list services;	/* if it is a manager of a Swarm */
	const char *own;	/* id, in containers, of the one that vbackup
				 * itself runs in; NULL: in none */
	struct engine_settings docker;	/* for more connections; borrows from
					 * the options */
};

#define INVENTORY_INIT { .engine = NULL }

/* inventory_docker: what engine_open needs. */
struct engine_settings inventory_docker(const struct options *options);

MUST_CHECK int inventory_take(const struct options *options,
    struct inventory *ret, struct err *err);
void inventory_free(struct inventory *inventory);

/* inventory_volume: by name; NULL if there is none. */
const struct volume *inventory_volume(const struct inventory *inventory,
    const char *name);

#endif
