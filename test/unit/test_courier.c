/*
 * No pause is slept: the sleeper is the test's own, and puts the clock ahead.
 * Each URL has the word "hidden" where its secrets are: no error shows it.
 */
#define _GNU_SOURCE
#include "lib/report/courier.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/intr.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "test/unit/peer.h"

#define N(array) (sizeof (array) / sizeof (array)[0])
#define ASK "POST /hidden?hidden=1"
#define OK PEER_ANSWER("200 OK", "", "2", "ok")
#define BUSY(headers) PEER_ANSWER("503 Busy", headers, "4", "busy")
#define TO(status, where) PEER_ANSWER(status " Moved", "Location: " where \
	"\r\n", "0", "")
#define NOW 1000000000	/* Sun, 09 Sep 2001 01:46:40 GMT */

static struct str pauses = STR_INIT;	/* "1 3 9 " */
static double ahead_s;
static int signal_number;
static int asked, signal_at, leap_at;	/* calls of intr_signal; 0: never */
static bool sleep_wakes;		/* by a signal */

bool __wrap_intr_sleep(double seconds);
int __wrap_intr_signal(void);
double __wrap_clock_mono_s(void);
double __real_clock_mono_s(void);
time_t __wrap_clock_now(void);

bool
__wrap_intr_sleep(double seconds)
{
	str_addf(&pauses, "%g ", seconds);
	if (sleep_wakes)
		signal_number = SIGTERM;
	if (signal_number == 0)
		ahead_s += seconds;
	return signal_number != 0;
}

int
__wrap_intr_signal(void)
{
	asked++;
	if (asked == signal_at)
		signal_number = SIGTERM;
	if (asked == leap_at)
		ahead_s += INTR_AFTER_S;
	return signal_number;
}

double
__wrap_clock_mono_s(void)
{
	return __real_clock_mono_s() + ahead_s;
}

time_t
__wrap_clock_now(void)
{
	return NOW;
}

static int
reset(void **state)
{
	(void)state;
	str_free(&pauses);
	str_add(&pauses, "");
	ahead_s = 0;
	signal_number = asked = signal_at = leap_at = 0;
	sleep_wakes = false;
	return 0;
}

static int
forget(void **state)
{
	(void)state;
	str_free(&pauses);
	return 0;
}

static struct courier
courier_for(double seconds)
{
	return (struct courier){ .until_s = clock_mono_s() + seconds };
}

static int
bring(struct courier *courier, const struct letter *letter, const char *scheme,
    int port, struct http_response *ret, struct err *err)
{
	CLEANUP(cleanup_free) char *url = NULL;
	struct letter addressed = *letter;
	int rc;

	assert_int_equal(str_format(&url, err, "%s://127.0.0.1:%d%s", scheme,
	    port, letter->url), 0);
	addressed.url = url;
	rc = courier_send(courier, &addressed, ret, err);
	if (rc < 0) {
		assert_null(strstr(err->msg, "hidden"));
		assert_null(ret->body);
	}
	return rc;
}

static const struct letter usual = { .url = "/hidden?hidden=1",
    .body = "text", .body_len = 4, .content_type = "text/plain" };

/* A letter to a peer of these steps: the status of the answer, or -1. */
static long
status_of(const struct peer_step *steps, size_t n,
    const struct letter *letter, double seconds, struct err *err)
{
	CLEANUP(http_response_free) struct http_response answer =
	    HTTP_RESPONSE_INIT;
	struct courier courier = courier_for(seconds);
	struct peer *peer = peer_start_tcp(steps, n);
	int rc;

	rc = bring(&courier, letter, "http", peer->port, &answer, err);
	peer_finish(peer);
	peer_free(peer);
	return rc < 0 ? -1 : answer.status;
}

