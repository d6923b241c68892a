/*
 * s3_piece: bytes of the archive that make one object, or one part of one.
 *
 *     s3_piece_take, s3_piece_send
 *
 * Nothing of it is kept in memory: it is read once for its checksums, while it
 * is being made, and once more each time it is sent.
 */
#ifndef LIB_STORE_S3_PIECE_H
#define LIB_STORE_S3_PIECE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/digest.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/store/s3_request.h"
#include "lib/store/store.h"

#define S3_MD5_BYTES 16

struct s3_piece {
	const struct store_stream *stream;
	uint64_t offset;	/* in the stream */
	uint64_t bytes;
	const atomic_bool *stop;	/* set: give up, with ERR_INTERRUPTED */
	char sha256[DIGEST_HEX_BYTES];
	unsigned char md5[S3_MD5_BYTES];
};

/* s3_piece_take: wait for the stream and compute the checksums, until there are
 * `most` bytes or the archive ends; *ret_end: it ends here, as far as is known
 * yet. Stream, offset and stop are set by the caller. */
MUST_CHECK int s3_piece_take(struct s3_piece *piece, uint64_t most,
    bool *ret_end, struct err *err);

struct s3_target {
	const char *key;
	const char *query;	/* or NULL */
	const struct strlist *headers;
	uint64_t rate_bytes_s;
};

/* s3_piece_send: PUT it; sent again where that helps. 0 with any final answer,
 * as s3_call. *ret_opaque: the server encrypts, so that its ETags say nothing.
 * Fails: ERR_PROTOCOL the server holds other bytes. */
MUST_CHECK int s3_piece_send(struct s3_conn *conn, struct s3_piece *piece,
    const struct s3_target *target, struct s3_answer *ret, bool *ret_opaque,
    struct err *err);

/* s3_is_md5: can this ETag be told from an MD5, by its form? n_parts: 0 for a
 * whole object. */
bool s3_is_md5(const char *etag, size_t n_parts);

#endif
