#include "lib/report/filter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/regex.h"

struct filter {
	struct regex **patterns;
	size_t n;
};

int
filter_new(const struct strlist *patterns, struct filter **ret,
    struct err *err)
{
	CLEANUP(filter_freep) struct filter *filter =
	    calloc(1, sizeof *filter);

	if (filter == NULL)
		return err_nomem(err);
	filter->patterns = calloc(patterns->n + 1, sizeof *filter->patterns);
	if (filter->patterns == NULL)
		return err_nomem(err);
	for (; filter->n < patterns->n; filter->n++)
		if (regex_new(patterns->v[filter->n],
		    &filter->patterns[filter->n], err) < 0)
			return -1;
	*ret = filter;
	filter = NULL;
	return 0;
}

void
filter_free(struct filter *filter)
{
	size_t i;

	if (filter == NULL)
		return;
	for (i = 0; i < filter->n; i++)
		regex_free(filter->patterns[i]);
	free(filter->patterns);
	free(filter);
}

void
filter_freep(struct filter **filter)
{
	filter_free(*filter);
}

static bool
drops(struct filter *filter, const char *line)
{
	size_t i;

	for (i = 0; i < filter->n; i++)
		if (regex_search(filter->patterns[i], line) != REGEX_NO)
			return true;
	return false;
}

static int
add_mark(struct strlist *list, size_t n, struct err *err)
{
	return n == 0 ? 0 : strlist_addf(list, err, "[%zu line%s filtered]", n,
	    n == 1 ? "" : "s");
}

int
filter_lines(struct filter *filter, struct strlist *lines, struct err *err)
{
	CLEANUP(strlist_free) struct strlist kept = STRLIST_INIT;
	struct strlist all = *lines;
	size_t dropped = 0, i;

	if (filter->n == 0)
		return 0;
	for (i = 0; i < all.n; i++) {
		if (drops(filter, all.v[i])) {
			dropped++;
			continue;
		}
		if (add_mark(&kept, dropped, err) < 0 ||
		    strlist_add(&kept, all.v[i], err) < 0)
			return -1;
		dropped = 0;
	}
	if (add_mark(&kept, dropped, err) < 0)
		return -1;
	*lines = kept;
	kept = all;
	return 0;
}

/* A text that is an error's message stays in its place. */
static void
filter_err(struct filter *filter, struct err *text)
{
	if (text->kind != ERR_NONE && drops(filter, text->msg))
		(void)snprintf(text->msg, sizeof text->msg,
		    "[1 line filtered]");
}

static int
filter_job(struct filter *filter, struct report_job *job, struct err *err)
{
	size_t i;

	filter_err(filter, &job->err);
	for (i = 0; i < job->n_stores; i++)
		filter_err(filter, &job->stores[i].err);
	return filter_lines(filter, &job->problems, err);
}

int
filter_report(struct filter *filter, struct report *report, struct err *err)
{
	size_t i;

	filter_err(filter, &report->err);
	for (i = 0; i < report->n_jobs; i++)
		if (filter_job(filter, &report->jobs[i], err) < 0)
			return -1;
	if (filter_lines(filter, &report->settings, err) < 0 ||
	    filter_lines(filter, &report->warnings, err) < 0 ||
	    filter_lines(filter, &report->untold, err) < 0)
		return -1;
	return filter_lines(filter, &report->log, err);
}
