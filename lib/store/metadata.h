/*
 * metadata: the document beside an archive, NAME.metadata.json.
 *
 * Format: version 1 below. Strings that are not UTF-8 are written with \xHH
 * escapes as in the log; others stay as they are. It holds no secret and no
 * content: warnings and a volume's labels and options are masked as in the
 * log, and in labels and options whatever is named like a password (as in
 * "o":"username=me,password=x" of a network file system) is ***.
 *
 *   {"version":1,"name":..,"job":..,"host":..,"started":RFC 3339,
 *    "finished":..,"size_bytes":n,"sha256":hex of the stored bytes,
 *    "raw_bytes":n,"files":n,"compression":"gzip|zstd|none",
 *    "encryption":"none","sources":[{"type":"volume","name":..,"path":..,
 *    "driver":..,"labels":{},"options":{},"members":n},
 *    {"type":"directory","path":..,"members":n}],
 *    "containers":[{"name":..,"image":..,"action":"stop",
 *    "window_seconds":1.2}],"warnings":[..],"vbackup":version}
 */
#ifndef LIB_STORE_METADATA_H
#define LIB_STORE_METADATA_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

struct metadata_source {
	const char *type;	/* "volume" or "directory" */
	const char *name;	/* of a volume; NULL for a directory */
	const char *path;
	const char *driver;	/* of a volume */
	const struct strmap *labels;	/* of a volume */
	const struct strmap *options;
	uint64_t members;	/* packed from it, its root not counted: 0 is
				 * an empty source */
};

struct metadata_container {
	const char *name;
	const char *image;
	const char *action;	/* "stop" */
	double window_s;
};

struct metadata {		/* everything borrowed */
	const char *name;
	const char *job;
	const char *host;
	time_t started;
	time_t finished;
	uint64_t size_bytes;
	const char *sha256;
	uint64_t raw_bytes;
	uint64_t files;
	const char *compression;
	const char *encryption;
	const struct metadata_source *sources;
	size_t n_sources;
	const struct metadata_container *containers;
	size_t n_containers;
	const struct strlist *warnings;
	const char *vbackup;
};

/* metadata_format: *ret is the document, ending in a newline; caller frees. */
MUST_CHECK int metadata_format(const struct metadata *metadata, char **ret,
    struct err *err);

#endif
