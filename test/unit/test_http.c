#define _GNU_SOURCE
#include "lib/base/http.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/intr.h"
#include "test/unit/peer.h"

#define OK(length, body) PEER_ANSWER("200 OK", "", length, body)

static struct http *
connect_to(const struct peer *peer)
{
	struct http_endpoint endpoint = {
		.base = "http://localhost", .unix_socket = peer->socket_path,
		.connect_timeout_s = 2
	};
	struct http *http = NULL;
	struct err err = ERR_INIT;

	assert_int_equal(http_new(&endpoint, &http, &err), 0);
	return http;
}

static enum err_kind
fails(const struct peer_step *step, const struct http_request *request,
    const char *needle)
{
	struct http_response response = HTTP_RESPONSE_INIT;
	struct err err = ERR_INIT;
	struct peer *peer;
	struct http *http;

	peer = peer_start_unix(step, 1);
	http = connect_to(peer);
	assert_int_equal(http_call(http, request, &response, &err), -1);
	assert_null(response.body);
	if (needle != NULL && strstr(err.msg, needle) == NULL)
		fail_msg("no '%s' in '%s'", needle, err.msg);
	http_free(http);
	peer_finish(peer);
	peer_free(peer);
	return err.kind;
}

static void
a_call_gives_status_body_and_headers(void **state)
{
	static const struct peer_step steps[] = {
		{ .request = "GET /a/../b?x=%2f", .header = "Host: localhost",
		  .no_header = "Content-Type",
		  .answer = PEER_ANSWER("200 OK", "API-version:  1.41 \r\n",
		  "5", "hello") },
		{ .request = "POST /empty", .header = "Content-Length: 0",
		  .no_header = "Content-Type",
		  .answer = "HTTP/1.1 204 No Content\r\n\r\n" },
		{ .request = "POST /body", .body = "{\"a\":1}",
		  .header = "Content-Type: application/json",
		  .no_header = "Expect",
		  .answer = PEER_ANSWER("500 No", "", "2", "no") },
		{ .request = "PUT /type", .body = "x",
		  .header = "Content-Type: text/plain", .answer = OK("0", "") },
		{ .request = "DELETE /gone", .no_header = "Content-Length",
		  .answer = PEER_ANSWER("301 Moved", "Location: /x\r\n", "0",
		  "") },
		{ .request = "HEAD /head", .answer = "HTTP/1.1 200 OK\r\n"
		  "Content-Length: 7\r\n\r\n" },
	};
	static const struct {
		struct http_request request;
		long status;
		const char *body;
		const char *version;	/* header api-version */
	} calls[] = {
		{ { .method = "GET", .path = "/a/../b?x=%2f" }, 200, "hello",
		  "1.41" },
		{ { .method = "POST", .path = "/empty" }, 204, "", NULL },
		{ { .method = "POST", .path = "/body", .body = "{\"a\":1}",
		  .body_len = 7, .timeout_s = 5, .interruptible = true }, 500,
		  "no", NULL },
		{ { .method = "PUT", .path = "/type", .body = "xyz",
		  .body_len = 1, .content_type = "text/plain" }, 200, "",
		  NULL },
		{ { .method = "DELETE", .path = "/gone" }, 301, "", NULL },
		{ { .method = "HEAD", .path = "/head" }, 200, "", NULL },
	};
	struct err err = ERR_INIT;
	struct peer *peer;
	struct http *http;
	size_t i;

	(void)state;
	peer = peer_start_unix(STEPS(steps));
	http = connect_to(peer);
	for (i = 0; i < sizeof calls / sizeof calls[0]; i++) {
		struct http_response response = HTTP_RESPONSE_INIT;

		assert_int_equal(http_call(http, &calls[i].request, &response,
		    &err), 0);
		assert_int_equal(response.status, calls[i].status);
		assert_string_equal(response.body, calls[i].body);
		assert_int_equal(response.body_len, strlen(calls[i].body));
		if (calls[i].version == NULL)
			assert_null(strmap_get(&response.headers,
			    "api-version"));
		else
			assert_string_equal(strmap_get(&response.headers,
			    "api-version"), calls[i].version);
		http_response_free(&response);
		http_response_free(&response);
	}
	http_free(http);
	peer_finish(peer);
	peer_free(peer);
}