static void
a_letter_is_brought_as_it_is(void **state)
{
	static const struct peer_step steps[] = {
		{ .request = ASK, .body = "text",
		  .header = "Content-Type: text/plain",
		  .no_header = "Authorization", .answer = OK },
		{ .request = "PUT /hidden", .body = "",
		  .header = "X-Name: a b\tc", .answer =
		  PEER_ANSWER("404 Not Found", "X-Why: no\r\n", "2", "no") },
		{ .request = "GET /", .answer = PEER_ANSWER("304 Same",
		  "Location: /x\r\n", "0", "") },
		{ .request = "GET /?q=1", .answer = OK },
		{ .request = "GET /a%20b/%C3%A4?x=%20%2f", .answer = OK },
	};
	static const char *const headers[] = { "X-Name: a b\tc", NULL };
	static const struct {
		struct letter letter;
		long status;
	} letters[] = {
		{ { .url = "/hidden?hidden=1", .body = "text", .body_len = 4,
		    .content_type = "text/plain" }, 200 },
		{ { .method = "PUT", .url = "/hidden", .headers = headers,
		    .body = "" }, 404 },
		{ { .method = "GET", .url = "" }, 304 },
		{ { .method = "GET", .url = "?q=1#fragment" }, 200 },
		{ { .method = "GET", .url = "/a b/\xc3\xa4?x= %2f#f" }, 200 },
	};
	struct courier courier = courier_for(10);
	struct err err = ERR_INIT;
	struct peer *peer;
	size_t i;

	(void)state;
	peer = peer_start_tcp(STEPS(steps));
	for (i = 0; i < N(letters); i++) {
		CLEANUP(http_response_free) struct http_response answer =
		    HTTP_RESPONSE_INIT;

		if (bring(&courier, &letters[i].letter, "http", peer->port,
		    &answer, &err) < 0)
			fail_msg("%s", err.msg);
		assert_int_equal(answer.status, letters[i].status);
	}
	assert_string_equal(pauses.s, "");
	peer_finish(peer);
	peer_free(peer);
}

