#include "lib/base/lines.h"

#include <string.h>

/* Where to cut what was filled to its end: not within a UTF-8 sequence. What
 * is no UTF-8 loses at most four bytes. */
static size_t
cut_between_characters(const char *text, size_t n)
{
	size_t i;

	for (i = 0; i < 3 && ((unsigned char)text[n - 1] & 0xc0) == 0x80; i++)
		n--;
	return (unsigned char)text[n - 1] >= 0xc0 ? n - 1 : n;
}

static void
finish(struct lines *lines)
{
	size_t n = lines->len;

	if (lines->cut) {
		n = cut_between_characters(lines->text, n);
		memcpy(lines->text + n, LINES_MARK, sizeof LINES_MARK - 1);
		n += sizeof LINES_MARK - 1;
	} else if (n != 0 && lines->text[n - 1] == '\r') {
		n--;
	}
	lines->text[n] = '\0';
	if (lines->text[strspn(lines->text, " \t\r")] != '\0')
		memcpy(lines->last, lines->text, n + 1);
	if (lines->line != NULL)
		lines->line(lines->cookie, lines->text);
	lines->len = 0;
	lines->cut = false;
}

void
lines_add(struct lines *lines, const void *bytes, size_t n)
{
	const char *p = bytes;

	for (; n != 0; p++, n--) {
		if (*p == '\n')
			finish(lines);
		else if (lines->len < LINES_BYTES_MAX)
			lines->text[lines->len++] = *p != '\0' ? *p : '?';
		else
			lines->cut = true;
	}
}

void
lines_end(struct lines *lines)
{
	if (lines->len != 0)
		finish(lines);
}
