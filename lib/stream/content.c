#define _GNU_SOURCE
#include "lib/stream/content.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/intr.h"

/* From here on the kernel is asked to read ahead further. It is never told to
 * drop pages: it would drop those that a service had in the cache before. */
#define READ_AHEAD_BYTES ((uint64_t)1024 * 1024)

static int
add_zeros(struct content *content, uint64_t n, struct err *err)
{
	while (n != 0) {
		void *to;
		size_t room;

		if (intr_check(err) < 0 ||
		    chan_room(content->out, &to, &room, err) < 0)
			return -1;
		if (room > n)
			room = (size_t)n;
		memset(to, 0, room);
		chan_commit(content->out, room);
		n -= room;
	}
	return 0;
}

/* One read into the channel; *ret_n is 0 when the file is over or broken. */
static int
read_some(struct content *content, int fd, uint64_t offset, uint64_t n,
    size_t *ret_n, struct err *err)
{
	void *to;
	size_t room;
	ssize_t got;

	if (intr_check(err) < 0 ||
	    chan_room(content->out, &to, &room, err) < 0)
		return -1;
	if (room > n)
		room = (size_t)n;
	do
		got = pread(fd, to, room, (off_t)offset);
	while (got < 0 && errno == EINTR);
	if (got <= 0) {
		content->end = got == 0 ? CONTENT_SHRANK : CONTENT_UNREADABLE;
		content->error = errno;
		got = 0;
	}
	chan_commit(content->out, (size_t)got);
	*ret_n = (size_t)got;
	if (content->progress != NULL)
		atomic_fetch_add_explicit(&content->progress->raw_bytes,
		    (unsigned long long)got, memory_order_relaxed);
	return 0;
}

static int
copy_range(struct content *content, int fd, uint64_t offset, uint64_t n,
    struct err *err)
{
	while (n != 0 && content->end == CONTENT_WHOLE) {
		size_t got;

		if (read_some(content, fd, offset, n, &got, err) < 0)
			return -1;
		offset += got;
		n -= got;
	}
	return add_zeros(content, n, err);
}

static int
copy_map(struct content *content, int fd, const struct pax_map *map,
    uint64_t *ret_n, struct err *err)
{
	size_t i;

	*ret_n = 0;
	for (i = 0; i < map->n; i++) {
		if (copy_range(content, fd, map->v[i].offset, map->v[i].bytes,
		    err) < 0)
			return -1;
		*ret_n += map->v[i].bytes;
	}
	return 0;
}

int
content_copy(struct content *content, int fd, uint64_t size,
    const struct pax_map *map, struct err *err)
{
	uint64_t n = size;
	struct stat st;
	int rc;

	content->end = CONTENT_WHOLE;
	if (size >= READ_AHEAD_BYTES)
		(void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	rc = map != NULL ? copy_map(content, fd, map, &n, err) :
	    copy_range(content, fd, 0, size, err);
	if (rc < 0)
		return -1;
	/* All was there that was asked for; it may still end elsewhere. */
	if (content->end == CONTENT_WHOLE && fstat(fd, &st) == 0 &&
	    (uint64_t)st.st_size != size)
		content->end = (uint64_t)st.st_size > size ? CONTENT_GREW :
		    CONTENT_SHRANK;
	return add_zeros(content, pax_padding(n), err);
}
