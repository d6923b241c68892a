/*
 * report: what happened in a run, as data.
 *
 * Filled as the run goes; the exit status follows from it, and so will
 * whatever tells people (hooks, notifications, metrics).
 */
#ifndef LIB_REPORT_REPORT_H
#define LIB_REPORT_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

/* Problems of a job that are named; the rest is counted. */
#define REPORT_PROBLEMS_NAMED 100

struct report_store {
	char *label;		/* "local '/archive'" */
	bool stored;		/* the new archive is in it */
	struct err err;		/* why not */
	size_t total;		/* candidates that pruning looked at */
	size_t pruned;
	size_t prune_errors;
};

struct report_job {
	char *name;
	bool stored;		/* the new archive is in a store at least */
	struct err err;		/* why not */
	struct report_store *stores;
	size_t n_stores;
	struct strlist problems;	/* what went wrong beside it: exit 3 */
	size_t n_problems;	/* all of them */
	char *archive;		/* where it is, if stored: a path, or an URL */
	uint64_t size_bytes;	/* as stored */
	uint64_t raw_bytes;	/* content of the regular files */
	uint64_t files;
	double seconds;
	double window_s;	/* first stop to last start; 0: nothing stopped */
};

struct report {
	time_t started;
	struct report_job *jobs;
	size_t n_jobs;
	bool interrupted;
	bool at_rest;		/* something was brought to rest, and is not
				 * back at the end of all */
};

/* report_init: room for n jobs, of these names. */
MUST_CHECK int report_init(struct report *ret, const char *const *names,
    size_t n, struct err *err);
void report_free(struct report *report);

/* report_stores: room for n stores of a job. */
MUST_CHECK int report_stores(struct report_job *job, size_t n,
    struct err *err);

/* report_problem: count it, and name it while there are few. Cannot fail: out
 * of memory, it is only counted. */
void report_problem(struct report_job *job, const char *fmt, ...)
    PRINTF_LIKE(2, 3);

/* report_exit: INTERRUPTED, else FAILED if any job has no archive, else
 * PROBLEMS if there was any, else DONE. INTERRUPTED says that everything runs
 * again: where it does not, it is one of the others. */
enum exit_status report_exit(const struct report *report);

#endif
