#define _GNU_SOURCE
#include "lib/report/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "lib/base/clock.h"

#define ID_RAW_BYTES 16

/* systemd's id of this start of the service, with the dashes of a UUID, or a
 * random one (RFC 4122, version 4). */
static int
make_id(char ret[REPORT_ID_BYTES], struct err *err)
{
	const char *given = getenv("INVOCATION_ID");
	char hex[2 * ID_RAW_BYTES + 1];
	unsigned char raw[ID_RAW_BYTES];
	size_t i;

	if (given != NULL && strlen(given) == 2 * ID_RAW_BYTES &&
	    strspn(given, "0123456789abcdef") == 2 * ID_RAW_BYTES) {
		(void)memcpy(hex, given, sizeof hex);
	} else {
		if (getrandom(raw, sizeof raw, 0) != (ssize_t)sizeof raw)
			return err_sys(err, "cannot get a random number");
		raw[6] = (unsigned char)((raw[6] & 0x0f) | 0x40);
		raw[8] = (unsigned char)((raw[8] & 0x3f) | 0x80);
		for (i = 0; i < sizeof raw; i++)
			(void)snprintf(hex + 2 * i, 3, "%02x", raw[i]);
	}
	(void)snprintf(ret, REPORT_ID_BYTES, "%.8s-%.4s-%.4s-%.4s-%.12s", hex,
	    hex + 8, hex + 12, hex + 16, hex + 20);
	return 0;
}

int
report_begin(struct report *ret, struct err *err)
{
	char host[256] = "";
	struct report report = { 0 };

	(void)gethostname(host, sizeof host - 1);
	if (make_id(report.id, err) < 0 ||
	    str_dup(host, &report.host, err) < 0)
		return -1;
	report.started = clock_now();
	report.started_mono_s = clock_mono_s();
	*ret = report;
	return 0;
}

int
report_jobs(struct report *report, const char *const *names, size_t n,
    struct err *err)
{
	report->jobs = calloc(n + 1, sizeof *report->jobs);
	if (report->jobs == NULL)
		return err_nomem(err);
	for (; report->n_jobs < n; report->n_jobs++)
		if (str_dup(names[report->n_jobs],
		    &report->jobs[report->n_jobs].name, err) < 0)
			return -1;
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
	free(report->host);
	strlist_free(&report->settings);
	strlist_free(&report->warnings);
	strlist_free(&report->untold);
	strlist_free(&report->log);
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

bool
report_store_is_good(const struct report_store *store)
{
	return store->stored && (!store->verify || store->verified);
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

static void
conceal_err(struct err *err)
{
	if (err->kind != ERR_NONE)
		(void)err_set(err, err->kind, "[filtered]");
}

void
report_conceal(struct report *report)
{
	size_t i, k;

	conceal_err(&report->err);
	strlist_free(&report->settings);
	strlist_free(&report->warnings);
	strlist_free(&report->log);
	for (i = 0; i < report->n_jobs; i++) {
		struct report_job *job = &report->jobs[i];

		conceal_err(&job->err);
		strlist_free(&job->problems);
		for (k = 0; k < job->n_stores; k++)
			conceal_err(&job->stores[k].err);
	}
	if (report->untold.n != 0)
		report->untold_unnamed = true;
	strlist_free(&report->untold);
}

void
report_end(struct report *report)
{
	report->finished = clock_now();
	report->seconds = clock_mono_s() - report->started_mono_s;
}

enum exit_status
report_exit(const struct report *report)
{
	bool problems = report->untold.n != 0 || report->untold_unnamed;
	size_t i;

	if (report->interrupted && !report->at_rest)
		return EXIT_INTERRUPTED;
	if (report->err.kind != ERR_NONE)
		return err_exit(report->err.kind);
	for (i = 0; i < report->n_jobs; i++) {
		if (!report->jobs[i].stored)
			return EXIT_FAILED;
		problems = problems || report->jobs[i].n_problems != 0;
	}
	return problems ? EXIT_PROBLEMS : EXIT_DONE;
}

enum outcome
report_outcome(const struct report *report)
{
	enum exit_status status = report_exit(report);

	return status == EXIT_DONE ? OUTCOME_SUCCESS :
	    status == EXIT_PROBLEMS ? OUTCOME_PROBLEMS : OUTCOME_FAILURE;
}

const char *
outcome_name(enum outcome outcome)
{
	static const char *const names[] = {
		[OUTCOME_SUCCESS] = "success",
		[OUTCOME_PROBLEMS] = "problems",
		[OUTCOME_FAILURE] = "failure"
	};

	return names[outcome];
}

const char *
report_error(const struct report *report)
{
	size_t i;

	if (report->err.kind != ERR_NONE)
		return report->err.msg;
	for (i = 0; i < report->n_jobs; i++)
		if (!report->jobs[i].stored)
			return report->jobs[i].err.kind != ERR_NONE ?
			    report->jobs[i].err.msg : "the job was not begun";
	for (i = 0; i < report->n_jobs; i++)
		if (report->jobs[i].n_problems != 0)
			return report->jobs[i].problems.n != 0 ?
			    report->jobs[i].problems.v[0] : "out of memory";
	return report->untold.n != 0 ? report->untold.v[0] :
	    report->untold_unnamed ? "out of memory" : NULL;
}
