#define _GNU_SOURCE
#include "lib/run/catalogue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/intr.h"
#include "lib/base/log.h"
#include "lib/config/problems.h"
#include "lib/run/naming.h"
#include "lib/run/plan.h"
#include "lib/store/name.h"

#define AGE_SUFFIX ".age"
/* docker-volume-backup's own default. */
#define FOREIGN_PATTERN "backup-%Y-%m-%dT%H-%M-%S.tar.gz"

/* --- memory -------------------------------------------------------------- */

static void
entry_free(struct catalogue_entry *entry)
{
	free(entry->name);
	free(entry->job);
	free(entry->trouble);
}

void
catalogue_free(struct catalogue *c)
{
	size_t i;

	for (i = 0; i < c->n_jobs; i++) {
		free(c->jobs[i].name);
		free(c->jobs[i].pattern);
		store_plan_list_free(&c->jobs[i].plans);
	}
	for (i = 0; i < c->n_stores; i++)
		free(c->stores[i].jobs);
	for (i = 0; i < c->n; i++)
		entry_free(&c->entries[i]);
	free(c->jobs);
	free(c->stores);
	free(c->entries);
	*c = (struct catalogue)CATALOGUE_INIT;
}

/* --- jobs and their stores ----------------------------------------------- */

struct opening {
	const struct config *config;
	const struct catalogue_filter *filter;
	struct catalogue *catalogue;
	struct strlist problems;
};

/* The pattern, as a run would make it. Its warnings are for runs. */
static int
find_pattern(struct opening *o, struct catalogue_job *to,
    const struct options *options, struct err *err)
{
	CLEANUP(strlist_free) struct strlist warnings = STRLIST_INIT;
	struct job job = { .name = to->name, .options = options };
	int rc = naming_choose(&job, clock_now(), &o->problems, &warnings,
	    err);

	to->pattern = job.pattern;
	free(job.archive_name);
	free(job.latest);
	free(job.prune_prefix);
	if (rc < 0 || to->pattern == NULL)
		return rc;
	errno = 0;
	to->tells_day = name_tells_day(to->pattern);
	return errno == ENOMEM ? err_nomem(err) : 0;
}

static int
add_job(struct opening *o, const char *name, const struct options *options,
    struct err *err)
{
	struct catalogue *c = o->catalogue;
	struct catalogue_job *job = &c->jobs[c->n_jobs];

	if (str_dup(name, &job->name, err) < 0)
		return -1;
	c->n_jobs++;
	job->options = options;
	job->split = options->split != SPLIT_NONE;
	if (find_pattern(o, job, options, err) < 0)
		return -1;
	return store_plan_reading(o->config, options, name, &job->plans,
	    &o->problems, err);
}

static int
add_jobs(struct opening *o, struct err *err)
{
	const struct config *config = o->config;
	size_t i;

	o->catalogue->jobs = calloc(config->n_jobs + 1,
	    sizeof *o->catalogue->jobs);
	if (o->catalogue->jobs == NULL)
		return err_nomem(err);
	if (plan_base_is_job(config) &&
	    add_job(o, CONFIG_BASE_JOB, &config->base, err) < 0)
		return -1;
	for (i = 0; i < config->n_jobs; i++)
		if (add_job(o, config->jobs[i].name, &config->jobs[i].options,
		    err) < 0)
			return -1;
	return 0;
}

static struct catalogue_store *
find_store(const struct catalogue *c, const char *place)
{
	size_t i;

	for (i = 0; i < c->n_stores; i++)
		if (strcmp(c->stores[i].plan->place, place) == 0)
			return &c->stores[i];
	return NULL;
}

static int
add_store(struct catalogue *c, const struct store_plan *plan, size_t job,
    struct err *err)
{
	struct catalogue_store *store = find_store(c, plan->place);

	if (store == NULL) {
		struct catalogue_store *bigger = realloc(c->stores,
		    (c->n_stores + 1) * sizeof *bigger);

		if (bigger == NULL)
			return err_nomem(err);
		c->stores = bigger;
		store = &bigger[c->n_stores++];
		*store = (struct catalogue_store){ .plan = plan,
			.jobs = calloc(c->n_jobs, sizeof *store->jobs) };
	}
	if (store->jobs == NULL)
		return err_nomem(err);
	store->jobs[store->n_jobs++] = job;
	return 0;
}

static bool
is_configured(const struct catalogue *c, const char *name)
{
	size_t i;

	for (i = 0; i < c->n_jobs; i++)
		if (strcmp(c->jobs[i].name, name) == 0)
			return true;
	return false;
}

