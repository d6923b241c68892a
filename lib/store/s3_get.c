/*
 * s3_store_get: an object, range by range.
 *
 * Each range is a request of its own that s3_call tries again: so what breaks
 * goes on where it broke, and no more than one range is ever held. If-Match
 * (RFC 9110, section 13.1.1) keeps them all of one object.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/store/s3_store.h"

struct object {
	const char *name;
	const char *key;
	uint64_t bytes;
	char etag[S3_ETAG_BYTES];
};

static int
replaced(const struct object *object, struct err *err)
{
	return err_set(err, ERR_PROTOCOL, "'%s' was replaced while it was read",
	    object->name);
}

static int
nonsense(const struct object *object, const char *why, struct err *err)
{
	return err_set(err, ERR_PROTOCOL, "'%s': the server %s", object->name,
	    why);
}

static bool
parse_bytes(const char *text, uint64_t *ret)
{
	char *end;

	if (text == NULL || *text < '0' || *text > '9')
		return false;
	*ret = strtoull(text, &end, 10);
	return *end == '\0' && *ret < UINT64_MAX;
}

/* How large is it, and which one? */
static int
look(struct store_s3 *s3, struct object *object, struct err *err)
{
	CLEANUP(s3_answer_free) struct s3_answer answer = S3_ANSWER_INIT;
	const struct s3_request request = { .method = "HEAD",
		.key = object->key };

	if (s3_call(&s3->conn, &request, &answer, err) < 0)
		return -1;
	if (answer.response.status == 404)
		return err_set(err, ERR_NOTFOUND, "there is no '%s'",
		    object->name);
	if (s3_expect(&answer, err) < 0)
		return -1;
	if (!parse_bytes(strmap_get(&answer.response.headers,
	    "content-length"), &object->bytes))
		return nonsense(object, "does not say its size", err);
	s3_etag(&answer, object->etag);
	return object->etag[0] != '\0' ? 0 :
	    nonsense(object, "gives it no ETag", err);
}

/* Is this the range of n bytes at offset, or the object whole? */
static int
check_range(const struct object *object, const struct s3_answer *answer,
    uint64_t offset, uint64_t n, struct err *err)
{
	char etag[S3_ETAG_BYTES], wanted[80];
	const char *range = strmap_get(&answer->response.headers,
	    "content-range");
	bool whole = answer->response.status == 200 && offset == 0 &&
	    n == object->bytes;

	s3_etag(answer, etag);
	if (etag[0] != '\0' && strcmp(etag, object->etag) != 0)
		return replaced(object, err);
	(void)snprintf(wanted, sizeof wanted, "bytes %" PRIu64 "-%" PRIu64
	    "/%" PRIu64, offset, offset + n - 1, object->bytes);
	if (!whole && (answer->response.status != 206 || range == NULL ||
	    strcmp(range, wanted) != 0))
		return nonsense(object, "sends another range than it was "
		    "asked for", err);
	return answer->response.body_len == n ? 0 :
	    nonsense(object, "sends fewer or more bytes than it says", err);
}

static int
get_range(struct store_s3 *s3, const struct object *object, uint64_t offset,
    uint64_t n, struct s3_answer *ret, struct err *err)
{
	CLEANUP(strlist_free) struct strlist headers = STRLIST_INIT;
	const struct s3_request request = { .method = "GET",
		.key = object->key, .headers = &headers, .is_content = true };

	if (strlist_addf(&headers, err, "If-Match: \"%s\"",
	    object->etag) < 0 ||
	    strlist_addf(&headers, err, "Range: bytes=%" PRIu64 "-%" PRIu64,
	    offset, offset + n - 1) < 0 ||
	    s3_call(&s3->conn, &request, ret, err) < 0)
		return -1;
	if (ret->response.status == 412 || ret->response.status == 416)
		return replaced(object, err);
	if (ret->response.status == 404)
		return err_set(err, ERR_NOTFOUND, "'%s' was removed while it "
		    "was read", object->name);
	if (s3_expect(ret, err) < 0)
		return -1;
	return check_range(object, ret, offset, n, err);
}

static int
get_all(struct store_s3 *s3, const struct object *object, store_get_fn *write,
    void *cookie, struct err *err)
{
	uint64_t at, n;

	for (at = 0; at < object->bytes; at += n) {
		CLEANUP(s3_answer_free) struct s3_answer answer =
		    S3_ANSWER_INIT;

		n = object->bytes - at;
		if (n > s3->get_bytes)
			n = s3->get_bytes;
		if (get_range(s3, object, at, n, &answer, err) < 0 ||
		    write(cookie, answer.response.body, (size_t)n, err) < 0)
			return -1;
	}
	return 0;
}

int
s3_store_get(struct store *store, const char *name, store_get_fn *write,
    void *cookie, struct err *err)
{
	struct store_s3 *s3 = (struct store_s3 *)store;
	CLEANUP(cleanup_free) char *key = NULL;
	struct object object = { .name = name };

	if (str_format(&key, err, "%s%s", s3->prefix, name) < 0)
		return -1;
	object.key = key;
	if (look(s3, &object, err) < 0)
		return -1;
	return get_all(s3, &object, write, cookie, err);
}
