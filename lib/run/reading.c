#include "lib/run/reading.h"

#include <stdlib.h>

#include "lib/base/intr.h"
#include "lib/base/log.h"
#include "lib/run/reach.h"

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
		teller_say(&work->teller, "'%s' shrank while it was read; the rest is "
		    "zeros", path);
		break;
	case PACK_VANISHED:
		teller_say(&work->teller, "'%s' vanished before it was read", path);
		break;
	case PACK_REPLACED:
		teller_say(&work->teller, "'%s' was replaced before it was read", path);
		break;
	case PACK_UNREADABLE:
		teller_say(&work->teller, "cannot read '%s': %s", path, why);
		break;
	case PACK_SOCKET:
		log_debug("'%s' is a socket: left out", path);
		break;
	case PACK_LEFT_OUT:
		log_info("'%s' is a store: left out", path);
		break;
	}
}

/* --- reading ------------------------------------------------------------- */

/* Beside the spool file, unless it is said where. */
static const char *
staging_directory(const struct work *work)
{
	const char *staging = work->job->options->staging;

	if (staging != NULL)
		return staging;
	return work->stores.spool_file.fd >= 0 ? work->stores.spool_file.dir :
	    SPOOL_DIRECTORY;
}

static struct pack_settings
pack_settings(struct work *work)
{
	const struct options *o = work->job->options;

	return (struct pack_settings){
		.exclude = &o->exclude,
		.exclude_regexp = o->exclude_regexp,
		.left_out = work->run->left_out,
		.watch = watch,
		.cookie = work };
}

static int
begin_window(void *cookie, size_t window, struct err *err)
{
	struct work *work = cookie;

	if (windows_begin(&work->windows, window, err) < 0)
		return -1;
	return reach_check(work->job, true, err);
}

/* Everybody runs again: now the stores may begin to read. Where a command
 * fails there shall be no archive, so there is no more to spool. */
static void
begin_copying(struct work *work)
{
	if (commands_phase(&work->commands, LIFECYCLE_COPY, false,
	    &work->copy_err) < 0)
		spool_end(work->stores.spool, false);
	else
		stores_go(&work->stores);
}

/* Without commands before it, copying need not wait: where there is no spool
 * file it must not, since the window ends only when the stores have read. */
static bool
copies_after_windows(const struct work *work)
{
	return lifecycle_any(&work->job->lifecycle, LIFECYCLE_COPY) &&
	    work->windows.n != 0 && work->staging.n == 0;
}

static void
end_window(void *cookie, size_t window)
{
	struct work *work = cookie;

	windows_end(&work->windows, window);
	if (window + 1 == work->windows.n && copies_after_windows(work) &&
	    intr_signal() == 0)
		begin_copying(work);
}

/* Without it the window is longer, no more. */
static void
open_overflow(struct work *work, uint64_t raw_bytes)
{
	const struct job *job = work->job;
	struct err err = ERR_INIT;

	if (job->n_windows != 0 && work->staging.n == 0 &&
	    job->compression != COMPRESSION_NONE &&
	    stores_overflow(&work->stores, raw_bytes, &work->overflow,
	    &err) < 0)
		log_warning("%s: the window lasts as long as the compression",
		    err.msg);
}

static void
fill_sources(const struct work *work, struct flow_source *sources,
    struct reach *reaches, const char *owner)
{
	const struct job *job = work->job;
	size_t i;

	for (i = 0; i < job->sources.n; i++) {
		const struct source *source = &job->sources.v[i];

		sources[i].pack = (struct pack_source){
			.path = staging_path(&work->staging, i),
			.member = source->member, .shown = source->shown };
		if (!source->through_engine)
			continue;
		reaches[i] = (struct reach){ &work->run->inventory->docker,
			source, job->helper_image, owner };
		sources[i].fetch = reach_fetch;
		sources[i].cookie = &reaches[i];
	}
}

