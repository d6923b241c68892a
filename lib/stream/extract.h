/*
 * extract: the stage at the end that makes files again of a tar, below the
 * directories that its user names, and never anywhere else.
 *
 * Each member's name is cut at its leading slashes and "./", and it is asked
 * for where it belongs: below which directory, under which name. From there it
 * is walked to one component after the other, and no symbolic link is followed,
 * neither one that was there nor one that the archive makes. An archive is
 * refused as a whole if it has ".." in a name, or a name that leads through a
 * symbolic link that it made itself. A symbolic link may lead anywhere: nothing
 * here follows it.
 *
 * A hard link is made to what this stage has made of this archive, and to
 * nothing else that is there. Where its target is something else it is a
 * problem, and no reason to refuse the archive: that one may not be wanted, or
 * was kept because it was there already, and no list of names tells.
 *
 * Put back are: owners and groups by number (root only; others get the files,
 * and programs without the set-id bits of other owners), modes with set-id
 * bits, times of change to the nanosecond, extended attributes with
 * capabilities, ACLs (by number; by name where GNU tar has written a name
 * only), hard links, holes, FIFOs, and devices where `devices` says so. A
 * directory gets its owner, mode and times when the last of its members is
 * there. Archives may be ours, GNU tar's or docker-volume-backup's; their
 * members may come in any order, of two with one name the later one counts, and
 * memory is bounded: see extract_made.h and extract_dirs.h.
 *
 * What cannot be put back on a member that is there otherwise (an attribute
 * that the file system does not know), and what was not made because something
 * is there already, is a problem: told, counted, and the rest goes on. An
 * archive that is damaged or wants out, and a disk that is full or broken, end
 * it; a file that is not complete then is removed.
 *
 * Nothing is synced to the disk: whoever removes another copy afterwards does
 * that first (syncfs).
 *
 * Like those of every stage its results count only when the stages before it
 * have ended well.
 */
#ifndef LIB_STREAM_EXTRACT_H
#define LIB_STREAM_EXTRACT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/stream/chan.h"
#include "lib/stream/progress.h"

struct extract_place {
	int dir;		/* below this directory, borrowed until the
				 * stage ends; -1: the member is not wanted */
	const char *path;	/* relative; "": the directory itself, which
				 * gets the member's owner, mode, times and
				 * attributes; valid until the next call */
};

struct extract_settings {	/* borrowed during extract_stage */
	/* name: relative, no slash at either end, no empty, "." or ".."
	 * components; "" is the root of the archive. Also asked of what a hard
	 * link leads to. */
	int (*place)(void *cookie, const char *name,
	    struct extract_place *ret, struct err *err);
	/* Told of each problem: one line, the member named; only the first
	 * EXTRACT_PROBLEMS_MAX. NULL: nobody. */
	void (*problem)(void *cookie, const char *message);
	void *cookie;
	bool overwrite;		/* replace what is there, a file at a time by
				 * rename; a directory is merged, gets the
				 * member's owner, mode and times, and is never
				 * replaced by anything else. Without: it is
				 * merged, too, but stays as it is (a problem
				 * where owner or mode differ) */
	bool devices;		/* make devices; else each is a problem */
	uint64_t bytes_max;	/* of content of all wanted files together,
				 * holes included: more is damage; 0: no
				 * limit */
	struct progress *progress;	/* members and raw_bytes are bumped;
					 * NULL */
};

#define EXTRACT_PROBLEMS_MAX 100

struct extract_result {
	uint64_t seen;		/* members of the archive */
	uint64_t members;	/* that were made, or put back on a directory */
	uint64_t files;
	uint64_t raw_bytes;	/* content of those files */
	uint64_t problems;
};

/* extract_stage: reads in, whose blocks are of TAR_READER_BLOCK_BYTES, to its
 * end. Gives *ret, also on failure.
 * Fails    ERR_SOURCE it is damaged, cut off, no tar, or wants out of where it
 *          belongs; ERR_NOSPACE; ERR_SYSTEM; ERR_STREAM; ERR_NOMEM;
 *          ERR_INTERRUPTED; whatever place failed with */
MUST_CHECK int extract_stage(const struct extract_settings *settings,
    struct chan *in, struct extract_result *ret, struct err *err);

#endif