static void
headers_are_a_map_with_bounds(void **state)
{
	static char long_line[9000];
	struct peer_step step = { .request = "GET /",
	    .header = "X-Ours: a b" };
	static const char *const ours[] = { "X-Ours: a b", NULL };
	const struct http_request request = { .method = "GET", .path = "/",
	    .headers = ours };
	struct http_response response = HTTP_RESPONSE_INIT;
	CLEANUP(cleanup_free) char *answer = NULL;
	struct err err = ERR_INIT;
	struct peer *peer;
	struct http *http;

	(void)state;
	memset(long_line, 'x', sizeof long_line - 1);
	assert_int_equal(str_format(&answer, &err, "HTTP/1.1 200 OK\r\n"
	    "ETag: \"one\"\r\nETAG:two \r\nX-Empty:\r\nX-Long: %s\r\n"
	    "Content-Length: 0\r\n\r\n", long_line), 0);
	step.answer = answer;
	peer = peer_start_unix(&step, 1);
	http = connect_to(peer);
	assert_int_equal(http_call(http, &request, &response, &err), 0);
	assert_string_equal(strmap_get(&response.headers, "etag"), "two");
	assert_string_equal(strmap_get(&response.headers, "x-empty"), "");
	assert_null(strmap_get(&response.headers, "x-long"));
	assert_int_equal(response.headers.keys.n, 3);
	http_response_free(&response);
	http_free(http);
	peer_finish(peer);
	peer_free(peer);
}

struct source {
	const char *text;
	size_t fails_at;	/* 0: never */
	struct str got;
	bool cancelled;
};

static int
source_read(void *cookie, uint64_t offset, void *bytes, size_t n,
    struct err *err)
{
	struct source *source = cookie;

	if (source->fails_at != 0 && offset + n >= source->fails_at)
		return err_set(err, ERR_STREAM, "the source is dry");
	memcpy(bytes, source->text + offset, n);
	return 0;
}

static int
source_write(void *cookie, const void *bytes, size_t n, struct err *err)
{
	struct source *source = cookie;

	if (source->fails_at != 0)
		return err_set(err, ERR_NOSPACE, "the sink is full");
	str_addn(&source->got, bytes, n);
	return 0;
}

static bool
source_cancelled(void *cookie)
{
	return ((struct source *)cookie)->cancelled;
}

static void
bodies_go_through_callbacks(void **state)
{
	static const struct peer_step steps[] = {
		{ .request = "PUT /in", .body = "0123456789",
		  .header = "Content-Length: 10", .answer = OK("3", "yes") },
		{ .request = "PUT /none", .header = "Content-Length: 0",
		  .answer = PEER_ANSWER("403 No", "", "3", "why") },
	};
	struct source source = { .text = "0123456789" };
	struct http_request request = { .method = "PUT", .path = "/in",
	    .read = source_read, .write = source_write, .cookie = &source,
	    .body_len = 10 };
	struct http_response response = HTTP_RESPONSE_INIT;
	struct err err = ERR_INIT;
	struct peer *peer;
	struct http *http;

	(void)state;
	peer = peer_start_unix(STEPS(steps));
	http = connect_to(peer);
	assert_int_equal(http_call(http, &request, &response, &err), 0);
	assert_string_equal(response.body, "");
	assert_string_equal(source.got.s, "yes");
	http_response_free(&response);
	request.path = "/none";
	request.body_len = 0;
	assert_int_equal(http_call(http, &request, &response, &err), 0);
	assert_int_equal(response.status, 403);
	assert_string_equal(response.body, "why");
	assert_string_equal(source.got.s, "yes");
	http_response_free(&response);
	http_free(http);
	str_free(&source.got);
	peer_finish(peer);
	peer_free(peer);
}

/* Three bytes at a time. */
static int
source_pull(void *cookie, void *bytes, size_t n, size_t *ret_n,
    struct err *err)
{
	struct source *source = cookie;
	size_t left = strlen(source->text);

	if (source->fails_at != 0 && left <= source->fails_at)
		return err_set(err, ERR_STREAM, "the source is dry");
	*ret_n = left < 3 ? left : 3;
	assert_true(n >= 3);
	memcpy(bytes, source->text, *ret_n);
	source->text += *ret_n;
	return 0;
}

