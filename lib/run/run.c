#define _GNU_SOURCE
#include "lib/run/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "lib/base/clock.h"
#include "lib/base/intr.h"
#include "lib/base/log.h"
#include "lib/base/systemd.h"
#include "lib/config/problems.h"
#include "lib/report/announce.h"
#include "lib/report/hook.h"
#include "lib/run/guardian.h"
#include "lib/run/heartbeat.h"
#include "lib/run/job.h"
#include "lib/run/ledger.h"
#include "lib/run/lock.h"
#include "lib/run/plan.h"
#include "lib/run/prune.h"
#include "lib/run/reach.h"
#include "lib/run/recover.h"

#define NS_PER_S 1e9
/* Of the log, for those who are told. */
#define LOG_KEPT_BYTES ((size_t)1 << 20)
/* Of the journal's entry: archives that do not fit are in the log. */
#define RUN_FIELDS 40

/* Inventory and plan belong together: the one borrows from the other. */
struct prepared {
	struct inventory inventory;
	struct plan plan;
	struct strlist directories;	/* that keep archives, of all jobs: no
					 * job packs them */
};

#define PREPARED_INIT { INVENTORY_INIT, { NULL, 0 }, STRLIST_INIT }

static void
prepared_free(struct prepared *prepared)
{
	plan_free(&prepared->plan);
	inventory_free(&prepared->inventory);
	strlist_free(&prepared->directories);
}

static int
collect_directories(const struct plan *plan, struct strlist *ret,
    struct err *err)
{
	size_t i, k;

	for (i = 0; i < plan->n_jobs; i++) {
		const struct store_plan_list *stores = &plan->jobs[i].stores;

		for (k = 0; k < stores->n; k++)
			if (stores->v[k].kind == STORE_KIND_LOCAL &&
			    !strlist_has(ret, stores->v[k].place) &&
			    strlist_add(ret, stores->v[k].place, err) < 0)
				return -1;
	}
	return 0;
}

static int
prepare(const struct config *config, const struct strlist *jobs,
    struct prepared *ret, struct strlist *problems, struct strlist *warnings,
    struct err *err)
{
	if (inventory_take(&config->base, &ret->inventory, err) < 0 ||
	    plan_make(config, &ret->inventory, clock_now(), &ret->plan,
	    problems, warnings, err) < 0 ||
	    collect_directories(&ret->plan, &ret->directories, err) < 0)
		return -1;
	return plan_narrow(&ret->plan, jobs, problems, err);
}

int
run_check(const struct config *config, const struct strlist *jobs,
    struct strlist *problems, struct strlist *warnings, char **ret_plan,
    struct err *err)
{
	CLEANUP(prepared_free) struct prepared prepared = PREPARED_INIT;
	CLEANUP(announce_closep) struct announce *announce = NULL;

	if (ret_plan != NULL)
		*ret_plan = NULL;
	if (announce_open(config, &announce, problems, warnings, err) < 0 ||
	    prepare(config, jobs, &prepared, problems, warnings, err) < 0)
		return -1;
	if (ret_plan == NULL || problems->n != 0)
		return 0;
	return plan_text(&prepared.plan, ret_plan, err);
}

