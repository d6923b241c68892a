#include "lib/stream/seal.h"

#include <gpgme.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/intr.h"
#include "lib/stream/seal_gpg.h"
#include "lib/stream/seal_home.h"
#include "lib/stream/seal_keys.h"
#include "lib/stream/seal_traffic.h"

struct seal {
	struct seal_settings settings;
	struct seal_home home;	/* with keys; none for a passphrase */
	char *recipients;	/* one fingerprint a line; NULL: symmetric */
};

/* --- one encryption ------------------------------------------------------ */

struct encryption {
	struct seal_traffic traffic;
	bool encrypted;		/* gpg said that it is done */
};

static gpgme_error_t
note_status(void *cookie, const char *keyword, const char *args)
{
	struct encryption *one = cookie;

	(void)args;
	if (strcmp(keyword, "END_ENCRYPTION") == 0)
		one->encrypted = true;
	return 0;
}

static gpgme_error_t
encrypt(gpgme_ctx_t gpg, const char *recipients, struct encryption *one)
{
	struct seal_traffic *traffic = &one->traffic;
	gpgme_error_t number = seal_traffic_open(traffic, gpg);

	if (number != 0)
		return number;
	gpgme_set_status_cb(gpg, note_status, one);
	return seal_traffic_run(traffic, gpg, gpgme_op_encrypt_ext_start(gpg,
	    NULL, recipients, GPGME_ENCRYPT_ALWAYS_TRUST |
	    GPGME_ENCRYPT_NO_COMPRESS, traffic->from, traffic->to));
}

/* Everything in, everything out, to gpg's own last word: gpgme succeeds as
 * well when gpg was killed in the middle. */
static int
run_gpg(const char *home, const char *recipients, struct encryption *one)
{
	struct seal_traffic *traffic = &one->traffic;
	CLEANUP(seal_gpg_freep) gpgme_ctx_t gpg = NULL;
	gpgme_error_t number;

	if (seal_gpg_new(home, &gpg, traffic->err) < 0)
		return -1;
	number = encrypt(gpg, recipients, one);
	seal_traffic_close(traffic);
	if (traffic->rc < 0)
		return -1;
	if (number != 0)
		return seal_gpg_fail(gpg, number, ERR_SYSTEM,
		    "cannot encrypt", traffic->err);
	if (!traffic->read_all || !one->encrypted)
		return seal_gpg_fail(gpg, 0, ERR_SYSTEM,
		    "cannot encrypt: gpg ended too early", traffic->err);
	return 0;
}

/* In a home for this once: a gpg that was cut off while it started could come
 * for the passphrase of the next. */
static int
run_symmetric(const char *passphrase, struct encryption *one)
{
	struct seal_traffic *traffic = &one->traffic;
	CLEANUP(seal_home_free) struct seal_home home = SEAL_HOME_NONE;

	if (seal_home_new(passphrase, traffic->out == NULL ?
	    SEAL_HOME_S2K_LEAST : SEAL_HOME_S2K_MOST, &home,
	    traffic->err) < 0 ||
	    run_gpg(home.dir, NULL, one) < 0)
		return -1;
	if (!seal_home_was_asked(&home))
		return err_set(traffic->err, ERR_SYSTEM,
		    "cannot encrypt: gpg did not ask for the passphrase");
	return 0;
}

static int
run_encryption(const struct seal *seal, struct encryption *one)
{
	one->traffic.what = "cannot encrypt";
	if (seal->settings.passphrase != NULL)
		return run_symmetric(seal->settings.passphrase, one);
	return run_gpg(seal->home.dir, seal->recipients, one);
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
	struct encryption one = { .traffic = { .block = text,
		.n = sizeof text, .err = err } };

	if (run_encryption(seal, &one) == 0)
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

int
seal_stage(struct seal *seal, struct chan *in, struct chan *out,
    struct err *err)
{
	struct encryption one = { .traffic = { .in = in, .out = out,
		.err = err } };
	struct seal_watch watch;
	int rc;

	if (seal_watch_begin(&watch, in, out, err) < 0)
		return -1;
	rc = run_encryption(seal, &one);
	seal_watch_end(&watch);
	return rc < 0 ? -1 : chan_finish(out, err);
}
