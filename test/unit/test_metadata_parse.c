#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/store/metadata.h"

#define LENGTH(array) (sizeof(array) / sizeof *(array))

/* The least that a document has; more may follow. */
#define LEAST "{\"version\":1,\"name\":\"n\""

static int
use_utc(void **state)
{
	(void)state;
	(void)setenv("TZ", "UTC", 1);
	tzset();
	return 0;
}

/* From a copy of exactly this size: reading past its end is seen. */
static int
parse_bytes(const char *text, size_t len, struct metadata_parsed *ret,
    struct err *err)
{
	CLEANUP(cleanup_free) char *copy = malloc(len + (len == 0));

	assert_non_null(copy);
	memcpy(copy, text, len);
	return metadata_parse(copy, len, ret, err);
}

static void
parse_well(const char *text, struct metadata_parsed *ret)
{
	struct err err = ERR_INIT;

	if (parse_bytes(text, strlen(text), ret, &err) < 0)
		fail_msg("%s: %s", text, err.msg);
}

static void
assert_refused(const char *text, size_t len, const char *named)
{
	CLEANUP(metadata_parsed_free) struct metadata_parsed parsed =
	    METADATA_PARSED_INIT;
	struct err err = ERR_INIT;

	if (parse_bytes(text, len, &parsed, &err) == 0)
		fail_msg("%s was taken", text);
	assert_int_equal(err.kind, ERR_PROTOCOL);
	if (strstr(err.msg, named) == NULL)
		fail_msg("'%s' is not in '%s' for %s", named, err.msg, text);
	assert_null(parsed.metadata.name);
}

static void
fill_maps(struct strmap *labels, struct strmap *options)
{
	struct err err = ERR_INIT;

	assert_int_equal(strmap_add(labels, "l", "1", &err), 0);
	assert_int_equal(strmap_add(labels, "", "", &err), 0);
	assert_int_equal(strmap_add(labels, "\xc3\xa4 \"\n", "\\", &err), 0);
	assert_int_equal(strmap_add(options, "type", "nfs", &err), 0);
	assert_int_equal(strmap_add(options, "o", "addr=x,password=y",
	    &err), 0);
}

static void
what_was_formatted_is_parsed(void **state)
{
	CLEANUP(metadata_parsed_free) struct metadata_parsed parsed =
	    METADATA_PARSED_INIT;
	CLEANUP(strmap_free) struct strmap labels = STRMAP_INIT;
	CLEANUP(strmap_free) struct strmap options = STRMAP_INIT;
	CLEANUP(strlist_free) struct strlist warnings = STRLIST_INIT;
	CLEANUP(cleanup_free) char *first = NULL;
	CLEANUP(cleanup_free) char *second = NULL;
	struct metadata_source sources[] = {
		{ "volume", "db", "/v/db/_data", "local", &labels, &options,
		    7 },
		{ "directory", NULL, "/srv/\xff", NULL, NULL, NULL, 0 },
	};
	struct metadata_container containers[] = {
		{ "web", "nginx:1", "stop", 1.25 },
		{ "db", "pg", "pause", 0 },
	};
	struct metadata metadata = {
		.name = "b.tar.gz", .job = "default", .host = "h",
		.started = 1795140000, .finished = 1795140010,
		.size_bytes = UINT64_C(9007199254740991), .sha256 = "00ff",
		.raw_bytes = 2, .files = 3, .compression = "gzip",
		.encryption = "none", .sources = sources, .n_sources = 2,
		.containers = containers, .n_containers = 2,
		.warnings = &warnings, .vbackup = "1.0",
	};
	const struct metadata *read = &parsed.metadata;
	struct err err = ERR_INIT;

	(void)state;
	fill_maps(&labels, &options);
	assert_int_equal(strlist_add(&warnings, "w \"1\"", &err), 0);
	assert_int_equal(metadata_format(&metadata, &first, &err), 0);
	parse_well(first, &parsed);
	/* Each field that there is, by its name, and then all at once. */
	assert_string_equal(read->name, "b.tar.gz");
	assert_string_equal(read->job, "default");
	assert_string_equal(read->host, "h");
	assert_int_equal(read->started, 1795140000);
	assert_int_equal(read->finished, 1795140010);
	assert_int_equal(read->size_bytes, UINT64_C(9007199254740991));
	assert_string_equal(read->sha256, "00ff");
	assert_int_equal(read->raw_bytes, 2);
	assert_int_equal(read->files, 3);
	assert_string_equal(read->compression, "gzip");
	assert_string_equal(read->encryption, "none");
	assert_string_equal(read->vbackup, "1.0");
	assert_int_equal(read->n_sources, 2);
	assert_string_equal(read->sources[0].type, "volume");
	assert_string_equal(read->sources[0].name, "db");
	assert_string_equal(read->sources[0].path, "/v/db/_data");
	assert_string_equal(read->sources[0].driver, "local");
	assert_int_equal(read->sources[0].members, 7);
	assert_int_equal(read->sources[0].labels->keys.n, 3);
	assert_string_equal(strmap_get(read->sources[0].labels,
	    "\xc3\xa4 \"\n"), "\\");
	assert_string_equal(strmap_get(read->sources[0].options, "o"),
	    "addr=x,password=***");
	assert_string_equal(read->sources[1].type, "directory");
	assert_null(read->sources[1].name);
	assert_null(read->sources[1].labels);
	assert_string_equal(read->sources[1].path, "/srv/\\xff");
	assert_int_equal(read->n_containers, 2);
	assert_string_equal(read->containers[0].name, "web");
	assert_string_equal(read->containers[0].image, "nginx:1");
	assert_string_equal(read->containers[1].action, "pause");
	assert_true(read->containers[0].window_s == 1.25);
	assert_int_equal(read->warnings->n, 1);
	assert_int_equal(metadata_format(read, &second, &err), 0);
	assert_string_equal(second, first);
}

