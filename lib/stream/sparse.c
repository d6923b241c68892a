#define _GNU_SOURCE
#include "lib/stream/sparse.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum scan { SCAN_DONE, SCAN_FULL, SCAN_UNTOLD, SCAN_NOMEM };

static bool
add(struct sparse *sparse, uint64_t offset, uint64_t bytes)
{
	struct pax_segment *v = sparse->map.v;
	size_t cap = sparse->cap == 0 ? 64 : 2 * sparse->cap;

	if (sparse->map.n == sparse->cap) {
		v = realloc(v, cap * sizeof *v);
		if (v == NULL)
			return false;
		sparse->map.v = v;
		sparse->cap = cap;
	}
	v[sparse->map.n++] = (struct pax_segment){ offset, bytes };
	return true;
}

/* Appends to the last segment what is less than min_hole behind it. */
static bool
join(struct sparse *sparse, uint64_t begin, uint64_t end, uint64_t min_hole)
{
	struct pax_map *map = &sparse->map;
	struct pax_segment *last = map->n == 0 ? NULL : &map->v[map->n - 1];

	if (last == NULL || begin - (last->offset + last->bytes) >= min_hole)
		return false;
	last->bytes = end - last->offset;
	return true;
}

static enum scan
scan(struct sparse *sparse, int fd, uint64_t size, uint64_t min_hole)
{
	uint64_t at = 0;

	sparse->map.n = 0;
	while (at < size) {
		off_t begin = lseek(fd, (off_t)at, SEEK_DATA), end;

		if (begin < 0 && errno == ENXIO)	/* a hole to the end */
			return SCAN_DONE;
		end = begin < 0 ? -1 : lseek(fd, begin, SEEK_HOLE);
		/* ENXIO here: cut off between the two calls. */
		if (end < 0 && begin >= 0 && errno == ENXIO)
			return SCAN_DONE;
		if (end < 0 || end <= begin)
			return SCAN_UNTOLD;
		if ((uint64_t)begin >= size)
			return SCAN_DONE;
		at = (uint64_t)end < size ? (uint64_t)end : size;
		if (join(sparse, (uint64_t)begin, at, min_hole))
			continue;
		if (sparse->map.n == SPARSE_SEGMENTS_MAX)
			return SCAN_FULL;
		if (!add(sparse, (uint64_t)begin, at - (uint64_t)begin))
			return SCAN_NOMEM;
	}
	return SCAN_DONE;
}

int
sparse_read(struct sparse *sparse, int fd, uint64_t size, bool *ret,
    struct err *err)
{
	const struct pax_map *map = &sparse->map;
	uint64_t min_hole = 1;
	enum scan result;

	for (;;) {
		result = scan(sparse, fd, size, min_hole);
		if (result != SCAN_FULL)
			break;
		min_hole = min_hole == 1 ? 16384 : 4 * min_hole;
	}
	if (result == SCAN_NOMEM)
		return err_nomem(err);
	*ret = result == SCAN_DONE && size != 0 &&
	    !(map->n == 1 && map->v[0].offset == 0 && map->v[0].bytes == size);
	return 0;
}

void
sparse_free(struct sparse *sparse)
{
	free(sparse->map.v);
	*sparse = (struct sparse)SPARSE_INIT;
}