static void
basic_authentication_is_exact(void **state)
{
	static const struct {
		struct letter letter;
		const char *in_url;
		const char *header;
	} cases[] = {
		{ { .user = "Aladdin", .password = "open sesame" }, "",
		  "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==" },
		{ { .user = "u" }, "", "Authorization: Basic dTo=" },
		{ { .user = "", .password = "tk_x" }, "",
		  "Authorization: Basic OnRrX3g=" },
		{ { .user = "\xc3\xa4", .password = "\xff:" }, "",
		  "Authorization: Basic w6Q6/zo=" },
		/* of the URL, decoded; the letter's own goes first */
		{ { .user = NULL }, "hidden:p%40ss@",
		  "Authorization: Basic aGlkZGVuOnBAc3M=" },
		{ { .user = "u" }, "hidden:hidden@",
		  "Authorization: Basic dTo=" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++) {
		CLEANUP(http_response_free) struct http_response answer =
		    HTTP_RESPONSE_INIT;
		CLEANUP(cleanup_free) char *url = NULL;
		const struct peer_step step = { .request = "POST /",
		    .header = cases[i].header, .answer = OK };
		struct courier courier = courier_for(10);
		struct letter letter = cases[i].letter;
		struct err err = ERR_INIT;
		struct peer *peer = peer_start_tcp(&step, 1);

		assert_int_equal(str_format(&url, &err, "HTTP://%s127.0.0.1:%d"
		    , cases[i].in_url, peer->port), 0);
		letter.url = url;
		assert_int_equal(courier_send(&courier, &letter, &answer,
		    &err), 0);
		peer_finish(peer);
		peer_free(peer);
	}
}

static void
what_may_pass_is_tried_again(void **state)
{
	static const struct peer_step busy[] = {
		{ .request = ASK, .body = "text", .answer = BUSY("") },
		{ .request = ASK, .body = "text",
		  .answer = PEER_ANSWER("429 Slow", "", "0", "") },
		{ .request = ASK, .body = "text", .answer =
		  "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut",
		  .then = PEER_CLOSE },
		{ .request = ASK, .body = "text",
		  .header = "Content-Type: text/plain", .answer = OK },
	};
	static const struct peer_step silent[] = {
		{ .request = ASK, .body = "text", .then = PEER_CLOSE },
		{ .request = ASK, .body = "text", .answer = OK },
	};
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(status_of(STEPS(busy), &usual, 60, &err), 200);
	assert_string_equal(pauses.s, "1 3 9 ");
	reset(NULL);
	assert_int_equal(status_of(STEPS(silent), &usual, 60, &err), 200);
	assert_string_equal(pauses.s, "1 ");
}

static void
the_last_answer_counts_after_four(void **state)
{
	static const struct peer_step busy[] = {
		{ .request = ASK, .body = "text", .answer = BUSY("") },
		{ .request = ASK, .body = "text", .answer = BUSY("") },
		{ .request = ASK, .body = "text", .then = PEER_CLOSE },
		{ .request = ASK, .body = "text", .answer =
		  PEER_ANSWER("500 No", "", "2", "no") },
	};
	static const struct peer_step gone[] = {
		{ .request = ASK, .body = "text", .answer = BUSY("") },
		{ .request = ASK, .body = "text", .then = PEER_CLOSE },
		{ .request = ASK, .body = "text", .then = PEER_CLOSE },
		{ .request = ASK, .body = "text", .answer = "SSH-2.0\r\n",
		  .then = PEER_CLOSE },
	};
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(status_of(STEPS(busy), &usual, 60, &err), 500);
	assert_string_equal(pauses.s, "1 3 9 ");
	assert_int_equal(status_of(STEPS(gone), &usual, 60, &err), -1);
	assert_int_equal(err.kind, ERR_PROTOCOL);
}

static void
a_server_says_when_to_come_again(void **state)
{
	static const struct {
		const char *answer;
		const char *pause;
	} cases[] = {
		{ BUSY("Retry-After: 20\r\n"), "20 " },
		{ BUSY("Retry-After: 2.5\r\n"), "2.5 " },
		/* no sooner than without it */
		{ BUSY("Retry-After: 0\r\n"), "1 " },
		{ BUSY("Retry-After: 0.3\r\n"), "1 " },
		{ BUSY("Retry-After: -5\r\n"), "1 " },
		{ BUSY("Retry-After: soon\r\n"), "1 " },
		{ BUSY("Retry-After: \r\n"), "1 " },
		{ BUSY("Retry-After: nan\r\n"), "1 " },
		{ BUSY("Retry-After: .\r\n"), "1 " },
		{ BUSY("Retry-After: Sun, 09 Sep 2001 01:46:52 GMT\r\n"),
		  "12 " },
		{ BUSY("Retry-After: Sun, 09 Sep 2001 01:46:00 GMT\r\n"),
		  "1 " },
		{ BUSY("Retry-After: Sun, 09 Sep 2001 01:46:52 CET\r\n"),
		  "1 " },
		/* by the server's own clock */
		{ BUSY("Date: Mon, 10 Sep 2001 00:00:00 GMT\r\n"
		  "Retry-After: Mon, 10 Sep 2001 00:00:07 GMT\r\n"), "7 " },
		{ PEER_ANSWER("429 Slow", "Retry-After: 3\r\n", "0", ""),
		  "3 " },
	};
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++) {
		const struct peer_step steps[] = {
			{ .request = ASK, .body = "text",
			  .answer = cases[i].answer },
			{ .request = ASK, .body = "text", .answer = OK },
		};

		reset(NULL);
		assert_int_equal(status_of(STEPS(steps), &usual, 60, &err),
		    200);
		assert_string_equal(pauses.s, cases[i].pause);
	}
}

