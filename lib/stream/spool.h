/*
 * spool: the last stage: a stream becomes a file, and its digest.
 */
#ifndef LIB_STREAM_SPOOL_H
#define LIB_STREAM_SPOOL_H

#include <stdint.h>

#include "lib/base/digest.h"
#include "lib/base/err.h"
#include "lib/stream/chan.h"
#include "lib/stream/progress.h"

struct spool_result {
	uint64_t bytes;
	char sha256[DIGEST_HEX_BYTES];
};

/* spool_stage: writes all of in to fd (borrowed; name is for messages), which
 * is written out (sync_file_range) as it goes, so that the fsync at the end
 * finds little to do. Bumps progress->stored_bytes.
 * Fails    ERR_STREAM, ERR_NOSPACE, ERR_SYSTEM */
MUST_CHECK int spool_stage(int fd, const char *name, struct chan *in,
    struct progress *progress, struct spool_result *ret, struct err *err);

#endif
