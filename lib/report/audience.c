#include "lib/report/audience.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/report/hook.h"

static int
is_equal(const struct options *a, const struct options *b, enum option_id id,
    bool *ret, struct err *err)
{
	CLEANUP(cleanup_free) char *left = NULL;
	CLEANUP(cleanup_free) char *right = NULL;

	if (options_text(a, id, true, &left, err) < 0 ||
	    options_text(b, id, true, &right, err) < 0)
		return -1;
	*ret = left == NULL || right == NULL ? left == right :
	    strcmp(left, right) == 0;
	if (left != NULL)
		str_zero(left);
	if (right != NULL)
		str_zero(right);
	return 0;
}

static int
is_same(const struct audience_list *list, const struct options *a,
    const struct options *b, bool *ret, struct err *err)
{
	size_t i;

	*ret = true;
	for (i = 0; i < list->n_settings && *ret && a != b; i++)
		if (is_equal(a, b, list->settings[i], ret, err) < 0)
			return -1;
	return 0;
}

/* *ret: the audience with these settings, or NULL. */
static int
find(const struct audience_list *list, const struct options *options,
    struct audience **ret, struct err *err)
{
	bool same;
	size_t i;

	*ret = NULL;
	for (i = 0; i < list->n && *ret == NULL; i++) {
		if (is_same(list, list->v[i].options, options, &same,
		    err) < 0)
			return -1;
		if (same)
			*ret = &list->v[i];
	}
	return 0;
}

static int
add(struct audience_list *list, const struct options *options,
    struct err *err)
{
	struct audience *found, *v;

	if (find(list, options, &found, err) < 0)
		return -1;
	if (found != NULL)
		return 0;
	v = realloc(list->v, (list->n + 1) * sizeof *v);
	if (v == NULL)
		return err_nomem(err);
	list->v = v;
	v[list->n++] = (struct audience){ .options = options };
	return 0;
}

int
audience_make(const struct config *config, const enum option_id *settings,
    size_t n, struct audience_list *ret, struct err *err)
{
	CLEANUP(audience_free) struct audience_list list = {
		.settings = settings, .n_settings = n };
	size_t i;

	if (add(&list, &config->base, err) < 0)
		return -1;
	for (i = 0; i < config->n_jobs; i++)
		if (add(&list, &config->jobs[i].options, err) < 0)
			return -1;
	*ret = list;
	list = (struct audience_list)AUDIENCE_LIST_INIT;
	return 0;
}

static void
empty(struct audience_list *list, bool all)
{
	size_t i;

	for (i = 0; i < list->n; i++) {
		free(list->v[i].jobs);
		free(list->v[i].seen);
		list->v[i].jobs = NULL;
		list->v[i].seen = NULL;
		list->v[i].n_jobs = 0;
		list->v[i].all = all;
	}
}

/* Room for all jobs at once: few enough. */
static int
make_room(struct audience_list *list, size_t n, struct err *err)
{
	size_t i;

	for (i = 0; i < list->n; i++) {
		struct audience *audience = &list->v[i];

		audience->jobs = calloc(n + 1, sizeof *audience->jobs);
		audience->seen = calloc(n + 1, sizeof *audience->seen);
		if (audience->jobs == NULL || audience->seen == NULL)
			return err_nomem(err);
	}
	return 0;
}

static int
fill(struct audience_list *list, const struct report *report, struct err *err)
{
	size_t i;

	if (make_room(list, report->n_jobs, err) < 0)
		return -1;
	for (i = 0; i < report->n_jobs; i++) {
		const struct options *options = report->jobs[i].options;
		struct audience *audience = NULL;

		if (options != NULL &&
		    find(list, options, &audience, err) < 0)
			return -1;
		if (audience == NULL)
			audience = &list->v[0];
		audience->jobs[audience->n_jobs++] = i;
	}
	return 0;
}

void
audience_fill(struct audience_list *list, const struct report *report)
{
	struct err ignored;

	empty(list, false);
	if (fill(list, report, &ignored) < 0)
		empty(list, true);
}

bool
audience_concerns(const struct audience *audience,
    const struct report *report)
{
	return audience->all || report->n_jobs == 0 || audience->n_jobs != 0;
}

void
audience_free(struct audience_list *list)
{
	empty(list, false);
	free(list->v);
	*list = (struct audience_list)AUDIENCE_LIST_INIT;
}

struct report
audience_view(struct audience *audience, const struct report *report)
{
	struct report view = *report;
	size_t i;

	if (audience->all || report->n_jobs == 0)
		return view;
	view.interrupted = false;
	for (i = 0; i < audience->n_jobs; i++) {
		audience->seen[i] = report->jobs[audience->jobs[i]];
		view.interrupted = view.interrupted ||
		    audience->seen[i].interrupted;
	}
	view.jobs = audience->seen;
	view.n_jobs = audience->n_jobs;
	return view;
}

void
audience_failed(const struct audience *audience, struct report *report,
    const char *name, const struct err *why)
{
	size_t i;

	if (audience->n_jobs == 0) {
		hook_failed(report, name, why);
		return;
	}
	log_error("%s: %s", name, why->msg);
	for (i = 0; i < audience->n_jobs; i++)
		hook_failed_job(report, &report->jobs[audience->jobs[i]],
		    name, why);
}