static void
what_is_missing_is_empty(void **state)
{
	static const char *const documents[] = {
		LEAST "}",
		" \n" LEAST ",\"job\":null,\"sources\":null,\"containers\":"
		    "null,\"warnings\":null,\"started\":null,\"files\":null}\n",
		LEAST ",\"sources\":[],\"containers\":[],\"warnings\":[]}",
	};
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(documents); i++) {
		CLEANUP(metadata_parsed_free) struct metadata_parsed parsed =
		    METADATA_PARSED_INIT;
		const struct metadata *read = &parsed.metadata;

		parse_well(documents[i], &parsed);
		assert_string_equal(read->name, "n");
		assert_null(read->job);
		assert_int_equal(read->started, 0);
		assert_int_equal(read->files, 0);
		assert_int_equal(read->n_sources, 0);
		assert_int_equal(read->n_containers, 0);
		assert_int_equal(read->warnings->n, 0);
	}
}

static void
a_volume_without_labels_has_empty_ones(void **state)
{
	CLEANUP(metadata_parsed_free) struct metadata_parsed parsed =
	    METADATA_PARSED_INIT;
	const struct metadata_source *source;

	(void)state;
	parse_well(LEAST ",\"sources\":[{\"type\":\"volume\",\"name\":\"v\"}]}",
	    &parsed);
	source = parsed.metadata.sources;
	assert_non_null(source->labels);
	assert_int_equal(source->labels->keys.n, 0);
	assert_int_equal(source->options->keys.n, 0);
	assert_null(source->driver);
	assert_null(source->path);
}

static void
what_newer_versions_add_is_passed_over(void **state)
{
	CLEANUP(metadata_parsed_free) struct metadata_parsed parsed =
	    METADATA_PARSED_INIT;

	(void)state;
	parse_well("{\"new\":[{\"x\":[1e400]}],\"Name\":7,\"version\":1.0,"
	    "\"name\":\"n\",\"sources\":[{\"type\":\"command\",\"argv\":[1],"
	    "\"labels\":7},{\"type\":\"volume\",\"name\":\"v\",\"x\":{}}],"
	    "\"containers\":[{\"name\":\"c\",\"id\":5}]}", &parsed);
	assert_int_equal(parsed.metadata.n_sources, 2);
	assert_string_equal(parsed.metadata.sources[0].type, "command");
	assert_string_equal(parsed.metadata.sources[1].name, "v");
}

