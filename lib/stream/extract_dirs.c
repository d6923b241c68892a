#define _GNU_SOURCE
#include "lib/stream/extract_dirs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/stream/extract_work.h"

#define LOOK (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define OPEN (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

struct opened {
	int fd;
	struct stat st;		/* as it was before */
	bool unlocked;		/* its mode was changed for now */
};

struct extract_level *
extract_dirs_top(struct extract *x)
{
	return &x->dirs.levels[x->dirs.n - 1];
}

/* What we made and have left may keep even its owner out. */
static void
unlock(const struct extract *x, int fd, struct opened *opened)
{
	char path[32];

	if ((opened->st.st_mode & S_IRWXU) == S_IRWXU ||
	    !extract_made_has(&x->made, &opened->st))
		return;
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	opened->unlocked = chmod(path, (opened->st.st_mode | S_IRWXU) &
	    07777) == 0;
}

/* Root needs no such thing. -1 with errno */
static int
open_carefully(const struct extract *x, int at, const char *name,
    struct opened *ret)
{
	CLEANUP(cleanup_close) int fd = openat(at, name, LOOK);

	if (fd < 0 || fstat(fd, &ret->st) < 0)
		return -1;
	unlock(x, fd, ret);
	ret->fd = openat(fd, ".", OPEN);
	return ret->fd < 0 ? -1 : 0;
}

static int
open_dir(const struct extract *x, int at, const char *name, struct opened *ret)
{
	*ret = (struct opened){ .fd = -1 };
	if (geteuid() != 0)
		return open_carefully(x, at, name, ret);
	ret->fd = openat(at, name, OPEN);
	return ret->fd < 0 ? -1 : fstat(ret->fd, &ret->st);
}

static int
grow(struct extract_dirs *dirs, struct err *err)
{
	size_t cap = dirs->cap == 0 ? 64 : 2 * dirs->cap;
	struct extract_level *levels = dirs->levels;

	if (dirs->n < dirs->cap)
		return 0;
	levels = realloc(levels, cap * sizeof *levels);
	if (levels == NULL)
		return err_nomem(err);
	dirs->levels = levels;
	dirs->cap = cap;
	return 0;
}

static void
close_lowest(struct extract_dirs *dirs)
{
	if (dirs->n_open <= DIRS_OPEN_MAX)
		return;
	cleanup_close(&dirs->levels[dirs->n - dirs->n_open].fd);
	dirs->n_open--;
}

static void
end_as_it_was(const struct extract *x, const struct opened *opened,
    struct extract_level *level)
{
	level->state.mode = opened->st.st_mode & 07777;
	level->state.mtime = opened->st.st_mtim;
	if (opened->unlocked)
		level->end = LEVEL_MODE;
	else if (x->made.full || extract_made_has(&x->made, &opened->st))
		level->end = LEVEL_TIMES;
}

/* Takes opened->fd, also on failure. name: "" for the place itself. */
static int
push(struct extract *x, const struct opened *opened, const char *name,
    struct err *err)
{
	CLEANUP(cleanup_close) int fd = opened->fd;
	struct extract_dirs *dirs = &x->dirs;
	struct extract_level *level;

	if (dirs->path.len != 0)
		str_add(&dirs->path, "/");
	str_add(&dirs->path, name);
	if (dirs->path.failed)
		return err_nomem(err);
	if (grow(dirs, err) < 0)
		return -1;
	level = &dirs->levels[dirs->n++];
	*level = (struct extract_level){ .fd = fd, .dev = opened->st.st_dev,
		.ino = opened->st.st_ino, .path_len = dirs->path.len,
		.inherits = extract_meta_inherits(fd) };
	end_as_it_was(x, opened, level);
	fd = -1;
	dirs->n_open++;
	close_lowest(dirs);
	return 0;
}

