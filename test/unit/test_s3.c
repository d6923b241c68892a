#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "lib/base/clock.h"
#include "lib/store/s3_store.h"
#include "test/unit/s3_script.h"

#define LIST_PAGE "encoding-type=url&list-type=2&max-keys=1000&prefix=p%2F"
#define OBJECT(key) "<Contents><Key>" key "</Key><LastModified>" \
	"2026-11-20T03:00:01.000Z</LastModified><Size>17</Size></Contents>"

struct fixture {
	struct peer *peer;
	struct store *store;
	char host[64];
};

static struct store_s3_settings
settings_for(const char *host)
{
	return (struct store_s3_settings){
		.bucket = "b", .path = "/p/", .endpoint = host,
		.proto = "http", .access_key = "AK", .secret_key = "secret",
		.retry_s = 3
	};
}

static void
start_with(struct fixture *f, const struct peer_step *steps, size_t n,
    struct store_s3_settings settings)
{
	struct err err = ERR_INIT;

	f->peer = peer_start_tcp(steps, n);
	(void)snprintf(f->host, sizeof f->host, "127.0.0.1:%d",
	    f->peer->port);
	settings.endpoint = f->host;
	assert_int_equal(store_s3_new(&settings, &f->store, &err), 0);
}

static void
start(struct fixture *f, const struct peer_step *steps, size_t n)
{
	start_with(f, steps, n, settings_for(NULL));
}

static void
stop(struct fixture *f)
{
	store_free(f->store);
	peer_finish(f->peer);
	peer_free(f->peer);
}

/* --- settings --------------------------------------------------------------*/

