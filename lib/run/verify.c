#include "lib/run/verify.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/intr.h"
#include "lib/run/catalogue.h"
#include "lib/run/examine.h"
#include "lib/run/opening.h"
#include "lib/store/name.h"

#define PRUNING_S 2.0	/* between an archive's end and its metadata's */

/* One archive in one store. */
struct target {
	const struct catalogue_entry *entry;
	struct store *store;		/* borrowed */
	const struct options *options;	/* of its job */
	bool has_metadata;
	struct metadata_parsed metadata;
	struct err err;		/* why there is metadata and cannot be read */
};

struct verifying {
	const struct verify_settings *settings;
	struct verify_result *result;
	struct catalogue catalogue;
	struct store **stores;	/* as the catalogue's; NULL: not open */
	struct target *targets;
	size_t n;
	struct openings openings;
};

const char *
verify_state_name(enum verify_state state)
{
	static const char *const names[] = { "good", "damaged", "unreached",
		"gone" };

	return names[state];
}

static void
one_free(struct verify_one *one)
{
	free(one->archive);
	free(one->store);
}

void
verify_result_free(struct verify_result *result)
{
	size_t i;

	for (i = 0; i < result->n; i++)
		one_free(&result->v[i]);
	free(result->v);
	*result = (struct verify_result)VERIFY_RESULT_INIT;
}

/* one is taken, also on failure. */
static int
add(struct verifying *v, struct verify_one *one, struct err *err)
{
	struct verify_one *bigger = realloc(v->result->v,
	    (v->result->n + 1) * sizeof *bigger);

	if (bigger == NULL) {
		one_free(one);
		return err_nomem(err);
	}
	v->result->v = bigger;
	bigger[v->result->n++] = *one;
	if (v->settings->tell != NULL)
		v->settings->tell(v->settings->cookie, one);
	return 0;
}

/* --- one archive in one store -------------------------------------------- */

static int
read_through(struct verifying *v, const struct target *target,
    struct verify_one *one, struct err *err)
{
	const struct examine_settings settings = { .store = target->store,
		.name = target->entry->name, .bytes = target->entry->bytes,
		.metadata = &target->metadata.metadata,
		.deep = v->settings->deep, .options = target->options,
		.openings = &v->openings };
	struct examine_result read = { 0 };
	int rc = examine_archive(&settings, &read, err);

	one->bytes = read.bytes;
	one->members = read.members;
	return rc;
}

/* Is it being pruned? Then its metadata follows soon. */
static bool
was_pruned(const struct target *target)
{
	CLEANUP(cleanup_free) char *name = NULL;
	struct err ignored = ERR_INIT;
	bool has = true;
	int i;

	if (str_format(&name, &ignored, "%s%s", target->entry->name,
	    NAME_METADATA_SUFFIX) < 0)
		return false;
	for (i = 0; i < 2 && has; i++) {
		if (i != 0 && intr_sleep(PRUNING_S))
			break;
		if (store_has(target->store, name, &has, &ignored) < 0)
			return false;
	}
	return !has;
}

static int
check(struct verifying *v, const struct target *target,
    struct verify_one *one, struct err *err)
{
	const struct metadata *metadata = &target->metadata.metadata;

	if (target->entry->missing)
		return err_set(err, ERR_NOTFOUND, "the archive is missing, its "
		    "metadata is there");
	if (target->err.kind != ERR_NONE) {
		*err = target->err;
		return -1;
	}
	/* Nothing need be read to see that. */
	if (opening_compare_size(metadata, target->entry->bytes, err) < 0)
		return -1;
	return read_through(v, target, one, err);
}

static enum verify_state
judge(const struct target *target, const struct err *err)
{
	switch (err->kind) {
	case ERR_NONE:
		return VERIFY_GOOD;
	case ERR_NOTFOUND:
		return was_pruned(target) ? VERIFY_GONE : VERIFY_DAMAGED;
	case ERR_UNREACHABLE:
	case ERR_TIMEOUT:
	case ERR_REFUSED:
		return VERIFY_UNREACHED;
	default:
		return VERIFY_DAMAGED;
	}
}

