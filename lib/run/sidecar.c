#define _GNU_SOURCE
#include "lib/run/sidecar.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "build_config.h"
#include "lib/base/clock.h"
#include "lib/store/metadata.h"
#include "lib/store/name.h"

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

const char *
sidecar_compression(const struct job *job)
{
	return job->compression == COMPRESSION_GZIP ? "gzip" :
	    job->compression == COMPRESSION_ZSTD ? "zstd" : "none";
}

const char *
sidecar_encryption(const struct job *job)
{
	return job->seal != NULL ? seal_name(job->seal) : "none";
}

/* What had come to rest by itself by then was left alone. */
static size_t
count_units(const struct windows *windows)
{
	size_t n = 0, i, k;

	for (i = 0; i < windows->n; i++)
		for (k = 0; k < windows->v[i].n; k++)
			n += windows->v[i].units[k].touched;
	return n;
}

static struct metadata_container
unit_metadata(const struct quiesce_unit *unit)
{
	static const char *const actions[] = {
		[QUIESCE_STOP] = "stop", [QUIESCE_PAUSE] = "pause",
		[QUIESCE_SCALE] = "scale", [QUIESCE_CONSTRAIN] = "constrain"
	};
	const struct quiesce_target *target = &unit->target;

	return (struct metadata_container){
		.name = target->container != NULL ? target->container->name :
		    target->service->name,
		.image = target->container != NULL ? target->container->image :
		    "",
		.action = actions[target->action],
		.window_s = unit->window_s };
}

static void
fill_containers(const struct windows *windows, struct metadata_container *ret)
{
	size_t i, k;

	for (i = 0; i < windows->n; i++)
		for (k = 0; k < windows->v[i].n; k++)
			if (windows->v[i].units[k].touched)
				*ret++ = unit_metadata(
				    &windows->v[i].units[k]);
}

static int
fill_and_format(const struct sidecar *facts, struct metadata_source *sources,
    struct metadata_container *containers, char **ret, struct err *err)
{
	const struct job *job = facts->job;
	const struct flow_result *result = facts->result;
	char host[256] = "";
	struct metadata metadata = {
		.name = job->archive_name,
		.job = job->name,
		.host = host,
		.started = facts->started,
		.finished = clock_now(),
		.size_bytes = result->stored.bytes,
		.sha256 = result->stored.sha256,
		.raw_bytes = result->total.raw_bytes,
		.files = result->total.files,
		.compression = sidecar_compression(job),
		.encryption = sidecar_encryption(job),
		.sources = sources,
		.n_sources = job->sources.n,
		.containers = containers,
		.n_containers = count_units(facts->windows),
		.warnings = facts->warnings,
		.vbackup = BUILD_VERSION,
	};
	size_t i;

	(void)gethostname(host, sizeof host - 1);
	for (i = 0; i < job->sources.n; i++)
		sources[i] = source_metadata(&job->sources.v[i],
		    &result->sources[i]);
	fill_containers(facts->windows, containers);
	return metadata_format(&metadata, ret, err);
}

int
sidecar_format(const struct sidecar *facts, char **ret_name, char **ret_text,
    struct err *err)
{
	CLEANUP(cleanup_free) struct metadata_source *sources =
	    calloc(facts->job->sources.n + 1, sizeof *sources);
	CLEANUP(cleanup_free) struct metadata_container *containers =
	    calloc(count_units(facts->windows) + 1, sizeof *containers);
	CLEANUP(cleanup_free) char *name = NULL;

	if (sources == NULL || containers == NULL)
		return err_nomem(err);
	if (str_format(&name, err, "%s%s", facts->job->archive_name,
	    NAME_METADATA_SUFFIX) < 0 ||
	    fill_and_format(facts, sources, containers, ret_text, err) < 0)
		return -1;
	*ret_name = name;
	name = NULL;
	return 0;
}