/* A name that is not in the configuration may be in anybody's store. */
static bool
job_matters(const struct catalogue *c, const struct strlist *jobs,
    const char *name)
{
	size_t i;

	if (jobs == NULL || jobs->n == 0 || strlist_has(jobs, name))
		return true;
	for (i = 0; i < jobs->n; i++)
		if (!is_configured(c, jobs->v[i]))
			return true;
	return false;
}

static int
add_stores(struct opening *o, struct err *err)
{
	struct catalogue *c = o->catalogue;
	const char *only = o->filter->store;
	size_t i, k;

	for (i = 0; i < c->n_jobs; i++) {
		const struct store_plan_list *plans = &c->jobs[i].plans;

		if (!job_matters(c, o->filter->jobs, c->jobs[i].name))
			continue;
		for (k = 0; k < plans->n; k++)
			if ((only == NULL ||
			    strcmp(plans->v[k].name, only) == 0 ||
			    strcmp(plans->v[k].place, only) == 0) &&
			    add_store(c, &plans->v[k], i, err) < 0)
				return -1;
	}
	if (c->n_stores == 0 && only != NULL)
		return err_set(err, ERR_CONFIG, "there is no store '%s'",
		    only);
	return 0;
}

/* --- what names tell ----------------------------------------------------- */

static const struct {
	const char *said;
	const char *compression;
} compressions[] = { { "gz", "gzip" }, { "zst", "zstd" }, { "none", "none" } };

/* From the ending of a name; *ret_plain is the name without what says how it
 * is sealed, caller frees. False: it does not end as ours do. */
static bool
read_ending(char *plain, struct catalogue_entry *entry)
{
	const char *said;
	size_t n = strlen(plain), i;

	if (str_ends(plain, NAME_SEALED_SUFFIX)) {
		entry->seal = CATALOGUE_OPENPGP;
		plain[n - strlen(NAME_SEALED_SUFFIX)] = '\0';
	} else if (str_ends(plain, AGE_SUFFIX)) {
		entry->seal = CATALOGUE_AGE;
		plain[n - strlen(AGE_SUFFIX)] = '\0';
	}
	said = name_suffix_compression(plain);
	for (i = 0; said != NULL &&
	    i < sizeof compressions / sizeof compressions[0]; i++)
		if (strcmp(compressions[i].said, said) == 0)
			entry->compression = compressions[i].compression;
	return said != NULL;
}

/* Which job of this store's could have made it, and when. */
static int
read_name(const struct catalogue *c, const char *plain,
    struct catalogue_entry *entry, struct err *err)
{
	const struct catalogue_store *store = &c->stores[entry->store];
	time_t made = 0;
	size_t i;

	errno = 0;
	for (i = 0; i < store->n_jobs && entry->job == NULL; i++) {
		const struct catalogue_job *job = &c->jobs[store->jobs[i]];

		if (job->pattern == NULL ||
		    !name_match(job->pattern, plain, &made))
			continue;
		if (str_dup(job->name, &entry->job, err) < 0)
			return -1;
		if (job->tells_day) {
			entry->time = made;
			entry->time_from = CATALOGUE_BY_NAME;
		}
	}
	if (entry->job == NULL && name_match(FOREIGN_PATTERN, plain, &made)) {
		entry->time = made;
		entry->time_from = CATALOGUE_BY_NAME;
	}
	return errno == ENOMEM ? err_nomem(err) : 0;
}

static int
by_name(const void *key, const void *entry)
{
	return strcmp(key, ((const struct store_entry *)entry)->name);
}

static bool
is_listed(const struct store_list *list, const char *name)
{
	return bsearch(name, list->v, list->n, sizeof *list->v,
	    by_name) != NULL;
}

static int
look_for_metadata(const struct store_list *list, const char *name, bool *ret,
    struct err *err)
{
	CLEANUP(cleanup_free) char *metadata = NULL;

	if (str_format(&metadata, err, "%s%s", name, NAME_METADATA_SUFFIX) < 0)
		return -1;
	*ret = is_listed(list, metadata);
	return 0;
}

/* *ret_is: it is an archive; then *ret is filled. */
static int
judge(const struct catalogue *c, const struct store_list *list,
    const struct store_entry *file, struct catalogue_entry *ret, bool *ret_is,
    struct err *err)
{
	CLEANUP(cleanup_free) char *plain = NULL;

	*ret_is = false;
	if (*file->name == '.' || str_ends(file->name, NAME_METADATA_SUFFIX))
		return 0;
	if (look_for_metadata(list, file->name, &ret->has_metadata, err) < 0 ||
	    str_dup(file->name, &plain, err) < 0)
		return -1;
	if (!read_ending(plain, ret) && !ret->has_metadata)
		return 0;
	ret->bytes = file->bytes;
	ret->time = file->modified;
	if (str_dup(file->name, &ret->name, err) < 0)
		return -1;
	if (read_name(c, plain, ret, err) < 0) {
		entry_free(ret);
		return -1;
	}
	*ret_is = true;
	return 0;
}

