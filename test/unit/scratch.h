/*
 * scratch: a directory of a test's own, and what tests do in it.
 *
 *     struct scratch scratch;
 *     scratch_new(&scratch); ... scratch_path(&scratch, "name") ...
 *     scratch_free(&scratch);
 */
#ifndef TEST_UNIT_SCRATCH_H
#define TEST_UNIT_SCRATCH_H

#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct scratch {
	char dir[64];
	char path[512];
};

static inline void
scratch_new(struct scratch *scratch)
{
	(void)snprintf(scratch->dir, sizeof scratch->dir,
	    "/tmp/vbackup-test-XXXXXX");
	if (mkdtemp(scratch->dir) == NULL)
		abort();
}

static inline int
scratch_remove_one(const char *path, const struct stat *st, int type,
    struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void
scratch_free(struct scratch *scratch)
{
	(void)nftw(scratch->dir, scratch_remove_one, 16,
	    FTW_DEPTH | FTW_PHYS);
}

/* Valid until the next call. */
static inline const char *
scratch_path(struct scratch *scratch, const char *name)
{
	(void)snprintf(scratch->path, sizeof scratch->path, "%s/%s",
	    scratch->dir, name);
	return scratch->path;
}

static inline bool
scratch_has(struct scratch *scratch, const char *name)
{
	struct stat st;

	return lstat(scratch_path(scratch, name), &st) == 0;
}

static inline void
scratch_write(struct scratch *scratch, const char *name, const void *bytes,
    size_t n)
{
	int fd = open(scratch_path(scratch, name),
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, bytes, n) != (ssize_t)n || close(fd) < 0)
		abort();
}

/* The whole of a small file; valid until the next call. */
static inline const char *
scratch_read(struct scratch *scratch, const char *name)
{
	static char text[65536];
	int fd = open(scratch_path(scratch, name), O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0 || (n = read(fd, text, sizeof text - 1)) < 0 ||
	    close(fd) < 0)
		abort();
	text[n] = '\0';
	return text;
}

#endif
