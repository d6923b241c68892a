#define _GNU_SOURCE
#include "lib/run/plan.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/file.h"
#include "lib/config/problems.h"
#include "lib/run/naming.h"
#include "lib/run/retention.h"
#include "lib/run/select.h"
#include "lib/run/window.h"
#include "lib/store/name.h"
#include "lib/stream/pack.h"

#define BASE_JOB "backup"

/* What plan_make is at work on. */
struct planning {
	const struct config *config;
	const struct inventory *inventory;
	time_t now;
	struct plan plan;
	struct strlist *problems;
	struct strlist *warnings;
};

static void
job_free(struct job *job)
{
	free(job->name);
	source_list_free(&job->sources);
	free(job->stopped);
	free(job->pattern);
	free(job->archive_name);
	store_plan_list_free(&job->stores);
	seal_free(job->seal);
	free(job->latest);
	free(job->prune_prefix);
	*job = (struct job){ 0 };
}

void
plan_free(struct plan *plan)
{
	size_t i;

	for (i = 0; i < plan->n_jobs; i++)
		job_free(&plan->jobs[i]);
	free(plan->jobs);
	*plan = (struct plan){ 0 };
}

/* --- jobs ---------------------------------------------------------------- */

struct job *
plan_find(const struct plan *plan, const char *name)
{
	size_t i;

	for (i = 0; i < plan->n_jobs; i++)
		if (strcmp(plan->jobs[i].name, name) == 0)
			return &plan->jobs[i];
	return NULL;
}

static int
add_job(struct planning *p, const char *name, const struct options *options,
    struct job **ret, struct err *err)
{
	struct job *bigger = realloc(p->plan.jobs,
	    (p->plan.n_jobs + 1) * sizeof *bigger);
	struct job *job;

	if (bigger == NULL)
		return err_nomem(err);
	p->plan.jobs = bigger;
	job = &bigger[p->plan.n_jobs];
	*job = (struct job){ .options = options };
	if (str_dup(name, &job->name, err) < 0)
		return -1;
	p->plan.n_jobs++;
	*ret = job;
	return 0;
}

/* The name of the job that a source belongs to. */
static const char *
split_name(const struct source *source, const struct options *options,
    const char *base)
{
	if (options->split == SPLIT_VOLUME && source->type == SOURCE_VOLUME)
		return source->name;
	if (options->split == SPLIT_PROJECT && source->project != NULL)
		return source->project;
	return base;
}

/* Deals the sources out to jobs, which are made as they are needed. */
static int
deal_sources(struct planning *p, const char *base,
    const struct options *options, struct source_list *sources,
    struct err *err)
{
	size_t i;

	for (i = 0; i < sources->n; i++) {
		const char *name = split_name(&sources->v[i], options, base);
		struct job *job = plan_find(&p->plan, name);

		if (job == NULL && add_job(p, name, options, &job, err) < 0)
			return -1;
		if (job->options != options) {
			if (strlist_addf(p->problems, err, "two jobs are "
			    "called '%s'", name) < 0)
				return -1;
			continue;
		}
		if (source_list_take(&job->sources, &sources->v[i], err) < 0)
			return -1;
	}
	return 0;
}

static int
make_jobs(struct planning *p, const char *base, const struct options *options,
    struct err *err)
{
	CLEANUP(source_list_free) struct source_list sources =
	    SOURCE_LIST_INIT;
	size_t before = p->problems->n;

	if (select_sources(options, p->inventory, &sources, p->problems,
	    err) < 0)
		return -1;
	if (sources.n == 0 && p->problems->n == before)
		return strlist_addf(p->problems, err, "%s: nothing is "
		    "selected (set backup.sources, or label a container "
		    "%s=true)", base, LABEL_ENABLE);
	return deal_sources(p, base, options, &sources, err);
}

/* Jobs of their own do without the plain settings' one, unless these name
 * something to back up. */
static bool
base_is_a_job(const struct config *config)
{
	return config->n_jobs == 0 ||
	    options_is_set(&config->base, OPTION_ID_sources) ||
	    options_is_set(&config->base, OPTION_ID_volumes);
}

static int
make_all_jobs(struct planning *p, const struct config *config,
    struct err *err)
{
	size_t i;

