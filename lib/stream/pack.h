/*
 * pack: directories become one pax stream.
 *
 *     pack_new, pack_source ..., pack_finish, pack_free
 *
 * A source may also come as a tar stream: pack_tar.h.
 *
 * Kept: owners and groups by number (names belong to the host, not to a
 * volume), modes, times in nanoseconds, symbolic and hard links (also across
 * sources), sparse files (as GNU.sparse 1.0), extended attributes, POSIX ACLs
 * of both kinds, file capabilities, device nodes, FIFOs, empty directories,
 * names and link targets of any bytes and length, files over 8 GiB, ids over
 * 2^21. Sockets are left out and counted. Members come depth first, parents
 * before children. GNU tar and bsdtar read the result without a locale; GNU
 * tar restores all of it (--xattrs --xattrs-include='*' --acls), bsdtar all
 * but what it misreads: times before 1970 with a fraction, ids from 2^31 in an
 * ACL, attributes with '=' in their name (see pax.h). Neither extracts a path
 * over PATH_MAX.
 *
 * A source that moves while it is read never breaks the stream: a member has
 * exactly the size that its header says, padded with zeros or cut, and the
 * watcher is told. Only these end the stream: the channel was cancelled, a
 * signal came (intr.h), the root of a source cannot be read, no memory.
 *
 * Our own temporary files (tempfile.h) are never packed: one of them may be
 * this very archive. Nor are staging directories (stage.h): one of them may
 * hold the copies of other sources.
 *
 * Memory is bounded whatever the number of files, but for some 150 bytes for
 * each file that has hard links yet to come. One open descriptor (and the
 * 32 KiB of a DIR) per level of depth; the soft limit is raised to the hard
 * one. Paths over 256 KiB and attributes over 384 KiB in sum are left out, as
 * PACK_UNREADABLE: libarchive refuses the whole archive for such headers.
 */
#ifndef LIB_STREAM_PACK_H
#define LIB_STREAM_PACK_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/stream/chan.h"
#include "lib/stream/progress.h"

#define STAGE_PREFIX ".vbackup-stage."

struct pack;

enum pack_event {
	PACK_GREW,		/* cut at the header's size: harmless */
	PACK_SHRANK,		/* padded with zeros */
	PACK_VANISHED,		/* was listed, is gone: left out */
	PACK_REPLACED,		/* is something else by now: left out */
	PACK_UNREADABLE,	/* left out, or padded from where it failed,
				 * or without some attribute: why tells */
	PACK_SOCKET,		/* left out */
	PACK_LEFT_OUT		/* the directory of a store: left out */
};

/* Called on the packing thread; path as the user knows it (see `shown`). */
typedef void pack_watch_fn(void *cookie, enum pack_event event,
    const char *path, const char *why);

struct pack_settings {
	const struct strlist *exclude;	/* globs, see exclude.h; NULL: none */
	const char *exclude_regexp;	/* NULL: none; a path on which it runs
					 * into the match limit is kept */
	const struct strlist *left_out;	/* absolute paths of directories that
					 * are never packed: our own stores */
	pack_watch_fn *watch;		/* NULL: nobody cares */
	void *cookie;
	struct progress *progress;	/* NULL: nobody cares */
};

struct pack_source {
	const char *path;	/* absolute; a directory, or one file */
	const char *member;	/* name of its root in the archive, relative,
				 * no slash at its end: "volumes/db_data" */
	const char *shown;	/* absolute name of its root for patterns and
				 * messages: "/volumes/db_data", "/srv/www" */
};

struct pack_result {		/* of one source, or summed up */
	uint64_t members;	/* everything written, the root included */
	uint64_t files;		/* regular files among them, each once
				 * however many hard links it has */
	uint64_t raw_bytes;	/* sum of the regular files' sizes */
	uint64_t excluded;
	uint64_t sockets;
};

/* Fails: ERR_CONFIG exclude_regexp does not compile (offset named). out and
 * progress are borrowed, the rest of settings is copied. */
MUST_CHECK int pack_new(const struct pack_settings *settings,
    struct chan *out, struct pack **ret, struct err *err);

/* pack_check: does exclude_regexp compile? For check, before anything. */
MUST_CHECK int pack_check(const struct pack_settings *settings,
    struct err *err);

/* Adds one tree, its root included. A source that is a symbolic link is
 * followed (the user meant what it leads to). The root is never excluded, but
 * one that is itself the directory of a store gives PACK_LEFT_OUT and no
 * member. Fails: ERR_SOURCE, ERR_STREAM, ERR_INTERRUPTED, ERR_NOMEM; *ret is
 * set even then. */
MUST_CHECK int pack_source(struct pack *pack, const struct pack_source *source,
    struct pack_result *ret, struct err *err);

/* The end of archive; finishes the channel. */
MUST_CHECK int pack_finish(struct pack *pack, struct err *err);
void pack_free(struct pack *pack);
void pack_freep(struct pack **pack);	/* for CLEANUP */

#endif
