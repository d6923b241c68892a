/*
 * digest: SHA-256, or MD5 where a protocol asks for it, over a stream. With
 * base64.c, cipher.c and scramble.c, what knows libcrypto.
 */
#ifndef LIB_BASE_DIGEST_H
#define LIB_BASE_DIGEST_H

#include <stddef.h>

#include "lib/base/err.h"

#define DIGEST_BYTES 32
#define DIGEST_HEX_BYTES 65

struct digest;

MUST_CHECK int digest_new(struct digest **ret, struct err *err);
MUST_CHECK int digest_new_md5(struct digest **ret, struct err *err);
MUST_CHECK int digest_add(struct digest *digest, const void *bytes, size_t n,
    struct err *err);
/* digest_bytes: *ret_n is 32, or 16 for MD5. digest_hex: lower case
 * hexadecimal. One of them, once; nothing may be added afterwards. */
MUST_CHECK int digest_bytes(struct digest *digest,
    unsigned char ret[DIGEST_BYTES], size_t *ret_n, struct err *err);
MUST_CHECK int digest_hex(struct digest *digest, char ret[DIGEST_HEX_BYTES],
    struct err *err);
/* digest_hmac: HMAC-SHA-256 of a text; ret may be the key. */
MUST_CHECK int digest_hmac(const void *key, size_t key_len, const char *text,
    unsigned char ret[DIGEST_BYTES], struct err *err);
/* digest_to_hex: of at most DIGEST_BYTES bytes. */
void digest_to_hex(const unsigned char *bytes, size_t n,
    char ret[DIGEST_HEX_BYTES]);
void digest_free(struct digest *digest);
void digest_freep(struct digest **digest);	/* for CLEANUP */

#endif
