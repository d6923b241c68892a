/*
 * seal_loop: waits for gpg in place of gpgme.
 *
 *     struct seal_loop loop;
 *     seal_loop_init, any function of gpgme that ends in _start, seal_loop_run
 *
 * gpgme's own loop (1.18) runs round for ever, and burns a core, when gpg dies
 * while its input is full: it does not expect what poll says then. And it looks
 * at every byte that it carries, more than once, to write a debugging log that
 * nobody asked for: as much work as the encryption. So the bytes can bypass it.
 */
#ifndef LIB_STREAM_SEAL_LOOP_H
#define LIB_STREAM_SEAL_LOOP_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#define SEAL_LOOP_FDS 16	/* gpgme uses up to six */

struct gpgme_context;

/* Moves bytes between fd, which does not block, and wherever they belong;
 * false: gpgme shall see for itself, because of an end or an error. */
typedef bool seal_loop_move(void *cookie, int fd);

struct seal_loop_slot {
	struct seal_loop *loop;
	unsigned (*call)(void *cookie, int fd);	/* NULL: free */
	void *cookie;
	seal_loop_move *move;	/* NULL: gpgme does */
	void *move_cookie;
};

struct seal_loop {
	struct pollfd fds[SEAL_LOOP_FDS];
	struct seal_loop_slot slots[SEAL_LOOP_FDS];
	struct seal_loop_slot *current;	/* gpgme is at work for it */
	bool done;
	unsigned number;	/* a gpgme_error_t */
};

void seal_loop_init(struct seal_loop *loop, struct gpgme_context *gpg);

/* seal_loop_bypass: in a data object's callback: from now on move does it, as
 * long as it returns true. What the callback of a plain text returns this time
 * must fit into PIPE_BUF, so that gpgme has written it when that begins. */
void seal_loop_bypass(struct seal_loop *loop, seal_loop_move *move,
    void *cookie);

/* seal_loop_run: until the operation is done; its gpgme_error_t. Where waiting
 * itself fails it is not done: then seal_loop_cancel. */
unsigned seal_loop_run(struct seal_loop *loop);

/* seal_loop_cancel: when nothing more is wanted of the operation, and before
 * its data is freed: else gpgme goes on with it at the next occasion. Does
 * nothing after one that is done. */
void seal_loop_cancel(struct seal_loop *loop, struct gpgme_context *gpg);

#endif
