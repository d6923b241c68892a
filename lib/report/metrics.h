/*
 * metrics: the report for Prometheus, in its text format 0.0.4.
 *
 * All are gauges; each series has the label backup_job (not job, which a scrape
 * would rename), those of a store also storage. The last success of a job stays
 * as it was while the job fails.
 *
 *   vbackup_last_run_timestamp_seconds      end of the last run
 *   vbackup_last_success_timestamp_seconds  of the last run with an archive
 *   vbackup_last_run_status                 0 failure, 1 problems, 2 success;
 *                                           a hook that failed is a problem of
 *                                           each job
 *   vbackup_last_run_duration_seconds       of the job; 0 if it was not come
 *                                           to; of the run if it had no jobs
 *   vbackup_lock_wait_seconds
 *   vbackup_archive_size_bytes              of the last archive
 *   vbackup_containers_stopped              services are counted with them
 *   vbackup_container_stop_errors
 *   vbackup_downtime_seconds                the windows
 *   vbackup_storage_archives{storage}       if pruning counted them
 *   vbackup_storage_pruned{storage}
 *   vbackup_storage_prune_errors{storage}
 *   vbackup_storage_upload_success{storage} 0 or 1
 *   vbackup_build_info{version}             1
 */
#ifndef LIB_REPORT_METRICS_H
#define LIB_REPORT_METRICS_H

#include "lib/base/err.h"
#include "lib/report/courier.h"
#include "lib/report/report.h"

/*
 * metrics_format: *ret is the text, sorted; "" if there are no jobs. Caller
 * frees.
 *
 * Takes    old: the text of the run before, or NULL: series of jobs that are
 *          not in the report are taken over, and the last success (and archive
 *          size) of those that failed. Where the run failed before its jobs
 *          were known, all jobs of old have failed now. Lines of old that are
 *          not ours are dropped.
 */
MUST_CHECK int metrics_format(const struct report *report, const char *old,
    char **ret, struct err *err);

/* What a file may have: enough for thousands of jobs. */
#define METRICS_FILE_BYTES (8u << 20)

/* metrics_check_file: is it a name that the collector reads? ERR_CONFIG unless
 * it ends in .prom. */
MUST_CHECK int metrics_check_file(const char *path, struct err *err);

/* metrics_write: to a file for node_exporter's textfile collector: replaced
 * atomically, mode 0644; what is there is read first. Runs that write at the
 * same time (one was kept out by the lock) do so one after the other. Fails: as
 * metrics_check_file; what is there is no regular file, or more than
 * METRICS_FILE_BYTES: it stays as it is. */
MUST_CHECK int metrics_write(const struct report *report, const char *path,
    struct err *err);

/* metrics_push: one POST for each job to URL/metrics/job/vbackup/instance/HOST/
 * backup_job/NAME (a POST leaves series alone that it does not name: the last
 * success). A run that failed before its jobs were known pushes for those
 * names instead (n of them). URL may have a user and a password. All jobs are
 * tried, unless nobody answers. Fails: ERR_REFUSED with what the Pushgateway
 * says, as courier_send; no message shows more of URL than scheme, host and
 * port. */
MUST_CHECK int metrics_push(const struct report *report, const char *url,
    const char *const *names, size_t n, struct courier *courier,
    struct err *err);

/* metrics_check_push: is the URL one? ERR_CONFIG without it. */
MUST_CHECK int metrics_check_push(const char *url, struct err *err);

#endif
