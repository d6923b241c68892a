/*
 * lock: one run at a time.
 *
 * A flock on a file: the kernel frees it when the process dies, whatever
 * kills it (and its guardian, which holds it too: guardian.h). The file's
 * first line is the owner's process id, for messages; what is behind it is the
 * ledger of what was stopped (ledger.h), and whoever takes the lock finds what
 * the one before left there: only the first line is rewritten, in place, by
 * one write of the line's own length.
 */
#ifndef LIB_RUN_LOCK_H
#define LIB_RUN_LOCK_H

#include "lib/base/err.h"

/* The first line: the process id, blanks, a newline. A line of another length
 * that has entries behind it (it was written by hand, or by another version)
 * keeps its length; an id that does not fit into it is left out. */
#define LOCK_LINE_BYTES 16

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

/* lock_release: for CLEANUP, and for nobody else's lock: it is taken from a
 * guardian, too, so dismiss that first. */
void lock_release(struct lock *lock);

/* lock_sign: write our process id into the first line. Whenever we are killed,
 * the entries behind it are whole; the file's modification time stays that of
 * the last entry. Fails: ERR_SYSTEM, ERR_NOSPACE. */
MUST_CHECK int lock_sign(int fd, struct err *err);

#endif
