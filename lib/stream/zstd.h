/*
 * zstd: the stage behind COMPRESSION_ZSTD. The only file that knows libzstd.
 * For compress.c; the contract is compress_stage's.
 * level: 0 for our own choice.
 */
#ifndef LIB_STREAM_ZSTD_H
#define LIB_STREAM_ZSTD_H

#include "lib/base/err.h"
#include "lib/stream/chan.h"

MUST_CHECK int zstd_stage(int level, int threads, struct chan *in,
    struct chan *out, struct err *err);

#endif
