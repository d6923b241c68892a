#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "lib/base/lines.h"
#include "lib/base/str.h"

/* Each line in brackets. */
static void
keep_line(void *cookie, const char *line)
{
	str_addf(cookie, "[%s]", line);
}

static void
split(const char *bytes, size_t n, size_t piece, struct str *ret,
    struct lines *lines)
{
	size_t at;

	*lines = (struct lines){ .line = keep_line, .cookie = ret };
	str_add(ret, "");
	for (at = 0; at < n; at += piece)
		lines_add(lines, bytes + at, n - at < piece ? n - at : piece);
	lines_end(lines);
	lines_end(lines);	/* has no more to say */
}

static void
lines_are_the_same_whatever_the_pieces(void **state)
{
	static const struct {
		const char *text;
		const char *lines;
		const char *last;
	} cases[] = {
		{ "", "", "" },
		{ "a", "[a]", "a" },
		{ "a\n", "[a]", "a" },
		{ "\n", "[]", "" },
		{ "one\ntwo\n\n \t\n", "[one][two][][ \t]", "two" },
		{ "dos\r\nunix\n\r\n", "[dos][unix][]", "unix" },
		{ "50%\r100%\nr\r", "[50%\r100%][r]", "r" },
		{ "\xc3\xa4\xff\x1b\n", "[\xc3\xa4\xff\x1b]",
		  "\xc3\xa4\xff\x1b" },
	};
	size_t i, piece;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++)
		for (piece = 1; piece < 5; piece++) {
			CLEANUP(str_free) struct str got = STR_INIT;
			struct lines lines;

			split(cases[i].text, strlen(cases[i].text), piece,
			    &got, &lines);
			assert_string_equal(got.s, cases[i].lines);
			assert_string_equal(lines.last, cases[i].last);
		}
}

static void
a_nul_byte_ends_no_line(void **state)
{
	CLEANUP(str_free) struct str got = STR_INIT;
	struct lines lines;

	(void)state;
	split("a\0b\n\0", 5, 5, &got, &lines);
	assert_string_equal(got.s, "[a?b][?]");
}

/* A line of n bytes and one after it; *ret_len: what comes of the first. */
static void
split_long(const char *character, size_t n, struct str *ret, size_t *ret_len)
{
	CLEANUP(str_free) struct str text = STR_INIT;
	struct lines lines;

	while (text.len + strlen(character) <= n)
		str_add(&text, character);
	while (text.len < n)
		str_add(&text, "x");
	str_add(&text, "\nnext\n");
	assert_false(text.failed);
	split(text.s, text.len, 1000, ret, &lines);
	assert_true(str_ends(ret->s, "][next]"));
	assert_string_equal(lines.last, "next");
	*ret_len = ret->len - strlen("[][next]");
}

static void
a_long_line_is_cut_and_marked(void **state)
{
	static const size_t sizes[] = { LINES_BYTES_MAX - 1, LINES_BYTES_MAX,
		LINES_BYTES_MAX + 1, 10 * LINES_BYTES_MAX };
	size_t i, len;

	(void)state;
	for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		CLEANUP(str_free) struct str got = STR_INIT;
		bool cut = sizes[i] > LINES_BYTES_MAX;

		split_long("x", sizes[i], &got, &len);
		assert_int_equal(len, cut ? LINES_BYTES_MAX +
		    strlen(LINES_MARK) : sizes[i]);
		assert_int_equal(strstr(got.s, LINES_MARK "]") != NULL, cut);
	}
}

static void
no_character_is_cut_in_two(void **state)
{
	static const char *const characters[] = { "\xc3\xa4", "\xe2\x82\xac",
		"\xf0\x9f\x90\xb3" };
	size_t i, len;

	(void)state;
	for (i = 0; i < sizeof characters / sizeof characters[0]; i++) {
		CLEANUP(str_free) struct str got = STR_INIT;

		split_long(characters[i], 3 * LINES_BYTES_MAX, &got, &len);
		assert_true(str_is_utf8(got.s));
		assert_true(len > LINES_BYTES_MAX - 4);
	}
}

/* Whatever the bytes, an end is found: seen by the sanitizers. */
static void
what_is_no_utf8_is_cut_too(void **state)
{
	size_t len;
	int byte;

	(void)state;
	for (byte = 0x80; byte < 0x100; byte++) {
		CLEANUP(str_free) struct str got = STR_INIT;
		char character[2] = { (char)byte, '\0' };

		split_long(character, 2 * LINES_BYTES_MAX, &got, &len);
		assert_true(len >= LINES_BYTES_MAX - 4 + strlen(LINES_MARK));
	}
}

static void
nobody_needs_to_listen(void **state)
{
	struct lines lines = { .line = NULL };

	(void)state;
	lines_add(&lines, "a\nb", 3);
	lines_end(&lines);
	assert_string_equal(lines.last, "b");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_the_same_whatever_the_pieces),
		cmocka_unit_test(a_nul_byte_ends_no_line),
		cmocka_unit_test(a_long_line_is_cut_and_marked),
		cmocka_unit_test(no_character_is_cut_in_two),
		cmocka_unit_test(what_is_no_utf8_is_cut_too),
		cmocka_unit_test(nobody_needs_to_listen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
