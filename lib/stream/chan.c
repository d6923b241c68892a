#define _GNU_SOURCE
#include "lib/stream/chan.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/stream/overflow.h"

/* Where the blocks that overflow are filled and read. */
struct spare {
	struct overflow *overflow;	/* NULL: none */
	bool spill;		/* the writer's */
	bool filling;		/* the writer's: its block is `out` */
	size_t n_pushed;	/* blocks, under the mutex: pushed, not popped.
				 * While there are any, none is handed over in
				 * the ring: they are younger */
	size_t last;		/* length of the block pushed last */
	unsigned char *out;
	unsigned char *in;
};

struct chan {
	pthread_mutex_t mutex;
	pthread_cond_t not_full;
	pthread_cond_t not_empty;
	atomic_bool cancelled;	/* set under the mutex, so that no wake-up is
				 * lost; read without it where nobody sleeps */

	/* Under the mutex. */
	size_t n_handed;	/* blocks the writer is done with and the
				 * reader is not */
	bool finished;

	/* The writer's. */
	size_t write_at;	/* index of the block being filled */
	size_t filled;
	bool write_open;	/* the block at write_at is ours to fill */

	/* The reader's. */
	size_t read_at;
	bool read_open;		/* the block at read_at is being read */

	struct spare spare;

	/* Fixed. */
	size_t block_bytes;
	size_t n_blocks;
	size_t *lengths;	/* of blocks handed over */
	unsigned char *blocks;
};

int
chan_new(size_t block_bytes, size_t n_blocks, struct chan **ret,
    struct err *err)
{
	CLEANUP(chan_freep) struct chan *chan = calloc(1, sizeof *chan);

	if (chan == NULL)
		return err_nomem(err);
	(void)pthread_mutex_init(&chan->mutex, NULL);
	(void)pthread_cond_init(&chan->not_full, NULL);
	(void)pthread_cond_init(&chan->not_empty, NULL);
	atomic_init(&chan->cancelled, false);
	chan->block_bytes = block_bytes;
	chan->n_blocks = n_blocks;
	if (n_blocks == 0 || block_bytes == 0 ||
	    n_blocks > SIZE_MAX / block_bytes)
		return err_nomem(err);
	chan->lengths = calloc(n_blocks, sizeof *chan->lengths);
	/* Not calloc: pages that a short stream never reaches stay untouched.*/
	chan->blocks = malloc(n_blocks * block_bytes);
	if (chan->lengths == NULL || chan->blocks == NULL)
		return err_nomem(err);
	*ret = chan;
	chan = NULL;
	return 0;
}

void
chan_free(struct chan *chan)
{
	if (chan == NULL)
		return;
	(void)pthread_mutex_destroy(&chan->mutex);
	(void)pthread_cond_destroy(&chan->not_full);
	(void)pthread_cond_destroy(&chan->not_empty);
	free(chan->lengths);
	free(chan->blocks);
	free(chan->spare.out);
	free(chan->spare.in);
	free(chan);
}

void
chan_freep(struct chan **chan)
{
	chan_free(*chan);
	*chan = NULL;
}

int
chan_set_overflow(struct chan *chan, struct overflow *overflow,
    struct err *err)
{
	chan->spare.out = malloc(chan->block_bytes);
	chan->spare.in = malloc(chan->block_bytes);
	if (chan->spare.out == NULL || chan->spare.in == NULL)
		return err_nomem(err);
	chan->spare.overflow = overflow;
	return 0;
}

void
chan_spill(struct chan *chan, bool on)
{
	chan->spare.spill = on && chan->spare.overflow != NULL;
}

static int
check(struct chan *chan, struct err *err)
{
	if (atomic_load_explicit(&chan->cancelled, memory_order_relaxed))
		return err_set(err, ERR_STREAM, "the stream was cut off");
	return 0;
}

/* The caller holds the mutex. */
static bool
ring_has_room(const struct chan *chan)
{
	return chan->spare.n_pushed == 0 && chan->n_handed < chan->n_blocks;
}

/* Waits until the ring takes the next block, or the stream is cut off. The
 * caller holds the mutex. */
static void
await_ring(struct chan *chan)
{
	while (!ring_has_room(chan) && !atomic_load(&chan->cancelled))
		pthread_cond_wait(&chan->not_full, &chan->mutex);
}

/* Finds a block to fill. */
static void
open_block(struct chan *chan)
{
	struct spare *spare = &chan->spare;

	pthread_mutex_lock(&chan->mutex);
	spare->filling = spare->spill && !ring_has_room(chan) &&
	    overflow_has_room(spare->overflow, chan->block_bytes);
	if (!spare->filling)
		await_ring(chan);
	pthread_mutex_unlock(&chan->mutex);
}

int
chan_room(struct chan *chan, void **ret, size_t *ret_n, struct err *err)
{
	if (!chan->write_open)
		open_block(chan);
	if (check(chan, err) < 0)
		return -1;
	chan->write_open = true;
	*ret = (chan->spare.filling ? chan->spare.out :
	    chan->blocks + chan->write_at * chan->block_bytes) + chan->filled;
	*ret_n = chan->block_bytes - chan->filled;
	return 0;
}

