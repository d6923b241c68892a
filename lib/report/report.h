/*
 * report: what happened in a run, as data.
 *
 *     report_begin, report_jobs once the plan is known, fill, report_end
 *
 * Filled as the run goes. The exit status, `run --json`, notifications, pings,
 * metrics and the journal are all made from it, and from nothing else. A run
 * that failed before its jobs were known (settings, lock, Engine) has a report,
 * too: err says why.
 */
#ifndef LIB_REPORT_REPORT_H
#define LIB_REPORT_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/config/options.h"
#include "lib/report/message.h"

struct filter;

/* Problems of a job that are named; the rest is counted. */
#define REPORT_PROBLEMS_NAMED 100

#define REPORT_ID_BYTES 37	/* a UUID */

struct report_count {		/* of containers, or of services */
	size_t to_stop;		/* that are to be brought to rest */
	size_t stopped;		/* that were */
	size_t errors;		/* that could not be, or did not come back */
};

struct report_store {
	char *label;		/* "local '/archive'" */
	bool stored;		/* the new archive is in it */
	bool verify;		/* it was to be read back, */
	bool verified;		/* and is what it was when it was made */
	struct err err;		/* why it is not stored, or not verified */
	bool pruning;		/* it was looked at for pruning: total counts */
	size_t total;		/* candidates that pruning looked at */
	size_t pruned;
	size_t prune_errors;
};

struct report_job {
	char *name;
	const struct options *options;	/* in the configuration; may be NULL */
	bool stored;		/* the new archive is in a store at least, and
				 * good there, as far as it was verified */
	bool interrupted;	/* a signal kept it from one, or from a store */
	struct err err;		/* why not */
	struct report_store *stores;
	size_t n_stores;
	struct strlist problems;	/* what went wrong beside it: exit 3 */
	size_t n_problems;	/* all of them */
	char *archive;		/* where it is, if stored: a path, or an URL */
	uint64_t size_bytes;	/* as stored */
	uint64_t raw_bytes;	/* content of the regular files */
	uint64_t files;
	time_t started;		/* 0: it was not come to */
	double seconds;
	double window_s;	/* first stop to last start; 0: nothing stopped */
	struct report_count containers;
	struct report_count services;
};

struct report {
	char id[REPORT_ID_BYTES];	/* of this run; systemd's invocation
					 * where there is one */
	char *host;
	time_t started;
	double started_mono_s;
	time_t finished;	/* 0: it still goes on */
	double seconds;
	double lock_wait_s;
	struct err err;		/* why there are no jobs, or not all of them */
	struct strlist settings;	/* problems of settings and labels, one
					 * line each: with err ERR_CONFIG */
	struct strlist warnings;	/* about settings: they change nothing */
	struct report_job *jobs;
	size_t n_jobs;
	size_t n_containers;	/* all that the Engine has */
	size_t n_services;
	bool interrupted;
	bool at_rest;		/* something was brought to rest, and is not
				 * back at the end of all */
	struct filter *filter;	/* that all texts have passed, and later ones
				 * will; borrowed; NULL: none */
	struct strlist untold;	/* hooks that failed: exit 3 */
	bool untold_unnamed;	/* one more, without memory for its text */
	struct strlist log;	/* its lines, from the first; see log_keep */
};

/* report_begin: starts the clock, gives it an id. */
MUST_CHECK int report_begin(struct report *ret, struct err *err);
void report_free(struct report *report);

/* report_jobs: room for n jobs, of these names. */
MUST_CHECK int report_jobs(struct report *report, const char *const *names,
    size_t n, struct err *err);

/* report_stores: room for n stores of a job. */
MUST_CHECK int report_stores(struct report_job *job, size_t n,
    struct err *err);

/* report_store_is_good: the new archive is in it, and nothing is known to be
 * wrong with it. */
bool report_store_is_good(const struct report_store *store);

/* report_problem: count it, and name it while there are few. Cannot fail: out
 * of memory, it is only counted. */
void report_problem(struct report_job *job, const char *fmt, ...)
    PRINTF_LIKE(2, 3);

/* report_conceal: forget every text that tells what went wrong, and the log;
 * not that it did. */
void report_conceal(struct report *report);

/* report_end: stops the clock. */
void report_end(struct report *report);

/* report_exit: INTERRUPTED, else what err leads to, else FAILED if any job has
 * no archive, else PROBLEMS if there was any, else DONE. INTERRUPTED says that
 * everything runs again: where it does not, it is one of the others. */
enum exit_status report_exit(const struct report *report);

/* report_outcome: of DONE, of PROBLEMS, of all else. */
enum outcome report_outcome(const struct report *report);
const char *outcome_name(enum outcome outcome);	/* "success", "problems",
						 * "failure" */

/* report_error: the first reason why the run failed, or why it has problems;
 * NULL if it has none. Borrowed. */
const char *report_error(const struct report *report);

#endif
