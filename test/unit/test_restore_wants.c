/* Which members of an archive are wanted. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "lib/run/restore_wants.h"

static struct restore_wants wants;

static int
drop(void **state)
{
	(void)state;
	restore_wants_free(&wants);
	return 0;
}

/* Words apart by blanks. */
static void
split(const char *text, struct strlist *ret)
{
	char *copy = strdup(text), *rest = NULL, *word;
	struct err err = ERR_INIT;

	assert_non_null(copy);
	for (word = strtok_r(copy, " ", &rest); word != NULL;
	    word = strtok_r(NULL, " ", &rest))
		assert_int_equal(strlist_add(ret, word, &err), 0);
	free(copy);
}

static int
parse(const char *volumes, const char *paths, struct err *err)
{
	CLEANUP(strlist_free) struct strlist v = STRLIST_INIT;
	CLEANUP(strlist_free) struct strlist p = STRLIST_INIT;

	restore_wants_free(&wants);
	split(volumes, &v);
	split(paths, &p);
	return restore_wants_parse(&v, &p, &wants, err);
}

static void
must_parse(const char *volumes, const char *paths)
{
	struct err err = ERR_INIT;

	if (parse(volumes, paths, &err) < 0)
		fail_msg("%s", err.msg);
}

static const struct metadata_source sources[] = {
	{ .type = "volume", .name = "db" },
	{ .type = "volume", .name = "www" },
	{ .type = "directory", .path = "/srv/files/" },
};
static const struct metadata metadata = { .sources = sources,
	.n_sources = 3 };

static void
names_lose_slashes_and_dots(void **state)
{
	static const struct { const char *path, *name; } cases[] = {
		{ "", "" }, { "/", "" }, { ".", "" }, { "./", "" },
		{ "/a", "a" }, { "./a", "a" }, { "//a//b/", "a/b" },
		{ "a/./b/.", "a/b" }, { "a/...", "a/..." },
		{ "..a/b..", "..a/b.." }, { " /a", " /a" },
	};
	static const char *const bad[] = { "..", "../a", "a/..", "a/../b",
		"/.." };
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CLEANUP(cleanup_free) char *name = NULL;

		assert_int_equal(restore_name(cases[i].path, &name, &err), 0);
		assert_string_equal(name, cases[i].name);
	}
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		char *name = NULL;

		assert_int_equal(restore_name(bad[i], &name, &err), -1);
		assert_int_equal(err.kind, ERR_SOURCE);
	}
}

static void
nothing_named_is_everything(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	must_parse("", "");
	assert_int_equal(restore_wants_know(&wants, &metadata, &err), 0);
	assert_true(restore_wants_has(&wants, ""));
	assert_true(restore_wants_has(&wants, "volumes/db"));
	assert_int_equal(restore_wants_check(&wants, &err), 0);
}

static void
a_volume_or_a_path_is_wanted_with_all_below_it(void **state)
{
	static const struct { const char *volumes, *paths, *name; bool has; }
	cases[] = {
		{ "db", "", "volumes/db", true },
		{ "db", "", "volumes/db/base/1", true },
		{ "db", "", "volumes/db2", false },
		{ "db", "", "volumes", false },
		{ "db", "", "backup/db", false },
		{ "x=volumes/db", "", "volumes/db/1", true },
		{ "x=/srv/files/y/", "", "srv/files/y", true },
		{ "", "srv/files", "srv/files/a", true },
		{ "", "/srv/files/", "srv/files", true },
		{ "", "/volumes/db/1", "volumes/db/1", true },
		{ "", "./volumes/db/1", "volumes/db/10", false },
		{ "", "/", "anything", true },
		{ "db", "srv", "srv/files", true },
		{ "db", "srv", "volumes/www", false },
	};
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		must_parse(cases[i].volumes, cases[i].paths);
		assert_int_equal(restore_wants_know(&wants, &metadata,
		    &err), 0);
		assert_int_equal(restore_wants_has(&wants, cases[i].name),
		    cases[i].has);
	}
}

static void
without_metadata_a_volume_may_be_docker_volume_backups(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	must_parse("db", "");
	assert_int_equal(restore_wants_know(&wants, NULL, &err), 0);
	assert_string_equal(restore_wants_member(&wants, &wants.v[0]),
	    "backup/db");
	assert_true(restore_wants_has(&wants, "backup/db/1"));
	assert_true(restore_wants_has(&wants, "volumes/db/1"));
	assert_false(restore_wants_has(&wants, "backup/dbx"));
	assert_int_equal(restore_wants_know(&wants, &metadata, &err), 0);
	assert_string_equal(restore_wants_member(&wants, &wants.v[0]),
	    "volumes/db");
	assert_false(restore_wants_has(&wants, "backup/db/1"));
	must_parse("db=backup/other", "");
	assert_int_equal(restore_wants_know(&wants, NULL, &err), 0);
	assert_string_equal(restore_wants_member(&wants, &wants.v[0]),
	    "backup/other");
}

static void
a_volume_that_metadata_lacks_is_named_with_those_it_has(void **state)
{
	static const char *const lacking[] = { "dbx", "x=volumes/no", "x=srv",
		"files" };
	const struct restore_want *missing;
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof lacking / sizeof lacking[0]; i++) {
		must_parse(lacking[i], "");
		assert_false(restore_wants_in(&wants, &metadata, &missing));
		assert_ptr_equal(missing, &wants.v[0]);
		assert_int_equal(restore_wants_know(&wants, &metadata,
		    &err), -1);
		assert_int_equal(err.kind, ERR_NOTFOUND);
		assert_non_null(strstr(err.msg, "'db', 'www'"));
	}
	must_parse("db x=srv/files/part", "");
	assert_true(restore_wants_in(&wants, &metadata, &missing));
}

static void
what_was_not_found_is_named(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	must_parse("db x=srv/files", "/a/b c");
	assert_int_equal(restore_wants_know(&wants, NULL, &err), 0);
	assert_true(restore_wants_has(&wants, "a/b/c"));
	assert_int_equal(restore_wants_check(&wants, &err), -1);
	assert_int_equal(err.kind, ERR_NOTFOUND);
	assert_string_equal(err.msg, "the archive has nothing of volume "
	    "'db', 'srv/files', 'c'");
	/* Another store: nothing was found there so far. */
	assert_int_equal(restore_wants_know(&wants, NULL, &err), 0);
	assert_int_equal(restore_wants_check(&wants, &err), -1);
	assert_non_null(strstr(err.msg, "a/b"));
}

static void
what_cannot_be_meant_is_wrong_usage(void **state)
{
	static const struct { const char *volumes, *paths; } cases[] = {
		{ "=x", "" }, { "a/b", "" }, { "a/b=c", "" }, { "a=..", "" },
		{ "a a", "" }, { "a a=b", "" }, { "", "../x" },
	};
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(parse(cases[i].volumes, cases[i].paths,
		    &err), -1);
		assert_int_equal(err.kind, ERR_USAGE);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_lose_slashes_and_dots),
		cmocka_unit_test(nothing_named_is_everything),
		cmocka_unit_test(a_volume_or_a_path_is_wanted_with_all_below_it),
		cmocka_unit_test(
		    without_metadata_a_volume_may_be_docker_volume_backups),
		cmocka_unit_test(
		    a_volume_that_metadata_lacks_is_named_with_those_it_has),
		cmocka_unit_test(what_was_not_found_is_named),
		cmocka_unit_test(what_cannot_be_meant_is_wrong_usage),
	};

	return cmocka_run_group_tests(tests, NULL, drop);
}
