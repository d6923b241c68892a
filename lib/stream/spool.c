#define _GNU_SOURCE
#include "lib/stream/spool.h"

#include <errno.h>
#include <fcntl.h>

#include "lib/base/file.h"

#define WRITE_OUT_BYTES (8U << 20)

/* Starts writing a range out. Where the file system cannot do it the fsync at
 * the end will; a disk that failed or is full is known early. */
static int
write_out(int fd, const char *name, uint64_t from, uint64_t n,
    struct err *err)
{
	if (sync_file_range(fd, (off_t)from, (off_t)n,
	    SYNC_FILE_RANGE_WRITE) < 0 &&
	    (errno == EIO || errno == ENOSPC || errno == EDQUOT))
		return err_sys(err, "cannot write '%s'", name);
	return 0;
}

int
spool_stage(int fd, const char *name, struct chan *in,
    struct progress *progress, struct spool_result *ret, struct err *err)
{
	CLEANUP(digest_freep) struct digest *digest = NULL;
	struct spool_result result = { 0 };
	uint64_t written_out = 0;
	const void *bytes;
	size_t n;

	if (digest_new(&digest, err) < 0)
		return -1;
	for (;;) {
		if (chan_read(in, &bytes, &n, err) < 0)
			return -1;
		if (n == 0)
			break;
		/* First the file, so that the disk works while we hash. */
		if (file_write_fd(fd, name, bytes, n, err) < 0 ||
		    digest_add(digest, bytes, n, err) < 0)
			return -1;
		result.bytes += n;
		atomic_fetch_add(&progress->stored_bytes, n);
		if (result.bytes - written_out < WRITE_OUT_BYTES)
			continue;
		if (write_out(fd, name, written_out,
		    result.bytes - written_out, err) < 0)
			return -1;
		written_out = result.bytes;
	}
	if (digest_hex(digest, result.sha256, err) < 0)
		return -1;
	*ret = result;
	return 0;
}
