#include "lib/run/job.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/run/estimate.h"
#include "lib/run/previous.h"
#include "lib/run/prune.h"
#include "lib/run/readback.h"
#include "lib/run/reading.h"
#include "lib/run/sidecar.h"

/* --- problems beside the archive ----------------------------------------- */

static void
tell(void *cookie, const char *message)
{
	struct work *work = cookie;

	pthread_mutex_lock(&work->mutex);
	report_problem(work->report, "%s", message);
	if (work->report->n_problems <= REPORT_PROBLEMS_NAMED)
		log_warning("%s", message);
	pthread_mutex_unlock(&work->mutex);
}

/* --- what is known afterwards -------------------------------------------- */

static bool
is_empty(const struct pack_result *result)
{
	return result->members <= 1 && result->files == 0;
}

static int
check_not_empty(const struct work *work, const struct flow_result *result,
    struct err *err)
{
	const struct source_list *sources = &work->job->sources;
	size_t empty = 0, i;

	for (i = 0; i < sources->n; i++) {
		if (!is_empty(&result->sources[i]))
			continue;
		empty++;
		log_info("%s '%s' is empty", sources->v[i].type ==
		    SOURCE_VOLUME ? "volume" : "directory",
		    sources->v[i].name != NULL ? sources->v[i].name :
		    sources->v[i].path);
	}
	if (empty != sources->n)
		return 0;
	return err_set(err, ERR_SOURCE, "every source is empty: no archive is "
	    "made of nothing");
}

/* --- the archive is made: what goes with it ------------------------------ */

/* What fails here is a problem, no more: the archive is safe. */
static void
put_beside(struct work *work, const struct stores_slot *slot,
    const char *name, const char *text)
{
	struct err err = ERR_INIT;

	if (text != NULL && store_put_small(slot->store, name, text,
	    strlen(text), &err) < 0)
		teller_say(&work->teller, "no metadata: %s", err.msg);
}

/* Once it is known to be good. */
static void
link_latest(struct work *work)
{
	const struct job *job = work->job;
	size_t i;

	for (i = 0; job->latest != NULL && i < work->stores.n; i++) {
		const struct stores_slot *slot = &work->stores.slots[i];
		struct err err = ERR_INIT;

		if (report_store_is_good(slot->report) && store_link_latest(
		    slot->store, job->latest, job->archive_name, &err) < 0)
			teller_say(&work->teller, "%s", err.msg);
	}
}

static void
prune(struct work *work, struct stores_slot *slot)
{
	CLEANUP(prune_result_free) struct prune_result result =
	    PRUNE_RESULT_INIT;
	struct err err = ERR_INIT;
	size_t i;

	if (!slot->plan->prune || !retain_is_on(&work->job->retain))
		return;
	if (prune_store(work->job, slot->store, work->job->archive_name,
	    clock_now(), false, &result, &err) < 0)
		teller_say(&work->teller, "cannot prune: %s", err.msg);
	for (i = 0; i < result.failed.n; i++)
		teller_say(&work->teller, "%s: cannot remove %s",
		    slot->report->label, result.failed.v[i]);
	slot->report->pruning = true;
	slot->report->total = result.candidates;
	slot->report->pruned = result.pruned;
	slot->report->prune_errors = result.failed.n;
}

static void
report_stored(struct work *work, const struct flow_result *result,
    struct err *err)
{
	struct report_job *report = work->report;
	size_t i;

	report->stored = true;
	report->size_bytes = result->stored.bytes;
	report->raw_bytes = result->total.raw_bytes;
	report->files = result->total.files;
	for (i = 0; i < work->stores.n; i++) {
		const struct stores_slot *slot = &work->stores.slots[i];

		if (!slot->report->stored)
			teller_say(&work->teller, "not stored: %s",
			    slot->report->err.msg);
		else if (report->archive == NULL && file_join(
		    slot->plan->place, work->job->archive_name,
		    &report->archive, err) < 0)
			teller_say(&work->teller, "%s", err->msg);
	}
}

/* The first store that has an earlier archive tells enough. */
static void
compare(struct work *work, const struct flow_result *result)
{
	bool found = false;
	size_t i;

	for (i = 0; i < work->stores.n && !found; i++) {
		const struct stores_slot *slot = &work->stores.slots[i];
		struct err err = ERR_INIT;

		if (slot->report->stored && previous_compare(work->job,
		    slot->store, result, &work->teller, &found, &err) < 0)
			teller_say(&work->teller, "cannot compare with the "
			    "archive before: %s", err.msg);
	}
}

/* Metadata, in every store that has the archive. */
static void
complete(struct work *work, const struct flow_result *result)
{
	CLEANUP(strlist_free) struct strlist warnings = STRLIST_INIT;
	const struct sidecar facts = { work->job, result, &work->windows,
		&warnings, work->started };
	CLEANUP(cleanup_free) char *name = NULL;
	CLEANUP(cleanup_free) char *text = NULL;
	struct err err = ERR_INIT;
	size_t i;

	report_stored(work, result, &err);
	compare(work, result);
	if (strlist_copy(&work->report->problems, &warnings, &err) < 0 ||
	    filter_lines(work->run->filter, &warnings, &err) < 0 ||
	    sidecar_format(&facts, &name, &text, &err) < 0)
		teller_say(&work->teller, "no metadata: %s", err.msg);
	for (i = 0; i < work->stores.n; i++)
		if (work->stores.slots[i].report->stored)
			put_beside(work, &work->stores.slots[i], name, text);
}

