#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/base/scramble.h"
#include "lib/stream/chan.h"
#include "lib/stream/overflow.h"
#include "test/unit/scratch.h"

#define BLOCK 4096
#define BLOCKS 3
#define TOTAL ((uint64_t)8 << 20)

static unsigned char
byte_at(uint64_t n)
{
	return (unsigned char)(n ^ (n >> 8) * 31 ^ (n >> 16) * 7);
}

static void
fill(unsigned char *bytes, uint64_t at, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		bytes[i] = byte_at(at + i);
}

static struct overflow *
overflow_of(struct scratch *scratch, uint64_t limit, bool scrambled)
{
	struct err err = ERR_INIT;
	struct overflow *overflow = NULL;

	if (overflow_new(scratch->dir, limit, scrambled, &overflow, &err) < 0)
		fail_msg("%s", err.msg);
	return overflow;
}

/* --- scramble ------------------------------------------------------------ */

static void
a_part_is_turned_as_the_whole_was(void **state)
{
	CLEANUP(scramble_freep) struct scramble *scramble = NULL;
	unsigned char plain[4096], whole[4096], part[1000];
	struct err err = ERR_INIT;
	size_t at;

	(void)state;
	fill(plain, 0, sizeof plain);
	memcpy(whole, plain, sizeof whole);
	assert_int_equal(scramble_new(&scramble, &err), 0);
	assert_int_equal(scramble_turn(scramble, 160, whole, sizeof whole,
	    &err), 0);
	assert_memory_not_equal(whole, plain, 16);
	for (at = 0; at + sizeof part <= sizeof whole; at += 16) {
		memcpy(part, whole + at, sizeof part);
		assert_int_equal(scramble_turn(scramble, 160 + at, part,
		    sizeof part, &err), 0);
		assert_memory_equal(part, plain + at, sizeof part);
	}
}

static void
each_key_is_another(void **state)
{
	unsigned char first[64] = { 0 }, second[64] = { 0 };
	struct err err = ERR_INIT;
	unsigned char *both[] = { first, second };
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		CLEANUP(scramble_freep) struct scramble *scramble = NULL;

		assert_int_equal(scramble_new(&scramble, &err), 0);
		assert_int_equal(scramble_turn(scramble, 0, both[i], 64,
		    &err), 0);
	}
	assert_memory_not_equal(first, second, 64);
}

/* --- the queue ----------------------------------------------------------- */

static void
what_is_pushed_comes_back_in_order(void **state)
{
	static const size_t sizes[] = { 1, 15, 16, 17, 4096, 100003 };
	static unsigned char bytes[100003], expected[100003];
	struct err err = ERR_INIT;
	struct scratch scratch;
	size_t i, scrambled;

	(void)state;
	scratch_new(&scratch);
	for (scrambled = 0; scrambled < 2; scrambled++) {
		CLEANUP(overflow_freep) struct overflow *overflow =
		    overflow_of(&scratch, TOTAL, scrambled != 0);

		for (i = 0; i < 6; i++) {
			fill(bytes, i * 1000, sizes[i]);
			assert_int_equal(overflow_push(overflow, bytes,
			    sizes[i], &err), 0);
		}
		for (i = 0; i < 6; i++) {
			fill(expected, i * 1000, sizes[i]);
			assert_int_equal(overflow_pop(overflow, bytes,
			    sizes[i], &err), 0);
			assert_memory_equal(bytes, expected, sizes[i]);
		}
		assert_int_equal(overflow_pop(overflow, bytes, 16, &err), -1);
		err = (struct err)ERR_INIT;
	}
	scratch_free(&scratch);
}