	if (base_is_a_job(config) &&
	    make_jobs(p, BASE_JOB, &config->base, err) < 0)
		return -1;
	for (i = 0; i < config->n_jobs; i++)
		if (make_jobs(p, config->jobs[i].name,
		    &config->jobs[i].options, err) < 0)
			return -1;
	return 0;
}

/* --- checks -------------------------------------------------------------- */

static bool
runs_on(const struct inventory *inventory, const struct job *job,
    const char *volume)
{
	size_t i, k, m;

	for (i = 0; i < inventory->containers.n; i++) {
		const struct container *c = &inventory->containers.v[i];
		bool stopped = !c->running;

		for (k = 0; k < job->n_stopped; k++)
			stopped = stopped || job->stopped[k] == c;
		for (m = 0; !stopped && m < c->n_mounts; m++)
			if (strcmp(c->mounts[m].name, volume) == 0)
				return true;
	}
	return false;
}

/* The local driver mounts a volume with a device, and another driver may
 * mount any, only while a container runs that uses it: read at another time,
 * the mount point is an empty directory, and so would the backup be. */
static int
check_mounted(struct planning *p, const struct job *job,
    const struct source *source, struct err *err)
{
	const struct volume *v = source->volume;

	if (v == NULL || (strcmp(v->driver, "local") == 0 &&
	    strmap_get(&v->options, "device") == NULL))
		return 0;
	if (runs_on(p->inventory, job, v->name))
		return 0;
	return strlist_addf(p->problems, err, "volume '%s' is mounted by its "
	    "driver only while a container uses it, and none would be running "
	    "while it is read (take the stop label off one of its containers)",
	    v->name);
}

static int
check_sources(struct planning *p, const struct job *job, struct err *err)
{
	size_t i, k;

	for (i = 0; i < job->sources.n; i++) {
		const struct source *s = &job->sources.v[i];

		for (k = 0; k < i; k++)
			if (strcmp(s->member, job->sources.v[k].member) == 0 &&
			    strlist_addf(p->problems, err, "%s: '%s' and "
			    "'%s' would have the same name in the archive",
			    job->name, s->path, job->sources.v[k].path) < 0)
				return -1;
		if (check_mounted(p, job, s, err) < 0)
			return -1;
	}
	return 0;
}

static int
check_patterns(struct planning *p, const struct job *job, struct err *err)
{
	struct pack_settings settings = {
		.exclude = &job->options->exclude,
		.exclude_regexp = job->options->exclude_regexp,
	};

	if (pack_check(&settings, err) == 0)
		return 0;
	return problems_absorb(p->problems, job->name, "backup.exclude_regexp",
	    err);
}

/* Keys and passphrase are looked at now: nothing is stopped for an archive that
 * could not be sealed. */
static int
prepare_seal(struct planning *p, struct job *job, struct err *err)
{
	const struct options *o = job->options;
	struct seal_settings settings = {
		.passphrase = o->seal_passphrase,
		.key_ring = o->seal_key_ring,
		.recipients = &o->seal_recipients,
	};

	if (o->seal_passphrase == NULL && o->seal_key_ring == NULL &&
	    o->seal_recipients.n == 0)
		return 0;
	if (seal_new(&settings, &job->seal, err) == 0)
		return 0;
	return problems_absorb(p->problems, job->name, "seal", err);
}

/* --- jobs against each other --------------------------------------------- */

static int
check_same_name(struct planning *p, const struct job *a, const struct job *b,
    const char *place, struct err *err)
{
	time_t made;

	if (strcmp(a->archive_name, b->archive_name) == 0)
		return strlist_addf(p->problems, err, "jobs '%s' and '%s' "
		    "would both make '%s' in '%s' (put {{ .Job }} into "
		    "backup.filename)", a->name, b->name, a->archive_name,
		    place);
	/* Also under another suffix: each would prune what the other made. */
	if (name_match(a->pattern, b->archive_name, &made) ||
	    name_match(b->pattern, a->archive_name, &made))
		return strlist_addf(p->problems, err, "jobs '%s' and '%s': "
		    "'%s' and '%s' in '%s' cannot be told apart (put "
		    "{{ .Job }} into backup.filename)", a->name, b->name,
		    a->archive_name, b->archive_name, place);
	if (a->latest != NULL && b->latest != NULL &&
	    strcmp(a->latest, b->latest) == 0)
		return strlist_addf(p->problems, err, "jobs '%s' and '%s' "
		    "have the same backup.latest_symlink '%s'", a->name,
		    b->name, a->latest);
	return 0;
}

