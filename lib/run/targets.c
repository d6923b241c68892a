#include "lib/run/targets.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/docker/engine_archive.h"
#include "lib/docker/quiesce_labels.h"
#include "lib/run/select.h"

#define NS_PER_S 1e9
#define LABEL_STACK "com.docker.stack.namespace"

/* What targets_choose is at work on. */
struct choosing {
	const struct plan *plan;
	const struct inventory *inventory;
	struct job *job;
	struct strlist *problems;
	struct strlist *warnings;
	struct quiesce_target *targets;	/* of all windows */
	size_t n;
};

/* A container or a service: whoever may be using a source. */
struct user {
	const char *kind;
	const char *name;
	const char *project;	/* or NULL */
	const struct strmap *labels;
	const struct mount *mounts;
	size_t n_mounts;
};

static struct user
user_of_container(const struct container *container)
{
	return (struct user){ "container", container->name,
		strmap_get(&container->labels, LABEL_PROJECT),
		&container->labels, container->mounts, container->n_mounts };
}

static struct user
user_of_service(const struct service *service)
{
	return (struct user){ "service", service->name,
		strmap_get(&service->labels, LABEL_STACK), &service->labels,
		service->mounts, service->n_mounts };
}

static struct user
user_of_target(const struct quiesce_target *target)
{
	return target->container != NULL ?
	    user_of_container(target->container) :
	    user_of_service(target->service);
}

/* --- for which job ------------------------------------------------------- */

static bool
uses(const struct user *user, const struct source *source)
{
	return select_uses(user->mounts, user->n_mounts, source);
}

static bool
job_uses(const struct job *job, const struct user *user)
{
	size_t i;

	for (i = 0; i < job->sources.n; i++)
		if (uses(user, &job->sources.v[i]))
			return true;
	return false;
}

static bool
job_is_of_project(const struct job *job, const char *project)
{
	size_t i;

	for (i = 0; project != NULL && i < job->sources.n; i++)
		if (job->sources.v[i].project != NULL &&
		    strcmp(job->sources.v[i].project, project) == 0)
			return true;
	return false;
}

static bool
rests_for(const struct plan *plan, const struct job *job,
    const struct user *user)
{
	bool others = false;
	size_t i;

	if (job_uses(job, user))
		return true;
	for (i = 0; i < plan->n_jobs; i++)
		if (job_uses(&plan->jobs[i], user))
			return false;
	for (i = 0; i < plan->n_jobs; i++)
		others = others ||
		    job_is_of_project(&plan->jobs[i], user->project);
	return !others || job_is_of_project(job, user->project);
}

/* --- who ----------------------------------------------------------------- */

/* Each once, though several jobs may find it. */
static int PRINTF_LIKE(3, 4)
add_once(struct strlist *list, struct err *err, const char *fmt, ...)
{
	char text[2048];	/* longer than any label's message */
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	return strlist_has(list, text) ? 0 : strlist_add(list, text, err);
}

static int
read_labels(struct choosing *c, const struct user *user, bool is_service,
    struct quiesce_labels *ret, struct err *err)
{
	static const enum quiesce_mode modes[] = {
		[QUIESCE_BY_STOP] = QUIESCE_MODE_STOP,
		[QUIESCE_BY_PAUSE] = QUIESCE_MODE_PAUSE,
		[QUIESCE_BY_NONE] = QUIESCE_MODE_NONE
	};
	const struct options *o = c->job->options;
	struct quiesce_defaults defaults = {
		.stop_value = o->stop_label,
		.no_restart_value = o->no_restart_label,
		.mode = modes[o->quiesce_mode],
		.stop_timeout_s = o->stop_timeout_ns == 0 ? -1 :
		    (double)o->stop_timeout_ns / NS_PER_S,
	};
	struct err why = ERR_INIT;

	/* Services cannot be paused: the setting is about containers. */
	if (is_service && defaults.mode == QUIESCE_MODE_PAUSE)
		defaults.mode = QUIESCE_MODE_STOP;
	*ret = (struct quiesce_labels){ .selected = false };
	if (quiesce_labels_read(user->labels, &defaults, ret, &why) == 0)
		return 0;
	*ret = (struct quiesce_labels){ .selected = false };
	if (why.kind != ERR_CONFIG) {
		*err = why;
		return -1;
	}
	return add_once(c->problems, err, "%s '%s': %s", user->kind,
	    user->name, why.msg);
}

