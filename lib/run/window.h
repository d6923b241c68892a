/*
 * window: the windows of a job, at work.
 *
 *     windows_init
 *     for each: windows_begin, read if it is 0, windows_end on every path
 *     windows_free
 *
 * What is about to be brought to rest stands in the ledger before it is; when
 * all of it is back, and nothing else is owed, the ledger is cleared. What is
 * not back stays there, and only that: the end of the run, the next one, or
 * `vbackup recover` goes on.
 */
#ifndef LIB_RUN_WINDOW_H
#define LIB_RUN_WINDOW_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/docker/quiesce.h"
#include "lib/report/report.h"
#include "lib/run/inventory.h"
#include "lib/run/lock.h"
#include "lib/run/plan.h"
#include "lib/run/teller.h"

struct windows {
	const struct job *job;
	struct engine *engine;		/* borrowed */
	const struct lock *lock;
	bool *owed;			/* of the whole run: something is not
					 * back, here or before */
	const struct teller *teller;
	struct quiesce *v;		/* one for each window of the job */
	size_t n;
	double window_s;		/* sum of those that are over */
};

#define WINDOWS_INIT { .n = 0 }

/* windows_init: everything is borrowed until windows_free. Touches nothing. */
MUST_CHECK int windows_init(struct windows *ret, const struct job *job,
    const struct inventory *inventory, const struct lock *lock, bool *owed,
    const struct teller *teller, struct err *err);
void windows_free(struct windows *windows);	/* for CLEANUP */

/* windows_begin: bring everybody of window i to rest. Fails: as quiesce_begin.
 * windows_end: bring them back; who does not come back is told. */
MUST_CHECK int windows_begin(struct windows *windows, size_t i,
    struct err *err);
void windows_end(struct windows *windows, size_t i);

/* windows_count: how many were brought to rest, and how many could not be, or
 * did not come back. */
void windows_count(const struct windows *windows,
    struct report_count *ret_containers, struct report_count *ret_services);

#endif