/* As judge, of the archive that this metadata belongs to, if that is not
 * there. */
static int
judge_missing(const struct catalogue *c, const struct store_list *list,
    const struct store_entry *file, struct catalogue_entry *ret, bool *ret_is,
    struct err *err)
{
	CLEANUP(cleanup_free) char *name = NULL;
	struct store_entry archive = { .modified = file->modified };

	*ret_is = false;
	if (!str_ends(file->name, NAME_METADATA_SUFFIX))
		return 0;
	if (str_format(&name, err, "%.*s", (int)(strlen(file->name) -
	    strlen(NAME_METADATA_SUFFIX)), file->name) < 0)
		return -1;
	if (*name == '\0' || is_listed(list, name))
		return 0;
	archive.name = name;
	ret->missing = true;
	return judge(c, list, &archive, ret, ret_is, err);
}

int
catalogue_take(struct catalogue *c, size_t store,
    const struct store_list *list, struct err *err)
{
	struct catalogue_entry *bigger = realloc(c->entries,
	    (c->n + list->n + 1) * sizeof *bigger);
	size_t i;

	if (bigger == NULL)
		return err_nomem(err);
	c->entries = bigger;
	for (i = 0; i < list->n; i++) {
		bool is;

		bigger[c->n] = (struct catalogue_entry){ .store = store };
		if (judge(c, list, &list->v[i], &bigger[c->n], &is, err) < 0 ||
		    (!is && c->take_missing && judge_missing(c, list,
		    &list->v[i], &bigger[c->n], &is, err) < 0))
			return -1;
		c->n += is;
	}
	return 0;
}

/* --- what metadata tells ------------------------------------------------- */

static enum catalogue_seal
seal_of(const char *encryption, enum catalogue_seal by_name)
{
	if (encryption == NULL)
		return by_name;
	if (strcmp(encryption, "none") == 0)
		return CATALOGUE_PLAIN;
	return str_starts(encryption, "openpgp") ? CATALOGUE_OPENPGP :
	    CATALOGUE_SEALED;
}

static void
learn_compression(struct catalogue_entry *entry, const char *said)
{
	size_t i;

	for (i = 0; said != NULL &&
	    i < sizeof compressions / sizeof compressions[0]; i++)
		if (strcmp(compressions[i].compression, said) == 0)
			entry->compression = compressions[i].compression;
}

int
catalogue_learn(struct catalogue_entry *entry, const char *text, size_t len,
    struct err *err)
{
	CLEANUP(metadata_parsed_free) struct metadata_parsed parsed =
	    METADATA_PARSED_INIT;
	const struct metadata *m = &parsed.metadata;
	char *job = NULL;

	if (metadata_parse(text, len, &parsed, err) < 0 ||
	    (m->job != NULL && str_dup(m->job, &job, err) < 0))
		return -1;
	if (job != NULL) {
		free(entry->job);
		entry->job = job;
	}
	if (m->started != 0) {
		entry->time = m->started;
		entry->time_from = CATALOGUE_BY_METADATA;
	}
	entry->seal = seal_of(m->encryption, entry->seal);
	learn_compression(entry, m->compression);
	if (m->size_bytes != 0)
		entry->check = m->size_bytes == entry->bytes ?
		    CATALOGUE_AGREES : CATALOGUE_DIFFERS;
	return 0;
}

/* --- order --------------------------------------------------------------- */

static int
newest_first(const void *a, const void *b)
{
	const struct catalogue_entry *x = a, *y = b;
	int names;

	if (x->time != y->time)
		return x->time < y->time ? 1 : -1;
	names = strcmp(x->name, y->name);
	if (names != 0)
		return names;
	return (x->store > y->store) - (x->store < y->store);
}

void
catalogue_sort(struct catalogue *c)
{
	if (c->n != 0)
		qsort(c->entries, c->n, sizeof *c->entries, newest_first);
}

/* --- opening ------------------------------------------------------------- */

static int
list_store(struct catalogue *c, size_t i, struct err *err)
{
	CLEANUP(store_freep) struct store *store = NULL;
	CLEANUP(store_list_free) struct store_list list = STORE_LIST_INIT;
	struct err *why = &c->stores[i].err;

	if (intr_check(err) < 0)
		return -1;
	if (store_plan_open(c->stores[i].plan, &store, why) == 0 &&
	    store_list(store, &list, why) == 0)
		return catalogue_take(c, i, &list, err);
	if (why->kind != ERR_NOMEM && why->kind != ERR_INTERRUPTED)
		return 0;
	*err = *why;
	return -1;
}

