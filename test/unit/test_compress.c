#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <pthread.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/spawn.h"
#include "lib/stream/compress.h"
#include "test/unit/scratch.h"

#define KIB ((size_t)1024)
#define BLOCK (512 * KIB)	/* of gzip.c */
#define FOR_EVER SIZE_MAX

static struct scratch scratch;

static int
make_scratch(void **state)
{
	(void)state;
	scratch_new(&scratch);
	return chdir(scratch.dir);
}

static int
remove_scratch(void **state)
{
	(void)state;
	scratch_free(&scratch);
	return 0;
}

/* The commands below are ours, short, and must succeed. */
static void
shell(const char *command)
{
	CLEANUP(cleanup_free) char *output = NULL;
	struct err err = ERR_INIT;

	if (spawn_capture(command, 300, 100000, &output, &err) < 0)
		fail_msg("%s: %s", command, err.msg);
}

/* Text that deflates well, and stretches that do not deflate at all. */
static void
make_input(const char *name, size_t n)
{
	CLEANUP(cleanup_free) char *bytes = malloc(n + 1);
	static const char text[] = "the quick brown fox ";
	uint32_t random = 1;
	size_t i;

	assert_non_null(bytes);
	for (i = 0; i < n; i++) {
		random = random * 1664525 + 1013904223;
		if ((i >> 16) % 3 == 0)
			bytes[i] = (char)(random >> 24);
		else
			bytes[i] = text[(i + (random >> 30)) % 20];
	}
	scratch_write(&scratch, name, bytes, n);
}

struct party {
	struct chan *chan;
	int fd;
	size_t stop_at;		/* reader: reads that much, then no more */
	bool stall;		/* writer: at the end of fd does nothing more,
				 * instead of finishing */
	pthread_t thread;
};

static void *
feed(void *cookie)
{
	struct party *party = cookie;
	struct err err = ERR_INIT;
	void *room;
	size_t n;
	ssize_t got;

	do {
		if (chan_room(party->chan, &room, &n, &err) < 0)
			return NULL;
		got = read(party->fd, room, n);
		if (got > 0)
			chan_commit(party->chan, (size_t)got);
	} while (got > 0);
	if (!party->stall)
		(void)!chan_finish(party->chan, &err);
	return NULL;
}

static void *
collect(void *cookie)
{
	struct party *party = cookie;
	struct err err = ERR_INIT;
	const void *bytes;
	size_t n, sum = 0;

	while (sum < party->stop_at &&
	    chan_read(party->chan, &bytes, &n, &err) == 0 && n != 0) {
		if (file_write_fd(party->fd, "out", bytes, n, &err) < 0)
			return NULL;
		sum += n;
	}
	return NULL;
}

struct line {
	struct chan *in;
	struct chan *out;
	struct party feeder;
	struct party collector;
};

static void
start_line(struct line *line, const char *from, const char *to,
    size_t block_bytes, size_t stop_at, bool stall)
{
	struct err err = ERR_INIT;

	assert_int_equal(chan_new(block_bytes, 4, &line->in, &err), 0);
	assert_int_equal(chan_new(block_bytes, 4, &line->out, &err), 0);
	line->feeder.chan = line->in;
	line->feeder.fd = open(from, O_RDONLY | O_CLOEXEC);
	line->feeder.stall = stall;
	line->collector.chan = line->out;
	line->collector.fd = open(to, O_WRONLY | O_CREAT | O_TRUNC |
	    O_CLOEXEC, 0600);
	line->collector.stop_at = stop_at;
	assert_true(line->feeder.fd >= 0 && line->collector.fd >= 0);
	pthread_create(&line->feeder.thread, NULL, feed, &line->feeder);
	pthread_create(&line->collector.thread, NULL, collect,
	    &line->collector);
}

static void
end_line(struct line *line)
{
	pthread_join(line->feeder.thread, NULL);
	pthread_join(line->collector.thread, NULL);
	(void)close(line->feeder.fd);
	(void)close(line->collector.fd);
	chan_free(line->in);
	chan_free(line->out);
}

static void
compress_file(enum compression kind, int threads, const char *from,
    const char *to, size_t block_bytes)
{
	struct compress_settings settings = { .kind = kind, .threads = threads };
	struct err err = ERR_INIT;
	struct line line;

	start_line(&line, from, to, block_bytes, FOR_EVER, false);
	if (compress_stage(&settings, line.in, line.out, &err) < 0)
		fail_msg("%s", err.msg);
	end_line(&line);
}

static void
round_trips_of(enum compression kind, const char *check)
{
	static const int threads[] = { 1, 2, 7 };
	static const size_t sizes[] = {
		0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 4 * BLOCK, 2048 * KIB + 1,
		9 * 1024 * KIB + 77,
	};
	size_t i, k;

	for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		make_input("in", sizes[i]);
		for (k = 0; k < sizeof threads / sizeof threads[0]; k++) {
			compress_file(kind, threads[k], "in", "out",
			    k == 1 ? 100003 : 256 * KIB);
			shell(check);
		}
	}
}

static void
gzip_reads_what_we_write(void **state)
{
	(void)state;
	round_trips_of(COMPRESSION_GZIP,
	    "gzip -t <out && gzip -dc <out | cmp - in");
}