/* Where the new archive is not good, the old ones are needed. Without the
 * command before it, nothing is removed: the archive is safe, and that is
 * told. */
static void
prune_all(struct work *work)
{
	struct err err = ERR_INIT;
	size_t i;

	if (commands_phase(&work->commands, LIFECYCLE_PRUNE, false,
	    &err) < 0)
		teller_say(&work->teller, "nothing is pruned: %s", err.msg);
	else
		for (i = 0; i < work->stores.n; i++)
			if (report_store_is_good(work->stores.slots[i].report))
				prune(work, &work->stores.slots[i]);
	commands_after_phase(&work->commands, LIFECYCLE_PRUNE);
}

/* --- the whole ----------------------------------------------------------- */

/* A stream without a disk ends when no store takes it any more: then the cause
 * is theirs. */
static int
name_cause(const struct work *work, struct err *err)
{
	size_t i;

	for (i = 0; err->kind == ERR_STREAM && i < work->stores.n; i++) {
		const struct err *cause = &work->report->stores[i].err;

		if (cause->kind != ERR_NONE && cause->kind != ERR_STREAM)
			*err = *cause;
	}
	return -1;
}

/* COMMAND_RUNTIME_ARCHIVE_FILEPATH: where the archive will be, as far as that
 * is known by now. */
static int
find_archive_path(struct work *work, struct err *err)
{
	const struct job *job = work->job;
	const char *directory = NULL, *name = job->archive_name;
	size_t i;

	for (i = 0; directory == NULL && i < job->stores.n; i++)
		if (job->stores.v[i].kind == STORE_KIND_LOCAL)
			directory = job->stores.v[i].place;
	if (directory == NULL && work->stores.spool_file.fd >= 0) {
		directory = work->stores.spool_file.dir;
		name = work->stores.spool_file.name;
	}
	free(work->commands.archive_path);
	work->commands.archive_path = NULL;
	return directory == NULL ?
	    str_dup(name, &work->commands.archive_path, err) :
	    file_join(directory, name, &work->commands.archive_path, err);
}

static int
store_all(struct work *work, struct flow_result *result, struct err *err)
{
	uint64_t raw_bytes;
	int rc;

	staging_sweep(work->job);
	if (estimate_raw(&work->job->sources, &raw_bytes, err) < 0 ||
	    stores_open(&work->stores, work->job, raw_bytes, work->report,
	    err) < 0 ||
	    stores_spool(&work->stores, raw_bytes, err) < 0 ||
	    find_archive_path(work, err) < 0)
		return -1;
	rc = reading_run(work, raw_bytes, result, err);
	if (rc == 0)
		rc = check_not_empty(work, result, err);
	if (rc == 0 && result->total.sockets != 0)
		log_info("sockets left out: %llu",
		    (unsigned long long)result->total.sockets);
	if (stores_finish(&work->stores, rc == 0, result->stored.bytes,
	    err) < 0)
		rc = -1;
	else if (rc < 0)
		(void)name_cause(work, err);
	commands_after_phase(&work->commands, LIFECYCLE_COPY);
	return rc;
}

static int
back_up(struct work *work, struct err *err)
{
	CLEANUP(flow_result_free) struct flow_result result = FLOW_RESULT_INIT;

	if (find_archive_path(work, err) < 0 ||
	    commands_before(&work->commands, err) < 0 ||
	    store_all(work, &result, err) < 0)
		return -1;
	complete(work, &result);
	if (readback_all(work, &result, err) < 0)
		return -1;
	link_latest(work);
	prune_all(work);
	return 0;
}

static void
log_done(const struct report_job *report)
{
	char raw[CLOCK_BYTES_BYTES], size[CLOCK_BYTES_BYTES];
	char span[CLOCK_SPAN_BYTES];

	clock_bytes(report->raw_bytes, raw);
	clock_bytes(report->size_bytes, size);
	clock_span(report->seconds, span);
	log_info("archive '%s': %s from %llu files with %s, in %s",
	    report->archive, size, (unsigned long long)report->files, raw,
	    span);
	if (report->n_problems > REPORT_PROBLEMS_NAMED)
		log_warning("%zu problems in all, %d of them named above",
		    report->n_problems, REPORT_PROBLEMS_NAMED);
}

static const char *
outcome(const struct report_job *report)
{
	return !report->stored ? "failure" :
	    report->n_problems != 0 ? "problems" : "success";
}

void
job_run(struct job *job, const struct run_context *run,
    struct report_job *ret)
{
	struct work work = { .run = run, .job = job, .report = ret,
		.stores = STORES_INIT, .windows = WINDOWS_INIT,
		.staging = STAGING_NONE,
		.mutex = PTHREAD_MUTEX_INITIALIZER, .started = clock_now() };
	double began_s = clock_mono_s();
	int rc;

	ret->started = work.started;
	work.teller = (struct teller){ tell, &work };
	work.commands = (struct commands){ .job = job,
		.engine = run->inventory->engine, .teller = &work.teller };
	log_info("backup of %zu source%s into %zu store%s begins",
	    job->sources.n, job->sources.n == 1 ? "" : "s", job->stores.n,
	    job->stores.n == 1 ? "" : "s");
	rc = report_stores(ret, job->stores.n, &ret->err);
	if (rc == 0)
		rc = back_up(&work, &ret->err);
	ret->seconds = clock_mono_s() - began_s;
	if (rc == 0)
		log_done(ret);
	else
		log_error("no archive: %s", ret->err.msg);
	commands_after(&work.commands, outcome(ret));
	free(work.commands.archive_path);
	stores_close(&work.stores);
	windows_free(&work.windows);
}
