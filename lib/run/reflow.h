/*
 * reflow: an archive on its way back, as flow is its way there.
 *
 *     store ─> [unseal] ─> [decompress] ─> sink     one thread each, channels
 *                                                      between
 *
 * The calling thread gets the bytes out of the store, counts and hashes them,
 * and shows how far it is. Nothing is written to a disk, and what is held is
 * bounded. What the sink saw counts only if reflow_run returns 0.
 */
#ifndef LIB_RUN_REFLOW_H
#define LIB_RUN_REFLOW_H

#include <stdint.h>

#include "lib/base/digest.h"
#include "lib/base/err.h"
#include "lib/store/store.h"
#include "lib/stream/chan.h"
#include "lib/stream/decompress.h"
#include "lib/stream/progress.h"
#include "lib/stream/unseal.h"

struct reflow_settings {
	struct store *store;
	const char *name;
	uint64_t bytes;			/* that it should have: for the meter */
	const struct progress *progress;	/* its members are what the
						 * sink is done with: for the
						 * meter; NULL: not counted */
	struct unseal *unseal;		/* NULL: it is not encrypted */
	struct decompress_settings decompress;
	/* Reads the tar from in to its end, in blocks that suit tar_reader; on
	 * a thread of its own. NULL: the bytes as they are stored are read, and
	 * that is all. */
	int (*sink)(void *cookie, struct chan *in, struct err *err);
	void *cookie;
};

struct reflow_result {		/* of the stored bytes */
	uint64_t bytes;
	char sha256[DIGEST_HEX_BYTES];
};

/* reflow_run. Fails: the first stage's error that is not ERR_STREAM */
MUST_CHECK int reflow_run(const struct reflow_settings *settings,
    struct reflow_result *ret, struct err *err);

#endif
