#define _GNU_SOURCE
#include "lib/stream/extract_content.h"

#include <errno.h>
#include <unistd.h>

#include "lib/base/intr.h"
#include "lib/stream/extract_work.h"

/* -1 with errno */
static int
write_at(int fd, const void *bytes, size_t n, uint64_t offset)
{
	const char *p = bytes;

	while (n != 0) {
		ssize_t done = pwrite(fd, p, n, (off_t)offset);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -1;
		p += done;
		offset += (uint64_t)done;
		n -= (size_t)done;
	}
	return 0;
}

static uint64_t
promised(const struct pax_member *member)
{
	uint64_t sum = 0;
	size_t i;

	if (member->map == NULL)
		return member->size;
	for (i = 0; i < member->map->n; i++)
		sum += member->map->v[i].bytes;
	return sum;
}

static void
bump(const struct extract *x, size_t n)
{
	if (x->settings->progress != NULL)
		atomic_fetch_add_explicit(&x->settings->progress->raw_bytes,
		    n, memory_order_relaxed);
}

static int
copy(struct extract *x, const struct pax_member *member, int fd, bool *ret_ok,
    struct err *err)
{
	uint64_t offset = 0, sum = 0;
	const void *bytes;
	size_t n;

	for (;;) {
		if (intr_check(err) < 0 || tar_reader_data(x->reader, &bytes,
		    &n, &offset, err) < 0)
			return -1;
		if (n == 0)
			break;
		if (offset > member->size || n > member->size - offset)
			return err_set(err, ERR_SOURCE,
			    "its archive has bytes out of place");
		if (write_at(fd, bytes, n, offset) < 0) {
			*ret_ok = false;
			return extract_failed(x, "write", x->name.s, err);
		}
		bump(x, n);
		sum += n;
	}
	return sum == promised(member) ? 0 :
	    err_set(err, ERR_SOURCE, "its archive lacks bytes");
}

int
extract_content_put(struct extract *x, const struct pax_member *member, int fd,
    bool *ret_ok, struct err *err)
{
	*ret_ok = true;
	if (member->map != NULL && ftruncate(fd, (off_t)member->size) < 0) {
		*ret_ok = false;
		return extract_failed(x, "write", x->name.s, err);
	}
	return copy(x, member, fd, ret_ok, err);
}
