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
	CLEANUP(spool_freep) struct spool *file = NULL;
	struct feeder feeder = { .bytes = bytes, .cut_off = cut_off };
	int rc;

	assert_int_equal(spool_new_file(fd, "it", &file, err), 0);
	assert_int_equal(chan_new(65536, 4, &chan, err), 0);
	feeder.chan = chan;
	pthread_create(&feeder.thread, NULL, feed, &feeder);
	rc = spool_stage(file, chan, progress, ret, err);
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

/* --- reading behind ----------------------------------------------------------- */

#define TOTAL ((uint64_t)20 << 20)

/* What a spool of numbers holds at an offset. */
static unsigned char
number_at(uint64_t offset)
{
	return (unsigned char)(offset * 2654435761U >> 13);
}

struct writer {
	struct spool *spool;
	struct chan *chan;
	pthread_t feeder, stage;
	struct progress progress;
	struct spool_result result;
	struct err err;
	int rc;
};

static void *
feed_numbers(void *cookie)
{
	struct writer *writer = cookie;
	unsigned char bytes[5000];
	struct err err = ERR_INIT;
	uint64_t at = 0;

	while (at < TOTAL) {
		size_t n = TOTAL - at < sizeof bytes ? (size_t)(TOTAL - at) :
		    sizeof bytes, i;

		for (i = 0; i < n; i++)
			bytes[i] = number_at(at + i);
		if (chan_write(writer->chan, bytes, n, &err) < 0)
			return NULL;
		at += n;
	}
	(void)!chan_finish(writer->chan, &err);
	return NULL;
}

static void *
run_stage(void *cookie)
{
	struct writer *writer = cookie;

	writer->rc = spool_stage(writer->spool, writer->chan,
	    &writer->progress, &writer->result, &writer->err);
	if (writer->rc < 0)
		chan_cancel(writer->chan);
	return NULL;
}

static void
writer_start(struct writer *writer, struct spool *spool)
{
	struct err err = ERR_INIT;

	*writer = (struct writer){ .spool = spool };
	assert_int_equal(chan_new(65536, 4, &writer->chan, &err), 0);
	pthread_create(&writer->feeder, NULL, feed_numbers, writer);
	pthread_create(&writer->stage, NULL, run_stage, writer);
}

static void
writer_join(struct writer *writer)
{
	pthread_join(writer->stage, NULL);
	pthread_join(writer->feeder, NULL);
	chan_free(writer->chan);
}

struct follower {
	struct spool_reader *reader;
	size_t piece;
	uint64_t leaves_at;	/* 0: reads to the end */
	uint64_t read;
	bool wrong;
	bool ended;
	struct err err;
	pthread_t thread;
};

/* Reads each piece twice before it releases it, as one who tries again. */
static void *
follow(void *cookie)
{
	struct follower *f = cookie;
	unsigned char bytes[300000];
	uint64_t have;
	int again;
	size_t n, i;

	while (spool_wait(f->reader, f->read + f->piece, &have, &f->ended,
	    &f->err) == 0) {
		n = have - f->read < f->piece ? (size_t)(have - f->read) :
		    f->piece;
		if (n == 0 && f->ended)
			break;
		for (again = 0; again < 2; again++) {
			if (spool_read(f->reader, f->read, bytes, n,
			    &f->err) < 0)
				f->wrong = true;
			for (i = 0; i < n; i++)
				if (bytes[i] != number_at(f->read + i))
					f->wrong = true;
		}
		f->read += n;
		spool_release(f->reader, f->read);
		if (f->leaves_at != 0 && f->read >= f->leaves_at)
			break;
	}
	spool_leave(f->reader);
	return NULL;
}

static void
follow_all(struct spool *spool, struct follower *followers, size_t n,
    bool good)
{
	struct writer writer;
	struct err err = ERR_INIT;
	size_t i;

	for (i = 0; i < n; i++) {
		assert_int_equal(spool_reader(spool, &followers[i].reader,
		    &err), 0);
		pthread_create(&followers[i].thread, NULL, follow,
		    &followers[i]);
	}
	writer_start(&writer, spool);
	pthread_join(writer.stage, NULL);
	spool_end(spool, good);
	pthread_join(writer.feeder, NULL);
	chan_free(writer.chan);
	assert_int_equal(writer.rc, 0);
	assert_int_equal(writer.result.bytes, TOTAL);
	for (i = 0; i < n; i++)
		pthread_join(followers[i].thread, NULL);
}

