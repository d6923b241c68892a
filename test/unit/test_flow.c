/* flow: stages in line, and the window's end on every path. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/run/flow.h"

static char directory[] = "/tmp/vbackup-test-flow.XXXXXX";

static int
make_directory(void **state)
{
	char path[64];
	FILE *file;

	(void)state;
	if (mkdtemp(directory) == NULL)
		return -1;
	(void)snprintf(path, sizeof path, "%s/file", directory);
	file = fopen(path, "w");
	if (file == NULL)
		return -1;
	(void)fputs("content", file);
	return fclose(file);
}

static int
remove_directory(void **state)
{
	char path[64];

	(void)state;
	(void)snprintf(path, sizeof path, "%s/file", directory);
	(void)unlink(path);
	return rmdir(directory);
}

static void
count(void *cookie)
{
	int *calls = cookie;

	(*calls)++;
}

static int
flow(const char *path, int fd, enum compression kind, int *calls,
    struct flow_result *ret, struct err *err)
{
	const struct pack_source source = { path, "root", "/root" };
	CLEANUP(spool_freep) struct spool *spool = NULL;
	struct flow_settings settings = {
		.sources = &source,
		.n_sources = 1,
		.n_quiesced = 1,
		.compress = { .kind = kind, .threads = 2 },
		.window_over = count,
		.cookie = calls,
	};

	assert_int_equal(spool_new_file(fd, "spool", &spool, err), 0);
	settings.spool = spool;
	return flow_run(&settings, ret, err);
}

static void
a_source_ends_up_in_the_spool_with_its_figures(void **state)
{
	static const enum compression kinds[] = { COMPRESSION_NONE,
		COMPRESSION_GZIP, COMPRESSION_ZSTD };
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		CLEANUP(flow_result_free) struct flow_result result =
		    FLOW_RESULT_INIT;
		CLEANUP(cleanup_close) int fd = open("/tmp",
		    O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
		struct err err = ERR_INIT;
		int calls = 0;

		assert_int_equal(flow(directory, fd, kinds[i], &calls,
		    &result, &err), 0);
		assert_int_equal(calls, 1);
		assert_int_equal(result.total.members, 2);
		assert_int_equal(result.sources[0].raw_bytes, 7);
		assert_int_equal(lseek(fd, 0, SEEK_END),
		    result.stored.bytes);
		assert_int_equal(strlen(result.stored.sha256), 64);
	}
}

static void
a_spool_that_fails_is_the_cause_and_the_window_ends_once(void **state)
{
	CLEANUP(flow_result_free) struct flow_result result =
	    FLOW_RESULT_INIT;
	CLEANUP(cleanup_close) int fd = open("/dev/full", O_RDWR | O_CLOEXEC);
	struct err err = ERR_INIT;
	int calls = 0;

	(void)state;
	assert_int_equal(flow(directory, fd, COMPRESSION_NONE, &calls,
	    &result, &err), -1);
	assert_int_equal(err.kind, ERR_NOSPACE);
	assert_int_equal(calls, 1);
}

static void
a_source_that_is_missing_is_the_cause_and_the_window_ends_once(void **state)
{
	CLEANUP(flow_result_free) struct flow_result result =
	    FLOW_RESULT_INIT;
	CLEANUP(cleanup_close) int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct err err = ERR_INIT;
	int calls = 0;

	(void)state;
	assert_int_equal(flow("/does/not/exist", fd, COMPRESSION_GZIP, &calls,
	    &result, &err), -1);
	assert_non_null(strstr(err.msg, "/does/not/exist"));
	assert_int_not_equal(err.kind, ERR_STREAM);
	assert_int_equal(calls, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_source_ends_up_in_the_spool_with_its_figures),
		cmocka_unit_test(
		    a_spool_that_fails_is_the_cause_and_the_window_ends_once),
		cmocka_unit_test(
		    a_source_that_is_missing_is_the_cause_and_the_window_ends_once),
	};

	return cmocka_run_group_tests(tests, make_directory,
	    remove_directory);
}
