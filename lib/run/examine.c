#include "lib/run/examine.h"

#include <inttypes.h>

#include "lib/base/log.h"
#include "lib/run/reflow.h"
#include "lib/stream/walk.h"

/* A number that metadata lacks is 0 there. */
static int
compare_tar(const struct metadata *metadata, const struct walk_result *walk,
    struct err *err)
{
	if (metadata->files != 0 && metadata->files != walk->files)
		return err_set(err, ERR_SOURCE, "it has %" PRIu64 " files, its "
		    "metadata says %" PRIu64, walk->files, metadata->files);
	if (metadata->raw_bytes != 0 &&
	    metadata->raw_bytes != walk->raw_bytes)
		return err_set(err, ERR_SOURCE, "its files have %" PRIu64
		    " bytes, its metadata says %" PRIu64, walk->raw_bytes,
		    metadata->raw_bytes);
	return 0;
}

struct walking {
	struct progress progress;
	struct walk_result result;
};

static int
walk(void *cookie, struct chan *in, struct err *err)
{
	struct walking *walking = cookie;

	return walk_stage(in, &walking->progress, &walking->result, err);
}

int
examine_archive(const struct examine_settings *settings,
    struct examine_result *ret, struct err *err)
{
	const struct metadata *metadata = settings->metadata;
	struct walking walking = { 0 };
	const struct walk_result *walked = &walking.result;
	struct reflow_result read = { 0 };
	struct reflow_settings reflow = { .store = settings->store,
		.name = settings->name, .bytes = settings->bytes,
		.decompress = opening_decompression(settings->name, metadata),
		.cookie = &walking };

	if (settings->deep) {
		reflow.sink = walk;
		reflow.progress = &walking.progress;
	}
	if (settings->deep &&
	    opening_encryption(settings->name, metadata) != NULL &&
	    openings_find(settings->openings, settings->options,
	    &reflow.unseal, err) < 0)
		return -1;
	if (reflow_run(&reflow, &read, err) < 0)
		return -1;
	*ret = (struct examine_result){ read.bytes, walked->members };
	if (walked->outside != 0)
		log_warning("'%s': %" PRIu64 " of its names lead out of where "
		    "it would be extracted", settings->name, walked->outside);
	if (opening_compare(metadata, &read, err) < 0)
		return -1;
	return settings->deep ? compare_tar(metadata, walked, err) : 0;
}
