/*
 * run: the order of things.
 *
 *     lock ─> inventory ─> plan ─> for each job:
 *         store is there, has room ─> quiesce ─> flow ─> resume
 *         ─> put ─> metadata ─> latest
 *
 * Each job succeeds or fails by itself. Whatever fails, what was stopped is
 * started. A signal ends the job that it finds and the ones behind it.
 */
#ifndef LIB_RUN_RUN_H
#define LIB_RUN_RUN_H

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/config/config.h"
#include "lib/report/report.h"

/*
 * run_check: is everything known beforehand in order? Asks the Engine, reads
 * directories, touches nothing, takes no lock.
 *
 * Gives    problems and warnings, appended to; *ret_plan (may be NULL): what
 *          --dry-run prints, caller frees, NULL where there are problems
 * Fails    a configured Engine does not answer, ERR_NOMEM
 */
MUST_CHECK int run_check(const struct config *config,
    const struct strlist *jobs, struct strlist *problems,
    struct strlist *warnings, char **ret_plan, struct err *err);

/*
 * run_execute: take a backup.
 *
 * Takes    config without problems; jobs: names, empty for all
 * Gives    *ret: the report, if 0 is returned; report_free
 * Fails    before any job: ERR_LOCKED, ERR_INTERRUPTED, ERR_CONFIG (the
 *          problems are logged), the Engine does not answer
 */
MUST_CHECK int run_execute(const struct config *config,
    const struct strlist *jobs, struct report *ret, struct err *err);

#endif
