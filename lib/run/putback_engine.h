/*
 * putback_engine: a volume that is no directory of this host gets content
 * through the Engine.
 *
 * As files of a helper container that has the volume, is never started, and is
 * removed. The archive is read for it as a whole, and what belongs to the
 * volume is sent on:
 *
 *     stream ─> repack ─> chan ─> PUT /containers/ID/archive
 *                                  a thread, on a connection of its own
 */
#ifndef LIB_RUN_PUTBACK_ENGINE_H
#define LIB_RUN_PUTBACK_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/docker/engine.h"
#include "lib/run/putback.h"

/* putback_engine_is_empty: is there nothing in the volume? By a helper that
 * cannot write. Fails: as the Engine does */
MUST_CHECK int putback_engine_is_empty(struct engine *engine,
    const char *image, const char *volume, bool *ret, struct err *err);

struct putback_engine {		/* borrowed */
	const struct putback_settings *settings;	/* stream, overwrite */
	struct engine *engine;
	const char *image;	/* of the helper */
	const char *volume;
	const char *member;	/* its root in the archive */
	struct putback_result *result;	/* counted up */
	/* Told of each member that cannot be put back as it was. */
	void (*problem)(void *cookie, const char *message);
	void *cookie;
};

/* putback_engine_put. Fails: ERR_EXISTS it is not empty, and overwrite is not
 * set: untouched; with *ret_touched, what is in it is not complete */
MUST_CHECK int putback_engine_put(const struct putback_engine *work,
    bool *ret_touched, struct err *err);

#endif
