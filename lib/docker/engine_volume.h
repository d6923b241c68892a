/*
 * engine_volume: volumes are made and removed, and files put into them, as a
 * restore needs it.
 *
 *     engine_volume_create
 *     engine_helper (engine_archive.h), writable; engine_put; engine_remove
 *     engine_volume_remove       where it shall not stay
 *
 * Source: Docker Engine API, POST /volumes/create, DELETE /volumes/{name},
 * PUT /containers/{id}/archive.
 */
#ifndef LIB_DOCKER_ENGINE_VOLUME_H
#define LIB_DOCKER_ENGINE_VOLUME_H

#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/docker/engine.h"

struct engine_volume_wanted {	/* borrowed */
	const char *name;
	const char *driver;	/* NULL or "": the Engine's own choice */
	const struct strmap *options;	/* NULL: none; so are labels */
	const struct strmap *labels;
};

/* engine_volume_create: *ret is how it is now, engine_volume_free. One of that
 * name that is there already is a success for the Engine, if its driver is the
 * same: look before. Fails: as engine_stop */
MUST_CHECK int engine_volume_create(struct engine *engine,
    const struct engine_volume_wanted *wanted, struct volume *ret,
    struct err *err);
void engine_volume_free(struct volume *volume);	/* for CLEANUP */

/* engine_volume_remove: with all that is in it; one that is not there is a
 * success. Fails: as engine_stop; ERR_REFUSED also: a container has it */
MUST_CHECK int engine_volume_remove(struct engine *engine, const char *name,
    struct err *err);

/*
 * engine_put: a tar is extracted below that absolute path of a container,
 * running or not. pull gives its bytes in order, *ret_n 0 at the end; it may
 * wait. A directory is merged with one that is there, and neither of it and
 * something else replaces the other; a file is replaced. Ended by a signal.
 * Fails    with pull's error; ERR_NOTFOUND no such container or path; else as
 *          engine_stop. What was extracted by then stays
 */
MUST_CHECK int engine_put(struct engine *engine, const char *id,
    const char *path, int (*pull)(void *cookie, void *bytes, size_t n,
    size_t *ret_n, struct err *err), void *cookie, struct err *err);

#endif