static void
what_there_is_no_time_for_is_not_waited_for(void **state)
{
	static const struct peer_step steps[] = {
		{ .request = ASK, .body = "text",
		  .answer = BUSY("Retry-After: 3600\r\n") },
		{ .request = ASK, .body = "text", .answer = BUSY(
		  "Retry-After: 99999999999999999999999999999999999\r\n") },
		{ .request = ASK, .body = "text", .answer =
		  BUSY("Retry-After: Fri, 31 Dec 9999 23:59:59 GMT\r\n") },
	};
	static const struct peer_step two[] = {
		{ .request = ASK, .body = "text", .answer = BUSY("") },
		{ .request = ASK, .body = "text", .answer = BUSY("") },
	};
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < N(steps); i++)
		assert_int_equal(status_of(&steps[i], 1, &usual, 60, &err),
		    503);
	assert_string_equal(pauses.s, "");
	/* one second passes, three more would be too many */
	assert_int_equal(status_of(STEPS(two), &usual, 3.5, &err), 503);
	assert_string_equal(pauses.s, "1 ");
}

static void
nothing_is_sent_when_the_time_is_up(void **state)
{
	static const struct peer_step none = { .request = ASK };
	struct courier courier = courier_for(-1);
	struct err err = ERR_INIT;

	(void)state;
	assert_true(courier_left_s(&courier) == 0);
	assert_int_equal(status_of(&none, 0, &usual, -1, &err), -1);
	assert_int_equal(err.kind, ERR_TIMEOUT);
	assert_non_null(strstr(err.msg, "no time left"));
	assert_string_equal(pauses.s, "");
}

static void
a_silent_server_has_the_time_that_is_left(void **state)
{
	static const struct peer_step stalls = { .request = ASK,
	    .body = "text", .then = PEER_STALL };
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(status_of(&stalls, 1, &usual, 0.7, &err), -1);
	assert_int_equal(err.kind, ERR_TIMEOUT);
	assert_string_equal(pauses.s, "");
}

static void
a_signal_makes_time_short_and_ends_no_request(void **state)
{
	static const struct peer_step late[] = {
		{ .request = ASK, .body = "text", .answer = OK,
		  .delay_s = 0.3 },
	};
	static const struct peer_step stalls = { .request = ASK,
	    .body = "text", .then = PEER_STALL };
	struct err err = ERR_INIT;

	(void)state;
	signal_at = 2;
	assert_int_equal(status_of(STEPS(late), &usual, 60, &err), 200);
	assert_int_equal(signal_number, SIGTERM);
	reset(NULL);
	signal_at = 2;
	leap_at = 4;
	assert_int_equal(status_of(&stalls, 1, &usual, 60, &err), -1);
	assert_int_equal(err.kind, ERR_TIMEOUT);
	assert_non_null(strstr(err.msg, "no time left"));
}

static void
a_signal_is_counted_once(void **state)
{
	struct courier courier = courier_for(60), soon = courier_for(2), copy;

	(void)state;
	assert_true(courier_left_s(&courier) > 50);
	signal_number = SIGINT;
	assert_true(courier_left_s(&courier) <= INTR_AFTER_S);
	assert_true(courier_left_s(&soon) <= 2);
	ahead_s += INTR_AFTER_S - 1;
	copy = courier;
	assert_true(courier_left_s(&copy) <= 1);
	assert_true(courier_left_s(&courier) <= 1);
	assert_true(courier_left_s(&courier) > 0);
	ahead_s += 1;
	assert_true(courier_left_s(&courier) == 0);
}

static void
a_pause_ends_at_a_signal_and_one_more_try_is_the_last(void **state)
{
	static const struct peer_step two[] = {
		{ .request = ASK, .body = "text",
		  .answer = BUSY("Retry-After: 20\r\n") },
		{ .request = ASK, .body = "text", .answer = BUSY("") },
	};
	struct err err = ERR_INIT;

	(void)state;
	sleep_wakes = true;
	assert_int_equal(status_of(STEPS(two), &usual, 60, &err), 503);
	assert_string_equal(pauses.s, "20 ");
}

