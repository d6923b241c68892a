#define _GNU_SOURCE
#include "lib/base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WRITE_OUT_BYTES (8U << 20)

int
file_read_fd(int fd, const char *name, size_t max, char **ret, size_t *ret_len,
    struct err *err)
{
	CLEANUP(str_wipe) struct str s = STR_INIT;
	char chunk[16384];
	ssize_t n;

	while ((n = read(fd, chunk, sizeof chunk)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "cannot read '%s'", name);
		if (s.len + (size_t)n > max)
			return err_set(err, ERR_SYSTEM,
			    "cannot read '%s': more than %zu bytes", name, max);
		str_addn(&s, chunk, (size_t)n);
	}
	explicit_bzero(chunk, sizeof chunk);
	if (ret_len != NULL)
		*ret_len = s.len;
	return str_take(&s, ret, err);
}

int
file_read(const char *path, size_t max, char **ret, size_t *ret_len,
    struct err *err)
{
	CLEANUP(cleanup_close) int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(err, "cannot open '%s'", path);
	return file_read_fd(fd, path, max, ret, ret_len, err);
}

int
file_write_fd(int fd, const char *name, const void *bytes, size_t n,
    struct err *err)
{
	const char *p = bytes;

	while (n != 0) {
		ssize_t written = write(fd, p, n);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return err_sys(err, "cannot write '%s'", name);
		p += written;
		n -= (size_t)written;
	}
	return 0;
}

int
file_write_out(int fd, const char *name, uint64_t end, uint64_t *out,
    struct err *err)
{
	uint64_t from = *out;

	if (end - from < WRITE_OUT_BYTES)
		return 0;
	*out = end;
	/* Where the file system cannot do it the fsync at the end will. */
	if (sync_file_range(fd, (off_t)from, (off_t)(end - from),
	    SYNC_FILE_RANGE_WRITE) < 0 &&
	    (errno == EIO || errno == ENOSPC || errno == EDQUOT))
		return err_sys(err, "cannot write '%s'", name);
	return 0;
}

int
file_join(const char *dir, const char *name, char **ret, struct err *err)
{
	size_t n = strlen(dir);

	while (n != 0 && dir[n - 1] == '/')
		n--;
	while (*name == '/')
		name++;
	return str_format(ret, err, "%.*s/%s", (int)n, dir, name);
}

bool
file_is_dir(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool
file_is_in(const char *path, const char *directory)
{
	size_t n = strlen(directory);

	return strncmp(path, directory, n) == 0 &&
	    (path[n] == '/' || path[n] == '\0' ||
	    (n != 0 && directory[n - 1] == '/'));
}

static int
read_names(DIR *dir, const char *path, struct strlist *ret, struct err *err)
{
	const struct dirent *entry;

	errno = 0;
	while ((entry = readdir(dir)) != NULL) {
		if (*entry->d_name != '.' &&
		    strlist_add(ret, entry->d_name, err) < 0)
			return -1;
		errno = 0;
	}
	return errno == 0 ? 0 :
	    err_sys(err, "cannot read directory '%s'", path);
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int
file_list(const char *path, struct strlist *ret, struct err *err)
{
	CLEANUP(strlist_free) struct strlist names = STRLIST_INIT;
	DIR *dir = opendir(path);
	int rc;

	if (dir == NULL)
		return err_sys(err, "cannot read directory '%s'", path);
	rc = read_names(dir, path, &names, err);
	(void)closedir(dir);
	if (rc < 0)
		return -1;
	if (names.n != 0)
		qsort(names.v, names.n, sizeof *names.v, compare_names);
	*ret = names;
	names = (struct strlist)STRLIST_INIT;
	return 0;
}

int
file_make_dirs(const char *path, mode_t mode, struct err *err)
{
	CLEANUP(cleanup_free) char *copy = NULL;
	char *p;

	if (str_dup(path, &copy, err) < 0)
		return -1;
	for (p = copy; *p != '\0'; p++) {
		if (*p != '/' || p == copy)
			continue;
		*p = '\0';
		if (mkdir(copy, mode) < 0 && errno != EEXIST)
			return err_sys(err, "cannot make directory '%s'", copy);
		*p = '/';
	}
	if (mkdir(copy, mode) < 0 && errno != EEXIST)
		return err_sys(err, "cannot make directory '%s'", copy);
	if (!file_is_dir(copy))
		return err_set(err, ERR_SYSTEM, "'%s' is not a directory",
		    path);
	return 0;
}

int
file_sync_dir(int dirfd, const char *path, struct err *err)
{
	/* EINVAL: a file system that cannot sync a directory, such as CIFS in
	 * older kernels. Nothing more can be done there. */
	if (fsync(dirfd) < 0 && errno != EINVAL)
		return err_sys(err, "cannot sync directory '%s'", path);
	return 0;
}
