#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"

static void
appends_add_up_and_take_gives_them_away(void **state)
{
	CLEANUP(cleanup_free) char *text = NULL;
	struct str s = STR_INIT;
	struct err err = ERR_INIT;
	int i;

	(void)state;
	str_add(&s, "a");
	str_addn(&s, "bcd", 2);
	str_addf(&s, "-%d", 7);
	for (i = 0; i < 1000; i++)
		str_add(&s, "0123456789");
	assert_int_equal(s.len, 10005);
	assert_int_equal(str_take(&s, &text, &err), 0);
	assert_memory_equal(text, "abc-70123456789", 15);
	assert_int_equal(strlen(text), 10005);
	assert_null(s.s);
	assert_int_equal(s.len, 0);
}

static void
taking_from_nothing_gives_an_empty_text(void **state)
{
	CLEANUP(cleanup_free) char *text = NULL;
	struct str s = STR_INIT;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(str_take(&s, &text, &err), 0);
	assert_string_equal(text, "");
}

static void
a_limit_that_is_passed_fails_at_the_take(void **state)
{
	CLEANUP(cleanup_free) char *text = NULL;
	struct str s = STR_INIT;
	struct err err = ERR_INIT;

	(void)state;
	s.max = 5;
	str_add(&s, "12345");
	assert_false(s.failed);
	str_add(&s, "6");
	assert_true(s.failed);
	str_add(&s, "");
	assert_int_equal(str_take(&s, &text, &err), -1);
	assert_int_equal(err.kind, ERR_NOMEM);
	assert_null(text);
	assert_false(s.failed);
}

static void
bytes_with_nul_are_kept(void **state)
{
	struct str s = STR_INIT;

	(void)state;
	str_addn(&s, "a\0b", 3);
	assert_int_equal(s.len, 3);
	assert_memory_equal(s.s, "a\0b", 4);
	str_wipe(&s);
	assert_null(s.s);
	str_wipe(&s);
	str_free(&s);
}

static void
format_and_dup_give_copies(void **state)
{
	CLEANUP(cleanup_free) char *a = NULL;
	CLEANUP(cleanup_free) char *b = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(str_format(&a, &err, "%s/%d", "x", 1), 0);
	assert_string_equal(a, "x/1");
	assert_int_equal(str_dup(a, &b, &err), 0);
	assert_string_equal(b, "x/1");
	assert_ptr_not_equal(a, b);
	str_zero(b);
	assert_memory_equal(b, "\0\0\0", 3);
	str_zero(NULL);
}

static void
characters_are_counted_and_not_bytes(void **state)
{
	(void)state;
	assert_int_equal(str_characters(""), 0);
	assert_int_equal(str_characters("a b"), 3);
	assert_int_equal(str_characters("\xc3\xa4\xe2\x82\xac.\xf0\x9f\x98"
	    "\x80"), 4);
}

