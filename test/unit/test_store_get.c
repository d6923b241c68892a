/* store_get: of a directory, and of a scripted S3 server. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "lib/store/s3_store.h"
#include "test/unit/s3_script.h"
#include "test/unit/scratch.h"

#define ETAG "ETag: \"e1\"\r\n"
#define HEAD_10 { .request = "HEAD /b/p/a",				\
	SAYS("200 OK", ETAG, "10", "") }
/* Answers of ranges of that object. */
#define RANGE(range, length, body)					\
	SAYS("206 Partial Content", ETAG "Content-Range: bytes " range	\
	"/10\r\n", length, body)

struct sink {
	struct str text;
	size_t fail_at;		/* bytes; 0: never */
};

static int
take(void *cookie, const void *bytes, size_t n, struct err *err)
{
	struct sink *sink = cookie;

	str_addn(&sink->text, bytes, n);
	if (sink->fail_at != 0 && sink->text.len >= sink->fail_at)
		return err_set(err, ERR_STREAM, "enough");
	return 0;
}

/* --- S3 ------------------------------------------------------------------ */

struct fixture {
	struct peer *peer;
	struct store *store;
	struct sink sink;
	struct err err;
	int rc;
};

/* The object "a", four bytes at a time. */
static void
get(struct fixture *f, const struct peer_step *steps, size_t n)
{
	char host[64];
	struct store_s3_settings settings = { .bucket = "b", .path = "p",
		.endpoint = host, .proto = "http", .access_key = "AK",
		.secret_key = "secret", .retry_s = 3 };

	*f = (struct fixture){ .err = ERR_INIT };
	f->peer = peer_start_tcp(steps, n);
	(void)snprintf(host, sizeof host, "127.0.0.1:%d", f->peer->port);
	assert_int_equal(store_s3_new(&settings, &f->store, &f->err), 0);
	((struct store_s3 *)f->store)->get_bytes = 4;
	f->rc = store_get(f->store, "a", take, &f->sink, &f->err);
	store_free(f->store);
	peer_finish(f->peer);
	peer_free(f->peer);
}

static void
expect_text(struct fixture *f, const char *text)
{
	if (f->rc < 0)
		fail_msg("%s", f->err.msg);
	assert_int_equal(f->sink.text.len, strlen(text));
	assert_memory_equal(f->sink.text.s, text, strlen(text));
	str_free(&f->sink.text);
}

static void
expect_failure(struct fixture *f, enum err_kind kind, const char *needle)
{
	assert_int_equal(f->rc, -1);
	assert_non_null(strstr(f->err.msg, needle));
	assert_int_equal(f->err.kind, kind);
	str_free(&f->sink.text);
}

static void
an_object_comes_range_by_range_all_of_one_etag(void **state)
{
	static const struct peer_step steps[] = {
		HEAD_10,
		{ .request = "GET /b/p/a", .header = "Range: bytes=0-3",
		  RANGE("0-3", "4", "<Err") },
		{ .request = "GET /b/p/a", .header = "Range: bytes=4-7",
		  RANGE("4-7", "4", "4567") },
		{ .request = "GET /b/p/a", .header = "If-Match: \"e1\"",
		  RANGE("8-9", "2", "89") },
	};
	struct fixture f;

	(void)state;
	get(&f, STEPS(steps));
	expect_text(&f, "<Err456789");
}

/* Would be taken for the server's own words, if it were looked at. */
static void
an_object_may_look_like_an_error(void **state)
{
	static const struct peer_step steps[] = {
		{ .request = "HEAD /b/p/a", SAYS("200 OK", ETAG, "3", "") },
		{ .request = "GET /b/p/a", SAYS("200 OK", ETAG, "3", "<E>") },
	};
	struct fixture f;

	(void)state;
	get(&f, STEPS(steps));
	expect_text(&f, "<E>");
}

