/*
 * unseal: the stage that decrypts OpenPGP, ours and others'; seal's mirror.
 *
 *     unseal_new, unseal_can (before anything is read), unseal_stage,
 *     unseal_free
 *
 * Nothing of what unseal_stage writes counts before it has returned 0: only at
 * the end does gpg know that nothing was altered or cut off (MDC), and it has
 * handed out nearly all of the plain text by then. Whoever makes something of
 * it makes it where it can be thrown away.
 *
 * A message that begins with a passphrase's packet is opened with the
 * passphrase, any other with a secret key: the given one, or those of the
 * user's own keyring. A passphrase needs no agent. A given key is imported into
 * a private home, with an agent of its own, which ends with it. The user's
 * keyring needs the user's agent; where it did not run before, it is ended
 * again. Secrets go nowhere else, as with seal.
 */
#ifndef LIB_STREAM_UNSEAL_H
#define LIB_STREAM_UNSEAL_H

#include "lib/base/err.h"
#include "lib/stream/chan.h"

struct unseal;

struct unseal_settings {		/* borrowed until unseal_free */
	const char *passphrase;		/* of archives; NULL */
	const char *secret_key;		/* armored, or binary as "base64:...";
					 * NULL: the user's own keyring */
	const char *secret_key_passphrase;	/* of that key, or of the one
					 * in the user's keyring; NULL: none,
					 * or the user's agent knows it, or
					 * asks where there is a terminal */
};

/* unseal_new. Fails: ERR_CONFIG no gpg, a secret key that is none, a
 * passphrase that cannot be one; ERR_INTERRUPTED */
MUST_CHECK int unseal_new(const struct unseal_settings *settings,
    struct unseal **ret, struct err *err);
void unseal_free(struct unseal *unseal);
void unseal_freep(struct unseal **unseal);	/* for CLEANUP */

/* unseal_can: is there what opens archives of that encryption, by the metadata
 * ("openpgp-symmetric", "openpgp"; NULL where that is not known)? Fails:
 * ERR_CONFIG there is not, or there is another encryption */
MUST_CHECK int unseal_can(struct unseal *unseal, const char *encryption,
    struct err *err);

/* unseal_kind: the encryption, as metadata has it, of a message that begins so;
 * NULL: armored, or none. */
const char *unseal_kind(const void *bytes, size_t n);

/* unseal_stage: reads in to its end, writes out, finishes out only if all was
 * good. Ends soon after either channel was cancelled (it then cancels the
 * other); its gpg child with it.
 * Fails    ERR_SOURCE the passphrase is another one, no key fits, altered, cut
 *          off, something behind it, not encrypted; ERR_STREAM, ERR_SYSTEM,
 *          ERR_NOMEM */
MUST_CHECK int unseal_stage(struct unseal *unseal, struct chan *in,
    struct chan *out, struct err *err);

#endif
