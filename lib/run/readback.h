/*
 * readback: is what a store has the archive that was just made?
 *
 *     readback_check    with the plan: will it be possible?
 *     readback_all      once the stores have archive and metadata
 *
 * As backup.verify says. Each store has confirmed size and content of what was
 * put into it already; this asks for it once more, with read to its end, with
 * deep through decryption and decompression to the last member.
 */
#ifndef LIB_RUN_READBACK_H
#define LIB_RUN_READBACK_H

#include "lib/base/err.h"
#include "lib/run/flow.h"
#include "lib/run/opening.h"
#include "lib/run/plan.h"
#include "lib/run/work.h"

/* readback_check: where the archive is sealed to keys and verified deep, seals
 * a few bytes and opens them again. Fails: ERR_CONFIG no secret key does that,
 * or not with this passphrase; ERR_INTERRUPTED */
MUST_CHECK int readback_check(const struct job *job,
    struct openings *openings, struct err *err);

/*
 * readback_all: in each store that has it; does nothing with none and size.
 *
 * Takes    work: its stores finished; made: what was put into them
 * Gives    in the report of each store whether it is good there, and a problem
 *          of the job where it is not
 * Fails    it is good nowhere: the first store's error
 */
MUST_CHECK int readback_all(struct work *work, const struct flow_result *made,
    struct err *err);

#endif
