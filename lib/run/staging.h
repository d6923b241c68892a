/*
 * staging: a job's quiesced sources, copied before their windows, and packed
 * from the copies: so that a window is as long as the changes are large.
 *
 *     staging_open    copies, while everything runs
 *     staging_update  all windows: rest, the changes, back
 *     staging_path    what to pack instead of a source
 *     staging_close   removes the copies
 *
 * Sources that are read through the Engine cannot be copied first: they are
 * read in the window itself, as a tar stream cannot be brought up to date; so
 * a job that has one is not staged, and that is logged.
 */
#ifndef LIB_RUN_STAGING_H
#define LIB_RUN_STAGING_H

#include <stddef.h>

#include "lib/base/err.h"
#include "lib/run/plan.h"
#include "lib/run/window.h"
#include "lib/stream/pack.h"

struct staging {
	const struct job *job;
	struct stage *stage;	/* NULL: not staged */
	size_t *indexes;	/* of each quiesced source in the stage */
	size_t n;
};

#define STAGING_NONE { NULL, NULL, NULL, 0 }

/* staging_sweep: remove what a run that was killed left, wherever this job's
 * copies may have been: before room is looked for. */
void staging_sweep(const struct job *job);

/*
 * staging_open: does nothing where the job wants none, or has no window.
 *
 * Takes    directory: where the copies are made; pack: what will not be packed
 *          need not be copied, and who watches
 * Fails    as stage_new and stage_copy
 */
MUST_CHECK int staging_open(struct staging *ret, const struct job *job,
    const char *directory, const struct pack_settings *pack, struct err *err);

/* staging_update: no window is open when it returns. Fails: as windows_begin
 * and stage_update. */
MUST_CHECK int staging_update(struct staging *staging,
    struct windows *windows, struct err *err);

/* staging_path: of source i of the job: its copy, or itself. */
const char *staging_path(const struct staging *staging, size_t i);
void staging_close(struct staging *staging);	/* for CLEANUP */

#endif
