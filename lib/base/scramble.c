#include "lib/base/scramble.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/random.h>

#define KEY_BYTES 32
#define BLOCK_BYTES 16		/* of AES, and of a counter */
#define PIECE_BYTES ((size_t)1 << 20)	/* its interface counts in int */

struct scramble {
	unsigned char key[KEY_BYTES];
};

int
scramble_new(struct scramble **ret, struct err *err)
{
	CLEANUP(scramble_freep) struct scramble *scramble =
	    calloc(1, sizeof *scramble);

	if (scramble == NULL)
		return err_nomem(err);
	if (getrandom(scramble->key, KEY_BYTES, 0) != KEY_BYTES)
		return err_sys(err, "cannot get a random key");
	*ret = scramble;
	scramble = NULL;
	return 0;
}

void
scramble_free(struct scramble *scramble)
{
	if (scramble == NULL)
		return;
	OPENSSL_cleanse(scramble->key, KEY_BYTES);
	free(scramble);
}

void
scramble_freep(struct scramble **scramble)
{
	scramble_free(*scramble);
	*scramble = NULL;
}

static void
free_context(EVP_CIPHER_CTX **context)
{
	EVP_CIPHER_CTX_free(*context);
}

/* The counter is the number of the block, big-endian. */
static void
counter_at(uint64_t offset, unsigned char ret[BLOCK_BYTES])
{
	uint64_t block = offset / BLOCK_BYTES;
	int i;

	for (i = BLOCK_BYTES - 1; i >= 0; i--) {
		ret[i] = block & 0xff;
		block >>= 8;
	}
}

int
scramble_turn(const struct scramble *scramble, uint64_t offset, void *bytes,
    size_t n, struct err *err)
{
	CLEANUP(free_context) EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	unsigned char counter[BLOCK_BYTES], *p = bytes;
	int done;

	counter_at(offset, counter);
	if (context == NULL || EVP_EncryptInit_ex(context, EVP_aes_256_ctr(),
	    NULL, scramble->key, counter) != 1)
		return err_set(err, ERR_SYSTEM, "cannot set up AES");
	while (n != 0) {
		size_t piece = n < PIECE_BYTES ? n : PIECE_BYTES;

		if (EVP_EncryptUpdate(context, p, &done, p,
		    (int)piece) != 1 || (size_t)done != piece)
			return err_set(err, ERR_SYSTEM, "cannot apply AES");
		p += piece;
		n -= piece;
	}
	return 0;
}
