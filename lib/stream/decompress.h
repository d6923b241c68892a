/*
 * decompress: the stage that undoes compress, and what other tools made: gzip
 * of any number of members (RFC 1952), zstd of any number of frames (RFC 8878).
 *
 * A stream is good only to its end: gzip's CRC and length and zstd's checksum,
 * where the frame has one, are looked at, and whatever is cut off, damaged, or
 * followed by anything else is an error. What came out before is then worth
 * nothing.
 *
 * Memory: one window, whatever a stream says: 32 KiB for gzip, at most 128 MiB
 * for zstd (8 MiB for what this program and the zstd command make by default).
 * How much comes out is for whoever reads it to limit: the channel is bounded.
 */
#ifndef LIB_STREAM_DECOMPRESS_H
#define LIB_STREAM_DECOMPRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/stream/chan.h"
#include "lib/stream/compress.h"

struct decompress_settings {
	bool detect;		/* by the first bytes of the first block; then
				 * kind is not used */
	enum compression kind;	/* NONE: passed on as it is */
};

/* decompress_kind: what a stream that begins so is; NONE: neither of them. */
enum compression decompress_kind(const void *bytes, size_t n);

/* decompress_stage: reads in to its end, writes out, finishes out only if all
 * was good. Cancelling the channels is the caller's.
 * Fails    ERR_SOURCE damaged, cut off, something behind it, or not of that
 *          kind; ERR_STREAM, ERR_NOMEM */
MUST_CHECK int decompress_stage(const struct decompress_settings *settings,
    struct chan *in, struct chan *out, struct err *err);

#endif