/* What is excluded was counted too, and what comes from the Engine was not. */
static bool
is_estimated(const struct job *job)
{
	size_t i;

	for (i = 0; i < job->sources.n; i++)
		if (job->sources.v[i].through_engine)
			return false;
	return job->options->exclude.n == 0 &&
	    job->options->exclude_regexp == NULL;
}

static int
stream_sources(struct work *work, const struct flow_source *sources,
    uint64_t raw_bytes, struct flow_result *ret, struct err *err)
{
	const struct job *job = work->job;
	CLEANUP(cleanup_free) size_t *windows = calloc(job->n_windows + 1,
	    sizeof *windows);
	bool staged = work->staging.n != 0;
	struct flow_settings settings = {
		.sources = sources,
		.n_sources = job->sources.n,
		.windows = windows,
		.n_windows = staged ? 0 : job->n_windows,
		.raw_bytes = is_estimated(job) ? raw_bytes : 0,
		.pack = pack_settings(work),
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
	size_t i;

	if (windows == NULL)
		return err_nomem(err);
	for (i = 0; i < job->n_windows; i++)
		windows[i] = job->windows[i].n_sources;
	if (reach_check(job, false, err) < 0) {
		spool_end(work->stores.spool, false);
		return -1;
	}
	if (!copies_after_windows(work))
		begin_copying(work);
	if (flow_run(&settings, ret, err) < 0 &&
	    work->copy_err.kind == ERR_NONE)
		return -1;
	if (work->copy_err.kind == ERR_NONE)
		return 0;
	*err = work->copy_err;
	return -1;
}

static int
stream(struct work *work, uint64_t raw_bytes, struct flow_result *ret,
    struct err *err)
{
	size_t n = work->job->sources.n;
	CLEANUP(cleanup_free) struct flow_source *sources = calloc(n + 1,
	    sizeof *sources);
	CLEANUP(cleanup_free) struct reach *reaches = calloc(n + 1,
	    sizeof *reaches);
	char owner[REACH_OWNER_BYTES];

	if (sources == NULL || reaches == NULL)
		return err_nomem(err);
	reach_owner(owner);
	fill_sources(work, sources, reaches, owner);
	return stream_sources(work, sources, raw_bytes, ret, err);
}

/* Copies, windows, stream; commands around them. */
static int
read_all(struct work *work, uint64_t raw_bytes, struct flow_result *ret,
    struct err *err)
{
	struct pack_settings pack = pack_settings(work);
	int rc;

	if (windows_init(&work->windows, work->job, work->run->inventory,
	    work->run->lock, work->run->owed, &work->teller, err) < 0 ||
	    staging_open(&work->staging, work->job, staging_directory(work),
	    &pack, err) < 0)
		return -1;
	open_overflow(work, raw_bytes);
	stores_begin(&work->stores);
	rc = work->staging.n == 0 ? 0 :
	    staging_update(&work->staging, &work->windows, err);
	if (rc == 0)
		rc = stream(work, raw_bytes, ret, err);
	else
		spool_end(work->stores.spool, false);
	overflow_freep(&work->overflow);
	staging_close(&work->staging);
	work->report->window_s = work->windows.window_s;
	windows_count(&work->windows, &work->report->containers,
	    &work->report->services);
	return rc;
}

/* The commands of both phases that are passed here as one. */
int
reading_run(struct work *work, uint64_t raw_bytes,
    struct flow_result *ret, struct err *err)
{
	int rc = commands_phase(&work->commands, LIFECYCLE_ARCHIVE, false,
	    err);

	if (rc == 0)
		rc = commands_phase(&work->commands, LIFECYCLE_PROCESS, false,
		    err);
	if (rc == 0)
		rc = read_all(work, raw_bytes, ret, err);
	commands_after_phase(&work->commands, LIFECYCLE_ARCHIVE);
	commands_after_phase(&work->commands, LIFECYCLE_PROCESS);
	return rc;
}
