#define _GNU_SOURCE
#include "lib/stream/stage_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "lib/base/intr.h"
#include "lib/base/str.h"

#define DIRECTORY (O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

struct identity {
	dev_t dev;
	ino_t ino;
};

struct removal {
	int fd;			/* the directory at hand, owned */
	struct str names;	/* from the first to this one, each with a
				 * slash before it */
	struct identity *parents;
	size_t n;
	size_t cap;
	bool patient;
	uint64_t *removed;
};

static void
removal_free(struct removal *removal)
{
	cleanup_close(&removal->fd);
	str_free(&removal->names);
	free(removal->parents);
}

/* Its mode, by way of a descriptor that needs no permission. */
static int
open_up(int dirfd, const char *name)
{
	CLEANUP(cleanup_close) int fd = openat(dirfd, name,
	    O_PATH | DIRECTORY);
	char path[32];

	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	return fd < 0 ? -1 : chmod(path, S_IRWXU);
}

int
stage_tree_open(int dirfd, const char *name, bool *ret_changed)
{
	CLEANUP(cleanup_close) int fd = openat(dirfd, name,
	    O_RDONLY | DIRECTORY);
	struct stat st;
	int opened;

	*ret_changed = false;
	if (fd < 0 && errno == EACCES) {
		*ret_changed = true;
		if (open_up(dirfd, name) < 0)
			return -1;
		fd = openat(dirfd, name, O_RDONLY | DIRECTORY);
	}
	if (fd < 0 || fstat(fd, &st) < 0)
		return -1;
	if ((st.st_mode & S_IRWXU) != S_IRWXU) {
		*ret_changed = true;
		if (fchmod(fd, S_IRWXU) < 0)
			return -1;
	}
	opened = fd;
	fd = -1;
	return opened;
}

int
stage_tree_parent(int dirfd, const char *path, const char **ret_name)
{
	CLEANUP(cleanup_close) int fd = openat(dirfd, ".", O_PATH | DIRECTORY);
	const char *slash;
	char name[1024];
	int opened;

	while (fd >= 0 && (slash = strchr(path, '/')) != NULL) {
		size_t n = (size_t)(slash - path);
		int next = -1;

		if (n >= sizeof name) {
			errno = ENAMETOOLONG;
			return -1;
		}
		memcpy(name, path, n);
		name[n] = '\0';
		next = openat(fd, name, O_PATH | DIRECTORY);
		(void)close(fd);
		fd = next;
		path = slash + 1;
	}
	*ret_name = path;
	opened = fd;
	fd = -1;
	return opened;
}

static int
fail(const char *name, struct err *err)
{
	(void)err_sys(err, "cannot remove '%s'", name);
	if (err->kind == ERR_NOTFOUND || err->kind == ERR_EXISTS)
		err->kind = ERR_SYSTEM;
	return -1;
}

static int
remember_parent(struct removal *removal, struct err *err)
{
	size_t cap = removal->cap == 0 ? 32 : 2 * removal->cap;
	struct identity *parents = removal->parents;
	struct stat st;

	if (fstat(removal->fd, &st) < 0)
		return fail(removal->names.s, err);
	if (removal->n == removal->cap) {
		parents = realloc(parents, cap * sizeof *parents);
		if (parents == NULL)
			return err_nomem(err);
		removal->parents = parents;
		removal->cap = cap;
	}
	parents[removal->n++] = (struct identity){ st.st_dev, st.st_ino };
	return 0;
}

/* It does not look into what is mounted there: that is somebody else's. Before
 * Linux 5.8 this cannot be asked; then another device must do. */
static bool
is_mounted(const struct removal *removal, const char *name)
{
	const struct identity *parent = &removal->parents[removal->n - 1];
	struct statx stx;

	if (statx(removal->fd, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS,
	    &stx) < 0)
		return false;
	if (stx.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT)
		return stx.stx_attributes & STATX_ATTR_MOUNT_ROOT;
	return makedev(stx.stx_dev_major, stx.stx_dev_minor) != parent->dev;
}

