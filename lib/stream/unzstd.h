/*
 * unzstd: the stage that undoes zstd. With zstd.c, what knows libzstd.
 * For decompress.c; the contract is decompress_stage's.
 * bytes: the first block of in, n bytes, which was read already.
 */
#ifndef LIB_STREAM_UNZSTD_H
#define LIB_STREAM_UNZSTD_H

#include <stddef.h>

#include "lib/base/err.h"
#include "lib/stream/chan.h"

MUST_CHECK int unzstd_stage(const void *bytes, size_t n, struct chan *in,
    struct chan *out, struct err *err);

#endif
