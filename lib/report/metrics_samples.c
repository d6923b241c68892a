#include "lib/report/metrics_samples.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "build_config.h"

#define CAP_MIN 64

static const struct metric_spec {
	const char *name;
	const char *label;	/* beside the job */
	const char *help;
} specs[METRICS] = {
	[METRIC_RUN_TIME] = { "vbackup_last_run_timestamp_seconds", NULL,
	    "End of the last run." },
	[METRIC_SUCCESS_TIME] = { "vbackup_last_success_timestamp_seconds",
	    NULL, "End of the last run that made an archive." },
	[METRIC_STATUS] = { "vbackup_last_run_status", NULL,
	    "Outcome of the last run: 0 failure, 1 problems, 2 success." },
	[METRIC_DURATION] = { "vbackup_last_run_duration_seconds", NULL,
	    "How long the last run took." },
	[METRIC_LOCK_WAIT] = { "vbackup_lock_wait_seconds", NULL,
	    "How long the last run waited for another one to finish." },
	[METRIC_ARCHIVE_SIZE] = { "vbackup_archive_size_bytes", NULL,
	    "Size of the last archive." },
	[METRIC_STOPPED] = { "vbackup_containers_stopped", NULL,
	    "Containers and services that the last run stopped." },
	[METRIC_STOP_ERRORS] = { "vbackup_container_stop_errors", NULL,
	    "Containers and services that the last run could not stop, or "
	    "not start again." },
	[METRIC_DOWNTIME] = { "vbackup_downtime_seconds", NULL,
	    "From the first stop to the last start of the last run." },
	[METRIC_STORE_ARCHIVES] = { "vbackup_storage_archives", "storage",
	    "Archives that are there after pruning." },
	[METRIC_STORE_PRUNED] = { "vbackup_storage_pruned", "storage",
	    "Archives that the last run removed." },
	[METRIC_STORE_PRUNE_ERRORS] = { "vbackup_storage_prune_errors",
	    "storage", "Archives that the last run could not remove." },
	[METRIC_STORE_UPLOAD] = { "vbackup_storage_upload_success", "storage",
	    "Whether the last run stored its archive here." },
	[METRIC_BUILD_INFO] = { "vbackup_build_info", "version",
	    "Version of vbackup that made the last run." },
};

const char *
metrics_name(enum metric metric)
{
	return metric < METRICS ? specs[metric].name : NULL;
}

const char *
metrics_label(enum metric metric)
{
	return specs[metric].label;
}

/* --- the set ------------------------------------------------------------- */

void
metrics_samples_free(struct metrics_samples *samples)
{
	size_t i;

	for (i = 0; i < samples->n; i++) {
		free(samples->v[i].job);
		free(samples->v[i].more);
	}
	free(samples->v);
	*samples = (struct metrics_samples)METRICS_SAMPLES_INIT;
}

static int
make_room(struct metrics_samples *samples, struct err *err)
{
	size_t cap = samples->cap == 0 ? CAP_MIN : 2 * samples->cap;
	struct metrics_sample *bigger;

	if (samples->n < samples->cap)
		return 0;
	bigger = realloc(samples->v, cap * sizeof *bigger);
	if (bigger == NULL)
		return err_nomem(err);
	samples->v = bigger;
	samples->cap = cap;
	return 0;
}

int
metrics_samples_take(struct metrics_samples *samples, enum metric metric,
    char *job, char *more, const char *value, struct err *err)
{
	struct metrics_sample *sample;

	if (make_room(samples, err) < 0) {
		free(job);
		free(more);
		return -1;
	}
	sample = &samples->v[samples->n];
	*sample = (struct metrics_sample){ .metric = metric, .job = job,
	    .more = more, .at = samples->n++ };
	(void)snprintf(sample->value, sizeof sample->value, "%s", value);
	return 0;
}

/* --- of a run ------------------------------------------------------------ */

struct adding {			/* what each call of add has in common */
	struct metrics_samples *samples;
	const char *job;
	const char *more;
	struct err *err;
};

static int
add_text(const struct adding *to, enum metric metric, const char *value)
{
	char *job = NULL, *more = NULL;

	if (message_utf8(to->job, &job, to->err) < 0)
		return -1;
	if (to->more != NULL && message_utf8(to->more, &more, to->err) < 0) {
		free(job);
		return -1;
	}
	return metrics_samples_take(to->samples, metric, job, more, value,
	    to->err);
}

static int
add_count(const struct adding *to, enum metric metric, uint64_t n)
{
	char value[METRICS_VALUE_BYTES];

	(void)snprintf(value, sizeof value, "%" PRIu64, n);
	return add_text(to, metric, value);
}

static int
add_time(const struct adding *to, enum metric metric, time_t t)
{
	return add_count(to, metric, t > 0 ? (uint64_t)t : 0);
}

/* Milliseconds: more is noise. */
static int
add_span(const struct adding *to, enum metric metric, double seconds)
{
	char value[METRICS_VALUE_BYTES];

	if (!(seconds > 0 && seconds < 1e15))
		return add_count(to, metric, 0);
	(void)snprintf(value, sizeof value, "%.3f", seconds);
	return add_text(to, metric, value);
}

