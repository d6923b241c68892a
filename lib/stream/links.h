/*
 * links: which files with several names are in the archive already.
 *
 * Keyed by device, inode and type. An entry is forgotten once as many names
 * were met as the file had when it was first met, so that what is kept is
 * bounded by the links that are yet to come.
 */
#ifndef LIB_STREAM_LINKS_H
#define LIB_STREAM_LINKS_H

#include <stddef.h>
#include <sys/stat.h>

#include "lib/base/err.h"

struct link_entry;

struct links {
	struct link_entry **buckets;
	size_t n_buckets;	/* a power of 2, or 0 */
	size_t n;
};

#define LINKS_INIT { NULL, 0, 0 }

/* links_find: the path under which this file is in the archive, borrowed until
 * links_met; or NULL. */
const char *links_find(const struct links *links, const struct stat *st);

/* links_add: this file is in the archive now. To be called only when it is: a
 * link to a member that is not there would break extraction. */
MUST_CHECK int links_add(struct links *links, const struct stat *st,
    const char *path, struct err *err);

/* links_met: one more name of a file that links_find found was written. */
void links_met(struct links *links, const struct stat *st);

void links_free(struct links *links);

#endif
