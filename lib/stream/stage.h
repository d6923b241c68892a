/*
 * stage: a copy of a source, taken before the window, and brought up to date
 * in it; so that the window is as long as the changes are large.
 *
 *     stage_new      an empty staging directory below a given one
 *     stage_copy     all of one source, while it is still in use
 *     stage_update   the same source at rest: only what changed since
 *     stage_path     where its copy is, to be packed instead
 *     stage_free     removes everything
 *
 * After stage_update the copy is what the source is, byte for byte: contents,
 * types, owners, modes, times, extended attributes, ACLs, hard links (also to
 * earlier sources), holes (as holes). Sockets are left out, and so are our own
 * temporary files and the staging directory itself, silently. An update may be
 * repeated.
 *
 * An entry counts as unchanged if its device, inode, type, size and change
 * time (ctime, which cannot be set) are those seen before it was copied, and
 * that change was over a second old when seen: a later write within the clock's
 * tick would not show. Size and modification time alone would miss a swap of
 * two trees with equal stamps. Changes through mapped memory show, too, because
 * a file is written out before it is copied (stage_entry.h). What is known of
 * each entry lies in an unlinked file in the staging directory that is mapped,
 * not in memory of ours: 53 to 107 bytes an entry (stage_table.h). Memory of
 * ours are some 400 KiB, what pack.h says of hard links, and one descriptor per
 * level of depth, up to some before the hard limit: deeper ones are told as
 * PACK_UNREADABLE.
 *
 * Whose ctime tells nothing is copied again in each update: FAT, all of FUSE,
 * AFS, tmpfs, overlayfs. Of a network file system it is the server's: one that
 * is ahead of our clock makes everything new, which is safe. One that is behind
 * takes the second away, so that only the comparison is left: a file that is
 * written twice in one tick of the server, and copied in between, would be
 * taken for unchanged; so would one that another host changes while our kernel
 * still trusts its cached attributes. The same goes for a direct or
 * asynchronous write that takes over a second.
 *
 * Where the file system can share extents (FICLONE) they are shared, else
 * copied by copy_file_range or read and write. Everything is reached by
 * descriptors and names opened without following links; nothing outside of
 * source and staging is touched even if somebody swaps names meanwhile. Other
 * file systems mounted below a source are copied too, like pack does. A source
 * that is a symbolic link is followed.
 *
 * What the staging file system cannot keep of an entry (an attribute, an
 * owner, a time, a device node without being root) is told as PACK_UNREADABLE
 * in each update. Where it cannot have the entry at all (a name or a target
 * that is too long for it) the copy fails.
 */
#ifndef LIB_STREAM_STAGE_H
#define LIB_STREAM_STAGE_H

#include <stdint.h>

#include "lib/base/err.h"
#include "lib/stream/pack.h"

struct stage;

struct stage_settings {
	const char *directory;	/* where the staging directory is made; mode
				 * 0700, named .vbackup-stage.XXXXXX */
	/* As in pack_settings: what will not be packed is not copied. */
	const struct strlist *left_out;
	const struct strlist *exclude;
	const char *exclude_regexp;
	pack_watch_fn *watch;	/* what was unreadable, grew, vanished ...;
				 * only in stage_update: before, it does not
				 * matter */
	void *cookie;
};

struct stage_result {
	uint64_t entries;	/* of the source, its root included */
	uint64_t copied;	/* those that were copied: all but directories,
				 * and further names of one file */
	uint64_t bytes;		/* copied or shared */
	uint64_t removed;	/* from the copy, because they are gone */
	uint64_t excluded;	/* pack does not meet, or count, them again */
};

/* stage_new: copies the settings. Fails: ERR_CONFIG exclude_regexp does not
 * compile; ERR_NOTFOUND, ERR_NOSPACE, ERR_SYSTEM of the directory, also where
 * it takes two names for one (upper and lower case); ERR_NOMEM. */
MUST_CHECK int stage_new(const struct stage_settings *settings,
    struct stage **ret, struct err *err);

/* stage_free: removes all of it; what cannot be removed is logged. A staging
 * directory that was left by a run that died is removed by stage_sweep, before
 * stage_new and under the lock; it belongs to this user, and nobody who lives
 * holds its flock. */
void stage_free(struct stage *stage);
void stage_freep(struct stage **stage);	/* for CLEANUP */
MUST_CHECK int stage_sweep(const char *directory, struct err *err);

/* stage_copy, stage_update: source: absolute path, a directory or one file;
 * shown: as in pack_source. *ret_index of stage_copy is for the other two.
 * Fails: ERR_SOURCE, ERR_NOSPACE, ERR_INTERRUPTED, ERR_SYSTEM (of the staging
 * directory), ERR_NOMEM. An entry that cannot be read is told by watch, and is
 * left out, as pack would do. What a stage_copy that fails has copied is
 * removed; after a stage_update that fails the copy is neither old nor new, and
 * another one copies all of it again. */
MUST_CHECK int stage_copy(struct stage *stage, const char *source,
    const char *shown, size_t *ret_index, struct stage_result *ret,
    struct err *err);
MUST_CHECK int stage_update(struct stage *stage, size_t index,
    struct stage_result *ret, struct err *err);

/* stage_path: valid until the next call for this source. A source that is
 * itself a socket or left out is not staged: it is its own path then, for pack
 * to say so. */
const char *stage_path(const struct stage *stage, size_t index);

#endif
