/*
 * spool: where the stream ends, and what stores read behind.
 *
 * A spool is a file, or a ring in memory. The spool stage writes it; any number
 * of readers follow, each at its own pace, and may read again what they have
 * not released. A file keeps everything; a ring makes the stage wait until its
 * slowest reader has released enough.
 *
 *     spool_new_file or spool_new_memory, spool_reader for each reader
 *     one thread:   spool_stage, then spool_end (good, or not)
 *     each reader:  spool_wait, spool_read, spool_release ..., spool_leave
 *     spool_free, when no thread uses it any more
 *
 * Readers see the end only after spool_end: what was read may be looked at
 * before the archive counts as one.
 */
#ifndef LIB_STREAM_SPOOL_H
#define LIB_STREAM_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/digest.h"
#include "lib/base/err.h"
#include "lib/stream/chan.h"
#include "lib/stream/progress.h"

#define SPOOL_READERS_MAX 16

struct spool;
struct spool_reader;

struct spool_result {
	uint64_t bytes;
	char sha256[DIGEST_HEX_BYTES];
};

/* spool_new_file: fd is duplicated; name is for messages, copied. */
MUST_CHECK int spool_new_file(int fd, const char *name, struct spool **ret,
    struct err *err);

/* spool_new_memory: a ring of window_bytes, allocated as it fills. */
MUST_CHECK int spool_new_memory(uint64_t window_bytes, struct spool **ret,
    struct err *err);
void spool_free(struct spool *spool);
void spool_freep(struct spool **spool);	/* for CLEANUP */

/* spool_reader: a new reader, at offset 0; belongs to the spool. All are made
 * before the stage runs. Fails: ERR_NOMEM, more than SPOOL_READERS_MAX. */
MUST_CHECK int spool_reader(struct spool *spool, struct spool_reader **ret,
    struct err *err);

/* spool_window: bytes that a reader may leave unreleased; UINT64_MAX: any. */
uint64_t spool_window(const struct spool *spool);

/* spool_stage: writes all of in. A file is written out as it goes, so that an
 * fsync at the end finds little to do. Bumps progress->stored_bytes.
 * Fails    ERR_STREAM (also when nobody is left to read a ring), ERR_NOSPACE,
 *          ERR_SYSTEM */
MUST_CHECK int spool_stage(struct spool *spool, struct chan *in,
    struct progress *progress, struct spool_result *ret, struct err *err);

/* spool_end: what was written is the whole archive, or it is no archive: then
 * readers get ERR_STREAM. Also ends a stage that waits. The first call counts.
 */
void spool_end(struct spool *spool, bool good);

/* spool_wait: until the first `upto` bytes were written, or the end is known.
 * *ret_have: how many were; *ret_end: they are all. Fails: ERR_STREAM. */
MUST_CHECK int spool_wait(struct spool_reader *reader, uint64_t upto,
    uint64_t *ret_have, bool *ret_end, struct err *err);

/* spool_read: n bytes at offset; they were written and not released. From any
 * thread, and from several at once. */
MUST_CHECK int spool_read(struct spool_reader *reader, uint64_t offset,
    void *bytes, size_t n, struct err *err);

/* spool_release: this reader needs nothing before that offset again. */
void spool_release(struct spool_reader *reader, uint64_t before);

/* spool_leave: this reader needs nothing at all again; nobody waits for it. */
void spool_leave(struct spool_reader *reader);

#endif