static void
a_body_of_unknown_length_goes_in_chunks(void **state)
{
	static const struct peer_step steps[] = {
		{ .request = "PUT /in",
		  .body = "3\r\n012\r\n1\r\n3\r\n0\r\n\r\n",
		  .no_header = "Content-Length", .answer = OK("0", "") },
	};
	struct source source = { .text = "0123" };
	struct source dry = { .text = "0123", .fails_at = 2 };
	struct http_request request = { .method = "PUT", .path = "/in",
	    .pull = source_pull, .cookie = &source,
	    .content_type = "application/x-tar" };
	struct http_response response = HTTP_RESPONSE_INIT;
	struct err err = ERR_INIT;
	struct peer *peer;
	struct http *http;

	(void)state;
	peer = peer_start_unix(STEPS(steps));
	http = connect_to(peer);
	assert_int_equal(http_call(http, &request, &response, &err), 0);
	assert_int_equal(response.status, 200);
	http_response_free(&response);
	http_free(http);
	peer_finish(peer);
	peer_free(peer);
	/* It is never whole. */
	peer = peer_start_unix(steps, 0);
	http = connect_to(peer);
	request.cookie = &dry;
	assert_int_equal(http_call(http, &request, &response, &err), -1);
	assert_int_equal(err.kind, ERR_STREAM);
	http_free(http);
	peer_finish(peer);
	peer_free(peer);
}

static void
a_callback_that_fails_ends_the_call_with_its_error(void **state)
{
	static const struct peer_step in = { .request = "PUT /",
	    .cut_bytes = 20 };
	static const struct peer_step out = { .request = "GET /",
	    .answer = OK("3", "yes"), .then = PEER_CLOSE };
	static const struct peer_step stalls = { .request = "GET /",
	    .then = PEER_STALL };
	struct source source = { .text = "0123456789", .fails_at = 5,
	    .cancelled = true };
	const struct http_request put = { .method = "PUT", .path = "/",
	    .read = source_read, .cookie = &source, .body_len = 10 };
	const struct http_request get = { .method = "GET", .path = "/",
	    .write = source_write, .cookie = &source };
	const struct http_request cancelled = { .method = "GET", .path = "/",
	    .cancelled = source_cancelled, .cookie = &source };
	struct http_response response = HTTP_RESPONSE_INIT;
	struct err err = ERR_INIT;
	struct peer *peer;
	struct http *http;

	(void)state;
	assert_int_equal(fails(&in, &put, "the source is dry"), ERR_STREAM);
	assert_int_equal(fails(&out, &get, "the sink is full"), ERR_NOSPACE);
	peer = peer_start_unix(&stalls, 0);
	http = connect_to(peer);
	assert_int_equal(http_call(http, &cancelled, &response, &err), -1);
	assert_int_equal(err.kind, ERR_INTERRUPTED);
	http_free(http);
	peer_finish(peer);
	peer_free(peer);
}

static void
a_stall_ends_a_call_and_slowness_does_not(void **state)
{
	static const struct peer_step nothing = { .request = "GET /",
	    .then = PEER_STALL };
	static const struct peer_step half = { .request = "GET /",
	    .answer = OK("10", "0123"), .then = PEER_STALL };
	const struct http_request request = { .method = "GET", .path = "/",
	    .stall_s = 0.3 };
	double begun_s = clock_mono_s();

	(void)state;
	assert_int_equal(fails(&nothing, &request, "nothing moved"),
	    ERR_TIMEOUT);
	assert_int_equal(fails(&half, &request, "nothing moved"),
	    ERR_TIMEOUT);
	assert_true(clock_mono_s() - begun_s < 30);
}

static void
sending_can_be_slowed_down(void **state)
{
	static char text[300001];
	static struct peer_step step = { .request = "PUT /", .body = text,
	    .answer = OK("0", "") };
	struct source source = { .text = text };
	const struct http_request request = { .method = "PUT", .path = "/",
	    .read = source_read, .cookie = &source,
	    .body_len = sizeof text - 1, .rate_bytes_s = 200000,
	    .stall_s = 3 };
	struct http_response response = HTTP_RESPONSE_INIT;
	struct err err = ERR_INIT;
	double begun_s = clock_mono_s();
	struct peer *peer;
	struct http *http;

	(void)state;
	memset(text, 'x', sizeof text - 1);
	peer = peer_start_unix(&step, 1);
	http = connect_to(peer);
	assert_int_equal(http_call(http, &request, &response, &err), 0);
	assert_true(clock_mono_s() - begun_s > 0.7);
	http_response_free(&response);
	http_free(http);
	peer_finish(peer);
	peer_free(peer);
}