/* What an open but unlinked file of this directory holds. */
static size_t
read_unlinked(const char *directory, char *ret, size_t max)
{
	DIR *fds = opendir("/proc/self/fd");
	const struct dirent *entry;
	size_t n = 0;

	assert_non_null(fds);
	while ((entry = readdir(fds)) != NULL) {
		char link[300], target[512];
		ssize_t len;

		(void)snprintf(link, sizeof link, "/proc/self/fd/%s",
		    entry->d_name);
		len = readlink(link, target, sizeof target - 1);
		if (len <= 0)
			continue;
		target[len] = '\0';
		if (strncmp(target, directory, strlen(directory)) == 0 &&
		    strstr(target, "(deleted)") != NULL)
			n = (size_t)pread(atoi(entry->d_name), ret, max, 0);
	}
	(void)closedir(fds);
	return n;
}

static void
the_file_has_no_name_and_says_nothing_where_scrambled(void **state)
{
	static const char text[] = "the quick brown fox jumps over";
	char found[64];
	struct err err = ERR_INIT;
	struct scratch scratch;
	int scrambled;

	(void)state;
	scratch_new(&scratch);
	for (scrambled = 0; scrambled < 2; scrambled++) {
		CLEANUP(overflow_freep) struct overflow *overflow =
		    overflow_of(&scratch, TOTAL, scrambled != 0);
		char bytes[sizeof text];

		memcpy(bytes, text, sizeof text);
		assert_int_equal(overflow_push(overflow, bytes, sizeof bytes,
		    &err), 0);
		assert_int_equal(rmdir(scratch.dir), 0);	/* empty */
		assert_int_equal(mkdir(scratch.dir, 0700), 0);
		assert_int_equal(read_unlinked(scratch.dir, found,
		    sizeof found), sizeof text);
		assert_int_equal(memcmp(found, text, sizeof text) == 0,
		    scrambled == 0);
	}
	scratch_free(&scratch);
}

static void
the_limit_is_kept(void **state)
{
	struct scratch scratch;
	struct overflow *overflow;
	struct err err = ERR_INIT;
	unsigned char bytes[64] = { 0 };

	(void)state;
	scratch_new(&scratch);
	overflow = overflow_of(&scratch, 100, false);
	assert_true(overflow_has_room(overflow, 64));
	assert_int_equal(overflow_push(overflow, bytes, 64, &err), 0);
	assert_false(overflow_has_room(overflow, 64));
	assert_true(overflow_has_room(overflow, 32));
	assert_true(overflow_bytes(overflow) == 64);
	overflow_free(overflow);
	scratch_free(&scratch);
}

/* --- a channel with one -------------------------------------------------- */

struct writer {
	struct chan *chan;
	pthread_t thread;
	bool toggles;		/* spills now and then only */
	atomic_ullong written;
	int rc;
	struct err err;
};

static void *
write_all(void *cookie)
{
	struct writer *writer = cookie;
	unsigned char bytes[1000];
	uint64_t at = 0;

	chan_spill(writer->chan, true);
	while (writer->rc == 0 && at < TOTAL) {
		size_t n = at % 7 * 100 + 1;

		if (n > TOTAL - at)
			n = TOTAL - at;
		if (writer->toggles)
			chan_spill(writer->chan, at / 100000 % 3 != 0);
		fill(bytes, at, n);
		writer->rc = chan_write(writer->chan, bytes, n, &writer->err);
		at += n;
		atomic_store(&writer->written, at);
	}
	if (writer->rc == 0)
		writer->rc = chan_finish(writer->chan, &writer->err);
	return NULL;
}

static void
read_all(struct chan *chan, bool slowly)
{
	struct err err = ERR_INIT;
	uint64_t at = 0, wrong = 0, blocks = 0;
	const void *bytes;
	size_t n, i;

	for (;;) {
		if (chan_read(chan, &bytes, &n, &err) < 0)
			fail_msg("%s", err.msg);
		if (n == 0)
			break;
		for (i = 0; i < n; i++, at++)
			wrong += ((const unsigned char *)bytes)[i] !=
			    byte_at(at);
		if (slowly && ++blocks % 64 == 0)
			(void)usleep(1000);
	}
	assert_true(at == TOTAL);
	assert_true(wrong == 0);
}

