#define _GNU_SOURCE
#include "lib/stream/member.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/base/intr.h"
#include "lib/stream/acl.h"
#include "lib/stream/pax.h"

#define LEASE_TRIES 100
#define LEASE_WAIT_S 0.1

static int
flags_for(mode_t type)
{
	switch (type) {
	case S_IFREG:
		return O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOATIME;
	case S_IFDIR:
		return O_RDONLY | O_DIRECTORY | O_NOATIME;
	default:
		return O_PATH;
	}
}

/* Only the owner of a file, or root, may ask that its access time stays. A
 * file server that holds a lease gets time to give it up: without O_NONBLOCK
 * the kernel would wait for it, but then so would it for a FIFO. */
static int
open_patiently(int dirfd, const char *name, int flags)
{
	int fd, tries = 0;

	for (;;) {
		fd = openat(dirfd, name, flags);
		if (fd >= 0)
			return fd;
		if (errno == EPERM && (flags & O_NOATIME))
			flags &= ~O_NOATIME;
		else if (errno == EWOULDBLOCK && ++tries < LEASE_TRIES) {
			if (intr_sleep(LEASE_WAIT_S))
				tries = LEASE_TRIES;
		} else if (errno != EINTR)
			return -1;
	}
}

enum member_opened
member_open(struct member *member, int dirfd, const char *name, mode_t type,
    bool follow, int *ret_fd)
{
	int flags = flags_for(type) | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW);
	CLEANUP(cleanup_close) int fd = open_patiently(dirfd, name, flags);

	if (fd < 0 && errno == ENOENT)
		return MEMBER_VANISHED;
	/* A link, no directory, a socket or a device without a driver. */
	if (fd < 0 && (errno == ELOOP || errno == ENOTDIR || errno == ENXIO))
		return MEMBER_REPLACED;
	if (fd < 0 || fstat(fd, &member->st) < 0)
		return MEMBER_UNREADABLE;
	if ((member->st.st_mode & S_IFMT) != type)
		return MEMBER_REPLACED;
	*ret_fd = fd;
	fd = -1;
	return MEMBER_OPENED;
}

/* The calls for attributes refuse a descriptor that only stands for a file,
 * but its name under /proc leads to the very file, be it a symbolic link. */
struct handle {
	int fd;
	char path[32];		/* "" where fd will do */
};

static struct handle
handle_for(int fd, mode_t mode)
{
	struct handle handle = { .fd = fd, .path = "" };

	if (!S_ISREG(mode) && !S_ISDIR(mode))
		(void)snprintf(handle.path, sizeof handle.path,
		    "/proc/self/fd/%d", fd);
	return handle;
}

static ssize_t
list(const struct handle *handle, char *names, size_t n)
{
	if (handle->path[0] != '\0')
		return listxattr(handle->path, names, n);
	return flistxattr(handle->fd, names, n);
}

static ssize_t
get(const struct handle *handle, const char *name, void *value, size_t n)
{
	if (handle->path[0] != '\0')
		return getxattr(handle->path, name, value, n);
	return fgetxattr(handle->fd, name, value, n);
}

static void
complain(struct member *member, const char *name, const char *why)
{
	str_addf(&member->problem, "%sattribute '%s': %s",
	    member->problem.len == 0 ? "" : ", ", name, why);
}

static bool
fits(struct member *member, const char *name, size_t n)
{
	if (member->records.len + 3 * strlen(name) + n + 64 <= PAX_RECORDS_MAX)
		return true;
	complain(member, name, "more attributes than fit");
	return false;
}

void
member_add_acl(struct member *member, const char *acl, const char *text)
{
	if (fits(member, acl, strlen(text)))
		pax_add_acl(&member->records, acl, text);
}

static void
add_binary_acl(struct member *member, const char *name, const void *value,
    size_t n)
{
	const char *acl = strrchr(name, '_') + 1;
	CLEANUP(str_free) struct str text = STR_INIT;

	if (!acl_text(&text, value, n))
		complain(member, name, "not an ACL");
	else if (text.failed)
		member->records.failed = true;
	else
		member_add_acl(member, acl, text.s);
}

static bool
is_acl(const char *name)
{
	return strcmp(name, "system.posix_acl_access") == 0 ||
	    strcmp(name, "system.posix_acl_default") == 0;
}

/* Other system.* attributes are views that a file system makes up. */
static bool
is_kept(const char *name)
{
	return !str_starts(name, "system.") || is_acl(name);
}

void
member_add_attribute(struct member *member, const char *name,
    const void *value, size_t n)
{
	if (is_acl(name))
		add_binary_acl(member, name, value, n);
	else if (is_kept(name) && fits(member, name, n))
		pax_add_xattr(&member->records, name, value, n);
}

static void
read_attribute(struct member *member, const struct handle *handle,
    const char *name)
{
	ssize_t n = get(handle, name, member->value, sizeof member->value);

	if (n < 0 && errno == ENODATA)		/* gone by now */
		return;
	if (n < 0)
		complain(member, name, strerror(errno));
	else
		member_add_attribute(member, name, member->value, (size_t)n);
}

static void
add_attributes(struct member *member, int fd)
{
	struct handle handle = handle_for(fd, member->st.st_mode);
	ssize_t n = list(&handle, member->names, sizeof member->names), at;

	if (n < 0 && errno != EOPNOTSUPP)
		str_addf(&member->problem, "attributes: %s", strerror(errno));
	for (at = 0; at < n; at += (ssize_t)strlen(member->names + at) + 1)
		if (is_kept(member->names + at))
			read_attribute(member, &handle, member->names + at);
}

static int
read_target(struct member *member, int fd, struct err *err)
{
	ssize_t n = readlinkat(fd, "", member->value, sizeof member->value);

	if (n < 0)
		return err_sys(err, "cannot read a symbolic link");
	str_addn(&member->target, member->value, (size_t)n);
	return 0;
}

void
member_clear(struct member *member)
{
	member->target.len = 0;
	member->records.len = 0;
	member->problem.len = 0;
}

int
member_read(struct member *member, int fd, struct err *err)
{
	member_clear(member);
	if (S_ISLNK(member->st.st_mode) && read_target(member, fd, err) < 0)
		return -1;
	add_attributes(member, fd);
	if (member->target.failed || member->records.failed ||
	    member->problem.failed)
		return err_nomem(err);
	return 0;
}

void
member_free(struct member *member)
{
	str_free(&member->target);
	str_free(&member->records);
	str_free(&member->problem);
}
