/*
 * targets: who is brought to rest for a job, and what is read meanwhile. The
 * rules are in plan.h. Asks the Engine about containers that would be stopped,
 * and touches nothing.
 */
#ifndef LIB_RUN_TARGETS_H
#define LIB_RUN_TARGETS_H

#include "lib/run/plan.h"

/*
 * targets_choose: fills job->windows, and sorts its sources: those of each
 * window first. All jobs of the plan have their sources by now: it matters who
 * uses those of other jobs.
 *
 * Gives    problems: labels that contradict each other or say nothing that can
 *          be; a container that a stop would remove (--rm); a service that
 *          cannot be brought to rest. warnings: our own container, left alone
 * Fails    ERR_NOMEM, or the Engine does not answer
 */
MUST_CHECK int targets_choose(const struct plan *plan,
    const struct inventory *inventory, struct job *job,
    struct strlist *problems, struct strlist *warnings, struct err *err);

/* targets_concern: is it one that the job has to do with: by the sources it
 * uses, or else by its project? */
bool targets_concern(const struct plan *plan, const struct job *job,
    const struct container *container);

/* targets_stop: is it, by this job, not running for some time: stopped itself,
 * or a task of a service that is emptied? */
bool targets_stop(const struct job *job, const struct container *container);

/* targets_free: what targets_choose has filled. */
void targets_free(struct job *job);

#endif
