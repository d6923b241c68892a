#define _GNU_SOURCE
#include "lib/run/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/intr.h"
#include "lib/base/log.h"
#include "lib/base/str.h"

#define POLL_S 0.25
#define OWNER_BYTES 48
#define LINE_MOST_BYTES 4096

static int
default_directory(char **ret, struct err *err)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");

	if (mkdir("/run/vbackup", 0755) == 0 ||
	    access("/run/vbackup", W_OK) == 0)
		return str_dup("/run/vbackup", ret, err);
	if (runtime != NULL && *runtime == '/')
		return file_join(runtime, "vbackup", ret, err);
	return err_set(err, ERR_CONFIG, "no place for the lock file: "
	    "/run/vbackup cannot be written and XDG_RUNTIME_DIR is not set "
	    "(set lock.directory)");
}

/* So that a ledger in a new file survives a power cut, too. */
static int
sync_if_new(int fd, const char *directory, struct err *err)
{
	CLEANUP(cleanup_close) int dirfd = -1;
	struct stat st;

	if (fstat(fd, &st) == 0 && st.st_size != 0)
		return 0;
	dirfd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0)
		return err_sys(err, "cannot open directory '%s'", directory);
	return file_sync_dir(dirfd, directory, err);
}

static int
open_file(const char *directory, char **ret_path, int *ret_fd, struct err *err)
{
	CLEANUP(cleanup_free) char *chosen = NULL;
	CLEANUP(cleanup_free) char *path = NULL;
	CLEANUP(cleanup_close) int fd = -1;

	if ((directory != NULL ? str_dup(directory, &chosen, err) :
	    default_directory(&chosen, err)) < 0 ||
	    file_make_dirs(chosen, 0755, err) < 0 ||
	    file_join(chosen, "vbackup.lock", &path, err) < 0)
		return -1;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_sys(err, "cannot open lock file '%s'", path);
	if (sync_if_new(fd, chosen, err) < 0)
		return -1;
	*ret_fd = fd;
	fd = -1;
	*ret_path = path;
	path = NULL;
	return 0;
}

/* " (process 123)", or nothing where the file does not say. */
static const char *
owner(int fd, char ret[OWNER_BYTES])
{
	char text[LOCK_LINE_BYTES + 1];
	ssize_t n = pread(fd, text, sizeof text - 1, 0);
	long pid;

	text[n > 0 ? n : 0] = '\0';
	pid = strtol(text, NULL, 10);
	*ret = '\0';
	if (pid > 0)
		(void)snprintf(ret, OWNER_BYTES, " (process %ld)", pid);
	return ret;
}

static int
wait_for(int fd, const char *path, double timeout_s, struct err *err)
{
	double deadline = clock_mono_s() + timeout_s;
	char name[OWNER_BYTES];
	bool told = false;

	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EINTR)
			continue;
		if (errno != EWOULDBLOCK)
			return err_sys(err, "cannot lock '%s'", path);
		if (intr_check(err) < 0)
			return -1;
		if (clock_mono_s() >= deadline)
			return err_set(err, ERR_LOCKED,
			    "another run%s holds the lock '%s'",
			    owner(fd, name), path);
		if (!told)
			log_info("waiting for another run%s to finish",
			    owner(fd, name));
		told = true;
		(void)intr_sleep(POLL_S);
	}
	return 0;
}

/* How long the first line is, newline included, if there is anything behind
 * it; else 0: then nothing can be lost. */
static int
guarded_line(int fd, size_t *ret, struct err *err)
{
	char text[LINE_MOST_BYTES];
	const char *newline;
	struct stat st;
	ssize_t n = pread(fd, text, sizeof text, 0);

	if (n < 0 || fstat(fd, &st) < 0)
		return err_sys(err, "cannot read the lock file");
	newline = memchr(text, '\n', (size_t)n);
	*ret = newline != NULL ? (size_t)(newline - text) + 1 : 0;
	if ((off_t)*ret == st.st_size)
		*ret = 0;
	return 0;
}

/* One write within a page: a process cannot be killed in the middle of it. */
static int
write_line(int fd, size_t len, struct err *err)
{
	char text[LINE_MOST_BYTES], number[LOCK_LINE_BYTES];
	int n = snprintf(number, sizeof number, "%ld", (long)getpid());

	memset(text, ' ', len);
	text[len - 1] = '\n';
	if ((size_t)n < len && (size_t)n < sizeof number)
		memcpy(text, number, (size_t)n);
	if (pwrite(fd, text, len, 0) != (ssize_t)len)
		return err_sys(err, "cannot write the lock file");
	return 0;
}

int
lock_sign(int fd, struct err *err)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT } };
	size_t len = 0;
	struct stat st;

	if (guarded_line(fd, &len, err) < 0)
		return -1;
	if (len == 0) {
		if (ftruncate(fd, 0) < 0)
			return err_sys(err, "cannot write the lock file");
		return write_line(fd, LOCK_LINE_BYTES, err);
	}
	if (fstat(fd, &st) < 0)
		return err_sys(err, "cannot read the lock file");
	times[1] = st.st_mtim;
	if (write_line(fd, len, err) < 0)
		return -1;
	(void)futimens(fd, times);	/* else the entries look younger */
	return 0;
}

int
lock_take(struct lock *ret, const char *directory, double timeout_s,
    struct err *err)
{
	CLEANUP(cleanup_free) char *path = NULL;
	CLEANUP(cleanup_close) int fd = -1;

	if (open_file(directory, &path, &fd, err) < 0 ||
	    wait_for(fd, path, timeout_s, err) < 0)
		return -1;
	if (lock_sign(fd, err) < 0)
		return err_add(err, "'%s'", path);
	ret->fd = fd;
	fd = -1;
	return 0;
}

void
lock_release(struct lock *lock)
{
	/* To close it does not do: a guardian, or a child that is about to
	 * run another program, may share it. */
	if (lock->fd >= 0)
		(void)flock(lock->fd, LOCK_UN);
	cleanup_close(&lock->fd);
}
