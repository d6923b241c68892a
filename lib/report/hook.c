#include "lib/report/hook.h"

#include <stdlib.h>

#include "lib/base/log.h"
#include "lib/report/filter.h"

int
hooks_add(struct hooks *hooks, const struct hook *hook, struct err *err)
{
	struct hook *v = realloc(hooks->v, (hooks->n + 1) * sizeof *v);

	if (v == NULL)
		return err_nomem(err);
	hooks->v = v;
	v[hooks->n++] = *hook;
	return 0;
}

static bool
is_due(const struct hook *hook, const struct report *report)
{
	enum outcome outcome = report_outcome(report);

	return hook->when == HOOK_ALWAYS ||
	    outcome == (hook->when == HOOK_ON_SUCCESS ? OUTCOME_SUCCESS :
	    hook->when == HOOK_ON_PROBLEMS ? OUTCOME_PROBLEMS :
	    OUTCOME_FAILURE);
}

void
hooks_run(const struct hooks *hooks, struct report *report)
{
	int now;
	size_t i;

	for (now = HOOK_PLUMBING; now <= HOOK_INFO; now++)
		for (i = 0; i < hooks->n; i++)
			if ((int)hooks->v[i].level == now &&
			    is_due(&hooks->v[i], report))
				hooks->v[i].run(hooks->v[i].cookie, report);
}

void
hooks_free(struct hooks *hooks)
{
	free(hooks->v);
	*hooks = (struct hooks)HOOKS_INIT;
}

/* As it may leave the host. */
static int
make_line(const struct report *report, const char *name,
    const struct err *why, struct strlist *ret, struct err *err)
{
	if (strlist_addf(ret, err, "%s: %s", name, why->msg) < 0)
		return -1;
	return report->filter == NULL ? 0 :
	    filter_lines(report->filter, ret, err);
}

void
hook_failed(struct report *report, const char *name, const struct err *why)
{
	CLEANUP(strlist_free) struct strlist line = STRLIST_INIT;
	struct err ignored;

	log_error("%s: %s", name, why->msg);
	/* Without memory the status still says it: nothing else is needed. */
	if (make_line(report, name, why, &line, &ignored) < 0 ||
	    strlist_add(&report->untold, line.v[0], &ignored) < 0)
		report->untold_unnamed = true;
}

void
hook_failed_job(const struct report *report, struct report_job *job,
    const char *name, const struct err *why)
{
	CLEANUP(strlist_free) struct strlist line = STRLIST_INIT;
	struct err ignored;

	if (make_line(report, name, why, &line, &ignored) < 0)
		job->n_problems++;
	else
		report_problem(job, "%s", line.v[0]);
}
