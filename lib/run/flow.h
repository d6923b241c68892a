/*
 * flow: lines up the stages of one job, and runs them.
 *
 *     pack ─> [compress] ─> [seal] ─> spool     one thread each, channels
 *                                                  between
 *
 * Adding a stage is one more line in flow.c. The calling thread only waits,
 * shows how far it is, and opens and ends windows: so that containers start
 * as soon as the last byte of their data has been read, also when a later
 * stage is slow, when a read hangs, or when a signal came.
 */
#ifndef LIB_RUN_FLOW_H
#define LIB_RUN_FLOW_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/stream/compress.h"
#include "lib/stream/overflow.h"
#include "lib/stream/pack.h"
#include "lib/stream/pack_tar.h"
#include "lib/stream/seal.h"
#include "lib/stream/spool.h"

struct flow_source {
	struct pack_source pack;
	pack_tar_fetch_fn *fetch;	/* it comes as a tar stream; NULL: from
					 * its path */
	void *cookie;
};

struct flow_settings {
	const struct flow_source *sources;
	size_t n_sources;
	const size_t *windows;	/* how many sources each window has: the first
				 * of them, one window after the other */
	size_t n_windows;
	uint64_t raw_bytes;	/* that will be read, about: for the meter; 0:
				 * not known */
	struct pack_settings pack;	/* its progress is set by flow */
	struct compress_settings compress;
	struct seal *seal;	/* NULL: not encrypted */
	struct spool *spool;	/* its end is known to the caller only; but a
				 * flow that fails ends it, as no archive */
	/* Takes what is read in the window faster than it is compressed; the
	 * stages that follow then run at a lower priority (nice 10). NULL:
	 * reading waits for them. */
	struct overflow *overflow;
	/* On flow_run's thread. Before the first source of a window is read:
	 * bring to rest who uses it; -1 ends the flow. When the last one has
	 * been read, or nothing more will be: exactly once for each window
	 * that open was called for, whatever it returned. */
	int (*window_open)(void *cookie, size_t window, struct err *err);
	void (*window_over)(void *cookie, size_t window);
	void *cookie;
};

struct flow_result {
	struct pack_result *sources;	/* n_sources; flow_result_free */
	struct pack_result total;
	struct spool_result stored;
};

#define FLOW_RESULT_INIT { NULL, { 0 }, { 0, "" } }

/* flow_run: all stages to their end.
 * Fails    the first stage's error that is not ERR_STREAM */
MUST_CHECK int flow_run(const struct flow_settings *settings,
    struct flow_result *ret, struct err *err);
void flow_result_free(struct flow_result *result);	/* for CLEANUP */

#endif
