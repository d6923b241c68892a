/*
 * extract_meta: what there is of a member beside its content, put back.
 *
 * In the order in which one does not undo another: the owner (a change of it
 * takes capabilities and set-id bits away), attributes and ACLs, the mode, the
 * times. What comes out is looked at once more: a file system may say that it
 * did and mean nearly.
 *
 * Of a directory the attributes come first and the rest when it is left, see
 * extract_dirs.h: what is made in it takes its times.
 */
#ifndef LIB_STREAM_EXTRACT_META_H
#define LIB_STREAM_EXTRACT_META_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include "lib/base/str.h"
#include "lib/stream/pax.h"
#include "lib/stream/tar_records.h"

#define EXTRACT_ACLS 2		/* kinds of them */

struct extract_state {
	uint64_t uid, gid;
	mode_t mode;		/* 12 bits */
	struct timespec mtime;
};

struct extract_meta {		/* of the member at hand */
	struct extract_state state;
	struct tar_records records;
	struct str acls[EXTRACT_ACLS];	/* as the kernel has them, or empty */
	bool seen[EXTRACT_ACLS];
	mode_t mode_without;	/* where it cannot have its access ACL */
	struct str attribute;	/* of the record at hand */
	struct str text;
	struct str problem;	/* what was not put back, and why; or "" */
};

/* extract_meta_read: from the member and its records, which are borrowed; an
 * access ACL knows the mode better than the member. Clears problem, or begins
 * it with an ACL that is none. Fails: ERR_NOMEM */
MUST_CHECK int extract_meta_read(struct extract_meta *meta,
    const struct pax_member *member, struct tar_records records,
    struct err *err);

/* extract_meta_owner, extract_meta_attributes: of what fd has open (O_PATH
 * unless it is a file or a directory) and is of this type. Append to problem,
 * which is checked for `failed` by the caller. */
void extract_meta_owner(const struct extract_state *state, int fd,
    struct str *problem);
void extract_meta_attributes(struct extract_meta *meta, int fd, mode_t type);

/* extract_meta_state: mode and times, and what is the state now is *ret; with
 * st_ino 0 where that cannot be told. */
void extract_meta_state(const struct extract_state *state, int fd, mode_t type,
    struct str *problem, struct stat *ret);

/* extract_meta_inherits: does what is made in this directory get ACLs of its?
 * extract_meta_drop: takes those from it again. */
bool extract_meta_inherits(int fd);
void extract_meta_drop(int fd, mode_t type, struct str *problem);

void extract_meta_free(struct extract_meta *meta);

#endif
