/*
 * compress: the stage that makes gzip or zstd of a stream, on all cores.
 *
 * gzip is written as a sequence of members (RFC 1952, section 2.2), one for
 * each block of input, deflated independently by libdeflate: any gunzip reads
 * it. zstd is one frame with a checksum, by libzstd's own workers.
 * Memory: about 2 MiB per thread for gzip, 15 MiB for zstd.
 */
#ifndef LIB_STREAM_COMPRESS_H
#define LIB_STREAM_COMPRESS_H

#include "lib/base/err.h"
#include "lib/stream/chan.h"

enum compression { COMPRESSION_NONE, COMPRESSION_GZIP, COMPRESSION_ZSTD };

struct compress_settings {
	enum compression kind;	/* not COMPRESSION_NONE: then no stage is due */
	int level;		/* 1 to 9, as the formats' own tools count; 0:
				 * fast, and less than a tenth larger than what
				 * these make by default */
	int threads;		/* 0: as many as there are cores */
};

/* compress_stage: reads in to its end, writes out, finishes out. Cancelling
 * the channels is the caller's (flow's), for every stage alike; when it fails
 * it may have cancelled both already, so that none of its threads is held up
 * in one. Nothing of it runs any more when it returns.
 * Fails    ERR_STREAM, ERR_NOMEM, ERR_SYSTEM */
MUST_CHECK int compress_stage(const struct compress_settings *settings,
    struct chan *in, struct chan *out, struct err *err);

#endif
