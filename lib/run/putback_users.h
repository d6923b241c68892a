/*
 * putback_users: who uses what is to be put back, and how they come to rest.
 *
 * Labelled or not, whoever runs and has the volume, the directory, or something
 * in it, holds what is there now, and would not see what replaces it. For a
 * directory also who has a directory around it: he would see both. Not so for
 * a volume, around which are those that look at the whole host.
 *
 * A container is stopped; of a Swarm's task the service is emptied, as it is
 * for a backup. They are brought back whatever their labels say.
 */
#ifndef LIB_RUN_PUTBACK_USERS_H
#define LIB_RUN_PUTBACK_USERS_H

#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/docker/quiesce.h"
#include "lib/run/inventory.h"

struct putback_use {		/* borrowed */
	const char *volume;	/* its name; NULL: a directory */
	const char *path;	/* real; NULL: not on this host */
};

struct putback_users {		/* borrow from the inventory */
	struct quiesce_target *v;
	size_t n;
};

#define PUTBACK_USERS_INIT { NULL, 0 }

/* putback_users_find. Gives *ret; problems: users that cannot be brought to
 * rest and back. Fails: ERR_NOMEM, or the Engine does not answer */
MUST_CHECK int putback_users_find(const struct options *options,
    const struct inventory *inventory, const struct putback_use *what,
    size_t n, struct putback_users *ret, struct strlist *problems,
    struct err *err);
void putback_users_free(struct putback_users *users);	/* for CLEANUP */

#endif
