/*
 * engine_archive: the files of a container, running or not, as the Engine
 * gives them: a tar stream. For volumes that cannot be read from the host.
 *
 * A container that only exists, and was never started, is enough: the Engine
 * mounts its volumes to read them.
 */
#ifndef LIB_DOCKER_ENGINE_ARCHIVE_H
#define LIB_DOCKER_ENGINE_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/docker/engine.h"

/* On containers that we make; such ones are never backed up or stopped. */
#define LABEL_HELPER "vbackup.helper"

/* engine_archive: write gets the tar stream of that absolute path in the
 * container, whose members begin with the last component of path. Ends after
 * 60 s without a byte, or by a signal. -1 of write ends it with that error.
 * Fails    ERR_NOTFOUND no such container or path; else as engine_stop */
MUST_CHECK int engine_archive(struct engine *engine, const char *id,
    const char *path, int (*write)(void *cookie, const void *bytes, size_t n,
    struct err *err), void *cookie, struct err *err);

/* engine_any_image: the identifier of some image that is there, the smallest;
 * caller frees. Nothing is ever pulled. Fails: ERR_NOTFOUND there is none. */
MUST_CHECK int engine_any_image(struct engine *engine, char **ret,
    struct err *err);

/* Where a helper has its volume. */
#define ENGINE_HELPER_TARGET "/volume"

/* engine_helper: make a container, never started, of that image, without
 * network, labelled LABEL_HELPER=owner, with the volume at
 * ENGINE_HELPER_TARGET, read-only unless writable. The volume must exist, and
 * stays as it is. Caller frees *ret_id.
 * engine_remove: remove a container, not its volumes; one that is not there is
 * a success.
 * Fails    as engine_stop */
MUST_CHECK int engine_helper(struct engine *engine, const char *image,
    const char *volume, const char *owner, bool writable, char **ret_id,
    struct err *err);
MUST_CHECK int engine_remove(struct engine *engine, const char *id,
    struct err *err);

#endif
