#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/report/message.h"

#define N(array) (sizeof (array) / sizeof (array)[0])
#define MARK "\n" MESSAGE_MARK "\n"
#define X10 "xxxxxxxxxx"
#define X20 X10 X10
#define X64 X20 X20 X20 "xxxx"
#define BAD64 "\xff\x80\xc3\xed\xa0\x80\xf5\xc0"

static char *
fit(const char *text, size_t max, enum message_unit unit)
{
	struct err err = ERR_INIT;
	char *fitted = NULL;

	assert_int_equal(message_fit(text, max, unit, &fitted, &err), 0);
	return fitted;
}

static char *
repeat(const char *text, size_t n)
{
	struct str s = STR_INIT;
	struct err err = ERR_INIT;
	char *repeated = NULL;

	while (n-- != 0)
		str_add(&s, text);
	assert_int_equal(str_take(&s, &repeated, &err), 0);
	return repeated;
}

static size_t
units_of(const char *text, enum message_unit unit)
{
	size_t n = 0, step;

	if (unit == MESSAGE_BYTES)
		return strlen(text);
	for (; *text != '\0'; text += step, n++) {
		step = str_utf8_length(text);
		step = step != 0 ? step : 1;
	}
	return n;
}

static void
what_fits_is_the_same(void **state)
{
	static const char *const texts[] = { "", "a", "\n\n", X64, BAD64 };
	size_t i;

	(void)state;
	for (i = 0; i < N(texts); i++) {
		CLEANUP(cleanup_free) char *bytes = fit(texts[i], 64,
		    MESSAGE_BYTES);
		CLEANUP(cleanup_free) char *characters = fit(texts[i], 64,
		    MESSAGE_CHARACTERS);

		assert_string_equal(bytes, texts[i]);
		assert_string_equal(characters, texts[i]);
	}
}

/* 64: 21 of the head, 7 of the mark, 36 of the tail. */
static void
head_and_tail_stay(void **state)
{
	static const struct {
		const char *text;
		const char *fitted;
	} cases[] = {
		/* no lines: exactly as much as may be */
		{ "0123456789abcdefghijklmno" X20 X20
		  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
		  "0123456789abcdefghijk" MARK
		  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789" },
		/* whole lines at both ends */
		{ "The run failed.\nlonger than the head " X20 X20
		  "\nlast but two\nlast but one\nlast\n",
		  "The run failed." MARK "last but two\n"
		  "last but one\nlast\n" },
		{ "line one\nline two\n" X64 "\nsecond last line\n"
		  "the last line\n",
		  "line one\nline two" MARK
		  "second last line\nthe last line\n" },
		/* a line that begins too early in the head */
		{ "a\n" X20 X20 X20 "\nlast",
		  "a\n" "xxxxxxxxxxxxxxxxxxx" MARK X20 X10 "x" "\nlast" },
		/* a head that ends where its line does, and a tail so */
		{ X20 "x\n" X20 "\n" X20 X10 "xxxxxx",
		  X20 "x" MARK X20 X10 "xxxxxx" },
		/* empty lines before the mark are none of its */
		{ X10 "xxxxxxx\n\n\n\n" X20 X20 X20,
		  X10 "xxxxxxx" MARK X20 X20 },
		/* nothing but line ends */
		{ "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n" X64,
		  MESSAGE_MARK "\n" X20 X20 X10 "xxxxxxxx" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++) {
		CLEANUP(cleanup_free) char *fitted = fit(cases[i].text, 64,
		    MESSAGE_BYTES);

		assert_string_equal(fitted, cases[i].fitted);
		assert_true(strlen(fitted) <= 64);
	}
}

static void
no_limit_is_ever_passed_and_no_character_cut(void **state)
{
	static const char *const pieces[] = { "x", "\xc3\xa4",
		("\xe2\x82\xac" "y"), "\xf0\x9f\x90\xb3", "a line of words\n",
		"\xe2\x82\xac\n" };
	size_t i, max;

	(void)state;
	for (i = 0; i < N(pieces); i++) {
		CLEANUP(cleanup_free) char *text = repeat(pieces[i], 500);

		for (max = 64; max < 200; max++) {
			CLEANUP(cleanup_free) char *bytes = fit(text, max,
			    MESSAGE_BYTES);
			CLEANUP(cleanup_free) char *characters = fit(text, max,
			    MESSAGE_CHARACTERS);

			assert_true(str_is_utf8(bytes));
			assert_true(str_is_utf8(characters));
			assert_true(strlen(bytes) <= max);
			assert_true(strlen(bytes) > max / 2);
			assert_true(units_of(characters,
			    MESSAGE_CHARACTERS) <= max ||
			    units_of(text, MESSAGE_CHARACTERS) <= max);
			assert_true(units_of(characters,
			    MESSAGE_CHARACTERS) > max / 2);
		}
	}
}

/* An exact number of characters where there are no lines. */
static void
characters_are_not_bytes(void **state)
{
	CLEANUP(cleanup_free) char *text = repeat("\xe2\x82\xac", 101);
	CLEANUP(cleanup_free) char *fits = fit(text, 101, MESSAGE_CHARACTERS);
	CLEANUP(cleanup_free) char *cut = fit(text, 100, MESSAGE_CHARACTERS);
	CLEANUP(cleanup_free) char *bytes = fit(text, 101, MESSAGE_BYTES);

	(void)state;
	assert_string_equal(fits, text);
	assert_int_equal(units_of(cut, MESSAGE_CHARACTERS), 100);
	assert_int_equal(strlen(cut), 93 * 3 + 7);
	assert_int_equal(strlen(bytes), 33 + 7 + 60);
}

static void
what_is_no_utf8_has_a_limit_too(void **state)
{
	CLEANUP(cleanup_free) char *text = repeat(BAD64, 100);
	size_t max;

	(void)state;
	for (max = 64; max < 80; max++) {
		CLEANUP(cleanup_free) char *bytes = fit(text, max,
		    MESSAGE_BYTES);
		CLEANUP(cleanup_free) char *characters = fit(text, max,
		    MESSAGE_CHARACTERS);

		assert_int_equal(strlen(bytes), max);
		assert_int_equal(strlen(characters), max);
	}
}

static void
a_huge_text_is_fitted(void **state)
{
	CLEANUP(cleanup_free) char *text = repeat("one line of a log\n",
	    500000);
	CLEANUP(cleanup_free) char *fitted = fit(text, 4096,
	    MESSAGE_CHARACTERS);

	(void)state;
	assert_true(strlen(fitted) <= 4096);
	assert_true(strlen(fitted) > 4096 - 40);
	assert_true(str_starts(fitted, "one line of a log\n"));
	assert_true(str_ends(fitted, "\none line of a log\n"));
	assert_non_null(strstr(fitted, "log" MARK "one"));
}

static void
a_title_keeps_its_head(void **state)
{
	static const struct {
		const char *text;
		size_t max;
		enum message_unit unit;
		const char *cut;
	} cases[] = {
		{ "", 8, MESSAGE_BYTES, "" },
		{ "12345678", 8, MESSAGE_BYTES, "12345678" },
		{ "123456789", 8, MESSAGE_BYTES, "12345..." },
		{ "1234\xc3\xa4" "789", 8, MESSAGE_BYTES, "1234..." },
		{ "123\xc3\xa4" "6789", 8, MESSAGE_BYTES, "123\xc3\xa4..." },
		{ "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
		  "\xc3\xa4", 8, MESSAGE_CHARACTERS,
		  "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
		  "\xc3\xa4" },
		{ "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
		  "\xc3\xa4x", 8, MESSAGE_CHARACTERS,
		  "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4..." },
		{ "\xf0\x9f\x90\xb3\xf0\x9f\x90\xb3\xf0\x9f\x90\xb3", 8,
		  MESSAGE_BYTES, "\xf0\x9f\x90\xb3..." },
		{ "\xff\xff\xff\xff\xff\xff\xff\xff\xff", 8,
		  MESSAGE_CHARACTERS, "\xff\xff\xff\xff\xff..." },
	};
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++) {
		CLEANUP(cleanup_free) char *cut = NULL;

		assert_int_equal(message_cut(cases[i].text, cases[i].max,
		    cases[i].unit, &cut, &err), 0);
		assert_string_equal(cut, cases[i].cut);
	}
}

static void
title_and_body_are_one_text(void **state)
{
	static const struct {
		const char *title;
		const char *body;
		size_t max;
		const char *whole;
	} cases[] = {
		{ "T", "body", 0, "T\n\nbody" },
		{ "T", "body", 64, "T\n\nbody" },
		{ "", "body", 64, "body" },
		{ "T", X64, 0, "T\n\n" X64 },
		{ "It failed", X64 "\nbecause\n", 64,
		  "It failed" MARK X20 X10 "xxxxxxxxx\nbecause\n" },
		{ X64 X64, "body", 64, X20 "x" MARK X20 X10 "\n\nbody" },
	};
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++) {
		const struct message message = { .title = cases[i].title,
		    .body = cases[i].body };
		CLEANUP(cleanup_free) char *whole = NULL;

		assert_int_equal(message_whole(&message, "\n\n", cases[i].max,
		    MESSAGE_BYTES, &whole, &err), 0);
		assert_string_equal(whole, cases[i].whole);
	}
}

