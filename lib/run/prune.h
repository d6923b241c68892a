/*
 * prune: remove the old archives of one job from one store.
 *
 *     prune_store, look at the result, prune_result_free
 *
 * The caller decides whether this store is pruned at all (retention.skip,
 * archive.prune, s3.prune), and calls only when the archive of this run is in
 * it, or when no run is under way.
 *
 * Candidates are files right in the store whose names the job's pattern could
 * have made or, where there is a prefix, whose names begin with it. Never
 * hidden files, the latest link, or metadata: that goes after its archive, and
 * stays where the archive is gone already or could not be removed. Everything
 * else is foreign and does not count.
 *
 * The age is the time in the name, where the pattern tells year and day; else
 * the time that the store gives.
 */
#ifndef LIB_RUN_PRUNE_H
#define LIB_RUN_PRUNE_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/run/plan.h"
#include "lib/store/store.h"

struct prune_result {
	size_t candidates;
	size_t pruned;
	struct strlist names;	/* archives that went, or with dry_run would;
				 * sorted */
	struct strlist failed;	/* "'NAME': why" of what should have gone */
	bool guarded;		/* every one would have gone, so none went */
};

#define PRUNE_RESULT_INIT { 0, 0, STRLIST_INIT, STRLIST_INIT, false }

/*
 * prune_store: one job in one store. Logs two warnings where the guard holds,
 * which is a success; nothing else.
 *
 * Takes    job (its pattern, prune_prefix, retain and latest) and store,
 *          borrowed; protected: the archive of this run, or NULL; now; dry_run:
 *          remove nothing
 * Gives    *ret, also on failure; nothing at all for a policy that is off
 * Promise  the newest archive stays, and so does the protected one
 * Fails    ERR_NOMEM, or whatever keeps the store from listing and removing
 */
MUST_CHECK int prune_store(const struct job *job, struct store *store,
    const char *protected, time_t now, bool dry_run, struct prune_result *ret,
    struct err *err);
void prune_result_free(struct prune_result *result);	/* for CLEANUP */

#endif