static const char *
header_of(const struct peer *peer, size_t i, const char *name)
{
	const char *at = strcasestr(peer->requests.v[i], name);

	if (at == NULL)
		fail_msg("no %s in:\n%s", name, peer->requests.v[i]);
	return at;
}

/* What is signed must be what is sent: nothing that only takes a header away
 * may be among it, and the payload's hash is the caller's. */
static void
requests_are_signed_for_aws(void **state)
{
	static const struct peer_step steps[] = {
		{ .request = "POST /b/k?uploads=",
		  .header = "Content-Type: a/b", .answer = OK("0", "") },
		{ .request = "GET /b/k", .no_header = "Content-Type",
		  .answer = OK("0", "") },
	};
	static const char *const headers[] = {
		"x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e"
		"4649b934ca495991b7852b855", NULL
	};
	const struct http_aws aws = { "AK:ID", "secret", "eu-x-1", "s3" };
	struct http_request request = { .method = "POST",
	    .path = "/b/k?uploads=", .body = "", .content_type = "a/b",
	    .headers = headers, .aws = &aws };
	struct err err = ERR_INIT;
	struct peer *peer;
	struct http *http;
	size_t i;

	(void)state;
	peer = peer_start_unix(STEPS(steps));
	http = connect_to(peer);
	for (i = 0; i < 2; i++) {
		struct http_response response = HTTP_RESPONSE_INIT;

		assert_int_equal(http_call(http, &request, &response, &err),
		    0);
		http_response_free(&response);
		request = (struct http_request){ .method = "GET",
		    .path = "/b/k", .headers = headers, .aws = &aws };
	}
	http_free(http);
	peer_finish(peer);
	for (i = 0; i < 2; i++) {
		const char *line = header_of(peer, i, "Authorization: ");

		assert_true(str_starts(line, "Authorization: "
		    "AWS4-HMAC-SHA256 Credential=AK:ID/"));
		assert_non_null(strstr(line, "/eu-x-1/s3/aws4_request"));
		assert_non_null(strstr(line, i == 0 ? "SignedHeaders="
		    "content-type;host;x-amz-content-sha256;x-amz-date" :
		    "SignedHeaders=host;x-amz-content-sha256;x-amz-date"));
		assert_null(strstr(peer->requests.v[i], "secret"));
	}
	peer_free(peer);
}

static int
call_https(const struct peer *peer, const char *ca_more, bool insecure,
    struct err *err)
{
	char url[64];
	const struct http_endpoint endpoint = { .base = url,
	    .ca_more = ca_more, .insecure = insecure, .no_proxy = true,
	    .connect_timeout_s = 5 };
	const struct http_request request = { .method = "GET", .path = "/" };
	struct http_response response = HTTP_RESPONSE_INIT;
	struct http *http = NULL;
	int rc;

	(void)snprintf(url, sizeof url, "https://127.0.0.1:%d", peer->port);
	assert_int_equal(http_new(&endpoint, &http, err), 0);
	rc = http_call(http, &request, &response, err);
	http_response_free(&response);
	http_free(http);
	return rc;
}

