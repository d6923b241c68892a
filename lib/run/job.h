/*
 * job: one job of a run, from the check of its store to the archive in it.
 */
#ifndef LIB_RUN_JOB_H
#define LIB_RUN_JOB_H

#include <stdbool.h>

#include "lib/report/filter.h"
#include "lib/report/report.h"
#include "lib/run/inventory.h"
#include "lib/run/lock.h"
#include "lib/run/plan.h"

struct run_context {		/* what all jobs of a run share; borrowed */
	const struct inventory *inventory;
	const struct lock *lock;
	bool *owed;		/* see window.h */
	const struct strlist *left_out;	/* directories of all stores, which
					 * are never packed */
	struct filter *filter;	/* of what leaves the host */
};

/*
 * job_run: back one job up. What was stopped runs again when it returns, or
 * the report says which does not.
 *
 * Takes    ret: its place in the report
 * Gives    ret->stored and the figures; or ret->err says why not
 */
void job_run(struct job *job, const struct run_context *run,
    struct report_job *ret);

#endif