static int
fill(struct opening *o, struct err *err)
{
	CLEANUP(strlist_free) struct strlist no_warnings = STRLIST_INIT;
	size_t i;

	if (add_jobs(o, err) < 0 ||
	    problems_log(&o->problems, &no_warnings, err) < 0 ||
	    add_stores(o, err) < 0)
		return -1;
	for (i = 0; i < o->catalogue->n_stores; i++)
		if (list_store(o->catalogue, i, err) < 0)
			return -1;
	catalogue_sort(o->catalogue);
	return 0;
}

int
catalogue_open(const struct config *config,
    const struct catalogue_filter *filter, struct catalogue *ret,
    struct err *err)
{
	struct opening opening = { .config = config, .filter = filter,
		.catalogue = ret, .problems = STRLIST_INIT };
	int rc;

	*ret = (struct catalogue)CATALOGUE_INIT;
	ret->take_missing = filter->missing;
	rc = fill(&opening, err);
	strlist_free(&opening.problems);
	if (rc < 0)
		catalogue_free(ret);
	return rc;
}

/* --- looking ------------------------------------------------------------- */

void
catalogue_keep_jobs(struct catalogue *c, const struct strlist *jobs)
{
	size_t kept = 0, i;

	if (jobs->n == 0)
		return;
	for (i = 0; i < c->n; i++) {
		struct catalogue_entry *entry = &c->entries[i];

		if (entry->job != NULL && strlist_has(jobs, entry->job))
			c->entries[kept++] = *entry;
		else
			entry_free(entry);
	}
	c->n = kept;
}

const struct catalogue_entry *
catalogue_find(const struct catalogue *c, const char *name)
{
	const char *slash = strrchr(name, '/');
	const struct catalogue_entry *found = NULL;
	size_t i;

	if (slash != NULL)
		name = slash + 1;
	for (i = 0; i < c->n; i++)
		if (strcmp(c->entries[i].name, name) == 0 &&
		    (found == NULL || c->entries[i].store < found->store))
			found = &c->entries[i];
	return found;
}

const struct catalogue_entry *
catalogue_latest(const struct catalogue *c)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (c->entries[i].job != NULL ||
		    c->entries[i].time_from != CATALOGUE_BY_STORE)
			return catalogue_find(c, c->entries[i].name);
	return NULL;
}

const struct catalogue_job *
catalogue_job_of(const struct catalogue *c,
    const struct catalogue_entry *entry)
{
	const struct catalogue_store *store = &c->stores[entry->store];
	const struct catalogue_job *split = NULL;
	size_t i;

	for (i = 0; i < store->n_jobs && entry->job != NULL; i++) {
		const struct catalogue_job *job = &c->jobs[store->jobs[i]];

		if (strcmp(job->name, entry->job) == 0)
			return job;
		if (split == NULL && job->split)
			split = job;
	}
	return split;
}

size_t
catalogue_nearest(const struct catalogue *c, const char *name,
    const char *ret[CATALOGUE_NEAREST])
{
	unsigned distances[CATALOGUE_NEAREST + 1], limit;
	const char *names[CATALOGUE_NEAREST + 1];
	size_t n = 0, i, k;

	limit = (unsigned)strlen(name) / 3 > 3 ?
	    (unsigned)strlen(name) / 3 : 3;
	for (i = 0; i < c->n; i++) {
		const char *candidate = c->entries[i].name;
		unsigned distance = strstr(candidate, name) != NULL ? 0 :
		    str_distance(name, candidate);

		for (k = 0; k < n && strcmp(names[k], candidate) != 0; k++)
			;
		if (k < n || distance > limit)
			continue;
		for (k = n; k > 0 && distances[k - 1] > distance; k--) {
			distances[k] = distances[k - 1];
			names[k] = names[k - 1];
		}
		distances[k] = distance;
		names[k] = candidate;
		n += n < CATALOGUE_NEAREST;
	}
	memcpy(ret, names, n * sizeof *names);
	return n;
}

enum exit_status
catalogue_exit(const struct catalogue *c)
{
	size_t bad = 0, i;

	for (i = 0; i < c->n_stores; i++) {
		if (c->stores[i].err.kind == ERR_NONE)
			continue;
		bad++;
		log_error("%s", c->stores[i].err.msg);
	}
	if (bad == 0)
		return EXIT_DONE;
	return bad == c->n_stores ? EXIT_FAILED : EXIT_PROBLEMS;
}

const char *
catalogue_seal_word(enum catalogue_seal seal)
{
	static const char *const words[] = { "none", "openpgp", "age",
		"other" };

	return words[seal];
}

const char *
catalogue_check_word(enum catalogue_check check)
{
	static const char *const words[] = { "unchecked", "agrees",
		"differs" };

	return words[check];
}
