/*
 * journal: entries with fields for systemd's journal. Without libsystemd: each
 * is a datagram.
 *
 * A socket is made for each entry: no descriptor is kept that a process forked
 * from ours, which closes all of them, could mistake for another. Never waits
 * longer than a second.
 */
#ifndef LIB_BASE_JOURNAL_H
#define LIB_BASE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/cleanup.h"

struct journal_field {
	const char *name;	/* "MESSAGE": A-Z, 0-9 and _, not at its
				 * beginning */
	const char *value;	/* any bytes but NUL */
};

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

/* journal_is_ours: is standard error the journal's? $JOURNAL_STREAM says so,
 * but is also inherited by those whose standard error is another: so its
 * device and inode are compared. */
bool journal_is_ours(void);

/* journal_send: one entry to the socket at path; what is too large for a
 * datagram goes as a sealed memory file. Was it sent? Thread-safe. */
MUST_CHECK bool journal_send(const char *path,
    const struct journal_field *fields, size_t n);

#endif
