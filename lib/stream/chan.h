/*
 * chan: a bounded stream of bytes between two threads.
 *
 * One writer, one reader, a fixed ring of blocks allocated at the start: a
 * stage that is faster than its neighbour waits, memory never grows. This is
 * the one way in which stages are joined. A kernel pipe would copy every byte
 * twice more and cannot tell "end" from "the other side failed".
 *
 *     writer: chan_write or (chan_room, chan_commit) ..., chan_finish
 *     reader: chan_read until *ret_n is 0
 *     either, at any time, from any thread: chan_cancel
 *
 * A channel may be given an overflow: while chan_spill is on, the writer does
 * not wait for a full ring, but for a full overflow only.
 *
 * After chan_cancel both sides get ERR_STREAM, for good. A stage that fails
 * cancels the channels on both of its sides; the flow reports the one error
 * that is not ERR_STREAM.
 */
#ifndef LIB_STREAM_CHAN_H
#define LIB_STREAM_CHAN_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"

struct chan;
struct overflow;

MUST_CHECK int chan_new(size_t block_bytes, size_t n_blocks,
    struct chan **ret, struct err *err);
void chan_free(struct chan *chan);
void chan_freep(struct chan **chan);	/* for CLEANUP */

/* chan_set_overflow: before any thread uses the channel, which borrows it.
 * chan_spill: by the writer: from now on the overflow is used, or not. */
MUST_CHECK int chan_set_overflow(struct chan *chan, struct overflow *overflow,
    struct err *err);
void chan_spill(struct chan *chan, bool on);

/* chan_write: copies n bytes in; blocks while the ring is full. */
MUST_CHECK int chan_write(struct chan *chan, const void *bytes, size_t n,
    struct err *err);

/* chan_room: *ret_n (at least 1) bytes of the current block to fill in place;
 * chan_commit says how many were filled (0 is allowed). A block is handed to
 * the reader when it is full, or by chan_finish. */
MUST_CHECK int chan_room(struct chan *chan, void **ret, size_t *ret_n,
    struct err *err);
void chan_commit(struct chan *chan, size_t n);

/* chan_finish: hands over the last block and marks the end. */
MUST_CHECK int chan_finish(struct chan *chan, struct err *err);

/* chan_read: the next block, full but for the last; valid until the next call;
 * *ret_n is 0 at the end. */
MUST_CHECK int chan_read(struct chan *chan, const void **ret, size_t *ret_n,
    struct err *err);

void chan_cancel(struct chan *chan);

/* chan_is_cancelled: for whoever waits for something else meanwhile; from any
 * thread. */
bool chan_is_cancelled(struct chan *chan);

#endif
