#define _GNU_SOURCE
#include "lib/base/str.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void
str_free(struct str *s)
{
	free(s->s);
	*s = (struct str)STR_INIT;
}

static bool
grow(struct str *s, size_t n)
{
	size_t cap = s->cap != 0 ? s->cap : 64;
	char *bigger;

	if (s->failed || n > SIZE_MAX / 4 ||
	    (s->max != 0 && s->len + n > s->max)) {
		s->failed = true;
		return false;
	}
	while (cap < s->len + n + 1)
		cap *= 2;
	if (cap == s->cap)
		return true;
	bigger = realloc(s->s, cap);
	if (bigger == NULL) {
		s->failed = true;
		return false;
	}
	s->s = bigger;
	s->cap = cap;
	return true;
}

void
str_addn(struct str *s, const void *bytes, size_t n)
{
	if (!grow(s, n))
		return;
	if (n != 0)
		memcpy(s->s + s->len, bytes, n);
	s->len += n;
	s->s[s->len] = '\0';
}

void
str_add(struct str *s, const char *text)
{
	str_addn(s, text, strlen(text));
}

void
str_addf(struct str *s, const char *fmt, ...)
{
	CLEANUP(cleanup_free) char *text = NULL;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vasprintf(&text, fmt, args);
	va_end(args);
	if (n < 0) {
		text = NULL;
		s->failed = true;
		return;
	}
	str_addn(s, text, (size_t)n);
}

void
str_wipe(struct str *s)
{
	if (s->s != NULL)
		explicit_bzero(s->s, s->cap);
	str_free(s);
}

int
str_take(struct str *s, char **ret, struct err *err)
{
	if (!s->failed && s->s == NULL)
		str_addn(s, "", 0);
	if (s->failed) {
		str_free(s);
		return err_nomem(err);
	}
	*ret = s->s;
	*s = (struct str)STR_INIT;
	return 0;
}

int
str_format(char **ret, struct err *err, const char *fmt, ...)
{
	char *text = NULL;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vasprintf(&text, fmt, args);
	va_end(args);
	if (n < 0)
		return err_nomem(err);
	*ret = text;
	return 0;
}

int
str_dup(const char *text, char **ret, struct err *err)
{
	char *copy = strdup(text);

	if (copy == NULL)
		return err_nomem(err);
	*ret = copy;
	return 0;
}

void
str_zero(char *text)
{
	if (text != NULL)
		explicit_bzero(text, strlen(text));
}

