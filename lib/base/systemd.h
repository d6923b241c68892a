/*
 * systemd: what a service tells its manager and the journal. Without
 * libsystemd: both are datagrams. Does nothing, and never fails, where there is
 * no systemd.
 */
#ifndef LIB_BASE_SYSTEMD_H
#define LIB_BASE_SYSTEMD_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/cleanup.h"

/* systemd_notify: state is "STATUS=..\nEXTEND_TIMEOUT_USEC=..", to
 * $NOTIFY_SOCKET ('/' a path, '@' abstract). Thread-safe. */
void systemd_notify(const char *state);

/* systemd_status: STATUS=, one line. */
void systemd_status(const char *fmt, ...) PRINTF_LIKE(1, 2);

struct journal_field {
	const char *name;	/* "MESSAGE", upper case */
	const char *value;	/* any bytes but NUL */
};

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

/* journal_is_ours: is standard error the journal's ($JOURNAL_STREAM)? Asked
 * once, at the start. */
bool journal_is_ours(void);

/* journal_open: the descriptor, or -1. */
int journal_open(const char *path);

/* journal_send: one entry; what is too large for a datagram goes as a sealed
 * memory file. Was it sent? */
bool journal_send(int fd, const struct journal_field *fields, size_t n);

#endif
