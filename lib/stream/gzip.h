/*
 * gzip: the stage behind COMPRESSION_GZIP. The only file that knows
 * libdeflate. For compress.c; the contract is compress_stage's.
 * level: 0 for our own choice.
 */
#ifndef LIB_STREAM_GZIP_H
#define LIB_STREAM_GZIP_H

#include "lib/base/err.h"
#include "lib/stream/chan.h"

MUST_CHECK int gzip_stage(int level, int threads, struct chan *in,
    struct chan *out, struct err *err);

#endif
