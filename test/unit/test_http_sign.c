#include "lib/base/http_sign.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b" \
	"855"
#define CREDENTIAL "Authorization: AWS4-HMAC-SHA256 Credential=" \
	"AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"

/* The examples of Amazon's own documentation, at 2013-05-24 00:00 UTC. */
static const struct http_aws aws = { "AKIAIOSFODNN7EXAMPLE",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1", "s3" };
#define NOW ((time_t)1369353600)

static const char *
signed_with(const char *method, const char *path, const char *base,
    const char *const *lines, struct strlist *headers)
{
	const struct http_request request = { .method = method, .path = path,
	    .aws = &aws };
	struct err err = ERR_INIT;

	for (; *lines != NULL; lines++)
		assert_int_equal(strlist_add(headers, *lines, &err), 0);
	assert_int_equal(http_sign(&request, base, NOW, headers, &err), 0);
	assert_string_equal(headers->v[headers->n - 2],
	    "x-amz-date: 20130524T000000Z");
	return headers->v[headers->n - 1];
}

static void
signs_as_the_documentation_does(void **state)
{
	static const struct {
		const char *method, *path;
		const char *lines[5];
		const char *rest;
	} rows[] = {
		{ "GET", "/test.txt", { "Range: bytes=0-9",
		  "x-amz-content-sha256: " EMPTY }, "SignedHeaders=host;range;"
		  "x-amz-content-sha256;x-amz-date,Signature=f0e8bdb87c964420e"
		  "857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41" },
		{ "PUT", "/test%24file.text",
		  { "Date: Fri, 24 May 2013 00:00:00 GMT",
		  "x-amz-storage-class: REDUCED_REDUNDANCY",
		  "x-amz-content-sha256: 44ce7dd67c959e0d3524ffac1771dfbba87d2"
		  "b6b4b4e99e42034a8b803f8b072" }, "SignedHeaders=date;host;"
		  "x-amz-content-sha256;x-amz-date;x-amz-storage-class,"
		  "Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b"
		  "5971af0ece108bd" },
		{ "GET", "/?lifecycle=", { "x-amz-content-sha256: " EMPTY },
		  "SignedHeaders=host;x-amz-content-sha256;x-amz-date,"
		  "Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7"
		  "a200a0136783543" },
		{ "GET", "/?max-keys=2&prefix=J",
		  { "x-amz-content-sha256: " EMPTY },
		  "SignedHeaders=host;x-amz-content-sha256;x-amz-date,"
		  "Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670"
		  "ed5711ef69dc6f7" },
	};
	static const char *const bases[] = {
		"https://examplebucket.s3.amazonaws.com",
		"https://examplebucket.s3.amazonaws.com:443",
		"http://examplebucket.s3.amazonaws.com:80",
	};
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		for (k = 0; k < 3; k++) {
			CLEANUP(strlist_free) struct strlist headers =
			    STRLIST_INIT;
			CLEANUP(cleanup_free) char *expected = NULL;
			struct err err = ERR_INIT;

			assert_int_equal(str_format(&expected, &err, "%s%s",
			    CREDENTIAL, rows[i].rest), 0);
			assert_string_equal(signed_with(rows[i].method,
			    rows[i].path, bases[k], rows[i].lines, &headers),
			    expected);
		}
	}
}

/* A colon sorts behind a hyphen and behind digits: names must not be sorted
 * together with it. */
static void
headers_are_sorted_by_name_and_their_blanks_do_not_matter(void **state)
{
	static const char *const one[] = { "x-amz-meta-job-name: b",
	    "x-amz-meta-job2: c", "X-Amz-Meta-JOB:  a   B ",
	    "x-amz-content-sha256: " EMPTY, NULL };
	static const char *const other[] = { "x-amz-meta-job:a B",
	    "x-amz-content-sha256:" EMPTY, "x-amz-meta-job2: c",
	    "x-amz-meta-job-name: b", NULL };
	CLEANUP(strlist_free) struct strlist headers = STRLIST_INIT;
	CLEANUP(strlist_free) struct strlist again = STRLIST_INIT;
	const char *line = signed_with("PUT", "/k", "http://h:8080", one,
	    &headers);

	(void)state;
	assert_non_null(strstr(line, "SignedHeaders=host;"
	    "x-amz-content-sha256;x-amz-date;x-amz-meta-job;"
	    "x-amz-meta-job-name;x-amz-meta-job2,"));
	assert_string_equal(line, signed_with("PUT", "/k", "http://h:8080",
	    other, &again));
}

static void
without_a_hash_nothing_is_signed(void **state)
{
	const struct http_request request = { .method = "GET", .path = "/",
	    .aws = &aws };
	CLEANUP(strlist_free) struct strlist headers = STRLIST_INIT;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(http_sign(&request, "http://h", NOW, &headers, &err),
	    -1);
	assert_int_equal(err.kind, ERR_SYSTEM);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(signs_as_the_documentation_does),
		cmocka_unit_test(
		    headers_are_sorted_by_name_and_their_blanks_do_not_matter),
		cmocka_unit_test(without_a_hash_nothing_is_signed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
