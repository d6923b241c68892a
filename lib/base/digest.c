#include "lib/base/digest.h"

#include <openssl/evp.h>
#include <stdlib.h>

#define SHA256_BYTES 32

struct digest {
	EVP_MD_CTX *context;
};

int
digest_new(struct digest **ret, struct err *err)
{
	CLEANUP(digest_freep) struct digest *digest =
	    calloc(1, sizeof *digest);

	if (digest == NULL)
		return err_nomem(err);
	digest->context = EVP_MD_CTX_new();
	if (digest->context == NULL)
		return err_nomem(err);
	if (EVP_DigestInit_ex(digest->context, EVP_sha256(), NULL) != 1)
		return err_set(err, ERR_SYSTEM,
		    "cannot compute SHA-256: libcrypto does not offer it");
	*ret = digest;
	digest = NULL;
	return 0;
}

int
digest_add(struct digest *digest, const void *bytes, size_t n, struct err *err)
{
	if (EVP_DigestUpdate(digest->context, bytes, n) != 1)
		return err_set(err, ERR_SYSTEM, "cannot compute SHA-256");
	return 0;
}

int
digest_hex(struct digest *digest, char ret[DIGEST_HEX_BYTES], struct err *err)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned n;
	size_t i;

	if (EVP_DigestFinal_ex(digest->context, bytes, &n) != 1 ||
	    n != SHA256_BYTES)
		return err_set(err, ERR_SYSTEM, "cannot compute SHA-256");
	for (i = 0; i < SHA256_BYTES; i++) {
		ret[2 * i] = digits[bytes[i] >> 4];
		ret[2 * i + 1] = digits[bytes[i] & 15];
	}
	ret[2 * SHA256_BYTES] = '\0';
	return 0;
}

void
digest_free(struct digest *digest)
{
	if (digest == NULL)
		return;
	EVP_MD_CTX_free(digest->context);
	free(digest);
}

void
digest_freep(struct digest **digest)
{
	digest_free(*digest);
	*digest = NULL;
}
