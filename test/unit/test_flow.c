/* flow: stages in line, and the window's end on every path. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/run/flow.h"

#define LARGE_BYTES ((uint64_t)80 << 20)	/* far more than fits between */

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

static int
open_one(void *cookie, size_t window, struct err *err)
{
	const int *calls = cookie;

	(void)err;
	assert_int_equal(window, 0);
	assert_int_equal(*calls, 0);
	return 0;
}

static void
count(void *cookie, size_t window)
{
	int *calls = cookie;

	assert_int_equal(window, 0);
	(*calls)++;
}

static int
flow(const char *path, int fd, enum compression kind, int *calls,
    struct flow_result *ret, struct err *err)
{
	const struct flow_source source = {
		.pack = { path, "root", "/root" } };
	CLEANUP(spool_freep) struct spool *spool = NULL;
	struct flow_settings settings = {
		.sources = &source,
		.n_sources = 1,
		.windows = (const size_t[]){ 1 },
		.n_windows = 1,
		.compress = { .kind = kind, .threads = 2 },
		.window_open = open_one,
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

/* Reads nothing before the window is over: as an upload that stalls. */
struct late_reader {
	struct spool_reader *reader;
	atomic_bool over;
	int rc;
	struct err err;
};

static int
open_late(void *cookie, size_t window, struct err *err)
{
	(void)cookie;
	(void)window;
	(void)err;
	return 0;
}

static void
let_read(void *cookie, size_t window)
{
	struct late_reader *late = cookie;

	(void)window;
	atomic_store(&late->over, true);
}

static void *
read_late(void *cookie)
{
	struct late_reader *late = cookie;
	uint64_t have = 0;
	bool end = false;

	while (!atomic_load(&late->over))
		(void)usleep(1000);
	while (late->rc == 0 && !end) {
		late->rc = spool_wait(late->reader, have + 1, &have, &end,
		    &late->err);
		spool_release(late->reader, have);
	}
	spool_leave(late->reader);
	return NULL;
}

static void *
run_flow(void *cookie)
{
	const struct flow_settings *settings = cookie;
	struct flow_result result = FLOW_RESULT_INIT;
	struct err err = ERR_INIT;
	int rc = flow_run(settings, &result, &err);

	spool_end(settings->spool, rc == 0);
	assert_int_equal(rc, 0);
	assert_int_equal(result.total.raw_bytes, LARGE_BYTES);
	flow_result_free(&result);
	return NULL;
}

static void
make_large_file(const char *path)
{
	static unsigned char bytes[1 << 20];
	FILE *file = fopen(path, "w");
	size_t i, k;

	assert_non_null(file);
	srandom(1);
	for (i = 0; i < LARGE_BYTES >> 20; i++) {
		for (k = 0; k < sizeof bytes; k++)
			bytes[k] = (unsigned char)random();
		assert_int_equal(fwrite(bytes, sizeof bytes, 1, file), 1);
	}
	assert_int_equal(fclose(file), 0);
}

/* It would wait for ever, for the reader waits for the window's end. */
static void
with_an_overflow_the_window_ends_though_nothing_is_taken_away(void **state)
{
	char path[] = "/tmp/vbackup-test-flow-large.XXXXXX";
	const struct flow_source source = {
		.pack = { path, "root", "/root" } };
	CLEANUP(spool_freep) struct spool *spool = NULL;
	CLEANUP(overflow_freep) struct overflow *overflow = NULL;
	struct late_reader late = { .rc = 0 };
	struct flow_settings settings = {
		.sources = &source,
		.n_sources = 1,
		.windows = (const size_t[]){ 1 },
		.n_windows = 1,
		.compress = { .kind = COMPRESSION_ZSTD, .threads = 2 },
		.window_open = open_late,
		.window_over = let_read,
		.cookie = &late,
	};
	struct err err = ERR_INIT;
	pthread_t reader, flow;

	(void)state;
	(void)close(mkstemp(path));
	make_large_file(path);
	assert_int_equal(overflow_new("/tmp", 2 * LARGE_BYTES, true,
	    &overflow, &err), 0);
	assert_int_equal(spool_new_memory(1 << 20, &spool, &err), 0);
	assert_int_equal(spool_reader(spool, &late.reader, &err), 0);
	settings.spool = spool;
	settings.overflow = overflow;
	assert_int_equal(pthread_create(&reader, NULL, read_late, &late), 0);
	assert_int_equal(pthread_create(&flow, NULL, run_flow, &settings), 0);
	(void)pthread_join(flow, NULL);
	(void)pthread_join(reader, NULL);
	assert_int_equal(late.rc, 0);
	assert_true(overflow_bytes(overflow) > 0);
	(void)unlink(path);
}

/* Windows open and end in turns, around the reading of their sources. */
struct turns {
	int refuse;		/* the window that does not open; -1: none */
	char text[64];		/* what happened, "(0" and "0)" */
};

static int
open_turn(void *cookie, size_t window, struct err *err)
{
	struct turns *turns = cookie;
	size_t n = strlen(turns->text);

	(void)snprintf(turns->text + n, sizeof turns->text - n, "(%zu",
	    window);
	if (turns->refuse == (int)window)
		return err_set(err, ERR_REFUSED, "refused");
	return 0;
}

static void
end_turn(void *cookie, size_t window)
{
	struct turns *turns = cookie;
	size_t n = strlen(turns->text);

	(void)snprintf(turns->text + n, sizeof turns->text - n, "%zu)",
	    window);
}

static int
flow_in_turns(const char *second, struct turns *turns, struct err *err)
{
	const struct flow_source sources[] = {
		{ .pack = { directory, "a", "/a" } },
		{ .pack = { second, "b", "/b" } },
		{ .pack = { directory, "c", "/c" } },
		{ .pack = { directory, "d", "/d" } },
	};
	CLEANUP(cleanup_close) int fd = open("/tmp",
	    O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	CLEANUP(flow_result_free) struct flow_result result =
	    FLOW_RESULT_INIT;
	CLEANUP(spool_freep) struct spool *spool = NULL;
	struct flow_settings settings = {
		.sources = sources,
		.n_sources = 4,
		.windows = (const size_t[]){ 1, 2, 0 },
		.n_windows = 3,
		.compress = { .kind = COMPRESSION_GZIP, .threads = 2 },
		.window_open = open_turn,
		.window_over = end_turn,
		.cookie = turns,
	};

	assert_int_equal(spool_new_file(fd, "spool", &spool, err), 0);
	settings.spool = spool;
	return flow_run(&settings, &result, err);
}

static void
windows_open_and_end_one_after_the_other(void **state)
{
	struct turns turns = { .refuse = -1 };
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(flow_in_turns(directory, &turns, &err), 0);
	assert_string_equal(turns.text, "(00)(11)(22)");
}

static void
a_window_that_does_not_open_is_ended_and_is_the_cause(void **state)
{
	struct turns turns = { .refuse = 1 };
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(flow_in_turns(directory, &turns, &err), -1);
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_string_equal(turns.text, "(00)(11)");
}

static void
a_source_that_fails_in_a_window_ends_it(void **state)
{
	struct turns turns = { .refuse = -1 };
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(flow_in_turns("/does/not/exist", &turns, &err), -1);
	assert_non_null(strstr(err.msg, "/does/not/exist"));
	assert_string_equal(turns.text, "(00)(11)");
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
		cmocka_unit_test(windows_open_and_end_one_after_the_other),
		cmocka_unit_test(
		    a_window_that_does_not_open_is_ended_and_is_the_cause),
		cmocka_unit_test(a_source_that_fails_in_a_window_ends_it),
		cmocka_unit_test(
		    with_an_overflow_the_window_ends_though_nothing_is_taken_away),
	};

	return cmocka_run_group_tests(tests, make_directory,
	    remove_directory);
}
