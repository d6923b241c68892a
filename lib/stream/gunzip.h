/*
 * gunzip: the stage that undoes gzip. The only file that knows zlib: libdeflate
 * wants a member whole in memory, and others' archives are one member.
 * For decompress.c; the contract is decompress_stage's.
 * bytes: the first block of in, n bytes, which was read already.
 */
#ifndef LIB_STREAM_GUNZIP_H
#define LIB_STREAM_GUNZIP_H

#include <stddef.h>

#include "lib/base/err.h"
#include "lib/stream/chan.h"

MUST_CHECK int gunzip_stage(const void *bytes, size_t n, struct chan *in,
    struct chan *out, struct err *err);

#endif
