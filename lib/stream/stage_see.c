#define _GNU_SOURCE
#include "lib/stream/stage_see.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/stream/stage_join.h"
#include "lib/stream/stage_level.h"

struct seen {			/* an entry, as far as its name says */
	int dirfd;
	const char *name;
	bool follow;		/* the root of a source only */
};

void
stage_see_tell(const struct stage_walk *walk, enum pack_event event,
    const char *why)
{
	if (walk->updating && walk->watch != NULL)
		walk->watch(walk->cookie, event, walk->shown.s, why);
}

/* It will not be in the copy, but may have been. */
void
stage_see_leave_out(struct stage_walk *walk, enum pack_event event,
    const char *why)
{
	stage_see_tell(walk, event, why);
	stage_level_top(walk)->compare = true;
}

/* The same, but for the root of a source that cannot be. */
static int
lose(struct stage_walk *walk, enum pack_event event, const char *why,
    struct err *err)
{
	if (walk->n_levels == 1)
		return err_set(err, ERR_SOURCE, "cannot read '%s': %s",
		    walk->shown.s, why);
	stage_see_leave_out(walk, event, why);
	return 0;
}

static int
lose_by_error(struct stage_walk *walk, int error, struct err *err)
{
	if (error == ENOENT && walk->n_levels != 1)
		return lose(walk, PACK_VANISHED, "vanished before it was read",
		    err);
	return lose(walk, PACK_UNREADABLE, strerror(error), err);
}

/* false: it was lost, and *ret_rc is what to return. */
static bool
is_opened(struct stage_walk *walk, enum member_opened opened, int *ret_rc,
    struct err *err)
{
	switch (opened) {
	case MEMBER_OPENED:
		return true;
	case MEMBER_VANISHED:
		*ret_rc = lose_by_error(walk, ENOENT, err);
		break;
	case MEMBER_REPLACED:
		*ret_rc = lose(walk, PACK_REPLACED,
		    "was replaced before it was read", err);
		break;
	case MEMBER_UNREADABLE:
		*ret_rc = lose_by_error(walk, errno, err);
		break;
	}
	return false;
}

/* What was staged of the entry at hand, if anything is known. */
static struct stage_record *
find_record(const struct stage_walk *walk)
{
	if (stage_level_top(walk)->fresh)
		return NULL;
	return stage_table_find(&walk->table, walk->hash);
}

static int
put_record(struct stage_walk *walk, const struct stat *st, bool dirty,
    struct err *err)
{
	struct stage_record record = stage_record_of(walk->hash, st,
	    dirty || walk->updating, walk->round);

	return stage_table_put(&walk->table, &record, err);
}

static bool
holds(const struct stage_walk *walk, const struct stage_record *record,
    const struct stat *st)
{
	return record != NULL && (record->kind & STAGE_DIRTY) == 0 &&
	    !walk->suspect && stage_record_same(record, st);
}

static void
tell_of_copy(const struct stage_walk *walk)
{
	const struct stage_entry *entry = &walk->entry;

	if (entry->attr.problem.len != 0)
		stage_see_tell(walk, PACK_UNREADABLE, entry->attr.problem.s);
	switch (entry->content.end) {
	case CONTENT_WHOLE:
		break;
	case CONTENT_GREW:
		stage_see_tell(walk, PACK_GREW, "grew while it was read");
		break;
	case CONTENT_SHRANK:
		stage_see_tell(walk, PACK_SHRANK, "shrank while it was read");
		break;
	case CONTENT_UNREADABLE:
		stage_see_tell(walk, PACK_UNREADABLE,
		    strerror(entry->content.error));
		break;
	}
}

/* It is opened, and its directory reached. */
static int
make_copy(struct stage_walk *walk, int fd, bool trusted, struct err *err)
{
	struct stage_entry *entry = &walk->entry;
	const char *as = stage_join_begin(walk);
	bool made;

	if (stage_entry_make(entry, fd, walk->at, as, &made, err) < 0)
		return err_add(err, "cannot stage '%s'", walk->shown.s);
	if (!made)
		return lose(walk, PACK_UNREADABLE, entry->attr.problem.s,
		    err);
	if (stage_join_publish(walk, as, err) < 0 ||
	    put_record(walk, &entry->member.st, !trusted || entry->changed ||
	    entry->attr.problem.len != 0 ||
	    entry->content.end != CONTENT_WHOLE, err) < 0)
		return -1;
	tell_of_copy(walk);
	walk->result.copied++;
	walk->result.bytes += entry->content.bytes;
	return stage_join_remember(walk, &entry->member.st,
	    entry->attr.st.st_ino, err);
}

/* Is it on a file system whose change times can be trusted? */
static bool
is_trusted(const struct stage_walk *walk, const struct stat *st, int fd)
{
	const struct stage_level *top = stage_level_top(walk);

	if (top->dir != NULL && top->st.st_dev == st->st_dev)
		return top->trusted;
	return stage_level_trusts(fd);
}

static int
copy_file(struct stage_walk *walk, const struct seen *seen, mode_t type,
    struct err *err)
{
	struct stage_entry *entry = &walk->entry;
	CLEANUP(cleanup_close) int fd = -1;
	int rc = 0;

	if (!is_opened(walk, stage_entry_open(entry, seen->dirfd, seen->name,
	    type, seen->follow, !walk->updating, &fd), &rc, err))
		return rc;
	if (stage_level_reach(walk, err) < 0)
		return -1;
	return make_copy(walk, fd, is_trusted(walk, &entry->member.st, fd),
	    err);
}

