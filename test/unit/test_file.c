#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "lib/base/file.h"
#include "test/unit/scratch.h"

static struct scratch scratch;

static int
make_scratch(void **state)
{
	(void)state;
	scratch_new(&scratch);
	return 0;
}

static int
remove_scratch(void **state)
{
	(void)state;
	scratch_free(&scratch);
	return 0;
}

static void
a_file_is_read_whole(void **state)
{
	CLEANUP(cleanup_free) char *text = NULL;
	struct err err = ERR_INIT;
	size_t len;

	(void)state;
	scratch_write(&scratch, "f", "a\0b", 3);
	assert_int_equal(file_read(scratch_path(&scratch, "f"), 3, &text,
	    &len, &err), 0);
	assert_int_equal(len, 3);
	assert_memory_equal(text, "a\0b", 4);
}

static void
an_empty_file_is_an_empty_text(void **state)
{
	CLEANUP(cleanup_free) char *text = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(file_read("/dev/null", 0, &text, NULL, &err), 0);
	assert_string_equal(text, "");
}

static void
more_than_the_limit_is_an_error_that_names_the_path(void **state)
{
	struct err err = ERR_INIT;
	char *text = NULL;

	(void)state;
	scratch_write(&scratch, "f", "1234", 4);
	assert_int_equal(file_read(scratch_path(&scratch, "f"), 3, &text,
	    NULL, &err), -1);
	assert_non_null(strstr(err.msg, "/f'"));
	assert_int_equal(file_read("/dev/zero", 100000, &text, NULL, &err),
	    -1);
	assert_null(text);
}

static void
what_cannot_be_read_says_why(void **state)
{
	struct err err = ERR_INIT;
	char *text = NULL;

	(void)state;
	assert_int_equal(file_read(scratch_path(&scratch, "none"), 9, &text,
	    NULL, &err), -1);
	assert_int_equal(err.kind, ERR_NOTFOUND);
	assert_int_equal(file_read(scratch.dir, 9, &text, NULL, &err), -1);
	assert_non_null(strstr(err.msg, "Is a directory"));
	assert_int_equal(file_read_fd(-1, "it", 9, &text, NULL, &err), -1);
	assert_non_null(strstr(err.msg, "cannot read 'it'"));
}

static void
a_full_device_is_told_apart(void **state)
{
	CLEANUP(cleanup_close) int fd = open("/dev/full", O_WRONLY);
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(file_write_fd(fd, "full", "x", 1, &err), -1);
	assert_int_equal(err.kind, ERR_NOSPACE);
	assert_int_equal(file_write_fd(fd, "full", "", 0, &err), 0);
}

static void
join_puts_exactly_one_slash_between(void **state)
{
	static const struct {
		const char *dir;
		const char *name;
		const char *path;
	} cases[] = {
		{ "a", "b", "a/b" },
		{ "a/", "b", "a/b" },
		{ "a//", "/b", "a/b" },
		{ "/", "b", "/b" },
		{ "/a/b", "c/d", "/a/b/c/d" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CLEANUP(cleanup_free) char *path = NULL;
		struct err err = ERR_INIT;

		assert_int_equal(file_join(cases[i].dir, cases[i].name,
		    &path, &err), 0);
		assert_string_equal(path, cases[i].path);
	}
}

static void
directories_are_made_with_their_parents(void **state)
{
	CLEANUP(cleanup_close) int fd = -1;
	struct err err = ERR_INIT;
	struct stat st;

	(void)state;
	assert_int_equal(file_make_dirs(scratch_path(&scratch, "d/e//f/"),
	    0700, &err), 0);
	assert_true(file_is_dir(scratch_path(&scratch, "d/e/f")));
	assert_int_equal(stat(scratch.path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(file_make_dirs(scratch.path, 0700, &err), 0);
	scratch_write(&scratch, "f", "", 0);
	assert_false(file_is_dir(scratch_path(&scratch, "f")));
	assert_int_equal(file_make_dirs(scratch.path, 0700, &err), -1);
	assert_int_equal(file_make_dirs(scratch_path(&scratch, "f/g"), 0700,
	    &err), -1);
	fd = open(scratch.dir, O_RDONLY | O_DIRECTORY);
	assert_int_equal(file_sync_dir(fd, scratch.dir, &err), 0);
	assert_int_equal(file_sync_dir(-1, "gone", &err), -1);
}

static void
a_directory_is_listed_in_order_without_what_is_hidden(void **state)
{
	CLEANUP(strlist_free) struct strlist names = STRLIST_INIT;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(file_make_dirs(scratch_path(&scratch, "list/b"),
	    0700, &err), 0);
	assert_int_equal(file_list(scratch_path(&scratch, "list/b"), &names,
	    &err), 0);
	assert_int_equal(names.n, 0);
	scratch_write(&scratch, "list/a\n\xff", "", 0);
	scratch_write(&scratch, "list/B", "", 0);
	scratch_write(&scratch, "list/.hidden", "", 0);
	assert_int_equal(file_list(scratch_path(&scratch, "list"), &names,
	    &err), 0);
	assert_int_equal(names.n, 3);
	assert_string_equal(names.v[0], "B");
	assert_string_equal(names.v[1], "a\n\xff");
	assert_string_equal(names.v[2], "b");
}

static void
a_directory_that_cannot_be_listed_says_why(void **state)
{
	CLEANUP(strlist_free) struct strlist names = STRLIST_INIT;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(file_list("/not/there", &names, &err), -1);
	assert_int_equal(err.kind, ERR_NOTFOUND);
	assert_string_equal(err.msg, "cannot read directory '/not/there': No "
	    "such file or directory");
	assert_int_equal(file_list("/dev/null", &names, &err), -1);
	assert_int_equal(err.kind, ERR_SYSTEM);
	assert_int_equal(names.n, 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_read_whole),
		cmocka_unit_test(an_empty_file_is_an_empty_text),
		cmocka_unit_test(
		    more_than_the_limit_is_an_error_that_names_the_path),
		cmocka_unit_test(what_cannot_be_read_says_why),
		cmocka_unit_test(a_full_device_is_told_apart),
		cmocka_unit_test(join_puts_exactly_one_slash_between),
		cmocka_unit_test(directories_are_made_with_their_parents),
		cmocka_unit_test(
		    a_directory_is_listed_in_order_without_what_is_hidden),
		cmocka_unit_test(a_directory_that_cannot_be_listed_says_why),
	};

	return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
