#define _GNU_SOURCE
#include "lib/stream/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/str.h"

#define BLOCK_BYTES ((uint64_t)1 << 20)	/* of the ring */

struct spool_reader {
	struct spool *spool;
	uint64_t released;	/* UINT64_MAX: it has left */
};

enum end { END_UNKNOWN, END_GOOD, END_BAD };

struct spool {
	int fd;			/* of a file; -1: a ring */
	char *name;
	uint64_t written_out;	/* of the file: see file_write_out */
	unsigned char **blocks;	/* the ring: n_blocks, each allocated when it
				 * is written first */
	uint64_t n_blocks;

	pthread_mutex_t mutex;
	pthread_cond_t changed;
	uint64_t written;	/* under the mutex, with what follows */
	enum end end;
	struct spool_reader readers[SPOOL_READERS_MAX];
	size_t n_readers;
};

static int
new_spool(struct spool **ret, struct err *err)
{
	struct spool *spool = calloc(1, sizeof *spool);

	if (spool == NULL)
		return err_nomem(err);
	spool->fd = -1;
	(void)pthread_mutex_init(&spool->mutex, NULL);
	(void)pthread_cond_init(&spool->changed, NULL);
	*ret = spool;
	return 0;
}

int
spool_new_file(int fd, const char *name, struct spool **ret, struct err *err)
{
	CLEANUP(spool_freep) struct spool *spool = NULL;

	if (new_spool(&spool, err) < 0 || str_dup(name, &spool->name, err) < 0)
		return -1;
	spool->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (spool->fd < 0)
		return err_sys(err, "cannot use '%s'", name);
	*ret = spool;
	spool = NULL;
	return 0;
}

int
spool_new_memory(uint64_t window_bytes, struct spool **ret, struct err *err)
{
	CLEANUP(spool_freep) struct spool *spool = NULL;

	if (new_spool(&spool, err) < 0)
		return -1;
	spool->n_blocks = (window_bytes + BLOCK_BYTES - 1) / BLOCK_BYTES + 1;
	spool->blocks = calloc(spool->n_blocks, sizeof *spool->blocks);
	if (spool->blocks == NULL)
		return err_nomem(err);
	*ret = spool;
	spool = NULL;
	return 0;
}

void
spool_free(struct spool *spool)
{
	uint64_t i;

	if (spool == NULL)
		return;
	cleanup_close(&spool->fd);
	for (i = 0; spool->blocks != NULL && i < spool->n_blocks; i++)
		free(spool->blocks[i]);
	free(spool->blocks);
	free(spool->name);
	(void)pthread_mutex_destroy(&spool->mutex);
	(void)pthread_cond_destroy(&spool->changed);
	free(spool);
}

void
spool_freep(struct spool **spool)
{
	spool_free(*spool);
	*spool = NULL;
}

int
spool_reader(struct spool *spool, struct spool_reader **ret, struct err *err)
{
	if (spool->n_readers == SPOOL_READERS_MAX)
		return err_set(err, ERR_CONFIG, "more than %d stores",
		    SPOOL_READERS_MAX);
	*ret = &spool->readers[spool->n_readers++];
	(*ret)->spool = spool;
	return 0;
}

uint64_t
spool_window(const struct spool *spool)
{
	/* One block is always being written over. */
	return spool->fd >= 0 ? UINT64_MAX :
	    (spool->n_blocks - 1) * BLOCK_BYTES;
}

/* --- writing ------------------------------------------------------------- */

static int
write_file(struct spool *spool, const void *bytes, size_t n, uint64_t at,
    struct err *err)
{
	if (file_write_fd(spool->fd, spool->name, bytes, n, err) < 0)
		return -1;
	return file_write_out(spool->fd, spool->name, at + n,
	    &spool->written_out, err);
}

/* The offset before which no reader needs anything; UINT64_MAX: nobody reads.
 * The caller holds the mutex. */
static uint64_t
released_by_all(const struct spool *spool)
{
	uint64_t least = UINT64_MAX;
	size_t i;

	for (i = 0; i < spool->n_readers; i++)
		if (spool->readers[i].released < least)
			least = spool->readers[i].released;
	return least;
}

/* Waits until the block at this offset may be written over. */
static int
wait_for_room(struct spool *spool, uint64_t at, struct err *err)
{
	uint64_t end = (at / BLOCK_BYTES + 1) * BLOCK_BYTES;
	uint64_t ring = spool->n_blocks * BLOCK_BYTES;
	int rc = 0;

	pthread_mutex_lock(&spool->mutex);
	while (spool->end == END_UNKNOWN &&
	    released_by_all(spool) != UINT64_MAX &&
	    end > ring && released_by_all(spool) < end - ring)
		(void)pthread_cond_wait(&spool->changed, &spool->mutex);
	if (spool->end != END_UNKNOWN || released_by_all(spool) == UINT64_MAX)
		rc = err_set(err, ERR_STREAM, "nobody stores it");
	pthread_mutex_unlock(&spool->mutex);
	return rc;
}

