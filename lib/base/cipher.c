#include "lib/base/cipher.h"

#include <ctype.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define BLOCK_BYTES 16
#define MAX_BYTES ((size_t)1 << 30)	/* libcrypto counts in int */

static void
free_context(EVP_CIPHER_CTX **context)
{
	EVP_CIPHER_CTX_free(*context);
}

/* *ret_n: of the ciphertext, that has room for n and a block. */
static int
encrypt(const unsigned char key[CIPHER_KEY_BYTES],
    const unsigned char iv[CIPHER_IV_BYTES], const void *bytes, size_t n,
    unsigned char *ciphertext, size_t *ret_n, struct err *err)
{
	CLEANUP(free_context) EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	int head = 0, tail = 0;

	if (context == NULL)
		return err_nomem(err);
	if (EVP_EncryptInit_ex(context, EVP_aes_256_cbc(), NULL, key,
	    iv) != 1 || EVP_EncryptUpdate(context, ciphertext, &head, bytes,
	    (int)n) != 1 || EVP_EncryptFinal_ex(context, ciphertext + head,
	    &tail) != 1)
		return err_set(err, ERR_SYSTEM, "cannot apply AES");
	*ret_n = (size_t)head + (size_t)tail;
	return 0;
}

int
cipher_seal(const unsigned char key[CIPHER_KEY_BYTES], const void *bytes,
    size_t n, unsigned char **ret, size_t *ret_n, struct err *err)
{
	CLEANUP(cleanup_free) unsigned char *sealed = NULL;
	unsigned mac_bytes = 0;
	size_t len = 0;

	if (n > MAX_BYTES)
		return err_set(err, ERR_SYSTEM, "too much to encrypt");
	sealed = malloc(CIPHER_IV_BYTES + n + BLOCK_BYTES + CIPHER_MAC_BYTES);
	if (sealed == NULL)
		return err_nomem(err);
	if (getrandom(sealed, CIPHER_IV_BYTES, 0) != CIPHER_IV_BYTES)
		return err_sys(err, "cannot get random bytes");
	if (encrypt(key, sealed, bytes, n, sealed + CIPHER_IV_BYTES, &len,
	    err) < 0)
		return -1;
	len += CIPHER_IV_BYTES;
	if (HMAC(EVP_sha256(), key, CIPHER_KEY_BYTES, sealed, len,
	    sealed + len, &mac_bytes) == NULL ||
	    mac_bytes != CIPHER_MAC_BYTES)
		return err_set(err, ERR_SYSTEM, "cannot compute a signature");
	*ret_n = len + CIPHER_MAC_BYTES;
	*ret = sealed;
	sealed = NULL;
	return 0;
}

static unsigned
digit(char c)
{
	return isdigit((unsigned char)c) ? (unsigned)(c - '0') :
	    (unsigned)(tolower((unsigned char)c) - 'a' + 10);
}

int
cipher_key(const char *hex, unsigned char ret[CIPHER_KEY_BYTES],
    struct err *err)
{
	size_t i;

	if (strlen(hex) != 2 * (size_t)CIPHER_KEY_BYTES ||
	    strspn(hex, "0123456789abcdefABCDEF") != strlen(hex))
		return err_set(err, ERR_CONFIG,
		    "the encryption key is not 64 hexadecimal digits");
	for (i = 0; i < CIPHER_KEY_BYTES; i++)
		ret[i] = (unsigned char)(digit(hex[2 * i]) << 4 |
		    digit(hex[2 * i + 1]));
	return 0;
}

void
cipher_wipe(unsigned char (*key)[CIPHER_KEY_BYTES])
{
	OPENSSL_cleanse(*key, CIPHER_KEY_BYTES);
}
