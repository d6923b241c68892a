/*
 * seal: the stage that encrypts with OpenPGP. Only the seal files know gpgme.
 *
 *     seal_new (before anything is stopped), seal_stage, seal_free
 *
 * Plain `gpg -d` opens the result: binary, AES-256, not compressed again.
 * gpg gets a home directory of its own, mode 0700, in $XDG_RUNTIME_DIR,
 * /run/vbackup or /tmp, removed at the latest by seal_free; recipients' keys
 * are copied into it. No gpg-agent is started. No secret is put into an
 * argument, a child's environment, the log or onto a disk.
 * gpg is a child in our process group: a signal from a terminal ends it, too.
 */
#ifndef LIB_STREAM_SEAL_H
#define LIB_STREAM_SEAL_H

#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/stream/chan.h"

struct seal;

struct seal_settings {		/* borrowed until seal_free */
	const char *passphrase;		/* symmetric; NULL */
	const char *key_ring;		/* public keys, armored, or binary as
					 * "base64:..." (options.def); NULL */
	const struct strlist *recipients;	/* fingerprints of keys in the
					 * user's own keyring; NULL or empty */
};

/*
 * seal_new: look at everything that can be wrong, once, early; encrypts a few
 * bytes for a trial.
 * Fails    ERR_CONFIG not exactly one of the three; a passphrase that is empty,
 *          of several lines or over 4095 bytes; no key in the ring; a key that
 *          is expired, revoked, disabled or cannot encrypt (named by
 *          fingerprint and user id); an unknown recipient; no gpg
 *          ERR_INTERRUPTED
 */
MUST_CHECK int seal_new(const struct seal_settings *settings,
    struct seal **ret, struct err *err);
void seal_free(struct seal *seal);
void seal_freep(struct seal **seal);	/* for CLEANUP */

/* seal_name: "openpgp-symmetric" or "openpgp", for the metadata. */
const char *seal_name(const struct seal *seal);

/* seal_stage: reads in to its end, writes out, finishes out. Ends soon after
 * either channel was cancelled (it then cancels the other); its gpg child with
 * it.
 * Fails    ERR_STREAM, ERR_SYSTEM (gpg's own words), ERR_NOMEM */
MUST_CHECK int seal_stage(struct seal *seal, struct chan *in,
    struct chan *out, struct err *err);

#endif
