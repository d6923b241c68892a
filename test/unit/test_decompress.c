/* decompress, on what its formats' own tools make, and on what is broken. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <pthread.h>
#include <sys/resource.h>

#include "lib/base/file.h"
#include "lib/base/spawn.h"
#include "lib/stream/decompress.h"
#include "test/unit/scratch.h"

#define DETECT (-1)

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

static void
shell(const char *command)
{
	CLEANUP(cleanup_free) char *output = NULL;
	struct err err = ERR_INIT;

	if (spawn_capture(command, 300, 100000, &output, &err) < 0)
		fail_msg("%s: %s", command, err.msg);
}

struct line {
	struct chan *in;
	struct chan *out;
	int from;
	int to;			/* -1: only counted */
	uint64_t sum;
	uint64_t stop_at;	/* 0: at the end */
};

static void *
feed(void *cookie)
{
	struct line *line = cookie;
	struct err err = ERR_INIT;
	char bytes[4096];
	ssize_t n;

	while ((n = read(line->from, bytes, sizeof bytes)) > 0)
		if (chan_write(line->in, bytes, (size_t)n, &err) < 0)
			return NULL;
	(void)!chan_finish(line->in, &err);
	return NULL;
}

static void *
collect(void *cookie)
{
	struct line *line = cookie;
	struct err err = ERR_INIT;
	const void *bytes;
	size_t n;

	while (chan_read(line->out, &bytes, &n, &err) == 0 && n != 0) {
		line->sum += n;
		if (line->to >= 0 &&
		    file_write_fd(line->to, "out", bytes, n, &err) < 0)
			abort();
		if (line->stop_at != 0 && line->sum > line->stop_at)
			chan_cancel(line->out);
	}
	return NULL;
}

/* The file "z" to "out". */
static int
decompress(int kind, size_t block_bytes, uint64_t stop_at, uint64_t *ret_sum,
    struct err *err)
{
	struct decompress_settings settings = { .detect = kind == DETECT,
		.kind = kind == DETECT ? 0 : kind };
	struct line line = { .stop_at = stop_at };
	pthread_t feeder, collector;
	int rc;

	line.from = open("z", O_RDONLY | O_CLOEXEC);
	line.to = stop_at != 0 ? -1 : open("out",
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	*err = (struct err)ERR_INIT;
	assert_int_equal(chan_new(block_bytes, 3, &line.in, err), 0);
	assert_int_equal(chan_new(block_bytes, 3, &line.out, err), 0);
	assert_int_equal(pthread_create(&feeder, NULL, feed, &line), 0);
	assert_int_equal(pthread_create(&collector, NULL, collect, &line), 0);
	rc = decompress_stage(&settings, line.in, line.out, err);
	if (rc < 0) {
		chan_cancel(line.in);
		chan_cancel(line.out);
	}
	(void)pthread_join(feeder, NULL);
	(void)pthread_join(collector, NULL);
	chan_free(line.in);
	chan_free(line.out);
	(void)close(line.from);
	if (line.to >= 0)
		(void)close(line.to);
	if (ret_sum != NULL)
		*ret_sum = line.sum;
	return rc;
}

static void
expect_good(int kind)
{
	static const size_t blocks[] = { 1, 7, 1000, 262144 };
	struct err err;
	size_t i;

	/* Single bytes of a large file take their time. */
	for (i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
		struct stat st;

		if (stat("in", &st) < 0 ||
		    ((st.st_size > 100000 || kind == DETECT) && i < 2))
			continue;
		if (decompress(kind, blocks[i], 0, NULL, &err) < 0)
			fail_msg("%s", err.msg);
		shell("cmp out in");
	}
}

static void
expect_bad(int kind, const char *needle)
{
	struct err err;

	assert_int_equal(decompress(kind, 1000, 0, NULL, &err), -1);
	assert_int_equal(err.kind, ERR_SOURCE);
	if (strstr(err.msg, needle) == NULL)
		fail_msg("'%s' is not in: %s", needle, err.msg);
}

static void
what_the_tools_make_is_read(void **state)
{
	static const struct {
		const char *make;
		int kind;
	} rows[] = {
		{ "gzip -c in >z", COMPRESSION_GZIP },
		{ "gzip -1c in >z", COMPRESSION_GZIP },
		{ "zstd -qc in >z", COMPRESSION_ZSTD },
		{ "zstd -qc --no-check in >z", COMPRESSION_ZSTD },
		{ "zstd -qc -19 in >z", COMPRESSION_ZSTD },
		{ "cat in >z", COMPRESSION_NONE },
		{ "head -c 100 in | gzip >z; tail -c +101 in | gzip >>z; "
		  "gzip </dev/null >>z", COMPRESSION_GZIP },
		{ "head -c 100 in | zstd -qc >z; tail -c +101 in | "
		  "zstd -qc >>z; zstd -qc </dev/null >>z; printf "
		  "'\\120\\052\\115\\030\\002\\0\\0\\0xy' >>z",
		  COMPRESSION_ZSTD },
	};
	static const char *const inputs[] = {
		":>in", "printf x >in", "seq 1 3000 >in",
		("{ head -c 700000 /dev/urandom; head -c 2000000 /dev/zero; "
		"seq 1 200000; } >in"),
	};
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
		shell(inputs[i]);
		for (k = 0; k < sizeof rows / sizeof rows[0]; k++) {
			shell(rows[k].make);
			expect_good(rows[k].kind);
			expect_good(DETECT);
		}
	}
}

