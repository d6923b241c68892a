#define _GNU_SOURCE
#include "lib/stream/extract_meta.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/stream/acl.h"
#include "lib/stream/attr_handle.h"

#define SET_ID (S_ISUID | S_ISGID)

enum { ACCESS, DEFAULT };

static const struct {
	const char *key;	/* of a record: its text */
	const char *attribute;	/* as the kernel has it */
} acls[EXTRACT_ACLS] = {
	[ACCESS] = { "SCHILY.acl.access", "system.posix_acl_access" },
	[DEFAULT] = { "SCHILY.acl.default", "system.posix_acl_default" },
};

static int
set_mode(const struct attr_handle *handle, mode_t mode)
{
	return handle->path[0] != '\0' ? chmod(handle->path, mode) :
	    fchmod(handle->fd, mode);
}

static int
set_times(const struct attr_handle *handle, const struct timespec *mtime)
{
	const struct timespec times[2] = { { 0, UTIME_OMIT }, *mtime };

	if (handle->path[0] != '\0')
		return utimensat(AT_FDCWD, handle->path, times, 0);
	return futimens(handle->fd, times);
}

static void PRINTF_LIKE(2, 3)
complain(struct str *problem, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	if (problem->len != 0)
		str_add(problem, ", ");
	str_add(problem, text);
}

static bool
is_root(void)
{
	return geteuid() == 0;
}

#define HOST_ENTRY_BYTES 16384

static bool
find_on_host(const char *name, bool is_group, uint32_t *ret)
{
	char buffer[HOST_ENTRY_BYTES];
	struct passwd user, *found_user = NULL;
	struct group group, *found_group = NULL;

	if (!is_group && getpwnam_r(name, &user, buffer, sizeof buffer,
	    &found_user) == 0 && found_user != NULL) {
		*ret = user.pw_uid;
		return true;
	}
	if (is_group && getgrnam_r(name, &group, buffer, sizeof buffer,
	    &found_group) == 0 && found_group != NULL) {
		*ret = group.gr_gid;
		return true;
	}
	return false;
}

/* The first of each kind counts: some tars write both text and attribute. */
static void
take_acl(struct extract_meta *meta, size_t kind)
{
	mode_t *mode = &meta->state.mode;
	struct acl_mode acl;

	if (meta->seen[kind] || meta->text.len == 0)
		return;
	meta->seen[kind] = true;
	if (!acl_value(&meta->acls[kind], meta->text.s, find_on_host,
	    &acl)) {
		complain(&meta->problem, "its ACL is not understood: %.100s",
		    meta->text.s);
		acl.kept = acl.lost = *mode & 0707;
	}
	if (kind != ACCESS)
		return;
	*mode &= ~(mode_t)0777;
	meta->mode_without = *mode | acl.lost;
	*mode |= acl.kept;
}

static int
read_acl(struct extract_meta *meta, const struct tar_record *record,
    struct err *err)
{
	size_t i;

	for (i = 0; i < EXTRACT_ACLS; i++) {
		meta->text.len = 0;
		if (tar_record_is(record, acls[i].key)) {
			if (tar_record_text(record, &meta->text, err) < 0)
				return -1;
			take_acl(meta, i);
		} else if (strcmp(meta->attribute.s, acls[i].attribute) == 0) {
			if (!acl_text(&meta->text, record->value, record->n))
				str_add(&meta->text, "not an ACL");
			if (!meta->text.failed)
				take_acl(meta, i);
		}
	}
	return 0;
}

static int
read_records(struct extract_meta *meta, struct err *err)
{
	struct tar_records rest = meta->records;
	struct tar_record record;

	for (;;) {
		if (tar_records_next(&rest, &record, err) < 0)
			return -1;
		if (record.key == NULL)
			return 0;
		tar_record_attribute(&record, &meta->attribute);
		if (meta->attribute.failed)
			return err_nomem(err);
		if (read_acl(meta, &record, err) < 0)
			return -1;
	}
}

int
extract_meta_read(struct extract_meta *meta, const struct pax_member *member,
    struct tar_records records, struct err *err)
{
	size_t i;

	meta->state = (struct extract_state){
		.uid = member->uid, .gid = member->gid,
		.mode = member->mode & 07777,
		.mtime = { (time_t)member->mtime_s, (long)member->mtime_ns },
	};
	meta->records = records;
	meta->problem.len = 0;
	for (i = 0; i < EXTRACT_ACLS; i++) {
		meta->acls[i].len = 0;
		meta->seen[i] = false;
	}
	if (read_records(meta, err) < 0)
		return -1;
	return meta->text.failed || meta->acls[ACCESS].failed ||
	    meta->acls[DEFAULT].failed ? err_nomem(err) : 0;
}