static void
roots_of_ours_are_beside_the_systems(void **state)
{
	static const struct peer_step steps[] = {
		{ .request = "GET /", .answer = OK("0", "") },
		{ .request = "GET /", .answer = OK("0", "") },
	};
	char dir[] = "/tmp/vbackup-http.XXXXXX", path[64];
	CLEANUP(cleanup_free) char *ca = NULL;
	struct err err = ERR_INIT;
	struct peer *peer;
	size_t i;

	(void)state;
	assert_non_null(mkdtemp(dir));
	peer_tls_certs(dir);
	(void)snprintf(path, sizeof path, "%s/ca.pem", dir);
	assert_int_equal(file_read(path, 65536, &ca, NULL, &err), 0);
	peer = peer_start_https(dir, STEPS(steps));
	assert_int_equal(call_https(peer, NULL, false, &err), -1);
	assert_int_equal(err.kind, ERR_UNTRUSTED);
	assert_int_equal(call_https(peer, ca, false, &err), 0);
	assert_int_equal(call_https(peer, NULL, true, &err), 0);
	peer_finish(peer);
	peer_tls_free(peer);
	for (i = 0; i < 3; i++) {
		(void)snprintf(path, sizeof path, "%s/%s", dir,
		    (const char *[]){ "ca.pem", "cert.pem", "key.pem" }[i]);
		assert_int_equal(unlink(path), 0);
	}
	assert_int_equal(rmdir(dir), 0);
}

static void
a_connection_that_was_closed_is_made_again(void **state)
{
	static const struct peer_step steps[] = {
		{ .request = "GET /1", .answer = OK("1", "1") },
		{ .request = "GET /2", .answer = OK("1", "2"),
		  .then = PEER_CLOSE },
		{ .request = "GET /3", .answer = OK("1", "3") },
	};
	static const char *const paths[] = { "/1", "/2", "/3" };
	struct err err = ERR_INIT;
	struct peer *peer;
	struct http *http;
	size_t i;

	(void)state;
	peer = peer_start_unix(STEPS(steps));
	http = connect_to(peer);
	for (i = 0; i < 3; i++) {
		struct http_request request = { .method = "GET",
		    .path = paths[i] };
		struct http_response response = HTTP_RESPONSE_INIT;

		assert_int_equal(http_call(http, &request, &response, &err),
		    0);
		http_response_free(&response);
	}
	http_free(http);
	peer_finish(peer);
	peer_free(peer);
}

static void
what_is_not_an_answer_is_a_protocol_error(void **state)
{
	static const struct peer_step steps[] = {
		{ .request = "GET /", .answer = "SSH-2.0-x\r\n",
		  .then = PEER_CLOSE },
		{ .request = "GET /", .then = PEER_CLOSE },
		{ .request = "GET /", .answer = OK("10", "cut"),
		  .then = PEER_CLOSE },
		{ .request = "GET /", .answer = "HTTP/1.1 200 OK\r\n"
		  "Transfer-Encoding: chunked\r\n\r\n5\r\nab",
		  .then = PEER_CLOSE },
		{ .request = "GET /", .answer = "HTTP/1.1 200 OK\r\n"
		  "Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
		  .then = PEER_CLOSE },
		{ .request = "GET /", .answer = OK("-5", ""),
		  .then = PEER_CLOSE },
	};
	const struct http_request request = { .method = "GET", .path = "/" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof steps / sizeof steps[0]; i++)
		assert_int_equal(fails(&steps[i], &request, "unix:///"),
		    ERR_PROTOCOL);
}

static void
a_body_has_a_limit(void **state)
{
	static const struct peer_step known = { .request = "GET /",
	    .answer = OK("11", "01234567890"), .then = PEER_CLOSE };
	static const struct peer_step chunked = { .request = "GET /",
	    .answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "6\r\n012345\r\n5\r\n67890\r\n0\r\n\r\n", .then = PEER_CLOSE };
	static const struct peer_step exact = { .request = "GET /",
	    .answer = OK("10", "0123456789") };
	const struct http_request request = { .method = "GET", .path = "/",
	    .max_body = 10 };
	struct http_response response = HTTP_RESPONSE_INIT;
	struct err err = ERR_INIT;
	struct peer *peer;
	struct http *http;

	(void)state;
	assert_int_equal(fails(&known, &request, "longer than 10 bytes"),
	    ERR_PROTOCOL);
	assert_int_equal(fails(&chunked, &request, "longer than 10 bytes"),
	    ERR_PROTOCOL);
	peer = peer_start_unix(&exact, 1);
	http = connect_to(peer);
	assert_int_equal(http_call(http, &request, &response, &err), 0);
	assert_int_equal(response.body_len, 10);
	http_response_free(&response);
	http_free(http);
	peer_finish(peer);
	peer_free(peer);
}

