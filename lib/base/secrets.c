#define _GNU_SOURCE
#include "lib/base/secrets.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/base64.h"

#define BYTES_MIN 4
#define CODED_MIN 8	/* digits of base64: fewer may be a word */

/* Pairs of bytes that a secret begins with in one of its forms, a bit each: most
 * of a text need not be compared with all of them. */
static unsigned char begins[65536 / 8];

static struct strlist secrets;
static struct strlist coded;	/* the same in base64, see add_coded */

static void
wipe(char **text)
{
	str_zero(*text);
	free(*text);
}

static void
note_beginning(const char *text)
{
	unsigned pair = (unsigned)(unsigned char)text[0] << 8 |
	    (unsigned char)text[1];

	begins[pair / 8] |= (unsigned char)(1u << pair % 8);
}

/* Of base64url. */
static char
url_digit(char digit)
{
	return digit == '+' ? '-' : digit == '/' ? '_' : digit;
}

static void
note_digits(const char *digits)
{
	const char mixed[4][2] = {
		{ digits[0], digits[1] },
		{ url_digit(digits[0]), digits[1] },
		{ digits[0], url_digit(digits[1]) },
		{ url_digit(digits[0]), url_digit(digits[1]) }
	};
	size_t i;

	for (i = 0; i < sizeof mixed / sizeof *mixed; i++)
		note_beginning(mixed[i]);
}

/* May a secret begin here? What is escaped in its first two bytes is compared
 * at once. */
static bool
may_begin(const char *text)
{
	unsigned pair = (unsigned)(unsigned char)text[0] << 8 |
	    (unsigned char)text[1];

	return strchr("%\\+", text[0]) != NULL ||
	    strchr("%\\+", text[1]) != NULL ||
	    (begins[pair / 8] & 1u << pair % 8) != 0;
}

/* The digits that are the value's alone, with so many bytes before it: those
 * that it shares with what stands beside it vary. */
static int
add_coded(const char *value, size_t before, struct err *err)
{
	CLEANUP(str_wipe) struct str bytes = STR_INIT;
	CLEANUP(wipe) char *digits = NULL;
	size_t from = (before * 8 + 5) / 6, to;

	str_addn(&bytes, "::", before);
	str_add(&bytes, value);
	if (bytes.failed)
		return err_nomem(err);
	to = bytes.len * 8 / 6;
	if (to < from + CODED_MIN)
		return 0;
	if (base64_encode(bytes.s, bytes.len, &digits, err) < 0)
		return -1;
	digits[to] = '\0';
	note_digits(digits + from);
	return strlist_add(&coded, digits + from, err);
}

int
secrets_add(const char *value, struct err *err)
{
	size_t before;

	if (strlen(value) < BYTES_MIN || strlist_has(&secrets, value))
		return 0;
	note_beginning(value);
	for (before = 0; before < 3; before++)
		if (add_coded(value, before, err) < 0)
			return -1;
	return strlist_add(&secrets, value, err);
}

/* --- what a text begins with --------------------------------------------- */

static int
hex_digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0' :
	    isxdigit((unsigned char)c) ?
	    tolower((unsigned char)c) - 'a' + 10 : -1;
}

/* n digits at text as a number; -1: there are fewer. */
static int
hex_number(const char *text, size_t n)
{
	int number = 0;

	for (; n != 0; n--, text++) {
		if (hex_digit(*text) < 0)
			return -1;
		number = number * 16 + hex_digit(*text);
	}
	return number;
}

/* How long this byte is at the beginning of text, in an URL (%2f, or a plus
 * sign for a blank) or in JSON (\/ or \u002f), if not itself; 0: it is not
 * there. */
static size_t
byte_length(const char *text, char byte)
{
	const int c = (unsigned char)byte;

	if (text[0] == '%' && hex_number(text + 1, 2) == c)
		return 3;
	if (text[0] == '\\' && text[1] == 'u' &&
	    hex_number(text + 2, 4) == c)
		return 6;
	if (text[0] == '\\' && text[1] == byte && !isalnum(c))
		return 2;
	return *text == byte || (*text == '+' && byte == ' ') ? 1 : 0;
}

static size_t
escaped_length(const char *text, const char *secret)
{
	const char *p = text;
	size_t n;

	for (; *secret != '\0'; secret++, p += n) {
		n = byte_length(p, *secret);
		if (n == 0)
			return 0;
	}
	return (size_t)(p - text);
}

/* The same digit, also in base64url? */
static bool
is_digit(char c, char digit)
{
	return c == digit || (c == '-' && digit == '+') ||
	    (c == '_' && digit == '/');
}

static size_t
coded_length(const char *text, const char *digits)
{
	size_t n;

	for (n = 0; digits[n] != '\0'; n++)
		if (!is_digit(text[n], digits[n]))
			return 0;
	return n;
}

static size_t
plain_length(const char *text, const char *secret)
{
	size_t n;

	for (n = 0; secret[n] != '\0'; n++)
		if (text[n] != secret[n])
			return 0;
	return n;
}

static size_t
longest(const struct strlist *list, const char *text,
    size_t (*length)(const char *text, const char *element))
{
	size_t most = 0, i;

	for (i = 0; i < list->n; i++) {
		const size_t n = length(text, list->v[i]);

		if (n > most)
			most = n;
	}
	return most;
}

/* The longest secret that text begins with, or 0. */
static size_t
secret_length(const char *text)
{
	size_t lengths[3], most = 0, i;

	if (!may_begin(text))
		return 0;
	lengths[0] = longest(&secrets, text, plain_length);
	lengths[1] = longest(&secrets, text, escaped_length);
	lengths[2] = longest(&coded, text, coded_length);
	for (i = 0; i < sizeof lengths / sizeof *lengths; i++)
		if (lengths[i] > most)
			most = lengths[i];
	return most;
}

void
secrets_add_masked(struct str *s, const char *text)
{
	while (*text != '\0') {
		size_t n = secret_length(text);

		if (n != 0) {
			str_add(s, "***");
			text += n;
		} else {
			str_addn(s, text++, 1);
		}
	}
}

static void
forget(struct strlist *list)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		str_zero(list->v[i]);
	strlist_free(list);
}

void
secrets_forget(void)
{
	forget(&secrets);
	forget(&coded);
	(void)memset(begins, 0, sizeof begins);
}
