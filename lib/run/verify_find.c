#include "lib/run/verify_find.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/intr.h"
#include "lib/run/naming.h"
#include "lib/run/plan.h"
#include "lib/run/store_plan.h"
#include "lib/store/name.h"

#define METADATA_BYTES_MAX ((size_t)4 << 20)

/* One job of the configuration at a time. */
struct finding {
	const struct config *config;
	const struct verify_settings *settings;
	struct verify_found *found;
	struct job job;		/* name, options and what naming makes */
	bool splits;		/* the jobs it makes have names of their own */
	size_t first;		/* of this job's targets */
};

static void
target_free(struct verify_target *target)
{
	free(target->name);
	metadata_parsed_free(&target->metadata);
	free(target);
}

void
verify_found_free(struct verify_found *found)
{
	size_t i;

	for (i = 0; i < found->n; i++)
		target_free(found->v[i]);
	for (i = 0; i < found->n_places; i++) {
		free(found->places[i].place);
		store_list_free(&found->places[i].list);
		store_free(found->places[i].store);
	}
	free(found->v);
	free(found->places);
	strlist_free(&found->problems);
	*found = (struct verify_found)VERIFY_FOUND_INIT;
}

/* --- stores -------------------------------------------------------------- */

static int
take_place(struct verify_found *found, const struct store_plan *plan,
    size_t *ret, struct err *err)
{
	struct verify_place *bigger, *place;

	for (*ret = 0; *ret < found->n_places; ++*ret)
		if (strcmp(found->places[*ret].place, plan->place) == 0)
			return 0;
	bigger = realloc(found->places,
	    (found->n_places + 1) * sizeof *bigger);
	if (bigger == NULL)
		return err_nomem(err);
	found->places = bigger;
	place = &bigger[found->n_places];
	*place = (struct verify_place){ .list = STORE_LIST_INIT,
		.err = ERR_INIT };
	if (str_dup(plan->place, &place->place, err) < 0)
		return -1;
	found->n_places++;
	if (store_plan_open(plan, &place->store, &place->err) == 0)
		(void)!store_list(place->store, &place->list, &place->err);
	return intr_check(err);
}

/* --- archives ------------------------------------------------------------ */

static int
by_name(const void *key, const void *entry)
{
	return strcmp(key, ((const struct store_entry *)entry)->name);
}

static const struct store_entry *
find_entry(const struct store_list *list, const char *name)
{
	return list->n == 0 ? NULL : bsearch(name, list->v, list->n,
	    sizeof *list->v, by_name);
}

/* Is it wanted? *ret_made: when it was made. */
static bool
is_wanted(const struct finding *f, const char *name, bool has_metadata,
    time_t modified, time_t *ret_made)
{
	const struct job *job = &f->job;
	time_t made = 0;
	bool ours = name_match(job->pattern, name, &made);

	*ret_made = ours && name_tells_day(job->pattern) ? made : modified;
	if (f->settings->archive != NULL)
		return strcmp(name, f->settings->archive) == 0;
	if (*name == '.' || (job->latest != NULL &&
	    strcmp(name, job->latest) == 0))
		return false;
	return ours || (f->splits && has_metadata) ||
	    (job->prune_prefix != NULL && str_starts(name, job->prune_prefix));
}

static int
read_metadata(struct verify_target *target, struct err *err)
{
	CLEANUP(cleanup_free) char *name = NULL;
	CLEANUP(cleanup_free) char *text = NULL;
	size_t n;

	if (str_format(&name, err, "%s%s", target->name,
	    NAME_METADATA_SUFFIX) < 0)
		return -1;
	if (store_get_small(target->store, name, METADATA_BYTES_MAX, &text,
	    &n, &target->err) < 0)
		/* It went with its archive just now. */
		target->has_metadata = target->err.kind != ERR_NOTFOUND;
	else if (metadata_parse(text, n, &target->metadata,
	    &target->err) < 0)
		(void)err_add(&target->err, "its metadata");
	if (!target->has_metadata)
		target->err = (struct err)ERR_INIT;
	return target->err.kind == ERR_NOMEM ? err_nomem(err) :
	    intr_check(err);
}

/* Of a job that splits, others than the named ones are not wanted. */
static bool
is_of_job(const struct finding *f, const struct verify_target *target)
{
	const char *job = target->metadata.metadata.job;

	return !f->splits || f->settings->jobs->n == 0 ||
	    (job != NULL && strlist_has(f->settings->jobs, job));
}

static bool
is_there(const struct verify_found *found, const struct store *store,
    const char *name)
{
	size_t i;

	for (i = 0; i < found->n; i++)
		if (found->v[i]->store == store &&
		    strcmp(found->v[i]->name, name) == 0)
			return true;
	return false;
}

static int
add_target(struct finding *f, const struct verify_place *place,
    const char *name, const struct store_entry *archive,
    const struct store_entry *metadata, struct err *err)
{
	struct verify_found *found = f->found;
	struct verify_target *target, **bigger;
	time_t made;

	if (!is_wanted(f, name, metadata != NULL, archive != NULL ?
	    archive->modified : metadata->modified, &made) ||
	    is_there(found, place->store, name))
		return 0;
	bigger = realloc(found->v, (found->n + 1) * sizeof *bigger);
	if (bigger == NULL)
		return err_nomem(err);
	found->v = bigger;
	target = calloc(1, sizeof *target);
	if (target == NULL)
		return err_nomem(err);
	target->store = place->store;
	target->options = f->job.options;
	target->made = made;
	target->bytes = archive != NULL ? archive->bytes : 0;
	target->is_missing = archive == NULL;
	target->has_metadata = metadata != NULL;
	if (str_dup(name, &target->name, err) < 0 ||
	    (metadata != NULL && read_metadata(target, err) < 0)) {
		target_free(target);
		return -1;
	}
	if (is_of_job(f, target))
		found->v[found->n++] = target;
	else
		target_free(target);
	return 0;
}