static void
texts_are_cleaned(void **state)
{
	static const struct {
		const char *text;
		const char *line;
		const char *utf8;
	} cases[] = {
		{ "", "", "" },
		{ "plain \xc3\xa4\xf0\x9f\x90\xb3", "plain \xc3\xa4\xf0\x9f"
		  "\x90\xb3", "plain \xc3\xa4\xf0\x9f\x90\xb3" },
		{ " \r\n a\r\nBcc: b\t\x1b[1m\x7f ", "a  Bcc: b  [1m",
		  " ?\n a?\nBcc: b\t?[1m? " },
		{ "\r\n\t \x01", "", "?\n\t ?" },
		{ "NEL\xc2\x85" "b\xc2\xa0" "c", "NEL b\xc2\xa0" "c",
		  "NEL?b\xc2\xa0" "c" },
		{ "\xff" "a\xc3" "b\xed\xa0\x80\xc0\xaf\xf4\x90\x80\x80",
		  "?a?b?????????", "?a?b?????????" },
		{ "cut \xe2\x82", "cut ??", "cut ??" },
	};
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++) {
		CLEANUP(cleanup_free) char *line = NULL;
		CLEANUP(cleanup_free) char *utf8 = NULL;

		assert_int_equal(message_line(cases[i].text, &line, &err), 0);
		assert_string_equal(line, cases[i].line);
		assert_int_equal(message_utf8(cases[i].text, &utf8, &err), 0);
		assert_string_equal(utf8, cases[i].utf8);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_fits_is_the_same),
		cmocka_unit_test(head_and_tail_stay),
		cmocka_unit_test(no_limit_is_ever_passed_and_no_character_cut),
		cmocka_unit_test(characters_are_not_bytes),
		cmocka_unit_test(what_is_no_utf8_has_a_limit_too),
		cmocka_unit_test(a_huge_text_is_fitted),
		cmocka_unit_test(a_title_keeps_its_head),
		cmocka_unit_test(title_and_body_are_one_text),
		cmocka_unit_test(texts_are_cleaned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