/* Is it labelled, for this job, of the project that is looked at, and nothing
 * against it? */
static int
is_wanted(struct choosing *c, const struct user *user,
    const struct quiesce_labels *labels, bool *ret, struct err *err)
{
	const char *project = c->job->options->quiesce_project;

	*ret = false;
	if (!labels->selected || labels->mode == QUIESCE_MODE_NONE ||
	    (project != NULL && (user->project == NULL ||
	    strcmp(user->project, project) != 0)) ||
	    !rests_for(c->plan, c->job, user))
		return 0;
	if (labels->both)
		return add_once(c->problems, err, "%s '%s' is labelled both "
		    "to be brought back and not to be", user->kind,
		    user->name);
	*ret = true;
	return 0;
}

static const struct service *
service_of(const struct inventory *inventory,
    const struct container *container)
{
	const char *id = strmap_get(&container->labels, LABEL_SERVICE_ID);
	size_t i;

	for (i = 0; id != NULL && i < inventory->services.n; i++)
		if (strcmp(inventory->services.v[i].id, id) == 0)
			return &inventory->services.v[i];
	return NULL;
}

/* Both would bring back what the other has at rest. */
static int
check_service_label(struct choosing *c, const struct user *user,
    const struct service *service, struct err *err)
{
	struct user other;
	struct quiesce_labels labels;

	if (service == NULL)
		return 0;
	other = user_of_service(service);
	if (read_labels(c, &other, true, &labels, err) < 0)
		return -1;
	if (labels.any_value)
		return add_once(c->problems, err, "container '%s' and its "
		    "service '%s' are both labelled to be stopped (label one "
		    "of them)", user->name, other.name);
	/* Swarm would start another in its place at once. */
	if (service->restarts_any)
		return add_once(c->problems, err, "container '%s' is a task of "
		    "service '%s', whose restart condition is 'any': it would "
		    "not stay stopped (label the service instead, or set its "
		    "condition to on-failure)", user->name, other.name);
	return 0;
}

/* What a proxy does not let us ask is not known to be wrong. */
static int
check_removal(struct choosing *c, const struct container *container,
    struct err *err)
{
	struct container_state state;
	struct err why = ERR_INIT;

	if (engine_state(c->inventory->engine, container->id, &state,
	    &why) < 0) {
		if (why.kind == ERR_REFUSED || why.kind == ERR_NOTFOUND)
			return 0;
		*err = why;
		return -1;
	}
	if (!state.auto_remove)
		return 0;
	return add_once(c->problems, err, "container '%s' was started with "
	    "--rm: a stop would remove it (label it vbackup.quiesce=pause, or "
	    "start it without)", container->name);
}

static int
choose_container(struct choosing *c, const struct container *container,
    struct err *err)
{
	struct user user = user_of_container(container);
	struct quiesce_labels labels;
	bool wanted, pause;

	/* A paused one is at rest already, and stays as it is. */
	if (!container->running || container->paused ||
	    strmap_get(&container->labels, LABEL_HELPER) != NULL)
		return 0;
	if (read_labels(c, &user, false, &labels, err) < 0 ||
	    is_wanted(c, &user, &labels, &wanted, err) < 0)
		return -1;
	if (!wanted)
		return 0;
	if (c->inventory->own != NULL &&
	    strcmp(c->inventory->own, container->id) == 0)
		return add_once(c->warnings, err, "container '%s' is the one "
		    "that vbackup runs in: it is not stopped",
		    container->name);
	if (labels.mode == QUIESCE_MODE_CONSTRAINT)
		return add_once(c->problems, err, "container '%s': "
		    "vbackup.quiesce=constraint is for global services",
		    container->name);
	pause = labels.mode == QUIESCE_MODE_PAUSE && !labels.no_restart;
	if (check_service_label(c, &user, service_of(c->inventory, container),
	    err) < 0 ||
	    (!pause && check_removal(c, container, err) < 0))
		return -1;
	c->targets[c->n++] = (struct quiesce_target){
		.action = pause ? QUIESCE_PAUSE : QUIESCE_STOP,
		.container = container, .stop_timeout_s = labels.stop_timeout_s,
		.order = labels.order, .no_restart = labels.no_restart };
	return 0;
}

