#define _GNU_SOURCE
#include "lib/stream/stage_level.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "lib/base/intr.h"
#include "lib/stream/stage_tree.h"

int
stage_level_fail(const struct stage_walk *walk, const char *what,
    struct err *err)
{
	(void)err_sys(err, "cannot %s the copy of '%s'", what, walk->shown.s);
	if (err->kind == ERR_NOTFOUND || err->kind == ERR_EXISTS)
		err->kind = ERR_SYSTEM;
	return -1;
}

/* Some have no ctime of their own, or what a server makes of it. Others have
 * memory mapped for writing change it once at most, or not where it could be
 * waited for (see stage_entry.h). */
bool
stage_level_trusts(int fd)
{
	static const unsigned long untrusted[] = {
		0x4d44,		/* FAT */
		0x2011bab0,	/* exFAT */
		0x65735546,	/* FUSE: sshfs and many others */
		0x5346414f,	/* AFS, both */
		0x6b414653,
		0x01021994,	/* tmpfs: mapped memory */
		0x858458f6,	/* ramfs: the same */
		0x794c7630,	/* overlayfs: the same */
	};
	struct statfs fs;
	size_t i;

	if (fstatfs(fd, &fs) < 0)
		return false;
	for (i = 0; i < sizeof untrusted / sizeof untrusted[0]; i++)
		if (((unsigned long)fs.f_type & 0xffffffff) == untrusted[i])
			return false;
	return true;
}

struct stage_level *
stage_level_top(const struct stage_walk *walk)
{
	return &walk->levels[walk->n_levels - 1];
}

int
stage_level_push(struct stage_walk *walk, const struct stage_level *level,
    struct err *err)
{
	size_t cap = walk->cap_levels == 0 ? 16 : 2 * walk->cap_levels;
	struct stage_level *levels = walk->levels;

	if (walk->n_levels == walk->cap_levels) {
		levels = realloc(levels, cap * sizeof *levels);
		if (levels == NULL) {
			if (level->dir != NULL)
				(void)closedir(level->dir);
			return err_nomem(err);
		}
		walk->levels = levels;
		walk->cap_levels = cap;
	}
	levels[walk->n_levels++] = *level;
	return 0;
}

static void
move_to(struct stage_walk *walk, int fd, size_t depth)
{
	if (walk->at != walk->root)
		cleanup_close(&walk->at);
	walk->at = fd;
	walk->depth = depth;
}

void
stage_level_pop(struct stage_walk *walk)
{
	DIR *dir = walk->levels[--walk->n_levels].dir;

	if (dir != NULL)
		(void)closedir(dir);
	/* Only after a failure: then nothing of it is done any more. */
	if (walk->depth >= walk->n_levels)
		move_to(walk, walk->root, 0);
}

static int
go_down(struct stage_walk *walk, struct err *err)
{
	struct stage_level *level = &walk->levels[walk->depth + 1];
	char *name = walk->path.s + walk->levels[walk->depth].path_len;
	char *slash = walk->path.s + level->path_len - 1;
	bool changed;
	int fd;

	*slash = '\0';
	fd = stage_tree_open(walk->at, name, &changed);
	*slash = '/';
	if (fd < 0)
		return stage_level_fail(walk, "open", err);
	level->touched = level->touched || changed;
	move_to(walk, fd, walk->depth + 1);
	return 0;
}

int
stage_level_reach(struct stage_walk *walk, struct err *err)
{
	while (walk->depth + 1 < walk->n_levels)
		if (go_down(walk, err) < 0)
			return -1;
	return 0;
}

static void
cut(struct str *s, size_t len)
{
	s->len = len;
	s->s[len] = '\0';
}

static int
open_parent(const struct stage_walk *walk)
{
	if (walk->depth == 1)
		return walk->root;
	return openat(walk->at, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* From above, by its name: with its own mode we may not look into it. */
static int
set_attributes(struct stage_walk *walk, int parent, struct err *err)
{
	const struct stage_level *level = stage_level_top(walk);
	struct stage_target target = { .dirfd = parent, .fd = walk->at };

	cut(&walk->path, level->path_len - 1);
	target.name = walk->path.s +
	    walk->levels[walk->n_levels - 2].path_len;
	stage_attr_copy(&walk->entry.attr, dirfd(level->dir), &level->st,
	    &target);
	return walk->entry.attr.problem.failed ? err_nomem(err) : 0;
}

int
stage_level_finish(struct stage_walk *walk, struct err *err)
{
	int parent;

	walk->entry.attr.problem.len = 0;
	if (stage_level_top(walk)->touched &&
	    stage_level_reach(walk, err) < 0)
		return -1;
	if (walk->depth + 1 < walk->n_levels)
		return 0;
	parent = open_parent(walk);
	if (parent < 0)
		return stage_level_fail(walk, "leave", err);
	if (stage_level_top(walk)->touched &&
	    set_attributes(walk, parent, err) < 0) {
		if (parent != walk->root)
			(void)close(parent);
		return -1;
	}
	move_to(walk, parent, walk->depth - 1);
	return 0;
}

static void
close_dir(DIR **dir)
{
	if (*dir != NULL)
		(void)closedir(*dir);
}

static DIR *
list(int dirfd)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (dir == NULL)
		cleanup_close(&fd);
	return dir;
}

/* Removes this name unless the walk met it. */
static int
compare_name(struct stage_walk *walk, const char *name, struct err *err)
{
	struct stage_level *level = stage_level_top(walk);
	struct stage_record *record = stage_table_find(&walk->table,
	    stage_table_hash(&walk->table, level->hash, name));

	if (record != NULL && record->round == walk->round)
		return 0;
	if (record != NULL)
		stage_record_forget(record);
	level->touched = true;
	return stage_tree_remove(walk->at, name, false,
	    &walk->result.removed, err);
}

static int
compare_once(struct stage_walk *walk, struct err *err)
{
	CLEANUP(close_dir) DIR *dir = list(walk->at);
	const struct dirent *entry;

	if (dir == NULL)
		return stage_level_fail(walk, "list", err);
	for (;;) {
		if (intr_check(err) < 0)
			return -1;
		errno = 0;
		entry = readdir(dir);
		if (entry == NULL)
			return errno == 0 ? 0 :
			    stage_level_fail(walk, "list", err);
		if (strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0 &&
		    compare_name(walk, entry->d_name, err) < 0)
			return -1;
	}
}

/* A listing may skip a name when others are removed under its hands: again,
 * until it finds nothing. */
int
stage_level_compare(struct stage_walk *walk, struct err *err)
{
	uint64_t before;

	if (stage_level_reach(walk, err) < 0)
		return -1;
	do {
		before = walk->result.removed;
		if (compare_once(walk, err) < 0)
			return -1;
	} while (walk->result.removed != before);
	return 0;
}
