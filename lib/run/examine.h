/*
 * examine: reads one archive in one store to its end, and compares it with what
 * is said of it. For verify and for run.
 */
#ifndef LIB_RUN_EXAMINE_H
#define LIB_RUN_EXAMINE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/config/options.h"
#include "lib/run/opening.h"
#include "lib/store/metadata.h"
#include "lib/store/store.h"

struct examine_settings {	/* everything borrowed */
	struct store *store;
	const char *name;
	uint64_t bytes;		/* that it should have: for the status line */
	const struct metadata *metadata;	/* what is missing in it is not
						 * compared */
	bool deep;		/* also decrypt, decompress and walk it */
	const struct options *options;	/* that say how to decrypt it */
	struct openings *openings;
};

struct examine_result {
	uint64_t bytes;		/* that were read */
	uint64_t members;	/* of the tar, if deep */
};

/* examine_archive. Gives *ret as far as it was read to its end, also if it is
 * not good. Fails: ERR_SOURCE it is damaged, or another one; as store_get,
 * openings_find and unseal_stage */
MUST_CHECK int examine_archive(const struct examine_settings *settings,
    struct examine_result *ret, struct err *err);

#endif
