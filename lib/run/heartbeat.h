/*
 * heartbeat: tells systemd that a run is alive, and what it does.
 *
 *     heartbeat_start    after the guardian was forked (a thread would not be
 *                        in the child, but what it holds would)
 *     heartbeat_say      any number of times, from any thread
 *     heartbeat_stop     when everybody was told
 *
 * A thread sends EXTEND_TIMEOUT_USEC at once and then each period, so that a
 * finite TimeoutStartSec ends only a run that has come to nothing, and
 * TimeoutStopSec none that still starts containers again. It shows that the
 * process lives, not that it gets on. Who says something never waits for
 * systemd: the thread sends it. All signals are blocked in it. Where no
 * manager wants to be told there is no thread.
 */
#ifndef LIB_RUN_HEARTBEAT_H
#define LIB_RUN_HEARTBEAT_H

#include "lib/base/err.h"

#define HEARTBEAT_PERIOD_S 30.0
#define HEARTBEAT_EXTENSION "EXTEND_TIMEOUT_USEC=120000000"

struct heartbeat;

/* heartbeat_start: *ret is NULL where there is nobody to tell; the others take
 * NULL and do nothing. period_s is more than 0. Fails: ERR_NOMEM,
 * ERR_SYSTEM. */
MUST_CHECK int heartbeat_start(struct heartbeat **ret, double period_s,
    struct err *err);

/* heartbeat_say: STATUS=, one line, masked (systemd_status). Of several that
 * come faster than they can be sent only the last one is. */
void heartbeat_say(struct heartbeat *heartbeat, const char *fmt, ...)
    PRINTF_LIKE(2, 3);

/* heartbeat_stop: what was said is sent, the thread ends and is waited for;
 * *heartbeat is NULL afterwards. For CLEANUP. */
void heartbeat_stop(struct heartbeat **heartbeat);

#endif