static void
zstd_reads_what_we_write(void **state)
{
	(void)state;
	round_trips_of(COMPRESSION_ZSTD,
	    "zstd -qt <out && zstd -qdc <out | cmp - in");
}

static void
zstd_s_frame_has_a_checksum(void **state)
{
	(void)state;
	make_input("in", 100000);
	compress_file(COMPRESSION_ZSTD, 2, "in", "out", 65536);
	shell("zstd -lv out 2>&1 | grep -i 'check: *xxh64'");
	/* One bit near the end: only the checksum can tell. */
	shell("n=$(stat -c %s out); printf x | dd of=out bs=1 conv=notrunc "
	    "seek=$((n - 2)) 2>/dev/null; ! zstd -qt <out 2>/dev/null");
}

static void
tar_reads_what_we_write(void **state)
{
	static const struct {
		enum compression kind;
		const char *unpack;
	} cases[] = {
		{ COMPRESSION_GZIP, "tar -C back -xzf out" },
		{ COMPRESSION_ZSTD, "tar -C back --zstd -xf out" },
	};
	size_t i;

	(void)state;
	make_input("in", 3 * 1024 * KIB);
	shell("mkdir -p tree/a && cp in tree/a/one && head -c 12345 in "
	    ">tree/two && tar -cf raw.tar tree");
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		compress_file(cases[i].kind, 0, "raw.tar", "out", 65536);
		shell("rm -rf back && mkdir back");
		shell(cases[i].unpack);
		shell("diff -r tree back/tree");
	}
}

static int
count_threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	int n = -2;	/* . and .. */

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		n++;
	(void)closedir(dir);
	return n;
}

struct stage {
	struct compress_settings settings;
	struct line *line;
	int rc;
	struct err err;
	pthread_t thread;
};

static void *
run_stage(void *cookie)
{
	struct stage *stage = cookie;

	stage->rc = compress_stage(&stage->settings, stage->line->in,
	    stage->line->out, &stage->err);
	return NULL;
}

/* Ended threads may be listed for a moment longer. */
static void
expect_threads(int n)
{
	int i;

	for (i = 0; i < 100 && count_threads() != n; i++)
		(void)usleep(10000);
	assert_int_equal(count_threads(), n);
}

static void
cancelling_in_the_middle_ends_all_threads(void **state)
{
	static const struct {
		const char *from;
		bool stall;	/* the feeder, when from has ended */
		size_t stop_at;	/* the collector */
	} cases[] = {
		{ "/dev/zero", false, FOR_EVER },	/* all are at work */
		{ "/dev/zero", false, 1000 },	/* the reader has gone */
		{ "in", true, FOR_EVER },	/* the writer sleeps */
	};
	int before = count_threads(), kind, threads;
	size_t i;

	(void)state;
	make_input("in", 3 * BLOCK);
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++)
		for (kind = 0; kind < 2; kind++)
			for (threads = 1; threads < 8; threads += 3) {
				struct line line;
				struct stage stage = { .line = &line };

				stage.settings.kind = kind == 0 ?
				    COMPRESSION_GZIP : COMPRESSION_ZSTD;
				stage.settings.threads = threads;
				start_line(&line, cases[i].from, "/dev/null",
				    65536, cases[i].stop_at, cases[i].stall);
				pthread_create(&stage.thread, NULL, run_stage,
				    &stage);
				(void)usleep(100000);
				chan_cancel(line.out);
				chan_cancel(line.in);
				pthread_join(stage.thread, NULL);
				end_line(&line);
				assert_int_equal(stage.rc, -1);
				assert_int_equal(stage.err.kind, ERR_STREAM);
				expect_threads(before);
			}
}

/* Either channel alone: the threads of gzip wake each other. */
static void
one_cancelled_channel_is_enough_for_gzip(void **state)
{
	int i;

	(void)state;
	make_input("in", 3 * BLOCK);
	for (i = 0; i < 2; i++) {
		struct line line;
		struct stage stage = { .line = &line };

		stage.settings.kind = COMPRESSION_GZIP;
		stage.settings.threads = 3;
		/* Blocks while writing, or while reading. */
		start_line(&line, i == 0 ? "/dev/zero" : "in", "/dev/null",
		    1024, i == 0 ? 1 : FOR_EVER, true);
		pthread_create(&stage.thread, NULL, run_stage, &stage);
		(void)usleep(100000);
		if (i == 0) {
			chan_cancel(line.out);
		} else {
			chan_cancel(line.in);
		}
		pthread_join(stage.thread, NULL);
		end_line(&line);
		assert_int_equal(stage.err.kind, ERR_STREAM);
	}
}

static void
no_compression_is_no_stage(void **state)
{
	struct compress_settings settings = { .kind = COMPRESSION_NONE };
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(compress_stage(&settings, NULL, NULL, &err), -1);
	assert_int_equal(err.kind, ERR_SYSTEM);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(gzip_reads_what_we_write),
		cmocka_unit_test(zstd_reads_what_we_write),
		cmocka_unit_test(zstd_s_frame_has_a_checksum),
		cmocka_unit_test(tar_reads_what_we_write),
		cmocka_unit_test(cancelling_in_the_middle_ends_all_threads),
		cmocka_unit_test(one_cancelled_channel_is_enough_for_gzip),
		cmocka_unit_test(no_compression_is_no_stage),
	};

	return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