/* NULL: it can be. */
static const char *
why_not(const struct service *service, enum quiesce_mode mode)
{
	if (mode == QUIESCE_MODE_PAUSE)
		return "a service cannot be paused";
	if (service->mode == SERVICE_JOB)
		return "it is a job, which runs only once";
	if (service->mode == SERVICE_GLOBAL &&
	    mode != QUIESCE_MODE_CONSTRAINT)
		return "a global service has no count to be set to 0 (label "
		    "it vbackup.quiesce=constraint to have it emptied by a "
		    "placement constraint)";
	if (service->mode == SERVICE_REPLICATED &&
	    mode == QUIESCE_MODE_CONSTRAINT)
		return "vbackup.quiesce=constraint is for global services";
	return NULL;
}

static bool
is_own_service(const struct inventory *inventory,
    const struct service *service)
{
	size_t i;

	for (i = 0; inventory->own != NULL &&
	    i < inventory->containers.n; i++)
		if (strcmp(inventory->containers.v[i].id,
		    inventory->own) == 0)
			return service_of(inventory,
			    &inventory->containers.v[i]) == service;
	return false;
}

static int
choose_service(struct choosing *c, const struct service *service,
    struct err *err)
{
	struct user user = user_of_service(service);
	struct quiesce_labels labels;
	const char *why;
	bool wanted;

	if (read_labels(c, &user, true, &labels, err) < 0 ||
	    is_wanted(c, &user, &labels, &wanted, err) < 0)
		return -1;
	if (!wanted)
		return 0;
	if (is_own_service(c->inventory, service))
		return add_once(c->warnings, err, "service '%s' is the one "
		    "that vbackup runs in: it is left alone", service->name);
	why = why_not(service, labels.mode);
	if (why != NULL)
		return add_once(c->problems, err, "service '%s' cannot be "
		    "brought to rest: %s", service->name, why);
	c->targets[c->n++] = (struct quiesce_target){
		.action = service->mode == SERVICE_GLOBAL ?
		    QUIESCE_CONSTRAIN : QUIESCE_SCALE,
		.service = service, .stop_timeout_s = -1,
		.order = labels.order, .no_restart = labels.no_restart };
	return 0;
}

static int
choose_all(struct choosing *c, struct err *err)
{
	const struct inventory *inventory = c->inventory;
	size_t i;

	c->targets = calloc(inventory->containers.n + inventory->services.n +
	    1, sizeof *c->targets);
	if (c->targets == NULL)
		return err_nomem(err);
	for (i = 0; i < inventory->containers.n; i++)
		if (choose_container(c, &inventory->containers.v[i], err) < 0)
			return -1;
	for (i = 0; i < inventory->services.n; i++)
		if (choose_service(c, &inventory->services.v[i], err) < 0)
			return -1;
	return 0;
}

/* --- in which window ----------------------------------------------------- */

/* Number of the window of each target and source; SIZE_MAX: none. */
struct dealing {
	size_t *of_target;
	size_t *of_source;
	size_t n_windows;
};

static void
dealing_free(struct dealing *dealing)
{
	free(dealing->of_target);
	free(dealing->of_source);
}

/* A target that uses none of the job's sources rests for the sake of all. */
static bool
rests_for_source(const struct job *job, const struct quiesce_target *target,
    const struct source *source)
{
	struct user user = user_of_target(target);

	return uses(&user, source) || !job_uses(job, &user);
}

/* Everything that hangs together with target i, by the sources they use. */
static void
spread(const struct choosing *c, struct dealing *dealing, size_t i)
{
	const struct job *job = c->job;
	size_t k, m;

	dealing->of_target[i] = dealing->n_windows;
	for (k = 0; k < job->sources.n; k++) {
		if (dealing->of_source[k] != SIZE_MAX ||
		    !rests_for_source(job, &c->targets[i],
		    &job->sources.v[k]))
			continue;
		dealing->of_source[k] = dealing->n_windows;
		for (m = 0; m < c->n; m++)
			if (dealing->of_target[m] == SIZE_MAX &&
			    rests_for_source(job, &c->targets[m],
			    &job->sources.v[k]))
				spread(c, dealing, m);
	}
}

