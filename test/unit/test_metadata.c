#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/log.h"
#include "lib/store/metadata.h"

static const struct metadata plain = {
	.name = "b.tar.gz", .job = "default", .host = "h",
	.started = 1795140000, .finished = 1795140010,
	.size_bytes = 1, .sha256 = "00", .raw_bytes = 2, .files = 3,
	.compression = "gzip", .encryption = "none", .vbackup = "1.0",
};

static int
use_utc(void **state)
{
	(void)state;
	(void)setenv("TZ", "UTC", 1);
	tzset();
	return 0;
}

static char *
format(const struct metadata *metadata)
{
	struct err err = ERR_INIT;
	char *text = NULL;

	assert_int_equal(metadata_format(metadata, &text, &err), 0);
	assert_int_equal(text[strlen(text) - 1], '\n');
	return text;
}

/* The same document without what is only for the eye; caller frees. */
static char *
compact(const char *text)
{
	cJSON *root = cJSON_Parse(text);
	char *dense;

	assert_non_null(root);
	dense = cJSON_PrintUnformatted(root);
	cJSON_Delete(root);
	assert_non_null(dense);
	return dense;
}

static void
the_document_has_the_documented_form(void **state)
{
	CLEANUP(strmap_free) struct strmap labels = STRMAP_INIT;
	CLEANUP(strmap_free) struct strmap options = STRMAP_INIT;
	CLEANUP(strlist_free) struct strlist warnings = STRLIST_INIT;
	CLEANUP(cleanup_free) char *text = NULL;
	CLEANUP(cleanup_free) char *dense = NULL;
	struct metadata_source sources[] = {
		{ "volume", "db", "/v/db/_data", "local", &labels, &options,
		    7 },
		{ "directory", NULL, "/srv", NULL, NULL, NULL, 0 },
	};
	struct metadata_container container = {
		"web", "nginx:1", "stop", 1.2000000476837158
	};
	struct metadata metadata = plain;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(strmap_add(&labels, "l", "1", &err), 0);
	assert_int_equal(strmap_add(&options, "type", "nfs", &err), 0);
	assert_int_equal(strlist_add(&warnings, "w \"1\"", &err), 0);
	metadata.sources = sources;
	metadata.n_sources = 2;
	metadata.containers = &container;
	metadata.n_containers = 1;
	metadata.warnings = &warnings;
	text = format(&metadata);
	dense = compact(text);
	assert_string_equal(dense, "{\"version\":1,\"name\":\"b.tar.gz\","
	    "\"job\":\"default\",\"host\":\"h\","
	    "\"started\":\"2026-11-20T02:00:00+00:00\","
	    "\"finished\":\"2026-11-20T02:00:10+00:00\","
	    "\"size_bytes\":1,\"sha256\":\"00\",\"raw_bytes\":2,\"files\":3,"
	    "\"compression\":\"gzip\",\"encryption\":\"none\",\"sources\":["
	    "{\"type\":\"volume\",\"name\":\"db\",\"path\":\"/v/db/_data\","
	    "\"driver\":\"local\",\"labels\":{\"l\":\"1\"},"
	    "\"options\":{\"type\":\"nfs\"},\"members\":7},"
	    "{\"type\":\"directory\",\"path\":\"/srv\",\"members\":0}],"
	    "\"containers\":[{\"name\":\"web\",\"image\":\"nginx:1\","
	    "\"action\":\"stop\",\"window_seconds\":1.2}],"
	    "\"warnings\":[\"w \\\"1\\\"\"],\"vbackup\":\"1.0\"}");
}

static void
lists_that_are_empty_are_there(void **state)
{
	CLEANUP(cleanup_free) char *text = format(&plain);
	CLEANUP(cleanup_free) char *dense = compact(text);

	(void)state;
	assert_non_null(strstr(dense,
	    "\"sources\":[],\"containers\":[],\"warnings\":[],"));
}

static void
a_volume_without_labels_has_empty_ones(void **state)
{
	struct metadata_source source = {
		.type = "volume", .name = "v", .path = "/v", .driver = "local"
	};
	struct metadata metadata = plain;
	CLEANUP(cleanup_free) char *text = NULL;
	CLEANUP(cleanup_free) char *dense = NULL;

	(void)state;
	metadata.sources = &source;
	metadata.n_sources = 1;
	text = format(&metadata);
	dense = compact(text);
	assert_non_null(strstr(dense, "\"labels\":{},\"options\":{}"));
}

