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

#include <stdbool.h>
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

struct metadata_parsed {	/* owns what metadata points to; not to be
				 * copied */
	struct metadata metadata;
	struct strlist texts;
	struct metadata_source *sources;
	struct strmap *maps;	/* labels and options of each source */
	struct metadata_container *containers;
	struct strlist warnings;
};

#define METADATA_PARSED_INIT { .metadata = { .name = NULL } }

/*
 * metadata_parse: read a document back, ours or a newer version's.
 *
 * Takes    text: len bytes, any; the caller limits how many
 * Gives    *ret, to be freed with metadata_parsed_free. A text that is missing
 *          is NULL, a number or a time 0, a list empty; labels and options are
 *          NULL only where the source is no volume. There always are: name, a
 *          source's type (a newer version may have more of them), a volume's
 *          name, a container's name. Unknown fields are passed over. Texts are
 *          as metadata_format wrote them: what was not UTF-8 has its \xHH, and
 *          what was masked is ***, so that a volume's options may not be those
 *          it had (see metadata_is_masked).
 * Fails    ERR_PROTOCOL not JSON, not version 1, or a field of another kind
 *          than ours, named as in "sources[2].labels"; a text with a NUL or
 *          that is not UTF-8; a number that is negative, no whole one or over
 *          2^53 (JSON's readers, this one too, would lose its digits);
 *          ERR_NOMEM
 */
MUST_CHECK int metadata_parse(const char *text, size_t len,
    struct metadata_parsed *ret, struct err *err);
void metadata_parsed_free(struct metadata_parsed *parsed);

/* metadata_is_masked: does this value of a label or an option lack something
 * that was not to be written down? */
bool metadata_is_masked(const char *value);

#endif
