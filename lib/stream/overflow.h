/*
 * overflow: a queue of blocks in a file, for what a channel cannot hold.
 *
 * While containers are at rest, what is read must not wait for what is slow
 * behind it. So blocks that the channel's ring has no room for go into an
 * unlinked file, and come back in their order. One pushes, one pops, at the
 * same time. What was popped is given back to the file system where it can.
 * Where the archive will be sealed, the blocks are, too, with a key that is
 * nowhere but in this process (lib/base/scramble.h).
 */
#ifndef LIB_STREAM_OVERFLOW_H
#define LIB_STREAM_OVERFLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

struct overflow;

/* overflow_new: a file in directory, never more than limit bytes.
 * Fails    ERR_SYSTEM, ERR_NOSPACE, ERR_NOMEM */
MUST_CHECK int overflow_new(const char *directory, uint64_t limit,
    bool scrambled, struct overflow **ret, struct err *err);
void overflow_free(struct overflow *overflow);
void overflow_freep(struct overflow **overflow);	/* for CLEANUP */

/* overflow_has_room: for n more bytes, below the limit? */
bool overflow_has_room(const struct overflow *overflow, size_t n);

/* overflow_push: append n bytes; they are changed on the way. -1: nothing was
 * appended, and the bytes are as they were.
 * overflow_pop: the next n bytes, which were pushed. n is what one push had. */
MUST_CHECK int overflow_push(struct overflow *overflow, void *bytes, size_t n,
    struct err *err);
MUST_CHECK int overflow_pop(struct overflow *overflow, void *bytes, size_t n,
    struct err *err);

/* overflow_bytes: pushed in all, for the log. */
uint64_t overflow_bytes(const struct overflow *overflow);

#endif
