/*
 * walk: the stage at the end that looks at every byte of a tar, and keeps none.
 */
#ifndef LIB_STREAM_WALK_H
#define LIB_STREAM_WALK_H

#include <stdint.h>

#include "lib/base/err.h"
#include "lib/stream/chan.h"
#include "lib/stream/progress.h"
#include "lib/stream/tar_reader.h"

struct walk_result {		/* counted as pack_result is */
	uint64_t members;
	uint64_t files;
	uint64_t raw_bytes;
	uint64_t outside;	/* names that lead out of where it would be
				 * extracted, by ".."; slashes at the beginning
				 * are cut off then, docker-volume-backup's
				 * names all have one */
};

/* walk_stage: in's blocks are of TAR_READER_BLOCK_BYTES; progress: its members
 * are counted; NULL: nobody looks. Fails: ERR_SOURCE it is damaged, cut off, or
 * no tar; ERR_STREAM; ERR_NOMEM */
MUST_CHECK int walk_stage(struct chan *in, struct progress *progress,
    struct walk_result *ret, struct err *err);

/* walk_leads_out: does this name, as it is, lead out of a directory: by "..",
 * or from the root? */
bool walk_leads_out(const char *path);

#endif