static void
settings_become_an_address(void **state)
{
	static const struct {
		const char *bucket, *endpoint, *proto, *region;
		enum s3_style style;
		const char *base, *root;
	} rows[] = {
		{ "b", NULL, NULL, NULL, S3_STYLE_AUTO,
		  "https://b.s3.amazonaws.com", "" },
		{ "b", NULL, "https", "eu-west-1", S3_STYLE_AUTO,
		  "https://b.s3.eu-west-1.amazonaws.com", "" },
		{ "b", "s3.amazonaws.com", "https", "cn-north-1",
		  S3_STYLE_AUTO, "https://b.s3.cn-north-1.amazonaws.com.cn",
		  "" },
		{ "b.c", NULL, NULL, NULL, S3_STYLE_AUTO,
		  "https://s3.amazonaws.com", "/b.c" },
		{ "b", NULL, NULL, NULL, S3_STYLE_PATH,
		  "https://s3.amazonaws.com", "/b" },
		{ "b", "minio:9000", "http", NULL, S3_STYLE_AUTO,
		  "http://minio:9000", "/b" },
		{ "b", "[::1]:9000", "http", NULL, S3_STYLE_AUTO,
		  "http://[::1]:9000", "/b" },
		{ "b", "notamazonaws.com", NULL, NULL, S3_STYLE_AUTO,
		  "https://notamazonaws.com", "/b" },
		{ "b", "s3.x.org", NULL, NULL, S3_STYLE_VIRTUAL,
		  "https://b.s3.x.org", "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct store_s3_settings settings =
		    settings_for(rows[i].endpoint);
		CLEANUP(store_freep) struct store *store = NULL;
		const struct store_s3 *s3;
		struct err err = ERR_INIT;

		settings.bucket = rows[i].bucket;
		settings.proto = rows[i].proto;
		settings.region = rows[i].region;
		settings.style = rows[i].style;
		assert_int_equal(store_s3_new(&settings, &store, &err), 0);
		s3 = (const struct store_s3 *)store;
		assert_string_equal(s3->client.base, rows[i].base);
		assert_string_equal(s3->client.root, rows[i].root);
		assert_string_equal(s3->prefix, "p/");
	}
}

static void
settings_that_are_wrong_are_said(void **state)
{
	static char *bad_meta[] = { NULL };
	static const struct strlist metadata = { bad_meta, 1 };
	static char no_name[] = "=x", no_equals[] = "x",
	    line_break[] = "a=b\r\nX-Evil: 1", blank[] = "a b=c";
	static char *const entries[] = { no_name, no_equals, line_break,
	    blank };
	static const struct {
		const char *field, *value, *needle;
	} rows[] = {
		{ "bucket", "", "no bucket" },
		{ "bucket", "a/b", "not the name of a bucket" },
		{ "path", "a//b", "not a path" },
		{ "path", "\xff", "not a path" },
		{ "endpoint", "http://h", "setting of its own" },
		{ "endpoint", "h/x", "not a host" },
		{ "endpoint", "u@h", "not a host" },
		{ "proto", "ftp", "neither http nor https" },
		{ "region", "a b", "not a region" },
		{ "insecure", "", "https only" },
		{ "ca_cert", "/nonexistent", "the CA" },
		{ "ca_cert", "/etc/passwd", "no certificate" },
		{ "ca_cert", "-----BEGIN CERTIFICATE-----\nAAAA", "cut off" },
		{ "ca_cert", "-----BEGIN CERTIFICATE-----\n!\n"
		  "-----END CERTIFICATE-----\n", "damaged" },
		{ "secret_key", NULL, "" },
		{ "storage_class", "A\nB", "no header can hold" },
		{ "part_bytes", "", "between 5 MiB and 5 GiB" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0] + 4; i++) {
		struct store_s3_settings s = settings_for("h");
		const char *field = i < sizeof rows / sizeof rows[0] ?
		    rows[i].field : "metadata";
		const char *value = *field != 'm' ? rows[i].value : NULL;
		struct store *store = NULL;
		struct err err = ERR_INIT;

		if (strcmp(field, "bucket") == 0)
			s.bucket = value;
		else if (strcmp(field, "path") == 0)
			s.path = value;
		else if (strcmp(field, "endpoint") == 0)
			s.endpoint = value;
		else if (strcmp(field, "proto") == 0)
			s.proto = value;
		else if (strcmp(field, "region") == 0)
			s.region = value;
		else if (strcmp(field, "insecure") == 0)
			s.insecure = true;
		else if (strcmp(field, "ca_cert") == 0)
			s.ca_cert = value;
		else if (strcmp(field, "secret_key") == 0)
			s.secret_key = value;
		else if (strcmp(field, "storage_class") == 0)
			s.storage_class = value;
		else if (strcmp(field, "part_bytes") == 0)
			s.part_bytes = 1 << 20;
		else {
			bad_meta[0] = entries[i - sizeof rows /
			    sizeof rows[0]];
			s.metadata = &metadata;
		}
		assert_int_equal(store_s3_new(&s, &store, &err), -1);
		assert_int_equal(err.kind, ERR_CONFIG);
		assert_null(store);
		if (*field != 'm' && strstr(err.msg, rows[i].needle) == NULL)
			fail_msg("%s: %s", field, err.msg);
	}
}

static void
archives_carry_what_was_set_and_documents_part_of_it(void **state)
{
	static char one[] = "job=a", other[] = "job-name=b";
	static char *entries[] = { one, other };
	static const struct strlist metadata = { entries, 2 };
	struct store_s3_settings settings = settings_for("h");
	CLEANUP(store_freep) struct store *store = NULL;
	const struct store_s3 *s3;
	struct err err = ERR_INIT;

	(void)state;
	settings.metadata = &metadata;
	settings.storage_class = "GLACIER_IR";
	settings.encryption = "aws:kms";
	settings.encryption_key = "k";
	assert_int_equal(store_s3_new(&settings, &store, &err), 0);
	s3 = (const struct store_s3 *)store;
	assert_int_equal(s3->headers.n, 5);
	assert_true(strlist_has(&s3->headers,
	    "x-amz-storage-class: GLACIER_IR"));
	assert_true(strlist_has(&s3->headers, "x-amz-meta-job-name: b"));
	assert_int_equal(s3->small_headers.n, 2);
	assert_true(strlist_has(&s3->small_headers,
	    "x-amz-server-side-encryption-aws-kms-key-id: k"));
}

/* --- check and small requests ----------------------------------------------*/

static void
check_says_why(void **state)
{
#define REFUSED(status, headers) { .request = "HEAD /b",		\
	SAYS(status, headers, "0", "") }
#define WHY(status, headers, length, body) {				\
	.request = "GET /b?list-type=2&max-keys=1",			\
	SAYS(status, headers, length, body) }
	static const struct {
		struct peer_step steps[2];
		enum err_kind kind;
		const char *needle;
	} rows[] = {
		{ { REFUSED("404 No", ""), WHY("404 No", "", "40",
		  "<Error><Code>NoSuchBucket</Code></Error>") },
		  ERR_NOTFOUND, "NoSuchBucket (status 404) (there is no such" },
		{ { REFUSED("403 No", ""), WHY("403 No", "", "67",
		  "<Error><Code>AccessDenied</Code><Message>no</Message>"
		  "</Error>      ") }, ERR_REFUSED, "AccessDenied: no (" },
		{ { REFUSED("301 Moved", "x-amz-bucket-region: eu-9\r\n"),
		  WHY("301 Moved", "x-amz-bucket-region: eu-9\r\n", "45",
		  "<Error><Code>PermanentRedirect</Code></Error>") },
		  ERR_REFUSED, "the bucket's region is 'eu-9'" },
		{ { REFUSED("400 Bad", ""), WHY("400 Bad", "", "77",
		  "<Error><Code>AuthorizationHeaderMalformed</Code><Region>"
		  "eu-8</Region></Error>") },
		  ERR_REFUSED, "the bucket's region is 'eu-8'" },
		{ { REFUSED("403 No", ""), WHY("403 No",
		  "Date: Fri, 24 May 2013 00:00:00 GMT\r\n", "49",
		  "<Error><Code>RequestTimeTooSkewed</Code></Error> ") },
		  ERR_REFUSED, "ahead of the server's: set it" },
		{ { REFUSED("403 No", ""), WHY("200 OK", "", "0", "") },
		  ERR_REFUSED, "AccessDenied (status 403)" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct err err = ERR_INIT;
		struct fixture f;

		start(&f, rows[i].steps, 2);
		assert_int_equal(store_check(f.store, 0, &err), -1);
		if (err.kind != rows[i].kind ||
		    strstr(err.msg, rows[i].needle) == NULL)
			fail_msg("%s", err.msg);
		assert_true(str_starts(err.msg, "s3 'b/p': "));
		stop(&f);
	}
}

