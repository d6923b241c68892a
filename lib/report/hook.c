#include "lib/report/hook.h"

#include <stdlib.h>

#include "lib/base/log.h"

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

void
hook_failed(struct report *report, const char *name, const struct err *why)
{
	struct err ignored;

	log_error("%s: %s", name, why->msg);
	/* Without memory the status still says it: nothing else is needed. */
	if (strlist_addf(&report->untold, &ignored, "%s: %s", name,
	    why->msg) < 0)
		report->untold_unnamed = true;
}
