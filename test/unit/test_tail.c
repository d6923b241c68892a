#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "lib/base/secrets.h"
#include "lib/base/tail.h"

#define LENGTH(array) (sizeof(array) / sizeof *(array))

static int
forget(void **state)
{
	(void)state;
	secrets_forget();
	return 0;
}

/* expected: a bar separates lines. */
static void
assert_lines(const struct tail *tail, const char *expected)
{
	CLEANUP(strlist_free) struct strlist lines = STRLIST_INIT;
	CLEANUP(str_free) struct str joined = STR_INIT;
	struct err err = ERR_INIT;
	size_t i;

	assert_int_equal(tail_list(tail, &lines, &err), 0);
	str_add(&joined, "");
	for (i = 0; i < lines.n; i++)
		str_addf(&joined, "%s%s", i != 0 ? "|" : "", lines.v[i]);
	assert_string_equal(joined.s, expected);
}

static void
the_oldest_lines_go_and_are_counted(void **state)
{
	static const struct {
		size_t max_bytes;
		const char *expected;
	} cases[] = {
		{ 0, "" },
		{ 1, "[4 earlier lines left out]" },
		{ 6, "[4 earlier lines left out]" },
		{ 7, "[3 earlier lines left out]|> four" },
		{ 14, "[3 earlier lines left out]|> four" },
		{ 15, "[2 earlier lines left out]|> three|> four" },
		{ 21, "[1 earlier line left out]|> two|> three|> four" },
		{ 26, "[1 earlier line left out]|> two|> three|> four" },
		{ 27, "> one|> two|> three|> four" },
		{ SIZE_MAX, "> one|> two|> three|> four" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(cases); i++) {
		CLEANUP(tail_forget) struct tail tail = {
			.max_bytes = cases[i].max_bytes };

		tail_add(&tail, "> ", "one");
		tail_add(&tail, "> ", "two");
		tail_add(&tail, "> ", "three");
		tail_add(&tail, "> ", "four");
		assert_lines(&tail, cases[i].expected);
		assert_true(tail.bytes <= tail.max_bytes);
	}
}

static void
a_line_that_does_not_fit_leaves_none_but_the_next_is_kept(void **state)
{
	CLEANUP(tail_forget) struct tail tail = { .max_bytes = 10 };

	(void)state;
	tail_add(&tail, "", "short");
	tail_add(&tail, "", "far too long to be kept");
	assert_lines(&tail, "[2 earlier lines left out]");
	tail_add(&tail, "", "next");
	assert_lines(&tail, "[2 earlier lines left out]|next");
}

static void
a_line_is_a_line_whatever_is_in_it(void **state)
{
	CLEANUP(tail_forget) struct tail tail = { .max_bytes = 1000 };

	(void)state;
	tail_add(&tail, "", "");
	tail_add(&tail, "x ", "a\nb\x1b\xff\xc3\xa4");
	assert_lines(&tail, "|x a\\nb\\x1b\\xff\xc3\xa4");
}

static void
secrets_told_later_are_masked_too_but_not_in_the_head(void **state)
{
	CLEANUP(tail_forget) struct tail tail = { .max_bytes = 1000 };
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(secrets_add("hunter2", &err), 0);
	tail_add(&tail, "info ", "a hunter2-and-more, two\nlines, info");
	assert_lines(&tail, "info a ***-and-more, two\\nlines, info");
	/* What was masked before is a part of a longer one. */
	assert_int_equal(secrets_add("hunter2-and-more", &err), 0);
	assert_int_equal(secrets_add("two\nlines", &err), 0);
	assert_int_equal(secrets_add("info", &err), 0);
	assert_lines(&tail, "info a ***, ***, ***");
}

static void
what_is_forgotten_is_gone_and_nothing_more_is_kept(void **state)
{
	struct tail tail = { .max_bytes = 8 };

	(void)state;
	tail_add(&tail, "", "one two");
	tail_add(&tail, "", "three");
	tail_forget(&tail);
	assert_lines(&tail, "");
	tail_add(&tail, "", "four");
	assert_lines(&tail, "");
}

static void
memory_stays_bounded_however_many_lines_there_are(void **state)
{
	CLEANUP(tail_forget) struct tail tail = { .max_bytes = 1000 };
	CLEANUP(strlist_free) struct strlist lines = STRLIST_INIT;
	struct err err = ERR_INIT;
	char text[16];
	int i;

	(void)state;
	for (i = 1; i <= 100000; i++) {
		(void)snprintf(text, sizeof text, "%09d", i);
		tail_add(&tail, "", text);
		assert_true(tail.bytes <= 1000);
	}
	assert_int_equal(tail_list(&tail, &lines, &err), 0);
	assert_int_equal(lines.n, 101);
	assert_string_equal(lines.v[0], "[99900 earlier lines left out]");
	assert_string_equal(lines.v[1], "000099901");
	assert_string_equal(lines.v[100], "000100000");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, forget)
	static const struct CMUnitTest tests[] = {
		TEST(the_oldest_lines_go_and_are_counted),
		TEST(a_line_that_does_not_fit_leaves_none_but_the_next_is_kept),
		TEST(a_line_is_a_line_whatever_is_in_it),
		TEST(secrets_told_later_are_masked_too_but_not_in_the_head),
		TEST(what_is_forgotten_is_gone_and_nothing_more_is_kept),
		TEST(memory_stays_bounded_however_many_lines_there_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
