#define _GNU_SOURCE
#include "lib/run/job.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/docker/quiesce.h"
#include "lib/run/estimate.h"
#include "lib/run/flow.h"
#include "lib/run/prune.h"
#include "lib/run/sidecar.h"
#include "lib/run/stores.h"

#define RESUME_RETRY_S 60.0

/* A job at work. The mutex is for what the packing thread reports. */
struct work {
	const struct job *job;
	const struct strlist *left_out;
	struct report_job *report;
	struct stores stores;
	struct overflow *overflow;	/* NULL: none */
	pthread_mutex_t mutex;
	struct quiesce quiesce;
	time_t started;
};

/* --- problems beside the archive ----------------------------------------- */

static void PRINTF_LIKE(2, 3)
problem(struct work *work, const char *fmt, ...)
{
	CLEANUP(cleanup_free) char *text = NULL;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	pthread_mutex_lock(&work->mutex);
	report_problem(work->report, "%s", text != NULL ? text : fmt);
	if (work->report->n_problems <= REPORT_PROBLEMS_NAMED)
		log_warning("%s", text != NULL ? text : fmt);
	pthread_mutex_unlock(&work->mutex);
}

static void
watch(void *cookie, enum pack_event event, const char *path, const char *why)
{
	struct work *work = cookie;

	switch (event) {
	case PACK_GREW:
		log_info("'%s' grew while it was read; packed as it was when "
		    "its turn came", path);
		break;
	case PACK_SHRANK:
		problem(work, "'%s' shrank while it was read; the rest is "
		    "zeros", path);
		break;
	case PACK_VANISHED:
		problem(work, "'%s' vanished before it was read", path);
		break;
	case PACK_REPLACED:
		problem(work, "'%s' was replaced before it was read", path);
		break;
	case PACK_UNREADABLE:
		problem(work, "cannot read '%s': %s", path, why);
		break;
	case PACK_SOCKET:
		log_debug("'%s' is a socket: left out", path);
		break;
	case PACK_LEFT_OUT:
		log_info("'%s' is a store: left out", path);
		break;
	}
}

/* --- the window ---------------------------------------------------------- */

static int
begin_window(void *cookie, size_t window, struct err *err)
{
	struct work *work = cookie;

	(void)window;
	return quiesce_begin(&work->quiesce, err);
}

static void
end_window(void *cookie, size_t window)
{
	struct work *work = cookie;
	struct quiesce *quiesce = &work->quiesce;
	size_t i;

	(void)window;
	(void)quiesce_resume(quiesce, RESUME_RETRY_S);
	for (i = 0; i < quiesce->n; i++) {
		const struct quiesce_unit *unit = &quiesce->units[i];

		if (unit->failed)
			problem(work, "container '%s' does not run again: %s",
			    unit->container->name, unit->err.msg);
	}
	work->report->window_s = quiesce->window_s;
	if (quiesce->window_s > 0) {
		char span[CLOCK_SPAN_BYTES];

		clock_span(quiesce->window_s, span);
		log_info("window: %s from the first stop to the last start",
		    span);
	}
}

static int
stream(struct work *work, struct flow_result *ret, struct err *err)
{
	const struct job *job = work->job;
	struct flow_settings settings = {
		.n_sources = job->sources.n,
		.windows = &job->n_quiesced,
		.n_windows = job->n_stopped != 0,
		.pack = {
			.exclude = &job->options->exclude,
			.exclude_regexp = job->options->exclude_regexp,
			.left_out = work->left_out,
			.watch = watch,
			.cookie = work,
		},
		.compress = { .kind = job->compression,
			.level = (int)job->options->compression_level,
			.threads = (int)job->options->parallelism },
		.seal = job->seal,
		.spool = work->stores.spool,
		.overflow = work->overflow,
		.window_open = begin_window,
		.window_over = end_window,
		.cookie = work,
	};
	struct pack_source *sources = calloc(job->sources.n + 1,
	    sizeof *sources);
	size_t i;
	int rc;

	if (sources == NULL)
		return err_nomem(err);
	for (i = 0; i < job->sources.n; i++)
		sources[i] = (struct pack_source){
			.path = job->sources.v[i].path,
			.member = job->sources.v[i].member,
			.shown = job->sources.v[i].shown };
	settings.sources = sources;
	rc = flow_run(&settings, ret, err);
	free(sources);
	return rc;
}

