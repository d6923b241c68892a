#define _GNU_SOURCE
#include "lib/base/tempfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/str.h"

#define TRIES_MAX 100

/* Does the name still lead to the file that fd has open? Whoever locks a
 * temporary file asks this afterwards: between its open and its flock another
 * process may have swept the name, or made it anew. */
static bool
leads_to(int dirfd, const char *name, int fd)
{
	struct stat by_name, by_fd;

	return fstatat(dirfd, name, &by_name, AT_SYMLINK_NOFOLLOW) == 0 &&
	    fstat(fd, &by_fd) == 0 && by_name.st_dev == by_fd.st_dev &&
	    by_name.st_ino == by_fd.st_ino;
}

static int
open_dir(const char *dir, int *ret, struct err *err)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(err, "cannot open directory '%s'", dir);
	*ret = fd;
	return 0;
}

/* One try; *ret_taken if somebody else was faster. */
static int
create(struct tempfile *tmp, bool *ret_taken, struct err *err)
{
	uint64_t number;

	*ret_taken = false;
	if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number)
		return err_sys(err, "cannot get random bytes");
	(void)snprintf(tmp->name, sizeof tmp->name,
	    TEMPFILE_PREFIX "%016" PRIx64, number);
	tmp->fd = openat(tmp->dirfd, tmp->name,
	    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (tmp->fd < 0) {
		tmp->name[0] = '\0';	/* not ours to remove */
		*ret_taken = errno == EEXIST;
		return err_sys(err, "cannot make a file in '%s'", tmp->dir);
	}
	if (flock(tmp->fd, LOCK_EX | LOCK_NB) < 0) {
		*ret_taken = errno == EWOULDBLOCK;	/* a sweeper has it */
		return err_sys(err, "cannot lock a file in '%s'", tmp->dir);
	}
	errno = ENOENT;		/* also when it leads to another file */
	if (leads_to(tmp->dirfd, tmp->name, tmp->fd))
		return 0;
	if (errno != ENOENT)
		return err_sys(err, "cannot look at a file in '%s'", tmp->dir);
	*ret_taken = true;
	return err_set(err, ERR_SYSTEM,
	    "cannot make a file in '%s': it keeps being removed", tmp->dir);
}

int
tempfile_open(struct tempfile *ret, const char *dir, struct err *err)
{
	CLEANUP(tempfile_abort) struct tempfile tmp = TEMPFILE_NONE;
	bool taken = true;
	int tries, rc = -1;

	if (str_dup(dir, &tmp.dir, err) < 0 ||
	    open_dir(dir, &tmp.dirfd, err) < 0)
		return -1;
	for (tries = 0; rc < 0 && taken && tries < TRIES_MAX; tries++) {
		cleanup_close(&tmp.fd);
		rc = create(&tmp, &taken, err);
	}
	if (rc < 0)
		return -1;
	*ret = tmp;
	tmp = (struct tempfile)TEMPFILE_NONE;
	return 0;
}

/* The last resort of file systems without hard links (some of FUSE): not
 * atomic, but whoever makes archives of this name holds the lock of the run. */
