/*
 * stage: the staging directory and what is in it.
 *
 * The copy of the n-th source has the name n, so that no name of a source is
 * beside what is ours. Whoever made the directory holds a flock on it as long
 * as he lives, as with temporary files (tempfile.h): a sweep by a run with
 * another lock does not take it from under his hands.
 */
#define _GNU_SOURCE
#include "lib/stream/stage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/stream/exclude.h"
#include "lib/stream/stage_tree.h"
#include "lib/stream/stage_walk.h"

#define TRIES_MAX 100
#define DIRECTORY (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

struct source {
	char *path;
	char *shown;
	char *copy;
	bool staged;
	bool failed;		/* the last update of it */
};

struct stage {
	int parent;		/* the directory that we were given */
	int fd;			/* ours in it, locked */
	char name[64];		/* "": it is not there */
	char *path;
	struct exclude *exclude;
	struct stage_walk walk;
	struct source *sources;
	size_t n_sources;
};

/* Does the name still lead to what fd has open? */
static bool
leads_to(int dirfd, const char *name, int fd)
{
	struct stat by_name, by_fd;

	return fstatat(dirfd, name, &by_name, AT_SYMLINK_NOFOLLOW) == 0 &&
	    fstat(fd, &by_fd) == 0 && by_name.st_dev == by_fd.st_dev &&
	    by_name.st_ino == by_fd.st_ino;
}

/* One try; *ret_taken if somebody else was faster. Where a directory cannot be
 * locked (NFS) only the lock of the run is left. */
static int
make_directory(struct stage *stage, bool *ret_taken, struct err *err)
{
	uint64_t number;

	*ret_taken = false;
	if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number)
		return err_sys(err, "cannot get random bytes");
	(void)snprintf(stage->name, sizeof stage->name, STAGE_PREFIX "%016" PRIx64,
	    number);
	if (mkdirat(stage->parent, stage->name, 0700) < 0) {
		stage->name[0] = '\0';		/* not ours to remove */
		*ret_taken = errno == EEXIST;
		return err_sys(err, "cannot make a directory");
	}
	stage->fd = openat(stage->parent, stage->name, DIRECTORY | O_NOFOLLOW);
	if (stage->fd < 0 && errno != ENOENT)
		return err_sys(err, "cannot open a directory");
	if (stage->fd >= 0)
		*ret_taken = flock(stage->fd, LOCK_EX | LOCK_NB) < 0 &&
		    errno == EWOULDBLOCK;
	errno = ENOENT;		/* also when it leads to another one */
	if (!*ret_taken && leads_to(stage->parent, stage->name, stage->fd))
		return 0;
	if (!*ret_taken && errno != ENOENT)
		return err_sys(err, "cannot look at a directory");
	*ret_taken = true;
	return err_set(err, ERR_SYSTEM,
	    "cannot make a directory: it keeps being removed");
}

/* A default ACL would be inherited by all that is made below. */
static int
make_private(const struct stage *stage, struct err *err)
{
	if (fremovexattr(stage->fd, "system.posix_acl_default") < 0 &&
	    errno != ENODATA && errno != EOPNOTSUPP)
		return err_sys(err, "cannot remove a default ACL");
	if (fremovexattr(stage->fd, "system.posix_acl_access") < 0 &&
	    errno != ENODATA && errno != EOPNOTSUPP)
		return err_sys(err, "cannot remove an ACL");
	if (fchmod(stage->fd, 0700) < 0)
		return err_sys(err, "cannot set its mode");
	return 0;
}

/* In a directory that takes two names for one, files would be lost. */
static int
check_names(const struct stage *stage, struct err *err)
{
	static const char *const same[] = { "NAME \xc3\xa9",
		"name e\xcc\x81" };
	static const char name[] = "name \xc3\xa9";
	bool folds = false;
	struct stat st;
	size_t i;

	if (mkdirat(stage->fd, name, 0700) < 0)
		return err_sys(err, "cannot make a directory");
	for (i = 0; i < sizeof same / sizeof same[0]; i++)
		folds = folds || fstatat(stage->fd, same[i], &st,
		    AT_SYMLINK_NOFOLLOW) == 0;
	if (unlinkat(stage->fd, name, AT_REMOVEDIR) < 0)
		return err_sys(err, "cannot remove a directory");
	if (folds)
		return err_set(err, ERR_SYSTEM, "its file system does not "
		    "tell upper from lower case, or forms of one letter");
	return 0;
}

static int
make_stage(struct stage *stage, const char *directory, struct err *err)
{
	bool taken = true;
	int tries, rc = -1;

	stage->parent = open(directory, DIRECTORY);
	if (stage->parent < 0)
		return err_sys(err, "cannot open the directory");
	for (tries = 0; rc < 0 && taken && tries < TRIES_MAX; tries++) {
		cleanup_close(&stage->fd);
		rc = make_directory(stage, &taken, err);
	}
	if (rc < 0 || make_private(stage, err) < 0 ||
	    check_names(stage, err) < 0)
		return -1;
	return file_join(directory, stage->name, &stage->path, err);
}

int
stage_new(const struct stage_settings *settings, struct stage **ret,
    struct err *err)
{
	CLEANUP(stage_freep) struct stage *stage = calloc(1, sizeof *stage);

