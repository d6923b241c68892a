/*
 * links: files with several names are found until all were met.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "lib/stream/links.h"

static struct stat
file(dev_t dev, ino_t ino, nlink_t nlink)
{
	struct stat st = { .st_mode = S_IFREG | 0644 };

	st.st_dev = dev;
	st.st_ino = ino;
	st.st_nlink = nlink;
	return st;
}

static void
add(struct links *links, const struct stat *st, const char *path)
{
	struct err err = ERR_INIT;

	assert_int_equal(links_add(links, st, path, &err), 0);
}

static void
a_file_is_forgotten_when_all_its_names_were_met(void **state)
{
	CLEANUP(links_free) struct links links = LINKS_INIT;
	struct stat st = file(1, 2, 3);

	(void)state;
	assert_null(links_find(&links, &st));
	add(&links, &st, "first");
	assert_string_equal(links_find(&links, &st), "first");
	links_met(&links, &st);
	assert_string_equal(links_find(&links, &st), "first");
	links_met(&links, &st);
	assert_null(links_find(&links, &st));
	assert_int_equal(links.n, 0);
}

static void
device_inode_and_type_make_a_file(void **state)
{
	CLEANUP(links_free) struct links links = LINKS_INIT;
	struct stat st = file(1, 2, 3), other_dev = file(2, 2, 3);
	struct stat other_ino = file(1, 3, 3), other_type = file(1, 2, 3);

	(void)state;
	other_type.st_mode = S_IFLNK | 0777;
	add(&links, &st, "first");
	assert_null(links_find(&links, &other_dev));
	assert_null(links_find(&links, &other_ino));
	assert_null(links_find(&links, &other_type));
}

static void
a_hundred_thousand_files_are_kept_apart(void **state)
{
	CLEANUP(links_free) struct links links = LINKS_INIT;
	const size_t n = 100000;
	char path[32];
	size_t i;

	(void)state;
	for (i = 0; i < n; i++) {
		struct stat st = file(i % 7, i / 7, 2 + i % 2);

		(void)snprintf(path, sizeof path, "path/%zu", i);
		add(&links, &st, path);
	}
	for (i = 0; i < n; i++) {
		struct stat st = file(i % 7, i / 7, 2);

		(void)snprintf(path, sizeof path, "path/%zu", i);
		assert_string_equal(links_find(&links, &st), path);
		links_met(&links, &st);
		assert_int_equal(links_find(&links, &st) != NULL, i % 2);
	}
	assert_int_equal(links.n, n / 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_file_is_forgotten_when_all_its_names_were_met),
		cmocka_unit_test(device_inode_and_type_make_a_file),
		cmocka_unit_test(a_hundred_thousand_files_are_kept_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
