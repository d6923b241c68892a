/*
 * opening: what it takes to read an archive: what decrypts it, what
 * decompresses it, and whether it is what its metadata says. For verify and
 * restore.
 *
 *     openings_can        before anything is read
 *     openings_find, opening_decompression: for reflow
 *     opening_compare     afterwards
 *     openings_free
 */
#ifndef LIB_RUN_OPENING_H
#define LIB_RUN_OPENING_H

#include <stddef.h>

#include "lib/base/err.h"
#include "lib/config/options.h"
#include "lib/run/reflow.h"
#include "lib/store/metadata.h"
#include "lib/stream/decompress.h"
#include "lib/stream/unseal.h"

struct opening;

/* Archives of jobs that have the same settings share one. */
struct openings {
	struct opening *v;
	size_t n;
};

#define OPENINGS_INIT { NULL, 0 }

void openings_free(struct openings *openings);	/* for CLEANUP */

/* openings_find: what decrypts by these options (borrowed until openings_free,
 * and so is *ret). Fails: as unseal_new */
MUST_CHECK int openings_find(struct openings *openings,
    const struct options *options, struct unseal **ret, struct err *err);

/* openings_can: will these options open it? Fails: as unseal_new, unseal_can */
MUST_CHECK int openings_can(struct openings *openings,
    const struct options *options, const char *name,
    const struct metadata *metadata, struct err *err);

/* opening_encryption: as its metadata says, else its name. NULL: it is not
 * encrypted; "": somehow. */
const char *opening_encryption(const char *name,
    const struct metadata *metadata);

/* opening_decompression: as metadata or name tell; else what it looks like. */
struct decompress_settings opening_decompression(const char *name,
    const struct metadata *metadata);

/* opening_compare: what was read with what metadata says, where it does. Fails:
 * ERR_SOURCE */
MUST_CHECK int opening_compare(const struct metadata *metadata,
    const struct reflow_result *read, struct err *err);

/* opening_compare_size: the same by what a store says, before anything is
 * read. */
MUST_CHECK int opening_compare_size(const struct metadata *metadata,
    uint64_t bytes, struct err *err);

/* opening_blame: store (its label) and archive before a message, each unless it
 * is in there; returns -1. */
int opening_blame(const char *label, const char *name, struct err *err);

#endif
