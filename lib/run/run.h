/*
 * run: the order of things.
 *
 *     lock ─> what an earlier run left ─> inventory ─> plan ─> guardian ─>
 *         for each job: stores are there, have room ─> quiesce ─> flow ─>
 *         resume ─> stores have it ─> metadata ─> latest ─> prune
 *
 * Each job succeeds or fails by itself. Whatever fails, what was stopped is
 * started. A signal ends the job that it finds and the ones behind it.
 */
#ifndef LIB_RUN_RUN_H
#define LIB_RUN_RUN_H

#include <stdbool.h>

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

/*
 * run_prune: remove old archives, and nothing else: every job in every store
 * that it may be pruned in. Takes the lock, unless dry_run.
 *
 * Takes    tell: called with each archive that was removed, or would be
 * Gives    *ret: the report; a job is "stored" if all its stores were pruned
 * Fails    as run_execute
 */
MUST_CHECK int run_prune(const struct config *config,
    const struct strlist *jobs, bool dry_run,
    void (*tell)(void *cookie, const char *place, const char *name),
    void *cookie, struct report *ret, struct err *err);

#endif