static int
take_lock(const struct config *config, struct lock *ret, struct err *err)
{
	return lock_take(ret, config->base.lock_directory,
	    (double)config->base.lock_timeout_ns / NS_PER_S, err);
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

/* What is wrong is in the report, too. */
static int
prepare_logged(const struct config *config, const struct strlist *jobs,
    struct prepared *ret, struct report *report, struct err *err)
{
	CLEANUP(strlist_free) struct strlist warnings = STRLIST_INIT;
	size_t i;

	if (prepare(config, jobs, ret, &report->settings, &warnings, err) < 0)
		return -1;
	for (i = 0; i < warnings.n; i++)
		if (strlist_add(&report->warnings, warnings.v[i], err) < 0)
			return -1;
	return problems_log(&report->settings, &warnings, err);
}

static int
name_jobs(const struct prepared *prepared, struct report *report,
    struct err *err)
{
	const struct plan *plan = &prepared->plan;
	CLEANUP(cleanup_free) const char **names = calloc(plan->n_jobs + 1,
	    sizeof *names);
	size_t i;

	if (names == NULL)
		return err_nomem(err);
	for (i = 0; i < plan->n_jobs; i++)
		names[i] = plan->jobs[i].name;
	if (report_jobs(report, names, plan->n_jobs, err) < 0)
		return -1;
	for (i = 0; i < plan->n_jobs; i++)
		report->jobs[i].options = plan->jobs[i].options;
	report->n_containers = prepared->inventory.containers.n;
	report->n_services = prepared->inventory.services.n;
	return 0;
}

/* --- what an earlier run left -------------------------------------------- */

/* What does not come back keeps no backup from being made; it stays in the
 * ledger. The inventory is taken afterwards: it shall see what runs. */
static int
settle(const struct config *config, const struct lock *lock, bool *ret_owed,
    struct err *err)
{
	struct err why = ERR_INIT;
	size_t n = 0;

	*ret_owed = recover_settle(&config->base, lock, &n, &why) < 0;
	if (n != 0 && !*ret_owed)
		log_warning("all that an earlier run had left at rest runs "
		    "again");
	if (*ret_owed)
		log_error("not all that an earlier run had left at rest runs "
		    "again: %s", why.msg);
	return intr_check(err);
}

/* Once more, before the guardian goes: the Engine may be back by now. */
static void
settle_again(const struct config *config, const struct lock *lock,
    struct report *report)
{
	struct err why = ERR_INIT;
	size_t n = 0;

	report->at_rest = recover_settle(&config->base, lock, &n, &why) < 0;
	if (report->at_rest)
		log_error("not all that was brought to rest runs again: %s",
		    why.msg);
	else if (n != 0)
		log_info("all that was brought to rest runs again");
}

/* All is back; where the ledger could not be cleared when it came back, that
 * was told, and nobody shall start again what is stopped by hand later. */
static void
clear_again(const struct lock *lock)
{
	struct err err = ERR_INIT;

	if (ledger_clear(lock->fd, &err) < 0)
		log_warning("%s", err.msg);
}

/* Before any thread: where somebody will be brought to rest. */
static int
start_guardian(const struct config *config, const struct prepared *prepared,
    const struct lock *lock, struct guardian *ret, struct err *err)
{
	const struct engine_settings docker = inventory_docker(&config->base);
	bool any = false;
	size_t i;

	for (i = 0; i < prepared->plan.n_jobs; i++)
		any = any || prepared->plan.jobs[i].n_windows != 0;
	return any ? guardian_start(ret, lock->fd, &docker,
	    (double)config->base.resume_retry_ns / NS_PER_S, err) : 0;
}

static void
report_owed(const struct plan *plan, struct report *report)
{
	size_t i;

	for (i = 0; i < plan->n_jobs; i++)
		report_problem(&report->jobs[i], "what an earlier run had "
		    "brought to rest is not all back (see the log)");
}

/* --- a run --------------------------------------------------------------- */

struct execution {		/* borrowed */
	const struct config *config;
	const struct strlist *jobs;
	struct announce *announce;
	struct report *report;
	struct heartbeat **heartbeat;
};

/* Is there a store that has no archive, or none that was verified, by whatever
 * came with the signal? */
static bool
was_cut_short(const struct report_job *job)
{
	size_t i;

	for (i = 0; i < job->n_stores; i++)
		if (!report_store_is_good(&job->stores[i]) &&
		    job->stores[i].err.kind == ERR_INTERRUPTED)
			return true;
	return !job->stored;
}

static void
run_jobs(const struct prepared *prepared, const struct execution *x,
    const struct lock *lock, bool *owed)
{
	const struct plan *plan = &prepared->plan;
	const struct run_context run = { &prepared->inventory, lock, owed,
		&prepared->directories, announce_filter(x->announce) };
	struct report *report = x->report;
	size_t i;

	for (i = 0; i < plan->n_jobs && intr_signal() == 0; i++) {
		if (plan->n_jobs > 1)
			log_job(plan->jobs[i].name);
		heartbeat_say(*x->heartbeat, "job '%s' (%zu of %zu)",
		    plan->jobs[i].name, i + 1, plan->n_jobs);
		job_run(&plan->jobs[i], &run, &report->jobs[i]);
	}
	log_job(NULL);
	/* A signal that came when all was done changed nothing. */
	for (i = 0; i < plan->n_jobs; i++) {
		report->jobs[i].interrupted = intr_signal() != 0 &&
		    was_cut_short(&report->jobs[i]);
		report->interrupted = report->interrupted ||
		    report->jobs[i].interrupted;
	}
}

/* systemd is one of those who are told, no more. */
static void
start_heartbeat(struct report *report, struct heartbeat **ret)
{
	struct err err = ERR_INIT;

	if (heartbeat_start(ret, HEARTBEAT_PERIOD_S, &err) < 0)
		hook_failed(report, "systemd", &err);
}

/* From the lock on. Threads may be started only behind the guardian. */
static int
execute_locked(const struct execution *x, const struct lock *lock,
    struct err *err)
{
	CLEANUP(guardian_dismiss) struct guardian guardian = GUARDIAN_NONE;
	CLEANUP(prepared_free) struct prepared prepared = PREPARED_INIT;
	bool owed;

	if (settle(x->config, lock, &owed, err) < 0 ||
	    jitter(x->config->base.jitter_ns, err) < 0 ||
	    prepare_logged(x->config, x->jobs, &prepared, x->report,
	    err) < 0 ||
	    name_jobs(&prepared, x->report, err) < 0 ||
	    start_guardian(x->config, &prepared, lock, &guardian, err) < 0)
		return -1;
	start_heartbeat(x->report, x->heartbeat);
	announce_start(x->announce, x->report);
	reach_sweep(&prepared.inventory);
	if (owed)
		report_owed(&prepared.plan, x->report);
	run_jobs(&prepared, x, lock, &owed);
	if (owed)
		settle_again(x->config, lock, x->report);
	else
		clear_again(lock);
	return 0;
}

static int
execute(const struct execution *x, struct err *err)
{
	CLEANUP(lock_release) struct lock lock = LOCK_NONE;
	double began_s = clock_mono_s();
	int rc;

	systemd_status("waiting for the lock");
	rc = take_lock(x->config, &lock, err);
	x->report->lock_wait_s = clock_mono_s() - began_s;
	return rc < 0 ? -1 : execute_locked(x, &lock, err);
}

static int
check_settings(const struct config *config, struct announce **ret,
    struct report *report, struct err *err)
{
	if (strlist_copy(&config->problems, &report->settings, err) < 0 ||
	    strlist_copy(&config->warnings, &report->warnings, err) < 0 ||
	    announce_open(config, ret, &report->settings, &report->warnings,
	    err) < 0)
		return -1;
	return problems_log(&report->settings, &report->warnings, err);
}

/* The journal's entry, for machines. */
static void
log_end(const struct report *report)
{
	const char *error = report_error(report);
	const char *outcome = outcome_name(report_outcome(report));
	char status[16];
	struct journal_field fields[RUN_FIELDS] = {
		{ "VBACKUP_RUN", report->id },
		{ "VBACKUP_OUTCOME", outcome },
		{ "VBACKUP_EXIT_STATUS", status },
	};
	size_t n = 3, i;

	(void)snprintf(status, sizeof status, "%d", (int)report_exit(report));
	if (error != NULL)
		fields[n++] = (struct journal_field){ "VBACKUP_ERROR", error };
	for (i = 0; i < report->n_jobs && n < RUN_FIELDS; i++)
		if (report->jobs[i].archive != NULL)
			fields[n++] = (struct journal_field){
				"VBACKUP_ARCHIVE", report->jobs[i].archive };
	log_event(LOG_EVENT_RUN_ENDED, report_outcome(report) ==
	    OUTCOME_SUCCESS ? LOG_LEVEL_INFO : report_outcome(report) ==
	    OUTCOME_PROBLEMS ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR,
	    outcome, fields, n);
}

/* Once it is over, whatever came of it. The lock is free by now: who is slow
 * to listen keeps no other run waiting. */
static void
tell_everybody(struct announce *announce, struct report *report)
{
	struct err err = ERR_INIT;

	report_end(report);
	if (log_kept(&report->log, &err) < 0)
		hook_failed(report, "log", &err);
	announce_end(announce, report);
	if (report->untold.n != 0 && report_exit(report) == EXIT_PROBLEMS)
		log_warning("not everybody was told of this run");
	log_end(report);
}

int
run_execute(const struct config *config, const struct strlist *jobs,
    struct report *ret, struct err *err)
{
	CLEANUP(announce_closep) struct announce *announce = NULL;
	CLEANUP(report_free) struct report report = { 0 };
	CLEANUP(heartbeat_stop) struct heartbeat *heartbeat = NULL;
	struct execution x = { config, jobs, NULL, &report, &heartbeat };
	int rc;

	log_keep(LOG_KEPT_BYTES);
	if (report_begin(&report, err) < 0)
		return -1;
	rc = check_settings(config, &announce, &report, err);
	if (announce == NULL)
		return -1;
	x.announce = announce;
	if (rc == 0)
		rc = execute(&x, err);
	if (rc < 0) {
		report.err = *err;
		log_error("%s", err->msg);
	}
	heartbeat_say(heartbeat, "telling how it went");
	tell_everybody(announce, &report);
	*ret = report;
	report = (struct report){ 0 };
	return 0;
}

/* --- pruning alone ------------------------------------------------------- */

struct pruning {
	bool dry_run;
	void (*tell)(void *cookie, const char *place, const char *name);
	void *cookie;
};

static int
prune_one(const struct pruning *pruning, const struct job *job,
    const struct store_plan *where, struct report_job *report,
    struct err *err)
{
	CLEANUP(store_freep) struct store *store = NULL;
	CLEANUP(prune_result_free) struct prune_result result =
	    PRUNE_RESULT_INIT;
	size_t i;
	int rc;

	if (store_plan_open(where, &store, err) < 0)
		return -1;
	rc = prune_store(job, store, NULL, clock_now(), pruning->dry_run,
	    &result, err);
	for (i = 0; i < result.names.n; i++)
		pruning->tell(pruning->cookie, where->place,
		    result.names.v[i]);
	for (i = 0; i < result.failed.n; i++) {
		log_warning("%s: cannot remove %s", where->place,
		    result.failed.v[i]);
		report_problem(report, "%s: cannot remove %s", where->place,
		    result.failed.v[i]);
	}
	return rc;
}

/* One store that fails keeps no other from being pruned. */
static void
prune_job(const struct pruning *pruning, const struct job *job,
    struct report_job *report)
{
	size_t i;

	report->stored = true;
	for (i = 0; i < job->stores.n && intr_signal() == 0; i++) {
		struct err err = ERR_INIT;

		if (!job->stores.v[i].prune || !retain_is_on(&job->retain) ||
		    prune_one(pruning, job, &job->stores.v[i], report,
		    &err) == 0)
			continue;
		log_error("%s", err.msg);
		report->stored = false;
		report->err = err;
	}
}

int
run_prune(const struct config *config, const struct strlist *jobs,
    bool dry_run,
    void (*tell)(void *cookie, const char *place, const char *name),
    void *cookie, struct report *ret, struct err *err)
{
	const struct pruning pruning = { dry_run, tell, cookie };
	CLEANUP(lock_release) struct lock lock = LOCK_NONE;
	CLEANUP(prepared_free) struct prepared prepared = PREPARED_INIT;
	CLEANUP(report_free) struct report report = { 0 };
	size_t i;

	if (report_begin(&report, err) < 0 ||
	    (!dry_run && take_lock(config, &lock, err) < 0) ||
	    prepare_logged(config, jobs, &prepared, &report, err) < 0 ||
	    name_jobs(&prepared, &report, err) < 0)
		return -1;
	for (i = 0; i < prepared.plan.n_jobs; i++)
		prune_job(&pruning, &prepared.plan.jobs[i], &report.jobs[i]);
	report.interrupted = intr_signal() != 0;
	report_end(&report);
	*ret = report;
	report = (struct report){ 0 };
	return 0;
}
