/*
 * beside: a directory is replaced by another one, made beside it, in one
 * rename.
 *
 *     beside_look        where it is, and why it cannot be; touches nothing
 *     beside_prepare     what a killed one left is removed; an empty directory
 *                        is made beside it, and the file system is tried
 *     fill stage_fd; beside_settle
 *     beside_exchange    there is the new one; the old one lies beside
 *     beside_back        or not: as before
 *     beside_keep        the old one gets a name of its own
 *     beside_discard     whatever lies beside is removed
 *     beside_free
 *
 * Beside ".../NAME/_data" of a volume lies ".../NAME/.vbackup-restore", beside
 * "/srv/data" lies "/srv/.data.vbackup-restore". These names are ours; what
 * has them is removed. So whoever calls this holds the lock.
 *
 * A directory that is not there yet appears by a rename that replaces nothing.
 */
#ifndef LIB_RUN_BESIDE_H
#define LIB_RUN_BESIDE_H

#include <stdbool.h>
#include <time.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

struct beside {
	char *path;		/* real, of the directory */
	char *parent;		/* real; of path */
	const char *name;	/* its last component, in path */
	char *stage;		/* the name beside it */
	int parent_fd;
	int stage_fd;		/* the new directory; mode 0700 until
				 * somebody gives it another */
	bool there;		/* the directory is there */
	bool staged;		/* something lies beside it that is ours */
	bool exchanged;		/* the new one is in its place */
};

#define BESIDE_INIT { .parent_fd = -1, .stage_fd = -1 }

/* beside_look. Takes shown: for messages, "volume 'db'"; mounts: what is
 * mounted. Gives *ret, also where there is a problem: it is no directory, a
 * mount point, something is mounted in it, its parent is missing or may not be
 * written. Fails: ERR_NOMEM */
MUST_CHECK int beside_look(const char *shown, const char *path,
    const struct strlist *mounts, struct beside *ret,
    struct strlist *problems, struct err *err);
void beside_free(struct beside *beside);	/* removes nothing */

/* beside_prepare. Fails: ERR_SYSTEM, also where the file system cannot exchange
 * two directories; ERR_NOSPACE; ERR_INTERRUPTED while it removes */
MUST_CHECK int beside_prepare(struct beside *beside, struct err *err);

/* beside_settle: everything is on the disk. own_attributes: the new directory
 * gets owner and mode of the old one (0755 if there is none). */
MUST_CHECK int beside_settle(struct beside *beside, bool own_attributes,
    struct err *err);

/* beside_exchange, beside_back. If one fails, `exchanged` says what is. */
MUST_CHECK int beside_exchange(struct beside *beside, struct err *err);
MUST_CHECK int beside_back(struct beside *beside, struct err *err);

/* beside_keep: the old directory is *ret now, ".../NAME.vbackup-old-TIME";
 * caller frees. *ret is NULL where there was none. */
MUST_CHECK int beside_keep(struct beside *beside, time_t now, char **ret,
    struct err *err);

/* beside_discard: not interrupted. Follows no link and enters nothing that is
 * mounted. Fails: ERR_SYSTEM something of it is left; ERR_NOMEM */
MUST_CHECK int beside_discard(struct beside *beside, struct err *err);

#endif