static void
the_offset_of_a_time_counts(void **state)
{
	static const struct { const char *text; time_t t; } cases[] = {
		{ "2026-11-20T02:00:00+00:00", 1795140000 },
		{ "2026-11-20T03:00:00+01:00", 1795140000 },
		{ "2026-11-19T21:30:00-04:30", 1795140000 },
		{ "2026-11-20T02:00:00Z", 1795140000 },
		{ "1970-01-01T00:00:00Z", 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(cases); i++) {
		CLEANUP(metadata_parsed_free) struct metadata_parsed parsed =
		    METADATA_PARSED_INIT;
		char text[128];

		(void)snprintf(text, sizeof text, LEAST ",\"finished\":\"%s\"}",
		    cases[i].text);
		parse_well(text, &parsed);
		assert_int_equal(parsed.metadata.finished, cases[i].t);
	}
}

static void
a_field_of_another_kind_is_named(void **state)
{
	static const struct { const char *text, *named; } cases[] = {
		{ "{}", "version" },
		{ "{\"version\":\"1\",\"name\":\"n\"}", "version" },
		{ "{\"version\":2,\"name\":\"n\"}", "version 2 " },
		{ "{\"version\":1.5,\"name\":\"n\"}", "version 1.5 " },
		{ "{\"version\":1}", "name is missing" },
		{ "{\"version\":1,\"name\":\"\"}", "name is missing" },
		{ "{\"version\":1,\"name\":null}", "name is missing" },
		{ "{\"version\":1,\"name\":7}", "name is not a text" },
		{ LEAST ",\"job\":[]}", "job is" },
		{ LEAST ",\"host\":false}", "host is" },
		{ LEAST ",\"host\":\"\xff\"}", "host is not UTF-8" },
		{ LEAST ",\"host\":\"\xed\xa0\x80\"}", "host is not UTF-8" },
		{ LEAST ",\"started\":1795140000}", "started is" },
		{ LEAST ",\"started\":\"\"}", "started is" },
		{ LEAST ",\"started\":\"yesterday\"}", "started is" },
		{ LEAST ",\"finished\":\"2026-11-20 02:00:00\"}", "finished" },
		{ LEAST ",\"size_bytes\":-1}", "size_bytes is" },
		{ LEAST ",\"size_bytes\":1.5}", "size_bytes is" },
		{ LEAST ",\"size_bytes\":\"1\"}", "size_bytes is" },
		{ LEAST ",\"size_bytes\":1e400}", "size_bytes is" },
		{ LEAST ",\"size_bytes\":-1e400}", "size_bytes is" },
		{ LEAST ",\"size_bytes\":9007199254740992}", "size_bytes is" },
		{ LEAST ",\"size_bytes\":18446744073709551616}", "size_bytes" },
		{ LEAST ",\"raw_bytes\":{}}", "raw_bytes is" },
		{ LEAST ",\"files\":true}", "files is" },
		{ LEAST ",\"sha256\":0}", "sha256 is" },
		{ LEAST ",\"compression\":0}", "compression is" },
		{ LEAST ",\"encryption\":0}", "encryption is" },
		{ LEAST ",\"vbackup\":0}", "vbackup is" },
		{ LEAST ",\"sources\":{}}", "sources is not a list" },
		{ LEAST ",\"sources\":[7]}", "sources[0] is not an object" },
		{ LEAST ",\"sources\":[{}]}", "sources[0].type is missing" },
		{ LEAST ",\"sources\":[{\"type\":\"x\"},{\"type\":1}]}",
		    "sources[1].type is not" },
		{ LEAST ",\"sources\":[{\"type\":\"volume\"}]}",
		    "sources[0].name is missing" },
		{ LEAST ",\"sources\":[{\"type\":\"directory\",\"path\":1}]}",
		    "sources[0].path is" },
		{ LEAST ",\"sources\":[{\"type\":\"x\",\"members\":-1}]}",
		    "sources[0].members is" },
		{ LEAST ",\"sources\":[{\"type\":\"volume\",\"name\":\"v\","
		    "\"driver\":1}]}", "sources[0].driver is" },
		{ LEAST ",\"sources\":[{\"type\":\"volume\",\"name\":\"v\","
		    "\"labels\":[]}]}", "sources[0].labels is" },
		{ LEAST ",\"sources\":[{\"type\":\"volume\",\"name\":\"v\","
		    "\"options\":{\"a\":1}}]}", "sources[0].options has" },
		{ LEAST ",\"sources\":[{\"type\":\"volume\",\"name\":\"v\","
		    "\"options\":{\"\xff\":\"\"}}]}", "sources[0].options is" },
		{ LEAST ",\"containers\":1}", "containers is" },
		{ LEAST ",\"containers\":[null]}", "containers[0] is" },
		{ LEAST ",\"containers\":[{}]}", "containers[0].name is" },
		{ LEAST ",\"containers\":[{\"name\":\"c\",\"image\":1}]}",
		    "containers[0].image is" },
		{ LEAST ",\"containers\":[{\"name\":\"c\",\"action\":1}]}",
		    "containers[0].action is" },
		{ LEAST ",\"containers\":[{\"name\":\"c\",\"window_seconds\":"
		    "-1}]}", "containers[0].window_seconds is" },
		{ LEAST ",\"containers\":[{\"name\":\"c\",\"window_seconds\":"
		    "1e999}]}", "containers[0].window_seconds is" },
		{ LEAST ",\"warnings\":\"w\"}", "warnings is" },
		{ LEAST ",\"warnings\":[\"w\",1]}", "warnings[1] is" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(cases); i++)
		assert_refused(cases[i].text, strlen(cases[i].text),
		    cases[i].named);
}

static void
what_is_no_document_is_refused(void **state)
{
	static const struct { const char *text; size_t len; const char *named; }
	cases[] = {
#define CASE(text, named) { text, sizeof(text) - 1, named }
		CASE("", "not JSON"), CASE(" ", "not JSON"),
		CASE("{", "not JSON"), CASE("<html>", "not JSON"),
		CASE(LEAST, "not JSON"), CASE(LEAST "} x", "not JSON"),
		CASE(LEAST "}{}", "not JSON"), CASE("[]", "not an object"),
		CASE("\"x\"", "not an object"), CASE("1", "not an object"),
		CASE("null", "not an object"), CASE("\\", "not JSON"),
		CASE("\xff\xfe", "not JSON"), CASE("\0", "NUL"),
		CASE(LEAST "}\0", "NUL"),
		CASE("{\"version\":1,\"name\":\"a\0b\"}", "NUL"),
		CASE("{\"version\":1,\"name\":\"a\\u0000b\"}", "NUL"),
		CASE("{\"version\":1,\"name\":\"a\\\\\\u0000b\"}", "NUL"),
		CASE("{\"version\":1,\"name\":\"a\\ud800\"}", "not JSON"),
	};
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(cases); i++)
		assert_refused(cases[i].text, cases[i].len, cases[i].named);
}

static void
a_backslash_before_u0000_is_no_nul(void **state)
{
	CLEANUP(metadata_parsed_free) struct metadata_parsed parsed =
	    METADATA_PARSED_INIT;

	(void)state;
	parse_well("{\"version\":1,\"name\":\"a\\\\u0000\"}", &parsed);
	assert_string_equal(parsed.metadata.name, "a\\u0000");
}

/* Each of the document's prefixes; none of them is one. */
static void
a_document_that_was_cut_is_refused(void **state)
{
	static const char text[] = LEAST ",\"size_bytes\":12,\"sources\":[{"
	    "\"type\":\"volume\",\"name\":\"v\",\"labels\":{\"a\":\"\\u00e4\"}"
	    "}],\"started\":\"2026-11-20T02:00:00Z\"}";
	size_t n;

	(void)state;
	for (n = 0; n < sizeof text - 1; n++)
		assert_refused(text, n, "not JSON");
}

static void
depth_and_width_are_limited(void **state)
{
	static char text[200000];
	size_t n, i;

	(void)state;
	memset(text, '[', sizeof text);
	assert_refused(text, sizeof text, "not JSON");
	n = (size_t)snprintf(text, sizeof text, LEAST ",\"sources\":[{"
	    "\"type\":\"volume\",\"name\":\"v\",\"labels\":{\"\":\"\"");
	for (i = 0; i < 5000; i++)
		n += (size_t)snprintf(text + n, sizeof text - n,
		    ",\"%zu\":\"\"", i);
	n += (size_t)snprintf(text + n, sizeof text - n, "}}]}");
	assert_refused(text, n, "sources[0].labels is too long");
}

static void
masked_values_are_told_apart(void **state)
{
	(void)state;
	assert_true(metadata_is_masked("***"));
	assert_true(metadata_is_masked("addr=x,password=***,rw"));
	assert_false(metadata_is_masked("addr=x"));
	assert_false(metadata_is_masked(""));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_formatted_is_parsed),
		cmocka_unit_test(what_is_missing_is_empty),
		cmocka_unit_test(a_volume_without_labels_has_empty_ones),
		cmocka_unit_test(what_newer_versions_add_is_passed_over),
		cmocka_unit_test(the_offset_of_a_time_counts),
		cmocka_unit_test(a_field_of_another_kind_is_named),
		cmocka_unit_test(what_is_no_document_is_refused),
		cmocka_unit_test(a_backslash_before_u0000_is_no_nul),
		cmocka_unit_test(a_document_that_was_cut_is_refused),
		cmocka_unit_test(depth_and_width_are_limited),
		cmocka_unit_test(masked_values_are_told_apart),
	};

	return cmocka_run_group_tests(tests, use_utc, NULL);
}