void
extract_meta_owner(const struct extract_state *state, int fd,
    struct str *problem)
{
	if (!is_root())
		return;
	/* -1 would mean: as it is. */
	if (state->uid >= (uid_t)-1 || state->gid >= (gid_t)-1)
		complain(problem, "its owner is out of range");
	else if (fchownat(fd, "", (uid_t)state->uid, (gid_t)state->gid,
	    AT_EMPTY_PATH) < 0)
		complain(problem, "owner: %s", strerror(errno));
}

static void
set_attribute(struct extract_meta *meta, const struct attr_handle *handle,
    const struct tar_record *record)
{
	const char *name = meta->attribute.s;

	/* ACLs have been read; others of these are views that a file system
	 * makes up. */
	if (name[0] == '\0' || str_starts(name, "system."))
		return;
	if (attr_set(handle, name, record->value, record->n) < 0)
		complain(&meta->problem, "attribute '%s': %s", name,
		    strerror(errno));
}

static void
set_acl(struct extract_meta *meta, const struct attr_handle *handle,
    size_t kind)
{
	if (attr_set(handle, acls[kind].attribute, meta->acls[kind].s,
	    meta->acls[kind].len) == 0)
		return;
	complain(&meta->problem, "attribute '%s': %s", acls[kind].attribute,
	    strerror(errno));
	if (kind == ACCESS)
		meta->state.mode = meta->mode_without;
}

void
extract_meta_attributes(struct extract_meta *meta, int fd, mode_t type)
{
	const struct attr_handle handle = attr_handle_for(fd, type);
	struct tar_records rest = meta->records;
	struct tar_record record;
	struct err err = ERR_INIT;
	size_t i;

	while (tar_records_next(&rest, &record, &err) == 0 &&
	    record.key != NULL) {
		tar_record_attribute(&record, &meta->attribute);
		if (!meta->attribute.failed)
			set_attribute(meta, &handle, &record);
	}
	for (i = 0; i < EXTRACT_ACLS; i++)
		if (meta->acls[i].len != 0)
			set_acl(meta, &handle, i);
}

/* With another owner than it was made for, a program must not run as him. */
static mode_t
safe_mode(const struct extract_state *state, int fd, mode_t type)
{
	mode_t mode = state->mode;
	struct stat st;

	if ((mode & SET_ID) == 0 || type == S_IFDIR)
		return mode;
	if (fstat(fd, &st) < 0)
		return mode & ~(mode_t)SET_ID;
	if (st.st_uid != state->uid)
		mode &= ~(mode_t)S_ISUID;
	if (st.st_gid != state->gid)
		mode &= ~(mode_t)S_ISGID;
	return mode;
}

static void
look_again(const struct extract_state *state, mode_t mode, mode_t type,
    struct str *problem, const struct stat *got)
{
	if (is_root() && (got->st_uid != state->uid ||
	    got->st_gid != state->gid))
		complain(problem, "its owner was not kept");
	else if (type != S_IFLNK && (got->st_mode & 07777) != mode)
		complain(problem, "its mode was not kept");
	else if (got->st_mtim.tv_sec != state->mtime.tv_sec ||
	    got->st_mtim.tv_nsec != state->mtime.tv_nsec)
		complain(problem, "its time was not kept exactly");
}

void
extract_meta_state(const struct extract_state *state, int fd, mode_t type,
    struct str *problem, struct stat *ret)
{
	const struct attr_handle handle = attr_handle_for(fd, type);
	mode_t mode = safe_mode(state, fd, type);

	if (type != S_IFLNK && set_mode(&handle, mode) < 0)
		complain(problem, "mode: %s", strerror(errno));
	if (set_times(&handle, &state->mtime) < 0)
		complain(problem, "time: %s", strerror(errno));
	*ret = (struct stat){ 0 };
	if (fstat(fd, ret) < 0)
		complain(problem, "state: %s", strerror(errno));
	else if (problem->len == 0)
		look_again(state, mode, type, problem, ret);
}

bool
extract_meta_inherits(int fd)
{
	return fgetxattr(fd, acls[DEFAULT].attribute, NULL, 0) > 0;
}

void
extract_meta_drop(int fd, mode_t type, struct str *problem)
{
	const struct attr_handle handle = attr_handle_for(fd, type);
	size_t i;

	if (type == S_IFLNK)
		return;
	for (i = 0; i < (type == S_IFDIR ? 2u : 1u); i++)
		if (attr_drop(&handle, acls[i].attribute) < 0 && errno != ENODATA)
			complain(problem, "attribute '%s': %s",
			    acls[i].attribute, strerror(errno));
}

void
extract_meta_free(struct extract_meta *meta)
{
	size_t i;

	for (i = 0; i < EXTRACT_ACLS; i++)
		str_free(&meta->acls[i]);
	str_free(&meta->attribute);
	str_free(&meta->text);
	str_free(&meta->problem);
}