static void
what_breaks_is_asked_for_again_from_there(void **state)
{
	static const struct peer_step steps[] = {
		HEAD_10,
		{ .request = "GET /b/p/a", .header = "Range: bytes=0-3",
		  RANGE("0-3", "4", "0123") },
		{ .request = "GET /b/p/a", .header = "Range: bytes=4-7",
		  RANGE("4-7", "4", "45") },	/* cut off */
		{ .request = "GET /b/p/a", .header = "Range: bytes=4-7",
		  SAYS_ERROR("503 Slow Down", "36", "SlowDown") },
		{ .request = "GET /b/p/a", .header = "Range: bytes=4-7",
		  .then = PEER_CLOSE },
		{ .request = "GET /b/p/a", .header = "Range: bytes=4-7",
		  RANGE("4-7", "4", "4567") },
		{ .request = "GET /b/p/a", .header = "Range: bytes=8-9",
		  RANGE("8-9", "2", "89") },
	};
	struct fixture f;

	(void)state;
	get(&f, STEPS(steps));
	expect_text(&f, "0123456789");
}

static void
an_empty_object_is_not_asked_for_a_range(void **state)
{
	static const struct peer_step steps[] = {
		{ .request = "HEAD /b/p/a", SAYS("200 OK", ETAG, "0", "") },
	};
	struct fixture f;

	(void)state;
	get(&f, STEPS(steps));
	expect_text(&f, "");
}

static void
a_missing_object_is_not_found(void **state)
{
	static const struct peer_step steps[] = {
		{ .request = "HEAD /b/p/a",
		  SAYS("404 Not Found", "", "0", "") },
	};
	static const struct peer_step later[] = {
		HEAD_10,
		{ .request = "GET /b/p/a",
		  SAYS_ERROR("404 Not Found", "37", "NoSuchKey") },
	};
	struct fixture f;

	(void)state;
	get(&f, STEPS(steps));
	expect_failure(&f, ERR_NOTFOUND, "there is no 'a'");
	get(&f, STEPS(later));
	expect_failure(&f, ERR_NOTFOUND, "removed while it was read");
}

static void
another_object_of_that_name_is_not_mixed_in(void **state)
{
	static const struct peer_step told[] = {
		HEAD_10,
		{ .request = "GET /b/p/a", RANGE("0-3", "4", "0123") },
		{ .request = "GET /b/p/a", SAYS_ERROR(
		  "412 Precondition Failed", "46", "PreconditionFailed") },
	};
	/* A server that does not know If-Match. */
	static const struct peer_step seen[] = {
		HEAD_10,
		{ .request = "GET /b/p/a", SAYS("206 Partial Content",
		  "ETag: \"e2\"\r\nContent-Range: bytes 0-3/10\r\n", "4",
		  "0123") },
	};
	static const struct peer_step shorter[] = {
		HEAD_10,
		{ .request = "GET /b/p/a", SAYS_ERROR(
		  "416 Range Not Satisfiable", "40", "InvalidRange") },
	};
	struct fixture f;

	(void)state;
	get(&f, STEPS(told));
	expect_failure(&f, ERR_PROTOCOL, "was replaced");
	get(&f, STEPS(seen));
	expect_failure(&f, ERR_PROTOCOL, "was replaced");
	get(&f, STEPS(shorter));
	expect_failure(&f, ERR_PROTOCOL, "was replaced");
}

static void
another_range_than_asked_for_is_refused(void **state)
{
	static const struct peer_step whole[] = {
		HEAD_10,
		{ .request = "GET /b/p/a",
		  SAYS("200 OK", ETAG, "10", "0123456789") },
	};
	static const struct peer_step other[] = {
		HEAD_10,
		{ .request = "GET /b/p/a", RANGE("1-4", "4", "1234") },
	};
	static const struct peer_step unnamed[] = {
		{ .request = "HEAD /b/p/a", SAYS("200 OK", "", "10", "") },
	};
	struct fixture f;

	(void)state;
	get(&f, STEPS(whole));
	expect_failure(&f, ERR_PROTOCOL, "another range");
	get(&f, STEPS(other));
	expect_failure(&f, ERR_PROTOCOL, "another range");
	get(&f, STEPS(unnamed));
	expect_failure(&f, ERR_PROTOCOL, "no ETag");
}

/* --- a directory --------------------------------------------------------- */

static struct scratch scratch;

