#define _GNU_SOURCE
#include "lib/stream/unseal.h"

#include <gpgme.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/intr.h"
#include "lib/base/spawn.h"
#include "lib/base/str.h"
#include "lib/stream/seal_gpg.h"
#include "lib/stream/seal_home.h"
#include "lib/stream/seal_keys.h"
#include "lib/stream/seal_traffic.h"

#define END_AGENT_S 10.0
#define KEYS_BYTES 128

/* Tags of packets, RFC 4880, section 4.3. */
#define TAG_BY_KEY 1
#define TAG_BY_PASSPHRASE 3

struct unseal {
	struct unseal_settings settings;
	struct seal_home home;	/* with the given secret key; none without */
	bool end_agent;		/* the user's, which did not run before */
};

/* --- the user's agent ---------------------------------------------------- */

static bool
agent_runs(void)
{
	const char *path = gpgme_get_dirinfo("agent-socket");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	CLEANUP(cleanup_close) int fd = -1;

	if (path == NULL || strlen(path) >= sizeof address.sun_path)
		return false;
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return fd >= 0 && connect(fd, (struct sockaddr *)&address,
	    sizeof address) == 0;
}

static void
end_agent(void)
{
	const struct spawn spawn = { .command = "gpgconf --kill gpg-agent",
		.timeout_s = END_AGENT_S, .despite_signal = true };
	struct err ignored = ERR_INIT;

	(void)!spawn_run(&spawn, &ignored);
}

/* Before the first use of the user's keyring. */
static void
look_at_agent(struct unseal *unseal)
{
	if (unseal->settings.secret_key == NULL && !unseal->end_agent)
		unseal->end_agent = !agent_runs();
}

/* --- one decryption ------------------------------------------------------ */

struct decryption {
	struct seal_traffic traffic;
	const char *passphrase;		/* of a key; NULL */
	bool asked;		/* for that */
	bool started;		/* the session key was right */
	bool okay;		/* to its end, */
	bool unaltered;		/* and nothing of it was changed */
	bool ended;
	unsigned n_messages;
	bool no_key;
	char keys[KEYS_BYTES];	/* " ID ID", that it is for */
};

static void
note_key(struct decryption *one, const char *args)
{
	size_t n = strcspn(args, " "), have = strlen(one->keys);

	if (have + n + 2 > sizeof one->keys)
		return;
	one->keys[have] = ' ';
	memcpy(one->keys + have + 1, args, n);
	one->keys[have + 1 + n] = '\0';
}

static gpgme_error_t
note_status(void *cookie, const char *keyword, const char *args)
{
	struct decryption *one = cookie;

	if (strcmp(keyword, "BEGIN_DECRYPTION") == 0)
		one->n_messages++;
	else if (strcmp(keyword, "PLAINTEXT") == 0)
		one->started = true;
	else if (strcmp(keyword, "DECRYPTION_OKAY") == 0)
		one->okay = true;
	else if (strcmp(keyword, "GOODMDC") == 0)
		one->unaltered = true;
	else if (strcmp(keyword, "END_DECRYPTION") == 0)
		one->ended = true;
	else if (strcmp(keyword, "NO_SECKEY") == 0)
		one->no_key = true;
	else if (strcmp(keyword, "ENC_TO") == 0)
		note_key(one, args);
	return 0;
}

static gpgme_error_t
give_passphrase(void *cookie, const char *uid_hint, const char *info,
    int was_bad, int fd)
{
	struct decryption *one = cookie;

	(void)uid_hint;
	(void)info;
	one->asked = true;
	if (one->passphrase == NULL || was_bad ||
	    gpgme_io_writen(fd, one->passphrase,
	    strlen(one->passphrase)) < 0 || gpgme_io_writen(fd, "\n", 1) < 0)
		return gpgme_error(GPG_ERR_CANCELED);
	return 0;
}

static gpgme_error_t
decrypt(gpgme_ctx_t gpg, struct decryption *one)
{
	struct seal_traffic *traffic = &one->traffic;
	gpgme_error_t number = seal_traffic_open(traffic, gpg);

	if (number != 0)
		return number;
	gpgme_set_status_cb(gpg, note_status, one);
	return seal_traffic_run(traffic, gpg, gpgme_op_decrypt_start(gpg,
	    traffic->from, traffic->to));
}

