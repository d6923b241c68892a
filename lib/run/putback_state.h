/*
 * putback_state: what putback*.c share.
 */
#ifndef LIB_RUN_PUTBACK_STATE_H
#define LIB_RUN_PUTBACK_STATE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/str.h"
#include "lib/docker/engine.h"
#include "lib/run/beside.h"
#include "lib/run/inventory.h"
#include "lib/run/putback.h"
#include "lib/run/putback_users.h"

struct putback_item {		/* what becomes of one want */
	const struct putback_want *want;
	char *shown;		/* "volume 'db'", "directory '/srv/data'" */
	const struct volume *volume;	/* in the inventory, or made; NULL */
	struct volume own;	/* that was made */
	bool make;		/* there is no such volume yet */
	bool made;
	bool through_engine;
	bool seen;		/* the archive had something of it, */
	bool root_seen;		/* its own directory */
	struct beside beside;
};

struct putback {
	const struct putback_settings *settings;
	struct putback_item *items;
	size_t n;
	struct strlist mounts;
	struct str path;	/* of the last extract_place */
	char *image;		/* of helper containers; NULL */
	struct putback_users users;	/* as they were when we looked */
	struct inventory fresh;	/* of the commit */
	struct putback_result result;	/* of the commit */
	bool committed;
};

/* putback_uses: what each item is to its users; caller frees. */
MUST_CHECK int putback_uses(const struct putback *putback,
    struct putback_use **ret, struct err *err);

/* putback_find_volume: decide how the volume of an item is reached, once it is
 * there. Fails: ERR_NOMEM, or the Engine does not answer */
MUST_CHECK int putback_find_volume(struct putback *putback,
    struct putback_item *item, struct strlist *problems, struct err *err);

#endif
