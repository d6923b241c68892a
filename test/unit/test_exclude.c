/*
 * exclude: globs and expressions against paths.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "lib/base/clock.h"
#include "lib/stream/exclude.h"

#define LENGTH(array) (sizeof(array) / sizeof *(array))

static bool
excluded(const char *glob, const char *regexp, const char *path,
    bool is_directory)
{
	CLEANUP(exclude_freep) struct exclude *exclude = NULL;
	CLEANUP(strlist_free) struct strlist globs = STRLIST_INIT;
	struct err err = ERR_INIT;

	assert_int_equal(strlist_add(&globs, "/never/this", &err), 0);
	if (glob != NULL)
		assert_int_equal(strlist_add(&globs, glob, &err), 0);
	if (exclude_new(&globs, regexp, &exclude, &err) < 0)
		fail_msg("%s", err.msg);
	return exclude_has(exclude, path, is_directory);
}

static void
globs_match_names_ends_and_whole_paths(void **state)
{
	static const struct {
		const char *glob, *path;
		bool result;
	} cases[] = {
		{ "*.log", "/srv/a.log", true },
		{ "*.log", "/srv/deep/er/a.log", true },
		{ "*.log", "/srv/a.log/b", false },
		{ "*.log", "/srv/.log", true },
		{ "cache", "/srv/cache", true },
		{ "cache", "/srv/cache2", false },
		{ "cache", "/srv/mycache", false },
		{ "c?che", "/srv/cache", true },
		{ "[a-c]", "/srv/b", true },
		{ "\\*", "/srv/*", true },
		{ "\\*", "/srv/x", false },
		{ "*", "/srv/.hidden", true },
		{ "cache/tmp", "/srv/www/cache/tmp", true },
		{ "cache/tmp", "/srv/www/mycache/tmp", false },
		{ "cache/*.tmp", "/srv/cache/a.tmp", true },
		{ "cache/*.tmp", "/srv/cache/a/b.tmp", false },
		{ "*/cache", "/srv/www/cache", true },
		{ "/srv/www", "/srv/www", true },
		{ "/srv/www", "/data/srv/www", false },
		{ "/srv/*/cache", "/srv/www/cache", true },
		{ "/srv/*/cache", "/srv/www/x/cache", false },
		{ "/volumes/db/*.log", "/volumes/db/a.log", true },
		{ "/", "/srv", false },
		{ "", "/srv", false },
		{ "[", "/srv/x", false },
		{ "\xff*", "/srv/\xffx", true },
	};
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(cases); i++)
		if (excluded(cases[i].glob, NULL, cases[i].path, false) !=
		    cases[i].result)
			fail_msg("'%s' '%s'", cases[i].glob, cases[i].path);
}

static void
a_slash_at_the_end_means_directories_only(void **state)
{
	(void)state;
	assert_true(excluded("cache/", NULL, "/srv/cache", true));
	assert_false(excluded("cache/", NULL, "/srv/cache", false));
	assert_true(excluded("/srv/c*/", NULL, "/srv/cache", true));
	assert_true(excluded("www/cache/", NULL, "/srv/www/cache", true));
	assert_false(excluded("www/cache/", NULL, "/srv/cache", true));
}

static void
expressions_are_searched_in_the_path(void **state)
{
	static const struct {
		const char *regexp, *path;
		bool result;
	} cases[] = {
		{ "\\.log$", "/srv/a.log", true },
		{ "\\.log$", "/srv/a.log.gz", false },
		{ "\\.log$", "/srv/a.log\n", false },
		{ "^/volumes/db/", "/volumes/db/x", true },
		{ "(?i)CACHE", "/srv/cache", true },
		{ "/\\d+$", "/srv/2024", true },
		{ "/\\d+$", "/srv/2024x", false },
		{ "node_modules|\\.git$", "/srv/.git", true },
		{ "\xc3\xa9.$", "/srv/\xc3\xa9x", true },
		{ "(?i)\xc3\x89", "/srv/\xc3\xa9", true },
		/* Names that are not UTF-8. */
		{ "\\.log$", "/srv/\xff\xfe.log", true },
		{ "^/srv/.*x$", "/srv/\xffx", false },
		{ "", "/srv", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(cases); i++)
		if (excluded(NULL, cases[i].regexp, cases[i].path, false) !=
		    cases[i].result)
			fail_msg("'%s' '%s'", cases[i].regexp, cases[i].path);
}

static void
an_expression_that_does_not_compile_names_its_offset(void **state)
{
	struct exclude *exclude = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(exclude_new(NULL, "a(b", &exclude, &err), -1);
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_string_equal(err.msg, "'a(b' is not a regular "
	    "expression: missing closing parenthesis at offset 3");
	assert_null(exclude);
	assert_int_equal(exclude_new(NULL, "\xff", &exclude, &err), -1);
	assert_int_equal(err.kind, ERR_CONFIG);
}

static void
an_expression_that_takes_too_long_keeps_the_path(void **state)
{
	char path[200];
	double began = clock_mono_s();

	(void)state;
	memset(path, 'a', sizeof path);
	path[0] = '/';
	path[sizeof path - 1] = '\0';
	assert_false(excluded(NULL, "(a+)+$[^a]", path, false));
	assert_false(excluded(NULL, "^(/|(a|aa)+)+b$", path, false));
	assert_true(clock_mono_s() - began < 30);
}

static void
nothing_is_excluded_by_nothing(void **state)
{
	CLEANUP(exclude_freep) struct exclude *exclude = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(exclude_new(NULL, NULL, &exclude, &err), 0);
	assert_false(exclude_has(exclude, "/srv/x", true));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(globs_match_names_ends_and_whole_paths),
		cmocka_unit_test(a_slash_at_the_end_means_directories_only),
		cmocka_unit_test(expressions_are_searched_in_the_path),
		cmocka_unit_test(
		    an_expression_that_does_not_compile_names_its_offset),
		cmocka_unit_test(
		    an_expression_that_takes_too_long_keeps_the_path),
		cmocka_unit_test(nothing_is_excluded_by_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