static void
add_written(struct spool *spool, size_t n)
{
	pthread_mutex_lock(&spool->mutex);
	spool->written += n;
	pthread_cond_broadcast(&spool->changed);
	pthread_mutex_unlock(&spool->mutex);
}

static int
write_ring(struct spool *spool, const unsigned char *bytes, size_t n,
    uint64_t at, struct err *err)
{
	while (n != 0) {
		unsigned char **block =
		    &spool->blocks[at / BLOCK_BYTES % spool->n_blocks];
		size_t inside = (size_t)(at % BLOCK_BYTES);
		size_t piece = (size_t)BLOCK_BYTES - inside;

		if (piece > n)
			piece = n;
		if (wait_for_room(spool, at, err) < 0)
			return -1;
		if (*block == NULL && (*block = malloc(BLOCK_BYTES)) == NULL)
			return err_nomem(err);
		memcpy(*block + inside, bytes, piece);
		add_written(spool, piece);
		bytes += piece;
		at += piece;
		n -= piece;
	}
	return 0;
}

static int
put(struct spool *spool, const void *bytes, size_t n, uint64_t at,
    struct err *err)
{
	if (spool->fd < 0)
		return write_ring(spool, bytes, n, at, err);
	if (write_file(spool, bytes, n, at, err) < 0)
		return -1;
	add_written(spool, n);
	return 0;
}

int
spool_stage(struct spool *spool, struct chan *in, struct progress *progress,
    struct spool_result *ret, struct err *err)
{
	CLEANUP(digest_freep) struct digest *digest = NULL;
	struct spool_result result = { 0 };
	const void *bytes;
	size_t n;

	if (digest_new(&digest, err) < 0)
		return -1;
	for (;;) {
		if (chan_read(in, &bytes, &n, err) < 0)
			return -1;
		if (n == 0)
			break;
		/* First the spool, so that readers go on while we hash. */
		if (put(spool, bytes, n, result.bytes, err) < 0 ||
		    digest_add(digest, bytes, n, err) < 0)
			return -1;
		result.bytes += n;
		atomic_fetch_add(&progress->stored_bytes, n);
	}
	if (digest_hex(digest, result.sha256, err) < 0)
		return -1;
	*ret = result;
	return 0;
}

void
spool_end(struct spool *spool, bool good)
{
	pthread_mutex_lock(&spool->mutex);
	if (spool->end == END_UNKNOWN)
		spool->end = good ? END_GOOD : END_BAD;
	pthread_cond_broadcast(&spool->changed);
	pthread_mutex_unlock(&spool->mutex);
}

/* --- reading ------------------------------------------------------------- */

int
spool_wait(struct spool_reader *reader, uint64_t upto, uint64_t *ret_have,
    bool *ret_end, struct err *err)
{
	struct spool *spool = reader->spool;
	enum end end;

	pthread_mutex_lock(&spool->mutex);
	while (spool->end == END_UNKNOWN && spool->written < upto)
		(void)pthread_cond_wait(&spool->changed, &spool->mutex);
	end = spool->end;
	*ret_have = spool->written;
	pthread_mutex_unlock(&spool->mutex);
	*ret_end = end == END_GOOD;
	if (end == END_BAD)
		return err_set(err, ERR_STREAM, "there is no archive to store");
	return 0;
}

static int
read_file(const struct spool *spool, uint64_t offset, unsigned char *bytes,
    size_t n, struct err *err)
{
	while (n != 0) {
		ssize_t got = pread(spool->fd, bytes, n, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_sys(err, "cannot read '%s'", spool->name);
		if (got == 0)
			return err_set(err, ERR_SYSTEM, "cannot read '%s': "
			    "it has become shorter", spool->name);
		bytes += got;
		offset += (uint64_t)got;
		n -= (size_t)got;
	}
	return 0;
}

/* No lock: what was written and not released is not touched. */
static void
read_ring(const struct spool *spool, uint64_t offset, unsigned char *bytes,
    size_t n)
{
	while (n != 0) {
		size_t inside = (size_t)(offset % BLOCK_BYTES);
		size_t piece = (size_t)BLOCK_BYTES - inside;

		if (piece > n)
			piece = n;
		memcpy(bytes, spool->blocks[offset / BLOCK_BYTES %
		    spool->n_blocks] + inside, piece);
		bytes += piece;
		offset += piece;
		n -= piece;
	}
}

int
spool_read(struct spool_reader *reader, uint64_t offset, void *bytes,
    size_t n, struct err *err)
{
	if (reader->spool->fd >= 0)
		return read_file(reader->spool, offset, bytes, n, err);
	read_ring(reader->spool, offset, bytes, n);
	return 0;
}

void
spool_release(struct spool_reader *reader, uint64_t before)
{
	struct spool *spool = reader->spool;

	pthread_mutex_lock(&spool->mutex);
	if (before > reader->released) {
		reader->released = before;
		pthread_cond_broadcast(&spool->changed);
	}
	pthread_mutex_unlock(&spool->mutex);
}

void
spool_leave(struct spool_reader *reader)
{
	spool_release(reader, UINT64_MAX);
}