static void
what_passes_is_tried_again_and_what_does_not_is_not(void **state)
{
	static const struct peer_step passing[] = {
		{ .request = "HEAD /b", SAYS("503 Busy", "", "0", "") },
		{ .request = "HEAD /b", .then = PEER_CLOSE },
		{ .request = "HEAD /b", SAYS("500 Oops", "", "0", "") },
		{ .request = "HEAD /b", SAYS("200 OK", "", "0", "") },
	};
	static const struct peer_step late[] = {
		{ .request = "HEAD /b", SAYS("429 Slow",
		  "Retry-After: 600\r\n", "0", "") },
		{ .request = "GET /b?list-type=2&max-keys=1",
		  SAYS("429 Slow", "Retry-After: 600\r\n", "0", "") },
	};
	struct err err = ERR_INIT;
	struct fixture f;

	(void)state;
	start(&f, STEPS(passing));
	assert_int_equal(store_check(f.store, 0, &err), 0);
	stop(&f);
	start(&f, STEPS(late));
	assert_int_equal(store_check(f.store, 0, &err), -1);
	assert_non_null(strstr(err.msg, "TooManyRequests"));
	stop(&f);
}

static void
a_stall_is_tried_again(void **state)
{
	static const struct peer_step steps[] = {
		{ .request = "GET /b?a=", .then = PEER_STALL },
		{ .request = "GET /b?a=", SAYS("200 OK", "", "0", "") },
	};
	const struct s3_request request = { .method = "GET", .query = "a=",
	    .stall_s = 0.3 };
	struct err err = ERR_INIT;
	struct fixture f;

	(void)state;
	start(&f, STEPS(steps));
	assert_int_equal(s3_run(&((struct store_s3 *)f.store)->conn, &request,
	    &err), 0);
	stop(&f);
}

