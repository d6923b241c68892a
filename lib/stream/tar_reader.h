/*
 * tar_reader: a tar stream that somebody else wrote (Go's archive/tar, GNU tar;
 * ustar, pax or GNU), member by member, exactly as it is there.
 *
 *     tar_reader_new
 *     tar_reader_next until *ret_more is false
 *         tar_reader_data until *ret_n is 0; or not at all
 *     tar_reader_free
 *
 * libarchive takes the blocks apart: checksums, numbers, GNU's long names,
 * sparse maps, where data end. What it alters on the way (see tar_records.h) is
 * read from the same bytes once more. No locale is asked, nothing is held
 * whole but a member's headers: libarchive takes 1 MiB for each of a few dozen
 * (and a longer map of holes, which the Engine never writes).
 *
 * The archive is over only with the two blocks of zeros that say so, and
 * nothing but zeros may follow: a stream that was cut is never taken for a
 * shorter one. Compressed streams are refused.
 */
#ifndef LIB_STREAM_TAR_READER_H
#define LIB_STREAM_TAR_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/stream/chan.h"
#include "lib/stream/pax.h"
#include "lib/stream/tar_records.h"

/* Of the blocks of its channel; a multiple of tar's, so that no header starts
 * in one of them and ends in another. */
#define TAR_READER_BLOCK_BYTES ((size_t)256 * 1024)

struct tar_reader;

/* tar_reader_new: reads from in, which is borrowed. Fails: ERR_NOMEM */
MUST_CHECK int tar_reader_new(struct chan *in, struct tar_reader **ret,
    struct err *err);

/* tar_reader_next: the next member; what was not read of the last one is passed
 * over. *ret points into the reader until the next call; its path and link are
 * as in the stream, its records NULL: *ret_records has them all. *ret_more is
 * false at the end, once all of the stream was read.
 * Fails    ERR_SOURCE it is damaged, cut off, or no tar; ERR_STREAM; ERR_NOMEM
 */
MUST_CHECK int tar_reader_next(struct tar_reader *reader,
    struct pax_member *ret, struct tar_records *ret_records, bool *ret_more,
    struct err *err);

/* tar_reader_data: some bytes of the member, and where in the file they belong:
 * in order, and all of them before *ret_n is 0. Fails: as tar_reader_next */
MUST_CHECK int tar_reader_data(struct tar_reader *reader, const void **ret,
    size_t *ret_n, uint64_t *ret_offset, struct err *err);

void tar_reader_free(struct tar_reader *reader);
void tar_reader_freep(struct tar_reader **reader);	/* for CLEANUP */

#endif
