#define _GNU_SOURCE
#include "lib/store/s3_upload.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/digest.h"
#include "lib/store/s3_piece.h"
#include "lib/store/s3_workers.h"

#define PART_BYTES ((uint64_t)8 << 20)
#define STAGE_PARTS 1000u	/* of one size */
#define NO_OVERWRITE "If-None-Match: *"
/* Completing joins the parts: some servers are silent until that is done. */
#define COMPLETE_STALL_S 600.0
#define TIDY_S 30.0	/* for what is done after a failure */

uint64_t
s3_part_bytes(unsigned number, uint64_t first, uint64_t window,
    unsigned parallel)
{
	unsigned stage = (number - 1) / STAGE_PARTS;
	uint64_t least = first != 0 && first < S3_PART_MIN_BYTES ? first :
	    S3_PART_MIN_BYTES;
	uint64_t bytes = PART_BYTES << stage, room = window;

	if (first != 0 && (stage == 0 || first > bytes))
		bytes = first;
	if (bytes > S3_PART_MAX_BYTES)
		bytes = S3_PART_MAX_BYTES;
	if (window != UINT64_MAX)
		room = number <= S3_PARTS_MAX / 2 ?
		    window / (parallel + 1) : window / 2;
	if (bytes > room)
		bytes = room > least ? room : least;
	return bytes;
}

/* --- what the store holds ------------------------------------------------ */

struct held {
	bool is_there;
	uint64_t bytes;
	char etag[S3_ETAG_BYTES];
};

static int
look(struct s3_conn *conn, const char *key, struct held *ret, struct err *err)
{
	CLEANUP(s3_answer_free) struct s3_answer answer = S3_ANSWER_INIT;
	const struct s3_request request = { .method = "HEAD", .key = key };
	const char *length;

	*ret = (struct held){ false, 0, "" };
	if (s3_call(conn, &request, &answer, err) < 0)
		return err_add(err, "cannot look at the object");
	if (answer.response.status == 404)
		return 0;
	if (s3_expect(&answer, err) < 0)
		return err_add(err, "cannot look at the object");
	length = strmap_get(&answer.response.headers, "content-length");
	if (length == NULL)
		return err_set(err, ERR_PROTOCOL,
		    "the store does not say how large the object is");
	ret->is_there = true;
	ret->bytes = strtoull(length, NULL, 10);
	s3_etag(&answer, ret->etag);
	return 0;
}

/* What was sent: its ETag is "" where the server's can say nothing. */
struct sent {
	uint64_t bytes;
	size_t n_parts;		/* 0: one object */
	char etag[S3_ETAG_BYTES];
};

static bool
is_same(const struct held *held, const struct sent *sent)
{
	return held->is_there && held->bytes == sent->bytes &&
	    (sent->etag[0] == '\0' ||
	    !s3_is_md5(held->etag, sent->n_parts) ||
	    strcasecmp(held->etag, sent->etag) == 0);
}

static void
remove_object(struct s3_conn *conn, const char *key)
{
	const struct s3_request request = { .method = "DELETE", .key = key,
	    .undisturbed = true, .retry_s = TIDY_S };
	struct err ignored = ERR_INIT;

	(void)!s3_run(conn, &request, &ignored);
}

/* Size and checksum, by the store's own word; what is wrong is not left. */
static int
confirm(struct s3_conn *conn, const char *key, const struct sent *sent,
    struct err *err)
{
	struct held held;

	if (look(conn, key, &held, err) < 0)
		return -1;
	if (is_same(&held, sent))
		return 0;
	if (!held.is_there)
		return err_set(err, ERR_PROTOCOL,
		    "the store took the object and does not have it");
	remove_object(conn, key);
	return err_set(err, ERR_PROTOCOL, "the store holds %" PRIu64
	    " bytes (ETag %s) in place of %" PRIu64 " (%s)", held.bytes,
	    held.etag, sent->bytes, sent->etag);
}

static int
refuse_existing(struct err *err)
{
	return err_set(err, ERR_EXISTS, "an object of that name is there");
}

/* An answer that got lost, and then a second try that finds what the first one
 * made: is it ours? */
static int
judge_existing(struct s3_conn *conn, const struct s3_answer *answer,
    const char *key, const struct sent *sent, struct err *err)
{
	struct held held;

	if (answer->attempts < 2)
		return answer->response.status == 412 ?
		    refuse_existing(err) : s3_expect(answer, err);
	if (look(conn, key, &held, err) < 0)
		return -1;
	if (sent->etag[0] != '\0' && held.etag[0] != '\0' &&
	    is_same(&held, sent))
		return 0;
	return answer->response.status == 412 ?
	    refuse_existing(err) : s3_expect(answer, err);
}

/* Is it the condition that the server does not know? */
static bool
lacks_condition(const struct s3_answer *answer)
{
	long status = answer->response.status;

	return status == 501 || s3_is(answer, "NotImplemented") ||
	    (status == 400 && (s3_is(answer, "InvalidArgument") ||
	    s3_is(answer, "InvalidRequest")));
}