static void
visible_text_has_no_control_characters_and_only_utf8(void **state)
{
	static const struct {
		const char *text;
		const char *visible;
		bool utf8;
	} cases[] = {
		{ "", "", true },
		{ "plain ~", "plain ~", true },
		{ "a\nb\tc\\d", "a\\nb\\tc\\\\d", true },
		{ "\x1b[31m\r\x7f", "\\x1b[31m\\x0d\\x7f", true },
		{ "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
		    "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", true },
		{ "\xff", "\\xff", false },
		{ "\xc3", "\\xc3", false },
		{ "\xc3(", "\\xc3(", false },
		{ "\xe2\x82", "\\xe2\\x82", false },
		{ "\xc0\xaf", "\\xc0\\xaf", false },
		{ "\xe0\x80\xaf", "\\xe0\\x80\\xaf", false },
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80", false },
		{ "\xf0\x80\x80\x80", "\\xf0\\x80\\x80\\x80", false },
		{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80", false },
		{ "\xf5\x80\x80\x80", "\\xf5\\x80\\x80\\x80", false },
		/* C1 is a control character for many a terminal */
		{ "\xc2\x9b" "31m", "\\xc2\\x9b" "31m", true },
		{ "\xc2\xa0", "\xc2\xa0", true },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CLEANUP(str_free) struct str s = STR_INIT;

		str_add(&s, "");
		str_add_visible(&s, cases[i].text);
		assert_string_equal(s.s, cases[i].visible);
		assert_int_equal(str_is_utf8(cases[i].text), cases[i].utf8);
	}
}

static void
beginnings_and_ends_are_seen(void **state)
{
	(void)state;
	assert_true(str_starts("abc", ""));
	assert_true(str_starts("abc", "abc"));
	assert_false(str_starts("abc", "abcd"));
	assert_true(str_ends("abc", ""));
	assert_true(str_ends("abc", "bc"));
	assert_false(str_ends("abc", "xabc"));
	assert_false(str_ends("abc", "b"));
}

static void
trim_cuts_blanks_off_both_ends(void **state)
{
	static const struct {
		const char *text;
		const char *trimmed;
	} cases[] = {
		{ "", "" },
		{ " \t\n", "" },
		{ "a", "a" },
		{ "  a b\r\n", "a b" },
		{ "\xc3\xa4 ", "\xc3\xa4" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CLEANUP(cleanup_free) char *copy = strdup(cases[i].text);

		assert_string_equal(str_trim(copy), cases[i].trimmed);
	}
}

static void
distance_counts_edits_and_swaps(void **state)
{
	static const struct {
		const char *a;
		const char *b;
		unsigned distance;
	} cases[] = {
		{ "", "", 0 },
		{ "", "abc", 3 },
		{ "backup", "backup", 0 },
		{ "BACKUP", "backup", 0 },
		{ "bakcup", "backup", 1 },
		{ "backu", "backup", 1 },
		{ "backuup", "backup", 1 },
		{ "bacxup", "backup", 1 },
		{ "kitten", "sitting", 3 },
		{ "ca", "abc", 3 },
	};
	char name[128];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(str_distance(cases[i].a, cases[i].b),
		    cases[i].distance);
		assert_int_equal(str_distance(cases[i].b, cases[i].a),
		    cases[i].distance);
	}
	memset(name, 'a', sizeof name);
	name[63] = '\0';
	assert_int_equal(str_distance(name, ""), 63);
	assert_int_equal(str_distance(name, name), 0);
	name[63] = 'a';
	name[64] = '\0';
	assert_true(str_distance(name, name) >= 64);
}

static void
lists_own_copies(void **state)
{
	CLEANUP(strlist_free) struct strlist list = STRLIST_INIT;
	CLEANUP(strlist_free) struct strlist copy = STRLIST_INIT;
	struct err err = ERR_INIT;
	char text[] = "one";

	(void)state;
	assert_int_equal(strlist_copy(&list, &copy, &err), 0);
	assert_null(copy.v);
	assert_int_equal(strlist_add(&list, text, &err), 0);
	text[0] = 'X';
	assert_int_equal(strlist_addf(&list, &err, "two %d", 2), 0);
	assert_int_equal(strlist_copy(&list, &copy, &err), 0);
	strlist_free(&list);
	assert_int_equal(list.n, 0);
	assert_null(list.v);
	assert_int_equal(copy.n, 2);
	assert_string_equal(copy.v[0], "one");
	assert_string_equal(copy.v[1], "two 2");
	assert_true(strlist_has(&copy, "one"));
	assert_false(strlist_has(&copy, "two"));
	strlist_free(&copy);
	strlist_free(&copy);
}

static void
maps_keep_their_order_and_keys_are_unique(void **state)
{
	CLEANUP(strmap_free) struct strmap map = STRMAP_INIT;
	CLEANUP(strmap_free) struct strmap copy = STRMAP_INIT;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(strmap_add(&map, "b", "1", &err), 0);
	assert_int_equal(strmap_add(&map, "a", "2", &err), 0);
	assert_int_equal(strmap_add(&map, "b", "3", &err), 0);
	assert_int_equal(strmap_copy(&map, &copy, &err), 0);
	strmap_free(&map);
	assert_int_equal(copy.keys.n, 2);
	assert_int_equal(copy.values.n, 2);
	assert_string_equal(copy.keys.v[0], "b");
	assert_string_equal(strmap_get(&copy, "b"), "3");
	assert_string_equal(strmap_get(&copy, "a"), "2");
	assert_null(strmap_get(&copy, "c"));
	assert_null(strmap_get(&map, "a"));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(appends_add_up_and_take_gives_them_away),
		cmocka_unit_test(taking_from_nothing_gives_an_empty_text),
		cmocka_unit_test(a_limit_that_is_passed_fails_at_the_take),
		cmocka_unit_test(bytes_with_nul_are_kept),
		cmocka_unit_test(format_and_dup_give_copies),
		cmocka_unit_test(characters_are_counted_and_not_bytes),
		cmocka_unit_test(
		    visible_text_has_no_control_characters_and_only_utf8),
		cmocka_unit_test(beginnings_and_ends_are_seen),
		cmocka_unit_test(trim_cuts_blanks_off_both_ends),
		cmocka_unit_test(distance_counts_edits_and_swaps),
		cmocka_unit_test(lists_own_copies),
		cmocka_unit_test(maps_keep_their_order_and_keys_are_unique),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
