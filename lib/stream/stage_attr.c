#define _GNU_SOURCE
#include "lib/stream/stage_attr.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/stream/attr_handle.h"

static ssize_t
list(const struct attr_handle *handle, char *names, size_t n)
{
	if (handle->path[0] != '\0')
		return listxattr(handle->path, names, n);
	return flistxattr(handle->fd, names, n);
}

static ssize_t
get(const struct attr_handle *handle, const char *name, void *value, size_t n)
{
	if (handle->path[0] != '\0')
		return getxattr(handle->path, name, value, n);
	return fgetxattr(handle->fd, name, value, n);
}

static void
complain(struct stage_attr *attr, const char *what, const char *name, int error)
{
	str_addf(&attr->problem, "%s%s%s%s cannot be staged: %s",
	    attr->problem.len == 0 ? "" : ", ", what,
	    name[0] == '\0' ? "" : " ", name, strerror(error));
}

static bool
is_acl(const char *name)
{
	return strcmp(name, "system.posix_acl_access") == 0 ||
	    strcmp(name, "system.posix_acl_default") == 0;
}

/* As an archive keeps them: other system.* attributes are views that a file
 * system makes up. */
static bool
is_kept(const char *name)
{
	return !str_starts(name, "system.") || is_acl(name);
}

static bool
is_among(const char *names, ssize_t n, const char *name)
{
	ssize_t at;

	for (at = 0; at < n; at += (ssize_t)strlen(names + at) + 1)
		if (strcmp(names + at, name) == 0)
			return true;
	return false;
}

/* What the copy got from its directory (a default ACL), or from the kernel
 * because it is new (a label). A label may have to stay. */
static void
drop_others(struct stage_attr *attr, const struct attr_handle *to, ssize_t n)
{
	const char *names = attr->other_names;
	ssize_t n_there = list(to, attr->other_names,
	    sizeof attr->other_names), at;

	for (at = 0; at < n_there; at += (ssize_t)strlen(names + at) + 1)
		if (is_kept(names + at) &&
		    !is_among(attr->names, n, names + at) &&
		    attr_drop(to, names + at) < 0 && is_acl(names + at))
			complain(attr, "absence of", names + at, errno);
}

static void
copy_attribute(struct stage_attr *attr, const struct attr_handle *from,
    const struct attr_handle *to, const char *name)
{
	ssize_t n = get(from, name, attr->value, sizeof attr->value);

	if (n < 0 && errno == ENODATA)		/* gone by now */
		return;
	if (n < 0 || attr_set(to, name, attr->value, (size_t)n) < 0)
		complain(attr, "attribute", name, errno);
}

static void
copy_attributes(struct stage_attr *attr, const struct attr_handle *from,
    const struct attr_handle *to)
{
	ssize_t n = list(from, attr->names, sizeof attr->names), at;

	if (n < 0 && errno != EOPNOTSUPP)
		complain(attr, "attributes", "", errno);
	drop_others(attr, to, n);
	for (at = 0; at < n; at += (ssize_t)strlen(attr->names + at) + 1)
		if (is_kept(attr->names + at))
			copy_attribute(attr, from, to, attr->names + at);
}

static bool
same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* A file system may say that it did and mean nearly: it has times in whole
 * seconds, no owners, or takes a bit away. */
static void
look_again(struct stage_attr *attr, const struct stat *st,
    const struct stage_target *to)
{
	const struct stat *got = &attr->st;

	if (fstatat(to->dirfd, to->name, &attr->st, AT_SYMLINK_NOFOLLOW) < 0) {
		complain(attr, "state", "", errno);
		return;
	}
	if (attr->problem.len != 0)
		return;
	if (got->st_uid != st->st_uid || got->st_gid != st->st_gid)
		str_add(&attr->problem, "owner cannot be staged");
	else if (got->st_mode != st->st_mode && !S_ISLNK(st->st_mode))
		str_add(&attr->problem, "mode cannot be staged");
	else if (!same_time(&got->st_mtim, &st->st_mtim))
		str_add(&attr->problem, "time cannot be staged exactly");
}

/* A change of owner takes capabilities and the set-id bits away, and an ACL
 * takes bits of the mode; each change takes the time. */
void
stage_attr_copy(struct stage_attr *attr, int from, const struct stat *st,
    const struct stage_target *to)
{
	const struct timespec times[2] = { st->st_atim, st->st_mtim };
	struct attr_handle from_handle = attr_handle_for(from, st->st_mode);
	struct attr_handle to_handle = attr_handle_for(to->fd, st->st_mode);

	if (fchownat(to->dirfd, to->name, st->st_uid, st->st_gid,
	    AT_SYMLINK_NOFOLLOW) < 0)
		complain(attr, "owner", "", errno);
	copy_attributes(attr, &from_handle, &to_handle);
	if (!S_ISLNK(st->st_mode) && fchmodat(to->dirfd, to->name,
	    st->st_mode & 07777, 0) < 0)
		complain(attr, "mode", "", errno);
	if (utimensat(to->dirfd, to->name, times, AT_SYMLINK_NOFOLLOW) < 0)
		complain(attr, "time", "", errno);
	look_again(attr, st, to);
}

void
stage_attr_free(struct stage_attr *attr)
{
	str_free(&attr->problem);
}
