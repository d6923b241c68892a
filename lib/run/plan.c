#define _GNU_SOURCE
#include "lib/run/plan.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/file.h"
#include "lib/config/problems.h"
#include "lib/run/naming.h"
#include "lib/run/reach.h"
#include "lib/run/readback.h"
#include "lib/run/retention.h"
#include "lib/run/select.h"
#include "lib/run/targets.h"
#include "lib/store/name.h"
#include "lib/stream/pack.h"

/* What plan_make is at work on. */
struct planning {
	const struct config *config;
	const struct inventory *inventory;
	time_t now;
	struct plan plan;
	struct strlist *problems;
	struct strlist *warnings;
	struct openings openings;
	const struct options *tried;	/* with them */
};

static void
job_free(struct job *job)
{
	free(job->name);
	source_list_free(&job->sources);
	targets_free(job);
	free(job->helper_image);
	lifecycle_free(&job->lifecycle);
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

bool
plan_base_is_job(const struct config *config)
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

	if (plan_base_is_job(config) &&
	    make_jobs(p, CONFIG_BASE_JOB, &config->base, err) < 0)
		return -1;
	for (i = 0; i < config->n_jobs; i++)
		if (make_jobs(p, config->jobs[i].name,
		    &config->jobs[i].options, err) < 0)
			return -1;
	return 0;
}

/* --- checks -------------------------------------------------------------- */

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
	if (seal_new(&settings, &job->seal, err) < 0)
		return problems_absorb(p->problems, job->name, "seal", err);
	return 0;
}

/* Jobs that split makes have the same options: they are tried once. */
static int
prepare_verify(struct planning *p, const struct job *job, struct err *err)
{
	if (job->options == p->tried)
		return 0;
	p->tried = job->options;
	if (readback_check(job, &p->openings, err) == 0)
		return 0;
	return problems_absorb(p->problems, job->name, "backup.verify = deep",
	    err);
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

/* Commands before copying come when everybody runs again: without a spool file
 * that would be when everything has been copied. */
static int
check_copy_commands(struct planning *p, const struct job *job,
    struct err *err)
{
	const char *spool = job->options->spool;

	if (job->n_windows == 0 || spool == NULL ||
	    strcmp(spool, "none") != 0 ||
	    !lifecycle_any(&job->lifecycle, LIFECYCLE_COPY))
		return 0;
	return strlist_addf(p->problems, err, "%s: backup.spool is none, and "
	    "containers have commands for the time between the window and "
	    "the copying (labels copy-pre, copy-post), which is none then",
	    job->name);
}

static int
choose_commands(struct planning *p, struct job *job, struct err *err)
{
	const struct container_list *all = &p->inventory->containers;
	CLEANUP(cleanup_free) const struct container **mine =
	    calloc(all->n + 1, sizeof *mine);
	size_t n = 0, i;

	if (mine == NULL)
		return err_nomem(err);
	for (i = 0; i < all->n; i++)
		if (targets_concern(&p->plan, job, &all->v[i]))
			mine[n++] = &all->v[i];
	if (lifecycle_find(mine, n, job->options->exec_label, &job->lifecycle,
	    p->problems, p->warnings, err) < 0)
		return -1;
	return check_copy_commands(p, job, err);
}

static int
finish_job(struct planning *p, struct job *job, struct err *err)
{
	if (targets_choose(&p->plan, p->inventory, job, p->problems,
	    p->warnings, err) < 0 ||
	    reach_choose(p->inventory, job, p->problems, err) < 0 ||
	    choose_commands(p, job, err) < 0 ||
	    check_sources(p, job, err) < 0 ||
	    check_patterns(p, job, err) < 0 ||
	    store_plan_choose(p->config, job->options, job->name,
	    &job->stores, p->problems, err) < 0 ||
	    prepare_seal(p, job, err) < 0 ||
	    prepare_verify(p, job, err) < 0 ||
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
		.problems = problems, .warnings = warnings,
		.openings = OPENINGS_INIT };
	size_t i, k;
	int rc = make_all_jobs(&p, config, err);

	for (i = 0; rc == 0 && i < p.plan.n_jobs; i++)
		rc = finish_job(&p, &p.plan.jobs[i], err);
	for (i = 0; rc == 0 && i < p.plan.n_jobs; i++)
		for (k = 0; rc == 0 && k < i; k++)
			rc = check_collision(&p, &p.plan.jobs[k],
			    &p.plan.jobs[i], err);
	openings_free(&p.openings);
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
add_target_text(struct str *s, const struct quiesce_target *target)
{
	static const char *const words[] = {
		[QUIESCE_STOP] = "stop    ", [QUIESCE_PAUSE] = "pause   ",
		[QUIESCE_SCALE] = "scale   ", [QUIESCE_CONSTRAIN] = "empty   "
	};

	str_addf(s, "  %s%s%s\n", words[target->action],
	    target->container != NULL ? target->container->name :
	    target->service->name,
	    target->no_restart ? " (not brought back)" : "");
}

static void
add_job_text(struct str *s, const struct job *job)
{
	size_t i, k;

	str_addf(s, "job %s\n", job->name);
	for (i = 0; i < job->sources.n; i++) {
		const struct source *source = &job->sources.v[i];

		str_addf(s, "  source  %s ",
		    source->type == SOURCE_VOLUME ? "volume" : "directory");
		if (source->name != NULL)
			str_addf(s, "%s ", source->name);
		str_add_visible(s, source->path);
		str_addf(s, "%s%s\n",
		    source->quiesced ? " (in the window)" : "",
		    source->through_engine ? " (through the Engine)" : "");
	}
	for (i = 0; i < job->n_windows; i++)
		for (k = 0; k < job->windows[i].n_targets; k++)
			add_target_text(s, &job->windows[i].targets[k]);
	for (i = 0; i < job->lifecycle.n; i++)
		str_addf(s, "  command %s: %s\n",
		    job->lifecycle.v[i].container->name,
		    job->lifecycle.v[i].label);
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
