#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "lib/stream/chan.h"

#define LARGE_BYTES (UINT64_C(100) << 20)

/* The same numbers on both sides. */
static uint32_t
next_random(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) +
	    UINT64_C(1442695040888963407);
	return (uint32_t)(*seed >> 33);
}

/* Byte number n of the stream: cheap, and no period that blocks could hide. */
static unsigned char
byte_at(uint64_t n)
{
	return (unsigned char)(n ^ (n >> 8) * 31 ^ (n >> 16) * 7);
}

struct party {
	struct chan *chan;
	pthread_t thread;
	uint64_t bytes;
	int rc;
	struct err err;
	atomic_bool done;
};

static struct chan *
chan_of(size_t block_bytes, size_t n_blocks)
{
	struct err err = ERR_INIT;
	struct chan *chan = NULL;

	assert_int_equal(chan_new(block_bytes, n_blocks, &chan, &err), 0);
	return chan;
}

static void *
write_mixed(void *cookie)
{
	struct party *party = cookie;
	static unsigned char buffer[70000];
	uint64_t seed = 1, at = 0;

	while (party->rc == 0 && at < LARGE_BYTES) {
		size_t n = next_random(&seed) % (next_random(&seed) % 8 == 0 ?
		    sizeof buffer : 700);
		bool in_place = next_random(&seed) % 2 == 0;
		unsigned char *to = buffer;
		void *room = NULL;
		size_t n_room, i;

		if (in_place) {
			party->rc = chan_room(party->chan, &room, &n_room,
			    &party->err);
			if (party->rc < 0)
				break;
			to = room;
			n = n < n_room ? n : n_room;
		}
		if (n > LARGE_BYTES - at)
			n = LARGE_BYTES - at;
		for (i = 0; i < n; i++)
			to[i] = byte_at(at + i);
		at += n;
		if (in_place)
			chan_commit(party->chan, n);
		else
			party->rc = chan_write(party->chan, buffer, n,
			    &party->err);
	}
	if (party->rc == 0)
		party->rc = chan_finish(party->chan, &party->err);
	return NULL;
}

static void
random_writes_of_both_kinds_arrive_identical(void **state)
{
	static const size_t shapes[][2] = {
		{ 65536, 4 }, { 4096, 1 }, { 100003, 2 },
	};
	size_t k;

	(void)state;
	for (k = 0; k < sizeof shapes / sizeof shapes[0]; k++) {
		CLEANUP(chan_freep) struct chan *chan =
		    chan_of(shapes[k][0], shapes[k][1]);
		struct party writer = { .chan = chan };
		struct err err = ERR_INIT;
		uint64_t at = 0, wrong = 0;
		const void *bytes;
		size_t n, i;

		pthread_create(&writer.thread, NULL, write_mixed, &writer);
		for (;;) {
			assert_int_equal(chan_read(chan, &bytes, &n, &err), 0);
			if (n == 0)
				break;
			/* Full but for the last. */
			assert_true(n == shapes[k][0] ||
			    at + n == LARGE_BYTES);
			for (i = 0; i < n; i++, at++)
				wrong += ((const unsigned char *)bytes)[i] !=
				    byte_at(at);
		}
		pthread_join(writer.thread, NULL);
		assert_int_equal(writer.rc, 0);
		assert_true(at == LARGE_BYTES);
		assert_true(wrong == 0);
		assert_int_equal(chan_read(chan, &bytes, &n, &err), 0);
		assert_int_equal(n, 0);
	}
}

static void
a_stream_of_nothing_ends_at_once(void **state)
{
	CLEANUP(chan_freep) struct chan *chan = chan_of(16, 2);
	struct err err = ERR_INIT;
	const void *bytes;
	void *room;
	size_t n;

	(void)state;
	assert_int_equal(chan_room(chan, &room, &n, &err), 0);
	assert_int_equal(n, 16);
	chan_commit(chan, 0);
	assert_int_equal(chan_write(chan, "", 0, &err), 0);
	assert_int_equal(chan_finish(chan, &err), 0);
	assert_int_equal(chan_read(chan, &bytes, &n, &err), 0);
	assert_int_equal(n, 0);
}