/* Why it did not come to a good end. */
static int
explain(gpgme_ctx_t gpg, gpgme_error_t number, const struct decryption *one,
    bool by_passphrase, struct err *err)
{
	const char *what = "cannot decrypt: damaged or cut off";

	if (gpgme_err_code(number) == GPG_ERR_ENOMEM)
		return err_nomem(err);
	if (one->asked && !one->started)
		return err_set(err, ERR_SOURCE, "cannot decrypt: the secret "
		    "key has %s passphrase (set seal.secret_key_passphrase)",
		    one->passphrase == NULL ? "a" : "another");
	if (one->no_key && !one->started)
		return err_set(err, ERR_SOURCE, "cannot decrypt: there is no "
		    "secret key for it (it is for%s)", one->keys);
	if (by_passphrase && !one->started && one->n_messages != 0)
		what = "cannot decrypt: the passphrase is not the one that it "
		    "was encrypted with, or its beginning is damaged";
	else if (one->n_messages == 0)
		what = "cannot decrypt: damaged, or not encrypted";
	return seal_gpg_fail(gpg, number, ERR_SOURCE, what, err);
}

static int
run_gpg(gpgme_ctx_t gpg, struct decryption *one, bool by_passphrase)
{
	struct seal_traffic *traffic = &one->traffic;
	gpgme_error_t number = decrypt(gpg, one);

	seal_traffic_close(traffic);
	if (traffic->rc < 0)
		return -1;
	if (number != 0 || !traffic->read_all || !one->okay ||
	    !one->unaltered || !one->ended)
		return explain(gpg, number, one, by_passphrase, traffic->err);
	return one->n_messages == 1 ? 0 : err_set(traffic->err, ERR_SOURCE,
	    "cannot decrypt: there is more than one message in it");
}

/* In a home for this once, as seal.c's. */
static int
run_symmetric(const struct unseal *unseal, struct decryption *one)
{
	CLEANUP(seal_home_free) struct seal_home home = SEAL_HOME_NONE;
	CLEANUP(seal_gpg_freep) gpgme_ctx_t gpg = NULL;
	struct err *err = one->traffic.err;

	if (unseal->settings.passphrase == NULL)
		return err_set(err, ERR_SOURCE, "cannot decrypt: it is "
		    "encrypted with a passphrase, and none is set (set "
		    "seal.passphrase)");
	if (seal_home_new(unseal->settings.passphrase, SEAL_HOME_S2K_MOST,
	    &home, err) < 0 || seal_gpg_new(home.dir, &gpg, err) < 0)
		return -1;
	return run_gpg(gpg, one, true);
}

/* A given key's passphrase is never asked for on a terminal; the user's own
 * agent may do that, if somebody is there. */
static int
run_keys(struct unseal *unseal, struct decryption *one)
{
	CLEANUP(seal_gpg_freep) gpgme_ctx_t gpg = NULL;
	bool loopback = unseal->settings.secret_key != NULL ||
	    unseal->settings.secret_key_passphrase != NULL;
	gpgme_error_t number;

	look_at_agent(unseal);
	if (seal_gpg_new(unseal->home.dir, &gpg, one->traffic.err) < 0)
		return -1;
	one->passphrase = unseal->settings.secret_key_passphrase;
	number = gpgme_set_pinentry_mode(gpg, loopback ?
	    GPGME_PINENTRY_MODE_LOOPBACK : isatty(STDIN_FILENO) ?
	    GPGME_PINENTRY_MODE_DEFAULT : GPGME_PINENTRY_MODE_ERROR);
	if (number != 0)
		return seal_gpg_fail(NULL, number, ERR_SYSTEM,
		    "cannot prepare gpg", one->traffic.err);
	if (loopback)
		gpgme_set_passphrase_cb(gpg, give_passphrase, one);
	return run_gpg(gpg, one, false);
}

/* --- the stage ----------------------------------------------------------- */

static unsigned
first_tag(const unsigned char *bytes)
{
	if ((bytes[0] & 0x80) == 0)
		return 0;	/* armored, or none */
	return bytes[0] & 0x40 ? bytes[0] & 0x3f : bytes[0] >> 2 & 0xf;
}

