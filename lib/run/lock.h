/*
 * lock: one run at a time.
 *
 * A flock on a file: the kernel frees it when the process dies, whatever
 * kills it. The file holds the owner's process id, for messages. Later it
 * holds the ledger of what was stopped, too.
 */
#ifndef LIB_RUN_LOCK_H
#define LIB_RUN_LOCK_H

#include "lib/base/err.h"

struct lock {
	int fd;
};

#define LOCK_NONE { -1 }

/*
 * lock_take: wait for the lock, at most timeout_s.
 *
 * Takes    directory: NULL for /run/vbackup, or $XDG_RUNTIME_DIR/vbackup where
 *          we may not write there; made if missing
 * Fails    ERR_LOCKED (the owner named), ERR_INTERRUPTED, ERR_SYSTEM
 */
MUST_CHECK int lock_take(struct lock *ret, const char *directory,
    double timeout_s, struct err *err);
void lock_release(struct lock *lock);	/* for CLEANUP */

#endif