static void
who_is_not_there_is_tried_four_times(void **state)
{
	CLEANUP(http_response_free) struct http_response answer =
	    HTTP_RESPONSE_INIT;
	static const struct peer_step none = { .request = ASK };
	struct courier courier = courier_for(60);
	struct peer *peer = peer_start_tcp(&none, 0);
	struct err err = ERR_INIT;
	const int port = peer->port;

	(void)state;
	peer_finish(peer);	/* nobody listens there any more */
	peer_free(peer);
	assert_int_equal(bring(&courier, &usual, "http", port, &answer, &err),
	    -1);
	assert_int_equal(err.kind, ERR_UNREACHABLE);
	assert_non_null(strstr(err.msg, "http://127.0.0.1:"));
	assert_string_equal(pauses.s, "1 3 9 ");
}

static void
a_redirect_on_the_same_host_is_followed(void **state)
{
#define STEP(path, then) { .request = "PUT " path, .body = "text",	\
	.header = "Authorization: Basic dTpw", .answer = then }
	static const struct peer_step steps[] = {
		STEP("/hidden?hidden=1", TO("301", "/b/c?d#e")),
		STEP("/b/c?d", TO("302", "e/f?g=/h")),
		STEP("/b/e/f?g=/h", TO("303", "?i j")),
		STEP("/b/e/f?i%20j", TO("307", "")),
		STEP("/b/e/f?i%20j", TO("308", "k:8/")),
	};
	const struct letter letter = { .method = "PUT",
	    .url = "/hidden?hidden=1", .body = "text", .body_len = 4,
	    .user = "u", .password = "p" };
	struct err err = ERR_INIT;

	(void)state;
	/* the fifth one is a scheme that is none of ours */
	assert_int_equal(status_of(STEPS(steps), &letter, 60, &err), -1);
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_non_null(strstr(err.msg, "redirects to what is no URL"));
	assert_string_equal(pauses.s, "");
}

/* The port is known only when it listens: its steps come from here. */
static char located[3][128];

static void
redirect_to(char room[sizeof located[0]], const char *scheme, int port,
    const char *path)
{
	(void)snprintf(room, sizeof located[0], "HTTP/1.1 307 Moved\r\n"
	    "Location: %s//127.0.0.1:%d%s\r\nContent-Length: 0\r\n\r\n",
	    scheme, port, path);
}

static void
a_try_after_a_redirect_begins_at_its_start(void **state)
{
	static struct peer_step steps[] = {
		{ .request = ASK, .body = "text", .answer = located[0] },
		{ .request = "POST /b", .body = "text", .answer = BUSY("") },
		{ .request = ASK, .body = "text", .answer = located[1] },
		{ .request = "POST /c", .body = "text", .answer = OK },
	};
	CLEANUP(http_response_free) struct http_response answer =
	    HTTP_RESPONSE_INIT;
	struct courier courier = courier_for(60);
	struct err err = ERR_INIT;
	struct peer *peer = peer_start_tcp(STEPS(steps));

	(void)state;
	redirect_to(located[0], "http:", peer->port, "/b#hidden");
	redirect_to(located[1], "", peer->port, "/c");
	assert_int_equal(bring(&courier, &usual, "http", peer->port, &answer,
	    &err), 0);
	assert_int_equal(answer.status, 200);
	assert_string_equal(answer.body, "ok");
	peer_finish(peer);
	peer_free(peer);
}

