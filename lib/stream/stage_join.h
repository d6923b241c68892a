/*
 * stage_join: names in the copy: new ones, replaced ones, further ones of a
 * file that has several.
 *
 * Files with hard links are grouped as the source is at this walk. The first
 * name that is met is copied, or kept as it is; the others are linked to its
 * copy, unless they are already. A name is linked only if its file is, by its
 * record, the very one and in the very state that was copied: inode numbers
 * are used again. If it cannot be linked it is copied.
 */
#ifndef LIB_STREAM_STAGE_JOIN_H
#define LIB_STREAM_STAGE_JOIN_H

#include <stdbool.h>
#include <sys/stat.h>

#include "lib/stream/stage_walk.h"

/* stage_join: is the entry at hand another name of a file that this walk has
 * met? Then it is one in the copy from now on, and *ret_joined is set. */
MUST_CHECK int stage_join(struct stage_walk *walk, const struct stat *st,
    bool *ret_joined, struct err *err);

/* stage_join_remember: the entry at hand is staged, as this inode; others may
 * be linked to it. stage_join_keep: the same, of one that was staged before. */
MUST_CHECK int stage_join_remember(struct stage_walk *walk,
    const struct stat *st, ino_t staged, struct err *err);
MUST_CHECK int stage_join_keep(struct stage_walk *walk, const struct stat *st,
    struct err *err);

/* stage_join_begin: the name under which the copy of the entry at hand is to be
 * made, in walk->at, which was reached: a temporary one, or where nothing is
 * in the way its own. stage_join_publish: it is complete. */
const char *stage_join_begin(struct stage_walk *walk);
MUST_CHECK int stage_join_publish(struct stage_walk *walk, const char *as,
    struct err *err);

/* stage_join_mkdir: a directory in walk->at. One that is there stays if `keep`;
 * anything else of that name is removed. *ret_made: it is new and empty. */
MUST_CHECK int stage_join_mkdir(struct stage_walk *walk, const char *name,
    bool keep, bool *ret_made, struct err *err);

#endif
