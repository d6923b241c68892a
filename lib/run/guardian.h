/*
 * guardian: a small child that notices when the run dies, and settles its
 * ledger at once: killed by SIGKILL, by the OOM killer, by a crash.
 *
 *     guardian_start     before any thread; holds the lock with us
 *     guardian_dismiss   the run ends in order: it goes, and is waited for;
 *                        before lock_release
 *
 * It holds one end of a pipe (a pair of sockets, in truth). When that ends
 * without a word, the run is dead: it reads the ledger from the lock file and
 * settles it, for as long as quiesce_resume would try, before it gives up the
 * lock. An exit without guardian_dismiss is a death, too. It blocks all signals
 * and has a session of its own, so that what comes to a whole process group or
 * from a terminal passes by; has no descriptors but the lock, the pipe and
 * stderr, so that who reads our standard output sees its end; never waits for
 * who reads stderr; and asks the kernel to kill others before it. Where it
 * gives up, the ledger stays: the next run, or `vbackup recover`, goes on.
 *
 * What it calls must not use intr_sleep (its descriptor is closed), nor depend
 * on a thread of ours.
 */
#ifndef LIB_RUN_GUARDIAN_H
#define LIB_RUN_GUARDIAN_H

#include <sys/types.h>

#include "lib/base/err.h"
#include "lib/docker/engine.h"

struct guardian {
	pid_t pid;
	int pipe;
};

#define GUARDIAN_NONE { -1, -1 }

/*
 * guardian_start: returns when it is ready.
 *
 * Takes    lock_fd; docker: what engine_open needs, borrowed by the child as
 *          it is at this moment; retry_s: how long it tries, with opening the
 *          Engine
 * Fails    ERR_SYSTEM; ERR_NOMEM; ERR_INTERRUPTED: a signal came before (the
 *          guardian would inherit the flag, and the Engine's calls heed it)
 */
MUST_CHECK int guardian_start(struct guardian *ret, int lock_fd,
    const struct engine_settings *docker, double retry_s, struct err *err);

/* guardian_dismiss: for CLEANUP. One that somebody has killed is no error. */
void guardian_dismiss(struct guardian *guardian);

#endif
