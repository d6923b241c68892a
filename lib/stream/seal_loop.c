#include "lib/stream/seal_loop.h"

#include <errno.h>
#include <fcntl.h>
#include <gpgme.h>

/* gpgme 1.18 uses freed memory where add fails: so seal_loop_run does, at once,
 * in its stead. */
static void
give_up(struct seal_loop *loop, gpgme_error_t number)
{
	loop->number = number;
}

static gpgme_error_t
add(void *cookie, int fd, int for_reading, gpgme_io_cb_t call,
    void *call_cookie, void **ret_tag)
{
	struct seal_loop *loop = cookie;
	size_t i;

	for (i = 0; i < SEAL_LOOP_FDS; i++) {
		if (loop->slots[i].call != NULL)
			continue;
		/* gpgme's too are so, but nowhere is that promised. */
		if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
			give_up(loop, gpgme_err_make_from_errno(
			    GPG_ERR_SOURCE_USER_1, errno));
		loop->slots[i] = (struct seal_loop_slot){ .loop = loop,
			.call = call, .cookie = call_cookie };
		loop->fds[i].fd = fd;
		loop->fds[i].events = for_reading ? POLLIN : POLLOUT;
		loop->fds[i].revents = 0;
		*ret_tag = &loop->slots[i];
		return 0;
	}
	give_up(loop, gpgme_err_make(GPG_ERR_SOURCE_USER_1, GPG_ERR_ENFILE));
	*ret_tag = NULL;
	return 0;
}

static void
drop(void *tag)
{
	struct seal_loop_slot *slot = tag;

	if (slot == NULL)
		return;
	slot->call = NULL;
	slot->loop->fds[slot - slot->loop->slots].fd = -1;
}

static void
note_event(void *cookie, gpgme_event_io_t event, void *event_data)
{
	struct seal_loop *loop = cookie;
	struct gpgme_io_event_done_data *done = event_data;

	if (event != GPGME_EVENT_DONE)
		return;
	loop->done = true;
	loop->number = done->err != 0 ? done->err : done->op_err;
}

void
seal_loop_init(struct seal_loop *loop, struct gpgme_context *gpg)
{
	struct gpgme_io_cbs calls = { .add = add, .add_priv = loop,
		.remove = drop, .event = note_event, .event_priv = loop };
	size_t i;

	loop->current = NULL;
	loop->done = false;
	loop->number = 0;
	for (i = 0; i < SEAL_LOOP_FDS; i++) {
		loop->fds[i].fd = -1;
		loop->slots[i] = (struct seal_loop_slot){ .loop = loop };
	}
	gpgme_set_io_cbs(gpg, &calls);
}

void
seal_loop_bypass(struct seal_loop *loop, seal_loop_move *move, void *cookie)
{
	loop->current->move = move;
	loop->current->move_cookie = cookie;
}

static void
serve(struct seal_loop *loop, size_t i)
{
	struct seal_loop_slot *slot = &loop->slots[i];
	int fd = loop->fds[i].fd;

	if (slot->move != NULL && slot->move(slot->move_cookie, fd))
		return;
	loop->current = slot;
	(void)slot->call(slot->cookie, fd);
}

unsigned
seal_loop_run(struct seal_loop *loop)
{
	size_t i;

	while (!loop->done && loop->number == 0) {
		if (poll(loop->fds, SEAL_LOOP_FDS, -1) < 0 && errno != EINTR)
			return gpgme_err_make_from_errno(
			    GPG_ERR_SOURCE_USER_1, errno);
		/* Errors too: whoever is called finds out which. */
		for (i = 0; i < SEAL_LOOP_FDS && !loop->done; i++)
			if (loop->fds[i].fd >= 0 && loop->fds[i].revents != 0)
				serve(loop, i);
	}
	return loop->number;
}

void
seal_loop_cancel(struct seal_loop *loop, struct gpgme_context *gpg)
{
	if (!loop->done)
		(void)gpgme_cancel(gpg);
}