static void
a_body_may_be_cut_and_an_answer_that_ends_early_not(void **state)
{
	static const struct peer_step steps[] = {
		{ .request = "GET /", .answer = OK("11", "01234567890"),
		  .then = PEER_STALL },
		{ .request = "GET /", .answer = OK("10", "0123456789") },
	};
	static const struct peer_step early = { .request = "GET /",
	    .answer = OK("10", "012"), .then = PEER_CLOSE };
	const struct http_request request = { .method = "GET", .path = "/",
	    .max_body = 10, .cut_body = true };
	struct err err = ERR_INIT;
	struct peer *peer;
	struct http *http;
	size_t i;

	(void)state;
	peer = peer_start_unix(STEPS(steps));
	http = connect_to(peer);
	for (i = 0; i < 2; i++) {
		struct http_response response = HTTP_RESPONSE_INIT;

		assert_int_equal(http_call(http, &request, &response, &err),
		    0);
		assert_string_equal(response.body, "0123456789");
		http_response_free(&response);
	}
	http_free(http);
	peer_finish(peer);
	peer_free(peer);
	assert_int_equal(fails(&early, &request, NULL), ERR_PROTOCOL);
}

static void
a_stalled_answer_is_a_timeout(void **state)
{
	static const struct peer_step nothing = { .request = "GET /",
	    .then = PEER_STALL };
	static const struct peer_step half = { .request = "GET /",
	    .answer = OK("10", "0123"), .then = PEER_STALL };
	const struct http_request request = { .method = "GET", .path = "/",
	    .timeout_s = 0.3 };
	double begun_s = clock_mono_s();

	(void)state;
	assert_int_equal(fails(&nothing, &request, "no answer from"),
	    ERR_TIMEOUT);
	assert_int_equal(fails(&half, &request, "no answer from"),
	    ERR_TIMEOUT);
	assert_true(clock_mono_s() - begun_s < 30);
}

static void
nobody_there_is_unreachable(void **state)
{
	static const struct {
		struct http_endpoint endpoint;
		enum err_kind kind;
		const char *needle;
	} rows[] = {
		{ { .base = "http://localhost", .unix_socket = "/nonexistent",
		  .connect_timeout_s = 1 }, ERR_UNREACHABLE,
		  "'unix:///nonexistent': No such file" },
		{ { .base = "http://127.0.0.1:1", .no_proxy = true,
		  .connect_timeout_s = 1 }, ERR_UNREACHABLE,
		  "'http://127.0.0.1:1'" },
		{ { .base = "http://name.invalid", .no_proxy = true,
		  .connect_timeout_s = 5 }, ERR_UNREACHABLE, "invalid" },
		{ { .base = "file:///etc", .connect_timeout_s = 1 },
		  ERR_PROTOCOL, NULL },
	};
	const struct http_request request = { .method = "GET",
	    .path = "/secret" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct http_response response = HTTP_RESPONSE_INIT;
		struct err err = ERR_INIT;
		struct http *http;

		assert_int_equal(http_new(&rows[i].endpoint, &http, &err), 0);
		assert_int_equal(http_call(http, &request, &response, &err),
		    -1);
		assert_int_equal(err.kind, rows[i].kind);
		if (rows[i].needle != NULL)
			assert_non_null(strstr(err.msg, rows[i].needle));
		assert_null(strstr(err.msg, "secret"));
		http_free(http);
	}
}

static void
proxies_of_the_environment_can_be_ignored(void **state)
{
	static const struct peer_step steps[] = {
		{ .request = "GET /x", .answer = OK("0", "") },
		{ .request = "GET http://127.0.0.2:9/x",
		  .answer = OK("0", "") },
	};
	const struct http_request request = { .method = "GET", .path = "/x" };
	char url[64];
	struct http_endpoint endpoint = { .base = url, .no_proxy = true,
	    .connect_timeout_s = 2 };
	struct err err = ERR_INIT;
	struct peer *peer;
	size_t i;

	(void)state;
	peer = peer_start_tcp(STEPS(steps));
	(void)snprintf(url, sizeof url, "http://127.0.0.1:%d", peer->port);
	assert_int_equal(setenv("http_proxy", url, 1), 0);
	(void)unsetenv("no_proxy");
	(void)unsetenv("NO_PROXY");
	for (i = 0; i < 2; i++) {
		struct http_response response = HTTP_RESPONSE_INIT;
		struct http *http;

		assert_int_equal(http_new(&endpoint, &http, &err), 0);
		assert_int_equal(http_call(http, &request, &response, &err),
		    0);
		http_response_free(&response);
		http_free(http);
		endpoint.base = "http://127.0.0.2:9";
		endpoint.no_proxy = false;
	}
	(void)unsetenv("http_proxy");
	peer_finish(peer);
	peer_free(peer);
}

