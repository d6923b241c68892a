/*
 * repack: the stage that makes another tar of a part of one: the members below
 * one name, under another. For whoever extracts it and is not us.
 *
 *     chan ─> tar_reader ─> repack ─> chan
 *
 * Content, holes, owners, modes, times, attributes and hard links stay as they
 * are; ACLs become the attributes that the kernel has for them. A hard link to
 * a member outside of that part cannot stay one: it is left out, which is a
 * problem, told and counted, and the rest goes on. Names are cut at their
 * leading slashes and "./"; one with ".." is an error.
 */
#ifndef LIB_STREAM_REPACK_H
#define LIB_STREAM_REPACK_H

#include <stdint.h>

#include "lib/base/err.h"
#include "lib/stream/chan.h"

struct repack_settings {	/* borrowed during repack_stage */
	const char *member;	/* the root of the part; "": all of it */
	const char *as;		/* its name in the new archive */
	/* Told of each problem: one line, the member named. NULL: nobody. */
	void (*problem)(void *cookie, const char *message);
	void *cookie;
};

struct repack_result {
	uint64_t members;	/* of the new archive */
	uint64_t files;
	uint64_t raw_bytes;	/* content of those files */
	uint64_t problems;
};

/* repack_stage: reads in, whose blocks are of TAR_READER_BLOCK_BYTES, to its
 * end, and finishes out. Gives *ret, also on failure. Fails: ERR_SOURCE in is
 * damaged, cut off or no tar, or has a name with ".."; ERR_STREAM;
 * ERR_INTERRUPTED; ERR_NOMEM */
MUST_CHECK int repack_stage(const struct repack_settings *settings,
    struct chan *in, struct chan *out, struct repack_result *ret,
    struct err *err);

#endif
