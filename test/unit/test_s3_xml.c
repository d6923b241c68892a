#include "lib/store/s3_xml.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "lib/base/str.h"

#define HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
#define NS " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""
#define OBJECT(key) "<Contents><Key>" key "</Key><LastModified>" \
	"2026-11-20T03:00:01.000Z</LastModified><ETag>&quot;x&quot;</ETag>" \
	"<Size>17</Size></Contents>"
#define LISTING(inner) HEAD "<ListBucketResult" NS ">" inner \
	"</ListBucketResult>"

static void
an_error_document_is_told_from_others(void **state)
{
	static const struct {
		const char *body, *code, *message, *region;
	} rows[] = {
		{ HEAD "<Error><Code>AccessDenied</Code><Message>Access Denied"
		  "</Message><Region>eu-1</Region></Error>", "AccessDenied",
		  "Access Denied", "eu-1" },
		{ "<Error><Code>A</Code>", "A", "", "" },	/* cut off */
		{ "<html><body>proxy</body></html>", "", "", "" },
		{ "", "", "", "" }, { "garbage", "", "", "" },
		{ "<Other><Error><Code>X</Code></Error></Other>", "", "", "" },
		{ "<!DOCTYPE Error [<!ENTITY a \"b\">]><Error><Code>&a;"
		  "</Code></Error>", "", "", "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct s3_error error;

		s3_xml_error(rows[i].body, strlen(rows[i].body), &error);
		assert_string_equal(error.code, rows[i].code);
		assert_string_equal(error.message, rows[i].message);
		assert_string_equal(error.region, rows[i].region);
	}
}

static void
a_listing_gives_objects_wherever_the_encoding_is_said(void **state)
{
	static const char body[] = LISTING("<IsTruncated>true</IsTruncated>"
	    OBJECT("app/a%20b%2Bc+d%25") OBJECT("app/%C3%A4")
	    OBJECT("bad%00") OBJECT("bad%zz") OBJECT("bad%")
	    "<CommonPrefixes><Prefix>app/x/</Prefix></CommonPrefixes>"
	    "<NextContinuationToken>t/1==</NextContinuationToken>"
	    "<EncodingType>url</EncodingType><New><Deep/></New>");
	static const char plain[] = LISTING(OBJECT("a%20b+c&amp;"));
	struct s3_listing list = S3_LISTING_INIT;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(s3_xml_listing(body, sizeof body - 1, &list, &err),
	    0);
	assert_int_equal(list.n, 2);
	assert_string_equal(list.v[0].key, "app/a b+c d%");
	assert_int_equal(list.v[0].bytes, 17);
	assert_int_equal(list.v[0].modified, 1795143601);
	assert_string_equal(list.v[1].key, "app/\xc3\xa4");
	assert_true(list.truncated);
	assert_string_equal(list.next, "t/1==");
	s3_listing_free(&list);
	assert_int_equal(s3_xml_listing(plain, sizeof plain - 1, &list, &err),
	    0);
	assert_int_equal(list.n, 1);
	assert_string_equal(list.v[0].key, "a%20b+c&");
	assert_false(list.truncated);
	s3_listing_free(&list);
}

static void
a_listing_that_cannot_be_trusted_is_none(void **state)
{
	static const char *const bodies[] = {
		"", "x", HEAD, "<ListBucketResult>", LISTING("") "<more/>",
		"<Error><Code>A</Code></Error>",
		LISTING("<IsTruncated>true</IsTruncated>"),
		LISTING("<Contents><Key>a</Key><Size>1</Size></Contents>"),
		LISTING("<Contents><Size>1</Size><LastModified>"
		    "2026-11-20T03:00:01.000Z</LastModified></Contents>"),
		LISTING("<Contents><Key>a</Key><LastModified>"
		    "2026-11-20T03:00:01.000Z</LastModified></Contents>"),
		LISTING("<Contents><Key>a</Key><Size>-1</Size></Contents>"),
		LISTING("<Contents><Key>a</Key><Size>1x</Size></Contents>"),
		LISTING("<Contents><Key>a</Key><Size>99999999999999999999"
		    "</Size></Contents>"),
		LISTING("<Contents><LastModified>yesterday</LastModified>"
		    "</Contents>"),
		"<!DOCTYPE x>" LISTING(""),
		"<a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a>"
		    "</a></a></a></a></a></a></a></a></a></a></a></a></a></a>"
		    "</a></a></a></a></a>",
		LISTING("\xff\xfe"),
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
		struct s3_listing list = S3_LISTING_INIT;
		struct err err = ERR_INIT;

		assert_int_equal(s3_xml_listing(bodies[i], strlen(bodies[i]),
		    &list, &err), -1);
		assert_int_equal(err.kind, ERR_PROTOCOL);
		assert_null(list.v);
	}
}

static void
a_text_that_is_too_long_is_refused(void **state)
{
	CLEANUP(str_free) struct str body = STR_INIT;
	struct s3_listing list = S3_LISTING_INIT;
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	str_add(&body, "<ListBucketResult><Contents><Key>");
	for (i = 0; i < 2000; i++)
		str_add(&body, "0123456789");
	str_add(&body, "</Key></Contents></ListBucketResult>");
	assert_int_equal(s3_xml_listing(body.s, body.len, &list, &err), -1);
	assert_non_null(strstr(err.msg, "too long"));
}

static void
unfinished_uploads_are_listed(void **state)
{
	static const char body[] = HEAD "<ListMultipartUploadsResult" NS ">"
	    "<UploadIdMarker/><NextKeyMarker>a%2Fb</NextKeyMarker>"
	    "<NextUploadIdMarker>i2</NextUploadIdMarker>"
	    "<EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>"
	    "<Upload><Key>a%2Fb</Key><UploadId>i1</UploadId><Initiator><ID>x"
	    "</ID></Initiator><Initiated>2026-11-20T03:00:01Z</Initiated>"
	    "</Upload></ListMultipartUploadsResult>";
	static const char *const bad[] = {
		"<ListMultipartUploadsResult><IsTruncated>true</IsTruncated>"
		    "</ListMultipartUploadsResult>",
		"<ListMultipartUploadsResult><Upload><Key>a</Key></Upload>"
		    "</ListMultipartUploadsResult>",
		"<ListBucketResult/>",
	};
	struct s3_unfinished_list list = S3_UNFINISHED_LIST_INIT;
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	assert_int_equal(s3_xml_unfinished(body, sizeof body - 1, &list,
	    &err), 0);
	assert_int_equal(list.n, 1);
	assert_string_equal(list.v[0].key, "a/b");
	assert_string_equal(list.v[0].id, "i1");
	assert_int_equal(list.v[0].begun, 1795143601);
	assert_string_equal(list.next_key, "a/b");
	assert_string_equal(list.next_id, "i2");
	s3_unfinished_list_free(&list);
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(s3_xml_unfinished(bad[i], strlen(bad[i]),
		    &list, &err), -1);
}

static void
small_answers_give_their_one_value(void **state)
{
	static const char begun[] = "<InitiateMultipartUploadResult>"
	    "<UploadId>abc</UploadId></InitiateMultipartUploadResult>";
	static const char no_id[] = "<InitiateMultipartUploadResult>"
	    "<UploadId></UploadId></InitiateMultipartUploadResult>";
	static const char done[] = "<CompleteMultipartUploadResult><ETag>"
	    "&quot;0123-2&quot;</ETag></CompleteMultipartUploadResult>";
	static const char no_etag[] = "<CompleteMultipartUploadResult><ETag/>"
	    "</CompleteMultipartUploadResult>";
	struct err err = ERR_INIT;
	char *text = NULL;

	(void)state;
	assert_int_equal(s3_xml_upload_id(begun, sizeof begun - 1, &text,
	    &err), 0);
	assert_string_equal(text, "abc");
	free(text);
	assert_int_equal(s3_xml_upload_id(no_id, sizeof no_id - 1, &text,
	    &err), -1);
	assert_int_equal(s3_xml_upload_id(done, sizeof done - 1, &text, &err),
	    -1);
	assert_int_equal(s3_xml_etag(done, sizeof done - 1, &text, &err), 0);
	assert_string_equal(text, "0123-2");
	free(text);
	assert_int_equal(s3_xml_etag(no_etag, sizeof no_etag - 1, &text, &err),
	    0);
	assert_string_equal(text, "");
	free(text);
	assert_int_equal(s3_xml_etag(begun, sizeof begun - 1, &text, &err),
	    -1);
}

static void
what_could_not_be_removed_is_listed(void **state)
{
	static const char body[] = HEAD "<DeleteResult" NS "><Error><Key>a b"
	    "</Key><Code>AccessDenied</Code><Message>no</Message></Error>"
	    "<Deleted><Key>c</Key></Deleted><Error><Key>d</Key></Error>"
	    "</DeleteResult>";
	static const char keyless[] = "<DeleteResult><Error/></DeleteResult>";
	struct s3_failures list = S3_FAILURES_INIT;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(s3_xml_failures(body, sizeof body - 1, &list, &err),
	    0);
	assert_int_equal(list.n, 2);
	assert_string_equal(list.v[0].key, "a b");
	assert_string_equal(list.v[0].code, "AccessDenied");
	assert_string_equal(list.v[0].message, "no");
	assert_null(list.v[1].code);
	s3_failures_free(&list);
	assert_int_equal(s3_xml_failures(keyless, sizeof keyless - 1, &list,
	    &err), -1);
	assert_int_equal(s3_xml_failures("<x/>", 4, &list, &err), -1);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_error_document_is_told_from_others),
		cmocka_unit_test(
		    a_listing_gives_objects_wherever_the_encoding_is_said),
		cmocka_unit_test(a_listing_that_cannot_be_trusted_is_none),
		cmocka_unit_test(a_text_that_is_too_long_is_refused),
		cmocka_unit_test(unfinished_uploads_are_listed),
		cmocka_unit_test(small_answers_give_their_one_value),
		cmocka_unit_test(what_could_not_be_removed_is_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
