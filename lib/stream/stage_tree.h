/*
 * stage_tree: directories that are ours, opened and removed.
 *
 * Nothing is followed, no path is used, and a tree may be as deep as it likes:
 * only one descriptor is held, and the way up is "..", which is compared with
 * what was left on the way down. Directories whose bits forbid it even to
 * their owner are opened up.
 */
#ifndef LIB_STREAM_STAGE_TREE_H
#define LIB_STREAM_STAGE_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"

/* stage_tree_open: a directory, for reading and for making names in it; -1
 * with errno. *ret_changed is set if its mode had to be changed for that. */
int stage_tree_open(int dirfd, const char *name, bool *ret_changed);

/* stage_tree_parent: the directory that holds the last name of this path,
 * opened as one to link from; -1 with errno. path is relative, of any length,
 * and *ret_name is its last part. */
int stage_tree_parent(int dirfd, const char *path, const char **ret_name);

/* stage_tree_remove: whatever has this name, if anything, with all that is in
 * it; nothing that is mounted in it is entered, and that is a failure. Adds the
 * number of entries to *n. Stops at the first that cannot be removed; with
 * `patient` it is not interrupted by signals. Fails: ERR_SYSTEM, ERR_NOMEM,
 * ERR_INTERRUPTED. */
MUST_CHECK int stage_tree_remove(int dirfd, const char *name, bool patient,
    uint64_t *n, struct err *err);

#endif