static int
deal(const struct choosing *c, struct dealing *dealing, struct err *err)
{
	bool each = c->job->options->quiesce_windows == WINDOWS_EACH;
	size_t i;

	dealing->of_target = malloc((c->n + 1) * sizeof(size_t));
	dealing->of_source = malloc((c->job->sources.n + 1) * sizeof(size_t));
	if (dealing->of_target == NULL || dealing->of_source == NULL)
		return err_nomem(err);
	for (i = 0; i < c->n; i++)
		dealing->of_target[i] = SIZE_MAX;
	for (i = 0; i < c->job->sources.n; i++)
		dealing->of_source[i] = SIZE_MAX;
	for (i = 0; i < c->n; i++) {
		if (dealing->of_target[i] != SIZE_MAX)
			continue;
		spread(c, dealing, i);
		dealing->n_windows += each;
	}
	dealing->n_windows += !each && c->n != 0;
	return 0;
}

static int
fill_window(const struct choosing *c, const struct dealing *dealing,
    size_t number, struct job_window *window, struct err *err)
{
	size_t i;

	window->targets = calloc(c->n + 1, sizeof *window->targets);
	if (window->targets == NULL)
		return err_nomem(err);
	for (i = 0; i < c->n; i++)
		if (dealing->of_target[i] == number)
			window->targets[window->n_targets++] = c->targets[i];
	return 0;
}

/* Stable: those of the first window first, those of none last. */
static int
sort_sources(struct job *job, const struct dealing *dealing, struct err *err)
{
	struct source *sorted = calloc(job->sources.n + 1, sizeof *sorted);
	size_t n = 0, i, k;

	if (sorted == NULL)
		return err_nomem(err);
	for (k = 0; k < dealing->n_windows; k++)
		for (i = 0; i < job->sources.n; i++) {
			if (dealing->of_source[i] != k)
				continue;
			sorted[n] = job->sources.v[i];
			sorted[n++].quiesced = true;
			job->windows[k].n_sources++;
		}
	for (i = 0; i < job->sources.n; i++)
		if (dealing->of_source[i] == SIZE_MAX)
			sorted[n++] = job->sources.v[i];
	free(job->sources.v);
	job->sources.v = sorted;
	return 0;
}

static int
make_windows(const struct choosing *c, struct err *err)
{
	CLEANUP(dealing_free) struct dealing dealing = { NULL, NULL, 0 };
	struct job *job = c->job;
	size_t i;

	if (deal(c, &dealing, err) < 0)
		return -1;
	job->windows = calloc(dealing.n_windows + 1, sizeof *job->windows);
	if (job->windows == NULL)
		return err_nomem(err);
	job->n_windows = dealing.n_windows;
	for (i = 0; i < dealing.n_windows; i++)
		if (fill_window(c, &dealing, i, &job->windows[i], err) < 0)
			return -1;
	return sort_sources(job, &dealing, err);
}

/* --- the whole ----------------------------------------------------------- */

int
targets_choose(const struct plan *plan, const struct inventory *inventory,
    struct job *job, struct strlist *problems, struct strlist *warnings,
    struct err *err)
{
	struct choosing c = { .plan = plan, .inventory = inventory, .job = job,
		.problems = problems, .warnings = warnings };
	int rc = choose_all(&c, err);

	if (rc == 0)
		rc = make_windows(&c, err);
	free(c.targets);
	return rc;
}

bool
targets_concern(const struct plan *plan, const struct job *job,
    const struct container *container)
{
	struct user user = user_of_container(container);

	return rests_for(plan, job, &user);
}

bool
targets_stop(const struct job *job, const struct container *container)
{
	const char *service = strmap_get(&container->labels,
	    LABEL_SERVICE_ID);
	size_t i, k;

	for (i = 0; i < job->n_windows; i++)
		for (k = 0; k < job->windows[i].n_targets; k++) {
			const struct quiesce_target *target =
			    &job->windows[i].targets[k];

			if (target->action != QUIESCE_PAUSE &&
			    target->container == container)
				return true;
			if (target->service != NULL && service != NULL &&
			    strcmp(target->service->id, service) == 0)
				return true;
		}
	return false;
}

void
targets_free(struct job *job)
{
	size_t i;

	for (i = 0; i < job->n_windows; i++)
		free(job->windows[i].targets);
	free(job->windows);
	job->windows = NULL;
	job->n_windows = 0;
}