/* A directory that was moved meanwhile has another one above it. */
static int
open_below(struct extract *x, struct err *err)
{
	struct extract_level *top = extract_dirs_top(x), *below = top - 1;
	struct stat st;

	below->fd = openat(top->fd, "..", OPEN);
	if (below->fd < 0 || fstat(below->fd, &st) < 0)
		return err_sys(err, "cannot go back from '%s'",
		    extract_shown(x, x->dirs.path.s));
	x->dirs.n_open++;
	if (st.st_dev == below->dev && st.st_ino == below->ino)
		return 0;
	return err_set(err, ERR_SYSTEM, "cannot go back from '%s': it was "
	    "moved", extract_shown(x, x->dirs.path.s));
}

/* Directories are told of by their names below the place. */
static void
end_level(struct extract *x, const struct extract_level *level)
{
	const struct timespec times[2] = { { 0, UTIME_OMIT },
		level->state.mtime };
	CLEANUP(str_free) struct str problem = STR_INIT;
	struct stat st;

	if (level->end == LEVEL_STATE) {
		extract_meta_owner(&level->state, level->fd, &problem);
		extract_meta_state(&level->state, level->fd, S_IFDIR, &problem,
		    &st);
	} else if ((level->end == LEVEL_MODE &&
	    fchmod(level->fd, level->state.mode) < 0) ||
	    (level->end != LEVEL_NOTHING && futimens(level->fd, times) < 0)) {
		str_add(&problem, strerror(errno));
	}
	if (problem.len != 0)
		extract_problem(x, "cannot put all of '%s' back: %s",
		    extract_shown(x, x->dirs.path.s), problem.s);
}

static int
leave(struct extract *x, struct err *err)
{
	struct extract_dirs *dirs = &x->dirs;
	struct extract_level *top = extract_dirs_top(x);

	if (dirs->n > 1 && dirs->n_open == 1 && open_below(x, err) < 0)
		return -1;
	end_level(x, top);
	cleanup_close(&top->fd);
	dirs->n_open--;
	dirs->n--;
	dirs->path.len = dirs->n == 0 ? 0 : (top - 1)->path_len;
	if (dirs->path.s != NULL)
		dirs->path.s[dirs->path.len] = '\0';
	return 0;
}

int
extract_dirs_leave(struct extract *x, struct err *err)
{
	while (x->dirs.n != 0)
		if (leave(x, err) < 0)
			return -1;
	x->dirs.place = -1;
	return 0;
}

/* How many bytes of path, at its beginning, name a level; 0: the place. */
static size_t
common(const struct extract_dirs *dirs, const char *path, size_t n)
{
	const char *other = dirs->path.s;
	size_t i, end = 0;

	for (i = 0; i < n && i < dirs->path.len && path[i] == other[i]; i++)
		if (path[i] == '/')
			end = i;
	if ((i == n || path[i] == '/') &&
	    (i == dirs->path.len || other[i] == '/'))
		end = i;
	return end;
}

static int
enter_place(struct extract *x, int place, struct err *err)
{
	struct opened opened;

	if (x->dirs.n != 0 && x->dirs.place == place)
		return 0;
	if (extract_dirs_leave(x, err) < 0)
		return -1;
	if (open_dir(x, place, ".", &opened) < 0) {
		(void)err_sys(err, "cannot open the directory of '%s'",
		    extract_shown(x, x->name.s));
		cleanup_close(&opened.fd);
		return -1;
	}
	x->dirs.place = place;
	return push(x, &opened, "", err);
}

/* The next component of *path, which is moved behind it; false: it is longer
 * than any name may be. */
static bool
take_component(const char **path, const char *end, char name[NAME_MAX + 1])
{
	const char *slash = memchr(*path, '/', (size_t)(end - *path));
	size_t n = (size_t)((slash == NULL ? end : slash) - *path);

	if (n > NAME_MAX)
		return false;
	memcpy(name, *path, n);
	name[n] = '\0';
	*path += n + (slash != NULL);
	return true;
}

static int
too_long(struct extract *x, bool *ret_ok)
{
	*ret_ok = false;
	extract_problem(x, "cannot make '%s': a component of it is too long",
	    extract_shown(x, x->name.s));
	return 0;
}

