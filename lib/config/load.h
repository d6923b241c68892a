/*
 * load: what config_load has collected so far.
 *
 * Jobs and named stores are layers until all files and the environment have
 * been read, because they go over the base, which is complete only then.
 */
#ifndef LIB_CONFIG_LOAD_H
#define LIB_CONFIG_LOAD_H

#include <stddef.h>

#include "lib/base/err.h"
#include "lib/config/config.h"
#include "lib/config/layer.h"

/* Of a whole configuration file. */
#define LOAD_FILE_BYTES ((size_t)4 << 20)

struct load_part {		/* [KIND NAME] */
	struct load_part *next;
	const char *kind;	/* "job", "archive", "s3" */
	char *name;
	char *where;
	struct layer layer;
};

struct load_parts {		/* in the order they were found */
	struct load_part *first;
	struct load_part *last;
};

struct load {
	struct config *config;	/* problems and warnings go there */
	char *const *environment;
	struct layer base;	/* the plain sections of vbackup.conf */
	struct layer variables;	/* the environment */
	struct load_parts jobs;
	struct load_parts stores;
};

/* load_job: a new job's layer in *ret, borrowed; NULL when the name was not
 * good or was there before, which is a problem. */
MUST_CHECK int load_job(struct load *load, const char *name, const char *where,
    struct layer **ret, struct err *err);

/* load_store: the same for a store; kind is one of load_store_kind's. */
MUST_CHECK int load_store(struct load *load, const char *kind,
    const char *name, const char *where, struct layer **ret, struct err *err);

/* load_store_kind: the static text of a section that stores can be named in,
 * or NULL. */
const char *load_store_kind(const char *section);

/* load_free: everything but load->config. */
void load_free(struct load *load);

#endif