static void
a_name_is_looked_for_and_small_documents_are_put(void **state)
{
	static const struct peer_step steps[] = {
		{ .request = "HEAD /b/p/a%25b", SAYS("404 No", "", "0", "") },
		{ .request = "HEAD /b/p/a%25b", SAYS("200 OK", "", "0", "") },
		{ .request = "PUT /b/p/m.json", .body = "{}",
		  .header = "x-amz-content-sha256: 44136fa355b3678a1146ad16f7e"
		  "8649e94fb4fc21fe77e8310c060f61caaff8a",
		  SAYS("200 OK", "", "0", "") },
		{ .request = "PUT /b/p/m.json", .body = "{}",
		  .header = "Content-MD5: mZFLkyvTelC5g8XnyQrpOw==",
		  SAYS("403 No", "", "0", "") },
	};
	struct err err = ERR_INIT;
	bool is_there = true;
	struct fixture f;

	(void)state;
	start(&f, STEPS(steps));
	assert_int_equal(store_has(f.store, "a%b", &is_there, &err), 0);
	assert_false(is_there);
	assert_int_equal(store_has(f.store, "a%b", &is_there, &err), 0);
	assert_true(is_there);
	assert_int_equal(store_put_small(f.store, "m.json", "{}", 2, &err),
	    0);
	assert_int_equal(store_link_latest(f.store, "latest", "x", &err), 0);
	assert_int_equal(store_put_small(f.store, "m.json", "{}", 2, &err),
	    -1);
	assert_int_equal(err.kind, ERR_REFUSED);
	stop(&f);
}

static void
a_small_document_is_got_if_it_is_there_and_small(void **state)
{
	static const struct peer_step steps[] = {
		{ .request = "GET /b/p/m%2B.json",
		  SAYS("200 OK", "", "2", "{}") },
		{ .request = "GET /b/p/m%2B.json",
		  SAYS("200 OK", "", "2", "{}") },
		{ .request = "GET /b/p/none",
		  SAYS_ERROR("404 Not Found", "37", "NoSuchKey") },
	};
	struct err err = ERR_INIT;
	struct fixture f;
	char *text = NULL;
	size_t n = 0;

	(void)state;
	start(&f, STEPS(steps));
	assert_int_equal(store_get_small(f.store, "m+.json", 2, &text, &n,
	    &err), 0);
	assert_int_equal(n, 2);
	assert_string_equal(text, "{}");
	free(text);
	assert_int_equal(store_get_small(f.store, "m+.json", 1, &text, &n,
	    &err), -1);
	assert_int_equal(err.kind, ERR_PROTOCOL);
	assert_int_equal(store_get_small(f.store, "none", 9, &text, &n,
	    &err), -1);
	assert_int_equal(err.kind, ERR_NOTFOUND);
	stop(&f);
}

/* --- lists -----------------------------------------------------------------*/

