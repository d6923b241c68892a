/*
 * seal_keys: which keys archives are encrypted to, and whether they can be.
 *
 *     seal_keys_from_ring or seal_keys_from_user, then seal_keys_list
 *
 * Keys of the user's own keyring are copied into the private home, too: so
 * there is one way of encrypting, and the user's gpg.conf cannot change it.
 * An agent is not needed and not started.
 */
#ifndef LIB_STREAM_SEAL_KEYS_H
#define LIB_STREAM_SEAL_KEYS_H

#include <stdbool.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

/* seal_keys_from_ring: every key of key_ring (seal.h) into home.
 * Fails: ERR_CONFIG no key, one that cannot be read, a secret key in it */
MUST_CHECK int seal_keys_from_ring(const char *key_ring, const char *home,
    struct err *err);

/* seal_keys_from_user: these keys of the user's keyring into home.
 * Fails: ERR_CONFIG not a fingerprint, unknown, as seal_keys_list */
MUST_CHECK int seal_keys_from_user(const struct strlist *recipients,
    const char *home, struct err *err);

/* seal_keys_secret: every secret key of secret_key, armored, or binary as
 * "base64:...", into home, which is one for those (seal_home_new_secret).
 * Fails: ERR_CONFIG no secret key, one that cannot be read */
MUST_CHECK int seal_keys_secret(const char *secret_key, const char *home,
    struct err *err);

/* seal_keys_any_secret: *ret: is there a secret key in this home, the user's
 * own where it is NULL? That is asked of its agent. */
MUST_CHECK int seal_keys_any_secret(const char *home, bool *ret,
    struct err *err);

/* seal_keys_list: the fingerprints of all keys in home, at least one.
 * Fails: ERR_CONFIG one of them is expired, revoked, disabled, invalid or
 * cannot encrypt: named by fingerprint and user id */
MUST_CHECK int seal_keys_list(const char *home, struct strlist *ret,
    struct err *err);

#endif
