#define _GNU_SOURCE
#include "lib/run/beside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/run/mounts.h"
#include "lib/stream/stage_tree.h"

#define SUFFIX ".vbackup-restore"
#define OLD ".vbackup-old-"
#define TRY "-try"	/* behind the stage's name: to try an exchange with */
#define OLD_NAMES 10	/* of one second */
#define DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* --- where it is --------------------------------------------------------- */

static void
cut_slashes(char *path)
{
	size_t n = strlen(path);

	while (n > 1 && path[n - 1] == '/')
		path[--n] = '\0';
}

/* *ret is NULL where its parent is missing. */
static int
find_missing(const char *path, char **ret, struct err *err)
{
	CLEANUP(cleanup_free) char *copy = NULL;
	CLEANUP(cleanup_free) char *parent = NULL;
	char *slash;

	*ret = NULL;
	if (str_dup(path, &copy, err) < 0)
		return -1;
	cut_slashes(copy);
	slash = strrchr(copy, '/');
	if (slash == NULL)
		return 0;
	*slash = '\0';
	parent = realpath(slash == copy ? "/" : copy, NULL);
	return parent == NULL ? 0 : file_join(parent, slash + 1, ret, err);
}

static int
name_parts(struct beside *beside, struct err *err)
{
	const char *slash = strrchr(beside->path, '/');
	bool is_volume = strcmp(slash, "/_data") == 0;

	beside->name = slash + 1;
	if (str_format(&beside->parent, err, "%.*s",
	    slash == beside->path ? 1 : (int)(slash - beside->path),
	    beside->path) < 0)
		return -1;
	return is_volume ? str_dup(SUFFIX, &beside->stage, err) :
	    str_format(&beside->stage, err, ".%s" SUFFIX, beside->name);
}

/* Fills path, there. */
static int
find(const char *shown, const char *path, struct beside *beside,
    struct strlist *problems, struct err *err)
{
	struct stat st;

	beside->path = realpath(path, NULL);
	beside->there = beside->path != NULL;
	if (beside->there)
		return stat(beside->path, &st) == 0 && S_ISDIR(st.st_mode) ?
		    0 : strlist_addf(problems, err, "%s is no directory",
		    shown);
	if (errno != ENOENT || lstat(path, &st) == 0)
		return strlist_addf(problems, err, "%s cannot be put back: "
		    "'%s': %s", shown, path, strerror(errno));
	if (find_missing(path, &beside->path, err) < 0)
		return -1;
	return beside->path != NULL ? 0 : strlist_addf(problems, err,
	    "%s cannot be put back: the directory that '%s' is in is missing "
	    "(make it first)", shown, path);
}

static int
check(const char *shown, const struct beside *beside,
    const struct strlist *mounts, struct strlist *problems, struct err *err)
{
	const char *inside = mounts_below(mounts, beside->path);

	if (mounts_has(mounts, beside->path))
		return strlist_addf(problems, err, "%s is a mount point, which "
		    "cannot be exchanged (restore with --to, and copy)",
		    shown);
	if (inside != NULL)
		return strlist_addf(problems, err, "%s cannot be exchanged: "
		    "'%s' is mounted in it (unmount it, or restore with --to, "
		    "and copy)", shown, inside);
	if (access(beside->parent, W_OK | X_OK) < 0)
		return strlist_addf(problems, err, "%s cannot be exchanged: "
		    "cannot write in '%s': %s", shown, beside->parent,
		    strerror(errno));
	return 0;
}

int
beside_look(const char *shown, const char *path, const struct strlist *mounts,
    struct beside *ret, struct strlist *problems, struct err *err)
{
	size_t n = problems->n;

	if (find(shown, path, ret, problems, err) < 0)
		return -1;
	if (problems->n != n)
		return 0;
	if (strcmp(ret->path, "/") == 0)
		return strlist_addf(problems, err, "the root directory cannot "
		    "be exchanged (restore with --to, and copy)");
	if (name_parts(ret, err) < 0)
		return -1;
	return check(shown, ret, mounts, problems, err);
}

void
beside_free(struct beside *beside)
{
	cleanup_close(&beside->parent_fd);
	cleanup_close(&beside->stage_fd);
	free(beside->path);
	free(beside->parent);
	free(beside->stage);
	*beside = (struct beside)BESIDE_INIT;
}

/* --- the new one --------------------------------------------------------- */

/* What is not there is no problem here, only in its place. */
static int
fail(const struct beside *beside, const char *what, const char *name,
    struct err *err)
{
	(void)err_sys(err, "cannot %s '%s/%s'", what, beside->parent, name);
	if (err->kind == ERR_NOTFOUND || err->kind == ERR_EXISTS)
		err->kind = ERR_SYSTEM;
	return -1;
}

static int
remove_name(const struct beside *beside, const char *name, bool patient,
    struct err *err)
{
	uint64_t n = 0;

	if (stage_tree_remove(beside->parent_fd, name, patient, &n, err) < 0)
		return err_add(err, "in '%s'", beside->parent);
	return 0;
}

static int
cannot_exchange(const struct beside *beside, struct err *err)
{
	if (errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP ||
	    errno == EXDEV)
		return err_set(err, ERR_SYSTEM, "the file system of '%s' "
		    "cannot exchange two directories (restore with --to, and "
		    "copy)", beside->parent);
	return fail(beside, "exchange", beside->name, err);
}

