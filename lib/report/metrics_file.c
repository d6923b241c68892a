#define _GNU_SOURCE
#include "lib/report/metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/intr.h"
#include "lib/base/tempfile.h"

#define SUFFIX ".prom"
#define MODE 0644		/* the collector is another user */
#define LOCK_TRIES 100
#define LOCK_PAUSE_S 0.05

int
metrics_check_file(const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;

	if (!str_ends(name, SUFFIX) || strlen(name) == strlen(SUFFIX))
		return err_set(err, ERR_CONFIG, "'%s' is not the name of a "
		    "file for the textfile collector (it must end in "
		    SUFFIX ")", path);
	return 0;
}

/* The rest of path is the name. */
static int
directory_of(const char *path, char **ret, const char **ret_name,
    struct err *err)
{
	const char *slash = strrchr(path, '/');

	*ret_name = slash != NULL ? slash + 1 : path;
	return slash == NULL ? str_dup(".", ret, err) :
	    str_format(ret, err, "%.*s",
	    (int)(slash == path ? 1 : slash - path), path);
}

/* So that nobody's last success is lost between reading and writing. Whoever
 * holds it for long does no harm: then there is no lock. */
static int
lock(const char *dir, int *ret, struct err *err)
{
	int i;

	*ret = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*ret < 0)
		return err_sys(err, "cannot open directory '%s'", dir);
	for (i = 0; i < LOCK_TRIES; i++)
		if (flock(*ret, LOCK_EX | LOCK_NB) == 0 ||
		    errno != EWOULDBLOCK || intr_sleep(LOCK_PAUSE_S))
			return 0;
	return 0;
}

/* *ret: NULL if there is none yet. Never waits for a FIFO; never follows a
 * symlink, which would be replaced. */
static int
read_old(int dirfd, const char *name, const char *path, char **ret,
    struct err *err)
{
	CLEANUP(cleanup_close) int fd = openat(dirfd, name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	size_t n, i;

	*ret = NULL;
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 && errno != ELOOP)
		return err_sys(err, "cannot open '%s'", path);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(err, ERR_SYSTEM,
		    "cannot use '%s': it is not a regular file", path);
	if (file_read_fd(fd, path, METRICS_FILE_BYTES, ret, &n, err) < 0)
		return -1;
	for (i = 0; i < n; i++)
		if ((*ret)[i] == '\0')
			(*ret)[i] = '?';
	return 0;
}

static int
replace(const char *dir, const char *name, const char *text, struct err *err)
{
	CLEANUP(tempfile_abort) struct tempfile tmp = TEMPFILE_NONE;
	struct err ignored;
	size_t n = strlen(text);

	if (n > METRICS_FILE_BYTES)
		return err_set(err, ERR_SYSTEM,
		    "cannot write '%s/%s': more than %u bytes", dir, name,
		    METRICS_FILE_BYTES);
	/* What killed runs left; it lies in nobody's way. */
	(void)!tempfile_sweep(dir, &(size_t){ 0 }, &ignored);
	if (tempfile_open(&tmp, dir, err) < 0 ||
	    file_write_fd(tmp.fd, name, text, n, err) < 0)
		return -1;
	if (fchmod(tmp.fd, MODE) < 0)
		return err_sys(err, "cannot set the mode of '%s/%s'", dir,
		    name);
	return tempfile_publish(&tmp, name, TEMPFILE_REPLACE, err);
}

int
metrics_write(const struct report *report, const char *path, struct err *err)
{
	CLEANUP(cleanup_free) char *dir = NULL;
	CLEANUP(cleanup_free) char *old = NULL;
	CLEANUP(cleanup_free) char *text = NULL;
	CLEANUP(cleanup_close) int dirfd = -1;
	const char *name;

	if (metrics_check_file(path, err) < 0 ||
	    directory_of(path, &dir, &name, err) < 0 ||
	    lock(dir, &dirfd, err) < 0 ||
	    read_old(dirfd, name, path, &old, err) < 0 ||
	    metrics_format(report, old, &text, err) < 0 ||
	    replace(dir, name, text, err) < 0)
		return err_add(err, "metrics");
	return 0;
}