static unsigned
status_of(const struct report *report, const struct report_job *job)
{
	return !job->stored ? 0 :
	    job->n_problems != 0 || report->untold.n != 0 ? 1 : 2;
}

static int
add_store(const struct adding *job, const struct report_store *store)
{
	struct adding to = *job;

	to.more = store->label;
	if (store->label == NULL)	/* it was not come to */
		return 0;
	if (store->pruning && add_count(&to, METRIC_STORE_ARCHIVES,
	    store->total > store->pruned ? store->total - store->pruned :
	    0) < 0)
		return -1;
	return add_count(&to, METRIC_STORE_PRUNED, store->pruned) < 0 ||
	    add_count(&to, METRIC_STORE_PRUNE_ERRORS, store->prune_errors) <
	    0 || add_count(&to, METRIC_STORE_UPLOAD,
	    report_store_is_good(store)) < 0 ?
	    -1 : 0;
}

static int
add_build_info(const struct adding *job)
{
	struct adding to = *job;

	to.more = BUILD_VERSION;
	return add_count(&to, METRIC_BUILD_INFO, 1);
}

/* Where there is an archive; else the last values stay. */
static int
add_success(const struct adding *to, const struct report_job *job,
    time_t end)
{
	if (!job->stored)
		return 0;
	return add_time(to, METRIC_SUCCESS_TIME, end) < 0 ? -1 :
	    add_count(to, METRIC_ARCHIVE_SIZE, job->size_bytes);
}

int
metrics_samples_job(const struct report *report, const struct report_job *job,
    struct metrics_samples *samples, struct err *err)
{
	const struct adding to = { samples, job->name, NULL, err };
	time_t end = report->finished != 0 ? report->finished :
	    report->started;
	size_t i;

	for (i = 0; i < job->n_stores; i++)
		if (add_store(&to, &job->stores[i]) < 0)
			return -1;
	return add_time(&to, METRIC_RUN_TIME, end) < 0 ||
	    add_success(&to, job, end) < 0 ||
	    add_count(&to, METRIC_STATUS, status_of(report, job)) < 0 ||
	    add_span(&to, METRIC_DURATION, job->seconds) < 0 ||
	    add_span(&to, METRIC_LOCK_WAIT, report->lock_wait_s) < 0 ||
	    add_count(&to, METRIC_STOPPED, job->containers.stopped +
	    job->services.stopped) < 0 ||
	    add_count(&to, METRIC_STOP_ERRORS, job->containers.errors +
	    job->services.errors) < 0 ||
	    add_span(&to, METRIC_DOWNTIME, job->window_s) < 0 ||
	    add_build_info(&to) < 0 ? -1 : 0;
}

int
metrics_samples_failed(const struct report *report, const char *name,
    struct metrics_samples *samples, struct err *err)
{
	CLEANUP(cleanup_free) char *copy = NULL;
	struct report_job job = { .seconds = report->seconds };

	if (str_dup(name, &copy, err) < 0)
		return -1;
	job.name = copy;
	return metrics_samples_job(report, &job, samples, err);
}

/* --- text ---------------------------------------------------------------- */

/* Series of the same metric beside each other, the first that was added first
 * among those that are the same. */
static int
compare_series(const struct metrics_sample *a, const struct metrics_sample *b)
{
	int order = (a->metric > b->metric) - (a->metric < b->metric);

	if (order == 0)
		order = strcmp(a->job, b->job);
	if (order == 0)
		order = strcmp(a->more != NULL ? a->more : "",
		    b->more != NULL ? b->more : "");
	return order;
}

static int
compare(const void *a, const void *b)
{
	const struct metrics_sample *x = a, *y = b;
	int order = compare_series(x, y);

	return order != 0 ? order : (x->at > y->at) - (x->at < y->at);
}

static void
add_label(struct str *text, const char *name, const char *value)
{
	str_addf(text, "%s=\"", name);
	for (; *value != '\0'; value++) {
		if (*value == '\n')
			str_add(text, "\\n");
		else if (*value == '\\' || *value == '"')
			str_addf(text, "\\%c", *value);
		else
			str_addn(text, value, 1);
	}
	str_add(text, "\"");
}

static void
print_one(const struct metrics_sample *sample, struct str *text)
{
	const struct metric_spec *spec = &specs[sample->metric];

	str_addf(text, "%s{", spec->name);
	add_label(text, "backup_job", sample->job);
	if (sample->more != NULL) {
		str_add(text, ",");
		add_label(text, spec->label, sample->more);
	}
	str_addf(text, "} %s\n", sample->value);
}

int
metrics_samples_print(struct metrics_samples *samples, char **ret,
    struct err *err)
{
	CLEANUP(str_free) struct str text = STR_INIT;
	const struct metrics_sample *one, *before = NULL;
	size_t i;

	if (samples->n != 0)
		qsort(samples->v, samples->n, sizeof *samples->v, compare);
	for (i = 0; i < samples->n; i++, before = one) {
		one = &samples->v[i];
		if (before != NULL && compare_series(before, one) == 0)
			continue;
		if (before == NULL || before->metric != one->metric)
			str_addf(&text, "# HELP %s %s\n# TYPE %s gauge\n",
			    specs[one->metric].name, specs[one->metric].help,
			    specs[one->metric].name);
		print_one(one, &text);
	}
	return str_take(&text, ret, err);
}
