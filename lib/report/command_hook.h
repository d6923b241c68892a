/*
 * command_hook: a command of the configuration that is told of a run.
 *
 * It gets the report as JSON (report_json.h) on its standard input, and in its
 * environment
 *
 *   RUN_EVENT         "start", "success", "problem", "error" or "always"
 *   RUN_ID            the run's
 *   RUN_OUTCOME RUN_EXIT_STATUS   as in the report; empty at the start
 *   RUN_ERROR         the reason, or empty
 *   RUN_JOBS          names, a newline between
 *   RUN_ARCHIVES      of the jobs that have one, a newline between
 *   RUN_SECONDS RUN_SIZE_BYTES    of all jobs
 *
 * Lists are cut at 60,000 bytes. All texts are masked as the log is. What it
 * prints goes into the log.
 */
#ifndef LIB_REPORT_COMMAND_HOOK_H
#define LIB_REPORT_COMMAND_HOOK_H

#include "lib/base/err.h"
#include "lib/report/report.h"

/* command_hook_run: a signal ends it at the start of a run; at its end
 * (report_end) it runs all the same, but with little time. Fails: as
 * spawn_run. */
MUST_CHECK int command_hook_run(const char *command, const char *event,
    double timeout_s, const struct report *report, struct err *err);

#endif
