#define _GNU_SOURCE
#include "lib/stream/stage_walk.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "lib/base/intr.h"
#include "lib/base/tempfile.h"
#include "lib/stream/stage_level.h"
#include "lib/stream/stage_see.h"

/* For what is opened beside the directories of the source. */
#define SPARE_DESCRIPTORS 8

static void
cut(struct str *s, size_t len)
{
	s->len = len;
	s->s[len] = '\0';
}

/* The directory on top has no more entries, or cannot be read further. */
static int
leave(struct stage_walk *walk, int error, struct err *err)
{
	const struct stage_level *level = stage_level_top(walk);
	struct stage_record *record;

	if (error != 0 && walk->n_levels == 2)
		return err_set(err, ERR_SOURCE, "cannot read directory '%s': "
		    "%s", walk->shown.s, strerror(error));
	if (error != 0)
		stage_see_leave_out(walk, PACK_UNREADABLE, strerror(error));
	if ((level->compare && !level->fresh &&
	    stage_level_compare(walk, err) < 0) ||
	    stage_level_finish(walk, err) < 0)
		return -1;
	if (walk->entry.attr.problem.len != 0) {
		stage_see_tell(walk, PACK_UNREADABLE,
		    walk->entry.attr.problem.s);
		record = stage_table_find(&walk->table, level->own_hash);
		if (record != NULL)
			record->kind |= STAGE_DIRTY;
	}
	stage_level_pop(walk);
	return 0;
}

static bool
is_ignored(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
	    str_starts(name, TEMPFILE_PREFIX) ||
	    str_starts(name, STAGE_PREFIX);
}

static int
walk_levels(struct stage_walk *walk, struct err *err)
{
	while (walk->n_levels != 1) {
		const struct stage_level *top = stage_level_top(walk);
		const struct dirent *entry;

		if (intr_check(err) < 0)
			return -1;
		cut(&walk->path, top->path_len);
		cut(&walk->shown, top->shown_len);
		errno = 0;
		entry = readdir(top->dir);
		if (entry == NULL) {
			int error = errno;

			if (top->shown_len > 1)
				cut(&walk->shown, top->shown_len - 1);
			if (leave(walk, error, err) < 0)
				return -1;
		} else if (!is_ignored(entry->d_name) &&
		    stage_see_entry(walk, dirfd(top->dir), entry, err) < 0) {
			return -1;
		}
	}
	return 0;
}

static int
begin(struct stage_walk *walk, size_t index, const char *shown, struct err *err)
{
	struct stage_level root = { .fresh = !walk->updating };

	walk->result = (struct stage_result){ 0 };
	walk->staged = true;
	walk->round++;
	walk->path.len = walk->shown.len = 0;
	str_addf(&walk->path, "%zu", index);
	str_add(&walk->shown, shown);
	if (walk->path.failed || walk->shown.failed)
		return err_nomem(err);
	return stage_level_push(walk, &root, err);
}

/* One descriptor per level: a deep tree needs more than the usual 1024. How
 * many may be used for that. */
static uint64_t
raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 0;
	if (limit.rlim_cur != limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
		(void)getrlimit(RLIMIT_NOFILE, &limit);
	}
	return limit.rlim_cur < SPARE_DESCRIPTORS ? 0 :
	    limit.rlim_cur - SPARE_DESCRIPTORS;
}

/* A store that is not there yet cannot lie in a source. */
static int
find_own(struct stage_walk *walk, struct err *err)
{
	size_t n = walk->left_out == NULL ? 0 : walk->left_out->n, i;
	struct stat st;

	walk->own = calloc(n + 1, sizeof *walk->own);
	if (walk->own == NULL)
		return err_nomem(err);
	if (fstat(walk->root, &st) < 0)
		return err_sys(err, "cannot look at the staging directory");
	walk->own[walk->n_own++] =
	    (struct stage_identity){ st.st_dev, st.st_ino };
	for (i = 0; i < n; i++)
		if (stat(walk->left_out->v[i], &st) == 0)
			walk->own[walk->n_own++] = (struct stage_identity){
			    st.st_dev, st.st_ino };
	return 0;
}

int
stage_walk_open(struct stage_walk *walk, struct err *err)
{
	walk->at = walk->root;
	walk->max_fd = raise_descriptor_limit();
	if (find_own(walk, err) < 0)
		return -1;
	return stage_table_open(&walk->table, walk->root, err);
}

void
stage_walk_close(struct stage_walk *walk)
{
	stage_table_close(&walk->table);
	stage_entry_free(&walk->entry);
	links_free(&walk->links);
	str_free(&walk->path);
	str_free(&walk->shown);
	free(walk->levels);
	free(walk->own);
}

int
stage_walk_source(struct stage_walk *walk, size_t index, const char *source,
    const char *shown, bool updating, struct err *err)
{
	int rc;

	/* Links lead to earlier sources of the same turn only. */
	if (walk->updating != updating || index <= walk->last)
		links_free(&walk->links);
	walk->updating = updating;
	walk->last = index;
	rc = begin(walk, index, shown, err);
	if (rc == 0)
		rc = stage_see_root(walk, source, err);
	if (rc == 0)
		rc = walk_levels(walk, err);
	while (walk->n_levels != 0)
		stage_level_pop(walk);
	if (rc < 0)
		links_free(&walk->links);
	return rc;
}
