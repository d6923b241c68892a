#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/intr.h"
#include "lib/base/str.h"
#include "lib/store/store_ops.h"

#define UNCHANGED ((uint32_t)-1)	/* as chown(2) has it, for both kinds */
#define COPY_BYTES ((size_t)1 << 20)
#define LINK_PREFIX TEMPFILE_PREFIX "link-"

struct store_local {
	struct store store;
	char *path;
	uint32_t uid;		/* or UNCHANGED */
	uint32_t gid;
	mode_t mode;
};

static struct store_local *
local_of(struct store *store)
{
	return (struct store_local *)store;
}

/* Owner and mode are set before the file has its name: nobody ever sees it
 * otherwise. The mode comes last, because chown(2) clears bits of it. */
static int
set_attributes(const struct store_local *local, int fd, struct err *err)
{
	if ((local->uid != UNCHANGED || local->gid != UNCHANGED) &&
	    fchown(fd, local->uid, local->gid) < 0)
		return err_sys(err, "cannot change the owner of a file");
	if (fchmod(fd, local->mode) < 0)
		return err_sys(err, "cannot change the mode of a file");
	return 0;
}

/* Who holds a temporary file is told by its lock, whatever it is to be. */
static int
local_sweep(struct store *store, bool (*ours)(void *cookie, const char *name),
    void *cookie, size_t *ret_n, struct err *err)
{
	(void)ours;
	(void)cookie;
	return tempfile_sweep(local_of(store)->path, ret_n, err);
}

static int
check_writable(const struct store_local *local, struct err *err)
{
	CLEANUP(tempfile_abort) struct tempfile tmp = TEMPFILE_NONE;

	if (tempfile_open(&tmp, local->path, err) < 0)
		return -1;
	return set_attributes(local, tmp.fd, err);
}

static int
check_space(const struct store_local *local, uint64_t need_bytes,
    struct err *err)
{
	char needs[CLOCK_BYTES_BYTES], has[CLOCK_BYTES_BYTES];
	struct statvfs st;
	uint64_t has_bytes;

	if (statvfs(local->path, &st) < 0)
		return err_sys(err, "cannot tell the free space");
	has_bytes = (uint64_t)st.f_bavail * st.f_frsize;
	if (has_bytes >= need_bytes)
		return 0;
	clock_bytes(need_bytes, needs);
	clock_bytes(has_bytes, has);
	return err_set(err, ERR_NOSPACE, "needs about %s, has %s", needs, has);
}

static int
local_check(struct store *store, uint64_t need_bytes, struct err *err)
{
	struct store_local *local = local_of(store);

	if (!file_is_dir(local->path))
		return err_set(err, ERR_NOTFOUND,
		    "there is no such directory (is it mounted?)");
	if (check_writable(local, err) < 0)
		return -1;
	return check_space(local, need_bytes, err);
}

/* *ret is what has that name; its mode is 0 if nothing has it. */
static int
look(struct store_local *local, const char *name, struct stat *ret,
    struct err *err)
{
	CLEANUP(cleanup_free) char *path = NULL;

	memset(ret, 0, sizeof *ret);
	if (file_join(local->path, name, &path, err) < 0)
		return -1;
	if (lstat(path, ret) < 0 && errno != ENOENT)
		return err_sys(err, "cannot look at '%s'", name);
	return 0;
}

static int
local_has(struct store *store, const char *name, bool *ret, struct err *err)
{
	struct stat st;

	if (look(local_of(store), name, &st, err) < 0)
		return -1;
	*ret = st.st_mode != 0;
	return 0;
}

static int
local_spool(struct store *store, struct tempfile *ret, struct err *err)
{
	return tempfile_open(ret, local_of(store)->path, err);
}

static int
check_size(const struct stat *st, const char *name, uint64_t bytes,
    struct err *err)
{
	if (S_ISREG(st->st_mode) && (uint64_t)st->st_size == bytes)
		return 0;
	return err_set(err, ERR_SYSTEM,
	    "'%s' has %" PRIu64 " bytes instead of %" PRIu64, name,
	    (uint64_t)st->st_size, bytes);
}

static int
local_publish(struct store *store, const char *name, enum store_put_mode mode,
    struct tempfile *spool, uint64_t bytes, struct err *err)
{
	struct store_local *local = local_of(store);
	struct stat st;

