/*
 * digest: SHA-256 over a stream. The only file that knows libcrypto.
 */
#ifndef LIB_BASE_DIGEST_H
#define LIB_BASE_DIGEST_H

#include <stddef.h>

#include "lib/base/err.h"

#define DIGEST_HEX_BYTES 65

struct digest;

MUST_CHECK int digest_new(struct digest **ret, struct err *err);
MUST_CHECK int digest_add(struct digest *digest, const void *bytes, size_t n,
    struct err *err);
/* digest_hex: lower case hexadecimal; nothing may be added afterwards. */
MUST_CHECK int digest_hex(struct digest *digest, char ret[DIGEST_HEX_BYTES],
    struct err *err);
void digest_free(struct digest *digest);
void digest_freep(struct digest **digest);	/* for CLEANUP */

#endif
