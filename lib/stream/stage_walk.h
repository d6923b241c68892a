/*
 * stage_walk: one source, seen entry by entry, and its copy made the same.
 *
 *     stage_walk_open, stage_walk_source ..., stage_walk_close
 *
 * The first walk of a source and all later ones are the same walk: an entry
 * whose record (stage_table.h) still holds is left alone, any other is copied
 * under a temporary name that then replaces what was there. A directory of
 * which the record still holds has the names that it had; in any other, what
 * the walk did not meet is removed from the copy.
 *
 * In a directory that this walk made there is nothing yet, and what records
 * say of it is of an earlier one of its name. Only a first walk may make
 * records that are not dirty: an update reads a source at rest, without all
 * that it takes to notice what happens later (stage_entry.h).
 */
#ifndef LIB_STREAM_STAGE_WALK_H
#define LIB_STREAM_STAGE_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/stream/exclude.h"
#include "lib/stream/links.h"
#include "lib/stream/pack.h"
#include "lib/stream/stage.h"
#include "lib/stream/stage_entry.h"
#include "lib/stream/stage_table.h"

struct stage_level;

struct stage_identity {
	dev_t dev;
	ino_t ino;
};

struct stage_walk {
	/* Set by the caller before stage_walk_open. */
	int root;			/* the staging directory, borrowed */
	pack_watch_fn *watch;
	void *cookie;
	struct exclude *exclude;	/* borrowed */
	const struct strlist *left_out;	/* only for stage_walk_open */
	bool suspect;			/* the last walk of this source did not
					 * come to its end: no record holds */

	/* Set by stage_walk_source. */
	bool updating;
	bool staged;		/* or is its root what cannot be staged? */
	struct stage_result result;

	struct stage_identity *own;	/* the staging directory, and after
					 * it those that are left out */
	size_t n_own;
	struct stage_table table;
	uint16_t round;
	size_t last;			/* the source that was walked last */
	struct links links;		/* of staged files: "INODE PATH" */
	struct stage_entry entry;
	uint64_t hash;			/* of the entry at hand */
	struct str path;		/* in the staging directory */
	struct str shown;
	struct stage_level *levels;	/* the first is the staging directory */
	size_t n_levels;
	size_t cap_levels;
	int at;				/* the staged directory of
					 * levels[depth], at or above the top */
	size_t depth;
	uint64_t max_fd;		/* descriptors for the walk end here */
};

MUST_CHECK int stage_walk_open(struct stage_walk *walk, struct err *err);
void stage_walk_close(struct stage_walk *walk);

/* stage_walk_source: makes the entry `index` of the staging directory what
 * source is. Sets staged and result. Fails as stage_copy does. */
MUST_CHECK int stage_walk_source(struct stage_walk *walk, size_t index,
    const char *source, const char *shown, bool updating, struct err *err);

#endif
