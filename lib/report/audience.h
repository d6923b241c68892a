/*
 * audience: jobs that share the settings of who is told.
 *
 * A job may have notification URLs of its own. So not everybody is told of
 * everything: each audience is told of its jobs, by one message. A run that
 * failed before its jobs were known is told to all audiences that could be.
 */
#ifndef LIB_REPORT_AUDIENCE_H
#define LIB_REPORT_AUDIENCE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/config/config.h"
#include "lib/report/report.h"

struct audience {
	const struct options *options;	/* in the configuration */
	size_t *jobs;			/* indices into the report's */
	size_t n_jobs;
	bool all;			/* memory lacked: it is told of all */
	struct report_job *seen;	/* of the view; see there */
};

struct audience_list {
	const enum option_id *settings;	/* borrowed */
	size_t n_settings;
	struct audience *v;
	size_t n;
};

#define AUDIENCE_LIST_INIT { NULL, 0, NULL, 0 }

/* audience_make: all audiences of a configuration, without jobs yet: base, and
 * those of its jobs that differ from it, and from each other, in one of these
 * settings (n of them). config and settings are borrowed. */
MUST_CHECK int audience_make(const struct config *config,
    const enum option_id *settings, size_t n, struct audience_list *ret,
    struct err *err);
void audience_free(struct audience_list *list);	/* for CLEANUP */

/* audience_fill: each job of the report belongs to the audience that has its
 * settings; one without options to the first. What was filled in before goes.
 * Without memory everybody is told of everything. */
void audience_fill(struct audience_list *list, const struct report *report);

/* audience_concerns: is this audience to be told of this run? Not if others
 * have all its jobs. */
bool audience_concerns(const struct audience *audience,
    const struct report *report);

/* audience_view: the report as this audience may see it: with its own jobs
 * only, and interrupted only if one of them was. Borrows everything, until the
 * report changes or the next view: never to be freed. Its log is the whole
 * run's. */
struct report audience_view(struct audience *audience,
    const struct report *report);

/* audience_failed: this audience could not be told: a problem of its jobs, or
 * of the run where there are none. Logged, as by hook_failed. */
void audience_failed(const struct audience *audience, struct report *report,
    const char *name, const struct err *why);

#endif