static void
large_numbers_keep_their_digits(void **state)
{
	static const struct {
		uint64_t number;
		const char *text;
	} cases[] = {
		{ 0, "\"size_bytes\":\t0," },
		{ UINT64_C(9007199254740993), "\t9007199254740993," },
		{ UINT64_MAX, "\t18446744073709551615," },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CLEANUP(cleanup_free) char *text = NULL;
		struct metadata metadata = plain;

		metadata.size_bytes = cases[i].number;
		text = format(&metadata);
		assert_non_null(strstr(text, cases[i].text));
	}
}

static void
strings_are_utf_8_whatever_they_were(void **state)
{
	static const struct {
		const char *text;
		const char *parsed;
	} cases[] = {
		{ "\xc3\xa4 \\ \n \" \x01", "\xc3\xa4 \\ \n \" \x01" },
		{ "\xff", "\\xff" },
		{ "a\xff\\\n\xc3\xa4", "a\\xff\\\\\\n\xc3\xa4" },
		{ "", "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CLEANUP(strmap_free) struct strmap map = STRMAP_INIT;
		CLEANUP(cleanup_free) char *text = NULL;
		struct metadata_source source = {
			.type = "volume", .name = "v", .path = cases[i].text,
			.driver = "local", .labels = &map
		};
		struct metadata metadata = plain;
		struct err err = ERR_INIT;
		cJSON *root, *at;

		assert_int_equal(strmap_add(&map, cases[i].text,
		    cases[i].text, &err), 0);
		metadata.sources = &source;
		metadata.n_sources = 1;
		text = format(&metadata);
		assert_true(str_is_utf8(text));
		root = cJSON_Parse(text);
		assert_non_null(root);
		at = cJSON_GetArrayItem(cJSON_GetObjectItem(root, "sources"),
		    0);
		assert_string_equal(cJSON_GetStringValue(
		    cJSON_GetObjectItem(at, "path")), cases[i].parsed);
		at = cJSON_GetObjectItem(at, "labels")->child;
		assert_string_equal(at->string, cases[i].parsed);
		assert_string_equal(at->valuestring, cases[i].parsed);
		cJSON_Delete(root);
	}
}

static void
passwords_of_a_volume_are_left_out(void **state)
{
	static const struct {
		const char *key;
		const char *value;
		const char *shown;
	} cases[] = {
		{ "o", "addr=nas,username=me,password=x1,vers=3.0",
		    "addr=nas,username=me,password=***,vers=3.0" },
		{ "o", "Pass=x1", "Pass=***" },
		{ "o", "rw,,soft,", "rw,,soft," },
		{ "o", "", "" },
		{ "o", "bypass,rw", "bypass,rw" },
		{ "device", "//nas/pass=word", "//nas/pass=***" },
		{ "password", "x1", "***" },
		{ "S3_SECRET_KEY", "x1", "***" },
		{ "api-token", "x1", "***" },
		{ "note", "the known hunter2", "the known ***" },
	};
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	assert_int_equal(log_secret("hunter2", &err), 0);
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CLEANUP(strmap_free) struct strmap map = STRMAP_INIT;
		CLEANUP(cleanup_free) char *text = NULL;
		struct metadata_source source = {
			.type = "volume", .name = "v", .path = "/v",
			.driver = "local", .options = &map
		};
		struct metadata metadata = plain;
		cJSON *root, *at;

		assert_int_equal(strmap_add(&map, cases[i].key,
		    cases[i].value, &err), 0);
		metadata.sources = &source;
		metadata.n_sources = 1;
		text = format(&metadata);
		root = cJSON_Parse(text);
		at = cJSON_GetArrayItem(cJSON_GetObjectItem(root, "sources"),
		    0);
		at = cJSON_GetObjectItem(at, "options")->child;
		assert_string_equal(at->valuestring, cases[i].shown);
		assert_null(strstr(text, "x1"));
		cJSON_Delete(root);
	}
	log_close();
}

static void
warnings_are_masked(void **state)
{
	CLEANUP(strlist_free) struct strlist warnings = STRLIST_INIT;
	CLEANUP(cleanup_free) char *text = NULL;
	struct metadata metadata = plain;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(log_secret("hunter2", &err), 0);
	assert_int_equal(strlist_add(&warnings, "with hunter2", &err), 0);
	metadata.warnings = &warnings;
	text = format(&metadata);
	assert_null(strstr(text, "hunter2"));
	assert_non_null(strstr(text, "with ***"));
	log_close();
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_document_has_the_documented_form),
		cmocka_unit_test(lists_that_are_empty_are_there),
		cmocka_unit_test(a_volume_without_labels_has_empty_ones),
		cmocka_unit_test(large_numbers_keep_their_digits),
		cmocka_unit_test(strings_are_utf_8_whatever_they_were),
		cmocka_unit_test(passwords_of_a_volume_are_left_out),
		cmocka_unit_test(warnings_are_masked),
	};

	return cmocka_run_group_tests(tests, use_utc, NULL);
}