/* What will be done is done with two empty directories. */
static int
try_exchange(const struct beside *beside, const char *other, struct err *err)
{
	int fd = beside->parent_fd;

	if (!beside->there) {
		if (renameat2(fd, beside->stage, fd, other,
		    RENAME_NOREPLACE) < 0 || renameat2(fd, other, fd,
		    beside->stage, RENAME_NOREPLACE) < 0)
			return cannot_exchange(beside, err);
		return 0;
	}
	if (mkdirat(fd, other, S_IRWXU) < 0)
		return fail(beside, "make", other, err);
	if (renameat2(fd, beside->stage, fd, other, RENAME_EXCHANGE) < 0) {
		(void)cannot_exchange(beside, err);
		(void)unlinkat(fd, other, AT_REMOVEDIR);
		return -1;
	}
	if (unlinkat(fd, other, AT_REMOVEDIR) < 0)
		return fail(beside, "remove", other, err);
	return 0;
}

int
beside_prepare(struct beside *beside, struct err *err)
{
	CLEANUP(cleanup_free) char *other = NULL;

	if (str_format(&other, err, "%s" TRY, beside->stage) < 0)
		return -1;
	beside->parent_fd = open(beside->parent, DIRECTORY);
	if (beside->parent_fd < 0)
		return err_sys(err, "cannot open '%s'", beside->parent);
	if (remove_name(beside, beside->stage, false, err) < 0 ||
	    remove_name(beside, other, false, err) < 0)
		return -1;
	if (mkdirat(beside->parent_fd, beside->stage, S_IRWXU) < 0)
		return fail(beside, "make", beside->stage, err);
	beside->staged = true;
	if (try_exchange(beside, other, err) < 0)
		return -1;
	beside->stage_fd = openat(beside->parent_fd, beside->stage, DIRECTORY);
	return beside->stage_fd >= 0 ? 0 :
	    fail(beside, "open", beside->stage, err);
}

static int
copy_attributes(const struct beside *beside, struct err *err)
{
	struct stat st = { .st_mode = 0755, .st_uid = geteuid(),
		.st_gid = getegid() };

	if (beside->there && fstatat(beside->parent_fd, beside->name, &st,
	    AT_SYMLINK_NOFOLLOW) < 0)
		return fail(beside, "look at", beside->name, err);
	if (fchown(beside->stage_fd, st.st_uid, st.st_gid) < 0 ||
	    fchmod(beside->stage_fd, st.st_mode & 07777) < 0)
		return fail(beside, "change", beside->stage, err);
	return 0;
}

int
beside_settle(struct beside *beside, bool own_attributes, struct err *err)
{
	if (own_attributes && copy_attributes(beside, err) < 0)
		return -1;
	return syncfs(beside->stage_fd) == 0 ? 0 :
	    fail(beside, "write to the disk", beside->stage, err);
}

/* --- the exchange -------------------------------------------------------- */

static int
sync_parent(const struct beside *beside, struct err *err)
{
	return file_sync_dir(beside->parent_fd, beside->parent, err);
}

int
beside_exchange(struct beside *beside, struct err *err)
{
	int fd = beside->parent_fd;

	if (renameat2(fd, beside->stage, fd, beside->name, beside->there ?
	    RENAME_EXCHANGE : RENAME_NOREPLACE) < 0)
		return cannot_exchange(beside, err);
	beside->exchanged = true;
	beside->staged = beside->there;
	return sync_parent(beside, err);
}

int
beside_back(struct beside *beside, struct err *err)
{
	int fd = beside->parent_fd;

	if (!beside->exchanged)
		return 0;
	if (renameat2(fd, beside->name, fd, beside->stage, beside->there ?
	    RENAME_EXCHANGE : RENAME_NOREPLACE) < 0)
		return fail(beside, "put back", beside->name, err);
	beside->exchanged = false;
	beside->staged = true;
	return sync_parent(beside, err);
}

int
beside_keep(struct beside *beside, time_t now, char **ret, struct err *err)
{
	CLEANUP(cleanup_free) char *name = NULL;
	char stamp[32] = "", more[8] = "";
	struct tm tm;
	int i, fd = beside->parent_fd;

	*ret = NULL;
	if (!beside->there)
		return 0;
	if (gmtime_r(&now, &tm) != NULL)
		(void)strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &tm);
	for (i = 0; i < OLD_NAMES; i++) {
		cleanup_free(&name);
		if (i != 0)
			(void)snprintf(more, sizeof more, "-%d", i);
		if (str_format(&name, err, "%s" OLD "%s%s", beside->name,
		    stamp, more) < 0)
			return -1;
		if (renameat2(fd, beside->stage, fd, name,
		    RENAME_NOREPLACE) == 0) {
			beside->staged = false;
			return file_join(beside->parent, name, ret, err);
		}
		if (errno != EEXIST)
			break;
	}
	return fail(beside, "keep the old content as", name, err);
}

int
beside_discard(struct beside *beside, struct err *err)
{
	if (!beside->staged)
		return 0;
	if (remove_name(beside, beside->stage, true, err) < 0)
		return -1;
	beside->staged = false;
	return 0;
}
