#define _GNU_SOURCE
#include "test/unit/tree_compare.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

struct pair {		/* a file with several names, here and there */
	ino_t source;
	ino_t restored;
};

struct compare {
	struct str *out;
	struct str path;
	struct pair *pairs;
	size_t n_pairs;
};

/* One entry on both sides: O_PATH descriptors. */
struct sides {
	int fd[2];
	struct stat st[2];
};

static int
fail(const struct compare *compare, const char *what)
{
	(void)fprintf(stderr, "tree_compare: %s '%s': %s\n", what,
	    compare->path.s, strerror(errno));
	return -1;
}

static void PRINTF_LIKE(2, 3)
differ(struct compare *compare, const char *fmt, ...)
{
	static char text[1024];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	str_add_visible(compare->out, compare->path.s);
	str_add(compare->out, ": ");
	str_add_visible(compare->out, text);
	str_add(compare->out, "\n");
}

static void
compare_number(struct compare *compare, const char *what, uint64_t source,
    uint64_t restored)
{
	if (source != restored)
		differ(compare, "%s %" PRIu64 " became %" PRIu64, what, source,
		    restored);
}

static void
compare_stat(struct compare *compare, const struct stat *a,
    const struct stat *b)
{
	if (a->st_mode != b->st_mode)
		differ(compare, "mode %o became %o", a->st_mode, b->st_mode);
	compare_number(compare, "uid", a->st_uid, b->st_uid);
	compare_number(compare, "gid", a->st_gid, b->st_gid);
	compare_number(compare, "device", a->st_rdev, b->st_rdev);
	if (!S_ISDIR(a->st_mode)) {
		compare_number(compare, "size", (uint64_t)a->st_size,
		    (uint64_t)b->st_size);
		compare_number(compare, "links", a->st_nlink, b->st_nlink);
	}
	/* A file system may need some blocks more for its own ends. */
	if (S_ISREG(a->st_mode) && b->st_blocks > a->st_blocks + 128)
		compare_number(compare, "blocks", (uint64_t)a->st_blocks,
		    (uint64_t)b->st_blocks);
	if (a->st_mtim.tv_sec != b->st_mtim.tv_sec ||
	    a->st_mtim.tv_nsec != b->st_mtim.tv_nsec)
		differ(compare, "mtime %lld + %ld ns became %lld + %ld ns",
		    (long long)a->st_mtim.tv_sec, a->st_mtim.tv_nsec,
		    (long long)b->st_mtim.tv_sec, b->st_mtim.tv_nsec);
}

static int
compare_hard_links(struct compare *compare, const struct stat *a,
    const struct stat *b)
{
	struct pair *pairs;
	size_t i;

	for (i = 0; i < compare->n_pairs; i++) {
		if ((compare->pairs[i].source == a->st_ino) !=
		    (compare->pairs[i].restored == b->st_ino))
			differ(compare, "is a link to something else");
		if (compare->pairs[i].source == a->st_ino)
			return 0;
	}
	pairs = realloc(compare->pairs, (i + 1) * sizeof *pairs);
	if (pairs == NULL)
		return fail(compare, "remember");
	pairs[i] = (struct pair){ a->st_ino, b->st_ino };
	compare->pairs = pairs;
	compare->n_pairs++;
	return 0;
}

static void
compare_targets(struct compare *compare, const struct sides *sides)
{
	static char a[PATH_MAX], b[PATH_MAX];	/* no stack: we recurse */
	ssize_t na = readlinkat(sides->fd[0], "", a, sizeof a);
	ssize_t nb = readlinkat(sides->fd[1], "", b, sizeof b);

	if (na < 0 || na != nb || memcmp(a, b, (size_t)na) != 0)
		differ(compare, "leads elsewhere");
}

