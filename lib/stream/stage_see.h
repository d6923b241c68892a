/*
 * stage_see: what a stage_walk does with each entry that it meets.
 *
 * walk->path and walk->shown are those of the directory on top, with a slash,
 * or of the root of the source.
 */
#ifndef LIB_STREAM_STAGE_SEE_H
#define LIB_STREAM_STAGE_SEE_H

#include <dirent.h>

#include "lib/stream/stage_walk.h"

/* stage_see_entry: of a directory of the source that is open as `at`. A
 * directory is on top afterwards. */
MUST_CHECK int stage_see_entry(struct stage_walk *walk, int at,
    const struct dirent *entry, struct err *err);

/* stage_see_root: the same for the source itself. Fails also: ERR_SOURCE. */
MUST_CHECK int stage_see_root(struct stage_walk *walk, const char *path,
    struct err *err);

/* stage_see_tell: tell the watcher, of what is at walk->shown; only in an
 * update. stage_see_leave_out: the same, of what will be missing in the
 * copy. */
void stage_see_tell(const struct stage_walk *walk, enum pack_event event,
    const char *why);
void stage_see_leave_out(struct stage_walk *walk, enum pack_event event,
    const char *why);

#endif
