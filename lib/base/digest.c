#include "lib/base/digest.h"

#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

struct digest {
	EVP_MD_CTX *context;
};

static int
make(const EVP_MD *kind, const char *name, struct digest **ret,
    struct err *err)
{
	CLEANUP(digest_freep) struct digest *digest =
	    calloc(1, sizeof *digest);

	if (digest == NULL)
		return err_nomem(err);
	digest->context = EVP_MD_CTX_new();
	if (digest->context == NULL)
		return err_nomem(err);
	if (EVP_DigestInit_ex(digest->context, kind, NULL) != 1)
		return err_set(err, ERR_SYSTEM,
		    "cannot compute %s: libcrypto does not offer it", name);
	*ret = digest;
	digest = NULL;
	return 0;
}

int
digest_new(struct digest **ret, struct err *err)
{
	return make(EVP_sha256(), "SHA-256", ret, err);
}

int
digest_new_md5(struct digest **ret, struct err *err)
{
	return make(EVP_md5(), "MD5", ret, err);
}

int
digest_add(struct digest *digest, const void *bytes, size_t n, struct err *err)
{
	if (EVP_DigestUpdate(digest->context, bytes, n) != 1)
		return err_set(err, ERR_SYSTEM, "cannot compute a checksum");
	return 0;
}

int
digest_bytes(struct digest *digest, unsigned char ret[DIGEST_BYTES],
    size_t *ret_n, struct err *err)
{
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned n;

	if (EVP_DigestFinal_ex(digest->context, bytes, &n) != 1 ||
	    n > DIGEST_BYTES)
		return err_set(err, ERR_SYSTEM, "cannot compute a checksum");
	memcpy(ret, bytes, n);
	*ret_n = n;
	return 0;
}

int
digest_hmac(const void *key, size_t key_len, const char *text,
    unsigned char ret[DIGEST_BYTES], struct err *err)
{
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (key_len > INT_MAX || HMAC(EVP_sha256(), key, (int)key_len,
	    (const unsigned char *)text, strlen(text), bytes, &n) == NULL ||
	    n != DIGEST_BYTES)
		return err_set(err, ERR_SYSTEM, "cannot compute a signature");
	memcpy(ret, bytes, n);
	return 0;
}

void
digest_to_hex(const unsigned char *bytes, size_t n,
    char ret[DIGEST_HEX_BYTES])
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < n; i++) {
		ret[2 * i] = digits[bytes[i] >> 4];
		ret[2 * i + 1] = digits[bytes[i] & 15];
	}
	ret[2 * n] = '\0';
}

int
digest_hex(struct digest *digest, char ret[DIGEST_HEX_BYTES], struct err *err)
{
	unsigned char bytes[DIGEST_BYTES];
	size_t n;

	if (digest_bytes(digest, bytes, &n, err) < 0)
		return -1;
	digest_to_hex(bytes, n, ret);
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
