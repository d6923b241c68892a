/*
 * sidecar: what is known of an archive, as the document that lies beside it.
 * The format is in lib/store/metadata.h; this fills it in.
 */
#ifndef LIB_RUN_SIDECAR_H
#define LIB_RUN_SIDECAR_H

#include <time.h>

#include "lib/base/err.h"
#include "lib/run/flow.h"
#include "lib/run/plan.h"
#include "lib/run/window.h"

struct sidecar {		/* everything borrowed */
	const struct job *job;
	const struct flow_result *result;
	const struct windows *windows;
	const struct strlist *warnings;
	time_t started;
};

/* sidecar_format: *ret_name: NAME.metadata.json; *ret_text: the document. The
 * caller frees both. */
MUST_CHECK int sidecar_format(const struct sidecar *facts, char **ret_name,
    char **ret_text, struct err *err);

/* The words of the metadata for what a job makes. */
const char *sidecar_compression(const struct job *job);
const char *sidecar_encryption(const struct job *job);

#endif
