#define _GNU_SOURCE
#include "lib/store/s3_piece.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/base64.h"

#define BLOCK_BYTES ((size_t)256 << 10)
#define STEP_BYTES ((uint64_t)1 << 20)	/* waited for at once */
#define TRIES 3	/* to send what arrived changed */

struct sums {
	struct digest *sha256;
	struct digest *md5;
	unsigned char *block;
};

static void
sums_free(struct sums *sums)
{
	digest_free(sums->sha256);
	digest_free(sums->md5);
	free(sums->block);
}

static int
sums_begin(struct sums *sums, struct err *err)
{
	sums->block = malloc(BLOCK_BYTES);
	if (sums->block == NULL)
		return err_nomem(err);
	if (digest_new(&sums->sha256, err) < 0)
		return -1;
	return digest_new_md5(&sums->md5, err);
}

static int
sums_end(struct sums *sums, struct s3_piece *piece, struct err *err)
{
	unsigned char md5[DIGEST_BYTES];
	size_t n;

	if (digest_hex(sums->sha256, piece->sha256, err) < 0 ||
	    digest_bytes(sums->md5, md5, &n, err) < 0)
		return -1;
	memcpy(piece->md5, md5, sizeof piece->md5);
	return 0;
}

/* Takes in what is there, up to so many bytes of the piece. */
static int
add_bytes(struct sums *sums, struct s3_piece *piece, uint64_t upto,
    struct err *err)
{
	while (piece->bytes < upto) {
		uint64_t left = upto - piece->bytes;
		size_t n = left < BLOCK_BYTES ? (size_t)left : BLOCK_BYTES;

		if (piece->stream->read(piece->stream->cookie,
		    piece->offset + piece->bytes, sums->block, n, err) < 0 ||
		    digest_add(sums->sha256, sums->block, n, err) < 0 ||
		    digest_add(sums->md5, sums->block, n, err) < 0)
			return -1;
		piece->bytes += n;
	}
	return 0;
}

static uint64_t
least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static int
stopped(struct err *err)
{
	return err_set(err, ERR_INTERRUPTED, "the upload was given up");
}

int
s3_piece_take(struct s3_piece *piece, uint64_t most, bool *ret_end,
    struct err *err)
{
	CLEANUP(sums_free) struct sums sums = { NULL, NULL, NULL };
	const struct store_stream *stream = piece->stream;
	uint64_t have = 0;
	bool end = false;

	piece->bytes = 0;
	if (sums_begin(&sums, err) < 0)
		return -1;
	while (!end && piece->bytes < most) {
		uint64_t upto = piece->offset + piece->bytes +
		    least(STEP_BYTES, most - piece->bytes);

		if (*piece->stop)
			return stopped(err);
		if (stream->wait(stream->cookie, upto, &have, &end, err) < 0)
			return -1;
		/* It may be the end of an archive before this piece. */
		if (have > piece->offset && add_bytes(&sums, piece,
		    least(have - piece->offset, most), err) < 0)
			return -1;
		if (!end && have < upto)
			return err_set(err, ERR_STREAM,
			    "the archive is shorter than was said");
		end = end && have <= piece->offset + piece->bytes;
	}
	*ret_end = end;
	return sums_end(&sums, piece, err);
}

static int
on_read(void *cookie, uint64_t offset, void *bytes, size_t n, struct err *err)
{
	const struct s3_piece *piece = cookie;

	return piece->stream->read(piece->stream->cookie,
	    piece->offset + offset, bytes, n, err);
}

static bool
is_stopped(void *cookie)
{
	return *((const struct s3_piece *)cookie)->stop;
}

bool
s3_is_md5(const char *etag, size_t n_parts)
{
	char rest[24] = "";

	if (n_parts != 0)
		(void)snprintf(rest, sizeof rest, "-%zu", n_parts);
	return strspn(etag, "0123456789abcdefABCDEF") == 2 * S3_MD5_BYTES &&
	    strcmp(etag + (size_t)2 * S3_MD5_BYTES, rest) == 0;
}

/* With keys of its own, or the customer's, the server's ETag is no MD5. */
static bool
is_opaque(const struct s3_answer *answer)
{
	const struct strmap *headers = &answer->response.headers;
	const char *encryption = strmap_get(headers,
	    "x-amz-server-side-encryption");

	return (encryption != NULL && str_starts(encryption, "aws:kms")) ||
	    strmap_get(headers,
	    "x-amz-server-side-encryption-customer-algorithm") != NULL;
}

static bool
arrived(const struct s3_piece *piece, const struct s3_answer *answer)
{
	char etag[S3_ETAG_BYTES], md5[DIGEST_HEX_BYTES];

	s3_etag(answer, etag);
	digest_to_hex(piece->md5, sizeof piece->md5, md5);
	return is_opaque(answer) || !s3_is_md5(etag, 0) ||
	    strcasecmp(etag, md5) == 0;
}

static int
make_headers(const struct s3_piece *piece, const struct s3_target *target,
    struct strlist *ret, struct err *err)
{
	CLEANUP(cleanup_free) char *md5 = NULL;

	if (base64_encode(piece->md5, sizeof piece->md5, &md5, err) < 0 ||
	    (target->headers != NULL &&
	    strlist_copy(target->headers, ret, err) < 0))
		return -1;
	return strlist_addf(ret, err, "Content-MD5: %s", md5);
}

int
s3_piece_send(struct s3_conn *conn, struct s3_piece *piece,
    const struct s3_target *target, struct s3_answer *ret, bool *ret_opaque,
    struct err *err)
{
	CLEANUP(strlist_free) struct strlist headers = STRLIST_INIT;
	struct s3_request request = {
		.method = "PUT", .key = target->key, .query = target->query,
		.headers = &headers, .body_len = piece->bytes,
		.read = on_read, .cancelled = is_stopped, .cookie = piece,
		.sha256 = piece->sha256,
		.content_type = "application/octet-stream",
		.rate_bytes_s = target->rate_bytes_s
	};
	int i;

	if (make_headers(piece, target, &headers, err) < 0)
		return -1;
	for (i = 0; i < TRIES; i++) {
		if (s3_call(conn, &request, ret, err) < 0)
			return -1;
		*ret_opaque = is_opaque(ret);
		if (!s3_ok(ret) || arrived(piece, ret))
			return 0;
	}
	return err_set(err, ERR_PROTOCOL, "the store holds other bytes than "
	    "the %" PRIu64 " that were sent", piece->bytes);
}
