#define _GNU_SOURCE
#include "lib/stream/seal.h"

#include <errno.h>
#include <gpgme.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/intr.h"
#include "lib/stream/seal_gpg.h"
#include "lib/stream/seal_home.h"
#include "lib/stream/seal_keys.h"
#include "lib/stream/seal_loop.h"

#define TICK_NS 100000000L

struct seal {
	struct seal_settings settings;
	struct seal_home home;	/* with keys; none for a passphrase */
	char *recipients;	/* one fingerprint a line; NULL: symmetric */
};

/* --- bytes to gpg, and from it ------------------------------------------- */

struct traffic {
	struct seal_loop loop;
	struct chan *in;	/* NULL: a trial, of one block */
	struct chan *out;	/* NULL: a trial */
	const unsigned char *block;	/* n bytes of it are left */
	size_t n;
	bool at_end;		/* of in */
	bool left_to_gpgme;	/* its turn to find that out */
	bool read_all;		/* it has */
	bool encrypted;		/* gpg said that it is done */
	int rc;			/* -1: a channel failed, with *err */
	struct err *err;
};

/* More to give; false at the end, or when the channel failed. */
static bool
have_bytes(struct traffic *traffic)
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
	struct traffic *traffic = cookie;
	ssize_t n;

	if (!have_bytes(traffic)) {
		/* Else it had bytes of its own to write, now out of order. */
		if (traffic->left_to_gpgme && traffic->rc == 0)
			traffic->rc = err_set(traffic->err, ERR_SYSTEM,
			    "cannot encrypt: gpgme held bytes back");
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
	struct traffic *traffic = cookie;
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
	struct traffic *traffic = cookie;
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
	struct traffic *traffic = cookie;

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

static gpgme_error_t
note_status(void *cookie, const char *keyword, const char *args)
{
	struct traffic *traffic = cookie;

	(void)args;
	if (strcmp(keyword, "END_ENCRYPTION") == 0)
		traffic->encrypted = true;
	return 0;
}

/* --- one encryption ------------------------------------------------------ */

static void
free_data(gpgme_data_t *data)
{
	if (*data != NULL)
		gpgme_data_release(*data);
}

static gpgme_error_t
encrypt(gpgme_ctx_t gpg, const char *recipients, struct traffic *traffic)
{
	static struct gpgme_data_cbs from = { .read = give };
	static struct gpgme_data_cbs to = { .write = take };
	CLEANUP(free_data) gpgme_data_t plain = NULL;
	CLEANUP(free_data) gpgme_data_t cipher = NULL;
	gpgme_error_t number;

	seal_loop_init(&traffic->loop, gpg);
	if ((number = gpgme_data_new_from_cbs(&plain, &from, traffic)) != 0 ||
	    (number = gpgme_data_new_from_cbs(&cipher, &to, traffic)) != 0 ||
	    (number = gpgme_set_ctx_flag(gpg, "full-status", "1")) != 0)
		return number;
	gpgme_set_status_cb(gpg, note_status, traffic);
	number = gpgme_op_encrypt_ext_start(gpg, NULL, recipients,
	    GPGME_ENCRYPT_ALWAYS_TRUST | GPGME_ENCRYPT_NO_COMPRESS, plain,
	    cipher);
	if (number == 0)
		number = seal_loop_run(&traffic->loop);
	seal_loop_cancel(&traffic->loop, gpg);
	return number;
}

/* Everything in, everything out, to gpg's own last word: gpgme succeeds as
 * well when gpg was killed in the middle. */
static int
run_gpg(const char *home, const char *recipients, struct traffic *traffic)
{
	CLEANUP(seal_gpg_freep) gpgme_ctx_t gpg = NULL;
	gpgme_error_t number;

	if (seal_gpg_new(home, &gpg, traffic->err) < 0)
		return -1;
	number = encrypt(gpg, recipients, traffic);
	if (traffic->rc < 0)
		return -1;
	if (number != 0)
		return seal_gpg_fail(gpg, number, ERR_SYSTEM,
		    "cannot encrypt", traffic->err);
	if (!traffic->read_all || !traffic->encrypted)
		return seal_gpg_fail(gpg, 0, ERR_SYSTEM,
		    "cannot encrypt: gpg ended too early", traffic->err);
	return 0;
}

/* In a home for this once: a gpg that was cut off while it started could come
 * for the passphrase of the next. */
static int
run_symmetric(const char *passphrase, struct traffic *traffic)
{
	CLEANUP(seal_home_free) struct seal_home home = SEAL_HOME_NONE;

	if (seal_home_new(passphrase, traffic->out == NULL ?
	    SEAL_HOME_S2K_LEAST : SEAL_HOME_S2K_MOST, &home,
	    traffic->err) < 0 ||
	    run_gpg(home.dir, NULL, traffic) < 0)
		return -1;
	if (!seal_home_was_asked(&home))
		return err_set(traffic->err, ERR_SYSTEM,
		    "cannot encrypt: gpg did not ask for the passphrase");
	return 0;
}

static int
run_traffic(const struct seal *seal, struct traffic *traffic)
{
	if (seal->settings.passphrase != NULL)
		return run_symmetric(seal->settings.passphrase, traffic);
	return run_gpg(seal->home.dir, seal->recipients, traffic);
}

/* --- early: what can be wrong -------------------------------------------- */

static int
check_settings(const struct seal_settings *settings, struct err *err)
{
	bool recipients = settings->recipients != NULL &&
	    settings->recipients->n != 0;
	int n = (settings->passphrase != NULL) + (settings->key_ring != NULL) +
	    recipients;

	if (n != 1)
		return err_set(err, ERR_CONFIG, "%s of a passphrase, a public "
		    "key ring and recipients must be given to encrypt with",
		    n == 0 ? "one" : "only one");
	return 0;
}

/* The keys into the home, and their fingerprints into seal->recipients. */
static int
gather_keys(struct seal *seal, struct err *err)
{
	const struct seal_settings *settings = &seal->settings;
	CLEANUP(strlist_free) struct strlist keys = STRLIST_INIT;
	CLEANUP(str_free) struct str lines = STR_INIT;
	const char *home;
	size_t i;

	if (seal_home_new(NULL, SEAL_HOME_S2K_MOST, &seal->home, err) < 0)
		return -1;
	home = seal->home.dir;
	if (settings->key_ring != NULL &&
	    (seal_keys_from_ring(settings->key_ring, home, err) < 0 ||
	    seal_keys_list(home, &keys, err) < 0))
		return err_add(err, "public key ring");
	if (settings->key_ring == NULL &&
	    (seal_keys_from_user(settings->recipients, home, err) < 0 ||
	    seal_keys_list(home, &keys, err) < 0))
		return err_add(err, "recipients");
	for (i = 0; i < keys.n; i++)
		str_addf(&lines, "%s\n", keys.v[i]);
	return str_take(&lines, &seal->recipients, err);
}

static int
try_out(const struct seal *seal, struct err *err)
{
	static const unsigned char text[] = "a trial";
	struct traffic traffic = { .block = text, .n = sizeof text,
		.err = err };

	if (run_traffic(seal, &traffic) == 0)
		return 0;
	if (err->kind == ERR_SYSTEM)
		err->kind = ERR_CONFIG;
	return err_add(err, "trial of the encryption");
}

static int
prepare(struct seal *seal, struct err *err)
{
	if (seal->settings.passphrase == NULL && gather_keys(seal, err) < 0)
		return -1;
	return try_out(seal, err);
}

int
seal_new(const struct seal_settings *settings, struct seal **ret,
    struct err *err)
{
	CLEANUP(seal_freep) struct seal *seal = NULL;
	struct err signal_err = ERR_INIT;

	if (check_settings(settings, err) < 0)
		return -1;
	seal = calloc(1, sizeof *seal);
	if (seal == NULL)
		return err_nomem(err);
	seal->settings = *settings;
	seal->home = (struct seal_home)SEAL_HOME_NONE;
	if (prepare(seal, err) < 0) {
		/* A signal from a terminal ended gpg as well. */
		if (intr_check(&signal_err) < 0)
			*err = signal_err;
		return -1;
	}
	*ret = seal;
	seal = NULL;
	return 0;
}

void
seal_free(struct seal *seal)
{
	if (seal == NULL)
		return;
	seal_home_free(&seal->home);
	free(seal->recipients);
	free(seal);
}

void
seal_freep(struct seal **seal)
{
	seal_free(*seal);
	*seal = NULL;
}

const char *
seal_name(const struct seal *seal)
{
	return seal->recipients == NULL ? "openpgp-symmetric" : "openpgp";
}

/* --- the stage ----------------------------------------------------------- */

/* gpgme has one thread for both channels: while that waits in one of them, it
 * would not see that the other is cancelled. */
struct watch {
	struct chan *in;
	struct chan *out;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool over;	/* under the mutex */
	pthread_t thread;
};

static void
pass_on_cancel(struct watch *watch)
{
	if (chan_is_cancelled(watch->in))
		chan_cancel(watch->out);
	else if (chan_is_cancelled(watch->out))
		chan_cancel(watch->in);
}

static void *
watch_channels(void *cookie)
{
	struct watch *watch = cookie;
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

static void
end_watch(struct watch *watch)
{
	pthread_mutex_lock(&watch->mutex);
	watch->over = true;
	pthread_cond_signal(&watch->changed);
	pthread_mutex_unlock(&watch->mutex);
	(void)pthread_join(watch->thread, NULL);
}

int
seal_stage(struct seal *seal, struct chan *in, struct chan *out,
    struct err *err)
{
	struct traffic traffic = { .in = in, .out = out, .err = err };
	struct watch watch = { .in = in, .out = out,
		.mutex = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER };
	int rc, number = pthread_create(&watch.thread, NULL, watch_channels,
	    &watch);

	if (number != 0)
		return err_set(err, ERR_SYSTEM, "cannot start a thread: %s",
		    strerror(number));
	rc = run_traffic(seal, &traffic);
	end_watch(&watch);
	return rc < 0 ? -1 : chan_finish(out, err);
}
