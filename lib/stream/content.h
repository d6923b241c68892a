/*
 * content: the bytes of one regular file into the stream.
 *
 * Exactly as many as its header promised, whatever happens to the file: cut
 * where it grew, zeros where there is nothing to read. They are read straight
 * into the channel's block.
 */
#ifndef LIB_STREAM_CONTENT_H
#define LIB_STREAM_CONTENT_H

#include <stdint.h>

#include "lib/base/err.h"
#include "lib/stream/chan.h"
#include "lib/stream/pax.h"
#include "lib/stream/progress.h"

enum content_end {
	CONTENT_WHOLE,
	CONTENT_GREW,
	CONTENT_SHRANK,
	CONTENT_UNREADABLE	/* content->error says why */
};

struct content {
	struct chan *out;
	struct progress *progress;	/* NULL: nobody cares */
	enum content_end end;
	int error;			/* an errno */
};

/* content_copy: the whole of a file of size bytes, or the segments of its map
 * (NULL: not sparse), and the padding. Sets end. Fails: ERR_STREAM,
 * ERR_INTERRUPTED. */
MUST_CHECK int content_copy(struct content *content, int fd, uint64_t size,
    const struct pax_map *map, struct err *err);

#endif
