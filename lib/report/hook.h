/*
 * hook: what is done when a run is over.
 *
 *     hooks_add ..., hooks_run
 *
 * Hooks run by level, plumbing < error < info, and in the order they were
 * added within one. All run, even if one fails. Whether a hook for successes,
 * or one for the rest, is due is asked when its turn comes: what failed before
 * it counts.
 */
#ifndef LIB_REPORT_HOOK_H
#define LIB_REPORT_HOOK_H

#include <stddef.h>

#include "lib/base/err.h"
#include "lib/report/report.h"

enum hook_level { HOOK_PLUMBING, HOOK_ERROR, HOOK_INFO };
enum hook_when { HOOK_ALWAYS, HOOK_ON_SUCCESS, HOOK_ON_PROBLEMS,
	HOOK_ON_FAILURE };	/* of the run */

struct hook {
	enum hook_level level;
	enum hook_when when;
	/* Tells hook_failed of what fails. */
	void (*run)(void *cookie, struct report *report);
	void *cookie;		/* borrowed */
};

struct hooks {
	struct hook *v;
	size_t n;
};

#define HOOKS_INIT { NULL, 0 }

MUST_CHECK int hooks_add(struct hooks *hooks, const struct hook *hook,
    struct err *err);
void hooks_run(const struct hooks *hooks, struct report *report);
void hooks_free(struct hooks *hooks);	/* for CLEANUP */

/* hook_failed: log it, and put it down in report->untold. hook_failed_job: put
 * it down as a problem of this job. Both as the report's filter lets it pass;
 * cannot fail. */
void hook_failed(struct report *report, const char *name,
    const struct err *why);
void hook_failed_job(const struct report *report, struct report_job *job,
    const char *name, const struct err *why);

#endif
