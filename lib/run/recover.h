/*
 * recover: bring back what a run that died had brought to rest.
 */
#ifndef LIB_RUN_RECOVER_H
#define LIB_RUN_RECOVER_H

#include <stddef.h>

#include "lib/base/err.h"
#include "lib/config/config.h"
#include "lib/run/lock.h"

/* recover_settle: settle the ledger behind the lock, if it has entries. The
 * Engine is asked only then, and for resume_retry, until it answers.
 * Gives    *ret_n: entries that there were
 * Fails    something is not back; the ledger stays */
MUST_CHECK int recover_settle(const struct options *options,
    const struct lock *lock, size_t *ret_n, struct err *err);

/*
 * recover_run: the whole of `vbackup recover`. Waits for the lock no longer
 * than a guardian may have it, and not at all longer than lock.timeout.
 * Fails    ERR_LOCKED a run holds it, which brings back by itself; else as
 *          recover_settle
 */
MUST_CHECK int recover_run(const struct config *config, size_t *ret_n,
    struct err *err);

#endif
