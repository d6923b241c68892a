#define _GNU_SOURCE
#include "lib/run/job.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "build_config.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/docker/quiesce.h"
#include "lib/run/estimate.h"
#include "lib/run/flow.h"
#include "lib/store/metadata.h"
#include "lib/store/name.h"
#include "lib/store/store.h"

#define RESUME_RETRY_S 60.0

/* A job at work. The mutex is for what the packing thread reports. */
struct work {
	const struct job *job;
	const struct strlist *stores;
	struct report_job *report;
	pthread_mutex_t mutex;
	struct quiesce quiesce;
	bool resumed;
	time_t started;
};

/* --- problems beside the archive -------------------------------------------- */

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

/* --- the window --------------------------------------------------------------- */

/* Starts what was stopped; the second call does nothing. */
static void
resume(void *cookie)
{
	struct work *work = cookie;
	struct quiesce *quiesce = &work->quiesce;
	size_t i;

	if (work->resumed)
		return;
	work->resumed = true;
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
stream(struct work *work, struct tempfile *spool, const char *label,
    struct flow_result *ret, struct err *err)
{
	const struct job *job = work->job;
	struct flow_settings settings = {
		.n_sources = job->sources.n,
		.n_quiesced = job->n_quiesced,
		.pack = {
			.exclude = &job->options->exclude,
			.exclude_regexp = job->options->exclude_regexp,
			.left_out = work->stores,
			.watch = watch,
			.cookie = work,
		},
		.compress = { .kind = job->compression,
			.threads = (int)job->options->parallelism },
		.spool_fd = spool->fd,
		.spool_name = label,
		.window_over = resume,
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

/* Stop, read, start: the start is on every path. */
static int
quiesce_and_stream(struct work *work, const struct inventory *inventory,
    struct tempfile *spool, const char *label, struct flow_result *ret,
    struct err *err)
{
	const struct job *job = work->job;
	int rc;

	if (quiesce_init(inventory->engine, job->stopped, job->n_stopped,
	    &work->quiesce, err) < 0)
		return -1;
	rc = quiesce_begin(&work->quiesce, err);
	if (rc == 0)
		rc = stream(work, spool, label, ret, err);
	resume(work);
	return rc;
}

/* --- what is known afterwards --------------------------------------------------- */

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

static struct metadata_source
source_metadata(const struct source *source, const struct pack_result *result)
{
	struct metadata_source ret = {
		.type = source->type == SOURCE_VOLUME ? "volume" : "directory",
		.name = source->name,
		.path = source->path,
		.members = result->members != 0 ? result->members - 1 : 0,
	};

	if (source->volume != NULL) {
		ret.driver = source->volume->driver;
		ret.labels = &source->volume->labels;
		ret.options = &source->volume->options;
	}
	return ret;
}

static const char *
compression_name(enum compression kind)
{
	return kind == COMPRESSION_GZIP ? "gzip" :
	    kind == COMPRESSION_ZSTD ? "zstd" : "none";
}

static int
format_metadata(const struct work *work, const struct flow_result *result,
    struct metadata_source *sources, struct metadata_container *containers,
    char **ret, struct err *err)
{
	const struct job *job = work->job;
	char host[256] = "";
	struct metadata metadata = {
		.name = job->archive_name,
		.job = job->name,
		.host = host,
		.started = work->started,
		.finished = clock_now(),
		.size_bytes = result->stored.bytes,
		.sha256 = result->stored.sha256,
		.raw_bytes = result->total.raw_bytes,
		.files = result->total.files,
		.compression = compression_name(job->compression),
		.encryption = "none",
		.sources = sources,
		.n_sources = job->sources.n,
		.containers = containers,
		.n_containers = work->quiesce.n,
		.warnings = &work->report->problems,
		.vbackup = BUILD_VERSION,
	};
	size_t i;

	(void)gethostname(host, sizeof host - 1);
	for (i = 0; i < job->sources.n; i++)
		sources[i] = source_metadata(&job->sources.v[i],
		    &result->sources[i]);
	for (i = 0; i < work->quiesce.n; i++) {
		const struct quiesce_unit *unit = &work->quiesce.units[i];

		containers[i] = (struct metadata_container){
			unit->container->name, unit->container->image, "stop",
			unit->window_s };
	}
	return metadata_format(&metadata, ret, err);
}

static int
put_metadata(const struct work *work, struct store *store,
    const struct flow_result *result, struct err *err)
{
	CLEANUP(cleanup_free) struct metadata_source *sources =
	    calloc(work->job->sources.n + 1, sizeof *sources);
	CLEANUP(cleanup_free) struct metadata_container *containers =
	    calloc(work->quiesce.n + 1, sizeof *containers);
	CLEANUP(cleanup_free) char *text = NULL;
	CLEANUP(cleanup_free) char *masked = NULL;
	CLEANUP(cleanup_free) char *name = NULL;

	if (sources == NULL || containers == NULL)
		return err_nomem(err);
	if (format_metadata(work, result, sources, containers, &text,
	    err) < 0 ||
	    log_mask(text, &masked, err) < 0 ||
	    str_format(&name, err, "%s%s", work->job->archive_name,
	    NAME_METADATA_SUFFIX) < 0)
		return -1;
	return store_put_small(store, name, masked, strlen(masked), err);
}

/* The archive is safe by now: what fails here is a problem, no more. */
static void
put_beside(struct work *work, struct store *store,
    const struct flow_result *result)
{
	struct err err = ERR_INIT;

	if (put_metadata(work, store, result, &err) < 0)
		problem(work, "%s: no metadata: %s", store_label(store),
		    err.msg);
	if (work->job->latest != NULL && store_link_latest(store,
	    work->job->latest, work->job->archive_name, &err) < 0)
		problem(work, "%s: %s", store_label(store), err.msg);
}

static int
put(struct work *work, struct store *store, struct tempfile *spool,
    const struct flow_result *result, struct err *err)
{
	const struct job *job = work->job;

	if (store_put(store, job->archive_name,
	    job->name_has_time ? STORE_NEW : STORE_REPLACE, spool,
	    result->stored.bytes, err) < 0 ||
	    file_join(job->archive_path, job->archive_name,
	    &work->report->archive, err) < 0)
		return -1;
	work->report->stored = true;
	work->report->size_bytes = result->stored.bytes;
	work->report->raw_bytes = result->total.raw_bytes;
	work->report->files = result->total.files;
	put_beside(work, store, result);
	return 0;
}

/* --- before anything is stopped --------------------------------------------------- */

static int
check_room(const struct job *job, struct store *store, struct err *err)
{
	const struct options *o = job->options;
	uint64_t raw_bytes, need_bytes;

	if (estimate_raw(&job->sources, &raw_bytes, err) < 0)
		return -1;
	need_bytes = estimate_need(raw_bytes, job->compression);
	/* What is excluded was counted: then the estimate proves nothing. */
	if (o->exclude.n != 0 || o->exclude_regexp != NULL)
		need_bytes = 0;
	return store_check(store, need_bytes, err);
}

static int
check_name(const struct job *job, struct store *store, struct err *err)
{
	bool taken;

	if (store_has(store, job->archive_name, &taken, err) < 0)
		return -1;
	if (!taken)
		return 0;
	if (job->name_has_time)
		return err_set(err, ERR_EXISTS, "%s: '%s' is there already, "
		    "and an archive whose name carries a time is never "
		    "replaced", store_label(store), job->archive_name);
	log_info("'%s' has no time in its name: it will be replaced",
	    job->archive_name);
	return 0;
}

static int
open_store(const struct job *job, struct store **ret, struct err *err)
{
	struct store_local_settings settings = {
		.path = job->archive_path,
		.owner = job->options->archive_owner,
		.mode = (unsigned)job->options->archive_mode,
	};

	return store_local_new(&settings, ret, err);
}

static int
back_up(struct work *work, const struct inventory *inventory, struct err *err)
{
	const struct job *job = work->job;
	CLEANUP(store_freep) struct store *store = NULL;
	CLEANUP(tempfile_abort) struct tempfile spool = TEMPFILE_NONE;
	CLEANUP(flow_result_free) struct flow_result result = FLOW_RESULT_INIT;

	if (open_store(job, &store, err) < 0 ||
	    check_room(job, store, err) < 0 ||
	    check_name(job, store, err) < 0 ||
	    store_spool(store, &spool, err) < 0 ||
	    quiesce_and_stream(work, inventory, &spool, store_label(store),
	    &result, err) < 0 ||
	    check_not_empty(work, &result, err) < 0)
		return -1;
	if (result.total.sockets != 0)
		log_info("sockets left out: %llu",
		    (unsigned long long)result.total.sockets);
	return put(work, store, &spool, &result, err);
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
    const struct strlist *stores, struct report_job *ret)
{
	struct work work = { .job = job, .stores = stores, .report = ret,
		.mutex = PTHREAD_MUTEX_INITIALIZER, .started = clock_now() };
	double began_s = clock_mono_s();
	int rc;

	log_info("backup of %zu sources into '%s' begins", job->sources.n,
	    job->archive_path);
	rc = back_up(&work, inventory, &ret->err);
	ret->seconds = clock_mono_s() - began_s;
	if (rc == 0)
		log_done(ret);
	else
		log_error("no archive: %s", ret->err.msg);
	quiesce_free(&work.quiesce);
}