static int
check_collision(struct planning *p, const struct job *a, const struct job *b,
    struct err *err)
{
	size_t i, k;

	if (a->archive_name == NULL || b->archive_name == NULL)
		return 0;
	for (i = 0; i < a->stores.n; i++)
		for (k = 0; k < b->stores.n; k++)
			if (strcmp(a->stores.v[i].place,
			    b->stores.v[k].place) == 0)
				return check_same_name(p, a, b,
				    a->stores.v[i].place, err);
	return 0;
}

static int
finish_job(struct planning *p, struct job *job, struct err *err)
{
	if (window_choose(&p->plan, p->inventory, job, err) < 0 ||
	    check_sources(p, job, err) < 0 ||
	    check_patterns(p, job, err) < 0 ||
	    store_plan_choose(p->config, job->options, job->name,
	    &job->stores, p->problems, err) < 0 ||
	    prepare_seal(p, job, err) < 0 ||
	    retention_choose(job, p->problems, err) < 0)
		return -1;
	return naming_choose(job, p->now, p->problems, p->warnings, err);
}

int
plan_make(const struct config *config, const struct inventory *inventory,
    time_t now, struct plan *ret, struct strlist *problems,
    struct strlist *warnings, struct err *err)
{
	struct planning p = { .config = config, .inventory = inventory, .now = now,
		.problems = problems, .warnings = warnings };
	size_t i, k;
	int rc = make_all_jobs(&p, config, err);

	for (i = 0; rc == 0 && i < p.plan.n_jobs; i++)
		rc = finish_job(&p, &p.plan.jobs[i], err);
	for (i = 0; rc == 0 && i < p.plan.n_jobs; i++)
		for (k = 0; rc == 0 && k < i; k++)
			rc = check_collision(&p, &p.plan.jobs[k],
			    &p.plan.jobs[i], err);
	if (rc < 0) {
		plan_free(&p.plan);
		return -1;
	}
	*ret = p.plan;
	return 0;
}

int
plan_narrow(struct plan *plan, const struct strlist *names,
    struct strlist *problems, struct err *err)
{
	size_t kept = 0, i;

	for (i = 0; i < names->n; i++)
		if (plan_find(plan, names->v[i]) == NULL &&
		    strlist_addf(problems, err, "there is no job '%s'",
		    names->v[i]) < 0)
			return -1;
	for (i = 0; i < plan->n_jobs; i++) {
		if (names->n == 0 || strlist_has(names, plan->jobs[i].name))
			plan->jobs[kept++] = plan->jobs[i];
		else
			job_free(&plan->jobs[i]);
	}
	plan->n_jobs = kept;
	return 0;
}

/* --- for people ---------------------------------------------------------- */

static void
add_job_text(struct str *s, const struct job *job)
{
	size_t i;

	str_addf(s, "job %s\n", job->name);
	for (i = 0; i < job->sources.n; i++) {
		const struct source *source = &job->sources.v[i];

		str_addf(s, "  source  %s ",
		    source->type == SOURCE_VOLUME ? "volume" : "directory");
		if (source->name != NULL)
			str_addf(s, "%s ", source->name);
		str_add_visible(s, source->path);
		str_addf(s, "%s\n",
		    source->quiesced ? " (in the window)" : "");
	}
	for (i = 0; i < job->n_stopped; i++)
		str_addf(s, "  stop    %s\n", job->stopped[i]->name);
	str_add(s, "  archive ");
	str_add_visible(s, job->archive_name);
	str_add(s, "\n");
	for (i = 0; i < job->stores.n; i++) {
		str_addf(s, "  store   %s ", job->stores.v[i].name);
		str_add_visible(s, job->stores.v[i].place);
		str_add(s, "\n");
	}
}

int
plan_text(const struct plan *plan, char **ret, struct err *err)
{
	CLEANUP(str_free) struct str s = STR_INIT;
	size_t i;

	for (i = 0; i < plan->n_jobs; i++)
		add_job_text(&s, &plan->jobs[i]);
	return str_take(&s, ret, err);
}