static int
reopen(int path_fd)
{
	char path[32];

	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", path_fd);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static off_t
next_data(int fd, off_t at, off_t size)
{
	off_t data = lseek(fd, at, SEEK_DATA);

	return data < 0 || data > size ? size : data;
}

/* Holes on both sides are skipped: a file may have a terabyte of them. */
static int
compare_contents(struct compare *compare, const struct sides *sides)
{
	static char a[65536], b[65536];
	CLEANUP(cleanup_close) int fa = reopen(sides->fd[0]);
	CLEANUP(cleanup_close) int fb = reopen(sides->fd[1]);
	off_t size = sides->st[0].st_size, at = 0, other;

	if (fa < 0 || fb < 0)
		return fail(compare, "open");
	for (;;) {
		ssize_t na, nb;

		other = next_data(fb, at, size);
		at = next_data(fa, at, size);
		at = other < at ? other : at;
		if (at >= size)
			return 0;
		na = pread(fa, a, sizeof a, at);
		nb = pread(fb, b, sizeof b, at);
		if (na <= 0 || na != nb || memcmp(a, b, (size_t)na) != 0) {
			differ(compare, "other content at about %lld",
			    (long long)at);
			return 0;
		}
		at += na;
	}
}

static void
compare_attribute(struct compare *compare, const char *pa, const char *pb,
    const char *name)
{
	static char a[65536], b[65536];
	ssize_t na = getxattr(pa, name, a, sizeof a);
	ssize_t nb = getxattr(pb, name, b, sizeof b);

	if (na < 0)
		differ(compare, "attribute '%s' appeared", name);
	else if (nb < 0)
		differ(compare, "attribute '%s' is gone", name);
	else if (na != nb || memcmp(a, b, (size_t)na) != 0)
		differ(compare, "attribute '%s' changed", name);
}

static int
compare_attributes(struct compare *compare, const struct sides *sides)
{
	static char names[2][65536];
	char paths[2][32];
	ssize_t n, at;
	int i;

	for (i = 0; i < 2; i++)
		(void)snprintf(paths[i], sizeof paths[i], "/proc/self/fd/%d",
		    sides->fd[i]);
	for (i = 0; i < 2; i++) {
		n = listxattr(paths[i], names[i], sizeof names[i] - 1);
		if (n < 0 && errno != ENOTSUP)
			return fail(compare, "list attributes of");
		names[i][n < 0 ? 0 : n] = '\0';
		for (at = 0; at < n; at += (ssize_t)strlen(names[i] + at) + 1)
			/* Seen from the other side: only what is new there. */
			if (i == 0 || getxattr(paths[0], names[i] + at, NULL,
			    0) < 0)
				compare_attribute(compare, paths[0], paths[1],
				    names[i] + at);
	}
	return 0;
}

static int compare_directory(struct compare *compare, int a, int b);

static int
compare_opened(struct compare *compare, const struct sides *sides)
{
	const struct stat *a = &sides->st[0], *b = &sides->st[1];

	compare_stat(compare, a, b);
	if (((a->st_mode ^ b->st_mode) & S_IFMT) != 0)
		return 0;
	if (a->st_nlink > 1 && !S_ISDIR(a->st_mode) &&
	    compare_hard_links(compare, a, b) < 0)
		return -1;
	if (S_ISLNK(a->st_mode))
		compare_targets(compare, sides);
	if (S_ISREG(a->st_mode) && compare_contents(compare, sides) < 0)
		return -1;
	if (compare_attributes(compare, sides) < 0)
		return -1;
	if (S_ISDIR(a->st_mode))
		return compare_directory(compare, sides->fd[0], sides->fd[1]);
	return 0;
}

static int
compare_entry(struct compare *compare, int a, int b, const char *name)
{
	CLEANUP(cleanup_close) int fa = openat(a, name,
	    O_PATH | O_NOFOLLOW | O_CLOEXEC);
	CLEANUP(cleanup_close) int fb = openat(b, name,
	    O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct sides sides = { .fd = { fa, fb } };

	if (fa < 0 || fstat(fa, &sides.st[0]) < 0)
		return fail(compare, "open");
	if (S_ISSOCK(sides.st[0].st_mode)) {
		if (fb >= 0)
			differ(compare, "should be left out");
		return 0;
	}
	if (fb < 0 || fstat(fb, &sides.st[1]) < 0) {
		differ(compare, "is not there");
		return 0;
	}
	return compare_opened(compare, &sides);
}

static DIR *
open_directory(int path_fd)
{
	int fd = reopen(path_fd);

	return fd < 0 ? NULL : fdopendir(fd);
}

static void
close_directory(DIR **dir)
{
	if (*dir != NULL)
		(void)closedir(*dir);
}

static bool
is_dot(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Entries that only the restored side has. */
static int
find_extra(struct compare *compare, int a, int b)
{
	CLEANUP(close_directory) DIR *dir = open_directory(b);
	const struct dirent *entry;
	struct stat st;

	if (dir == NULL)
		return fail(compare, "open");
	while ((entry = readdir(dir)) != NULL)
		if (!is_dot(entry->d_name) && fstatat(a, entry->d_name, &st,
		    AT_SYMLINK_NOFOLLOW) < 0)
			differ(compare, "there is also '%s'", entry->d_name);
	return 0;
}

static int
compare_directory(struct compare *compare, int a, int b)
{
	CLEANUP(close_directory) DIR *dir = open_directory(a);
	size_t len = compare->path.len;
	const struct dirent *entry;
	int rc = 0;

	if (dir == NULL)
		return fail(compare, "open");
	while (rc == 0 && (entry = readdir(dir)) != NULL) {
		if (is_dot(entry->d_name))
			continue;
		if (len != 0)
			str_add(&compare->path, "/");
		str_add(&compare->path, entry->d_name);
		rc = compare_entry(compare, a, b, entry->d_name);
		compare->path.len = len;
		compare->path.s[len] = '\0';
	}
	return rc < 0 ? -1 : find_extra(compare, a, b);
}

int
tree_compare(int source_fd, int restored_fd, struct str *ret)
{
	struct compare compare = { .out = ret, .path = STR_INIT };
	int rc;

	str_add(&compare.path, "");
	rc = compare_entry(&compare, source_fd, restored_fd, ".");
	str_add(ret, "");
	free(compare.pairs);
	str_free(&compare.path);
	return rc;
}
