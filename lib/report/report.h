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

struct report_job {
	char *name;
	bool stored;		/* there is a new archive in a store */
	struct err err;		/* why not */
	struct strlist problems;	/* what went wrong beside it: exit 3 */
	size_t n_problems;	/* all of them */
	char *archive;		/* where it is, if stored */
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
};

/* report_init: room for n jobs, of these names. */
MUST_CHECK int report_init(struct report *ret, const char *const *names,
    size_t n, struct err *err);
void report_free(struct report *report);

/* report_problem: count it, and name it while there are few. Cannot fail: out
 * of memory, it is only counted. */
void report_problem(struct report_job *job, const char *fmt, ...)
    PRINTF_LIKE(2, 3);

/* report_exit: INTERRUPTED, else FAILED if any job has no archive, else
 * PROBLEMS if there was any, else DONE. */
enum exit_status report_exit(const struct report *report);

#endif