static int
make_headers(const struct s3_upload *upload, bool conditional, bool whole,
    struct strlist *ret, struct err *err)
{
	if (whole && upload->headers != NULL &&
	    strlist_copy(upload->headers, ret, err) < 0)
		return -1;
	return conditional ? strlist_add(ret, NO_OVERWRITE, err) : 0;
}

/* --- one object ---------------------------------------------------------- */

static int
put_once(struct s3_conn *conn, const struct s3_upload *upload,
    struct s3_piece *piece, bool conditional, struct s3_answer *ret,
    bool *ret_opaque, struct err *err)
{
	CLEANUP(strlist_free) struct strlist headers = STRLIST_INIT;
	const struct s3_target target = {
		.key = upload->key, .headers = &headers,
		.rate_bytes_s = upload->rate_bytes_s
	};

	if (make_headers(upload, conditional, true, &headers, err) < 0)
		return -1;
	return s3_piece_send(conn, piece, &target, ret, ret_opaque, err);
}

static int
put_whole(struct s3_conn *conn, const struct s3_upload *upload,
    struct s3_piece *piece, struct err *err)
{
	CLEANUP(s3_answer_free) struct s3_answer answer = S3_ANSWER_INIT;
	struct sent sent = { .bytes = piece->bytes };
	bool conditional = upload->mode == STORE_NEW, opaque = false;
	char md5[DIGEST_HEX_BYTES];

	if (put_once(conn, upload, piece, conditional, &answer, &opaque,
	    err) < 0)
		return -1;
	if (conditional && lacks_condition(&answer) &&
	    put_once(conn, upload, piece, false, &answer, &opaque, err) < 0)
		return -1;
	digest_to_hex(piece->md5, sizeof piece->md5, md5);
	if (!opaque)
		memcpy(sent.etag, md5, strlen(md5) + 1);
	if (!s3_ok(&answer))
		return judge_existing(conn, &answer, upload->key, &sent, err);
	return confirm(conn, upload->key, &sent, err);
}

/* --- many parts ---------------------------------------------------------- */

static int
begin(struct s3_conn *conn, const struct s3_upload *upload, char **ret_id,
    struct err *err)
{
	CLEANUP(s3_answer_free) struct s3_answer answer = S3_ANSWER_INIT;
	const struct s3_request request = {
		.method = "POST", .key = upload->key, .query = "uploads=",
		.headers = upload->headers, .body = "",
		.content_type = "application/octet-stream"
	};

	if (s3_call(conn, &request, &answer, err) < 0 ||
	    s3_expect(&answer, err) < 0)
		return -1;
	return s3_xml_upload_id(answer.response.body,
	    answer.response.body_len, ret_id, err);
}

static int
make_id_query(const char *id, char **ret, struct err *err)
{
	CLEANUP(cleanup_free) char *escaped = NULL;

	if (http_escape(id, &escaped, err) < 0)
		return -1;
	return str_format(ret, err, "uploadId=%s", escaped);
}

/* Its failure is not reported: the upload's own is the cause, and what is left
 * now is swept a day later. */
static void
abort_upload(struct s3_conn *conn, const struct s3_upload *upload,
    const char *id)
{
	CLEANUP(cleanup_free) char *query = NULL;
	struct s3_request request = { .method = "DELETE", .key = upload->key,
	    .undisturbed = true, .retry_s = TIDY_S };
	struct err ignored = ERR_INIT;

	if (make_id_query(id, &query, &ignored) < 0)
		return;
	request.query = query;
	(void)!s3_run(conn, &request, &ignored);
}

static int
make_document(const struct s3_parts *parts, char **ret, struct err *err)
{
	CLEANUP(str_free) struct str text = STR_INIT;
	size_t i;

	str_add(&text, "<CompleteMultipartUpload>");
	for (i = 0; i < parts->n; i++) {
		const char *p;

		str_addf(&text, "<Part><PartNumber>%zu</PartNumber><ETag>\"",
		    i + 1);
		for (p = parts->v[i].etag; *p != '\0'; p++) {
			if (*p == '&' || *p == '<' || *p == '>')
				str_addf(&text, "&#%d;", *p);
			else
				str_addn(&text, p, 1);
		}
		str_add(&text, "\"</ETag></Part>");
	}
	str_add(&text, "</CompleteMultipartUpload>");
	return str_take(&text, ret, err);
}

/* The ETag of a multipart object: the MD5 of its parts' MD5s, and how many. */
static int
sum_up(const struct s3_parts *parts, struct sent *ret, struct err *err)
{
	CLEANUP(digest_freep) struct digest *digest = NULL;
	char md5[DIGEST_HEX_BYTES];
	size_t i;

	*ret = (struct sent){ .bytes = parts->bytes, .n_parts = parts->n };
	if (parts->opaque)
		return 0;
	if (digest_new_md5(&digest, err) < 0)
		return -1;
	for (i = 0; i < parts->n; i++) {
		/* A server whose parts have other ETags has another one of
		 * the whole. */
		if (!s3_is_md5(parts->v[i].etag, 0))
			return 0;
		if (digest_add(digest, parts->v[i].md5, S3_MD5_BYTES, err) < 0)
			return -1;
	}
	if (digest_hex(digest, md5, err) < 0)
		return -1;
	(void)snprintf(ret->etag, sizeof ret->etag, "%.32s-%zu", md5,
	    parts->n);
	return 0;
}

