/*
 * str: growing strings, lists of strings, ordered string maps.
 *
 * A struct str remembers that an append failed (out of memory, or its limit),
 * so that a row of appends is checked once, by str_take. Lists and maps own
 * copies of what is put in.
 */
#ifndef LIB_BASE_STR_H
#define LIB_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"

struct str {
	char *s;	/* NUL-terminated once anything was appended */
	size_t len;
	size_t cap;
	size_t max;	/* 0: no limit; else more than max bytes is a failure */
	bool failed;
};

#define STR_INIT { NULL, 0, 0, 0, false }

void str_free(struct str *s);		/* usable with CLEANUP */
void str_add(struct str *s, const char *text);
void str_addn(struct str *s, const void *bytes, size_t n);
void str_addf(struct str *s, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* str_wipe: overwrite the content with zeros, then free it. */
void str_wipe(struct str *s);

/* str_take: *ret is the text ("" if nothing was appended), the caller frees;
 * *s is empty again. Fails with ERR_NOMEM if any append failed. */
MUST_CHECK int str_take(struct str *s, char **ret, struct err *err);

/* str_format: *ret is the formatted text, the caller frees. */
MUST_CHECK int str_format(char **ret, struct err *err, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* str_dup: *ret is a copy, the caller frees. */
MUST_CHECK int str_dup(const char *text, char **ret, struct err *err);

/* str_zero: overwrite a secret in place; never optimised away. */
void str_zero(char *text);

/* str_add_visible: append text with control characters and bytes that are
 * not UTF-8 written as \n, \t, \\ or \xHH: for logs and terminals. */
void str_add_visible(struct str *s, const char *text);

/* str_utf8_length: how many bytes the UTF-8 character (RFC 3629) at text has;
 * 0: it is none. A NUL has 1. */
size_t str_utf8_length(const char *text);

/* str_is_utf8: is text well-formed UTF-8 (RFC 3629)? */
bool str_is_utf8(const char *text);

/* str_characters: how many characters a text in UTF-8 has. */
size_t str_characters(const char *text);

/* str_starts, str_ends: does text begin, end with this? */
bool str_starts(const char *text, const char *prefix);
bool str_ends(const char *text, const char *suffix);

/* str_trim: cut blanks off both ends, in place; returns the new beginning. */
char *str_trim(char *text);

/* str_distance: Damerau-Levenshtein distance of two short names, case
 * ignored; names over 63 bytes give a distance of at least 64. */
unsigned str_distance(const char *a, const char *b);

struct strlist {
	char **v;	/* n strings; v is NULL when n is 0 */
	size_t n;
};

#define STRLIST_INIT { NULL, 0 }

void strlist_free(struct strlist *list);
MUST_CHECK int strlist_add(struct strlist *list, const char *text,
    struct err *err);
MUST_CHECK int strlist_addf(struct strlist *list, struct err *err,
    const char *fmt, ...) PRINTF_LIKE(3, 4);
MUST_CHECK int strlist_copy(const struct strlist *list, struct strlist *ret,
    struct err *err);
bool strlist_has(const struct strlist *list, const char *text);

struct strmap {		/* in the order of insertion; keys are unique */
	struct strlist keys;
	struct strlist values;
};

#define STRMAP_INIT { STRLIST_INIT, STRLIST_INIT }

void strmap_free(struct strmap *map);
/* strmap_add: replaces the value of a key that is there. */
MUST_CHECK int strmap_add(struct strmap *map, const char *key,
    const char *value, struct err *err);
MUST_CHECK int strmap_copy(const struct strmap *map, struct strmap *ret,
    struct err *err);
/* strmap_get: borrowed, or NULL. */
const char *strmap_get(const struct strmap *map, const char *key);

#endif