static int
find_in(struct finding *f, const struct verify_place *place, struct err *err)
{
	const struct store_list *list = &place->list;
	size_t i;

	for (i = 0; i < list->n; i++) {
		CLEANUP(cleanup_free) char *other = NULL;
		const char *name = list->v[i].name;
		bool is_metadata = str_ends(name, NAME_METADATA_SUFFIX);
		int rc;

		if (is_metadata ? str_format(&other, err, "%.*s",
		    (int)(strlen(name) - strlen(NAME_METADATA_SUFFIX)),
		    name) < 0 : str_format(&other, err, "%s%s", name,
		    NAME_METADATA_SUFFIX) < 0)
			return -1;
		if (is_metadata)
			rc = find_entry(list, other) != NULL ? 0 :
			    add_target(f, place, other, NULL, &list->v[i],
			    err);
		else
			rc = add_target(f, place, name, &list->v[i],
			    find_entry(list, other), err);
		if (rc < 0)
			return -1;
	}
	return 0;
}

/* --- the newest ---------------------------------------------------------- */

static const char *
job_of(const struct verify_target *target)
{
	const char *job = target->metadata.metadata.job;

	return job != NULL ? job : "";
}

/* Is the newest of its job, in any store, another one? Stores may give one name
 * different times. */
static bool
is_superseded(const struct finding *f, const struct verify_target *target)
{
	const struct verify_found *found = f->found;
	const struct verify_target *newest = target;
	size_t i;

	for (i = f->first; i < found->n; i++)
		if (found->v[i]->made > newest->made && (!f->splits ||
		    strcmp(job_of(found->v[i]), job_of(target)) == 0))
			newest = found->v[i];
	return strcmp(newest->name, target->name) != 0;
}

static int
keep_newest(struct finding *f, struct err *err)
{
	struct verify_found *found = f->found;
	size_t n = found->n - f->first, kept = f->first, i;
	CLEANUP(cleanup_free) bool *old = calloc(n + 1, sizeof *old);

	if (old == NULL)
		return err_nomem(err);
	for (i = 0; i < n; i++)
		old[i] = is_superseded(f, found->v[f->first + i]);
	for (i = 0; i < n; i++)
		if (old[i])
			target_free(found->v[f->first + i]);
		else
			found->v[kept++] = found->v[f->first + i];
	found->n = kept;
	return 0;
}

/* --- jobs ---------------------------------------------------------------- */

static void
forget_job(struct job *job)
{
	free(job->pattern);
	free(job->archive_name);
	free(job->latest);
	free(job->prune_prefix);
	store_plan_list_free(&job->stores);
	*job = (struct job){ 0 };
}

static int
name_job(struct finding *f, struct err *err)
{
	CLEANUP(strlist_free) struct strlist problems = STRLIST_INIT;
	CLEANUP(strlist_free) struct strlist warnings = STRLIST_INIT;

	if (naming_choose(&f->job, clock_now(), &problems, &warnings,
	    err) < 0)
		return -1;
	return problems.n == 0 ? 0 :
	    err_set(err, ERR_CONFIG, "%s", problems.v[0]);
}

static int
find_job(struct finding *f, struct err *err)
{
	size_t i, at;

	f->first = f->found->n;
	if (name_job(f, err) < 0 || store_plan_choose(f->config,
	    f->job.options, f->job.name, &f->job.stores, &f->found->problems,
	    err) < 0)
		return -1;
	for (i = 0; i < f->job.stores.n; i++)
		if (take_place(f->found, &f->job.stores.v[i], &at, err) < 0 ||
		    find_in(f, &f->found->places[at], err) < 0)
			return -1;
	return f->settings->archive != NULL || f->settings->all ? 0 :
	    keep_newest(f, err);
}

/* *seen: how many of the wanted jobs are among the configured ones. */
static int
try_job(struct finding *f, const char *name, const struct options *options,
    size_t *seen, struct err *err)
{
	const struct strlist *jobs = f->settings->jobs;
	bool named = strlist_has(jobs, name);
	int rc;

	f->splits = options->split != SPLIT_NONE;
	*seen += f->splits ? jobs->n : named;
	if (jobs->n != 0 && !named && !f->splits)
		return 0;
	f->job = (struct job){ .name = (char *)(uintptr_t)name,
		.options = options };
	rc = find_job(f, err);
	forget_job(&f->job);
	return rc;
}

int
verify_find(const struct config *config,
    const struct verify_settings *settings, struct verify_found *ret,
    struct err *err)
{
	struct finding f = { .config = config, .settings = settings,
		.found = ret };
	size_t seen = 0, i;

	/* As plan.c has it. */
	if ((config->n_jobs == 0 ||
	    options_is_set(&config->base, OPTION_ID_sources) ||
	    options_is_set(&config->base, OPTION_ID_volumes)) &&
	    try_job(&f, CONFIG_BASE_JOB, &config->base, &seen, err) < 0)
		return -1;
	for (i = 0; i < config->n_jobs; i++)
		if (try_job(&f, config->jobs[i].name,
		    &config->jobs[i].options, &seen, err) < 0)
			return -1;
	if (seen < settings->jobs->n)
		return err_set(err, ERR_CONFIG, "there is no job '%s'",
		    settings->jobs->v[0]);
	return 0;
}
