/*
 * retention: which old archives a job keeps, from its options.
 */
#ifndef LIB_RUN_RETENTION_H
#define LIB_RUN_RETENTION_H

#include "lib/run/plan.h"

/* retention_choose: from the job's options to its retain. A keep that cannot
 * be, and a kind of store to skip that nobody knows, is appended to problems.
 * Fails: ERR_NOMEM only. */
MUST_CHECK int retention_choose(struct job *job, struct strlist *problems,
    struct err *err);

#endif
