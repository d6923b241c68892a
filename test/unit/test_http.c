#define _GNU_SOURCE
#include "lib/base/http.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clock.h"
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
a_call_gives_status_body_and_version(void **state)
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
		const char *version;
	} calls[] = {
		{ { .method = "GET", .path = "/a/../b?x=%2f" }, 200, "hello",
		  "1.41" },
		{ { .method = "POST", .path = "/empty" }, 204, "", "" },
		{ { .method = "POST", .path = "/body", .body = "{\"a\":1}",
		  .body_len = 7, .timeout_s = 5, .interruptible = true }, 500,
		  "no", "" },
		{ { .method = "PUT", .path = "/type", .body = "xyz",
		  .body_len = 1, .content_type = "text/plain" }, 200, "", "" },
		{ { .method = "DELETE", .path = "/gone" }, 301, "", "" },
		{ { .method = "HEAD", .path = "/head" }, 200, "", "" },
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
		assert_string_equal(response.api_version, calls[i].version);
		http_response_free(&response);
		http_response_free(&response);
	}
	http_free(http);
	peer_finish(peer);
	peer_free(peer);
}

static void
a_version_that_does_not_fit_is_none(void **state)
{
	static const struct peer_step steps[] = {
		{ .request = "GET /", .answer = PEER_ANSWER("200 OK",
		  "Api-Version: 1.4111111111111111\r\n", "0", "") },
		{ .request = "GET /", .answer = PEER_ANSWER("200 OK",
		  "Api-Version: 0123456789012345678901234567890123456789"
		  "0123456789012345678901234567890123456789\r\n", "0", "") },
		{ .request = "GET /", .answer = PEER_ANSWER("200 OK",
		  "Api-Version:\r\n", "0", "") },
	};
	const struct http_request request = { .method = "GET", .path = "/" };
	struct err err = ERR_INIT;
	struct peer *peer;
	struct http *http;
	size_t i;

	(void)state;
	peer = peer_start_unix(STEPS(steps));
	http = connect_to(peer);
	for (i = 0; i < 3; i++) {
		struct http_response response = HTTP_RESPONSE_INIT;

		assert_int_equal(http_call(http, &request, &response, &err),
		    0);
		assert_string_equal(response.api_version, "");
		http_response_free(&response);
	}
	http_free(http);
	peer_finish(peer);
	peer_free(peer);
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
	assert_true(clock_mono_s() - begun_s < 2);
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
		cmocka_unit_test(a_call_gives_status_body_and_version),
		cmocka_unit_test(a_version_that_does_not_fit_is_none),
		cmocka_unit_test(a_connection_that_was_closed_is_made_again),
		cmocka_unit_test(what_is_not_an_answer_is_a_protocol_error),
		cmocka_unit_test(a_body_has_a_limit),
		cmocka_unit_test(a_stalled_answer_is_a_timeout),
		cmocka_unit_test(nobody_there_is_unreachable),
		cmocka_unit_test(proxies_of_the_environment_can_be_ignored),
		cmocka_unit_test(a_signal_ends_an_interruptible_call_only),
		cmocka_unit_test(escapes_all_but_unreserved_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