size_t
str_utf8_length(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 :
	    s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;
	size_t i;

	for (i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

bool
str_is_utf8(const char *text)
{
	size_t n;

	for (; *text != '\0'; text += n) {
		n = str_utf8_length(text);
		if (n == 0)
			return false;
	}
	return true;
}

void
str_add_visible(struct str *s, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t n;

	for (; *p != '\0'; p += n) {
		n = str_utf8_length((const char *)p);
		if (*p == 0xc2 && p[1] < 0xa0)	/* C1 control characters */
			n = 0;
		if (*p == '\n' || *p == '\t' || *p == '\\') {
			str_add(s, *p == '\n' ? "\\n" :
			    *p == '\t' ? "\\t" : "\\\\");
		} else if (n == 0 || *p < 0x20 || *p == 0x7f) {
			str_addf(s, "\\x%02x", *p);
			n = 1;
		} else {
			str_addn(s, p, n);
		}
	}
}

size_t
str_characters(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

bool
str_starts(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool
str_ends(const char *text, const char *suffix)
{
	size_t text_len = strlen(text), suffix_len = strlen(suffix);

	return text_len >= suffix_len &&
	    strcmp(text + text_len - suffix_len, suffix) == 0;
}

char *
str_trim(char *text)
{
	size_t n;

	while (isspace((unsigned char)*text))
		text++;
	n = strlen(text);
	while (n != 0 && isspace((unsigned char)text[n - 1]))
		n--;
	text[n] = '\0';
	return text;
}

static unsigned
least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

unsigned
str_distance(const char *a, const char *b)
{
	unsigned row[3][64];	/* two rows before this one: transpositions */
	size_t na = strlen(a), nb = strlen(b), i, j;

	if (na > 63 || nb > 63)
		return 64;
	for (j = 0; j <= nb; j++)
		row[0][j] = (unsigned)j;
	for (i = 1; i <= na; i++) {
		unsigned *now = row[i % 3], *before = row[(i + 2) % 3];

		now[0] = (unsigned)i;
		for (j = 1; j <= nb; j++) {
			int ca = tolower((unsigned char)a[i - 1]);
			int cb = tolower((unsigned char)b[j - 1]);

			now[j] = least(least(before[j], now[j - 1]) + 1,
			    before[j - 1] + (ca != cb));
			if (i > 1 && j > 1 &&
			    ca == tolower((unsigned char)b[j - 2]) &&
			    cb == tolower((unsigned char)a[i - 2]))
				now[j] = least(now[j],
				    row[(i + 1) % 3][j - 2] + 1);
		}
	}
	return row[na % 3][nb];
}

void
strlist_free(struct strlist *list)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		free(list->v[i]);
	free(list->v);
	*list = (struct strlist)STRLIST_INIT;
}

/* Appends a string that the list owns from now on, failure included. */
static int
strlist_add_owned(struct strlist *list, char *text, struct err *err)
{
	char **bigger = realloc(list->v, (list->n + 1) * sizeof *bigger);

	if (bigger == NULL) {
		free(text);
		return err_nomem(err);
	}
	list->v = bigger;
	list->v[list->n++] = text;
	return 0;
}

int
strlist_add(struct strlist *list, const char *text, struct err *err)
{
	char *copy = NULL;

	if (str_dup(text, &copy, err) < 0)
		return -1;
	return strlist_add_owned(list, copy, err);
}

int
strlist_addf(struct strlist *list, struct err *err, const char *fmt, ...)
{
	char *text = NULL;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vasprintf(&text, fmt, args);
	va_end(args);
	if (n < 0)
		return err_nomem(err);
	return strlist_add_owned(list, text, err);
}

int
strlist_copy(const struct strlist *list, struct strlist *ret, struct err *err)
{
	CLEANUP(strlist_free) struct strlist copy = STRLIST_INIT;
	size_t i;

	for (i = 0; i < list->n; i++)
		if (strlist_add(&copy, list->v[i], err) < 0)
			return -1;
	*ret = copy;
	copy = (struct strlist)STRLIST_INIT;
	return 0;
}

bool
strlist_has(const struct strlist *list, const char *text)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		if (strcmp(list->v[i], text) == 0)
			return true;
	return false;
}

void
strmap_free(struct strmap *map)
{
	strlist_free(&map->keys);
	strlist_free(&map->values);
}

int
strmap_add(struct strmap *map, const char *key, const char *value,
    struct err *err)
{
	size_t i;

	for (i = 0; i < map->keys.n; i++) {
		if (strcmp(map->keys.v[i], key) == 0) {
			char *copy = NULL;

			if (str_dup(value, &copy, err) < 0)
				return -1;
			free(map->values.v[i]);
			map->values.v[i] = copy;
			return 0;
		}
	}
	/* The value first: a key without a value must never be seen. */
	if (strlist_add(&map->values, value, err) < 0)
		return -1;
	if (strlist_add(&map->keys, key, err) < 0) {
		free(map->values.v[--map->values.n]);
		return -1;
	}
	return 0;
}

int
strmap_copy(const struct strmap *map, struct strmap *ret, struct err *err)
{
	CLEANUP(strmap_free) struct strmap copy = STRMAP_INIT;

	if (strlist_copy(&map->keys, &copy.keys, err) < 0 ||
	    strlist_copy(&map->values, &copy.values, err) < 0)
		return -1;
	*ret = copy;
	copy = (struct strmap)STRMAP_INIT;
	return 0;
}

const char *
strmap_get(const struct strmap *map, const char *key)
{
	size_t i;

	for (i = 0; i < map->keys.n; i++)
		if (strcmp(map->keys.v[i], key) == 0)
			return map->values.v[i];
	return NULL;
}
