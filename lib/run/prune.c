#include "lib/run/prune.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/store/name.h"

void
prune_result_free(struct prune_result *result)
{
	strlist_free(&result->names);
	strlist_free(&result->failed);
	*result = (struct prune_result)PRUNE_RESULT_INIT;
}

/* --- candidates ---------------------------------------------------------- */

/* *ret_is: this may be removed. Out of memory, nothing is: its age would be
 * another one. */
static int
judge(const struct job *job, const struct store_entry *entry,
    struct retain_candidate *ret, bool *ret_is, struct err *err)
{
	const char *name = entry->name;
	time_t made;
	bool ours, tells;

	*ret_is = false;
	if (*name == '.' || str_ends(name, NAME_METADATA_SUFFIX) ||
	    (job->latest != NULL && strcmp(name, job->latest) == 0))
		return 0;
	errno = 0;
	ours = name_match(job->pattern, name, &made);
	tells = ours && name_tells_day(job->pattern);
	if (errno == ENOMEM)
		return err_nomem(err);
	*ret_is = job->prune_prefix != NULL ?
	    str_starts(name, job->prune_prefix) : ours;
	*ret = (struct retain_candidate){ name,
		tells ? made : entry->modified };
	return 0;
}

static int
choose(const struct job *job, const struct store_list *list,
    const char *protected, time_t now, struct prune_result *ret,
    struct err *err)
{
	CLEANUP(cleanup_free) struct retain_candidate *candidates =
	    calloc(list->n + 1, sizeof *candidates);
	CLEANUP(cleanup_free) size_t *selected = NULL;
	size_t n_selected = 0, i;

	if (candidates == NULL)
		return err_nomem(err);
	for (i = 0; i < list->n; i++) {
		bool is;

		if (judge(job, &list->v[i], &candidates[ret->candidates], &is,
		    err) < 0)
			return -1;
		ret->candidates += is;
	}
	if (retain_select(candidates, ret->candidates, now, &job->retain,
	    &selected, &n_selected, &ret->guarded, err) < 0)
		return -1;
	for (i = 0; i < n_selected; i++) {
		const char *name = candidates[selected[i]].name;

		if (protected != NULL && strcmp(name, protected) == 0)
			continue;
		if (strlist_add(&ret->names, name, err) < 0)
			return -1;
	}
	return 0;
}

/* --- removal ------------------------------------------------------------- */

/* Is there a message of store_remove about that name? */
static bool
has_failed(const struct strlist *failed, const char *name)
{
	size_t n = strlen(name), i;

	for (i = 0; i < failed->n; i++) {
		const char *text = failed->v[i];

		if (text[0] == '\'' && strncmp(text + 1, name, n) == 0 &&
		    text[1 + n] == '\'')
			return true;
	}
	return false;
}

/* Takes those that failed off the list of those that went. */
static void
drop_failed(struct prune_result *result)
{
	size_t kept = 0, i;

	if (result->failed.n == 0)
		return;
	for (i = 0; i < result->names.n; i++) {
		char *name = result->names.v[i];

		if (has_failed(&result->failed, name))
			free(name);
		else
			result->names.v[kept++] = name;
	}
	result->names.n = kept;
}

static int
by_name(const void *key, const void *entry)
{
	return strcmp(key, ((const struct store_entry *)entry)->name);
}

/* The metadata there is of the archives that went. */
static int
find_metadata(const struct store_list *list, const struct strlist *archives,
    struct strlist *ret, struct err *err)
{
	size_t i;

	for (i = 0; i < archives->n; i++) {
		CLEANUP(cleanup_free) char *name = NULL;

		if (str_format(&name, err, "%s%s", archives->v[i],
		    NAME_METADATA_SUFFIX) < 0)
			return -1;
		if (bsearch(name, list->v, list->n, sizeof *list->v,
		    by_name) != NULL && strlist_add(ret, name, err) < 0)
			return -1;
	}
	return 0;
}

/* The archives first: one that stays keeps its metadata. */
static int
remove_all(struct store *store, const struct store_list *list,
    struct prune_result *ret, struct err *err)
{
	CLEANUP(strlist_free) struct strlist metadata = STRLIST_INIT;

	if (ret->names.n == 0)
		return 0;
	if (store_remove(store, &ret->names, &ret->failed, err) < 0) {
		strlist_free(&ret->names);	/* who knows which */
		return -1;
	}
	drop_failed(ret);
	ret->pruned = ret->names.n;
	if (find_metadata(list, &ret->names, &metadata, err) < 0)
		return -1;
	if (metadata.n == 0)
		return 0;
	return store_remove(store, &metadata, &ret->failed, err);
}

static void
warn(const struct store *store, const struct prune_result *result)
{
	log_warning("%s: no archive is removed, because all of them would be: "
	    "%zu, and the retention rules keep none", store_label(store),
	    result->candidates);
	log_warning("%s: see whether new archives are still made, and what "
	    "retention.days and retention.keep say", store_label(store));
}

int
prune_store(const struct job *job, struct store *store, const char *protected,
    time_t now, bool dry_run, struct prune_result *ret, struct err *err)
{
	CLEANUP(store_list_free) struct store_list list = STORE_LIST_INIT;

	*ret = (struct prune_result)PRUNE_RESULT_INIT;
	if (!retain_is_on(&job->retain))
		return 0;
	if (store_list(store, &list, err) < 0 ||
	    choose(job, &list, protected, now, ret, err) < 0)
		return -1;
	if (ret->guarded)
		warn(store, ret);
	if (dry_run)
		return 0;
	return remove_all(store, &list, ret, err);
}
