#include "lib/report/report_json.h"

#include <cjson/cJSON.h>

#include "build_config.h"
#include "lib/base/json.h"
#include "lib/report/report_json_add.h"

/* --- why it failed ------------------------------------------------------- */

static const char *
job_error(const struct report_job *job)
{
	if (job->stored)
		return NULL;
	return job->err.kind != ERR_NONE ? job->err.msg :
	    "the job was not begun";
}

/* A job fails with its only store, for the same reason: once is enough. */
static int
add_error(struct strlist *errors, const char *job, const char *text,
    struct err *err)
{
	CLEANUP(cleanup_free) char *line = NULL;

	if (str_format(&line, err, "%s%s%s", job != NULL ? job : "",
	    job != NULL ? ": " : "", text) < 0)
		return -1;
	return strlist_has(errors, line) ? 0 : strlist_add(errors, line, err);
}

static int
add_job_errors(struct strlist *errors, const struct report_job *job,
    const char *name, struct err *err)
{
	size_t i;

	if (!job->stored &&
	    add_error(errors, name, job_error(job), err) < 0)
		return -1;
	for (i = 0; i < job->n_stores; i++)
		if (!report_store_is_good(&job->stores[i]) &&
		    job->stores[i].err.kind != ERR_NONE &&
		    add_error(errors, name, job->stores[i].err.msg, err) < 0)
			return -1;
	return 0;
}

/* The name of a job stands where there are several. */
static int
add_errors(struct cJSON *root, const struct report *report, struct err *err)
{
	CLEANUP(strlist_free) struct strlist errors = STRLIST_INIT;
	size_t i;

	if (report->err.kind != ERR_NONE &&
	    add_error(&errors, NULL, report->err.msg, err) < 0)
		return -1;
	for (i = 0; i < report->settings.n; i++)
		if (add_error(&errors, NULL, report->settings.v[i], err) < 0)
			return -1;
	for (i = 0; report->finished != 0 && i < report->n_jobs; i++)
		if (add_job_errors(&errors, &report->jobs[i],
		    report->n_jobs > 1 ? report->jobs[i].name : NULL, err) < 0)
			return -1;
	return json_add_texts(root, "errors", &errors, err);
}

/* --- jobs ---------------------------------------------------------------- */

static int
add_count(struct cJSON *object, const struct report_count *count,
    struct err *err)
{
	if (json_add_count(object, "to_stop", count->to_stop, err) < 0 ||
	    json_add_count(object, "stopped", count->stopped, err) < 0)
		return -1;
	return json_add_count(object, "errors", count->errors, err);
}

static int
add_counts(struct cJSON *parent, const char *key, const size_t *all,
    const struct report_count *count, struct err *err)
{
	struct cJSON *object;

	if (json_add_object(parent, key, &object, err) < 0 ||
	    (all != NULL && json_add_count(object, "all", *all, err) < 0))
		return -1;
	return add_count(object, count, err);
}

static int
add_store(struct cJSON *array, const struct report_store *store,
    struct err *err)
{
	struct cJSON *object;

	if (json_add_object(array, NULL, &object, err) < 0 ||
	    json_add_text(object, "label", store->label, err) < 0 ||
	    json_add_bool(object, "stored", store->stored, err) < 0 ||
	    (store->verify ?
	    json_add_bool(object, "verified", store->verified, err) :
	    json_add_text(object, "verified", NULL, err)) < 0 ||
	    json_add_text(object, "error", store->err.kind != ERR_NONE ?
	    store->err.msg : NULL, err) < 0)
		return -1;
	if (store->pruning ? json_add_count(object, "archives",
	    store->total > store->pruned ? store->total - store->pruned : 0,
	    err) < 0 : json_add_text(object, "archives", NULL, err) < 0)
		return -1;
	if (json_add_count(object, "pruned", store->pruned, err) < 0)
		return -1;
	return json_add_count(object, "prune_errors", store->prune_errors,
	    err);
}

static int
add_stores(struct cJSON *object, const struct report_job *job, struct err *err)
{
	struct cJSON *array;
	size_t i;

	if (json_add_array(object, "stores", &array, err) < 0)
		return -1;
	for (i = 0; i < job->n_stores; i++)
		if (add_store(array, &job->stores[i], err) < 0)
			return -1;
	return 0;
}

static int
add_job_amounts(struct cJSON *object, const struct report_job *job,
    struct err *err)
{
	if (json_add_time(object, "started", job->started, err) < 0 ||
	    json_add_seconds(object, "seconds", job->seconds, err) < 0 ||
	    json_add_seconds(object, "window_seconds", job->window_s,
	    err) < 0 ||
	    json_add_count(object, "size_bytes", job->size_bytes, err) < 0 ||
	    json_add_count(object, "raw_bytes", job->raw_bytes, err) < 0 ||
	    json_add_count(object, "files", job->files, err) < 0 ||
	    add_counts(object, "containers", NULL, &job->containers, err) < 0)
		return -1;
	return add_counts(object, "services", NULL, &job->services, err);
}