const char *
unseal_kind(const void *bytes, size_t n)
{
	unsigned tag = n != 0 ? first_tag(bytes) : 0;

	return tag == TAG_BY_PASSPHRASE ? "openpgp-symmetric" :
	    tag == TAG_BY_KEY ? "openpgp" : NULL;
}

static int
run(struct unseal *unseal, struct decryption *one)
{
	struct seal_traffic *traffic = &one->traffic;
	const void *block;
	unsigned tag;

	if (chan_read(traffic->in, &block, &traffic->n, traffic->err) < 0)
		return -1;
	if (traffic->n == 0)
		return err_set(traffic->err, ERR_SOURCE,
		    "cannot decrypt: it is empty");
	traffic->block = block;
	tag = first_tag(block);
	if (tag == TAG_BY_PASSPHRASE || (tag != TAG_BY_KEY &&
	    unseal->settings.passphrase != NULL))
		return run_symmetric(unseal, one);
	return run_keys(unseal, one);
}

int
unseal_stage(struct unseal *unseal, struct chan *in, struct chan *out,
    struct err *err)
{
	struct decryption one = { .traffic = { .what = "cannot decrypt",
		.in = in, .out = out, .err = err } };
	struct seal_watch watch;
	int rc;

	if (seal_watch_begin(&watch, in, out, err) < 0)
		return -1;
	rc = run(unseal, &one);
	seal_watch_end(&watch);
	return rc < 0 ? -1 : chan_finish(out, err);
}

/* --- early: what can be wrong -------------------------------------------- */

static int
prepare(struct unseal *unseal, struct err *err)
{
	const struct unseal_settings *settings = &unseal->settings;
	CLEANUP(seal_home_free) struct seal_home trial = SEAL_HOME_NONE;

	if (seal_gpg_check(err) < 0)
		return -1;
	if (settings->passphrase != NULL && seal_home_new(
	    settings->passphrase, SEAL_HOME_S2K_MOST, &trial, err) < 0)
		return -1;
	if (settings->secret_key == NULL)
		return 0;
	if (seal_home_new_secret(&unseal->home, err) < 0)
		return -1;
	return seal_keys_secret(settings->secret_key, unseal->home.dir,
	    err) < 0 ? err_add(err, "secret key") : 0;
}

int
unseal_new(const struct unseal_settings *settings, struct unseal **ret,
    struct err *err)
{
	CLEANUP(unseal_freep) struct unseal *unseal = calloc(1,
	    sizeof *unseal);
	struct err signal_err = ERR_INIT;

	if (unseal == NULL)
		return err_nomem(err);
	unseal->settings = *settings;
	unseal->home = (struct seal_home)SEAL_HOME_NONE;
	if (prepare(unseal, err) < 0) {
		/* A signal from a terminal ended gpg as well. */
		if (intr_check(&signal_err) < 0)
			*err = signal_err;
		return -1;
	}
	*ret = unseal;
	unseal = NULL;
	return 0;
}

void
unseal_free(struct unseal *unseal)
{
	if (unseal == NULL)
		return;
	seal_home_free(&unseal->home);
	if (unseal->end_agent)
		end_agent();
	free(unseal);
}

void
unseal_freep(struct unseal **unseal)
{
	unseal_free(*unseal);
	*unseal = NULL;
}

static int
can_by_key(struct unseal *unseal, struct err *err)
{
	bool any = unseal->settings.secret_key != NULL;

	look_at_agent(unseal);
	if (!any && seal_keys_any_secret(NULL, &any, err) < 0)
		return -1;
	return any ? 0 : err_set(err, ERR_CONFIG, "there is no secret key "
	    "(set seal.secret_key, or have one in the user's keyring)");
}

int
unseal_can(struct unseal *unseal, const char *encryption, struct err *err)
{
	bool passphrase = unseal->settings.passphrase != NULL;

	if (encryption == NULL)
		return passphrase ? 0 : can_by_key(unseal, err);
	if (strcmp(encryption, "openpgp") == 0)
		return can_by_key(unseal, err);
	if (strcmp(encryption, "openpgp-symmetric") != 0)
		return err_set(err, ERR_CONFIG, "encryption '%s' is not known "
		    "here", encryption);
	return passphrase ? 0 : err_set(err, ERR_CONFIG,
	    "there is no passphrase (set seal.passphrase)");
}
