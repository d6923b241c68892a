/*
 * stage_level: the directories that a stage_walk is in.
 *
 * Of the source, each has an open descriptor: somebody may move directories
 * there, and ".." would lead elsewhere. Of the copy only one is open, that of
 * levels[depth], which follows when something is to be done there: nobody but
 * us moves directories in it.
 */
#ifndef LIB_STREAM_STAGE_LEVEL_H
#define LIB_STREAM_STAGE_LEVEL_H

#include <dirent.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "lib/stream/stage_walk.h"

struct stage_level {		/* a directory that is being read */
	DIR *dir;		/* of the source; NULL for the first level */
	size_t path_len;	/* of its own path, with the slash */
	size_t shown_len;
	uint64_t hash;		/* of its path, with the slash */
	uint64_t own_hash;	/* without: of its record */
	struct stat st;		/* as it was opened */
	bool trusted;		/* its file system keeps change times */
	bool fresh;		/* made by this walk */
	bool touched;		/* its attributes are to be set */
	bool compare;		/* the copy may have names too many */
};

struct stage_level *stage_level_top(const struct stage_walk *walk);

/* stage_level_push: takes level->dir, even if it fails. */
MUST_CHECK int stage_level_push(struct stage_walk *walk,
    const struct stage_level *level, struct err *err);
void stage_level_pop(struct stage_walk *walk);

/* stage_level_reach: walk->at is the copy of the directory on top. */
MUST_CHECK int stage_level_reach(struct stage_walk *walk, struct err *err);

/* stage_level_finish: the directory on top will not change any more: give it
 * its attributes if they are to be set; what is wrong with them is in
 * walk->entry.attr.problem. walk->at is above it. */
MUST_CHECK int stage_level_finish(struct stage_walk *walk, struct err *err);

/* stage_level_compare: remove what this walk did not meet in the directory on
 * top from its copy. */
MUST_CHECK int stage_level_compare(struct stage_walk *walk, struct err *err);

/* stage_level_trusts: does the file system of this descriptor change a ctime
 * with every change, and at no one's wish? */
bool stage_level_trusts(int fd);

/* stage_level_fail: err_sys for what we could not do in our own directory. */
int stage_level_fail(const struct stage_walk *walk, const char *what,
    struct err *err);

#endif
