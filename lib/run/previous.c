#include "lib/run/previous.h"

#include <stdlib.h>
#include <string.h>

#include "lib/store/metadata.h"
#include "lib/store/name.h"

#define METADATA_BYTES_MAX ((size_t)4 << 20)

static bool
has_suffix(const char *name, const char *suffix)
{
	size_t n = strlen(name), m = strlen(suffix);

	return n > m && strcmp(name + n - m, suffix) == 0;
}

/* The newest of our archives' metadata; NULL: none. A name without a time is
 * that of the one archive there is. */
static const char *
find_newest(const struct job *job, const struct store_list *list)
{
	const char *newest = NULL;
	time_t newest_made = 0;
	size_t i;

	for (i = 0; i < list->n; i++) {
		const char *name = list->v[i].name;
		char archive[512];
		size_t n = strlen(name) - strlen(NAME_METADATA_SUFFIX);
		time_t made = 0;

		if (!has_suffix(name, NAME_METADATA_SUFFIX) ||
		    n >= sizeof archive)
			continue;
		memcpy(archive, name, n);
		archive[n] = '\0';
		if (!name_match(job->pattern, archive, &made) &&
		    strcmp(archive, job->archive_name) != 0)
			continue;
		if (newest == NULL || made > newest_made) {
			newest = name;
			newest_made = made;
		}
	}
	return newest;
}

static bool
is_same(const struct metadata_source *before, const struct source *now)
{
	if (now->type == SOURCE_VOLUME)
		return strcmp(before->type, "volume") == 0 &&
		    strcmp(before->name, now->name) == 0;
	return strcmp(before->type, "directory") == 0 &&
	    before->path != NULL && strcmp(before->path, now->path) == 0;
}

static void
compare_one(const struct metadata *before, const struct source *now,
    const struct pack_result *result, const struct teller *teller)
{
	size_t i;

	if (result->members > 1 || result->files != 0)
		return;
	for (i = 0; i < before->n_sources; i++)
		if (is_same(&before->sources[i], now) &&
		    before->sources[i].members != 0)
			teller_say(teller, "%s '%s' is empty; in '%s' it had "
			    "%llu members", now->type == SOURCE_VOLUME ?
			    "volume" : "directory", now->type == SOURCE_VOLUME ?
			    now->name : now->path, before->name,
			    (unsigned long long)before->sources[i].members);
}

static int
compare_with(const struct job *job, struct store *store, const char *name,
    const struct flow_result *result, const struct teller *teller,
    struct err *err)
{
	CLEANUP(metadata_parsed_free) struct metadata_parsed before =
	    METADATA_PARSED_INIT;
	CLEANUP(cleanup_free) char *text = NULL;
	size_t n, i;

	if (store_get_small(store, name, METADATA_BYTES_MAX, &text, &n,
	    err) < 0)
		return -1;
	if (metadata_parse(text, n, &before, err) < 0)
		return err_add(err, "%s: '%s'", store_label(store), name);
	for (i = 0; i < job->sources.n; i++)
		compare_one(&before.metadata, &job->sources.v[i],
		    &result->sources[i], teller);
	return 0;
}

int
previous_compare(const struct job *job, struct store *store,
    const struct flow_result *result, const struct teller *teller,
    bool *ret_found, struct err *err)
{
	CLEANUP(store_list_free) struct store_list list = STORE_LIST_INIT;
	const char *name;

	*ret_found = false;
	if (store_list(store, &list, err) < 0)
		return -1;
	name = find_newest(job, &list);
	if (name == NULL)
		return 0;
	*ret_found = true;
	return compare_with(job, store, name, result, teller, err);
}