static void
run_channel(uint64_t limit, bool toggles, bool slowly, uint64_t *ret_spilled)
{
	CLEANUP(chan_freep) struct chan *chan = NULL;
	struct writer writer = { .toggles = toggles };
	struct err err = ERR_INIT;
	struct overflow *overflow;
	struct scratch scratch;

	scratch_new(&scratch);
	overflow = overflow_of(&scratch, limit, true);
	assert_int_equal(chan_new(BLOCK, BLOCKS, &chan, &err), 0);
	assert_int_equal(chan_set_overflow(chan, overflow, &err), 0);
	writer.chan = chan;
	assert_int_equal(pthread_create(&writer.thread, NULL, write_all,
	    &writer), 0);
	if (limit > TOTAL && !toggles)	/* it never waits for the reader */
		while (atomic_load(&writer.written) < TOTAL)
			(void)usleep(1000);
	read_all(chan, slowly);
	(void)pthread_join(writer.thread, NULL);
	assert_int_equal(writer.rc, 0);
	*ret_spilled = overflow_bytes(overflow);
	overflow_free(overflow);
	scratch_free(&scratch);
}

static void
a_writer_does_not_wait_for_its_reader(void **state)
{
	uint64_t spilled;

	(void)state;
	run_channel(2 * TOTAL, false, false, &spilled);
	assert_true(spilled == TOTAL - BLOCKS * BLOCK);
}

static void
all_arrives_in_order_however_it_went(void **state)
{
	uint64_t spilled;

	(void)state;
	run_channel(TOTAL / 4, false, true, &spilled);
	assert_true(spilled > 0 && spilled <= TOTAL / 4);
	run_channel(2 * TOTAL, true, true, &spilled);
	assert_true(spilled > 0);
	run_channel(0, false, false, &spilled);
	assert_true(spilled == 0);
}

/* As a full disk: the file may not become larger. */
static void
where_the_disk_takes_no_more_it_waits_and_loses_nothing(void **state)
{
	struct rlimit before, small;
	uint64_t spilled;

	(void)state;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = 100000;	/* in the middle of a block */
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	run_channel(2 * TOTAL, true, true, &spilled);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_true(spilled <= 100000);
}

static void
a_writer_that_waits_is_cancelled(void **state)
{
	CLEANUP(chan_freep) struct chan *chan = NULL;
	struct writer writer = { .toggles = false };
	struct err err = ERR_INIT;
	struct overflow *overflow;
	struct scratch scratch;

	(void)state;
	scratch_new(&scratch);
	overflow = overflow_of(&scratch, TOTAL / 2, true);
	assert_int_equal(chan_new(BLOCK, BLOCKS, &chan, &err), 0);
	assert_int_equal(chan_set_overflow(chan, overflow, &err), 0);
	writer.chan = chan;
	assert_int_equal(pthread_create(&writer.thread, NULL, write_all,
	    &writer), 0);
	while (atomic_load(&writer.written) < TOTAL / 2)
		(void)usleep(1000);
	chan_cancel(chan);
	(void)pthread_join(writer.thread, NULL);
	assert_int_equal(writer.rc, -1);
	assert_int_equal(writer.err.kind, ERR_STREAM);
	overflow_free(overflow);
	scratch_free(&scratch);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_part_is_turned_as_the_whole_was),
		cmocka_unit_test(each_key_is_another),
		cmocka_unit_test(what_is_pushed_comes_back_in_order),
		cmocka_unit_test(
		    the_file_has_no_name_and_says_nothing_where_scrambled),
		cmocka_unit_test(the_limit_is_kept),
		cmocka_unit_test(a_writer_does_not_wait_for_its_reader),
		cmocka_unit_test(all_arrives_in_order_however_it_went),
		cmocka_unit_test(
		    where_the_disk_takes_no_more_it_waits_and_loses_nothing),
		cmocka_unit_test(a_writer_that_waits_is_cancelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
