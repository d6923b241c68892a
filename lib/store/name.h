/*
 * name: from the filename setting to an archive's name. Pure.
 *
 * Order, as in docker-volume-backup: $VARIABLE (if asked for), {{ .Extension }}
 * and {{ .Job }}, strftime in local time, base name.
 */
#ifndef LIB_STORE_NAME_H
#define LIB_STORE_NAME_H

#include <stdbool.h>
#include <time.h>

#include "lib/base/err.h"

#define NAME_METADATA_SUFFIX ".metadata.json"
#define NAME_SEALED_SUFFIX ".gpg"

/* name_expand: replace $NAME, ${NAME}, ${NAME:-default} and $$ (a dollar); an
 * unset variable is empty, HOSTNAME falls back to the host's name; a dollar
 * before anything else stays. lookup is getenv, or a test's own. Caller frees.
 * Fails    ERR_CONFIG unclosed brace, anything else in braces, command
 *          substitution */
MUST_CHECK int name_expand(const char *text,
    const char *(*lookup)(const char *variable), char **ret, struct err *err);

struct name_values {
	const char *extension;	/* "tar.gz" */
	const char *job;
};

/* name_template: replace {{ .Extension }} and {{ .Job }} (blanks inside the
 * braces are free). In the values a % becomes %%: they are no strftime.
 * Caller frees. Fails: ERR_CONFIG unknown field or unclosed braces, named. */
MUST_CHECK int name_template(const char *text,
    const struct name_values *values, char **ret, struct err *err);

/* name_format: strftime(3) in local time; caller frees.
 * Fails    ERR_CONFIG the result is empty, ".", "..", begins with the prefix
 *          of temporary files, has a slash, or has more than 200 bytes */
MUST_CHECK int name_format(const char *pattern, time_t t, char **ret,
    struct err *err);

/* name_has_time: do two names made at different seconds ever differ?
 * False for a pattern whose only conversions are %%, %n, %t. */
bool name_has_time(const char *pattern);

/* name_suffix_compression: what a name's or pattern's extension says: "gz"
 * for .tar.gz and .tgz, "zst" for .tar.zst and .tzst, "none" for .tar, else
 * NULL. Static text. */
const char *name_suffix_compression(const char *name);

/*
 * name_match: could this pattern have made this name?
 *
 * Takes    pattern: what name_format takes; name: of a file in a store
 * Gives    *ret: the time that it was made of, in local time as name_format;
 *          of a time that the pattern does not tell whole, the earliest
 * Any of our suffixes (.tar.gz .tgz .tar.zst .tzst .tar, and .gpg behind it)
 * stands for any other. Nothing else may differ: formatting the time again
 * must give the name (in today's TZ: a name with a %z or %Z of another zone is
 * foreign, and so is one that says half past two where clocks went from two to
 * three). Years are 1969 to 9999; two digits are 1969 to 2068. Conversions that
 * are several in one, such as %F, must have no width, or nothing matches. A
 * pattern without a time matches its one name, *ret is 0.
 * Where memory lacks it does not match, and errno is ENOMEM.
 */
bool name_match(const char *pattern, const char *name, time_t *ret);

/* name_tells_day: does this pattern tell year and day? Where it does not
 * ("%a", "%m-%d", "%Y-%m") the time that name_match gives says nothing of a
 * name's age. Where memory lacks: false, and errno is ENOMEM. */
bool name_tells_day(const char *pattern);

#endif
