#define _GNU_SOURCE
#include "lib/store/s3_request.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "lib/base/base64.h"
#include "lib/base/clock.h"
#include "lib/base/digest.h"
#include "lib/base/intr.h"
#include "lib/base/log.h"

#define CONNECT_S 30.0
#define STALL_S 60.0
#define PAUSE_FIRST_S 0.2
#define PAUSE_MAX_S 20.0
#define RETRY_AFTER_MAX_S 300.0
#define TICK_NS 50000000L
#define ANSWER_MAX ((size_t)16 << 20)	/* 1,000 keys, each byte as %XX */
/* A large part may take longer than retry_s: it gets a chance all the same. */
#define BODY_TRIES 3

void
s3_client_free(struct s3_client *client)
{
	free(client->base);
	free(client->root);
	free(client->region);
	free(client->ca_more);
	s3_credentials_free(client->credentials);
}

void
s3_conn_close(struct s3_conn *conn)
{
	http_free(conn->http);
	conn->http = NULL;
}

void
s3_answer_free(struct s3_answer *answer)
{
	http_response_free(&answer->response);
	*answer = (struct s3_answer)S3_ANSWER_INIT;
}

static int
connect_to(struct s3_conn *conn, struct err *err)
{
	const struct s3_client *client = conn->client;
	const struct http_endpoint endpoint = {
		.base = client->base, .ca_more = client->ca_more,
		.insecure = client->insecure, .connect_timeout_s = CONNECT_S
	};

	return conn->http != NULL ? 0 : http_new(&endpoint, &conn->http, err);
}

/* "/bucket/some/key?query": slashes of a key stay as they are. */
static int
make_path(const struct s3_client *client, const struct s3_request *request,
    char **ret, struct err *err)
{
	CLEANUP(str_free) struct str path = STR_INIT;
	CLEANUP(cleanup_free) char *rest = NULL;
	char *next, *segment;

	str_add(&path, client->root);
	if (request->key == NULL && *client->root == '\0')
		str_add(&path, "/");
	if (request->key != NULL && str_dup(request->key, &rest, err) < 0)
		return -1;
	for (next = rest; (segment = strsep(&next, "/")) != NULL;) {
		CLEANUP(cleanup_free) char *escaped = NULL;

		if (http_escape(segment, &escaped, err) < 0)
			return -1;
		str_addf(&path, "/%s", escaped);
	}
	if (request->query != NULL)
		str_addf(&path, "?%s", request->query);
	return str_take(&path, ret, err);
}

static int
add_hash(const struct s3_request *request, struct strlist *headers,
    struct err *err)
{
	CLEANUP(digest_freep) struct digest *digest = NULL;
	char hex[DIGEST_HEX_BYTES];
	const char *sha256 = request->sha256;

	if (sha256 == NULL) {
		if (digest_new(&digest, err) < 0 ||
		    (request->body != NULL && digest_add(digest,
		    request->body, request->body_len, err) < 0) ||
		    digest_hex(digest, hex, err) < 0)
			return -1;
		sha256 = hex;
	}
	return strlist_addf(headers, err, "x-amz-content-sha256: %s", sha256);
}

/* All headers of ours, with a NULL behind the last; *ret borrows them. */
static int
make_headers(const struct s3_request *request, const struct s3_keys *keys,
    struct strlist *headers, const char ***ret, struct err *err)
{
	size_t i;

	if (request->headers != NULL &&
	    strlist_copy(request->headers, headers, err) < 0)
		return -1;
	if (add_hash(request, headers, err) < 0 ||
	    (keys->session_token != NULL && strlist_addf(headers, err,
	    "x-amz-security-token: %s", keys->session_token) < 0))
		return -1;
	*ret = calloc(headers->n + 1, sizeof **ret);
	if (*ret == NULL)
		return err_nomem(err);
	for (i = 0; i < headers->n; i++)
		(*ret)[i] = headers->v[i];
	return 0;
}

static void
headers_free(struct strlist *headers)
{
	size_t i;

	for (i = 0; i < headers->n; i++)	/* the token is a secret */
		str_zero(headers->v[i]);
	strlist_free(headers);
}