static int
go_down(struct removal *removal, const char *name, struct err *err)
{
	bool changed;
	int fd;

	if (remember_parent(removal, err) < 0)
		return -1;
	if (is_mounted(removal, name))
		return err_set(err, ERR_SYSTEM, "cannot remove '%s': something "
		    "is mounted there", name);
	fd = stage_tree_open(removal->fd, name, &changed);
	if (fd < 0)
		return fail(name, err);
	(void)close(removal->fd);
	removal->fd = fd;
	str_add(&removal->names, "/");
	str_add(&removal->names, name);
	return removal->names.failed ? err_nomem(err) : 0;
}

/* The directory at hand is empty. */
static int
go_up(struct removal *removal, struct err *err)
{
	const struct identity *parent = &removal->parents[--removal->n];
	char *name = strrchr(removal->names.s, '/');
	struct stat st;
	int fd = openat(removal->fd, "..", O_RDONLY | DIRECTORY);

	if (fd < 0)
		return fail(name + 1, err);
	(void)close(removal->fd);
	removal->fd = fd;
	if (fstat(fd, &st) < 0)
		return fail(name + 1, err);
	if (st.st_dev != parent->dev || st.st_ino != parent->ino)
		return err_set(err, ERR_SYSTEM,
		    "cannot remove '%s': it was moved", name + 1);
	if (unlinkat(fd, name + 1, AT_REMOVEDIR) < 0)
		return fail(name + 1, err);
	++*removal->removed;
	*name = '\0';
	removal->names.len = (size_t)(name - removal->names.s);
	return 0;
}

enum outcome { REMOVED, IS_DIRECTORY, FAILED };

static enum outcome
remove_name(struct removal *removal, const char *name, struct err *err)
{
	struct stat st;

	if (unlinkat(removal->fd, name, 0) == 0) {
		++*removal->removed;
		return REMOVED;
	}
	if (errno == ENOENT)
		return REMOVED;
	/* Linux says EISDIR for a directory, POSIX EPERM. */
	if ((errno == EISDIR || errno == EPERM) && fstatat(removal->fd, name,
	    &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
		return IS_DIRECTORY;
	(void)fail(name, err);
	return FAILED;
}

static void
close_dir(DIR **dir)
{
	if (*dir != NULL)
		(void)closedir(*dir);
}

static DIR *
list(int dirfd)
{
	int fd = openat(dirfd, ".", O_RDONLY | DIRECTORY);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (dir == NULL)
		cleanup_close(&fd);
	return dir;
}

/* Removes the names of the directory at hand, up to one that is a directory,
 * to which it goes. *ret_met: were there any? */
static int
remove_names(struct removal *removal, bool *ret_met, struct err *err)
{
	CLEANUP(close_dir) DIR *dir = list(removal->fd);
	const struct dirent *entry;

	*ret_met = false;
	if (dir == NULL)
		return fail(removal->names.s, err);
	while ((entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		*ret_met = true;
		if (!removal->patient && intr_check(err) < 0)
			return -1;
		switch (remove_name(removal, entry->d_name, err)) {
		case REMOVED:
			break;
		case IS_DIRECTORY:
			return go_down(removal, entry->d_name, err);
		case FAILED:
			return -1;
		}
	}
	return 0;
}

static int
remove_directory(struct removal *removal, const char *name, struct err *err)
{
	bool met;

	if (go_down(removal, name, err) < 0)
		return -1;
	/* A listing may skip a name when others are removed under its hands:
	 * only one that finds nothing is the last one. */
	while (removal->n != 0)
		if (remove_names(removal, &met, err) < 0 ||
		    (!met && go_up(removal, err) < 0))
			return -1;
	return 0;
}

int
stage_tree_remove(int dirfd, const char *name, bool patient, uint64_t *n,
    struct err *err)
{
	CLEANUP(removal_free) struct removal removal = { .fd = -1,
		.patient = patient, .removed = n };

	removal.fd = openat(dirfd, ".", O_RDONLY | DIRECTORY);
	if (removal.fd < 0)
		return fail(name, err);
	str_add(&removal.names, "");
	switch (remove_name(&removal, name, err)) {
	case REMOVED:
		return 0;
	case IS_DIRECTORY:
		return remove_directory(&removal, name, err);
	case FAILED:
		break;
	}
	return -1;
}
