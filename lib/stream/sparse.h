/*
 * sparse: where the bytes of a file with holes are.
 *
 * What it says is a snapshot: bytes may move while they are read. Memory is
 * bounded: where a file has very many holes, the small ones are taken as data.
 */
#ifndef LIB_STREAM_SPARSE_H
#define LIB_STREAM_SPARSE_H

#include "lib/stream/pax.h"

#define SPARSE_SEGMENTS_MAX 65536

struct sparse {
	struct pax_map map;
	size_t cap;
};

#define SPARSE_INIT { { NULL, 0 }, 0 }

/* sparse_read: fills sparse->map for an open file of so many bytes, whose
 * offset it moves. *ret is false when it has no holes, or when the file system
 * does not tell. Fails: ERR_NOMEM. */
MUST_CHECK int sparse_read(struct sparse *sparse, int fd, uint64_t size,
    bool *ret, struct err *err);
void sparse_free(struct sparse *sparse);

#endif