/* One attempt: 0 if the server said something, whatever it is. */
static int
try_once(struct s3_conn *conn, const struct s3_request *request,
    const struct s3_keys *keys, struct s3_answer *ret, struct err *err)
{
	CLEANUP(headers_free) struct strlist headers = STRLIST_INIT;
	CLEANUP(cleanup_free) const char **lines = NULL;
	CLEANUP(cleanup_free) char *path = NULL;
	const struct http_aws aws = { keys->access_key, keys->secret_key,
	    conn->client->region, "s3" };
	struct http_request http = {
		.method = request->method, .body = request->body,
		.body_len = request->body_len, .read = request->read,
		.cancelled = request->cancelled, .cookie = request->cookie,
		.content_type = request->content_type, .aws = &aws,
		.stall_s = request->stall_s > 0 ? request->stall_s : STALL_S,
		.rate_bytes_s = request->rate_bytes_s,
		.interruptible = !request->undisturbed, .max_body = ANSWER_MAX
	};

	if (connect_to(conn, err) < 0 ||
	    make_path(conn->client, request, &path, err) < 0 ||
	    make_headers(request, keys, &headers, &lines, err) < 0)
		return -1;
	http.path = path;
	http.headers = lines;
	if (http_call(conn->http, &http, &ret->response, err) < 0)
		return -1;
	if (!request->is_content || ret->response.status / 100 != 2)
		s3_xml_error(ret->response.body, ret->response.body_len,
		    &ret->error);
	return 0;
}

bool
s3_ok(const struct s3_answer *answer)
{
	return answer->response.status / 100 == 2 &&
	    answer->error.code[0] == '\0';
}

bool
s3_is(const struct s3_answer *answer, const char *code)
{
	return strcmp(answer->error.code, code) == 0;
}

static bool
is_one_of(const struct s3_answer *answer, const char *const *codes)
{
	for (; *codes != NULL; codes++)
		if (s3_is(answer, *codes))
			return true;
	return false;
}

/* A 200 that carries an error is one of the server's own making. What was
 * damaged on its way to the server may arrive the next time. */
static bool
is_passing(const struct s3_answer *answer)
{
	static const char *const codes[] = { "RequestTimeout", "SlowDown",
	    "InternalError", "ServiceUnavailable", "Throttling",
	    "OperationAborted", "ConditionalRequestConflict",
	    "IncompleteBody", "BadDigest", "XAmzContentSHA256Mismatch", NULL };
	long status = answer->response.status;

	if (s3_is(answer, "NotImplemented") || status == 501 || status == 507)
		return false;
	return status >= 500 || status == 429 || is_one_of(answer, codes);
}

static bool
is_passing_error(const struct err *err)
{
	return err->kind == ERR_UNREACHABLE || err->kind == ERR_TIMEOUT ||
	    err->kind == ERR_PROTOCOL;
}

/* Full jitter: those who failed together do not come back together. */
static double
pause_for(unsigned attempts, const struct s3_answer *answer)
{
	const char *after = strmap_get(&answer->response.headers,
	    "retry-after");
	double most_s = PAUSE_FIRST_S;
	uint32_t random = 0;

	if (after != NULL && *after >= '0' && *after <= '9') {
		double after_s = (double)strtoul(after, NULL, 10);

		return after_s < RETRY_AFTER_MAX_S ? after_s :
		    RETRY_AFTER_MAX_S;
	}
	while (--attempts != 0 && most_s < PAUSE_MAX_S)
		most_s *= 2;
	if (most_s > PAUSE_MAX_S)
		most_s = PAUSE_MAX_S;
	if (getrandom(&random, sizeof random, 0) != sizeof random)
		random = UINT32_MAX / 2;
	return most_s * random / UINT32_MAX;
}

static int
pause_s(const struct s3_request *request, double seconds, struct err *err)
{
	const struct timespec tick = { 0, TICK_NS };
	double end_s = clock_mono_s() + seconds;

	while (clock_mono_s() < end_s) {
		if (!request->undisturbed && intr_check(err) < 0)
			return -1;
		if (request->cancelled != NULL &&
		    request->cancelled(request->cookie))
			return err_set(err, ERR_INTERRUPTED,
			    "the request was cancelled");
		(void)nanosleep(&tick, NULL);
	}
	return 0;
}

struct patience {
	double retry_s;
	double since_s;		/* the first failure */
	bool refetched;
};

