#define _GNU_SOURCE
#include "lib/stream/stage_content.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib/base/intr.h"

#define CHUNK_BYTES ((uint64_t)8 * 1024 * 1024)	/* between two looks at intr */
#define READ_AHEAD_BYTES ((off_t)1024 * 1024)

struct copying {
	struct stage_content *content;
	int from, to;
	void *buffer;
	size_t n;
	bool by_hand;		/* the kernel does not copy these */
};

static int
write_at(const struct copying *copying, size_t n, uint64_t offset,
    struct err *err)
{
	const char *p = copying->buffer;

	while (n != 0) {
		ssize_t done = pwrite(copying->to, p, n, (off_t)offset);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return err_sys(err, "cannot write the copy");
		p += done;
		offset += (uint64_t)done;
		n -= (size_t)done;
	}
	return 0;
}

/* *ret_n is 0 when the file is over or broken, which sets end. */
static int
copy_by_hand(const struct copying *copying, uint64_t offset, uint64_t n,
    uint64_t *ret_n, struct err *err)
{
	size_t want = n < copying->n ? (size_t)n : copying->n;
	ssize_t got;

	do
		got = pread(copying->from, copying->buffer, want,
		    (off_t)offset);
	while (got < 0 && errno == EINTR);
	if (got <= 0) {
		copying->content->end = got == 0 ? CONTENT_SHRANK :
		    CONTENT_UNREADABLE;
		copying->content->error = errno;
		got = 0;
	}
	*ret_n = (uint64_t)got;
	return write_at(copying, (size_t)got, offset, err);
}

/* Whatever it cannot do, or says nothing of (0 bytes), is tried by hand: only
 * so it shows which of the two files is to blame. */
static bool
copy_in_kernel(struct copying *copying, uint64_t offset, uint64_t n,
    uint64_t *ret_n)
{
	off_t in = (off_t)offset, out = (off_t)offset;
	ssize_t got;

	if (copying->by_hand)
		return false;
	got = copy_file_range(copying->from, &in, copying->to, &out,
	    (size_t)n, 0);
	copying->by_hand = got <= 0;
	*ret_n = copying->by_hand ? 0 : (uint64_t)got;
	return !copying->by_hand;
}

static int
copy_range(struct copying *copying, uint64_t offset, uint64_t n,
    struct err *err)
{
	struct stage_content *content = copying->content;

	while (n != 0 && content->end == CONTENT_WHOLE) {
		uint64_t chunk = n < CHUNK_BYTES ? n : CHUNK_BYTES, got;

		if (intr_check(err) < 0)
			return -1;
		if (!copy_in_kernel(copying, offset, chunk, &got) &&
		    copy_by_hand(copying, offset, chunk, &got, err) < 0)
			return -1;
		content->bytes += got;
		offset += got;
		n -= got;
	}
	return 0;
}

static int
copy_map(struct copying *copying, struct err *err)
{
	const struct pax_map *map = &copying->content->sparse.map;
	size_t i;

	for (i = 0; i < map->n; i++)
		if (copy_range(copying, map->v[i].offset, map->v[i].bytes,
		    err) < 0)
			return -1;
	return 0;
}

static int
copy(struct copying *copying, const struct stat *st, struct err *err)
{
	uint64_t size = (uint64_t)st->st_size;
	bool sparse = false;

	/* Fewer blocks than bytes: holes, or a file system that compresses. */
	if ((uint64_t)st->st_blocks * 512 < size &&
	    sparse_read(&copying->content->sparse, copying->from, size,
	    &sparse, err) < 0)
		return -1;
	if (st->st_size >= READ_AHEAD_BYTES)
		(void)posix_fadvise(copying->from, 0, 0,
		    POSIX_FADV_SEQUENTIAL);
	return sparse ? copy_map(copying, err) :
	    copy_range(copying, 0, size, err);
}

static uint64_t
bytes_in_use(const struct stat *st)
{
	uint64_t blocks = (uint64_t)st->st_blocks * 512;
	uint64_t size = (uint64_t)st->st_size;

	return blocks < size ? blocks : size;
}

/* Of the right size it is left alone: XFS would take room of its own for the
 * last block of what is shared. */
static int
set_size(int to, off_t size, struct err *err)
{
	struct stat st;

	if (fstat(to, &st) < 0 ||
	    (st.st_size != size && ftruncate(to, size) < 0))
		return err_sys(err, "cannot write the copy");
	return 0;
}

int
stage_content_copy(struct stage_content *content, int from, int to,
    const struct stat *st, void *buffer, size_t n, struct err *err)
{
	struct copying copying = { .content = content, .from = from, .to = to,
		.buffer = buffer, .n = n };

	content->end = CONTENT_WHOLE;
	content->bytes = 0;
	if (st->st_size == 0)
		return 0;
	if (ioctl(to, FICLONE, from) == 0)
		content->bytes = bytes_in_use(st);
	else if (copy(&copying, st, err) < 0)
		return -1;
	return set_size(to, st->st_size, err);
}
