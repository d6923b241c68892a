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

#endif
