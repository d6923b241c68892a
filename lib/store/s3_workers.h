/*
 * s3_workers: the parts of one multipart upload, sent by several threads. For
 * s3_upload.c only.
 */
#ifndef LIB_STORE_S3_WORKERS_H
#define LIB_STORE_S3_WORKERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/store/s3_piece.h"
#include "lib/store/s3_upload.h"

struct s3_part {
	uint64_t offset;
	uint64_t bytes;		/* 0: it lies behind the end */
	bool done;
	unsigned char md5[S3_MD5_BYTES];
	char etag[S3_ETAG_BYTES];	/* as the server said it */
};

struct s3_parts {
	struct s3_part *v;	/* part 1 first */
	size_t n;
	uint64_t bytes;		/* of all */
	bool opaque;		/* the server's ETags say nothing */
};

#define S3_PARTS_INIT { NULL, 0, 0, false }

void s3_parts_free(struct s3_parts *parts);	/* for CLEANUP */

/*
 * s3_workers_run: send all parts; returns when all threads have ended.
 *
 * Takes    id: of the upload; first: the first part's piece, taken already,
 *          after which the archive goes on
 * Gives    *ret: every part, all of them stored; the stream ended well
 * Fails    with what failed first; the other threads then give up
 */
MUST_CHECK int s3_workers_run(const struct s3_upload *upload, const char *id,
    const struct s3_piece *first, struct s3_parts *ret, struct err *err);

#endif
