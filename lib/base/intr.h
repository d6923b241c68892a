/*
 * intr: SIGINT, SIGTERM and SIGHUP become a flag.
 *
 * Installed once by main. Nothing is done in the handler but setting the flag
 * and waking who sleeps in intr_sleep: whoever does long work looks at it and
 * unwinds along the ordinary path. SIGPIPE is ignored, so that a write to a
 * closed peer is an error and not a death.
 */
#ifndef LIB_BASE_INTR_H
#define LIB_BASE_INTR_H

#include <stdbool.h>

#include "lib/base/err.h"

/* What goes on after a signal all the same (commands that are to see the end,
 * notifications) has so long: who was asked to end shall be able to. */
#define INTR_AFTER_S 5.0

MUST_CHECK int intr_install(struct err *err);

/* intr_signal: the first signal that came, or 0. Async-signal-safe. */
int intr_signal(void);

/* intr_check: -1 with ERR_INTERRUPTED if a signal came. */
MUST_CHECK int intr_check(struct err *err);

/* intr_sleep: sleep, at most until a signal comes; true if one has come. */
bool intr_sleep(double seconds);

#endif
