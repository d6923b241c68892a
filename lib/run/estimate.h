/*
 * estimate: how much is there to read? A quick walk before anything is
 * stopped, which also warms the cache for the window.
 */
#ifndef LIB_RUN_ESTIMATE_H
#define LIB_RUN_ESTIMATE_H

#include <stdint.h>

#include "lib/base/err.h"
#include "lib/run/plan.h"

/* estimate_raw: bytes on the disk of everything below the sources; what cannot
 * be read counts nothing. Fails: ERR_INTERRUPTED, ERR_NOMEM. */
MUST_CHECK int estimate_raw(const struct source_list *sources,
    uint64_t *ret_bytes, struct err *err);

/*
 * estimate_need: the room that an archive of so many bytes cannot do without.
 * Uncompressed, that is all of them; compressed, a tenth: real data hardly
 * ever shrinks further. A guard against the hopeless, not a promise: a store
 * that fills up later is noticed then.
 */
uint64_t estimate_need(uint64_t raw_bytes, enum compression compression);

#endif