static void
a_block_is_handed_over_when_it_is_full(void **state)
{
	CLEANUP(chan_freep) struct chan *chan = chan_of(4, 3);
	struct err err = ERR_INIT;
	const void *bytes;
	void *room;
	size_t n;

	(void)state;
	assert_int_equal(chan_write(chan, "abc", 3, &err), 0);
	assert_int_equal(chan_room(chan, &room, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_int_equal(chan_write(chan, "defg", 4, &err), 0);
	assert_int_equal(chan_read(chan, &bytes, &n, &err), 0);
	assert_int_equal(n, 4);
	assert_memory_equal(bytes, "abcd", 4);
	assert_int_equal(chan_finish(chan, &err), 0);
	assert_int_equal(chan_read(chan, &bytes, &n, &err), 0);
	assert_int_equal(n, 3);
	assert_memory_equal(bytes, "efg", 3);
	assert_int_equal(chan_read(chan, &bytes, &n, &err), 0);
	assert_int_equal(n, 0);
}

static void *
write_blocks(void *cookie)
{
	struct party *party = cookie;

	while ((party->rc = chan_write(party->chan, "12345678", 8,
	    &party->err)) == 0)
		party->bytes += 8;
	atomic_store(&party->done, true);
	return NULL;
}

static void
a_writer_without_a_reader_waits_until_it_is_cancelled(void **state)
{
	CLEANUP(chan_freep) struct chan *chan = chan_of(8, 3);
	struct party writer = { .chan = chan };
	struct err err = ERR_INIT;
	const void *bytes;
	size_t n;

	(void)state;
	pthread_create(&writer.thread, NULL, write_blocks, &writer);
	(void)usleep(50000);
	assert_false(atomic_load(&writer.done));
	/* The block that the reader holds is not given to the writer. */
	assert_int_equal(chan_read(chan, &bytes, &n, &err), 0);
	(void)usleep(50000);
	assert_memory_equal(bytes, "12345678", 8);
	assert_false(atomic_load(&writer.done));
	chan_cancel(chan);
	pthread_join(writer.thread, NULL);
	assert_true(writer.bytes == 24);
	assert_int_equal(writer.rc, -1);
	assert_int_equal(writer.err.kind, ERR_STREAM);
}

static void *
read_one(void *cookie)
{
	struct party *party = cookie;
	const void *bytes;
	size_t n;

	party->rc = chan_read(party->chan, &bytes, &n, &party->err);
	atomic_store(&party->done, true);
	return NULL;
}

static void
a_reader_without_a_writer_waits_until_it_is_cancelled(void **state)
{
	CLEANUP(chan_freep) struct chan *chan = chan_of(8, 3);
	struct party reader = { .chan = chan };

	(void)state;
	pthread_create(&reader.thread, NULL, read_one, &reader);
	(void)usleep(50000);
	assert_false(atomic_load(&reader.done));
	chan_cancel(chan);
	pthread_join(reader.thread, NULL);
	assert_int_equal(reader.rc, -1);
	assert_int_equal(reader.err.kind, ERR_STREAM);
}

static void
what_is_cancelled_stays_so_for_both_sides(void **state)
{
	CLEANUP(chan_freep) struct chan *chan = chan_of(4, 2);
	const void *bytes;
	void *room;
	size_t n;
	int i;

	(void)state;
	{
		struct err err = ERR_INIT;

		assert_int_equal(chan_write(chan, "abcdef", 6, &err), 0);
		assert_int_equal(chan_room(chan, &room, &n, &err), 0);
	}
	chan_cancel(chan);
	chan_cancel(chan);
	chan_commit(chan, n);
	for (i = 0; i < 2; i++) {
		struct err err = ERR_INIT;

		assert_int_equal(chan_write(chan, "x", 1, &err), -1);
		assert_int_equal(chan_room(chan, &room, &n, &err), -1);
		assert_int_equal(chan_read(chan, &bytes, &n, &err), -1);
		assert_int_equal(chan_finish(chan, &err), -1);
		assert_int_equal(err.kind, ERR_STREAM);
	}
}

static void
a_ring_that_cannot_be_is_refused(void **state)
{
	struct err err = ERR_INIT;
	struct chan *chan = NULL;

	(void)state;
	assert_int_equal(chan_new(SIZE_MAX / 2, 3, &chan, &err), -1);
	assert_int_equal(err.kind, ERR_NOMEM);
	assert_int_equal(chan_new(0, 3, &chan, &err), -1);
	assert_int_equal(chan_new(3, 0, &chan, &err), -1);
	assert_null(chan);
	chan_free(NULL);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_writes_of_both_kinds_arrive_identical),
		cmocka_unit_test(a_stream_of_nothing_ends_at_once),
		cmocka_unit_test(a_block_is_handed_over_when_it_is_full),
		cmocka_unit_test(
		    a_writer_without_a_reader_waits_until_it_is_cancelled),
		cmocka_unit_test(
		    a_reader_without_a_writer_waits_until_it_is_cancelled),
		cmocka_unit_test(what_is_cancelled_stays_so_for_both_sides),
		cmocka_unit_test(a_ring_that_cannot_be_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
