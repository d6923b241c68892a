#define _GNU_SOURCE
#include "lib/report/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

int
report_init(struct report *ret, const char *const *names, size_t n,
    struct err *err)
{
	struct report report = { 0 };
	size_t i;

	report.jobs = calloc(n != 0 ? n : 1, sizeof *report.jobs);
	if (report.jobs == NULL)
		return err_nomem(err);
	report.n_jobs = n;
	for (i = 0; i < n; i++) {
		if (str_dup(names[i], &report.jobs[i].name, err) < 0) {
			report_free(&report);
			return -1;
		}
	}
	*ret = report;
	return 0;
}

static void
job_free(struct report_job *job)
{
	size_t i;

	for (i = 0; i < job->n_stores; i++)
		free(job->stores[i].label);
	free(job->stores);
	free(job->name);
	free(job->archive);
	strlist_free(&job->problems);
}

void
report_free(struct report *report)
{
	size_t i;

	for (i = 0; i < report->n_jobs; i++)
		job_free(&report->jobs[i]);
	free(report->jobs);
	*report = (struct report){ 0 };
}

int
report_stores(struct report_job *job, size_t n, struct err *err)
{
	job->stores = calloc(n + 1, sizeof *job->stores);
	if (job->stores == NULL)
		return err_nomem(err);
	job->n_stores = n;
	return 0;
}

void
report_problem(struct report_job *job, const char *fmt, ...)
{
	CLEANUP(cleanup_free) char *text = NULL;
	struct err ignored;
	va_list args;
	int n;

	job->n_problems++;
	if (job->problems.n >= REPORT_PROBLEMS_NAMED)
		return;
	va_start(args, fmt);
	n = vasprintf(&text, fmt, args);
	va_end(args);
	if (n < 0)
		text = NULL;
	else
		(void)!strlist_add(&job->problems, text, &ignored);
}

enum exit_status
report_exit(const struct report *report)
{
	bool problems = false;
	size_t i;

	if (report->interrupted && !report->at_rest)
		return EXIT_INTERRUPTED;
	for (i = 0; i < report->n_jobs; i++) {
		if (!report->jobs[i].stored)
			return EXIT_FAILED;
		problems = problems || report->jobs[i].n_problems != 0;
	}
	return problems ? EXIT_PROBLEMS : EXIT_DONE;
}
