/*
 * member: one entry of a directory, opened safely and described.
 *
 *     member_open, member_read, close
 *
 * Entries may be swapped under our hands, by whoever owns the directory. So a
 * name is opened once, without following links and without waiting, and all
 * that is told of it comes from that descriptor. Only what the directory calls
 * a regular file or a directory is opened for reading; anything else gives a
 * descriptor that only stands for it (O_PATH), because opening a device or a
 * FIFO does things.
 */
#ifndef LIB_STREAM_MEMBER_H
#define LIB_STREAM_MEMBER_H

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "lib/base/str.h"

#ifndef XATTR_LIST_MAX		/* of linux/limits.h */
#define XATTR_LIST_MAX 65536
#define XATTR_SIZE_MAX 65536
#endif

struct member {
	struct stat st;
	struct str target;	/* where a symbolic link leads */
	struct str records;	/* attributes and ACLs, for pax_header */
	struct str problem;	/* what of these was left out, why; or "" */
	char names[XATTR_LIST_MAX];
	char value[XATTR_SIZE_MAX];
};

enum member_opened {
	MEMBER_OPENED,
	MEMBER_VANISHED,
	MEMBER_REPLACED,	/* is of another type than was said */
	MEMBER_UNREADABLE	/* errno says why */
};

/* member_open: type is S_IFREG, S_IFDIR, ... as the directory says; follow is
 * for the root of a source, which may be a symbolic link. Fills member->st; the
 * caller closes *ret_fd. */
MUST_CHECK enum member_opened member_open(struct member *member, int dirfd,
    const char *name, mode_t type, bool follow, int *ret_fd);

/* member_read: fills target, records and problem. Fails: ERR_NOMEM, or
 * ERR_SYSTEM for a target that cannot be read. */
MUST_CHECK int member_read(struct member *member, int fd, struct err *err);

/* For members that come from elsewhere. member_clear: target, records and
 * problem are empty. member_add_attribute, member_add_acl: one attribute as
 * the kernel has it, or an ACL as text (acl as in pax_add_acl), into records;
 * one that is not kept anywhere is ignored, one that does not fit is named in
 * problem. Check records.failed and problem.failed at the end. */
void member_clear(struct member *member);
void member_add_attribute(struct member *member, const char *name,
    const void *value, size_t n);
void member_add_acl(struct member *member, const char *acl, const char *text);
void member_free(struct member *member);

#endif
