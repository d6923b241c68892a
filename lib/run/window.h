/*
 * window: which containers are stopped for a job, and what is read meanwhile.
 * The rules are in plan.h.
 */
#ifndef LIB_RUN_WINDOW_H
#define LIB_RUN_WINDOW_H

#include "lib/run/plan.h"

/* window_choose: fills job->stopped, sorts its sources (the quiesced ones
 * first) and sets n_quiesced. All jobs of the plan have their sources by now:
 * it matters who uses those of other jobs. Fails: ERR_NOMEM. */
MUST_CHECK int window_choose(const struct plan *plan,
    const struct inventory *inventory, struct job *job, struct err *err);

#endif
