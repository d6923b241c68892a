#define _GNU_SOURCE
#include "lib/stream/overflow.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/scramble.h"
#include "lib/base/str.h"

#define ALIGN_BYTES 16		/* of scramble's offsets */

struct overflow {
	int fd;
	char *directory;	/* for messages */
	struct scramble *scramble;	/* NULL: as it is */
	uint64_t limit;
	atomic_ullong pushed;	/* the offset of the next push */
	uint64_t popped;
};

/* Unlinked from the start, where the file system can; else at once. */
static int
open_unnamed(const char *directory, struct err *err)
{
	CLEANUP(cleanup_free) char *path = NULL;
	int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0)
		return fd;
	if (str_format(&path, err, "%s/.vbackup-overflow-XXXXXX",
	    directory) < 0)
		return -1;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "cannot make a file in '%s'", directory);
	(void)unlink(path);
	return fd;
}

int
overflow_new(const char *directory, uint64_t limit, bool scrambled,
    struct overflow **ret, struct err *err)
{
	CLEANUP(overflow_freep) struct overflow *overflow =
	    calloc(1, sizeof *overflow);

	if (overflow == NULL)
		return err_nomem(err);
	overflow->fd = -1;
	overflow->limit = limit;
	atomic_init(&overflow->pushed, 0);
	if (str_dup(directory, &overflow->directory, err) < 0 ||
	    (scrambled && scramble_new(&overflow->scramble, err) < 0))
		return -1;
	overflow->fd = open_unnamed(directory, err);
	if (overflow->fd < 0)
		return -1;
	*ret = overflow;
	overflow = NULL;
	return 0;
}

void
overflow_free(struct overflow *overflow)
{
	if (overflow == NULL)
		return;
	if (overflow->fd >= 0)
		(void)close(overflow->fd);
	scramble_free(overflow->scramble);
	free(overflow->directory);
	free(overflow);
}

void
overflow_freep(struct overflow **overflow)
{
	overflow_free(*overflow);
	*overflow = NULL;
}

uint64_t
overflow_bytes(const struct overflow *overflow)
{
	return atomic_load(&overflow->pushed);
}

static uint64_t
next_offset(uint64_t offset, size_t n)
{
	return offset + (n + ALIGN_BYTES - 1) / ALIGN_BYTES * ALIGN_BYTES;
}

bool
overflow_has_room(const struct overflow *overflow, size_t n)
{
	return next_offset(overflow_bytes(overflow), n) <= overflow->limit;
}

static int
turn(struct overflow *overflow, uint64_t offset, void *bytes, size_t n,
    struct err *err)
{
	return overflow->scramble == NULL ? 0 :
	    scramble_turn(overflow->scramble, offset, bytes, n, err);
}

static int
put(struct overflow *overflow, uint64_t offset, const void *bytes, size_t n,
    struct err *err)
{
	const unsigned char *p = bytes;

	while (n != 0) {
		ssize_t done = pwrite(overflow->fd, p, n, (off_t)offset);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return err_sys(err, "cannot write to a file in '%s'",
			    overflow->directory);
		p += done;
		n -= (size_t)done;
		offset += (uint64_t)done;
	}
	return 0;
}

/* Where it cannot be written the bytes are turned back: the caller keeps them.
 * No offset gets two contents: what was written of them is of the same. */
int
overflow_push(struct overflow *overflow, void *bytes, size_t n,
    struct err *err)
{
	uint64_t offset = overflow_bytes(overflow);
	struct err ignored = ERR_INIT;

	if (turn(overflow, offset, bytes, n, err) < 0)
		return -1;
	if (put(overflow, offset, bytes, n, err) < 0) {
		(void)turn(overflow, offset, bytes, n, &ignored);
		overflow->limit = 0;
		return -1;
	}
	atomic_store(&overflow->pushed, next_offset(offset, n));
	return 0;
}

static int
get(struct overflow *overflow, uint64_t offset, void *bytes, size_t n,
    struct err *err)
{
	unsigned char *p = bytes;

	while (n != 0) {
		ssize_t done = pread(overflow->fd, p, n, (off_t)offset);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return err_sys(err, "cannot read a file in '%s' again",
			    overflow->directory);
		if (done == 0)
			return err_set(err, ERR_SYSTEM, "a file in '%s' is "
			    "shorter than what was written to it",
			    overflow->directory);
		p += done;
		n -= (size_t)done;
		offset += (uint64_t)done;
	}
	return 0;
}

int
overflow_pop(struct overflow *overflow, void *bytes, size_t n,
    struct err *err)
{
	uint64_t offset = overflow->popped;

	if (get(overflow, offset, bytes, n, err) < 0 ||
	    turn(overflow, offset, bytes, n, err) < 0)
		return -1;
	overflow->popped = next_offset(offset, n);
	/* Not every file system can: then the room is free at the end. */
	(void)fallocate(overflow->fd,
	    FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset,
	    (off_t)(overflow->popped - offset));
	return 0;
}
