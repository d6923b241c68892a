#define _GNU_SOURCE
#include "lib/store/s3_upload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "test/unit/s3_script.h"

#define MD5_1 "781e5e245d69b566979b86e28d23f2c7"	/* 0123456789 */
#define MD5_2 "a925576942e94b2ef57a066101b48876"	/* abcdefghij */
#define MD5_3 "7464e0d6c589e585e506c4020f286af6"	/* KLM */
#define MD5_ALL "a3d60e2640013a0ded07775fa90a2ae5-3"
#define TEXT "0123456789abcdefghijKLM"

#define ABSENT { .request = "HEAD /b/d/k%20%2B", SAYS("404 No", "", "0", "") }
#define BEGUN { .request = "POST /b/d/k%20%2B?uploads=",		\
	.header = "Content-Type: application/octet-stream",		\
	SAYS("200 OK", "", "88", "<InitiateMultipartUploadResult><UploadId>" \
	"i/1+</UploadId></InitiateMultipartUploadResult>") }
#define PUT_PART(n) .request =						\
	"PUT /b/d/k%20%2B?partNumber=" n "&uploadId=i%2F1%2B"
#define ETAG(md5) SAYS("200 OK", "ETag: \"" md5 "\"\r\n", "0", "")
#define PART_1 { PUT_PART("1"), .body = "0123456789",			\
	.header = "Content-MD5: eB5eJF1ptWaXm4bijSPyxw==", ETAG(MD5_1) }
#define PART_2 { PUT_PART("2"), .body = "abcdefghij", ETAG(MD5_2) }
#define LAST_PART { PUT_PART("3"), .body = "KLM", ETAG(MD5_3) }
#define COMPLETE .request = "POST /b/d/k%20%2B?uploadId=i%2F1%2B",	\
	.body = "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>" \
	"<ETag>\"" MD5_1 "\"</ETag></Part><Part><PartNumber>2</PartNumber>" \
	"<ETag>\"" MD5_2 "\"</ETag></Part><Part><PartNumber>3</PartNumber>" \
	"<ETag>\"" MD5_3 "\"</ETag></Part></CompleteMultipartUpload>"
#define COMPLETED(length, etag) SAYS("200 OK", "", length,		\
	"<CompleteMultipartUploadResult><ETag>" etag			\
	"</ETag></CompleteMultipartUploadResult>")
#define EMPTY_ETAG COMPLETED("76", "")
#define HELD(length, etag) { .request = "HEAD /b/d/k%20%2B",		\
	SAYS("200 OK", "ETag: \"" etag "\"\r\n", length, "") }
#define ABORTED { .request = "DELETE /b/d/k%20%2B?uploadId=i%2F1%2B",	\
	SAYS("204 No Content", "", "0", "") }
#define REMOVED { .request = "DELETE /b/d/k%20%2B",			\
	SAYS("204 No Content", "", "0", "") }

struct script_stream {
	struct store_stream stream;
	const char *text;
	size_t n;
	size_t breaks_at;	/* 0: never; no more than that will come */
	uint64_t released;
};

static int
script_wait(void *cookie, uint64_t upto, uint64_t *ret_have, bool *ret_end,
    struct err *err)
{
	struct script_stream *s = cookie;

	if (s->breaks_at != 0 && upto > s->breaks_at)
		return err_set(err, ERR_STREAM, "the archive broke off");
	/* As little as was asked for: the end shows as late as it can. */
	*ret_have = upto < s->n ? upto : s->n;
	*ret_end = upto > s->n;
	return 0;
}

static int
script_read(void *cookie, uint64_t offset, void *bytes, size_t n,
    struct err *err)
{
	struct script_stream *s = cookie;

	if (offset < s->released || offset + n > s->n)
		return err_set(err, ERR_SYSTEM, "read what is not there");
	memcpy(bytes, s->text + offset, n);
	return 0;
}

static void
script_release(void *cookie, uint64_t before)
{
	((struct script_stream *)cookie)->released = before;
}

static void
script_stream_init(struct script_stream *s, const char *text)
{
	*s = (struct script_stream){
		.stream = { script_wait, script_read, script_release,
		    UINT64_MAX, s },
		.text = text, .n = strlen(text)
	};
}

struct fixture {
	struct peer *peer;
	struct s3_client client;
	char url[64];
	char root[8];
	char region[16];
	struct script_stream source;
	struct s3_upload upload;
};

