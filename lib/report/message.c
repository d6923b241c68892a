#define _GNU_SOURCE
#include "lib/report/message.h"

#include <stdbool.h>
#include <string.h>

#include "lib/base/str.h"

#define DOTS "..."

/* Bytes of the character at text, and of what is none. */
static size_t
step(const char *text)
{
	size_t n = str_utf8_length(text);

	return n != 0 ? n : 1;
}

static size_t
units_of(const char *text, enum message_unit unit)
{
	size_t n = 0;

	if (unit == MESSAGE_BYTES)
		return strlen(text);
	for (; *text != '\0'; text += step(text))
		n++;
	return n;
}

/* How many bytes from the start have no more than so many units; beyond: no
 * fewer. Between characters. */
static size_t
bytes_of(const char *text, size_t units, enum message_unit unit, bool beyond)
{
	const char *p = text;
	size_t n = 0, more;

	for (; *p != '\0' && n < units; p += step(p), n += more) {
		more = unit == MESSAGE_BYTES ? step(p) : 1;
		if (n + more > units && !beyond)
			break;
	}
	return (size_t)(p - text);
}

/* Back to the end of a line, if that is not too far. */
static size_t
end_of_head(const char *text, size_t n)
{
	const char *end = text[n] == '\n' ? text + n : memrchr(text, '\n', n);

	if (end == NULL || (size_t)(end - text) < n / 2)
		return n;
	n = (size_t)(end - text);
	while (n != 0 && text[n - 1] == '\n')
		n--;
	return n;
}

/* On to the start of a line, if that is not too far. */
static size_t
start_of_tail(const char *text, size_t start)
{
	const size_t len = strlen(text + start);
	const char *newline = memchr(text + start, '\n', len / 2);

	if (text[start - 1] == '\n' || newline == NULL)
		return start;
	return (size_t)(newline + 1 - text);
}

int
message_fit(const char *text, size_t max, enum message_unit unit, char **ret,
    struct err *err)
{
	CLEANUP(str_free) struct str fitted = STR_INIT;
	const size_t units = units_of(text, unit);
	size_t head, head_units, tail;

	if (units <= max)
		return str_dup(text, ret, err);
	head = end_of_head(text, bytes_of(text, max / 3, unit, false));
	str_addn(&fitted, text, head);
	str_add(&fitted, head != 0 ? "\n" MESSAGE_MARK "\n" :
	    MESSAGE_MARK "\n");
	if (fitted.failed)
		return err_nomem(err);
	head_units = units_of(fitted.s, unit);
	tail = bytes_of(text, units - (max - head_units), unit, true);
	str_add(&fitted, text + start_of_tail(text, tail));
	return str_take(&fitted, ret, err);
}

int
message_cut(const char *text, size_t max, enum message_unit unit, char **ret,
    struct err *err)
{
	CLEANUP(str_free) struct str head = STR_INIT;

	if (units_of(text, unit) <= max)
		return str_dup(text, ret, err);
	str_addn(&head, text,
	    bytes_of(text, max - strlen(DOTS), unit, false));
	str_add(&head, DOTS);
	return str_take(&head, ret, err);
}

int
message_whole(const struct message *message, const char *separator,
    size_t max, enum message_unit unit, char **ret, struct err *err)
{
	CLEANUP(cleanup_free) char *whole = NULL;

	if (str_format(&whole, err, "%s%s%s", message->title,
	    *message->title != '\0' ? separator : "", message->body) < 0)
		return -1;
	if (max != 0)
		return message_fit(whole, max, unit, ret, err);
	*ret = whole;
	whole = NULL;
	return 0;
}

/* C0, DEL, C1 (of which NEL ends a line). */
static bool
is_control(const char *p)
{
	const unsigned char *s = (const unsigned char *)p;

	return *s < 0x20 || *s == 0x7f || (*s == 0xc2 && s[1] < 0xa0);
}

static void
add_replaced(struct str *s, const char *text, const char *kept,
    const char *control)
{
	size_t n;

	for (; *text != '\0'; text += step(text)) {
		n = str_utf8_length(text);
		if (n == 0)
			str_add(s, "?");
		else if (is_control(text) && strchr(kept, *text) == NULL)
			str_add(s, control);
		else
			str_addn(s, text, n);
	}
}

int
message_line(const char *text, char **ret, struct err *err)
{
	CLEANUP(str_free) struct str line = STR_INIT;
	CLEANUP(cleanup_free) char *blanks = NULL;

	add_replaced(&line, text, "", " ");
	if (str_take(&line, &blanks, err) < 0)
		return -1;
	return str_dup(str_trim(blanks), ret, err);
}

int
message_utf8(const char *text, char **ret, struct err *err)
{
	CLEANUP(str_free) struct str clean = STR_INIT;

	add_replaced(&clean, text, "\n\t", "?");
	return str_take(&clean, ret, err);
}