static void
a_redirect_elsewhere_is_refused_and_named(void **state)
{
	static const struct {
		const char *location;
		const char *message;
	} cases[] = {
		{ TO("302", "http://other.example/hidden?hidden"),
		  "redirects to 'http://other.example', which is another "
		  "host" },
		{ TO("307", "https://hidden:hidden@other.example:8/hidden"),
		  "redirects to 'https://other.example:8', which is another" },
		{ TO("301", "//other.example"),
		  "redirects to 'http://other.example', which is another" },
		{ TO("308", "http://127.0.0.1:1/hidden"),
		  "redirects to 'http://127.0.0.1:1', which is another port" },
		{ TO("302", "http://127.0.0.1/hidden"),
		  "redirects to 'http://127.0.0.1', which is another port" },
		{ TO("302", "http://127.0.0.1@other.example/"),
		  "redirects to 'http://other.example'" },
		{ TO("302", "ftp://127.0.0.1/hidden"), "no URL of HTTP" },
		{ TO("302", "javascript:hidden"), "no URL of HTTP" },
		{ TO("302", "http:///hidden"), "no URL of HTTP" },
		{ TO("302", "http://127.0.0.1:hidden/"), "no URL of HTTP" },
		/* what some take for a slash is none */
		{ TO("302", "http://other.example\\@127.0.0.1/"),
		  "redirects to 'http://127.0.0.1', which is another port" },
		{ TO("302", "http://127.0.0.1\\hidden.example/"),
		  "no URL of HTTP" },
		{ PEER_ANSWER("302 Moved", "", "0", ""),
		  "does not say where to" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++) {
		const struct peer_step step = { .request = ASK,
		    .body = "text", .answer = cases[i].location };
		struct err err = ERR_INIT;

		assert_int_equal(status_of(&step, 1, &usual, 60, &err), -1);
		assert_int_equal(err.kind, ERR_REFUSED);
		if (strstr(err.msg, cases[i].message) == NULL)
			fail_msg("no '%s' in '%s'", cases[i].message, err.msg);
	}
	assert_string_equal(pauses.s, "");
}

static void
a_loop_of_redirects_ends(void **state)
{
	static const struct peer_step again = { .request = ASK,
	    .body = "text", .answer = TO("302", "/hidden?hidden=1") };
	static struct peer_step steps[6];
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < N(steps); i++)
		steps[i] = again;
	assert_int_equal(status_of(STEPS(steps), &usual, 60, &err), -1);
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_non_null(strstr(err.msg, "redirects more than 5 times"));
	steps[5].answer = OK;	/* five are not too many */
	assert_int_equal(status_of(STEPS(steps), &usual, 60, &err), 200);
}

static void
the_start_of_a_long_answer_is_enough(void **state)
{
	static const char *const lengths[] = {
		"Content-Length: 300000\r\n", ""
	};
	static const char *const statuses[] = { "200 OK", "404 No" };
	CLEANUP(cleanup_free) char *page = malloc(300001);
	size_t i;

	(void)state;
	assert_non_null(page);
	memset(page, 'x', 300000);
	page[300000] = '\0';
	for (i = 0; i < 4; i++) {
		CLEANUP(http_response_free) struct http_response answer =
		    HTTP_RESPONSE_INIT;
		CLEANUP(str_free) struct str text = STR_INIT;
		struct peer_step step = { .request = ASK, .body = "text",
		    .then = PEER_CLOSE };
		struct courier courier = courier_for(60);
		struct err err = ERR_INIT;
		struct peer *peer;

		str_addf(&text, "HTTP/1.1 %s\r\n%s\r\n%s", statuses[i / 2],
		    lengths[i % 2], page);
		step.answer = text.s;
		peer = peer_start_tcp(&step, 1);
		assert_int_equal(bring(&courier, &usual, "http", peer->port,
		    &answer, &err), 0);
		assert_int_equal(answer.status, i / 2 == 0 ? 200 : 404);
		assert_int_equal(answer.body_len, COURIER_ANSWER_BYTES);
		assert_int_equal(strspn(answer.body, "x"),
		    COURIER_ANSWER_BYTES);
		peer_finish(peer);
		peer_free(peer);
	}
}