/* Without it the window is longer, no more. */
static void
open_overflow(struct work *work, uint64_t raw_bytes)
{
	const struct job *job = work->job;
	struct err err = ERR_INIT;

	if (job->n_stopped != 0 && job->compression != COMPRESSION_NONE &&
	    stores_overflow(&work->stores, raw_bytes, &work->overflow,
	    &err) < 0)
		log_warning("%s: the window lasts as long as the compression",
		    err.msg);
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
	const struct job *job = work->job;
	struct err err = ERR_INIT;

	if (text != NULL && store_put_small(slot->store, name, text,
	    strlen(text), &err) < 0)
		problem(work, "no metadata: %s", err.msg);
	if (job->latest != NULL && store_link_latest(slot->store, job->latest,
	    job->archive_name, &err) < 0)
		problem(work, "%s", err.msg);
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
		problem(work, "cannot prune: %s", err.msg);
	for (i = 0; i < result.failed.n; i++)
		problem(work, "%s: cannot remove %s", slot->report->label,
		    result.failed.v[i]);
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
			problem(work, "not stored: %s",
			    slot->report->err.msg);
		else if (report->archive == NULL && file_join(
		    slot->plan->place, work->job->archive_name,
		    &report->archive, err) < 0)
			problem(work, "%s", err->msg);
	}
}

/* Metadata, latest link and pruning, in every store that has the archive. */
static void
complete(struct work *work, const struct flow_result *result)
{
	const struct sidecar facts = { work->job, result, &work->quiesce,
		&work->report->problems, work->started };
	CLEANUP(cleanup_free) char *name = NULL;
	CLEANUP(cleanup_free) char *text = NULL;
	struct err err = ERR_INIT;
	size_t i;

	report_stored(work, result, &err);
	if (sidecar_format(&facts, &name, &text, &err) < 0)
		problem(work, "no metadata: %s", err.msg);
	for (i = 0; i < work->stores.n; i++) {
		struct stores_slot *slot = &work->stores.slots[i];

		if (!slot->report->stored)
			continue;
		put_beside(work, slot, name, text);
		prune(work, slot);
	}
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

static int
back_up(struct work *work, const struct inventory *inventory, struct err *err)
{
	CLEANUP(flow_result_free) struct flow_result result = FLOW_RESULT_INIT;
	uint64_t raw_bytes;
	int rc;

	if (estimate_raw(&work->job->sources, &raw_bytes, err) < 0 ||
	    stores_open(&work->stores, work->job, raw_bytes, work->report,
	    err) < 0 ||
	    stores_spool(&work->stores, raw_bytes, err) < 0 ||
	    quiesce_init(inventory->engine, work->job->stopped,
	    work->job->n_stopped, &work->quiesce, err) < 0)
		return -1;
	open_overflow(work, raw_bytes);
	stores_begin(&work->stores);
	rc = stream(work, &result, err);
	overflow_freep(&work->overflow);
	if (rc == 0)
		rc = check_not_empty(work, &result, err);
	if (rc == 0 && result.total.sockets != 0)
		log_info("sockets left out: %llu",
		    (unsigned long long)result.total.sockets);
	if (stores_finish(&work->stores, rc == 0, result.stored.bytes,
	    err) < 0)
		return -1;
	if (rc < 0)
		return name_cause(work, err);
	complete(work, &result);
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

void
job_run(const struct job *job, const struct inventory *inventory,
    const struct strlist *left_out, struct report_job *ret)
{
	struct work work = { .job = job, .left_out = left_out, .report = ret,
		.stores = STORES_INIT, .mutex = PTHREAD_MUTEX_INITIALIZER,
		.started = clock_now() };
	double began_s = clock_mono_s();
	int rc;

	log_info("backup of %zu source%s into %zu store%s begins",
	    job->sources.n, job->sources.n == 1 ? "" : "s", job->stores.n,
	    job->stores.n == 1 ? "" : "s");
	rc = report_stores(ret, job->stores.n, &ret->err);
	if (rc == 0)
		rc = back_up(&work, inventory, &ret->err);
	ret->seconds = clock_mono_s() - began_s;
	if (rc == 0)
		log_done(ret);
	else
		log_error("no archive: %s", ret->err.msg);
	stores_close(&work.stores);
	quiesce_free(&work.quiesce);
}
