#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <pthread.h>

#include "lib/stream/spool.h"
#include "test/unit/scratch.h"

struct feeder {
	struct chan *chan;
	size_t bytes;
	bool cut_off;
	pthread_t thread;
};

static void *
feed(void *cookie)
{
	static const char a[1000] = { [0 ... 999] = 'a' };
	struct feeder *feeder = cookie;
	struct err err = ERR_INIT;
	size_t left = feeder->bytes, n;

	for (; left != 0; left -= n) {
		n = left < sizeof a ? left : sizeof a;
		if (chan_write(feeder->chan, a, n, &err) < 0)
			return NULL;
	}
	if (feeder->cut_off)
		chan_cancel(feeder->chan);
	else
		(void)!chan_finish(feeder->chan, &err);
	return NULL;
}

/* Spools so many times "a" to fd. */
static int
spool(int fd, size_t bytes, bool cut_off, struct progress *progress,
    struct spool_result *ret, struct err *err)
{
	CLEANUP(chan_freep) struct chan *chan = NULL;
	struct feeder feeder = { .bytes = bytes, .cut_off = cut_off };
	int rc;

	assert_int_equal(chan_new(65536, 4, &chan, err), 0);
	feeder.chan = chan;
	pthread_create(&feeder.thread, NULL, feed, &feeder);
	rc = spool_stage(fd, "it", chan, progress, ret, err);
	chan_cancel(chan);
	pthread_join(feeder.thread, NULL);
	return rc;
}

static void
a_stream_becomes_a_file_and_its_digest(void **state)
{
	static const struct {
		size_t bytes;
		const char *sha256;
	} cases[] = {
		{ 0, "e3b0c44298fc1c149afbf4c8996fb924"
		    "27ae41e4649b934ca495991b7852b855" },
		{ 1000000, "cdc76e5c9914fb9281a1c7e284d73e67"
		    "f1809a48a497200e046d39ccc7112cd0" },
	};
	struct scratch scratch;
	size_t i;

	(void)state;
	scratch_new(&scratch);
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CLEANUP(cleanup_close) int fd = open(
		    scratch_path(&scratch, "f"), O_RDWR | O_CREAT | O_TRUNC,
		    0600);
		struct progress progress = { 0 };
		struct spool_result result;
		struct err err = ERR_INIT;
		struct stat st;

		assert_int_equal(spool(fd, cases[i].bytes, false, &progress,
		    &result, &err), 0);
		assert_string_equal(result.sha256, cases[i].sha256);
		assert_true(result.bytes == cases[i].bytes);
		assert_true(atomic_load(&progress.stored_bytes) ==
		    cases[i].bytes);
		assert_int_equal(fstat(fd, &st), 0);
		assert_true((size_t)st.st_size == cases[i].bytes);
	}
	scratch_free(&scratch);
}

static void
a_large_stream_is_written_out_as_it_goes(void **state)
{
	struct scratch scratch;
	struct progress progress = { 0 };
	struct spool_result result;
	struct err err = ERR_INIT;
	int fd;

	(void)state;
	scratch_new(&scratch);
	fd = open(scratch_path(&scratch, "f"), O_RDWR | O_CREAT, 0600);
	assert_int_equal(spool(fd, 50000000, false, &progress, &result, &err),
	    0);
	assert_true(result.bytes == 50000000);
	assert_true(lseek(fd, 0, SEEK_END) == 50000000);
	(void)close(fd);
	scratch_free(&scratch);
}

static void
where_nothing_can_be_written_out_it_is_written_all_the_same(void **state)
{
	CLEANUP(cleanup_close) int fd = open("/dev/null", O_WRONLY);
	struct progress progress = { 0 };
	struct spool_result result;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(spool(fd, 20000000, false, &progress, &result, &err),
	    0);
	assert_true(result.bytes == 20000000);
}

static void
a_full_disk_is_told_apart(void **state)
{
	CLEANUP(cleanup_close) int fd = open("/dev/full", O_WRONLY);
	struct progress progress = { 0 };
	struct spool_result result;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(spool(fd, 1000000, false, &progress, &result, &err),
	    -1);
	assert_int_equal(err.kind, ERR_NOSPACE);
	assert_non_null(strstr(err.msg, "'it'"));
}

static void
a_stream_that_was_cut_off_is_no_file(void **state)
{
	CLEANUP(cleanup_close) int fd = open("/dev/null", O_WRONLY);
	struct progress progress = { 0 };
	struct spool_result result;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(spool(fd, 1000000, true, &progress, &result, &err),
	    -1);
	assert_int_equal(err.kind, ERR_STREAM);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stream_becomes_a_file_and_its_digest),
		cmocka_unit_test(a_large_stream_is_written_out_as_it_goes),
		cmocka_unit_test(
		where_nothing_can_be_written_out_it_is_written_all_the_same),
		cmocka_unit_test(a_full_disk_is_told_apart),
		cmocka_unit_test(a_stream_that_was_cut_off_is_no_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