static int
verify_target(struct verifying *v, const struct target *target,
    struct err *err)
{
	const char *label = store_label(target->store);
	const char *name = target->entry->name;
	struct verify_one one = { .deep = v->settings->deep,
		.has_metadata = target->has_metadata, .err = ERR_INIT };

	if (check(v, target, &one, &one.err) < 0 &&
	    (one.err.kind == ERR_NOMEM || one.err.kind == ERR_INTERRUPTED)) {
		*err = one.err;
		return -1;
	}
	one.state = judge(target, &one.err);
	if (one.state != VERIFY_GOOD)
		(void)opening_blame(label, name, &one.err);
	if (one.state == VERIFY_GONE)
		(void)err_set(&one.err, ERR_NOTFOUND, "%s: '%s' was removed "
		    "meanwhile", label, name);
	if (str_dup(name, &one.archive, err) < 0 ||
	    str_dup(label, &one.store, err) < 0) {
		one_free(&one);
		return -1;
	}
	return add(v, &one, err);
}

/* --- which --------------------------------------------------------------- */

static void
verifying_free(struct verifying *v)
{
	size_t i;

	for (i = 0; i < v->n; i++)
		metadata_parsed_free(&v->targets[i].metadata);
	for (i = 0; v->stores != NULL && i < v->catalogue.n_stores; i++)
		store_free(v->stores[i]);
	free(v->targets);
	free(v->stores);
	openings_free(&v->openings);
	catalogue_free(&v->catalogue);
}

/* The names of what a job splits into are known to the Engine only. */
static int
check_job(const struct catalogue *c, const char *name, struct err *err)
{
	size_t i;

	for (i = 0; i < c->n_jobs; i++)
		if (c->jobs[i].split || strcmp(c->jobs[i].name, name) == 0)
			return 0;
	return err_set(err, ERR_CONFIG, "there is no job '%s'", name);
}

static bool
is_named(const struct verifying *v, const struct catalogue_entry *entry)
{
	const char *slash = strrchr(v->settings->archive, '/');

	return strcmp(entry->name, slash != NULL ? slash + 1 :
	    v->settings->archive) == 0;
}

/* As much metadata as it takes to choose. */
static int
learn(struct verifying *v, struct err *err)
{
	struct catalogue *c = &v->catalogue;
	size_t i;

	if (v->settings->archive == NULL && !v->settings->all)
		return catalogue_settle(c, 1, err);
	for (i = 0; i < c->n; i++)
		c->entries[i].wanted = v->settings->all ||
		    is_named(v, &c->entries[i]);
	return catalogue_read(c, err);
}

/* Is the newest of its job, in any store, another one? Stores may give one name
 * different times. */
static bool
is_superseded(const struct catalogue *c, const struct catalogue_entry *entry)
{
	const struct catalogue_entry *other = c->entries;

	while (other->job == NULL || strcmp(other->job, entry->job) != 0 ||
	    catalogue_job_of(c, other) == NULL)
		other++;	/* at the latest it is the entry */
	return other->time != entry->time &&
	    strcmp(other->name, entry->name) != 0;
}

static bool
is_wanted(const struct verifying *v, const struct catalogue_entry *entry)
{
	const struct strlist *jobs = v->settings->jobs;

	if (v->settings->archive != NULL)
		return is_named(v, entry);
	if (catalogue_job_of(&v->catalogue, entry) == NULL ||
	    (jobs->n != 0 && !strlist_has(jobs, entry->job)))
		return false;
	return v->settings->all || !is_superseded(&v->catalogue, entry);
}

/* A whole archive is worth more patience than a list. */
static int
open_store(struct verifying *v, size_t i)
{
	struct catalogue_store *store = &v->catalogue.stores[i];
	struct store_plan plan = *store->plan;

	plan.patient = true;
	if (v->stores[i] != NULL || store->err.kind != ERR_NONE)
		return store->err.kind == ERR_NONE ? 0 : -1;
	return store_plan_open(&plan, &v->stores[i], &store->err);
}