	/* A rename does not leave the directory that the file lies in. */
	if (strcmp(spool->dir, local->path) != 0)
		return err_set(err, ERR_SYSTEM,
		    "cannot take over a file of '%s'", spool->dir);
	if (fstat(spool->fd, &st) < 0)
		return err_sys(err, "cannot look at '%s'", spool->name);
	if (check_size(&st, spool->name, bytes, err) < 0 ||
	    set_attributes(local, spool->fd, err) < 0 ||
	    tempfile_publish(spool, name, mode == STORE_NEW ?
	    TEMPFILE_NEW : TEMPFILE_REPLACE, err) < 0)
		return -1;
	if (look(local, name, &st, err) < 0)
		return -1;
	return check_size(&st, name, bytes, err);
}

/* All of the stream into fd; *ret_bytes: so many. Returns 0 only if the stream
 * says that they are a good archive. */
static int
copy(const struct store_stream *stream, int fd, const char *name,
    uint64_t *ret_bytes, struct err *err)
{
	size_t chunk = stream->window_bytes < COPY_BYTES ?
	    (size_t)stream->window_bytes : COPY_BYTES;
	CLEANUP(cleanup_free) char *bytes = malloc(COPY_BYTES);
	uint64_t at = 0, have, out = 0;
	bool end;

	if (bytes == NULL)
		return err_nomem(err);
	for (;;) {
		size_t n;

		if (stream->wait(stream->cookie, at + chunk, &have, &end,
		    err) < 0)
			return -1;
		n = have - at < chunk ? (size_t)(have - at) : chunk;
		if (n == 0 && end)
			break;
		if (stream->read(stream->cookie, at, bytes, n, err) < 0 ||
		    file_write_fd(fd, name, bytes, n, err) < 0)
			return -1;
		at += n;
		stream->release(stream->cookie, at);
		if (file_write_out(fd, name, at, &out, err) < 0)
			return -1;
	}
	*ret_bytes = at;
	return 0;
}

static int
local_put(struct store *store, const char *name, enum store_put_mode mode,
    const struct store_stream *stream, struct err *err)
{
	CLEANUP(tempfile_abort) struct tempfile tmp = TEMPFILE_NONE;
	struct store_local *local = local_of(store);
	struct stat st;
	uint64_t bytes = 0;

	/* Known now, and not only when everything has been copied. */
	if (look(local, name, &st, err) < 0)
		return -1;
	if (mode == STORE_NEW && st.st_mode != 0)
		return err_set(err, ERR_EXISTS, "'%s' is there already", name);
	if (tempfile_open(&tmp, local->path, err) < 0 ||
	    copy(stream, tmp.fd, name, &bytes, err) < 0)
		return -1;
	return local_publish(store, name, mode, &tmp, bytes, err);
}

static int
local_put_small(struct store *store, const char *name, const void *bytes,
    size_t n, struct err *err)
{
	CLEANUP(tempfile_abort) struct tempfile tmp = TEMPFILE_NONE;
	struct store_local *local = local_of(store);

	if (tempfile_open(&tmp, local->path, err) < 0 ||
	    file_write_fd(tmp.fd, name, bytes, n, err) < 0 ||
	    set_attributes(local, tmp.fd, err) < 0)
		return -1;
	return tempfile_publish(&tmp, name, TEMPFILE_REPLACE, err);
}

static int
local_get_small(struct store *store, const char *name, size_t max, char **ret,
    size_t *ret_n, struct err *err)
{
	CLEANUP(cleanup_free) char *path = NULL;

	if (file_join(local_of(store)->path, name, &path, err) < 0)
		return -1;
	if (access(path, F_OK) < 0 && errno == ENOENT)
		return err_set(err, ERR_NOTFOUND, "there is no '%s'", name);
	return file_read(path, max, ret, ret_n, err);
}

/* A pipe of that name must not hold us up: it is opened without waiting. */
static int
open_archive(const struct store_local *local, const char *name, int *ret,
    struct stat *ret_st, struct err *err)
{
	CLEANUP(cleanup_free) char *path = NULL;
	CLEANUP(cleanup_close) int fd = -1;

