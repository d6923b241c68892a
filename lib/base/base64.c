#include "lib/base/base64.h"

#include <openssl/evp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define STEP_BYTES ((size_t)3 << 20)	/* libcrypto counts in int */

int
base64_encode(const void *bytes, size_t n, char **ret, struct err *err)
{
	const unsigned char *from = bytes;
	unsigned char *text, *to;

	if (n / 3 >= SIZE_MAX / 4 - 1)
		return err_nomem(err);
	text = malloc((n + 2) / 3 * 4 + 1);
	if (text == NULL)
		return err_nomem(err);
	*text = '\0';
	for (to = text; n != 0;) {
		size_t step = n < STEP_BYTES ? n : STEP_BYTES;

		to += EVP_EncodeBlock(to, from, (int)step);
		from += step;
		n -= step;
	}
	*ret = (char *)text;
	return 0;
}

/* The next four characters that are not white space; how many there were. */
static size_t
next_group(const char **text, unsigned char ret[4])
{
	size_t n = 0;

	while (n < 4) {
		*text += strspn(*text, " \t\r\n\v\f");
		if (**text == '\0')
			break;
		ret[n++] = (unsigned char)*(*text)++;
	}
	return n;
}

/* The bytes that a group stands for, or 0: not base64. libcrypto's decoder
 * takes '=' anywhere, and '-' for an end: so the form is checked here. */
static size_t
count_bytes(const unsigned char group[4])
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t n = 4, i;

	while (n > 2 && group[n - 1] == '=')
		n--;
	for (i = 0; i < n; i++)
		if (memchr(digits, group[i], sizeof digits - 1) == NULL)
			return 0;
	return n - 1;
}

int
base64_decode(const char *text, unsigned char **ret, size_t *ret_n,
    struct err *err)
{
	CLEANUP(cleanup_free) unsigned char *bytes =
	    malloc(strlen(text) / 4 * 3 + 4);
	unsigned char group[4];
	size_t n = 0, got, taken = 3;

	if (bytes == NULL)
		return err_nomem(err);
	while ((got = next_group(&text, group)) != 0) {
		/* Only the last group may be padded. */
		if (got != 4 || taken != 3 ||
		    (taken = count_bytes(group)) == 0 ||
		    EVP_DecodeBlock(bytes + n, group, 4) != 3)
			return err_set(err, ERR_PROTOCOL, "not base64");
		n += taken;
	}
	bytes[n] = '\0';
	*ret = bytes;
	*ret_n = n;
	bytes = NULL;
	return 0;
}
