/*
 * exclude: which paths are left out.
 *
 * Globs are those of fnmatch(3), where `*` does not cross a slash:
 *     *.log           any name, at any depth
 *     cache/tmp       the end of any path
 *     /srv/www/cache  the whole path
 *     cache/          (a slash at the end) directories only
 * The regular expression is searched in the whole path. It may come from a
 * container's label, so it is matched with a limit; a path on which it takes
 * too long is kept, because leaving out is the dangerous side.
 */
#ifndef LIB_STREAM_EXCLUDE_H
#define LIB_STREAM_EXCLUDE_H

#include <stdbool.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

struct exclude;

/* exclude_new: copies what it is given; both may be NULL, regexp may be "".
 * Fails: ERR_CONFIG the expression does not compile (the offset is named). */
MUST_CHECK int exclude_new(const struct strlist *globs, const char *regexp,
    struct exclude **ret, struct err *err);

/* exclude_has: path is absolute, without a slash at its end. */
bool exclude_has(struct exclude *exclude, const char *path, bool is_directory);
void exclude_free(struct exclude *exclude);
void exclude_freep(struct exclude **exclude);	/* for CLEANUP */

#endif