static void
readers_at_their_own_pace_see_the_same_in_file_and_ring(void **state)
{
	struct scratch scratch;
	int ring;

	(void)state;
	scratch_new(&scratch);
	for (ring = 0; ring < 2; ring++) {
		CLEANUP(cleanup_close) int fd = open(
		    scratch_path(&scratch, "f"), O_RDWR | O_CREAT | O_TRUNC,
		    0600);
		CLEANUP(spool_freep) struct spool *spool = NULL;
		struct follower followers[3] = { { .piece = 1000 },
			{ .piece = 300000 },
			{ .piece = 77777, .leaves_at = 5000000 } };
		struct err err = ERR_INIT;

		assert_int_equal(ring ?
		    spool_new_memory((uint64_t)3 << 20, &spool, &err) :
		    spool_new_file(fd, "it", &spool, &err), 0);
		follow_all(spool, followers, 3, true);
		assert_false(followers[0].wrong || followers[1].wrong ||
		    followers[2].wrong);
		assert_true(followers[0].ended && followers[1].ended);
		assert_int_equal(followers[0].read, TOTAL);
		assert_int_equal(followers[1].read, TOTAL);
		assert_in_range(followers[2].read, 5000000, 5077777);
	}
	scratch_free(&scratch);
}

static void
an_archive_that_is_none_is_no_end_for_readers(void **state)
{
	CLEANUP(spool_freep) struct spool *spool = NULL;
	struct follower follower = { .piece = 100000 };
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(spool_new_memory((uint64_t)3 << 20, &spool, &err),
	    0);
	follow_all(spool, &follower, 1, false);
	assert_false(follower.ended);
	assert_int_equal(follower.err.kind, ERR_STREAM);
}

static void
a_ring_that_nobody_reads_ends_the_stage(void **state)
{
	CLEANUP(spool_freep) struct spool *spool = NULL;
	struct spool_reader *reader;
	struct writer writer;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(spool_new_memory((uint64_t)3 << 20, &spool, &err),
	    0);
	assert_int_equal(spool_reader(spool, &reader, &err), 0);
	spool_leave(reader);
	writer_start(&writer, spool);
	writer_join(&writer);
	assert_int_equal(writer.rc, -1);
	assert_int_equal(writer.err.kind, ERR_STREAM);
}

static void
a_stage_that_waits_for_a_slow_reader_is_ended_by_the_end(void **state)
{
	CLEANUP(spool_freep) struct spool *spool = NULL;
	struct spool_reader *reader;
	struct writer writer;
	struct err err = ERR_INIT;
	uint64_t have;
	bool end;

	(void)state;
	assert_int_equal(spool_new_memory((uint64_t)2 << 20, &spool, &err),
	    0);
	assert_int_equal(spool_reader(spool, &reader, &err), 0);
	writer_start(&writer, spool);
	assert_int_equal(spool_wait(reader, (uint64_t)2 << 20, &have, &end,
	    &err), 0);
	spool_end(spool, false);
	writer_join(&writer);
	assert_int_equal(writer.rc, -1);
	assert_int_equal(writer.err.kind, ERR_STREAM);
}

static void
a_ring_holds_its_window_unreleased(void **state)
{
	CLEANUP(spool_freep) struct spool *spool = NULL;
	struct spool_reader *reader;
	struct writer writer;
	struct err err = ERR_INIT;
	unsigned char byte;
	uint64_t have;
	bool end;

	(void)state;
	assert_int_equal(spool_new_memory((uint64_t)4 << 20, &spool, &err),
	    0);
	assert_int_equal(spool_reader(spool, &reader, &err), 0);
	writer_start(&writer, spool);
	assert_int_equal(spool_wait(reader, spool_window(spool), &have, &end,
	    &err), 0);
	assert_true(have >= spool_window(spool));
	assert_int_equal(spool_read(reader, 0, &byte, 1, &err), 0);
	assert_int_equal(byte, number_at(0));
	spool_end(spool, false);
	writer_join(&writer);
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
		cmocka_unit_test(
		    readers_at_their_own_pace_see_the_same_in_file_and_ring),
		cmocka_unit_test(an_archive_that_is_none_is_no_end_for_readers),
		cmocka_unit_test(a_ring_that_nobody_reads_ends_the_stage),
		cmocka_unit_test(
		    a_stage_that_waits_for_a_slow_reader_is_ended_by_the_end),
		cmocka_unit_test(a_ring_holds_its_window_unreleased),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
