#include "lib/report/metrics.h"

#include <stdbool.h>

#include "lib/report/metrics_samples.h"

/* The names in a report, as series have them. */
static int
known_names(const struct report *report, struct strlist *ret, struct err *err)
{
	size_t i;

	for (i = 0; i < report->n_jobs; i++) {
		CLEANUP(cleanup_free) char *name = NULL;

		if (message_utf8(report->jobs[i].name, &name, err) < 0 ||
		    strlist_add(ret, name, err) < 0)
			return -1;
	}
	return 0;
}

/* Every job of old has one, and only one, of these: metrics that each run
 * writes for each of its jobs. */
static bool
stands_for_job(const struct metrics_sample *sample)
{
	return sample->metric == METRIC_STATUS;
}

static int
all_have_failed(const struct report *report,
    const struct metrics_samples *old, struct metrics_samples *ret,
    struct err *err)
{
	size_t i;

	for (i = 0; i < old->n; i++)
		if (stands_for_job(&old->v[i]) && metrics_samples_failed(report,
		    old->v[i].job, ret, err) < 0)
			return -1;
	return 0;
}

/* Of jobs that this run was about, only what it cannot know better. */
static bool
stays(const struct metrics_sample *sample, const struct report *report,
    const struct strlist *known)
{
	return sample->metric == METRIC_SUCCESS_TIME ||
	    sample->metric == METRIC_ARCHIVE_SIZE ||
	    (report->n_jobs != 0 && !strlist_has(known, sample->job));
}

static int
take_over(const struct report *report, struct metrics_samples *old,
    struct metrics_samples *ret, struct err *err)
{
	CLEANUP(strlist_free) struct strlist known = STRLIST_INIT;
	size_t i;

	if (known_names(report, &known, err) < 0)
		return -1;
	for (i = 0; i < old->n; i++) {
		struct metrics_sample *from = &old->v[i];
		char *job = from->job, *more = from->more;

		if (!stays(from, report, &known))
			continue;
		from->job = from->more = NULL;
		if (metrics_samples_take(ret, from->metric, job, more,
		    from->value, err) < 0)
			return -1;
	}
	return 0;
}

int
metrics_format(const struct report *report, const char *old, char **ret,
    struct err *err)
{
	CLEANUP(metrics_samples_free) struct metrics_samples samples =
	    METRICS_SAMPLES_INIT;
	CLEANUP(metrics_samples_free) struct metrics_samples before =
	    METRICS_SAMPLES_INIT;
	size_t i;

	for (i = 0; i < report->n_jobs; i++)
		if (metrics_samples_job(report, &report->jobs[i], &samples,
		    err) < 0)
			return -1;
	if (old != NULL && metrics_samples_parse(old, &before, err) < 0)
		return -1;
	if (report->n_jobs == 0 &&
	    all_have_failed(report, &before, &samples, err) < 0)
		return -1;
	return take_over(report, &before, &samples, err) < 0 ? -1 :
	    metrics_samples_print(&samples, ret, err);
}