static int
see_file(struct stage_walk *walk, const struct seen *seen,
    const struct stat *st, struct err *err)
{
	struct stage_record *record;
	bool joined = false;

	if (S_ISSOCK(st->st_mode)) {
		walk->staged = walk->staged && walk->n_levels != 1;
		stage_see_leave_out(walk, PACK_SOCKET, "is a socket");
		return 0;
	}
	walk->result.entries++;
	if (stage_join(walk, st, &joined, err) < 0)
		return -1;
	if (joined)
		return 0;
	record = find_record(walk);
	if (!holds(walk, record, st))
		return copy_file(walk, seen, st->st_mode & S_IFMT, err);
	record->round = walk->round;
	return stage_join_keep(walk, st, err);
}

static bool
is_own(struct stage_walk *walk, const struct stat *st)
{
	size_t i;

	for (i = 0; i < walk->n_own; i++)
		if (walk->own[i].dev == st->st_dev &&
		    walk->own[i].ino == st->st_ino) {
			walk->staged = walk->staged && walk->n_levels != 1;
			if (i != 0)	/* not the staging directory */
				stage_see_leave_out(walk, PACK_LEFT_OUT,
				    "keeps archives");
			return true;
		}
	return false;
}

/* Its copy, which may be there, and its record. */
static int
prepare(struct stage_walk *walk, struct stage_level *level, bool changed,
    struct err *err)
{
	struct stage_record *record = find_record(walk);
	const char *name = walk->path.s + stage_level_top(walk)->path_len;

	level->trusted = is_trusted(walk, &level->st, dirfd(level->dir));
	if (holds(walk, record, &level->st)) {
		record->round = walk->round;
		return 0;
	}
	level->touched = level->compare = true;
	if (stage_level_reach(walk, err) < 0 ||
	    stage_join_mkdir(walk, name, record != NULL &&
	    (record->kind & S_IFMT) == S_IFDIR, &level->fresh, err) < 0)
		return -1;
	return put_record(walk, &level->st, changed || !level->trusted, err);
}

static int
enter(struct stage_walk *walk, struct stage_level *level, bool changed,
    struct err *err)
{
	if (prepare(walk, level, changed, err) < 0) {
		(void)closedir(level->dir);
		return -1;
	}
	str_add(&walk->path, "/");
	if (!str_ends(walk->shown.s, "/"))
		str_add(&walk->shown, "/");
	level->path_len = walk->path.len;
	level->shown_len = walk->shown.len;
	level->own_hash = walk->hash;
	level->hash = stage_table_hash(&walk->table, walk->hash, "/");
	if (stage_level_push(walk, level, err) < 0)
		return -1;
	return walk->path.failed || walk->shown.failed ? err_nomem(err) : 0;
}

static int
see_directory(struct stage_walk *walk, const struct seen *seen,
    struct err *err)
{
	CLEANUP(cleanup_close) int fd = -1;
	struct stage_level level = { .dir = NULL };
	int rc = 0;

	if (!is_opened(walk, stage_entry_open(&walk->entry, seen->dirfd,
	    seen->name, S_IFDIR, seen->follow, false, &fd), &rc, err))
		return rc;
	level.st = walk->entry.member.st;
	if (is_own(walk, &level.st))
		return 0;
	if ((uint64_t)fd >= walk->max_fd)
		return lose_by_error(walk, EMFILE, err);
	walk->result.entries++;
	level.dir = fdopendir(fd);
	if (level.dir == NULL)
		return lose_by_error(walk, errno, err);
	fd = -1;
	return enter(walk, &level, walk->entry.changed, err);
}

static int
see(struct stage_walk *walk, const struct seen *seen, const struct stat *st,
    struct err *err)
{
	const struct stage_level *top = stage_level_top(walk);

	walk->hash = stage_table_hash(&walk->table, top->hash,
	    walk->path.s + top->path_len);
	if (st == NULL || S_ISDIR(st->st_mode))
		return see_directory(walk, seen, err);
	return see_file(walk, seen, st, err);
}

static bool
is_excluded(struct stage_walk *walk, bool is_directory)
{
	if (!exclude_has(walk->exclude, walk->shown.s, is_directory))
		return false;
	walk->result.excluded++;
	return true;
}

int
stage_see_entry(struct stage_walk *walk, int at, const struct dirent *entry,
    struct err *err)
{
	struct seen seen = { at, entry->d_name, false };
	bool is_directory = entry->d_type == DT_DIR;
	struct stat st;

	str_add(&walk->path, entry->d_name);
	str_add(&walk->shown, entry->d_name);
	if (walk->path.failed || walk->shown.failed)
		return err_nomem(err);
	if (entry->d_type != DT_UNKNOWN && is_excluded(walk, is_directory))
		return 0;
	if (is_directory)
		return see(walk, &seen, NULL, err);
	if (fstatat(at, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return lose_by_error(walk, errno, err);
	/* Some file systems do not tell types. */
	if (entry->d_type == DT_UNKNOWN &&
	    is_excluded(walk, S_ISDIR(st.st_mode)))
		return 0;
	return see(walk, &seen, &st, err);
}

int
stage_see_root(struct stage_walk *walk, const char *path, struct err *err)
{
	struct seen seen = { AT_FDCWD, path, true };
	struct stat st;

	if (stat(path, &st) < 0)
		return lose_by_error(walk, errno, err);
	return see(walk, &seen, &st, err);
}
