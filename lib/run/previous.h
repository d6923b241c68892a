/*
 * previous: what the archive before this one says, for what can only be seen
 * by comparison: a source that was not empty last time, and is empty now.
 */
#ifndef LIB_RUN_PREVIOUS_H
#define LIB_RUN_PREVIOUS_H

#include "lib/base/err.h"
#include "lib/run/flow.h"
#include "lib/run/plan.h"
#include "lib/run/teller.h"
#include "lib/store/store.h"

/*
 * previous_compare: with the newest archive of this job in the store that has
 * metadata. Must be called before this one's metadata is there.
 *
 * Gives    each source that became empty is told; *ret_found: there was one
 * Fails    the store cannot be read, or the metadata is none
 */
MUST_CHECK int previous_compare(const struct job *job, struct store *store,
    const struct flow_result *result, const struct teller *teller,
    bool *ret_found, struct err *err);

#endif