static void
what_is_cut_is_an_error_wherever_it_is_cut(void **state)
{
	static const struct {
		const char *make;
		int kind;
	} rows[] = {
		{ "gzip -c in >whole", COMPRESSION_GZIP },
		{ "zstd -qc in >whole", COMPRESSION_ZSTD },
	};
	struct stat st;
	size_t i;
	off_t n;

	(void)state;
	shell("seq 1 300 >in");
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		shell(rows[i].make);
		assert_int_equal(stat("whole", &st), 0);
		for (n = 0; n < st.st_size; n += n < 12 ||
		    n > st.st_size - 12 ? 1 : 23) {
			char command[64];

			(void)snprintf(command, sizeof command,
			    "head -c %lld whole >z", (long long)n);
			shell(command);
			expect_bad(rows[i].kind, "end too early");
		}
	}
}

static void
a_flipped_byte_is_an_error_wherever_it_is(void **state)
{
	static const char *const makes[] = { "gzip -nc in >whole",
		"zstd -qc in >whole" };
	static const int kinds[] = { COMPRESSION_GZIP, COMPRESSION_ZSTD };
	char bytes[8192];
	struct err err;
	ssize_t n, at;
	size_t i;
	int fd;

	(void)state;
	shell("seq 1 900 >in");
	for (i = 0; i < 2; i++) {
		shell(makes[i]);
		fd = open("whole", O_RDONLY | O_CLOEXEC);
		n = read(fd, bytes, sizeof bytes);
		(void)close(fd);
		assert_true(n > 100);
		/* Time and system in a gzip header are nobody's content, nor
		 * is a bit of zstd's that has no meaning. */
		for (at = i == 0 ? 10 : 5; at < n; at += 13) {
			bytes[at] ^= 0x10;
			scratch_write(&scratch, "z", bytes, (size_t)n);
			if (decompress(kinds[i], 1000, 0, NULL, &err) == 0)
				fail_msg("byte %zd of %s", at, makes[i]);
			assert_int_equal(err.kind, ERR_SOURCE);
			bytes[at] ^= 0x10;
		}
		/* The last byte: of a length, of a checksum. */
		bytes[n - 1] ^= 1;
		scratch_write(&scratch, "z", bytes, (size_t)n);
		expect_bad(kinds[i], "damaged");
	}
}

static void
what_follows_behind_is_refused(void **state)
{
	(void)state;
	shell("seq 1 300 >in; gzip -c in >z; echo something else >>z");
	expect_bad(COMPRESSION_GZIP, "something else follows");
	shell("gzip -c in >z; head -c 512 /dev/zero >>z");
	expect_bad(COMPRESSION_GZIP, "something else follows");
	shell("zstd -qc in >z; echo something else >>z");
	expect_bad(COMPRESSION_ZSTD, "something else follows");
}

static void
another_kind_than_it_should_be_is_refused(void **state)
{
	(void)state;
	shell("seq 1 300 >in; zstd -qc in >z");
	expect_bad(COMPRESSION_GZIP, "damaged");
	shell("gzip -c in >z");
	expect_bad(COMPRESSION_ZSTD, "damaged");
	shell(": >z");
	expect_bad(COMPRESSION_GZIP, "too early");
	expect_bad(COMPRESSION_ZSTD, "too early");
}

static long
peak_kib(void)
{
	struct rusage usage;

	assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
	return usage.ru_maxrss;
}

/* Also when nobody stops reading at once. */
static void
a_bomb_takes_no_memory(void **state)
{
	static const char *const makes[] = {
		"head -c 3000000000 /dev/zero | gzip -1 >z",
		"head -c 3000000000 /dev/zero | zstd -qc >z" };
	uint64_t sum;
	struct err err;
	long before;
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		shell(makes[i]);
		before = peak_kib();
		assert_int_equal(decompress(DETECT, 65536,
		    (uint64_t)500000000, &sum, &err), -1);
		assert_int_equal(err.kind, ERR_STREAM);
		assert_true(sum < 500200000);
		assert_true(peak_kib() - before < 40000);
	}
	/* A window of 2 GiB is asked for, and not given. */
	shell("head -c 3000000 /dev/zero | zstd -qc --long=31 --ultra "
	    "--no-content-size >z 2>/dev/null || head -c 3000000 /dev/zero | "
	    "zstd -qc --long=31 >z");
	if (decompress(DETECT, 65536, 0, NULL, &err) < 0)
		assert_int_equal(err.kind, ERR_SOURCE);
	assert_true(peak_kib() - before < 40000);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_tools_make_is_read),
		cmocka_unit_test(what_is_cut_is_an_error_wherever_it_is_cut),
		cmocka_unit_test(a_flipped_byte_is_an_error_wherever_it_is),
		cmocka_unit_test(what_follows_behind_is_refused),
		cmocka_unit_test(another_kind_than_it_should_be_is_refused),
		cmocka_unit_test(a_bomb_takes_no_memory),
	};

	return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
