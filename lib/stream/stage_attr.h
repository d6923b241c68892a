/*
 * stage_attr: what there is of an entry beside its content.
 *
 * Owner, extended attributes (ACLs and capabilities are some), mode, times, in
 * the order in which one does not undo another. What the staging file system
 * does not keep, or may not be set by this user, is named in `problem`: it
 * would be missing in the archive.
 */
#ifndef LIB_STREAM_STAGE_ATTR_H
#define LIB_STREAM_STAGE_ATTR_H

#include <sys/stat.h>

#include "lib/base/str.h"
#include "lib/stream/member.h"

struct stage_target {		/* an entry of ours, in its directory */
	int dirfd;
	const char *name;
	int fd;			/* itself; open for writing if it is a file,
				 * for reading if it is a directory, O_PATH
				 * if it is anything else */
};

struct stage_attr {
	struct str problem;	/* what was not kept, and why; or "" */
	struct stat st;		/* what the copy is now */
	char names[XATTR_LIST_MAX];
	char other_names[XATTR_LIST_MAX];
	char value[XATTR_SIZE_MAX];
};

/* stage_attr_copy: all of them, from an open file that *st tells of. Appends to
 * problem; check problem.failed. */
void stage_attr_copy(struct stage_attr *attr, int from, const struct stat *st,
    const struct stage_target *to);
void stage_attr_free(struct stage_attr *attr);

#endif