static void
start(struct fixture *f, const char *text, const struct peer_step *steps,
    size_t n)
{
	const struct s3_credentials_settings keys = { .access_key = "AK",
	    .secret_key = "secret", .lookup = NULL };
	struct err err = ERR_INIT;

	memset(f, 0, sizeof *f);
	f->peer = peer_start_tcp(steps, n);
	(void)snprintf(f->url, sizeof f->url, "http://127.0.0.1:%d",
	    f->peer->port);
	(void)snprintf(f->root, sizeof f->root, "/b");
	(void)snprintf(f->region, sizeof f->region, "r-1");
	f->client = (struct s3_client){ .base = f->url, .root = f->root,
	    .region = f->region, .retry_s = 5 };
	assert_int_equal(s3_credentials_new(&keys, &f->client.credentials,
	    &err), 0);
	script_stream_init(&f->source, text);
	f->upload = (struct s3_upload){ .client = &f->client, .key = "d/k +",
	    .mode = STORE_NEW, .stream = &f->source.stream, .part_bytes = 10,
	    .parallel = 1 };
}

static void
stop(struct fixture *f)
{
	peer_finish(f->peer);
	peer_free(f->peer);
	s3_credentials_free(f->client.credentials);
}

static void
succeeds(const char *text, const struct peer_step *steps, size_t n)
{
	struct err err = ERR_INIT;
	struct fixture f;

	start(&f, text, steps, n);
	if (s3_upload_run(&f.upload, &err) < 0)
		print_error("%s\n", err.msg);
	assert_int_equal(err.kind, ERR_NONE);
	stop(&f);
}

static void
fails(const char *text, const struct peer_step *steps, size_t n,
    enum err_kind kind, const char *needle)
{
	struct err err = ERR_INIT;
	struct fixture f;

	start(&f, text, steps, n);
	assert_int_equal(s3_upload_run(&f.upload, &err), -1);
	if (err.kind != kind || strstr(err.msg, needle) == NULL)
		fail_msg("kind %d: %s", (int)err.kind, err.msg);
	stop(&f);
}

static void
what_fits_into_one_part_is_put_at_once(void **state)
{
	static const struct peer_step whole[] = { ABSENT,
		{ .request = "PUT /b/d/k%20%2B", .body = "0123456789",
		  .header = "If-None-Match: *", ETAG(MD5_1) },
		HELD("10", MD5_1) };
	static const struct peer_step empty[] = { ABSENT,
		{ .request = "PUT /b/d/k%20%2B", .body = "",
		  .header = "Content-Length: 0",
		  ETAG("d41d8cd98f00b204e9800998ecf8427e") },
		HELD("0", "d41d8cd98f00b204e9800998ecf8427e") };

	(void)state;
	succeeds("0123456789", STEPS(whole));
	succeeds("", STEPS(empty));
}

static void
more_goes_in_parts_and_is_confirmed(void **state)
{
	static const struct peer_step steps[] = { ABSENT, BEGUN, PART_1,
		PART_2, LAST_PART,
		{ COMPLETE, .header = "If-None-Match: *", EMPTY_ETAG },
		HELD("23", MD5_ALL) };
	static const struct peer_step even[] = { ABSENT, BEGUN, PART_1,
		PART_2, { .request = "POST /b/d/k%20%2B?uploadId=i%2F1%2B",
		.body = "<CompleteMultipartUpload><Part><PartNumber>1"
		"</PartNumber><ETag>\"" MD5_1 "\"</ETag></Part><Part>"
		"<PartNumber>2</PartNumber><ETag>\"" MD5_2 "\"</ETag></Part>"
		"</CompleteMultipartUpload>", EMPTY_ETAG },
		HELD("20", "opaque") };
	struct err err = ERR_INIT;
	struct fixture f;

	(void)state;
	start(&f, TEXT, STEPS(steps));
	assert_int_equal(s3_upload_run(&f.upload, &err), 0);
	assert_int_equal(f.source.released, 23);
	stop(&f);
	succeeds("0123456789abcdefghij", STEPS(even));
}

static void
nothing_is_overwritten(void **state)
{
	static const struct peer_step there[] = { HELD("1", "x") };
	static const struct peer_step raced[] = { ABSENT,
		{ .request = "PUT /b/d/k%20%2B", .body = "KLM",
		  SAYS_ERROR("412 Failed", "46", "PreconditionFailed") } };
	static const struct peer_step late[] = { ABSENT, BEGUN, PART_1,
		PART_2, LAST_PART, { COMPLETE,
		SAYS_ERROR("412 Failed", "46", "PreconditionFailed") },
		ABORTED };

	(void)state;
	fails(TEXT, STEPS(there), ERR_EXISTS, "an object of that name");
	fails("KLM", STEPS(raced), ERR_EXISTS, "an object of that name");
	fails(TEXT, STEPS(late), ERR_EXISTS, "an object of that name");
}

