/*
 * ledger: what was brought to rest and is not back yet, in the lock file.
 *
 * Format of the file: a first line of LOCK_LINE_BYTES bytes, "PID", blanks and
 * a newline (the owner, for messages: lock.h), then one line of JSON for each
 * entry (lib/docker/undo.h), appended by one write and synced before the
 * entry's deed is done. A last line without its newline was cut by a crash:
 * its deed was not done, and the next entry takes its place. Entries are never
 * changed; when all of them are undone, the file is cut back to its first
 * line. Its modification time is when the last entry was written.
 *
 * The file belongs to whoever holds the lock, one thread at a time; to the
 * guardian only when the run is dead.
 */
#ifndef LIB_RUN_LEDGER_H
#define LIB_RUN_LEDGER_H

#include <stddef.h>

#include "lib/base/err.h"
#include "lib/docker/undo.h"

struct ledger {
	struct undo *v;		/* not undone yet */
	size_t n;
	size_t n_unknown;	/* lines that cannot be understood */
};

#define LEDGER_INIT { NULL, 0, 0 }

/* ledger_note: append one entry to the lock file. Fails: ERR_SYSTEM (nothing
 * of it stays), ERR_NOSPACE, ERR_NOMEM. */
MUST_CHECK int ledger_note(int fd, const struct undo *undo, struct err *err);

/* ledger_read: all entries, the oldest first; those that cannot be understood
 * are logged as errors and counted. The file's position is not used. Fails:
 * ERR_SYSTEM, also where it is longer than 16 MiB; ERR_NOMEM. */
MUST_CHECK int ledger_read(int fd, struct ledger *ret, struct err *err);
void ledger_free(struct ledger *ledger);	/* for CLEANUP */

/* ledger_clear: cut the file back to its first line, synced. */
MUST_CHECK int ledger_clear(int fd, struct err *err);

/*
 * ledger_settle: undo all entries, the newest first, and clear the ledger when
 * all are back. What fails is tried again until retry_s seconds have passed;
 * signals do not end it. What does not exist any more is logged as a warning,
 * and settled.
 *
 * A run that was killed may have left a stop under way at the Engine: what
 * still runs would go down after it was found to be back. So until retry_s
 * seconds have passed since the last entry was written, all are looked at (and
 * undone) again and again before the ledger is cleared; services that were
 * forced are not, for that would restart their tasks each time.
 *
 * Gives    *ret_n: entries that were there; each is logged as it comes back,
 *          as a warning
 * Fails    the first that is not back (the others are logged as errors), or
 *          ERR_PROTOCOL a line cannot be understood; then these stay in the
 *          ledger
 */
MUST_CHECK int ledger_settle(int fd, struct engine *engine, double retry_s,
    size_t *ret_n, struct err *err);

#endif