	if (file_join(local->path, name, &path, err) < 0)
		return -1;
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return err_set(err, ERR_NOTFOUND, "there is no '%s'", name);
	if (fd < 0 && errno != ELOOP)
		return err_sys(err, "cannot open '%s'", name);
	if (fd >= 0 && fstat(fd, ret_st) < 0)
		return err_sys(err, "cannot look at '%s'", name);
	if (fd < 0 || !S_ISREG(ret_st->st_mode))
		return err_set(err, ERR_PROTOCOL, "'%s' is no regular file",
		    name);
	/* What was just written shall come from the disk, not from memory. */
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	*ret = fd;
	fd = -1;
	return 0;
}

static int
local_get(struct store *store, const char *name, store_get_fn *write,
    void *cookie, struct err *err)
{
	CLEANUP(cleanup_free) char *bytes = malloc(COPY_BYTES);
	CLEANUP(cleanup_close) int fd = -1;
	uint64_t sum = 0;
	struct stat st;
	ssize_t n;

	if (bytes == NULL)
		return err_nomem(err);
	if (open_archive(local_of(store), name, &fd, &st, err) < 0)
		return -1;
	while ((n = read(fd, bytes, COPY_BYTES)) != 0) {
		if (n < 0 && errno == EINTR)
			n = 0;
		if (n < 0)
			return err_sys(err, "cannot read '%s'", name);
		sum += (uint64_t)n;
		if (intr_check(err) < 0 ||
		    write(cookie, bytes, (size_t)n, err) < 0)
			return -1;
	}
	if (sum != (uint64_t)st.st_size)
		return err_set(err, ERR_PROTOCOL, "'%s' changed while it was "
		    "read: %" PRIu64 " bytes instead of %" PRIu64, name, sum,
		    (uint64_t)st.st_size);
	return 0;
}

/* The temporary name is the same every time: what a dead run left of it is
 * replaced here, because tempfile_sweep cannot tell whose a link is. */
static int
replace_link(const struct store_local *local, const char *link,
    const char *name, struct err *err)
{
	CLEANUP(cleanup_close) int dirfd = -1;
	CLEANUP(cleanup_free) char *tmp = NULL;

	if (str_format(&tmp, err, "%s%s", LINK_PREFIX, link) < 0)
		return -1;
	dirfd = open(local->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0)
		return err_sys(err, "cannot open the directory");
	if (unlinkat(dirfd, tmp, 0) < 0 && errno != ENOENT)
		return err_sys(err, "cannot remove '%s'", tmp);
	if (symlinkat(name, dirfd, tmp) < 0)
		return err_sys(err, "cannot make link '%s'", link);
	if (renameat(dirfd, tmp, dirfd, link) < 0) {
		(void)err_sys(err, "cannot make link '%s'", link);
		(void)unlinkat(dirfd, tmp, 0);
		return -1;
	}
	return file_sync_dir(dirfd, local->path, err);
}

static int
local_link_latest(struct store *store, const char *link, const char *name,
    struct err *err)
{
	struct store_local *local = local_of(store);
	struct stat st;

	if (*link == '\0' || strchr(link, '/') != NULL)
		return err_set(err, ERR_CONFIG,
		    "'%s' is not the name of a link", link);
	if (look(local, link, &st, err) < 0)
		return -1;
	if (st.st_mode != 0 && !S_ISLNK(st.st_mode))
		return err_set(err, ERR_EXISTS,
		    "'%s' is there and is no symbolic link", link);
	return replace_link(local, link, name, err);
}

static void
close_dir(DIR **stream)
{
	if (*stream != NULL)
		(void)closedir(*stream);
}

/* Appends the file of that name, if it is one that store.h speaks of. */
static int
list_one(int dirfd, const char *name, struct store_list *list,
    struct err *err)
{
	struct store_entry *bigger;
	struct stat st;

	if (*name == '.')
		return 0;
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 :
		    err_sys(err, "cannot look at '%s'", name);
	if (!S_ISREG(st.st_mode))
		return 0;
	bigger = realloc(list->v, (list->n + 1) * sizeof *bigger);
	if (bigger == NULL)
		return err_nomem(err);
	list->v = bigger;
	bigger[list->n] = (struct store_entry){ .bytes = (uint64_t)st.st_size,
		.modified = st.st_mtime };
	if (str_dup(name, &bigger[list->n].name, err) < 0)
		return -1;
	list->n++;
	return 0;
}