static void
a_server_without_conditions_is_asked_without(void **state)
{
	static const struct peer_step steps[] = { ABSENT,
		{ .request = "PUT /b/d/k%20%2B", .body = "KLM",
		  .header = "If-None-Match: *",
		  SAYS_ERROR("501 No", "42", "NotImplemented") },
		{ .request = "PUT /b/d/k%20%2B", .body = "KLM",
		  .no_header = "If-None-Match", ETAG(MD5_3) },
		HELD("3", MD5_3) };

	(void)state;
	succeeds("KLM", STEPS(steps));
}

/* The first try of the answers was lost: what is there is what it made. */
static void
a_lost_answer_does_not_make_an_object_foreign(void **state)
{
	static const struct peer_step whole[] = { ABSENT,
		{ .request = "PUT /b/d/k%20%2B", .body = "KLM",
		  .then = PEER_CLOSE },
		{ .request = "PUT /b/d/k%20%2B", .body = "KLM",
		  SAYS_ERROR("412 Failed", "46", "PreconditionFailed") },
		HELD("3", MD5_3) };
	static const struct peer_step parts[] = { ABSENT, BEGUN, PART_1,
		PART_2, LAST_PART, { COMPLETE, .then = PEER_CLOSE },
		{ COMPLETE, SAYS_ERROR("404 No", "40", "NoSuchUpload") },
		HELD("23", MD5_ALL) };

	(void)state;
	succeeds("KLM", STEPS(whole));
	succeeds(TEXT, STEPS(parts));
}

static void
a_part_that_fails_is_sent_again(void **state)
{
	static const struct peer_step steps[] = { ABSENT, BEGUN,
		{ PUT_PART("1"), .body = "0123456789",
		  SAYS_ERROR("503 Busy", "36", "SlowDown") },
		PART_1,
		{ PUT_PART("2"), .cut_bytes = 1 },
		{ PUT_PART("2"), .body = "abcdefghij",
		  SAYS_ERROR("400 Bad", "42", "RequestTimeout") },
		PART_2,
		{ PUT_PART("3"), .body = "KLM",
		  SAYS("429 Many", "Retry-After: 1\r\n", "0", "") },
		LAST_PART,
		{ COMPLETE, SAYS_ERROR("200 OK", "41", "InternalError") },
		{ COMPLETE, COMPLETED("110", MD5_ALL) },
		HELD("23", MD5_ALL) };
	double begun_s = clock_mono_s();

	(void)state;
	succeeds(TEXT, STEPS(steps));
	assert_true(clock_mono_s() - begun_s >= 1);
}

static void
what_fails_for_good_is_aborted(void **state)
{
	static const struct peer_step refused[] = { ABSENT, BEGUN, PART_1,
		{ PUT_PART("2"), .body = "abcdefghij",
		  SAYS_ERROR("403 No", "40", "AccessDenied") }, ABORTED };
	static const struct peer_step not_joined[] = { ABSENT, BEGUN, PART_1,
		PART_2, LAST_PART, { COMPLETE,
		SAYS_ERROR("400 Bad", "39", "InvalidPart") }, ABORTED };
	static const struct peer_step no_bucket[] = { ABSENT,
		{ .request = "POST /b/d/k%20%2B?uploads=",
		  SAYS_ERROR("404 No", "40", "NoSuchBucket") } };

	(void)state;
	fails(TEXT, STEPS(refused), ERR_REFUSED, "part 2: AccessDenied");
	fails(TEXT, STEPS(not_joined), ERR_REFUSED, "InvalidPart");
	fails(TEXT, STEPS(no_bucket), ERR_NOTFOUND, "NoSuchBucket");
}

static void
an_archive_that_breaks_off_leaves_nothing(void **state)
{
	static const struct peer_step early[] = { ABSENT };
	static const struct peer_step late[] = { ABSENT, BEGUN, PART_1,
		ABORTED };
	struct err err = ERR_INIT;
	struct fixture f;

	(void)state;
	start(&f, TEXT, STEPS(early));
	f.source.breaks_at = 5;
	assert_int_equal(s3_upload_run(&f.upload, &err), -1);
	assert_int_equal(err.kind, ERR_STREAM);
	stop(&f);
	start(&f, TEXT, STEPS(late));
	f.source.breaks_at = 15;
	assert_int_equal(s3_upload_run(&f.upload, &err), -1);
	assert_int_equal(err.kind, ERR_STREAM);
	stop(&f);
}

