/*
 * pack_state: what a pack remembers. Only for pack.c, which walks directories,
 * and pack_tar.c, which reads a stream: they share all but the walk.
 */
#ifndef LIB_STREAM_PACK_STATE_H
#define LIB_STREAM_PACK_STATE_H

#include <dirent.h>
#include <stddef.h>
#include <sys/types.h>

#include "lib/base/str.h"
#include "lib/stream/chan.h"
#include "lib/stream/emit.h"
#include "lib/stream/exclude.h"
#include "lib/stream/member.h"
#include "lib/stream/pack.h"

struct level {		/* a directory that is being read */
	DIR *dir;
	size_t path_len;	/* of its own path, with the slash */
	size_t shown_len;
};

struct identity {
	dev_t dev;
	ino_t ino;
};

struct pack {
	pack_watch_fn *watch;
	void *cookie;
	struct chan *out;
	struct exclude *exclude;
	struct identity *left_out;
	size_t n_left_out;
	struct emit emit;
	struct member member;		/* the entry at hand, and its names */
	struct str path;
	struct str shown;
	struct level *levels;		/* n_levels is 0 between sources */
	size_t n_levels;
	size_t cap_levels;
};

/* pack_begin: nothing is counted yet; path and shown are the root's. */
MUST_CHECK int pack_begin(struct pack *pack, const struct pack_source *source,
    struct err *err);

/* pack_tell: tell the watcher of what is at shown. cookie: the pack. */
void pack_tell(void *cookie, enum pack_event event, const char *why);

#endif
