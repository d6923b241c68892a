#define _GNU_SOURCE
#include "lib/stream/seal_traffic.h"

#include <errno.h>
#include <gpgme.h>
#include <limits.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TICK_NS 100000000L

/* --- bytes to gpg, and from it ------------------------------------------- */

/* More to give; false at the end, or when the channel failed. */
static bool
have_bytes(struct seal_traffic *traffic)
{
	const void *block;

	if (traffic->n != 0)
		return true;
	if (traffic->in == NULL || traffic->at_end || traffic->rc < 0)
		return false;
	traffic->rc = chan_read(traffic->in, &block, &traffic->n,
	    traffic->err);
	if (traffic->rc < 0)
		return false;
	traffic->block = block;
	traffic->at_end = traffic->n == 0;
	return !traffic->at_end;
}

static bool
move_in(void *cookie, int fd)
{
	struct seal_traffic *traffic = cookie;
	ssize_t n;

	if (!have_bytes(traffic)) {
		/* Else it had bytes of its own to write, now out of order. */
		if (traffic->left_to_gpgme && traffic->rc == 0)
			traffic->rc = err_set(traffic->err, ERR_SYSTEM,
			    "%s: gpgme held bytes back", traffic->what);
		traffic->left_to_gpgme = true;
		return false;
	}
	n = write(fd, traffic->block, traffic->n);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	traffic->block += n;
	traffic->n -= (size_t)n;
	return true;
}

static bool
move_out(void *cookie, int fd)
{
	struct seal_traffic *traffic = cookie;
	size_t room;
	ssize_t n;
	void *to;

	if (traffic->rc < 0)
		return false;
	traffic->rc = chan_room(traffic->out, &to, &room, traffic->err);
	if (traffic->rc < 0)
		return false;
	n = read(fd, to, room);
	if (n > 0)
		chan_commit(traffic->out, (size_t)n);
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static gpgme_ssize_t
give(void *cookie, void *buffer, size_t size)
{
	struct seal_traffic *traffic = cookie;
	bool more = have_bytes(traffic);
	size_t n = traffic->n < size ? traffic->n : size;

	if (traffic->rc < 0) {
		errno = ECANCELED;
		return -1;
	}
	traffic->read_all = !more;
	if (!more)
		return 0;
	if (n > PIPE_BUF)
		n = PIPE_BUF;
	memcpy(buffer, traffic->block, n);
	traffic->block += n;
	traffic->n -= n;
	seal_loop_bypass(&traffic->loop, move_in, traffic);
	return (gpgme_ssize_t)n;
}

static gpgme_ssize_t
take(void *cookie, const void *buffer, size_t size)
{
	struct seal_traffic *traffic = cookie;

	if (traffic->out == NULL)
		return (gpgme_ssize_t)size;
	if (traffic->rc == 0)
		traffic->rc = chan_write(traffic->out, buffer, size,
		    traffic->err);
	if (traffic->rc < 0) {
		errno = ECANCELED;
		return -1;
	}
	seal_loop_bypass(&traffic->loop, move_out, traffic);
	return (gpgme_ssize_t)size;
}

unsigned
seal_traffic_open(struct seal_traffic *traffic, struct gpgme_context *gpg)
{
	static struct gpgme_data_cbs from = { .read = give };
	static struct gpgme_data_cbs to = { .write = take };
	gpgme_error_t number;

	seal_loop_init(&traffic->loop, gpg);
	if ((number = gpgme_data_new_from_cbs(&traffic->from, &from,
	    traffic)) != 0 ||
	    (number = gpgme_data_new_from_cbs(&traffic->to, &to,
	    traffic)) != 0)
		return number;
	return gpgme_set_ctx_flag(gpg, "full-status", "1");
}

unsigned
seal_traffic_run(struct seal_traffic *traffic, struct gpgme_context *gpg,
    unsigned number)
{
	if (number == 0)
		number = seal_loop_run(&traffic->loop);
	seal_loop_cancel(&traffic->loop, gpg);
	return number;
}

static void
free_data(struct gpgme_data **data)
{
	if (*data != NULL)
		gpgme_data_release(*data);
	*data = NULL;
}

void
seal_traffic_close(struct seal_traffic *traffic)
{
	free_data(&traffic->from);
	free_data(&traffic->to);
}

/* --- cancelling ---------------------------------------------------------- */

static void
pass_on_cancel(struct seal_watch *watch)
{
	if (chan_is_cancelled(watch->in))
		chan_cancel(watch->out);
	else if (chan_is_cancelled(watch->out))
		chan_cancel(watch->in);
}

static void *
watch_channels(void *cookie)
{
	struct seal_watch *watch = cookie;
	struct timespec until;

	pthread_mutex_lock(&watch->mutex);
	while (!watch->over) {
		pass_on_cancel(watch);
		(void)clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += TICK_NS;
		if (until.tv_nsec >= 1000000000L) {
			until.tv_sec++;
			until.tv_nsec -= 1000000000L;
		}
		(void)pthread_cond_clockwait(&watch->changed, &watch->mutex,
		    CLOCK_MONOTONIC, &until);
	}
	pthread_mutex_unlock(&watch->mutex);
	return NULL;
}

int
seal_watch_begin(struct seal_watch *watch, struct chan *in, struct chan *out,
    struct err *err)
{
	int number;

	*watch = (struct seal_watch){ .in = in, .out = out,
		.mutex = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER };
	number = pthread_create(&watch->thread, NULL, watch_channels, watch);
	if (number != 0)
		return err_set(err, ERR_SYSTEM, "cannot start a thread: %s",
		    strerror(number));
	return 0;
}

void
seal_watch_end(struct seal_watch *watch)
{
	pthread_mutex_lock(&watch->mutex);
	watch->over = true;
	pthread_cond_signal(&watch->changed);
	pthread_mutex_unlock(&watch->mutex);
	(void)pthread_join(watch->thread, NULL);
}
