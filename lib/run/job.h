/*
 * job: one job of a run, from the check of its store to the archive in it.
 */
#ifndef LIB_RUN_JOB_H
#define LIB_RUN_JOB_H

#include <time.h>

#include "lib/report/report.h"
#include "lib/run/plan.h"

/*
 * job_run: back one job up. What was stopped runs again when it returns, or
 * the report says which does not.
 *
 * Takes    job and inventory, borrowed; left_out: directories of all stores of
 *          the run, which are never packed; ret: its place in the report
 * Gives    ret->stored and the figures; or ret->err says why not
 */
void job_run(const struct job *job, const struct inventory *inventory,
    const struct strlist *left_out, struct report_job *ret);

#endif
