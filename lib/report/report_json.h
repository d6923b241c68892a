/*
 * report_json: the report as a document: `run --json`, the standard input of
 * command hooks, {{ .Report }} in templates.
 *
 *   {"version":1,"vbackup":"0.1.0","id":UUID,"host":..,"outcome":"success|
 *    problems|failure","exit_status":n,"started":RFC 3339,"finished":..,
 *    "seconds":n,"lock_wait_seconds":n,"interrupted":b,"at_rest":b,
 *    "error":text or null,"errors":[..],"problems":[..],"warnings":[..],
 *    "containers":{"all":n,"to_stop":n,"stopped":n,"errors":n},
 *    "services":{the same},
 *    "jobs":[{"name":..,"outcome":..,"error":text or null,
 *      "archive":path, URL or null,"started":..,"seconds":n,
 *      "window_seconds":n,"size_bytes":n,"raw_bytes":n,"files":n,
 *      "containers":{"to_stop":..},"services":{},
 *      "problems":[..],"problems_count":n,
 *      "stores":[{"label":..,"stored":b,"verified":b or null,"error":text or
 *        null,"archives":n or null,"pruned":n,"prune_errors":n}]}],
 *    "log":[..]}
 *
 * "error" is the first reason of a failure or of problems. "errors" are all
 * reasons of a failure: of the run, of its settings, of each job and store
 * without a good archive (behind the job's name where there are several).
 * "problems" of the run are those of no job. A job that was not come to has no
 * "started". "verified" is null where it was not read back. "archives" counts
 * those that are there now; null if pruning did not look. Seconds are to the
 * millisecond. All texts are masked as the log is, and are UTF-8 (see
 * message_utf8).
 */
#ifndef LIB_REPORT_REPORT_JSON_H
#define LIB_REPORT_REPORT_JSON_H

#include "lib/base/err.h"
#include "lib/report/report.h"

struct cJSON;

/* report_json: *ret is the tree; json_free. */
MUST_CHECK int report_json(const struct report *report, struct cJSON **ret,
    struct err *err);

/* report_json_text: the document, ending in a newline; caller frees. */
MUST_CHECK int report_json_text(const struct report *report, char **ret,
    struct err *err);

#endif