static int
get_local(const char *name, struct sink *sink, struct err *err)
{
	struct store_local_settings settings = { .path = scratch.dir,
		.mode = 0600 };
	CLEANUP(store_freep) struct store *store = NULL;

	assert_int_equal(store_local_new(&settings, &store, err), 0);
	return store_get(store, name, take, sink, err);
}

static void
a_file_comes_whole(void **state)
{
	const size_t n = ((size_t)5 << 20) + 17;
	CLEANUP(cleanup_free) char *bytes = malloc(n);
	struct sink sink = { .fail_at = 0 };
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	assert_non_null(bytes);
	for (i = 0; i < n; i++)
		bytes[i] = (char)(i * 7 + (i >> 10));
	scratch_new(&scratch);
	scratch_write(&scratch, "a", bytes, n);
	assert_int_equal(get_local("a", &sink, &err), 0);
	assert_int_equal(sink.text.len, n);
	assert_memory_equal(sink.text.s, bytes, n);
	str_free(&sink.text);
	sink = (struct sink){ .fail_at = 1 };
	assert_int_equal(get_local("a", &sink, &err), -1);
	assert_int_equal(err.kind, ERR_STREAM);
	assert_true(sink.text.len < n);
	str_free(&sink.text);
	scratch_free(&scratch);
}

static void
what_is_no_file_is_said(void **state)
{
	struct sink sink = { .fail_at = 0 };
	struct err err = ERR_INIT;

	(void)state;
	scratch_new(&scratch);
	assert_int_equal(get_local("none", &sink, &err), -1);
	assert_int_equal(err.kind, ERR_NOTFOUND);
	assert_int_equal(mkdir(scratch_path(&scratch, "dir"), 0700), 0);
	assert_int_equal(symlink("/etc/passwd",
	    scratch_path(&scratch, "link")), 0);
	assert_int_equal(mkfifo(scratch_path(&scratch, "pipe"), 0600), 0);
	assert_int_equal(get_local("dir", &sink, &err), -1);
	assert_int_equal(err.kind, ERR_PROTOCOL);
	assert_int_equal(get_local("link", &sink, &err), -1);
	assert_int_equal(err.kind, ERR_PROTOCOL);
	assert_int_equal(get_local("pipe", &sink, &err), -1);
	assert_int_equal(err.kind, ERR_PROTOCOL);
	assert_int_equal(sink.text.len, 0);
	scratch_free(&scratch);
}

static int
grow(void *cookie, const void *bytes, size_t n, struct err *err)
{
	int fd = open(scratch_path(&scratch, "a"),
	    O_WRONLY | O_APPEND | O_CLOEXEC);

	(void)cookie;
	(void)bytes;
	(void)err;
	if (n > 1 && write(fd, "x", 1) != 1)
		abort();
	return close(fd);
}

static void
a_file_that_changes_meanwhile_is_said(void **state)
{
	struct store_local_settings settings = { .mode = 0600 };
	CLEANUP(store_freep) struct store *store = NULL;
	struct err err = ERR_INIT;

	(void)state;
	scratch_new(&scratch);
	settings.path = scratch.dir;
	scratch_write(&scratch, "a", "some text", 9);
	assert_int_equal(store_local_new(&settings, &store, &err), 0);
	assert_int_equal(store_get(store, "a", grow, NULL, &err), -1);
	assert_int_equal(err.kind, ERR_PROTOCOL);
	assert_non_null(strstr(err.msg, "changed while it was read"));
	scratch_free(&scratch);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    an_object_comes_range_by_range_all_of_one_etag),
		cmocka_unit_test(an_object_may_look_like_an_error),
		cmocka_unit_test(what_breaks_is_asked_for_again_from_there),
		cmocka_unit_test(an_empty_object_is_not_asked_for_a_range),
		cmocka_unit_test(a_missing_object_is_not_found),
		cmocka_unit_test(another_object_of_that_name_is_not_mixed_in),
		cmocka_unit_test(another_range_than_asked_for_is_refused),
		cmocka_unit_test(a_file_comes_whole),
		cmocka_unit_test(what_is_no_file_is_said),
		cmocka_unit_test(a_file_that_changes_meanwhile_is_said),
	};

	(void)unsetenv("http_proxy");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
