#include "lib/run/staging.h"

#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/run/reach.h"
#include "lib/run/stores.h"
#include "lib/stream/stage.h"

static bool
is_asked_for(const struct job *job)
{
	return job->options->snapshot == SNAPSHOT_STAGED ||
	    job->options->snapshot == SNAPSHOT_TRUE;
}

/* The quiesced sources are the first ones. */
static size_t
count_quiesced(const struct job *job)
{
	size_t n = 0;

	while (n < job->sources.n && job->sources.v[n].quiesced)
		n++;
	return n;
}

static bool
can_be_staged(const struct job *job, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (job->sources.v[i].through_engine) {
			log_warning("volume '%s' is read through the Engine: "
			    "nothing is staged", job->sources.v[i].name);
			return false;
		}
	return n != 0;
}

static int
copy_all(struct staging *staging, struct err *err)
{
	struct stage_result result, total = { 0 };
	double began_s = clock_mono_s();
	char bytes[CLOCK_BYTES_BYTES], span[CLOCK_SPAN_BYTES];

	for (; staging->n < count_quiesced(staging->job); staging->n++) {
		const struct source *source =
		    &staging->job->sources.v[staging->n];

		if (stage_copy(staging->stage, source->path, source->shown,
		    &staging->indexes[staging->n], &result, err) < 0)
			return -1;
		total.entries += result.entries;
		total.bytes += result.bytes;
	}
	clock_bytes(total.bytes, bytes);
	clock_span(clock_mono_s() - began_s, span);
	log_info("staged: %llu entries, %s, in %s",
	    (unsigned long long)total.entries, bytes, span);
	return 0;
}

static void
sweep(const char *directory)
{
	struct err err = ERR_INIT;

	if (file_is_dir(directory) && stage_sweep(directory, &err) < 0)
		log_warning("%s", err.msg);
}

void
staging_sweep(const struct job *job)
{
	const struct options *o = job->options;
	size_t i;

	if (o->staging != NULL)
		sweep(o->staging);
	if (o->spool != NULL && *o->spool == '/')
		sweep(o->spool);
	for (i = 0; i < job->stores.n; i++)
		if (job->stores.v[i].kind == STORE_KIND_LOCAL)
			sweep(job->stores.v[i].place);
	if (is_asked_for(job))
		sweep(SPOOL_DIRECTORY);
}

int
staging_open(struct staging *ret, const struct job *job,
    const char *directory, const struct pack_settings *pack, struct err *err)
{
	const struct stage_settings settings = { .directory = directory,
		.left_out = pack->left_out, .exclude = pack->exclude,
		.exclude_regexp = pack->exclude_regexp, .watch = pack->watch,
		.cookie = pack->cookie };
	size_t n = count_quiesced(job);

	ret->job = job;
	if (!is_asked_for(job) || !can_be_staged(job, n))
		return 0;
	ret->indexes = calloc(n + 1, sizeof *ret->indexes);
	if (ret->indexes == NULL)
		return err_nomem(err);
	if (stage_new(&settings, &ret->stage, err) == 0) {
		if (copy_all(ret, err) == 0)
			return 0;
		(void)err_add(err, "in '%s'", directory);
	}
	staging_close(ret);
	return err_add(err, "backup.snapshot");
}

static int
update_one(struct staging *staging, size_t n, size_t *at,
    struct stage_result *total, struct err *err)
{
	struct stage_result result;

	for (; n > 0; n--, (*at)++) {
		if (stage_update(staging->stage, staging->indexes[*at],
		    &result, err) < 0)
			return -1;
		total->copied += result.copied;
		total->removed += result.removed;
	}
	return 0;
}

int
staging_update(struct staging *staging, struct windows *windows,
    struct err *err)
{
	struct stage_result total = { 0 };
	size_t i, at = 0;
	int rc = 0;

	for (i = 0; rc == 0 && i < windows->n; i++) {
		rc = windows_begin(windows, i, err);
		if (rc == 0)
			rc = reach_check(staging->job, true, err);
		if (rc == 0)
			rc = update_one(staging,
			    staging->job->windows[i].n_sources, &at, &total,
			    err);
		windows_end(windows, i);
	}
	if (rc == 0)
		log_info("in the window: %llu entries copied again, %llu "
		    "removed", (unsigned long long)total.copied,
		    (unsigned long long)total.removed);
	return rc;
}

const char *
staging_path(const struct staging *staging, size_t i)
{
	return i < staging->n ?
	    stage_path(staging->stage, staging->indexes[i]) :
	    staging->job->sources.v[i].path;
}

void
staging_close(struct staging *staging)
{
	stage_free(staging->stage);
	free(staging->indexes);
	*staging = (struct staging)STAGING_NONE;
}
