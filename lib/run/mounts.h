/*
 * mounts: what is mounted where, for us, at this moment.
 */
#ifndef LIB_RUN_MOUNTS_H
#define LIB_RUN_MOUNTS_H

#include <stdbool.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

/* mounts_read: the mount points; strlist_free. Fails: ERR_SYSTEM, ERR_NOMEM */
MUST_CHECK int mounts_read(struct strlist *ret, struct err *err);

/* mounts_has: is this path, absolute and without links, one of them?
 * mounts_below: one that lies in it, or NULL; borrowed. */
bool mounts_has(const struct strlist *mounts, const char *path);
const char *mounts_below(const struct strlist *mounts, const char *path);

#endif
