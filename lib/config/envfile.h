/*
 * envfile: docker-volume-backup's conf.d files: one KEY=VALUE a line.
 *
 *  - blanks around a line are cut; empty lines and those with # are skipped;
 *    "export " before a key is dropped
 *  - a value without quotes ends before " #"; "..." and '...' end at their
 *    quote, and nothing but a comment may follow
 *  - $NAME, ${NAME}, ${NAME-text} and ${NAME:-text} are replaced, but not in
 *    '...'; earlier lines are seen before the environment; an unknown name is
 *    nothing, and gives way to the text
 *  - \$ is a dollar; in "..." also \" and \\, and \n is a newline; any other
 *    backslash stays
 *  - $( and ` are problems: nothing is ever run
 * A key that comes again replaces the earlier one.
 */
#ifndef LIB_CONFIG_ENVFILE_H
#define LIB_CONFIG_ENVFILE_H

#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

struct envfile_variable {
	char *name;
	char *value;
	unsigned line;
};

struct envfile {
	struct envfile_variable *v;	/* names are unique */
	size_t n;
};

#define ENVFILE_INIT { NULL, 0 }

/*
 * envfile_parse: read a whole text.
 *
 * Takes    text, len bytes and a NUL, which is written to; path, for messages;
 *          environment, NULL-terminated or NULL
 * Gives    *ret: what could be read; envfile_free
 * Fails    ERR_NOMEM only; all else goes to problems as "path:line: ...",
 *          never with a value
 */
MUST_CHECK int envfile_parse(char *text, size_t len, const char *path,
    char *const *environment, struct envfile *ret, struct strlist *problems,
    struct err *err);
void envfile_free(struct envfile *file);	/* values are wiped */

#endif
