/*
 * extract_made: what was added is there, and nothing else is.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/base/cleanup.h"
#include "lib/stream/extract_made.h"

static bool
has(const struct extract_made *made, dev_t device, ino_t inode)
{
	const struct stat st = { .st_dev = device, .st_ino = inode };

	return extract_made_has(made, &st);
}

static void
add(struct extract_made *made, dev_t device, ino_t inode)
{
	const struct stat st = { .st_dev = device, .st_ino = inode };

	extract_made_add(made, &st);
}

/* Every third of them is added, on two devices. */
static void
check(ino_t step, size_t n)
{
	CLEANUP(extract_made_free) struct extract_made made =
	    { 0 };
	size_t i;

	for (i = 0; i < n; i += 3) {
		add(&made, 1, i * step);
		add(&made, 2, (i + 1) * step);
	}
	for (i = 0; i < n; i++) {
		assert_int_equal(has(&made, 1, i * step), i % 3 == 0);
		assert_int_equal(has(&made, 2, i * step),
		    i % 3 == 1);
		assert_false(has(&made, 3, i * step));
	}
	assert_false(made.full);
}

static void
what_was_added_is_there_and_nothing_else(void **state)
{
	(void)state;
	check(1, 300000);
	check(64, 300000);
	check((ino_t)1 << 40, 3000);
	check(12345678901, 30000);
}

static void
of_a_million_files_in_a_row_less_than_a_megabyte_is_kept(void **state)
{
	CLEANUP(extract_made_free) struct extract_made made =
	    { 0 };
	ino_t i;

	(void)state;
	for (i = 0; i < 1000000; i++)
		add(&made, 1, i + 1000);
	assert_true(made.cap * sizeof *made.words < 1000000);
	assert_false(made.full);
}

static void
what_does_not_fit_is_forgotten_and_said(void **state)
{
	CLEANUP(extract_made_free) struct extract_made made =
	    { 0 };
	ino_t i;

	(void)state;
	for (i = 0; i < MADE_WORDS_MAX; i++)
		add(&made, 1, i * 64);
	assert_false(made.full);
	add(&made, 1, i * 64);
	assert_true(made.full);
	assert_false(has(&made, 1, i * 64));
	assert_true(has(&made, 1, (i - 1) * 64));
	add(&made, 1, 65);	/* in a word that is there */
	assert_true(has(&made, 1, 65));
}

static void
devices_are_limited_too(void **state)
{
	CLEANUP(extract_made_free) struct extract_made made =
	    { 0 };
	dev_t i;

	(void)state;
	assert_false(has(&made, 0, 0));
	for (i = 0; i <= MADE_DEVICES_MAX; i++)
		add(&made, i, 7);
	assert_true(made.full);
	assert_true(has(&made, MADE_DEVICES_MAX - 1, 7));
	assert_false(has(&made, MADE_DEVICES_MAX, 7));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_added_is_there_and_nothing_else),
		cmocka_unit_test(
		    of_a_million_files_in_a_row_less_than_a_megabyte_is_kept),
		cmocka_unit_test(what_does_not_fit_is_forgotten_and_said),
		cmocka_unit_test(devices_are_limited_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
