/*
 * reach: how the bytes of a volume are got at.
 *
 * From its mount point on this host, if that is readable, is this host's, and
 * is mounted while it is read. Otherwise through the Engine: as files of a
 * container that has the volume, running or not, or of a helper container that
 * is made for the purpose, never started, and removed. So are read:
 *
 *   - volumes of an Engine elsewhere (tcp://), of a rootless one, or where
 *     vbackup itself runs in a container with nothing but the socket: the
 *     mount point is not there, or is not theirs
 *   - volumes that their driver mounts only while a container uses them
 *     (another driver than local; local with a device or a type), where no
 *     user is left running when they are read: their mount points are empty
 *     directories then
 *
 * A tmpfs volume is gone with its last running user: to stop that one is
 * refused.
 */
#ifndef LIB_RUN_REACH_H
#define LIB_RUN_REACH_H

#include <stdbool.h>

#include "lib/run/plan.h"

/* reach_choose: fills `through` of each of the job's volumes, after
 * targets_choose, and job->helper_image where a helper will be needed. Fails:
 * ERR_NOMEM, or the Engine does not answer. */
MUST_CHECK int reach_choose(const struct inventory *inventory,
    struct job *job, struct strlist *problems, struct err *err);

/* reach_is_directory: is the volume, whoever uses it, nothing but a directory
 * of this host that we can read? */
bool reach_is_directory(const struct options *options,
    const struct volume *volume);

/* reach_owner: what our helper containers are labelled with: this host and this
 * process. reach_is_stale: is it the label (or NULL) of a process of this host
 * that is dead? */
#define REACH_OWNER_BYTES 96
void reach_owner(char ret[REACH_OWNER_BYTES]);
bool reach_is_stale(const char *owner);

/* reach_sweep: remove the helper containers of processes that were killed. */
void reach_sweep(const struct inventory *inventory);

/* reach_check: of those of the job's sources that are read from a mount point
 * which their driver mounts only while it is used: are they mounted at this
 * moment? quiesced: those that are read in a window, or the others. Fails:
 * ERR_SOURCE one is not: it would be packed as an empty directory. */
MUST_CHECK int reach_check(const struct job *job, bool quiesced,
    struct err *err);

struct reach {			/* of one source, while it is fetched */
	const struct engine_settings *docker;
	const struct source *source;
	const char *helper_image;
	const char *owner;
};

/* reach_fetch: a pack_tar_fetch_fn, cookie a struct reach: the source as a tar
 * stream. Speaks to the Engine on a connection of its own; a helper is made
 * and removed in it. */
MUST_CHECK int reach_fetch(void *cookie,
    int (*write)(void *write_cookie, const void *bytes, size_t n,
    struct err *err), void *write_cookie, struct err *err);

#endif
