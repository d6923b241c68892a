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
 * types, owners, modes, times, extended attributes, ACLs, hard links within
 * the source, holes (as holes). Sockets are left out.
 *
 * An entry counts as unchanged if its device, inode, type, size and change
 * time (ctime, which cannot be set) are those seen before it was copied, and
 * that change was over a second old when seen: a later write within the clock's
 * tick would not show. Size and modification time alone would miss a swap of
 * two trees with equal stamps. What is known of each entry lies in an unlinked
 * file that is mapped, not in memory of ours: some 32 bytes an entry.
 *
 * Where the file system can share extents (FICLONE) they are shared, else
 * copied by copy_file_range or read and write. Everything is reached by
 * descriptors and names opened without following links; nothing outside of
 * source and staging is touched even if somebody swaps names meanwhile. Other
 * file systems mounted below a source are copied too, like pack does.
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
	const struct strlist *left_out;	/* as in pack_settings */
	const struct strlist *exclude;	/* the same, against shown: what will */
	const char *exclude_regexp;	/* not be packed need not be copied */
	pack_watch_fn *watch;	/* what was unreadable, grew, vanished ...; only
				 * in stage_update: before, it does not matter */
	void *cookie;
};

struct stage_result {
	uint64_t entries;
	uint64_t copied;	/* entries of which the content was copied */
	uint64_t bytes;		/* copied or shared */
	uint64_t removed;
	uint64_t excluded;
};

MUST_CHECK int stage_new(const struct stage_settings *settings,
    struct stage **ret, struct err *err);
/* stage_free: removes all of it; what cannot be removed is logged. A staging
 * directory that was left by a run that died is removed by stage_sweep, before
 * stage_new and under the lock. */
void stage_free(struct stage *stage);
void stage_freep(struct stage **stage);	/* for CLEANUP */
MUST_CHECK int stage_sweep(const char *directory, struct err *err);

/* stage_copy, stage_update: source: absolute path, a directory or one file;
 * shown: as in pack_source. *ret_index of stage_copy is for the other two.
 * Fails: ERR_SOURCE, ERR_NOSPACE, ERR_INTERRUPTED, ERR_SYSTEM (of the staging
 * directory), ERR_NOMEM. An entry that cannot be read is told by watch, and is
 * left out, as pack would do. */
MUST_CHECK int stage_copy(struct stage *stage, const char *source,
    const char *shown, size_t *ret_index, struct stage_result *ret,
    struct err *err);
MUST_CHECK int stage_update(struct stage *stage, size_t index,
    struct stage_result *ret, struct err *err);
const char *stage_path(const struct stage *stage, size_t index);

#endif