static int
read_metadata(struct target *target, struct err *err)
{
	CLEANUP(cleanup_free) char *name = NULL;
	CLEANUP(cleanup_free) char *text = NULL;
	size_t n;

	if (str_format(&name, err, "%s%s", target->entry->name,
	    NAME_METADATA_SUFFIX) < 0)
		return -1;
	if (store_get_small(target->store, name, CATALOGUE_METADATA_BYTES_MAX,
	    &text, &n, &target->err) < 0)
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

static int
take(struct verifying *v, const struct catalogue_entry *entry,
    struct err *err)
{
	const struct catalogue *c = &v->catalogue;
	const struct catalogue_job *job = catalogue_job_of(c, entry);
	struct target *target = &v->targets[v->n];

	if (!is_wanted(v, entry) || open_store(v, entry->store) < 0)
		return 0;
	if (job == NULL)
		job = &c->jobs[c->stores[entry->store].jobs[0]];
	*target = (struct target){ .entry = entry,
		.store = v->stores[entry->store], .options = job->options,
		.has_metadata = entry->has_metadata };
	v->n++;
	return entry->has_metadata ? read_metadata(target, err) : 0;
}

static int
choose(struct verifying *v, const struct config *config, struct err *err)
{
	const struct catalogue_filter filter = { .jobs = v->settings->jobs,
		.missing = true };
	struct catalogue *c = &v->catalogue;
	size_t i;

	if (catalogue_open(config, &filter, c, err) < 0)
		return -1;
	for (i = 0; i < v->settings->jobs->n; i++)
		if (check_job(c, v->settings->jobs->v[i], err) < 0)
			return -1;
	if (learn(v, err) < 0)
		return -1;
	v->stores = calloc(c->n_stores + 1, sizeof *v->stores);
	v->targets = calloc(c->n + 1, sizeof *v->targets);
	if (v->stores == NULL || v->targets == NULL)
		return err_nomem(err);
	for (i = 0; i < c->n; i++)
		if (take(v, &c->entries[i], err) < 0)
			return -1;
	return 0;
}

/* --- all of them --------------------------------------------------------- */

static int
tell_unreached(struct verifying *v, struct err *err)
{
	const struct catalogue *c = &v->catalogue;
	size_t i;

	for (i = 0; i < c->n_stores; i++) {
		struct verify_one one = { .state = VERIFY_UNREACHED,
			.err = c->stores[i].err };

		if (one.err.kind != ERR_NONE &&
		    (str_dup(c->stores[i].plan->place, &one.store, err) < 0 ||
		    add(v, &one, err) < 0))
			return -1;
	}
	return 0;
}

static int
verify_all(struct verifying *v, struct err *err)
{
	size_t i;

	for (i = 0; v->settings->deep && i < v->n; i++)
		if (!v->targets[i].entry->missing && openings_can(&v->openings,
		    v->targets[i].options, v->targets[i].entry->name,
		    &v->targets[i].metadata.metadata, err) < 0)
			return -1;
	if (tell_unreached(v, err) < 0)
		return -1;
	for (i = 0; i < v->n; i++)
		if (verify_target(v, &v->targets[i], err) < 0)
			return -1;
	if (v->result->n != 0)
		return 0;
	return v->settings->archive != NULL ?
	    err_set(err, ERR_NOTFOUND, "no store has an archive '%s'",
	    v->settings->archive) :
	    err_set(err, ERR_NOTFOUND, "no store has an archive");
}

int
verify_run(const struct config *config,
    const struct verify_settings *settings, struct verify_result *ret,
    struct err *err)
{
	CLEANUP(verifying_free) struct verifying v = { .settings = settings,
		.result = ret, .catalogue = CATALOGUE_INIT };

	*ret = (struct verify_result)VERIFY_RESULT_INIT;
	return choose(&v, config, err) < 0 ? -1 : verify_all(&v, err);
}
