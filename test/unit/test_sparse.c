/*
 * sparse: holes of real files, on a file system that tells of them.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/stream/sparse.h"

#define KIB4 4096

/* A file of so many bytes without a name; closed by the caller. */
static int
make_file(off_t size)
{
	char path[] = "/tmp/vbackup-test-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(ftruncate(fd, size), 0);
	return fd;
}

static void
put(int fd, off_t at)
{
	assert_int_equal(pwrite(fd, "x", 1, at), 1);
}

static bool
read_map(struct sparse *sparse, int fd, uint64_t size)
{
	struct err err = ERR_INIT;
	bool result = false;

	assert_int_equal(sparse_read(sparse, fd, size, &result, &err), 0);
	return result;
}

static void
assert_segment(const struct sparse *sparse, size_t i, uint64_t offset,
    uint64_t bytes)
{
	assert_true(i < sparse->map.n);
	assert_int_equal(sparse->map.v[i].offset, offset);
	assert_int_equal(sparse->map.v[i].bytes, bytes);
}

static void
data_between_holes_is_found(void **state)
{
	CLEANUP(sparse_free) struct sparse sparse = SPARSE_INIT;
	CLEANUP(cleanup_close) int fd = make_file(1000000);

	(void)state;
	put(fd, 5 * KIB4);
	put(fd, 100 * KIB4 + 17);
	put(fd, 999999);
	assert_true(read_map(&sparse, fd, 1000000));
	assert_int_equal(sparse.map.n, 3);
	assert_segment(&sparse, 0, 5 * KIB4, KIB4);
	assert_segment(&sparse, 1, 100 * KIB4, KIB4);
	assert_segment(&sparse, 2, 244 * KIB4, 1000000 - 244 * KIB4);
}

static void
a_file_that_is_one_hole_has_no_segment(void **state)
{
	CLEANUP(sparse_free) struct sparse sparse = SPARSE_INIT;
	CLEANUP(cleanup_close) int fd = make_file(1000000);

	(void)state;
	assert_true(read_map(&sparse, fd, 1000000));
	assert_int_equal(sparse.map.n, 0);
}

static void
a_file_without_holes_is_not_sparse(void **state)
{
	CLEANUP(sparse_free) struct sparse sparse = SPARSE_INIT;
	CLEANUP(cleanup_close) int fd = make_file(100);

	(void)state;
	put(fd, 0);
	assert_false(read_map(&sparse, fd, 100));
	assert_false(read_map(&sparse, fd, 0));
}

static void
what_lies_behind_the_size_does_not_count(void **state)
{
	CLEANUP(sparse_free) struct sparse sparse = SPARSE_INIT;
	CLEANUP(cleanup_close) int fd = make_file(1000000);

	(void)state;
	put(fd, 10 * KIB4);
	put(fd, 100 * KIB4);
	assert_true(read_map(&sparse, fd, 10 * KIB4 + 5));
	assert_int_equal(sparse.map.n, 1);
	assert_segment(&sparse, 0, 10 * KIB4, 5);
	assert_true(read_map(&sparse, fd, 9 * KIB4));
	assert_int_equal(sparse.map.n, 0);
	/* Shorter than it was: a hole, as far as anyone can tell. */
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_true(read_map(&sparse, fd, 9 * KIB4));
	assert_int_equal(sparse.map.n, 0);
}

static void
what_cannot_seek_is_not_sparse(void **state)
{
	CLEANUP(sparse_free) struct sparse sparse = SPARSE_INIT;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_false(read_map(&sparse, fds[0], 1000000));
	(void)close(fds[0]);
	(void)close(fds[1]);
}

static void
very_many_holes_are_joined(void **state)
{
	CLEANUP(sparse_free) struct sparse sparse = SPARSE_INIT;
	const size_t n = SPARSE_SEGMENTS_MAX + 10;
	const off_t far = (off_t)n * 2 * KIB4 + 1000 * KIB4;
	CLEANUP(cleanup_close) int fd = make_file(far + 1);
	size_t i;

	(void)state;
	for (i = 0; i < n; i++)
		put(fd, (off_t)i * 2 * KIB4);
	put(fd, far);
	assert_true(read_map(&sparse, fd, (uint64_t)far + 1));
	/* The small holes are data now, the large one is still a hole. */
	assert_int_equal(sparse.map.n, 2);
	assert_segment(&sparse, 0, 0, (2 * n - 1) * KIB4);
	assert_segment(&sparse, 1, (uint64_t)far, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(data_between_holes_is_found),
		cmocka_unit_test(a_file_that_is_one_hole_has_no_segment),
		cmocka_unit_test(a_file_without_holes_is_not_sparse),
		cmocka_unit_test(what_lies_behind_the_size_does_not_count),
		cmocka_unit_test(what_cannot_seek_is_not_sparse),
		cmocka_unit_test(very_many_holes_are_joined),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