static int
rename_if_free(const struct tempfile *tmp, const char *name)
{
	struct stat st;

	if (fstatat(tmp->dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		errno = EEXIST;
		return -1;
	}
	if (errno != ENOENT)
		return -1;
	return renameat(tmp->dirfd, tmp->name, tmp->dirfd, name);
}

static int
link_new(const struct tempfile *tmp, const char *name)
{
	if (linkat(tmp->dirfd, tmp->name, tmp->dirfd, name, 0) < 0) {
		if (errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS)
			return rename_if_free(tmp, name);
		/* NFS: the answer to a link that worked was lost, and the
		 * request that was sent again finds our own file. */
		if (errno != EEXIST || !leads_to(tmp->dirfd, name, tmp->fd))
			return -1;
	}
	return unlinkat(tmp->dirfd, tmp->name, 0);
}

static int
rename_new(const struct tempfile *tmp, const char *name)
{
	if (renameat2(tmp->dirfd, tmp->name, tmp->dirfd, name,
	    RENAME_NOREPLACE) == 0)
		return 0;
	if (errno == EINVAL || errno == ENOSYS)
		return link_new(tmp, name);
	return -1;
}

static void
forget(struct tempfile *tmp)
{
	cleanup_close(&tmp->fd);
	cleanup_close(&tmp->dirfd);
	free(tmp->dir);
	*tmp = (struct tempfile)TEMPFILE_NONE;
}

int
tempfile_publish(struct tempfile *tmp, const char *name,
    enum tempfile_publish how, struct err *err)
{
	int rc;

	if (fsync(tmp->fd) < 0)
		return err_sys(err, "cannot sync '%s/%s'", tmp->dir, tmp->name);
	rc = how == TEMPFILE_NEW ? rename_new(tmp, name) :
	    renameat(tmp->dirfd, tmp->name, tmp->dirfd, name);
	if (rc < 0)
		return err_sys(err, "cannot make '%s/%s'", tmp->dir, name);
	tmp->name[0] = '\0';	/* from here on there is nothing to remove */
	if (file_sync_dir(tmp->dirfd, tmp->dir, err) < 0)
		return -1;
	rc = close(tmp->fd);
	tmp->fd = -1;
	if (rc < 0)
		return err_sys(err, "cannot close '%s/%s'", tmp->dir, name);
	forget(tmp);
	return 0;
}

void
tempfile_abort(struct tempfile *tmp)
{
	int saved = errno;

	if (tmp->name[0] != '\0')
		(void)unlinkat(tmp->dirfd, tmp->name, 0);
	forget(tmp);
	errno = saved;
}

/* Removes the file of that name if its owner is dead. A file that is another
 * user's, or that is gone by now, is none of our business. */
static int
sweep_one(int dirfd, const char *dir, const char *name, bool *ret_swept,
    struct err *err)
{
	CLEANUP(cleanup_close) int fd = -1;
	struct stat st;

	*ret_swept = false;
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISREG(st.st_mode))
		return 0;
	/* For writing, as NFS wants for an exclusive lock. */
	fd = openat(dirfd, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    flock(fd, LOCK_EX | LOCK_NB) < 0 || !leads_to(dirfd, name, fd))
		return 0;
	if (unlinkat(dirfd, name, 0) < 0)
		return err_sys(err, "cannot remove '%s/%s'", dir, name);
	*ret_swept = true;
	return 0;
}

static void
close_dir(DIR **stream)
{
	if (*stream != NULL)
		(void)closedir(*stream);
}

static int
sweep_all(DIR *stream, const char *dir, size_t *ret_n, struct err *err)
{
	struct dirent *entry;
	bool swept;

	for (;;) {
		errno = 0;
		entry = readdir(stream);
		if (entry == NULL && errno != 0)
			return err_sys(err, "cannot read '%s'", dir);
		if (entry == NULL)
			return 0;
		if (!str_starts(entry->d_name, TEMPFILE_PREFIX))
			continue;
		if (sweep_one(dirfd(stream), dir, entry->d_name, &swept,
		    err) < 0)
			return -1;
		*ret_n += swept;
	}
}

int
tempfile_sweep(const char *dir, size_t *ret_n, struct err *err)
{
	CLEANUP(close_dir) DIR *stream = NULL;
	size_t n = 0;
	int fd;

	if (open_dir(dir, &fd, err) < 0)
		return -1;
	stream = fdopendir(fd);
	if (stream == NULL) {
		cleanup_close(&fd);
		return err_sys(err, "cannot read '%s'", dir);
	}
	if (sweep_all(stream, dir, &n, err) < 0)
		return -1;
	*ret_n = n;
	return 0;
}
