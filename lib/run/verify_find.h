/*
 * verify_find: which archives are where. For verify.c.
 *
 *     verify_find, look, verify_found_free
 *
 * A listing of every store of every job, and the metadata of what was chosen.
 * Stores that several jobs have are opened and listed once.
 */
#ifndef LIB_RUN_VERIFY_FIND_H
#define LIB_RUN_VERIFY_FIND_H

#include "lib/run/verify.h"
#include "lib/store/metadata.h"
#include "lib/store/store.h"

struct verify_place {
	char *place;
	struct store *store;	/* NULL: it could not be opened */
	struct store_list list;
	struct err err;		/* why it cannot be listed */
};

struct verify_target {
	char *name;
	struct store *store;	/* borrowed */
	const struct options *options;	/* of the job */
	uint64_t bytes;		/* as listed */
	bool is_missing;	/* only its metadata is there */
	bool has_metadata;
	time_t made;
	struct metadata_parsed metadata;
	struct err err;		/* why there is metadata and cannot be read */
};

struct verify_found {
	struct verify_place *places;
	size_t n_places;
	struct verify_target **v;	/* by job, by name, by store */
	size_t n;
	struct strlist problems;	/* stores that are not there at all */
};

#define VERIFY_FOUND_INIT { NULL, 0, NULL, 0, STRLIST_INIT }

MUST_CHECK int verify_find(const struct config *config,
    const struct verify_settings *settings, struct verify_found *ret,
    struct err *err);
void verify_found_free(struct verify_found *found);	/* for CLEANUP */

#endif