static void
all_pages_are_listed_and_only_what_is_right_in_the_store(void **state)
{
	static const char first[] = "<ListBucketResult><IsTruncated>true"
	    "</IsTruncated><NextContinuationToken>t/1+=</NextContinuation"
	    "Token><EncodingType>url</EncodingType>" OBJECT("p/") OBJECT(
	    "p/z+1") OBJECT("p/.hidden") OBJECT("p/deep/er") OBJECT("p2/x")
	    "</ListBucketResult>";
	static const char second[] = "<ListBucketResult><IsTruncated>false"
	    "</IsTruncated>" OBJECT("p/a") "</ListBucketResult>";
	CLEANUP(cleanup_free) char *one = NULL;
	CLEANUP(cleanup_free) char *two = NULL;
	struct peer_step steps[] = {
		{ .request = "GET /b?delimiter=%2F&" LIST_PAGE,
		  .then = PEER_CLOSE },
		{ .request = "GET /b?continuation-token=t%2F1%2B%3D&"
		  "delimiter=%2F&" LIST_PAGE, .then = PEER_CLOSE },
	};
	struct store_list list = STORE_LIST_INIT;
	struct err err = ERR_INIT;
	struct fixture f;

	(void)state;
	assert_int_equal(str_format(&one, &err, "HTTP/1.1 200 OK\r\n"
	    "Content-Length: %zu\r\n\r\n%s", sizeof first - 1, first), 0);
	assert_int_equal(str_format(&two, &err, "HTTP/1.1 200 OK\r\n"
	    "Content-Length: %zu\r\n\r\n%s", sizeof second - 1, second), 0);
	steps[0].answer = one;
	steps[1].answer = two;
	start(&f, STEPS(steps));
	assert_int_equal(store_list(f.store, &list, &err), 0);
	assert_int_equal(list.n, 2);
	assert_string_equal(list.v[0].name, "a");
	assert_string_equal(list.v[1].name, "z 1");
	assert_int_equal(list.v[1].bytes, 17);
	store_list_free(&list);
	stop(&f);
}

#define DELETE_BODY "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Delete " \
	"xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Object><Key>p/a " \
	"&#38;&#60;</Key></Object><Object><Key>p/b</Key></Object><Quiet>true" \
	"</Quiet></Delete>"

static void
names_are_removed_together_and_failures_are_named(void **state)
{
	static const struct peer_step some[] = {
		{ .request = "POST /b?delete=", .body = DELETE_BODY,
		  SAYS("200 OK", "", "118", "<DeleteResult><Error><Key>p/b"
		  "</Key><Code>AccessDenied</Code><Message>locked</Message>"
		  "</Error></DeleteResult>          ") },
	};
	static const struct peer_step all[] = {
		{ .request = "POST /b?delete=", .body = DELETE_BODY,
		  SAYS("403 No", "", "46",
		  "<Error><Code>AccessDenied</Code></Error>      ") },
	};
	static const struct peer_step singly[] = {
		{ .request = "POST /b?delete=", .body = DELETE_BODY,
		  SAYS("501 No", "", "0", "") },
		{ .request = "DELETE /b/p/a%20%26%3C",
		  SAYS("204 No Content", "", "0", "") },
		{ .request = "DELETE /b/p/b", SAYS("403 No", "", "0", "") },
	};
	static const struct {
		const struct peer_step *steps;
		size_t n, n_failed;
		const char *last;
	} rows[] = {
		{ some, 1, 1, "'b': AccessDenied: locked" },
		{ all, 1, 2, "'b': AccessDenied (status 403)" },
		{ singly, 3, 1, "'b': AccessDenied (status 403)" },
	};
	char *v[] = { (char[]){ "a &<" }, (char[]){ "b" } };
	const struct strlist names = { v, 2 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		CLEANUP(strlist_free) struct strlist failed = STRLIST_INIT;
		struct err err = ERR_INIT;
		struct fixture f;

		start(&f, rows[i].steps, rows[i].n);
		assert_int_equal(store_remove(f.store, &names, &failed, &err),
		    0);
		assert_int_equal(failed.n, rows[i].n_failed);
		assert_string_equal(failed.v[failed.n - 1], rows[i].last);
		stop(&f);
	}
}

static bool
begins_with_k(void *cookie, const char *name)
{
	(void)cookie;
	return *name == 'k';
}

#define UPLOAD(key, id, time) "<Upload><Key>" key "</Key><UploadId>" id \
	"</UploadId><Initiated>" time "</Initiated></Upload>"