	if (stage == NULL)
		return err_nomem(err);
	stage->parent = stage->fd = -1;
	if (exclude_new(settings->exclude, settings->exclude_regexp,
	    &stage->exclude, err) < 0)
		return -1;
	stage->walk.watch = settings->watch;
	stage->walk.cookie = settings->cookie;
	stage->walk.left_out = settings->left_out;
	stage->walk.exclude = stage->exclude;
	if (make_stage(stage, settings->directory, err) < 0)
		return err_add(err, "cannot stage in '%s'",
		    settings->directory);
	stage->walk.root = stage->fd;
	if (stage_walk_open(&stage->walk, err) < 0)
		return err_add(err, "cannot stage in '%s'",
		    settings->directory);
	stage->walk.left_out = NULL;
	*ret = stage;
	stage = NULL;
	return 0;
}

static void
source_free(struct source *source)
{
	free(source->path);
	free(source->shown);
	free(source->copy);
	*source = (struct source){ NULL };
}

void
stage_free(struct stage *stage)
{
	struct err err = ERR_INIT;
	uint64_t n = 0;
	size_t i;

	if (stage == NULL)
		return;
	if (stage->name[0] != '\0' && stage_tree_remove(stage->parent,
	    stage->name, true, &n, &err) < 0)
		log_warning("cannot remove all of '%s': %s",
		    stage->path == NULL ? stage->name : stage->path, err.msg);
	stage_walk_close(&stage->walk);
	for (i = 0; i < stage->n_sources; i++)
		source_free(&stage->sources[i]);
	free(stage->sources);
	exclude_free(stage->exclude);
	free(stage->path);
	cleanup_close(&stage->fd);
	cleanup_close(&stage->parent);
	free(stage);
}

void
stage_freep(struct stage **stage)
{
	stage_free(*stage);
	*stage = NULL;
}

static int
add_source(struct stage *stage, const char *path, const char *shown,
    struct err *err)
{
	struct source *sources = realloc(stage->sources,
	    (stage->n_sources + 1) * sizeof *sources);
	struct source *source;

	if (sources == NULL)
		return err_nomem(err);
	stage->sources = sources;
	source = &sources[stage->n_sources];
	*source = (struct source){ NULL };
	if (str_dup(path, &source->path, err) < 0 ||
	    str_dup(shown, &source->shown, err) < 0 ||
	    str_format(&source->copy, err, "%s/%zu", stage->path,
	    stage->n_sources) < 0) {
		source_free(source);
		return -1;
	}
	stage->n_sources++;
	return 0;
}

/* The copy that failed may be what fills the disk. */
static void
drop_source(struct stage *stage)
{
	struct source *source = &stage->sources[--stage->n_sources];
	struct err err = ERR_INIT;
	char name[32];
	uint64_t n = 0;

	(void)snprintf(name, sizeof name, "%zu", stage->n_sources);
	if (stage_tree_remove(stage->fd, name, true, &n, &err) < 0)
		log_warning("cannot remove all of '%s': %s", source->copy,
		    err.msg);
	source_free(source);
}

static int
walk(struct stage *stage, size_t index, bool updating,
    struct stage_result *ret, struct err *err)
{
	struct source *source = &stage->sources[index];
	int rc;

	stage->walk.suspect = source->failed;
	rc = stage_walk_source(&stage->walk, index, source->path,
	    source->shown, updating, err);
	source->failed = rc < 0;
	source->staged = stage->walk.staged;
	*ret = stage->walk.result;
	return rc;
}

int
stage_copy(struct stage *stage, const char *source, const char *shown,
    size_t *ret_index, struct stage_result *ret, struct err *err)
{
	*ret = (struct stage_result){ 0 };
	if (add_source(stage, source, shown, err) < 0)
		return -1;
	if (walk(stage, stage->n_sources - 1, false, ret, err) < 0) {
		drop_source(stage);
		return -1;
	}
	*ret_index = stage->n_sources - 1;
	return 0;
}

int
stage_update(struct stage *stage, size_t index, struct stage_result *ret,
    struct err *err)
{
	return walk(stage, index, true, ret, err);
}

const char *
stage_path(const struct stage *stage, size_t index)
{
	const struct source *source = &stage->sources[index];

	return source->staged ? source->copy : source->path;
}

static void
close_dir(DIR **dir)
{
	if (*dir != NULL)
		(void)closedir(*dir);
}

/* Ours, and nobody's who lives: others may make such names in a directory
 * that is open to all. */
static bool
is_left_over(int dirfd, const char *name, int *ret_lock)
{
	int fd = openat(dirfd, name, DIRECTORY | O_NOFOLLOW);
	struct stat st;

	*ret_lock = fd;
	return fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == geteuid() &&
	    (flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) &&
	    leads_to(dirfd, name, fd);
}

static int
sweep(DIR *dir, struct err *err)
{
	const struct dirent *entry;
	uint64_t n = 0;

	for (;;) {
		CLEANUP(cleanup_close) int lock = -1;

		errno = 0;
		entry = readdir(dir);
		if (entry == NULL)
			return errno == 0 ? 0 : err_sys(err, "cannot list it");
		if (str_starts(entry->d_name, STAGE_PREFIX) &&
		    is_left_over(dirfd(dir), entry->d_name, &lock) &&
		    stage_tree_remove(dirfd(dir), entry->d_name, false, &n,
		    err) < 0)
			return -1;
	}
}

int
stage_sweep(const char *directory, struct err *err)
{
	int fd = open(directory, DIRECTORY);
	CLEANUP(close_dir) DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (dir == NULL) {
		(void)err_sys(err, "cannot open it");
		cleanup_close(&fd);
	}
	if (dir == NULL || sweep(dir, err) < 0)
		return err_add(err, "cannot remove what is left over in '%s'",
		    directory);
	return 0;
}
