/*
 * systemd: what a service tells its manager. Without libsystemd: it is a
 * datagram. Does nothing, and never fails, where there is no systemd, or where
 * it does not listen: waits a second for it, at most. What goes to the journal
 * is journal.h.
 */
#ifndef LIB_BASE_SYSTEMD_H
#define LIB_BASE_SYSTEMD_H

#include <stdbool.h>

#include "lib/base/cleanup.h"

/* systemd_is_there: is there a manager that wants to be told
 * ($NOTIFY_SOCKET)? */
bool systemd_is_there(void);

/* systemd_notify: state is "STATUS=..\nEXTEND_TIMEOUT_USEC=..", to
 * $NOTIFY_SOCKET ('/' a path, '@' abstract). Thread-safe. */
void systemd_notify(const char *state);

/* systemd_status: STATUS=, made one line as in the log, and masked, since
 * `systemctl status` shows it to everybody. Thread-safe. */
void systemd_status(const char *fmt, ...) PRINTF_LIKE(1, 2);

#endif