static void
stale_uploads_of_ours_are_aborted(void **state)
{
	static struct peer_step steps[] = {
		{ .request = "GET /b?encoding-type=url&max-uploads=1000&"
		  "prefix=p%2F&uploads=", .then = PEER_CLOSE },
		{ .request = "DELETE /b/p/k%201?uploadId=i%2F1",
		  SAYS("204 No Content", "", "0", "") },
		{ .request = "GET /b?encoding-type=url&key-marker=p%2Fk%202&"
		  "max-uploads=1000&prefix=p%2F&upload-id-marker=m&uploads=",
		  SAYS("200 OK", "", "59", "<ListMultipartUploadsResult>"
		  "</ListMultipartUploadsResult>  ") },
	};
	CLEANUP(cleanup_free) char *answer = NULL;
	CLEANUP(cleanup_free) char *body = NULL;
	struct err err = ERR_INIT;
	struct fixture f;
	char now[32];
	time_t t = clock_now();
	struct tm tm;
	size_t n = 0;

	(void)state;
	assert_non_null(gmtime_r(&t, &tm));
	assert_true(strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%SZ", &tm) > 0);
	assert_int_equal(str_format(&body, &err, "<ListMultipartUploadsResult>"
	    "<IsTruncated>true</IsTruncated><NextKeyMarker>p/k%%202"
	    "</NextKeyMarker><NextUploadIdMarker>m</NextUploadIdMarker>"
	    "<EncodingType>url</EncodingType>%s"
	    "<Upload><Key>p/k2</Key><UploadId>young</UploadId><Initiated>%s"
	    "</Initiated></Upload></ListMultipartUploadsResult>",
	    UPLOAD("p/k%201", "i/1", "2020-01-01T00:00:00.000Z")
	    UPLOAD("p/x", "foreign", "2020-01-01T00:00:00.000Z")
	    UPLOAD("p/k/deep", "deep", "2020-01-01T00:00:00.000Z")
	    UPLOAD("k", "outside", "2020-01-01T00:00:00.000Z"), now), 0);
	assert_int_equal(str_format(&answer, &err, "HTTP/1.1 200 OK\r\n"
	    "Content-Length: %zu\r\n\r\n%s", strlen(body), body), 0);
	steps[0].answer = answer;
	start(&f, STEPS(steps));
	assert_int_equal(store_sweep(f.store, begins_with_k, NULL, &n, &err),
	    0);
	assert_int_equal(n, 1);
	stop(&f);
}

static void
a_proxy_of_the_environment_is_used(void **state)
{
	static const struct peer_step steps[] = {
		{ .request = "HEAD http://s3.test/b",
		  SAYS("200 OK", "", "0", "") },
	};
	struct store_s3_settings settings = settings_for("s3.test");
	CLEANUP(store_freep) struct store *store = NULL;
	struct err err = ERR_INIT;
	struct peer *peer;
	char url[64];

	(void)state;
	peer = peer_start_tcp(STEPS(steps));
	(void)snprintf(url, sizeof url, "http://127.0.0.1:%d", peer->port);
	assert_int_equal(setenv("http_proxy", url, 1), 0);
	assert_int_equal(store_s3_new(&settings, &store, &err), 0);
	assert_int_equal(store_check(store, 0, &err), 0);
	(void)unsetenv("http_proxy");
	peer_finish(peer);
	peer_free(peer);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(settings_become_an_address),
		cmocka_unit_test(settings_that_are_wrong_are_said),
		cmocka_unit_test(
		    archives_carry_what_was_set_and_documents_part_of_it),
		cmocka_unit_test(check_says_why),
		cmocka_unit_test(
		    what_passes_is_tried_again_and_what_does_not_is_not),
		cmocka_unit_test(a_stall_is_tried_again),
		cmocka_unit_test(
		    a_name_is_looked_for_and_small_documents_are_put),
		cmocka_unit_test(
		    a_small_document_is_got_if_it_is_there_and_small),
		cmocka_unit_test(
		    all_pages_are_listed_and_only_what_is_right_in_the_store),
		cmocka_unit_test(
		    names_are_removed_together_and_failures_are_named),
		cmocka_unit_test(stale_uploads_of_ours_are_aborted),
		cmocka_unit_test(a_proxy_of_the_environment_is_used),
	};

	(void)unsetenv("http_proxy");
	(void)unsetenv("no_proxy");
	(void)unsetenv("NO_PROXY");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
