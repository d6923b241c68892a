/*
 * metrics_samples: series and their values, on their way into Prometheus's
 * text format and out of it. For metrics*.c only.
 *
 *     metrics_samples_run, metrics_samples_parse ..., metrics_samples_print
 *
 * A set knows each series once: what was added first wins. Texts are UTF-8
 * without control characters but newline and tab; values are as they are
 * printed, so that what is read is printed as it was.
 */
#ifndef LIB_REPORT_METRICS_SAMPLES_H
#define LIB_REPORT_METRICS_SAMPLES_H

#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/report/report.h"

enum metric {
	METRIC_RUN_TIME,
	METRIC_SUCCESS_TIME,
	METRIC_STATUS,
	METRIC_DURATION,
	METRIC_LOCK_WAIT,
	METRIC_ARCHIVE_SIZE,
	METRIC_STOPPED,
	METRIC_STOP_ERRORS,
	METRIC_DOWNTIME,
	METRIC_STORE_ARCHIVES,
	METRIC_STORE_PRUNED,
	METRIC_STORE_PRUNE_ERRORS,
	METRIC_STORE_UPLOAD,
	METRIC_BUILD_INFO,
	METRICS
};

#define METRICS_VALUE_BYTES 32

struct metrics_sample {		/* of one series */
	enum metric metric;
	char *job;
	char *more;		/* storage, or version; NULL: neither */
	char value[METRICS_VALUE_BYTES];
	size_t at;		/* its place in the order of adding */
};

struct metrics_samples {
	struct metrics_sample *v;
	size_t n;
	size_t cap;
};

#define METRICS_SAMPLES_INIT { NULL, 0, 0 }

void metrics_samples_free(struct metrics_samples *samples); /* for CLEANUP */

/* metrics_samples_take: add what is clean already; job and more (may be NULL)
 * are taken, whatever comes of it. */
MUST_CHECK int metrics_samples_take(struct metrics_samples *samples,
    enum metric metric, char *job, char *more, const char *value,
    struct err *err);

/* metrics_samples_job: what a run says of this job. */
MUST_CHECK int metrics_samples_job(const struct report *report,
    const struct report_job *job, struct metrics_samples *samples,
    struct err *err);

/* metrics_samples_failed: what a run that knew no jobs says of one of this
 * name. */
MUST_CHECK int metrics_samples_failed(const struct report *report,
    const char *name, struct metrics_samples *samples, struct err *err);

/* metrics_samples_parse: of a text that metrics_samples_print may have made;
 * lines that it cannot have made are left out. */
MUST_CHECK int metrics_samples_parse(const char *text,
    struct metrics_samples *samples, struct err *err);

/* metrics_samples_print: *ret is the text; sorts them, and drops what is there
 * twice. Caller frees. */
MUST_CHECK int metrics_samples_print(struct metrics_samples *samples,
    char **ret, struct err *err);

/* metrics_name: "vbackup_last_run_status"; NULL: there is no such number.
 * metrics_label: of `more`: "storage", "version", or NULL. */
const char *metrics_name(enum metric metric);
const char *metrics_label(enum metric metric);

#endif