/* In a child: the flag of a signal is never taken back. Gives its exit
 * status: the kind of error, or 100 if the call did not end in time. */
static int
interrupted_call(const char *socket_path, bool interruptible)
{
	struct http_endpoint endpoint = { .base = "http://localhost",
	    .unix_socket = socket_path, .connect_timeout_s = 2 };
	const struct http_request request = { .method = "GET", .path = "/",
	    .timeout_s = 5, .interruptible = interruptible };
	struct http_response response = HTTP_RESPONSE_INIT;
	struct err err = ERR_INIT;
	struct http *http;
	double begun_s;

	if (intr_install(&err) < 0 || http_new(&endpoint, &http, &err) < 0)
		return 99;
	if (fork() == 0) {
		(void)usleep(300000);
		(void)kill(getppid(), SIGTERM);
		_exit(0);
	}
	begun_s = clock_mono_s();
	if (http_call(http, &request, &response, &err) == 0) {
		http_response_free(&response);
		http_free(http);
		return intr_signal() == SIGTERM ? 0 : 98;
	}
	http_free(http);
	return clock_mono_s() - begun_s < 0.6 ? (int)err.kind : 100;
}

static int
in_child(const struct peer *peer, bool interruptible)
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(interrupted_call(peer->socket_path, interruptible));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
a_signal_ends_an_interruptible_call_only(void **state)
{
	static const struct peer_step stalls = { .request = "GET /",
	    .then = PEER_STALL };
	static const struct peer_step late = { .request = "GET /",
	    .delay_s = 0.8, .answer = OK("0", ""), .then = PEER_CLOSE };
	struct peer *peer;

	(void)state;
	peer = peer_start_unix(&stalls, 1);
	assert_int_equal(in_child(peer, true), ERR_INTERRUPTED);
	peer_finish(peer);
	peer_free(peer);
	peer = peer_start_unix(&late, 1);
	assert_int_equal(in_child(peer, false), 0);
	peer_finish(peer);
	peer_free(peer);
}

static void
escapes_all_but_unreserved_characters(void **state)
{
	static const char *const rows[][2] = {
		{ "", "" }, { "abc-1.2_3~", "abc-1.2_3~" },
		{ "a/b ?&+%", "a%2Fb%20%3F%26%2B%25" },
		{ "\xc3\xa4", "%C3%A4" },
	};
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char *text = NULL;

		assert_int_equal(http_escape(rows[i][0], &text, &err), 0);
		assert_string_equal(text, rows[i][1]);
		free(text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_gives_status_body_and_headers),
		cmocka_unit_test(headers_are_a_map_with_bounds),
		cmocka_unit_test(bodies_go_through_callbacks),
		cmocka_unit_test(a_body_of_unknown_length_goes_in_chunks),
		cmocka_unit_test(
		    a_callback_that_fails_ends_the_call_with_its_error),
		cmocka_unit_test(a_stall_ends_a_call_and_slowness_does_not),
		cmocka_unit_test(sending_can_be_slowed_down),
		cmocka_unit_test(requests_are_signed_for_aws),
		cmocka_unit_test(roots_of_ours_are_beside_the_systems),
		cmocka_unit_test(a_connection_that_was_closed_is_made_again),
		cmocka_unit_test(what_is_not_an_answer_is_a_protocol_error),
		cmocka_unit_test(a_body_has_a_limit),
		cmocka_unit_test(
		    a_body_may_be_cut_and_an_answer_that_ends_early_not),
		cmocka_unit_test(a_stalled_answer_is_a_timeout),
		cmocka_unit_test(nobody_there_is_unreachable),
		cmocka_unit_test(proxies_of_the_environment_can_be_ignored),
		cmocka_unit_test(a_signal_ends_an_interruptible_call_only),
		cmocka_unit_test(escapes_all_but_unreserved_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
