/*
 * pack: the walk.
 *
 * One explicit stack of open directories and two texts that grow and shrink
 * with it: the member's path and the path that the user knows. Every entry
 * goes the same way: is it excluded? open it safely (member.h), describe it
 * and put it into the stream (emit.h); push it if it is a directory.
 *
 * What goes wrong with one entry is an event for the watcher, and the walk
 * goes on; -1 means that the stream itself is over.
 */
#define _GNU_SOURCE
#include "lib/stream/pack.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "lib/base/intr.h"
#include "lib/base/tempfile.h"
#include "lib/stream/pack_state.h"
#include "lib/stream/pax.h"

/* One descriptor per level: a deep tree needs more than the usual 1024. */
static void
raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 ||
	    limit.rlim_cur == limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* A store that is not there yet cannot lie in a source. */
static int
find_left_out(struct pack *pack, const struct strlist *paths, struct err *err)
{
	struct stat st;
	size_t i;

	pack->left_out = calloc(paths->n + 1, sizeof *pack->left_out);
	if (pack->left_out == NULL)
		return err_nomem(err);
	for (i = 0; i < paths->n; i++)
		if (stat(paths->v[i], &st) == 0)
			pack->left_out[pack->n_left_out++] =
			    (struct identity){ st.st_dev, st.st_ino };
	return 0;
}

void
pack_tell(void *cookie, enum pack_event event, const char *why)
{
	struct pack *pack = cookie;

	if (pack->watch != NULL)
		pack->watch(pack->cookie, event, pack->shown.s, why);
}

int
pack_new(const struct pack_settings *settings, struct chan *out,
    struct pack **ret, struct err *err)
{
	CLEANUP(pack_freep) struct pack *pack = calloc(1, sizeof *pack);

	if (pack == NULL)
		return err_nomem(err);
	pack->watch = settings->watch;
	pack->cookie = settings->cookie;
	pack->out = out;
	pack->emit = (struct emit){ .out = out,
		.progress = settings->progress,
		.tell = pack_tell, .cookie = pack };
	if (exclude_new(settings->exclude, settings->exclude_regexp,
	    &pack->exclude, err) < 0)
		return -1;
	if (settings->left_out != NULL &&
	    find_left_out(pack, settings->left_out, err) < 0)
		return -1;
	raise_descriptor_limit();
	*ret = pack;
	pack = NULL;
	return 0;
}

int
pack_check(const struct pack_settings *settings, struct err *err)
{
	CLEANUP(exclude_freep) struct exclude *exclude = NULL;

	return exclude_new(NULL, settings->exclude_regexp, &exclude, err);
}

static void
cut(struct str *s, size_t len)
{
	s->len = len;
	s->s[len] = '\0';
}

static bool
is_left_out(const struct pack *pack, const struct stat *st)
{
	size_t i;

	for (i = 0; i < pack->n_left_out; i++)
		if (pack->left_out[i].dev == st->st_dev &&
		    pack->left_out[i].ino == st->st_ino)
			return true;
	return false;
}

static int
put(struct pack *pack, int fd, struct err *err)
{
	/* The root of a source that is the archive's root has no name. */
	const char *path = pack->path.len == 0 ? "./" : pack->path.s;

	return emit_member(&pack->emit, &pack->member, fd, path, err);
}

static int
push(struct pack *pack, DIR *dir, struct err *err)
{
	size_t cap = pack->cap_levels == 0 ? 32 : 2 * pack->cap_levels;
	struct level *levels = pack->levels;

	if (pack->n_levels == pack->cap_levels) {
		levels = realloc(levels, cap * sizeof *levels);
		if (levels == NULL) {
			(void)closedir(dir);
			return err_nomem(err);
		}
		pack->levels = levels;
		pack->cap_levels = cap;
	}
	levels[pack->n_levels++] = (struct level){ dir, pack->path.len,
		pack->shown.len };
	return 0;
}

/* Takes *fd. The paths get the slash that its entries' names follow. */
static int
enter(struct pack *pack, int *fd, struct err *err)
{
	DIR *dir;

	if (is_left_out(pack, &pack->member.st)) {
		pack_tell(pack, PACK_LEFT_OUT, "keeps archives");
		return 0;
	}
	if (pack->path.len != 0)
		str_add(&pack->path, "/");
	if (pack->path.failed)
		return err_nomem(err);
	if (put(pack, *fd, err) < 0)
		return -1;
	dir = fdopendir(*fd);
	if (dir == NULL)
		return err_sys(err, "cannot read directory '%s'",
		    pack->shown.s);
	*fd = -1;
	if (!str_ends(pack->shown.s, "/"))
		str_add(&pack->shown, "/");
	return push(pack, dir, err);
}

static int
put_opened(struct pack *pack, int *fd, struct err *err)
{
	if (S_ISDIR(pack->member.st.st_mode))
		return enter(pack, fd, err);
	return put(pack, *fd, err);
}

static int
put_entry(struct pack *pack, int dirfd, const char *name, mode_t type,
    struct err *err)
{
	CLEANUP(cleanup_close) int fd = -1;