/* Gives the block at write_at, with what is in it, to the reader. The caller
 * holds the mutex. */
static void
hand_over(struct chan *chan)
{
	chan->lengths[chan->write_at] = chan->filled;
	chan->n_handed++;
	chan->write_at = (chan->write_at + 1) % chan->n_blocks;
	chan->filled = 0;
	chan->write_open = false;
	pthread_cond_signal(&chan->not_empty);
}

/* The caller holds the mutex. */
static void
hand_over_pushed(struct chan *chan)
{
	chan->spare.n_pushed++;
	chan->spare.last = chan->filled;
	chan->filled = 0;
	chan->write_open = false;
	pthread_cond_signal(&chan->not_empty);
}

/* Where the disk does not take it: as if there were no overflow. */
static void
hand_over_copied(struct chan *chan, const struct err *why)
{
	if (!atomic_load(&chan->cancelled))
		log_warning("%s: what is read in the window waits for what is "
		    "slower", why->msg);
	await_ring(chan);
	if (atomic_load(&chan->cancelled))
		return;
	memcpy(chan->blocks + chan->write_at * chan->block_bytes,
	    chan->spare.out, chan->filled);
	hand_over(chan);
}

/* Gives the block that was filled to the reader. */
static void
close_block(struct chan *chan)
{
	struct spare *spare = &chan->spare;
	struct err err = ERR_INIT;
	int rc = 0;

	if (spare->filling)	/* slow: without the mutex */
		rc = overflow_push(spare->overflow, spare->out, chan->filled,
		    &err);
	pthread_mutex_lock(&chan->mutex);
	if (!spare->filling)
		hand_over(chan);
	else if (rc == 0)
		hand_over_pushed(chan);
	else
		hand_over_copied(chan, &err);
	pthread_mutex_unlock(&chan->mutex);
}

void
chan_commit(struct chan *chan, size_t n)
{
	chan->filled += n;
	if (chan->filled == chan->block_bytes)
		close_block(chan);
}

int
chan_write(struct chan *chan, const void *bytes, size_t n, struct err *err)
{
	const unsigned char *p = bytes;

	while (n != 0) {
		size_t room;
		void *to;

		if (chan_room(chan, &to, &room, err) < 0)
			return -1;
		if (room > n)
			room = n;
		memcpy(to, p, room);
		chan_commit(chan, room);
		p += room;
		n -= room;
	}
	return check(chan, err);
}

int
chan_finish(struct chan *chan, struct err *err)
{
	if (chan->filled != 0)
		close_block(chan);
	pthread_mutex_lock(&chan->mutex);
	chan->finished = true;
	pthread_cond_signal(&chan->not_empty);
	pthread_mutex_unlock(&chan->mutex);
	return check(chan, err);
}

/* The caller holds the mutex. */
static void
give_back(struct chan *chan)
{
	if (!chan->read_open)
		return;
	chan->read_open = false;
	chan->read_at = (chan->read_at + 1) % chan->n_blocks;
	chan->n_handed--;
	pthread_cond_signal(&chan->not_full);
}

/* The next block out of the overflow; n is its length. */
static int
read_pushed(struct chan *chan, size_t n, struct err *err)
{
	int rc = overflow_pop(chan->spare.overflow, chan->spare.in, n, err);

	pthread_mutex_lock(&chan->mutex);
	chan->spare.n_pushed--;
	pthread_cond_signal(&chan->not_full);
	pthread_mutex_unlock(&chan->mutex);
	return rc;
}

int
chan_read(struct chan *chan, const void **ret, size_t *ret_n, struct err *err)
{
	const struct spare *spare = &chan->spare;
	size_t n_pushed;

	pthread_mutex_lock(&chan->mutex);
	give_back(chan);
	while (chan->n_handed == 0 && spare->n_pushed == 0 &&
	    !chan->finished && !atomic_load(&chan->cancelled))
		pthread_cond_wait(&chan->not_empty, &chan->mutex);
	/* What is in the ring is older than what is in the overflow. */
	chan->read_open = chan->n_handed != 0;
	n_pushed = chan->read_open ? 0 : spare->n_pushed;
	*ret_n = chan->read_open ? chan->lengths[chan->read_at] :
	    n_pushed == 1 ? spare->last : n_pushed > 1 ? chan->block_bytes : 0;
	pthread_mutex_unlock(&chan->mutex);
	if (check(chan, err) < 0)
		return -1;
	*ret = n_pushed != 0 ? spare->in :
	    chan->blocks + chan->read_at * chan->block_bytes;
	return n_pushed != 0 ? read_pushed(chan, *ret_n, err) : 0;
}

void
chan_cancel(struct chan *chan)
{
	pthread_mutex_lock(&chan->mutex);
	atomic_store(&chan->cancelled, true);
	pthread_cond_broadcast(&chan->not_full);
	pthread_cond_broadcast(&chan->not_empty);
	pthread_mutex_unlock(&chan->mutex);
}

bool
chan_is_cancelled(struct chan *chan)
{
	return atomic_load(&chan->cancelled);
}