static void
what_the_store_holds_must_be_what_was_sent(void **state)
{
	static const struct peer_step size[] = { ABSENT,
		{ .request = "PUT /b/d/k%20%2B", .body = "KLM", ETAG(MD5_3) },
		HELD("2", MD5_3), REMOVED };
	static const struct peer_step sum[] = { ABSENT, BEGUN, PART_1,
		PART_2, LAST_PART, { COMPLETE, EMPTY_ETAG },
		HELD("23", MD5_1 "-3"), REMOVED, ABORTED };
	static const struct peer_step part[] = { ABSENT, BEGUN,
		{ PUT_PART("1"), .body = "0123456789", ETAG(MD5_2) },
		{ PUT_PART("1"), .body = "0123456789", ETAG(MD5_2) },
		{ PUT_PART("1"), .body = "0123456789", ETAG(MD5_2) },
		ABORTED };
	static const struct peer_step gone[] = { ABSENT,
		{ .request = "PUT /b/d/k%20%2B", .body = "KLM", ETAG(MD5_3) },
		ABSENT };

	(void)state;
	fails("KLM", STEPS(size), ERR_PROTOCOL, "holds 2 bytes");
	fails(TEXT, STEPS(sum), ERR_PROTOCOL, "holds 23 bytes");
	fails(TEXT, STEPS(part), ERR_PROTOCOL, "part 1: the store holds other");
	fails("KLM", STEPS(gone), ERR_PROTOCOL, "does not have it");
}

static void
etags_of_what_the_server_encrypts_say_nothing(void **state)
{
#define KMS SAYS("200 OK", "x-amz-server-side-encryption: aws:kms\r\n"	\
	"ETag: \"" MD5_1 "\"\r\n", "0", "")
	static const struct peer_step steps[] = { ABSENT,
		{ .request = "PUT /b/d/k%20%2B", .body = "KLM", KMS },
		HELD("3", MD5_1) };

	(void)state;
	succeeds("KLM", STEPS(steps));
}

static void
parts_grow_so_that_ten_thousand_are_enough(void **state)
{
	static const struct {
		uint64_t first, window, least_total;
		unsigned parallel;
	} rows[] = {
		{ 0, UINT64_MAX, (uint64_t)5 << 40, 3 },
		{ (uint64_t)5 << 20, UINT64_MAX, (uint64_t)5 << 40, 3 },
		{ (uint64_t)600 << 20, UINT64_MAX, (uint64_t)5 << 40, 16 },
		{ (uint64_t)5 << 30, UINT64_MAX, (uint64_t)5 << 40, 16 },
		{ 0, (uint64_t)128 << 20, (uint64_t)400 << 30, 3 },
		{ 0, (uint64_t)1 << 20, (uint64_t)48 << 30, 3 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		uint64_t total = 0, last = 0;
		unsigned n;

		for (n = 1; n <= S3_PARTS_MAX; n++) {
			uint64_t bytes = s3_part_bytes(n, rows[i].first,
			    rows[i].window, rows[i].parallel);

			assert_true(bytes >= last);
			assert_true(bytes >= S3_PART_MIN_BYTES);
			assert_true(bytes <= S3_PART_MAX_BYTES);
			if (n <= S3_PARTS_MAX / 2 &&
			    bytes > S3_PART_MIN_BYTES)
				assert_true(rows[i].window == UINT64_MAX ||
				    bytes * (rows[i].parallel + 1) <=
				    rows[i].window);
			total += bytes;
			last = bytes;
		}
		assert_true(total >= rows[i].least_total);
	}
	assert_int_equal(s3_part_bytes(1, 0, UINT64_MAX, 3), 8 << 20);
	assert_int_equal(s3_part_bytes(1, 0, (uint64_t)24 << 20, 3), 6 << 20);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_fits_into_one_part_is_put_at_once),
		cmocka_unit_test(more_goes_in_parts_and_is_confirmed),
		cmocka_unit_test(nothing_is_overwritten),
		cmocka_unit_test(a_server_without_conditions_is_asked_without),
		cmocka_unit_test(a_lost_answer_does_not_make_an_object_foreign),
		cmocka_unit_test(a_part_that_fails_is_sent_again),
		cmocka_unit_test(what_fails_for_good_is_aborted),
		cmocka_unit_test(an_archive_that_breaks_off_leaves_nothing),
		cmocka_unit_test(what_the_store_holds_must_be_what_was_sent),
		cmocka_unit_test(etags_of_what_the_server_encrypts_say_nothing),
		cmocka_unit_test(parts_grow_so_that_ten_thousand_are_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
