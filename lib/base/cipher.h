/*
 * cipher: bytes that only who has the key can read or change: AES-256-CBC with
 * PKCS #7's padding under a random IV, then HMAC-SHA-256 of both with the same
 * key. As Pushover's end-to-end encryption has it; for nothing else.
 */
#ifndef LIB_BASE_CIPHER_H
#define LIB_BASE_CIPHER_H

#include <stddef.h>

#include "lib/base/err.h"

#define CIPHER_KEY_BYTES 32
#define CIPHER_IV_BYTES 16
#define CIPHER_MAC_BYTES 32

/* cipher_seal: *ret is IV, ciphertext, HMAC: *ret_n bytes; caller frees. n is
 * at most 1 GiB. */
MUST_CHECK int cipher_seal(const unsigned char key[CIPHER_KEY_BYTES],
    const void *bytes, size_t n, unsigned char **ret, size_t *ret_n,
    struct err *err);

/* cipher_key: from 64 hexadecimal digits of any case. Fails: ERR_CONFIG,
 * without the key in its message. */
MUST_CHECK int cipher_key(const char *hex,
    unsigned char ret[CIPHER_KEY_BYTES], struct err *err);

/* cipher_wipe: overwrite a key; usable with CLEANUP on an array of its
 * length. */
void cipher_wipe(unsigned char (*key)[CIPHER_KEY_BYTES]);

#endif
