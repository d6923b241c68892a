/*
 * stage_entry: the copy of one entry that is no directory.
 *
 *     stage_entry_open, stage_entry_make, look at problem and content.end
 *
 * To trust that a later change of the file will show in its ctime is not as
 * simple as it sounds; `settle` does what it takes, before the file is read:
 *   - Memory that is mapped for writing changes the ctime only when a page of
 *     it is first written to after it went to the disk. So the pages are
 *     written out, and the next change of any shows again.
 *   - A write that is on its way has set the ctime when it began. It is waited
 *     for.
 * Direct and asynchronous writes on their way are not waited for: they must
 * not take over a second.
 */
#ifndef LIB_STREAM_STAGE_ENTRY_H
#define LIB_STREAM_STAGE_ENTRY_H

#include <stdbool.h>
#include <sys/types.h>

#include "lib/base/err.h"
#include "lib/stream/member.h"
#include "lib/stream/stage_attr.h"
#include "lib/stream/stage_content.h"

struct stage_entry {
	struct member member;		/* what is copied */
	struct stage_attr attr;		/* problem: what could not be kept */
	struct stage_content content;
	bool changed;			/* while it was copied, or since it
				 * was opened at most a second before */
};

/* stage_entry_open: member_open, with entry->member.st of after it was settled,
 * and entry->changed. */
MUST_CHECK enum member_opened stage_entry_open(struct stage_entry *entry,
    int dirfd, const char *name, mode_t type, bool follow, bool settle,
    int *ret_fd);

/* stage_entry_make: name, which must not be there, becomes a copy of what
 * was opened as fd. *ret_made is false if it is something that cannot be made
 * here; attr.problem says why. Fails, naming no file: ERR_NOSPACE, ERR_SYSTEM,
 * ERR_NOMEM, ERR_INTERRUPTED; there may be something of that name then. */
MUST_CHECK int stage_entry_make(struct stage_entry *entry, int fd, int dirfd,
    const char *name, bool *ret_made, struct err *err);

/* stage_entry_is_fresh: did this change less than a second before *now, or
 * after it? Then more of them may have got the same ctime. */
bool stage_entry_is_fresh(const struct stat *st, const struct timespec *now);
void stage_entry_free(struct stage_entry *entry);

#endif
