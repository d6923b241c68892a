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

static int
open_file(const char *directory, char **ret_path, int *ret_fd, struct err *err)
{
	CLEANUP(cleanup_free) char *chosen = NULL;
	CLEANUP(cleanup_free) char *path = NULL;
	int fd;

	if ((directory != NULL ? str_dup(directory, &chosen, err) :
	    default_directory(&chosen, err)) < 0 ||
	    file_make_dirs(chosen, 0755, err) < 0 ||
	    file_join(chosen, "vbackup.lock", &path, err) < 0)
		return -1;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_sys(err, "cannot open lock file '%s'", path);
	*ret_fd = fd;
	*ret_path = path;
	path = NULL;
	return 0;
}

static long
owner(int fd)
{
	char text[32];
	ssize_t n = pread(fd, text, sizeof text - 1, 0);

	if (n <= 0)
		return 0;
	text[n] = '\0';
	return strtol(text, NULL, 10);
}

static int
wait_for(int fd, const char *path, double timeout_s, struct err *err)
{
	double deadline = clock_mono_s() + timeout_s;
	bool told = false;

	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EINTR)
			continue;
		if (errno != EWOULDBLOCK)
			return err_sys(err, "cannot lock '%s'", path);
		if (intr_check(err) < 0)
			return -1;
		if (clock_mono_s() >= deadline)
			return err_set(err, ERR_LOCKED, "another run (process "
			    "%ld) holds the lock '%s'", owner(fd), path);
		if (!told)
			log_info("waiting for another run (process %ld) to "
			    "finish", owner(fd));
		told = true;
		(void)intr_sleep(POLL_S);
	}
	return 0;
}

static int
sign(int fd, const char *path, struct err *err)
{
	char text[32];
	int n = snprintf(text, sizeof text, "%ld\n", (long)getpid());

	if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)n, 0) != n)
		return err_sys(err, "cannot write lock file '%s'", path);
	return 0;
}

int
lock_take(struct lock *ret, const char *directory, double timeout_s,
    struct err *err)
{
	CLEANUP(cleanup_free) char *path = NULL;
	CLEANUP(cleanup_close) int fd = -1;

	if (open_file(directory, &path, &fd, err) < 0 ||
	    wait_for(fd, path, timeout_s, err) < 0 ||
	    sign(fd, path, err) < 0)
		return -1;
	ret->fd = fd;
	fd = -1;
	return 0;
}

void
lock_release(struct lock *lock)
{
	cleanup_close(&lock->fd);
}
