#include <stdlib.h>

#include "lib/store/s3_settings.h"
#include "lib/store/s3_store.h"
#include "lib/store/s3_upload.h"

#define CHECK_RETRY_S 10.0	/* a run has not begun yet: say it soon */

static struct store_s3 *
s3_of(struct store *store)
{
	return (struct store_s3 *)store;
}

static int
key_of(const struct store_s3 *s3, const char *name, char **ret,
    struct err *err)
{
	return str_format(ret, err, "%s%s", s3->prefix, name);
}

/* Why HEAD was refused, which has no room for reasons, a listing tells. */
static int
explain(struct store_s3 *s3, const struct s3_answer *head, struct err *err)
{
	CLEANUP(s3_answer_free) struct s3_answer answer = S3_ANSWER_INIT;
	const struct s3_request request = {
		.method = "GET", .query = "list-type=2&max-keys=1",
		.retry_s = CHECK_RETRY_S
	};
	struct err ignored = ERR_INIT;

	if (s3_call(&s3->conn, &request, &answer, &ignored) < 0 ||
	    s3_ok(&answer) || answer.error.code[0] == '\0')
		return s3_expect(head, err);
	return s3_expect(&answer, err);
}

/* Room is not asked for: a bucket has no size that could be known. */
static int
s3_check(struct store *store, uint64_t need_bytes, struct err *err)
{
	CLEANUP(s3_answer_free) struct s3_answer answer = S3_ANSWER_INIT;
	const struct s3_request request = {
		.method = "HEAD", .retry_s = CHECK_RETRY_S
	};
	struct store_s3 *s3 = s3_of(store);

	(void)need_bytes;
	if (s3_call(&s3->conn, &request, &answer, err) < 0)
		return -1;
	return s3_ok(&answer) ? 0 : explain(s3, &answer, err);
}

static int
s3_has(struct store *store, const char *name, bool *ret, struct err *err)
{
	CLEANUP(s3_answer_free) struct s3_answer answer = S3_ANSWER_INIT;
	CLEANUP(cleanup_free) char *key = NULL;
	struct s3_request request = { .method = "HEAD" };
	struct store_s3 *s3 = s3_of(store);

	if (key_of(s3, name, &key, err) < 0)
		return -1;
	request.key = key;
	if (s3_call(&s3->conn, &request, &answer, err) < 0)
		return -1;
	*ret = answer.response.status != 404;
	return *ret ? s3_expect(&answer, err) : 0;
}

static int
s3_put(struct store *store, const char *name, enum store_put_mode mode,
    const struct store_stream *stream, struct err *err)
{
	CLEANUP(cleanup_free) char *key = NULL;
	struct store_s3 *s3 = s3_of(store);
	struct s3_upload upload = {
		.client = &s3->client, .mode = mode, .stream = stream,
		.headers = &s3->headers, .part_bytes = s3->part_bytes,
		.parallel = s3->parallel, .rate_bytes_s = s3->rate_bytes_s
	};

	if (key_of(s3, name, &key, err) < 0)
		return -1;
	upload.key = key;
	return s3_upload_run(&upload, err);
}

static int
s3_put_small(struct store *store, const char *name, const void *bytes,
    size_t n, struct err *err)
{
	CLEANUP(cleanup_free) char *key = NULL;
	CLEANUP(strlist_free) struct strlist headers = STRLIST_INIT;
	struct store_s3 *s3 = s3_of(store);
	struct s3_request request = {
		.method = "PUT", .body = bytes, .body_len = n,
		.headers = &headers, .content_type = "application/json"
	};

	if (key_of(s3, name, &key, err) < 0 ||
	    strlist_copy(&s3->small_headers, &headers, err) < 0 ||
	    s3_add_md5(bytes, n, &headers, err) < 0)
		return -1;
	request.key = key;
	return s3_run(&s3->conn, &request, err);
}

static int
s3_get_small(struct store *store, const char *name, size_t max, char **ret,
    size_t *ret_n, struct err *err)
{
	CLEANUP(s3_answer_free) struct s3_answer answer = S3_ANSWER_INIT;
	CLEANUP(cleanup_free) char *key = NULL;
	struct store_s3 *s3 = s3_of(store);
	struct s3_request request = { .method = "GET" };

	if (key_of(s3, name, &key, err) < 0)
		return -1;
	request.key = key;
	if (s3_call(&s3->conn, &request, &answer, err) < 0 ||
	    s3_expect(&answer, err) < 0)
		return -1;
	if (answer.response.body_len > max)
		return err_set(err, ERR_PROTOCOL, "'%s' has %zu bytes, more "
		    "than the %zu that are expected", name,
		    answer.response.body_len, max);
	*ret = answer.response.body;
	*ret_n = answer.response.body_len;
	answer.response.body = NULL;
	return 0;
}

static void
s3_free(struct store *store)
{
	struct store_s3 *s3 = s3_of(store);

	s3_conn_close(&s3->conn);
	s3_client_free(&s3->client);
	strlist_free(&s3->headers);
	strlist_free(&s3->small_headers);
	free(s3->prefix);
	free(s3);
}

static const struct store_ops s3_ops = {
	.check = s3_check,
	.sweep = s3_store_sweep,
	.has = s3_has,
	.put = s3_put,
	.put_small = s3_put_small,
	.get_small = s3_get_small,
	.get = s3_store_get,
	.list = s3_store_list,
	.remove = s3_store_remove,
	.free = s3_free,
};

int
store_s3_new(const struct store_s3_settings *settings, struct store **ret,
    struct err *err)
{
	CLEANUP(store_freep) struct store *store = NULL;
	struct store_s3 *s3 = calloc(1, sizeof *s3);

	if (s3 == NULL)
		return err_nomem(err);
	store = &s3->store;
	store->ops = &s3_ops;
	s3->conn.client = &s3->client;
	s3->get_bytes = S3_GET_BYTES;
	if (s3_settings_take(settings, s3, err) < 0)
		return store->label != NULL ?
		    err_add(err, "%s", store->label) : -1;
	*ret = store;
	store = NULL;
	return 0;
}
