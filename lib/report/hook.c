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
	const struct report view = hook->audience == NULL ? *report :
	    audience_view(hook->audience, report);
	enum outcome outcome = report_outcome(&view);

	switch (hook->when) {
	case HOOK_ON_SUCCESS:
		return outcome == OUTCOME_SUCCESS;
	case HOOK_ON_PROBLEMS:
		return outcome == OUTCOME_PROBLEMS;
	case HOOK_ON_FAILURE:
		return outcome == OUTCOME_FAILURE;
	case HOOK_ON_TROUBLE:
		return outcome != OUTCOME_SUCCESS;
	default:
		return true;
	}
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
put_down(struct report *report, const char *name, const struct err *why,
    struct err *err)
{
	CLEANUP(strlist_free) struct strlist line = STRLIST_INIT;

	if (strlist_addf(&line, err, "%s: %s", name, why->msg) < 0 ||
	    (report->filter != NULL &&
	    filter_lines(report->filter, &line, err) < 0))
		return -1;
	return strlist_add(&report->untold, line.v[0], err);
}

void
hook_failed(struct report *report, const char *name, const struct err *why)
{
	struct err ignored;

	log_error("%s: %s", name, why->msg);
	/* Without memory the status still says it: nothing else is needed. */
	if (put_down(report, name, why, &ignored) < 0)
		report->untold_unnamed = true;
}
