/*
 * reading: from the commands before it to the last byte in the spool.
 *
 *     archive-pre, process-pre ─> copies ─> windows ─> stream
 *                                 ─> archive-post, process-post
 *
 * With staging the windows are over before the stream begins, without it they
 * are a part of it. When the last one is over, or at once where there is none,
 * copy-pre is run, and then the stores may read.
 */
#ifndef LIB_RUN_READING_H
#define LIB_RUN_READING_H

#include <stdint.h>

#include "lib/base/err.h"
#include "lib/run/flow.h"
#include "lib/run/work.h"

/* reading_run: what was at rest runs again when it returns, or that is told.
 * The stores are at work, and to be finished, if 0 is returned or not. */
MUST_CHECK int reading_run(struct work *work, uint64_t raw_bytes,
    struct flow_result *ret, struct err *err);

#endif