static int
local_list(struct store *store, struct store_list *ret, struct err *err)
{
	CLEANUP(close_dir) DIR *stream = opendir(local_of(store)->path);
	struct dirent *entry;

	if (stream == NULL)
		return err_sys(err, "cannot open the directory");
	for (;;) {
		errno = 0;
		entry = readdir(stream);
		if (entry == NULL && errno != 0)
			return err_sys(err, "cannot read the directory");
		if (entry == NULL)
			return 0;
		if (list_one(dirfd(stream), entry->d_name, ret, err) < 0)
			return -1;
	}
}

static int
remove_one(int dirfd, const char *name, struct err *err)
{
	if (*name == '\0' || strchr(name, '/') != NULL)
		return err_set(err, ERR_SYSTEM,
		    "'%s': not the name of a file", name);
	if (unlinkat(dirfd, name, 0) < 0 && errno != ENOENT)
		return err_sys(err, "'%s'", name);
	return 0;
}

static int
local_remove(struct store *store, const struct strlist *names,
    struct strlist *failed, struct err *err)
{
	CLEANUP(cleanup_close) int dirfd = open(local_of(store)->path,
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct err one = ERR_INIT;
	size_t i;

	if (dirfd < 0)
		return err_sys(err, "cannot open the directory");
	for (i = 0; i < names->n; i++)
		if (remove_one(dirfd, names->v[i], &one) < 0 &&
		    strlist_add(failed, one.msg, err) < 0)
			return -1;
	return 0;
}

static void
local_free(struct store *store)
{
	free(local_of(store)->path);
	free(store);
}

static const struct store_ops local_ops = {
	.check = local_check,
	.sweep = local_sweep,
	.has = local_has,
	.spool = local_spool,
	.publish = local_publish,
	.put = local_put,
	.put_small = local_put_small,
	.get_small = local_get_small,
	.get = local_get,
	.link_latest = local_link_latest,
	.list = local_list,
	.remove = local_remove,
	.free = local_free,
};

static bool
parse_id(const char *text, uint32_t *ret)
{
	char *end;
	unsigned long long number;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	number = strtoull(text, &end, 10);
	if (errno != 0 || *end != '\0' || number >= UNCHANGED)
		return false;
	*ret = (uint32_t)number;
	return true;
}

static int
parse_user(const char *name, uint32_t *ret, struct err *err)
{
	const struct passwd *user = getpwnam(name);

	if (user != NULL)
		*ret = user->pw_uid;
	else if (!parse_id(name, ret))
		return err_set(err, ERR_CONFIG, "unknown user '%s'", name);
	return 0;
}

static int
parse_group(const char *name, uint32_t *ret, struct err *err)
{
	const struct group *group = getgrnam(name);

	if (group != NULL)
		*ret = group->gr_gid;
	else if (!parse_id(name, ret))
		return err_set(err, ERR_CONFIG, "unknown group '%s'", name);
	return 0;
}

static int
parse_owner(struct store_local *local, const char *owner, struct err *err)
{
	CLEANUP(cleanup_free) char *user = NULL;
	size_t n;

	local->uid = UNCHANGED;
	local->gid = UNCHANGED;
	if (owner == NULL)
		return 0;
	n = strcspn(owner, ":");
	if (str_format(&user, err, "%.*s", (int)n, owner) < 0)
		return -1;
	/* ":GROUP" has no user; "" and "USER:" are mistakes. */
	if ((n != 0 || owner[n] == '\0') &&
	    parse_user(user, &local->uid, err) < 0)
		return -1;
	return owner[n] == '\0' ? 0 :
	    parse_group(owner + n + 1, &local->gid, err);
}

int
store_local_new(const struct store_local_settings *settings,
    struct store **ret, struct err *err)
{
	CLEANUP(store_freep) struct store *store = NULL;
	struct store_local *local = calloc(1, sizeof *local);

	if (local == NULL)
		return err_nomem(err);
	store = &local->store;
	store->ops = &local_ops;
	local->mode = (mode_t)settings->mode;
	if (str_format(&store->label, err, "local '%s'",
	    settings->path) < 0 ||
	    str_dup(settings->path, &local->path, err) < 0)
		return -1;
	if (!file_is_dir(local->path))
		return err_set(err, ERR_CONFIG,
		    "%s: there is no such directory (is it mounted?)",
		    store->label);
	if (parse_owner(local, settings->owner, err) < 0)
		return err_add(err, "%s", store->label);
	*ret = store;
	store = NULL;
	return 0;
}