static int
complete_once(struct s3_conn *conn, const struct s3_upload *upload,
    const char *id, const char *document, bool conditional,
    struct s3_answer *ret, struct err *err)
{
	CLEANUP(strlist_free) struct strlist headers = STRLIST_INIT;
	CLEANUP(cleanup_free) char *query = NULL;
	struct s3_request request = {
		.method = "POST", .key = upload->key, .headers = &headers,
		.body = document, .body_len = strlen(document),
		.content_type = "application/xml",
		.stall_s = COMPLETE_STALL_S
	};

	if (make_headers(upload, conditional, false, &headers, err) < 0 ||
	    make_id_query(id, &query, err) < 0)
		return -1;
	request.query = query;
	return s3_call(conn, &request, ret, err);
}

/* Fails only where the store says that it joined something else. Some servers'
 * first answer has an empty ETag, or is none that can be read: then HEAD
 * tells. */
static int
check_completed(const struct s3_answer *answer, const struct sent *sent,
    struct err *err)
{
	CLEANUP(cleanup_free) char *etag = NULL;
	struct err ignored = ERR_INIT;

	if (s3_xml_etag(answer->response.body, answer->response.body_len,
	    &etag, &ignored) < 0)
		return 0;
	if (sent->etag[0] == '\0' || !s3_is_md5(etag, sent->n_parts) ||
	    strcasecmp(etag, sent->etag) == 0)
		return 0;
	return err_set(err, ERR_PROTOCOL, "the store joined other bytes than "
	    "were sent: ETag %s in place of %s", etag, sent->etag);
}

static int
complete(struct s3_conn *conn, const struct s3_upload *upload, const char *id,
    const struct s3_parts *parts, struct err *err)
{
	CLEANUP(s3_answer_free) struct s3_answer answer = S3_ANSWER_INIT;
	CLEANUP(cleanup_free) char *document = NULL;
	bool conditional = upload->mode == STORE_NEW;
	struct sent sent;

	if (sum_up(parts, &sent, err) < 0 ||
	    make_document(parts, &document, err) < 0 ||
	    complete_once(conn, upload, id, document, conditional, &answer,
	    err) < 0)
		return -1;
	if (conditional && lacks_condition(&answer) &&
	    complete_once(conn, upload, id, document, false, &answer,
	    err) < 0)
		return -1;
	if (!s3_ok(&answer))
		return judge_existing(conn, &answer, upload->key, &sent, err);
	if (check_completed(&answer, &sent, err) < 0) {
		remove_object(conn, upload->key);
		return -1;
	}
	return confirm(conn, upload->key, &sent, err);
}

static int
put_parts(struct s3_conn *conn, const struct s3_upload *upload,
    const struct s3_piece *first, struct err *err)
{
	CLEANUP(s3_parts_free) struct s3_parts parts = S3_PARTS_INIT;
	CLEANUP(cleanup_free) char *id = NULL;

	if (begin(conn, upload, &id, err) < 0)
		return err_add(err, "cannot begin an upload");
	if (s3_workers_run(upload, id, first, &parts, err) < 0 ||
	    complete(conn, upload, id, &parts, err) < 0) {
		abort_upload(conn, upload, id);
		return -1;
	}
	return 0;
}

/* --- the two ways -------------------------------------------------------- */

static int
refuse_overwrite(struct s3_conn *conn, const struct s3_upload *upload,
    struct err *err)
{
	struct held held;

	if (upload->mode != STORE_NEW)
		return 0;
	if (look(conn, upload->key, &held, err) < 0)
		return -1;
	return held.is_there ? refuse_existing(err) : 0;
}

/* Is there more behind the first part? One byte tells. */
static int
goes_on(const struct s3_piece *first, bool *ret, struct err *err)
{
	const struct store_stream *stream = first->stream;
	uint64_t have = 0;
	bool end = false;

	if (stream->wait(stream->cookie, first->bytes + 1, &have, &end,
	    err) < 0)
		return -1;
	*ret = have > first->bytes;
	return 0;
}

int
s3_upload_run(const struct s3_upload *upload, struct err *err)
{
	CLEANUP(s3_conn_close) struct s3_conn conn = {
		.client = upload->client
	};
	static const atomic_bool never = false;
	const struct store_stream *stream = upload->stream;
	struct s3_piece first = { .stream = stream, .stop = &never };
	bool end = false, more = false;

	if (refuse_overwrite(&conn, upload, err) < 0 ||
	    s3_piece_take(&first, s3_part_bytes(1, upload->part_bytes,
	    stream->window_bytes, upload->parallel), &end, err) < 0)
		return -1;
	if (!end && goes_on(&first, &more, err) < 0)
		return -1;
	if (more)
		return put_parts(&conn, upload, &first, err);
	return put_whole(&conn, upload, &first, err);
}
