/*
 * naming: what a job's archive is called and how it is compressed.
 */
#ifndef LIB_RUN_NAMING_H
#define LIB_RUN_NAMING_H

#include <time.h>

#include "lib/run/plan.h"

/* naming_choose: from the job's options and now to its compression, pattern,
 * archive_name, name_has_time, latest and prune_prefix. What is wrong is
 * appended to problems. Fails: ERR_NOMEM only. */
MUST_CHECK int naming_choose(struct job *job, time_t now,
    struct strlist *problems, struct strlist *warnings, struct err *err);

#endif