static int
add_job(struct cJSON *array, const struct report_job *job, bool over,
    struct err *err)
{
	struct cJSON *object;
	enum outcome outcome = !job->stored ? OUTCOME_FAILURE :
	    job->n_problems != 0 ? OUTCOME_PROBLEMS : OUTCOME_SUCCESS;

	if (json_add_object(array, NULL, &object, err) < 0 ||
	    json_add_text(object, "name", job->name, err) < 0 ||
	    json_add_text(object, "outcome",
	    over ? outcome_name(outcome) : NULL, err) < 0 ||
	    json_add_text(object, "error", over ? job_error(job) : NULL,
	    err) < 0 ||
	    json_add_text(object, "archive", job->archive, err) < 0 ||
	    add_job_amounts(object, job, err) < 0 ||
	    json_add_texts(object, "problems", &job->problems, err) < 0 ||
	    json_add_count(object, "problems_count", job->n_problems,
	    err) < 0)
		return -1;
	return add_stores(object, job, err);
}

/* --- the run ------------------------------------------------------------- */

static void
add_up(struct report_count *sum, const struct report_count *count)
{
	sum->to_stop += count->to_stop;
	sum->stopped += count->stopped;
	sum->errors += count->errors;
}

static int
add_all_counts(struct cJSON *root, const struct report *report,
    struct err *err)
{
	struct report_count containers = { 0 }, services = { 0 };
	size_t i;

	for (i = 0; i < report->n_jobs; i++) {
		add_up(&containers, &report->jobs[i].containers);
		add_up(&services, &report->jobs[i].services);
	}
	if (add_counts(root, "containers", &report->n_containers, &containers,
	    err) < 0)
		return -1;
	return add_counts(root, "services", &report->n_services, &services,
	    err);
}

static int
add_jobs(struct cJSON *root, const struct report *report, struct err *err)
{
	struct cJSON *array;
	size_t i;

	if (json_add_array(root, "jobs", &array, err) < 0)
		return -1;
	for (i = 0; i < report->n_jobs; i++)
		if (add_job(array, &report->jobs[i], report->finished != 0,
		    err) < 0)
			return -1;
	return 0;
}

/* At the start nothing of it is known. */
static int
add_outcome(struct cJSON *root, const struct report *report, struct err *err)
{
	if (report->finished == 0)
		return json_add_text(root, "outcome", NULL, err) < 0 ? -1 :
		    json_add_text(root, "exit_status", NULL, err);
	return json_add_text(root, "outcome",
	    outcome_name(report_outcome(report)), err) < 0 ? -1 :
	    json_add_count(root, "exit_status", report_exit(report), err);
}

static int
add_head(struct cJSON *root, const struct report *report, struct err *err)
{
	if (json_add_count(root, "version", 1, err) < 0 ||
	    json_add_text(root, "vbackup", BUILD_VERSION, err) < 0 ||
	    json_add_text(root, "id", report->id, err) < 0 ||
	    json_add_text(root, "host", report->host, err) < 0 ||
	    add_outcome(root, report, err) < 0 ||
	    json_add_time(root, "started", report->started, err) < 0 ||
	    json_add_time(root, "finished", report->finished, err) < 0 ||
	    json_add_seconds(root, "seconds", report->seconds, err) < 0 ||
	    json_add_seconds(root, "lock_wait_seconds", report->lock_wait_s,
	    err) < 0 ||
	    json_add_bool(root, "interrupted", report->interrupted, err) < 0)
		return -1;
	return json_add_bool(root, "at_rest", report->at_rest, err);
}

int
report_json(const struct report *report, struct cJSON **ret, struct err *err)
{
	CLEANUP(json_free) struct cJSON *root = cJSON_CreateObject();

	if (root == NULL)
		return err_nomem(err);
	if (add_head(root, report, err) < 0 ||
	    json_add_text(root, "error", report->finished != 0 ?
	    report_error(report) : NULL, err) < 0 ||
	    add_errors(root, report, err) < 0 ||
	    json_add_texts(root, "problems", &report->untold, err) < 0 ||
	    json_add_texts(root, "warnings", &report->warnings, err) < 0 ||
	    add_all_counts(root, report, err) < 0 ||
	    add_jobs(root, report, err) < 0 ||
	    json_add_texts(root, "log", &report->log, err) < 0)
		return -1;
	*ret = root;
	root = NULL;
	return 0;
}

int
report_json_text(const struct report *report, char **ret, struct err *err)
{
	CLEANUP(json_free) struct cJSON *root = NULL;
	CLEANUP(cleanup_free) char *line = NULL;

	if (report_json(report, &root, err) < 0 ||
	    json_print(root, &line, err) < 0)
		return -1;
	return str_format(ret, err, "%s\n", line);
}
