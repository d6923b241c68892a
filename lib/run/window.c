#include "lib/run/window.h"

#include <stdlib.h>
#include <string.h>

#include "lib/docker/quiesce.h"
#include "lib/run/select.h"

static bool
job_uses(const struct job *job, const struct container *container)
{
	size_t i;

	for (i = 0; i < job->sources.n; i++)
		if (select_uses(container, &job->sources.v[i]))
			return true;
	return false;
}

static bool
any_job_uses(const struct plan *plan, const struct container *container)
{
	size_t i;

	for (i = 0; i < plan->n_jobs; i++)
		if (job_uses(&plan->jobs[i], container))
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
any_job_of_project(const struct plan *plan, const char *project)
{
	size_t i;

	for (i = 0; i < plan->n_jobs; i++)
		if (job_is_of_project(&plan->jobs[i], project))
			return true;
	return false;
}

static bool
stops_for(const struct plan *plan, const struct job *job,
    const struct container *container)
{
	const char *project = strmap_get(&container->labels, LABEL_PROJECT);

	/* A paused one is at rest already, and stays as it is. */
	if (!container->running || container->paused ||
	    !quiesce_selects(container, job->options->stop_label))
		return false;
	if (job_uses(job, container))
		return true;
	if (any_job_uses(plan, container))
		return false;
	return !any_job_of_project(plan, project) ||
	    job_is_of_project(job, project);
}

static void
mark_quiesced(struct job *job)
{
	size_t i, k;

	for (i = 0; i < job->n_stopped; i++) {
		bool uses_none = !job_uses(job, job->stopped[i]);

		for (k = 0; k < job->sources.n; k++)
			if (uses_none || select_uses(job->stopped[i],
			    &job->sources.v[k]))
				job->sources.v[k].quiesced = true;
	}
}

/* Stable: the quiesced ones come first. */
static int
quiesced_first(struct job *job, struct err *err)
{
	struct source *sorted = calloc(job->sources.n + 1, sizeof *sorted);
	size_t n = 0, i;

	if (sorted == NULL)
		return err_nomem(err);
	for (i = 0; i < job->sources.n; i++)
		if (job->sources.v[i].quiesced)
			sorted[n++] = job->sources.v[i];
	job->n_quiesced = n;
	for (i = 0; i < job->sources.n; i++)
		if (!job->sources.v[i].quiesced)
			sorted[n++] = job->sources.v[i];
	free(job->sources.v);
	job->sources.v = sorted;
	return 0;
}

int
window_choose(const struct plan *plan, const struct inventory *inventory,
    struct job *job, struct err *err)
{
	const struct container_list *containers = &inventory->containers;
	size_t i;

	job->stopped = calloc(containers->n + 1, sizeof *job->stopped);
	if (job->stopped == NULL)
		return err_nomem(err);
	for (i = 0; i < containers->n; i++)
		if (stops_for(plan, job, &containers->v[i]))
			job->stopped[job->n_stopped++] = &containers->v[i];
	mark_quiesced(job);
	return quiesced_first(job, err);
}
