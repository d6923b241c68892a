/*
 * tail: the last lines of a log, in memory.
 *
 * Texts are kept as they were given, and masked (secrets.h) and made visible
 * when they are listed: so a secret that was told only after a line is hidden
 * in it, too. Not thread-safe.
 */
#ifndef LIB_BASE_TAIL_H
#define LIB_BASE_TAIL_H

#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

struct tail {
	struct tail_line *first;	/* the oldest */
	struct tail_line *last;
	size_t bytes;		/* of all lines, with their newlines */
	size_t max_bytes;	/* 0: nothing is kept */
	size_t dropped;
};

/* tail_add: keep the line that is head (shown as it is) and text; the oldest
 * go, and are counted, where there are too many. What does not fit, or finds no
 * memory, is itself dropped and counted. */
void tail_add(struct tail *tail, const char *head, const char *text);

/* tail_list: *ret gets the lines, without newlines; the first one says how many
 * were dropped, if any were. Fails: ERR_NOMEM, *ret is empty. */
MUST_CHECK int tail_list(const struct tail *tail, struct strlist *ret,
    struct err *err);

/* tail_forget: overwrite and free the lines; keep none from now on. */
void tail_forget(struct tail *tail);

#endif
