/*
 * restoring: a restore that is under way; what its files share.
 *
 * Stores that have the archive are tried one after the other:
 *
 *     restoring_open     the first from which it can be read; asks for a
 *                        passphrase where it must
 *     restoring_each     an attempt; if it fails before anything was touched,
 *                        one from the next store
 */
#ifndef LIB_RUN_RESTORING_H
#define LIB_RUN_RESTORING_H

#include "lib/run/restore.h"
#include "lib/run/restore_choose.h"
#include "lib/run/restore_source.h"
#include "lib/run/restore_wants.h"
#include "lib/stream/extract.h"

struct restoring {
	const struct config *config;		/* borrowed */
	const struct restore_settings *settings;
	struct restore_result *result;
	struct restore_wants wants;
	struct restore_choice choice;
	struct restore_secrets secrets;
	size_t at;			/* of choice: the store */
	struct restore_source source;	/* opened from there */
	bool final;	/* no other store is tried: something was made, or would
			 * fail in the same way */
};

/* restoring_open: sets source, and what is known of the wants. Fails: no store
 * gives it: the last one's error */
MUST_CHECK int restoring_open(struct restoring *r, struct err *err);

/* restoring_each: calls attempt with the source open. Fails: as the last
 * attempt */
MUST_CHECK int restoring_each(struct restoring *r,
    int (*attempt)(struct restoring *r, void *cookie, struct err *err),
    void *cookie, struct err *err);

/* restoring_extract: the source into these places, see extract.h; problems are
 * logged and counted, members, files and bytes are those of this call. */
MUST_CHECK int restoring_extract(struct restoring *r,
    int (*place)(void *cookie, const char *name, struct extract_place *ret,
    struct err *err), void *cookie, bool overwrite, struct err *err);

/* restoring_print: a dry run: each member that would be restored. */
MUST_CHECK int restoring_print(struct restoring *r, struct err *err);

/* The two ways, each from the open source to the end. */
MUST_CHECK int restore_to(struct restoring *r, struct err *err);
MUST_CHECK int restore_in_place(struct restoring *r, struct err *err);

#endif