/* Are there other keys than those that have run out? Asked for once. */
static bool
has_new_keys(struct s3_conn *conn, struct patience *patience,
    const struct s3_answer *answer, const struct s3_keys *keys)
{
	static const char *const codes[] = { "ExpiredToken",
	    "ExpiredTokenException", "TokenRefreshRequired", "InvalidToken",
	    NULL };
	CLEANUP(s3_keys_free) struct s3_keys fresh = S3_KEYS_INIT;
	struct err ignored = ERR_INIT;

	if (patience->refetched || !is_one_of(answer, codes))
		return false;
	patience->refetched = true;
	return s3_credentials_get(conn->client->credentials, &fresh,
	    &ignored) == 0 && strcmp(fresh.access_key, keys->access_key) != 0;
}

/* Waits before the next attempt; *ret is false when there is none. */
static int
wait_again(const struct s3_request *request, struct patience *patience,
    const struct s3_answer *answer, bool *ret, struct err *err)
{
	double now_s = clock_mono_s(), left_s;
	double wait_s = pause_for(answer->attempts, answer);
	bool is_owed = request->read != NULL && answer->attempts < BODY_TRIES;

	/* Not attempt 1: that may have ended with keys that ran out. */
	if (patience->since_s == 0)
		patience->since_s = now_s;
	left_s = patience->since_s + patience->retry_s - now_s;
	*ret = patience->retry_s > 0 &&
	    (is_owed || (left_s > 0 && wait_s <= left_s));
	return *ret ? pause_s(request, wait_s, err) : 0;
}

static double
least(double a, double b)
{
	return a < b ? a : b;
}

int
s3_call(struct s3_conn *conn, const struct s3_request *request,
    struct s3_answer *ret, struct err *err)
{
	CLEANUP(s3_keys_free) struct s3_keys keys = S3_KEYS_INIT;
	struct patience patience = { .retry_s = conn->client->retry_s };
	unsigned attempts = 0;
	bool again = true;
	int rc = -1;

	if (request->retry_s > 0)
		patience.retry_s = least(patience.retry_s, request->retry_s);
	while (again) {
		struct err why = ERR_INIT;

		s3_answer_free(ret);
		s3_keys_free(&keys);
		if (s3_credentials_get(conn->client->credentials, &keys,
		    err) < 0)
			return -1;
		rc = try_once(conn, request, &keys, ret, &why);
		ret->attempts = ++attempts;
		if (rc == 0 && has_new_keys(conn, &patience, ret, &keys))
			continue;
		again = rc < 0 ? is_passing_error(&why) : is_passing(ret);
		if (again)
			log_debug("%s %s: attempt %u: %s", request->method,
			    request->key != NULL ? request->key : "",
			    attempts, rc < 0 ? why.msg : ret->error.code);
		if (again && wait_again(request, &patience, ret, &again,
		    err) < 0)
			return -1;
		if (!again && rc < 0)
			*err = why;
	}
	return rc < 0 && attempts > 1 ?
	    err_add(err, "after %u attempts", attempts) : rc;
}

int
s3_run(struct s3_conn *conn, const struct s3_request *request,
    struct err *err)
{
	CLEANUP(s3_answer_free) struct s3_answer answer = S3_ANSWER_INIT;

	if (s3_call(conn, request, &answer, err) < 0)
		return -1;
	return s3_expect(&answer, err);
}

void
s3_etag(const struct s3_answer *answer, char ret[S3_ETAG_BYTES])
{
	const char *etag = strmap_get(&answer->response.headers, "etag");
	size_t n;

	ret[0] = '\0';
	if (etag == NULL)
		return;
	etag += *etag == '"';
	n = strcspn(etag, "\"");
	if (n >= S3_ETAG_BYTES)
		return;
	memcpy(ret, etag, n);
	ret[n] = '\0';
}

int
s3_add_md5(const void *body, size_t n, struct strlist *ret, struct err *err)
{
	CLEANUP(digest_freep) struct digest *digest = NULL;
	CLEANUP(cleanup_free) char *text = NULL;
	unsigned char md5[DIGEST_BYTES];
	size_t n_md5;

	if (digest_new_md5(&digest, err) < 0 ||
	    digest_add(digest, body, n, err) < 0 ||
	    digest_bytes(digest, md5, &n_md5, err) < 0 ||
	    base64_encode(md5, n_md5, &text, err) < 0)
		return -1;
	return strlist_addf(ret, err, "Content-MD5: %s", text);
}