/* *ret_ok is false where it cannot be entered. */
static int
not_entered(struct extract *x, int at, const char *name, bool *ret_ok,
    struct err *err)
{
	*ret_ok = false;
	if (errno == ENOTDIR || errno == ELOOP)
		return extract_blocked(x, at, name, err);
	return extract_failed(x, "make", x->name.s, err);
}

static int
enter_child(struct extract *x, const char *name, bool *ret_ok, struct err *err)
{
	int at = extract_dirs_top(x)->fd;
	struct opened opened;
	bool made = false;
	int rc = open_dir(x, at, name, &opened);

	if (rc < 0 && errno == ENOENT) {
		made = mkdirat(at, name, 0777) == 0;
		rc = made || errno == EEXIST ?
		    open_dir(x, at, name, &opened) : -1;
	}
	if (rc < 0) {
		cleanup_close(&opened.fd);
		return not_entered(x, at, name, ret_ok, err);
	}
	if (made)
		extract_made_add(&x->made, &opened.st);
	return push(x, &opened, name, err);
}

int
extract_dirs_enter(struct extract *x, int place, const char *path, size_t n,
    bool *ret_ok, struct err *err)
{
	const char *at, *end = path + n;
	char name[NAME_MAX + 1];
	size_t keep;

	*ret_ok = true;
	if (enter_place(x, place, err) < 0)
		return -1;
	keep = common(&x->dirs, path, n);
	while (extract_dirs_top(x)->path_len > keep)
		if (leave(x, err) < 0)
			return -1;
	for (at = path + keep + (keep != 0 && keep < n); at != end;) {
		if (!take_component(&at, end, name))
			return too_long(x, ret_ok);
		if (enter_child(x, name, ret_ok, err) < 0)
			return -1;
		if (!*ret_ok)
			return 0;
	}
	return 0;
}

/* The highest level that lies on this path and is open; else the place. */
static int
find_start(const struct extract *x, int place, const char *path, size_t n,
    size_t *ret_done)
{
	const struct extract_dirs *dirs = &x->dirs;
	size_t keep, i = dirs->n;

	*ret_done = 0;
	if (i == 0 || dirs->place != place)
		return place;
	keep = common(dirs, path, n);
	while (i-- > dirs->n - dirs->n_open)
		if (dirs->levels[i].path_len <= keep) {
			*ret_done = dirs->levels[i].path_len;
			return dirs->levels[i].fd;
		}
	return place;
}

int
extract_dirs_find(struct extract *x, int place, const char *path, size_t n,
    int *ret, bool *ret_ok, struct err *err)
{
	const char *at, *end = path + n;
	char name[NAME_MAX + 1];
	size_t done;
	CLEANUP(cleanup_close) int fd = openat(find_start(x, place, path, n,
	    &done), ".", LOOK);

	*ret_ok = true;
	*ret = -1;
	if (fd < 0)
		return not_entered(x, place, ".", ret_ok, err);
	for (at = path + done + (done != 0 && done < n); at != end;) {
		CLEANUP(cleanup_close) int above = fd;

		fd = -1;
		if (!take_component(&at, end, name))
			return too_long(x, ret_ok);
		fd = openat(above, name, LOOK);
		if (fd < 0 && errno == ENOENT)
			return 0;
		if (fd < 0)
			return not_entered(x, above, name, ret_ok, err);
	}
	*ret = fd;
	fd = -1;
	return 0;
}

void
extract_dirs_free(struct extract_dirs *dirs)
{
	size_t i;

	for (i = 0; i < dirs->n; i++)
		cleanup_close(&dirs->levels[i].fd);
	free(dirs->levels);
	str_free(&dirs->path);
}

/* Only what this archive has made, or what shall be replaced. */
static bool
clear_way(const struct extract *x, int at, const char *name)
{
	struct stat st;

	return fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    !S_ISDIR(st.st_mode) && (x->settings->overwrite ||
	    extract_made_has(&x->made, &st)) &&
	    unlinkat(at, name, 0) == 0;
}

