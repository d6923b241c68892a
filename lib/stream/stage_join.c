#define _GNU_SOURCE
#include "lib/stream/stage_join.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/tempfile.h"
#include "lib/stream/stage_level.h"
#include "lib/stream/stage_tree.h"

/* No entry of a source has this name: those with the prefix are left out. */
static const char temporary[] = TEMPFILE_PREFIX "stage";

static bool
has_links(const struct stat *st)
{
	return st->st_nlink > 1 && !S_ISDIR(st->st_mode);
}

static const char *
own_name(const struct stage_walk *walk)
{
	return walk->path.s + stage_level_top(walk)->path_len;
}

/* A listing of a directory that is changed meanwhile may tell a name twice. */
const char *
stage_join_begin(struct stage_walk *walk)
{
	if (stage_level_top(walk)->fresh &&
	    stage_table_find(&walk->table, walk->hash) == NULL)
		return own_name(walk);
	(void)unlinkat(walk->at, temporary, 0);
	return temporary;
}

int
stage_join_publish(struct stage_walk *walk, const char *as, struct err *err)
{
	const char *name = own_name(walk);
	uint64_t n = 0;

	stage_level_top(walk)->touched = true;
	if (as != temporary || renameat(walk->at, as, walk->at, name) == 0)
		return 0;
	if (errno == EISDIR) {
		if (stage_tree_remove(walk->at, name, false, &n, err) < 0)
			return -1;
		if (renameat(walk->at, as, walk->at, name) == 0)
			return 0;
	}
	return stage_level_fail(walk, "replace", err);
}

static bool
is_directory(const struct stage_walk *walk, const char *name)
{
	struct stat st;

	return fstatat(walk->at, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISDIR(st.st_mode);
}

int
stage_join_mkdir(struct stage_walk *walk, const char *name, bool keep,
    bool *ret_made, struct err *err)
{
	int rc = mkdirat(walk->at, name, 0700);
	uint64_t n = 0;

	*ret_made = true;
	if (rc < 0 && errno == EEXIST) {
		*ret_made = !keep || !is_directory(walk, name);
		if (!*ret_made)
			return 0;
		if (stage_tree_remove(walk->at, name, false, &n, err) < 0)
			return -1;
		rc = mkdirat(walk->at, name, 0700);
	}
	stage_level_top(walk)->touched = true;
	return rc < 0 ? stage_level_fail(walk, "make", err) : 0;
}

int
stage_join_remember(struct stage_walk *walk, const struct stat *st,
    ino_t staged, struct err *err)
{
	CLEANUP(cleanup_free) char *text = NULL;

	if (!has_links(st))
		return 0;
	if (str_format(&text, err, "%ju %s", (uintmax_t)staged,
	    walk->path.s) < 0)
		return -1;
	return links_add(&walk->links, st, text, err);
}

int
stage_join_keep(struct stage_walk *walk, const struct stat *st,
    struct err *err)
{
	struct stat staged;

	if (!has_links(st))
		return 0;
	if (stage_level_reach(walk, err) < 0)
		return -1;
	if (fstatat(walk->at, own_name(walk), &staged,
	    AT_SYMLINK_NOFOLLOW) < 0)
		return stage_level_fail(walk, "find", err);
	return stage_join_remember(walk, st, staged.st_ino, err);
}

/* The copy's name of the file at hand, if it has one, is it that inode? */
static bool
is_joined(const struct stage_walk *walk, ino_t staged)
{
	struct stat st;

	return fstatat(walk->at, own_name(walk), &st, AT_SYMLINK_NOFOLLOW) ==
	    0 && st.st_ino == staged;
}

static bool
link_to(struct stage_walk *walk, const char *path, const char *as)
{
	size_t len = stage_level_top(walk)->path_len;
	CLEANUP(cleanup_close) int fd = -1;
	const char *name;

	/* Most are neighbours. */
	if (strncmp(path, walk->path.s, len) == 0 &&
	    strchr(path + len, '/') == NULL)
		return linkat(walk->at, path + len, walk->at, as, 0) == 0;
	fd = stage_tree_parent(walk->root, path, &name);
	return fd >= 0 && linkat(fd, name, walk->at, as, 0) == 0;
}

/* *ret is false if it could not be linked: too many links, too deep. */
static int
make_link(struct stage_walk *walk, const char *path, bool *ret,
    struct err *err)
{
	const char *as = stage_join_begin(walk);

	*ret = link_to(walk, path, as);
	return *ret ? stage_join_publish(walk, as, err) : 0;
}

/* The record of a name that was linked: as good as that of the first. */
static int
put_record(struct stage_walk *walk, const struct stat *st, bool dirty,
    struct err *err)
{
	struct stage_record record = stage_record_of(walk->hash, st, dirty,
	    walk->round);

	return stage_table_put(&walk->table, &record, err);
}

int
stage_join(struct stage_walk *walk, const struct stat *st, bool *ret_joined,
    struct err *err)
{
	const char *first = has_links(st) ? links_find(&walk->links, st) :
	    NULL;
	const struct stage_record *record;
	uintmax_t staged;
	char *path;
	bool dirty;

	*ret_joined = false;
	if (first == NULL)
		return 0;
	staged = strtoumax(first, &path, 10);
	path++;
	record = stage_table_find(&walk->table,
	    stage_table_hash(&walk->table, 0, path));
	if (record == NULL || !stage_record_same(record, st))
		return 0;
	dirty = (record->kind & STAGE_DIRTY) != 0;
	if (stage_level_reach(walk, err) < 0)
		return -1;
	*ret_joined = !stage_level_top(walk)->fresh &&
	    is_joined(walk, (ino_t)staged);
	if (!*ret_joined && make_link(walk, path, ret_joined, err) < 0)
		return -1;
	if (!*ret_joined)
		return 0;
	links_met(&walk->links, st);
	return put_record(walk, st, dirty, err);
}
