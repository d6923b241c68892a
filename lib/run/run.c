#define _GNU_SOURCE
#include "lib/run/run.h"

#include <stdlib.h>
#include <sys/random.h>

#include "lib/base/clock.h"
#include "lib/base/intr.h"
#include "lib/base/log.h"
#include "lib/config/problems.h"
#include "lib/run/job.h"
#include "lib/run/lock.h"
#include "lib/run/plan.h"

#define NS_PER_S 1e9

/* Inventory and plan belong together: the one borrows from the other. */
struct prepared {
	struct inventory inventory;
	struct plan plan;
};

#define PREPARED_INIT { INVENTORY_INIT, { NULL, 0 } }

static void
prepared_free(struct prepared *prepared)
{
	plan_free(&prepared->plan);
	inventory_free(&prepared->inventory);
}

static int
prepare(const struct config *config, const struct strlist *jobs,
    struct prepared *ret, struct strlist *problems, struct strlist *warnings,
    struct err *err)
{
	if (inventory_take(&config->base, &ret->inventory, err) < 0 ||
	    plan_make(config, &ret->inventory, clock_now(), &ret->plan,
	    problems, warnings, err) < 0)
		return -1;
	return plan_narrow(&ret->plan, jobs, problems, err);
}

int
run_check(const struct config *config, const struct strlist *jobs,
    struct strlist *problems, struct strlist *warnings, char **ret_plan,
    struct err *err)
{
	CLEANUP(prepared_free) struct prepared prepared = PREPARED_INIT;

	if (ret_plan != NULL)
		*ret_plan = NULL;
	if (prepare(config, jobs, &prepared, problems, warnings, err) < 0)
		return -1;
	if (ret_plan == NULL || problems->n != 0)
		return 0;
	return plan_text(&prepared.plan, ret_plan, err);
}

/* Waits a random part of the jitter. */
static int
jitter(int64_t longest_ns, struct err *err)
{
	uint32_t random = 0;
	double seconds;

	if (longest_ns == 0)
		return 0;
	if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
		return err_sys(err, "cannot get a random number");
	seconds = (double)longest_ns / NS_PER_S * random / UINT32_MAX;
	log_info("waiting %.1fs of jitter", seconds);
	(void)intr_sleep(seconds);
	return intr_check(err);
}

static int
prepare_logged(const struct config *config, const struct strlist *jobs,
    struct prepared *ret, struct err *err)
{
	CLEANUP(strlist_free) struct strlist problems = STRLIST_INIT;
	CLEANUP(strlist_free) struct strlist warnings = STRLIST_INIT;

	if (prepare(config, jobs, ret, &problems, &warnings, err) < 0)
		return -1;
	return problems_log(&problems, &warnings, err);
}

static int
run_jobs(const struct prepared *prepared, struct report *report,
    struct err *err)
{
	CLEANUP(strlist_free) struct strlist stores = STRLIST_INIT;
	const struct plan *plan = &prepared->plan;
	size_t i;

	for (i = 0; i < plan->n_jobs; i++)
		if (!strlist_has(&stores, plan->jobs[i].archive_path) &&
		    strlist_add(&stores, plan->jobs[i].archive_path, err) < 0)
			return -1;
	for (i = 0; i < plan->n_jobs && intr_signal() == 0; i++) {
		if (plan->n_jobs > 1)
			log_job(plan->jobs[i].name);
		job_run(&plan->jobs[i], &prepared->inventory, &stores,
		    &report->jobs[i]);
	}
	log_job(NULL);
	/* A signal that came when all was done changed nothing. */
	for (i = 0; i < plan->n_jobs; i++)
		report->interrupted = report->interrupted ||
		    (intr_signal() != 0 && !report->jobs[i].stored);
	return 0;
}

static int
new_report(const struct plan *plan, struct report *ret, struct err *err)
{
	CLEANUP(cleanup_free) const char **names = calloc(plan->n_jobs + 1,
	    sizeof *names);
	size_t i;

	if (names == NULL)
		return err_nomem(err);
	for (i = 0; i < plan->n_jobs; i++)
		names[i] = plan->jobs[i].name;
	return report_init(ret, names, plan->n_jobs, err);
}

int
run_execute(const struct config *config, const struct strlist *jobs,
    struct report *ret, struct err *err)
{
	CLEANUP(lock_release) struct lock lock = LOCK_NONE;
	CLEANUP(prepared_free) struct prepared prepared = PREPARED_INIT;
	CLEANUP(report_free) struct report report = { 0 };
	time_t started = clock_now();

	if (lock_take(&lock, config->base.lock_directory,
	    (double)config->base.lock_timeout_ns / NS_PER_S, err) < 0 ||
	    jitter(config->base.jitter_ns, err) < 0 ||
	    prepare_logged(config, jobs, &prepared, err) < 0 ||
	    new_report(&prepared.plan, &report, err) < 0 ||
	    run_jobs(&prepared, &report, err) < 0)
		return -1;
	report.started = started;
	*ret = report;
	report = (struct report){ 0 };
	return 0;
}