/* *ret_made: it was not there before. -1 with errno */
static int
make_and_open(const struct extract *x, int at, const char *name,
    struct opened *ret, bool *ret_made)
{
	int rc = mkdirat(at, name, 0700);

	*ret = (struct opened){ .fd = -1 };
	if (rc < 0 && errno != EEXIST)
		return -1;
	*ret_made = rc == 0;
	rc = open_dir(x, at, name, ret);
	if (rc == 0 || (errno != ENOTDIR && errno != ELOOP))
		return rc;
	if (!clear_way(x, at, name)) {
		errno = EEXIST;
		return -1;
	}
	*ret_made = true;
	return mkdirat(at, name, 0700) < 0 ? -1 : open_dir(x, at, name, ret);
}

/* It was there before, and stays as it is. */
static void
compare_level(struct extract *x, int fd)
{
	const struct extract_state *state = &x->meta.state;
	struct stat st;

	if (fstat(fd, &st) == 0 && (st.st_mode & 07777) == state->mode &&
	    (geteuid() != 0 || (st.st_uid == state->uid &&
	    st.st_gid == state->gid)))
		return;
	extract_problem(x, "'%s' is there already: its owner and mode are "
	    "kept", extract_shown(x, x->name.s));
}

/* The uppermost level is the member at hand. */
static int
put_level(struct extract *x, bool made, bool drop, struct err *err)
{
	struct extract_level *level = extract_dirs_top(x);
	struct extract_meta *meta = &x->meta;
	mode_t mode = made ? S_IRWXU : (meta->state.mode & 0777) | S_IRWXU;
	struct stat st;

	if (drop)
		extract_meta_drop(level->fd, S_IFDIR, &meta->problem);
	extract_meta_attributes(meta, level->fd, S_IFDIR);
	if (meta->acls[0].len != 0 && fchmod(level->fd, mode) < 0)
		str_addf(&meta->problem, "%smode: %s",
		    meta->problem.len == 0 ? "" : ", ", strerror(errno));
	level->inherits = extract_meta_inherits(level->fd);
	level->state = meta->state;
	level->end = LEVEL_STATE;
	if (fstat(level->fd, &st) < 0)
		return err_sys(err, "cannot look at '%s'",
		    extract_shown(x, x->name.s));
	extract_made_add(&x->made, &st);
	if (meta->problem.failed)
		return err_nomem(err);
	if (meta->problem.len != 0)
		extract_problem(x, "cannot put all of '%s' back: %s",
		    extract_shown(x, x->name.s), meta->problem.s);
	return 0;
}

static int
put_child(struct extract *x, const char *name, bool *ret_ok, struct err *err)
{
	struct extract_level *above = extract_dirs_top(x);
	bool inherits = above->inherits, made = false;
	struct opened opened;

	if (make_and_open(x, above->fd, name, &opened, &made) < 0) {
		cleanup_close(&opened.fd);
		*ret_ok = false;
		if (errno != EEXIST)
			return extract_failed(x, "make", x->name.s, err);
		extract_problem(x, "'%s' is there already, and no directory",
		    extract_shown(x, x->name.s));
		return 0;
	}
	*ret_ok = made || x->settings->overwrite ||
	    extract_made_has(&x->made, &opened.st);
	if (push(x, &opened, name, err) < 0)
		return -1;
	if (*ret_ok)
		return put_level(x, made, made && inherits, err);
	compare_level(x, extract_dirs_top(x)->fd);
	return 0;
}

int
extract_dirs_put(struct extract *x, bool *ret_ok, struct err *err)
{
	const char *path = x->place.path, *slash = strrchr(path, '/');
	const char *name = slash == NULL ? path : slash + 1;

	if (extract_dirs_enter(x, x->place.dir, path,
	    slash == NULL ? 0 : (size_t)(slash - path), ret_ok, err) < 0)
		return -1;
	if (!*ret_ok)
		return 0;
	if (name[0] == '\0')
		return put_level(x, false, false, err);
	if (strlen(name) > NAME_MAX)
		return too_long(x, ret_ok);
	return put_child(x, name, ret_ok, err);
}