	switch (member_open(&pack->member, dirfd, name, type, false, &fd)) {
	case MEMBER_OPENED:
		return put_opened(pack, &fd, err);
	case MEMBER_VANISHED:
		pack_tell(pack, PACK_VANISHED, "vanished before it was read");
		break;
	case MEMBER_REPLACED:
		pack_tell(pack, PACK_REPLACED,
		    "was replaced before it was read");
		break;
	case MEMBER_UNREADABLE:
		pack_tell(pack, PACK_UNREADABLE, strerror(errno));
		break;
	}
	return 0;
}

/* Some file systems do not tell types; a failure shows again in open. */
static mode_t
entry_type(int dirfd, const struct dirent *entry)
{
	struct stat st;

	if (entry->d_type != DT_UNKNOWN)
		return DTTOIF(entry->d_type);
	if (fstatat(dirfd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return S_IFREG;
	return st.st_mode & S_IFMT;
}

static int
see_entry(struct pack *pack, int dirfd, const struct dirent *entry,
    struct err *err)
{
	mode_t type = entry_type(dirfd, entry);

	str_add(&pack->path, entry->d_name);
	str_add(&pack->shown, entry->d_name);
	if (pack->path.failed || pack->shown.failed)
		return err_nomem(err);
	if (exclude_has(pack->exclude, pack->shown.s, type == S_IFDIR)) {
		pack->emit.result.excluded++;
		return 0;
	}
	if (type == S_IFSOCK) {
		pack->emit.result.sockets++;
		pack_tell(pack, PACK_SOCKET, "is a socket");
		return 0;
	}
	if (pack->path.len >= PAX_PATH_MAX) {
		pack_tell(pack, PACK_UNREADABLE, "its path is too long");
		return 0;
	}
	return put_entry(pack, dirfd, entry->d_name, type, err);
}

static bool
is_dot(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static void
pop(struct pack *pack)
{
	(void)closedir(pack->levels[--pack->n_levels].dir);
}

/* The directory on top has no more entries, or cannot be read further. */
static int
leave(struct pack *pack, int error, struct err *err)
{
	if (error != 0 && pack->n_levels == 1)
		return err_set(err, ERR_SOURCE, "cannot read directory '%s': "
		    "%s", pack->shown.s, strerror(error));
	if (error != 0) {
		cut(&pack->shown, pack->shown.len - 1);
		pack_tell(pack, PACK_UNREADABLE, strerror(error));
	}
	pop(pack);
	return 0;
}

static int
walk(struct pack *pack, struct err *err)
{
	while (pack->n_levels != 0) {
		struct level top = pack->levels[pack->n_levels - 1];
		const struct dirent *entry;

		if (intr_check(err) < 0)
			return -1;
		cut(&pack->path, top.path_len);
		cut(&pack->shown, top.shown_len);
		errno = 0;
		entry = readdir(top.dir);
		if (entry == NULL) {
			if (leave(pack, errno, err) < 0)
				return -1;
		} else if (!is_dot(entry->d_name) &&
		    !str_starts(entry->d_name, TEMPFILE_PREFIX) &&
		    !str_starts(entry->d_name, STAGE_PREFIX) &&
		    see_entry(pack, dirfd(top.dir), entry, err) < 0) {
			return -1;
		}
	}
	return 0;
}

static int
put_root(struct pack *pack, const char *path, struct err *err)
{
	CLEANUP(cleanup_close) int fd = -1;
	struct stat st;

	errno = 0;
	if (stat(path, &st) < 0 || member_open(&pack->member, AT_FDCWD, path,
	    st.st_mode & S_IFMT, true, &fd) != MEMBER_OPENED)
		return err_set(err, ERR_SOURCE, "cannot read '%s': %s", path,
		    errno == 0 ? "it was replaced" : strerror(errno));
	if (S_ISSOCK(st.st_mode)) {
		pack->emit.result.sockets++;
		pack_tell(pack, PACK_SOCKET, "is a socket");
		return 0;
	}
	return put_opened(pack, &fd, err);
}

int
pack_begin(struct pack *pack, const struct pack_source *source,
    struct err *err)
{
	pack->emit.result = (struct pack_result){ 0 };
	pack->path.len = pack->shown.len = 0;
	str_add(&pack->path, source->member);
	str_add(&pack->shown, source->shown);
	return pack->path.failed || pack->shown.failed ? err_nomem(err) : 0;
}

int
pack_source(struct pack *pack, const struct pack_source *source,
    struct pack_result *ret, struct err *err)
{
	int rc;

	*ret = (struct pack_result){ 0 };
	if (pack_begin(pack, source, err) < 0)
		return -1;
	rc = put_root(pack, source->path, err);
	if (rc == 0)
		rc = walk(pack, err);
	while (pack->n_levels != 0)
		pop(pack);
	*ret = pack->emit.result;
	return rc;
}

int
pack_finish(struct pack *pack, struct err *err)
{
	static const char end[PAX_END_BYTES];

	if (chan_write(pack->out, end, sizeof end, err) < 0)
		return -1;
	return chan_finish(pack->out, err);
}

void
pack_free(struct pack *pack)
{
	if (pack == NULL)
		return;
	while (pack->n_levels != 0)
		pop(pack);
	free(pack->levels);
	free(pack->left_out);
	exclude_free(pack->exclude);
	emit_free(&pack->emit);
	member_free(&pack->member);
	str_free(&pack->path);
	str_free(&pack->shown);
	free(pack);
}

void
pack_freep(struct pack **pack)
{
	pack_free(*pack);
	*pack = NULL;
}