static void
what_cannot_be_sent_is_refused(void **state)
{
	static const char *const headers[] = { "A: b", "X: a\r\nhidden: b",
		NULL };
	static const struct {
		struct letter letter;
		const char *message;
	} cases[] = {
		{ { .url = "" }, "the URL does not begin with http://" },
		{ { .url = "hidden" }, "the URL does not begin with http://" },
		{ { .url = "ftp://hidden/" }, "the URL does not begin with" },
		{ { .url = "http+x://hidden/" }, "the URL does not begin" },
		{ { .url = "http:///hidden" }, "the URL has no host" },
		{ { .url = "http://?hidden" }, "the URL has no host" },
		{ { .url = "http://hidden@" }, "the URL has no host" },
		{ { .url = "http://u:hidden@h:x/" }, "the URL has no host" },
		{ { .url = "http://hidden%/" }, "the URL has no host" },
		{ { .url = "http://hid den/" }, "the URL has a blank" },
		{ { .url = "http://127.0.0.1:1/", .method = "GET hidden" },
		  "the method of a request" },
		{ { .url = "http://127.0.0.1:1/", .method = "" },
		  "the method of a request" },
		{ { .url = "http://127.0.0.1:1/", .headers = headers },
		  "a header cannot be sent" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++) {
		struct http_response answer = HTTP_RESPONSE_INIT;
		struct courier courier = courier_for(60);
		struct err err = ERR_INIT;

		assert_int_equal(courier_send(&courier, &cases[i].letter,
		    &answer, &err), -1);
		assert_int_equal(err.kind, ERR_CONFIG);
		if (strstr(err.msg, cases[i].message) == NULL)
			fail_msg("no '%s' in '%s'", cases[i].message, err.msg);
		assert_null(strstr(err.msg, "hidden"));
		assert_null(answer.body);
	}
	assert_string_equal(pauses.s, "");
}

static void
a_proxy_of_the_environment_is_used(void **state)
{
	static const struct peer_step step = {
		.request = "POST http://service.example/x", .body = "text",
		.answer = OK
	};
	CLEANUP(http_response_free) struct http_response answer =
	    HTTP_RESPONSE_INIT;
	struct courier courier = courier_for(60);
	struct letter letter = usual;
	struct err err = ERR_INIT;
	struct peer *peer = peer_start_tcp(&step, 1);
	char proxy[64];

	(void)state;
	(void)snprintf(proxy, sizeof proxy, "http://127.0.0.1:%d", peer->port);
	assert_int_equal(setenv("http_proxy", proxy, 1), 0);
	letter.url = "http://service.example/x";
	assert_int_equal(courier_send(&courier, &letter, &answer, &err), 0);
	assert_int_equal(unsetenv("http_proxy"), 0);
	peer_finish(peer);
	peer_free(peer);
}

struct certs {
	char dir[32];
	char *ca;
};

static void
certs_make(struct certs *ret)
{
	struct err err = ERR_INIT;
	char path[64];

	*ret = (struct certs){ .dir = "/tmp/vbackup-courier.XXXXXX" };
	assert_non_null(mkdtemp(ret->dir));
	peer_tls_certs(ret->dir);
	(void)snprintf(path, sizeof path, "%s/ca.pem", ret->dir);
	assert_int_equal(file_read(path, 65536, &ret->ca, NULL, &err), 0);
}

static void
certs_remove(struct certs *certs)
{
	static const char *const names[] = { "ca.pem", "cert.pem",
		"key.pem" };
	char path[64];
	size_t i;

	for (i = 0; i < N(names); i++) {
		(void)snprintf(path, sizeof path, "%s/%s", certs->dir,
		    names[i]);
		assert_int_equal(unlink(path), 0);
	}
	assert_int_equal(rmdir(certs->dir), 0);
	free(certs->ca);
}

static void
a_certificate_must_be_trusted_unless_said_otherwise(void **state)
{
	static const struct peer_step steps[] = {
		{ .request = ASK, .body = "text", .answer = OK },
		{ .request = ASK, .body = "text", .answer = OK },
	};
	struct courier courier = courier_for(60);
	struct letter letter = usual;
	struct err err = ERR_INIT;
	struct certs certs;
	struct peer *peer;
	size_t i;

	(void)state;
	certs_make(&certs);
	peer = peer_start_https(certs.dir, STEPS(steps));
	for (i = 0; i < 3; i++) {
		CLEANUP(http_response_free) struct http_response answer =
		    HTTP_RESPONSE_INIT;

		courier.ca_more = i == 1 ? certs.ca : NULL;
		letter.insecure = i == 2;
		assert_int_equal(bring(&courier, &letter, "https", peer->port,
		    &answer, &err), i == 0 ? -1 : 0);
		assert_int_equal(answer.status, i == 0 ? 0 : 200);
	}
	assert_int_equal(err.kind, ERR_UNTRUSTED);
	assert_string_equal(pauses.s, "");	/* it was not tried again */
	peer_finish(peer);
	peer_tls_free(peer);
	certs_remove(&certs);
}

static void
a_redirect_may_begin_to_encrypt_and_not_cease(void **state)
{
	static const struct peer_step tls[] = {
		{ .request = "POST /hidden", .body = "text", .answer = OK },
		{ .request = ASK, .body = "text",
		  .answer = TO("302", "http://127.0.0.1:1/hidden") },
	};
	static const struct peer_step plain = { .request = ASK,
	    .body = "text", .answer = located[2] };
	CLEANUP(http_response_free) struct http_response answer =
	    HTTP_RESPONSE_INIT;
	struct http_response none = HTTP_RESPONSE_INIT;
	struct courier courier = courier_for(60);
	struct err err = ERR_INIT;
	struct certs certs;
	struct peer *peer, *other;

	(void)state;
	certs_make(&certs);
	courier.ca_more = certs.ca;
	peer = peer_start_https(certs.dir, STEPS(tls));
	other = peer_start_tcp(&plain, 1);
	redirect_to(located[2], "https:", peer->port, "/hidden");
	assert_int_equal(bring(&courier, &usual, "http", other->port, &answer,
	    &err), 0);
	assert_int_equal(answer.status, 200);
	peer_finish(other);
	peer_free(other);
	assert_int_equal(bring(&courier, &usual, "https", peer->port, &none,
	    &err), -1);
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_non_null(strstr(err.msg, "which is not encrypted"));
	peer_finish(peer);
	peer_tls_free(peer);
	certs_remove(&certs);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, reset, forget)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_letter_is_brought_as_it_is),
		TEST(basic_authentication_is_exact),
		TEST(what_may_pass_is_tried_again),
		TEST(the_last_answer_counts_after_four),
		TEST(a_server_says_when_to_come_again),
		TEST(what_there_is_no_time_for_is_not_waited_for),
		TEST(nothing_is_sent_when_the_time_is_up),
		TEST(a_silent_server_has_the_time_that_is_left),
		TEST(a_signal_makes_time_short_and_ends_no_request),
		TEST(a_signal_is_counted_once),
		TEST(a_pause_ends_at_a_signal_and_one_more_try_is_the_last),
		TEST(who_is_not_there_is_tried_four_times),
		TEST(a_redirect_on_the_same_host_is_followed),
		TEST(a_try_after_a_redirect_begins_at_its_start),
		TEST(a_redirect_elsewhere_is_refused_and_named),
		TEST(a_loop_of_redirects_ends),
		TEST(the_start_of_a_long_answer_is_enough),
		TEST(what_cannot_be_sent_is_refused),
		TEST(a_proxy_of_the_environment_is_used),
		TEST(a_certificate_must_be_trusted_unless_said_otherwise),
		TEST(a_redirect_may_begin_to_encrypt_and_not_cease),
	};
	static const char *const proxies[] = { "http_proxy", "https_proxy",
		"HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy",
		"NO_PROXY" };
	size_t i;

	for (i = 0; i < N(proxies); i++)
		(void)unsetenv(proxies[i]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
