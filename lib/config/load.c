#include "lib/config/load.h"

#include <stdlib.h>
#include <string.h>

#include "lib/config/problems.h"

static bool
is_good_name(const char *name)
{
	const char *p;

	for (p = name; *p != '\0'; p++)
		if (*p == '/' || (unsigned char)*p < 0x20 || *p == 0x7f)
			return false;
	return p != name;
}

static struct load_job *
find_job(const struct load *load, const char *name)
{
	struct load_job *job = load->jobs;

	while (job != NULL && strcmp(job->name, name) != 0)
		job = job->next;
	return job;
}

static void
free_job(struct load_job *job)
{
	free(job->name);
	free(job->where);
	layer_free(&job->layer);
	free(job);
}

static int
make_job(const char *name, const char *where, struct load_job **ret,
    struct err *err)
{
	struct load_job *job = calloc(1, sizeof *job);

	if (job == NULL)
		return err_nomem(err);
	job->layer = (struct layer)LAYER_INIT;
	job->layer.job = true;
	if (str_dup(name, &job->name, err) < 0 ||
	    str_dup(where, &job->where, err) < 0) {
		free_job(job);
		return -1;
	}
	*ret = job;
	return 0;
}

int
load_job(struct load *load, const char *name, const char *where,
    struct layer **ret, struct err *err)
{
	const struct load_job *twin = find_job(load, name);
	struct load_job *job = NULL;

	*ret = NULL;
	if (!is_good_name(name))
		return strlist_addf(&load->config->problems, err, "%s: '%s' "
		    "cannot be a job's name (it needs one, without a slash)",
		    where, name);
	if (twin != NULL)
		return strlist_addf(&load->config->problems, err, "%s: there "
		    "is a job '%s' already (at %s)", where, name,
		    twin->where);
	if (make_job(name, where, &job, err) < 0)
		return -1;
	if (load->last != NULL)
		load->last->next = job;
	else
		load->jobs = job;
	load->last = job;
	*ret = &job->layer;
	return 0;
}

void
load_free(struct load *load)
{
	struct load_job *job, *next;

	for (job = load->jobs; job != NULL; job = next) {
		next = job->next;
		free_job(job);
	}
	load->jobs = load->last = NULL;
	layer_free(&load->base);
	layer_free(&load->variables);
}
