#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "lib/base/err.h"

static void
set_fills_kind_and_text_and_gives_minus_one(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(err.kind, ERR_NONE);
	assert_int_equal(err_set(&err, ERR_SOURCE, "no '%s'", "x"), -1);
	assert_int_equal(err.kind, ERR_SOURCE);
	assert_string_equal(err.msg, "no 'x'");
}

static void
sys_appends_what_the_system_says_and_tells_the_kind(void **state)
{
	static const struct {
		int number;
		enum err_kind kind;
	} cases[] = {
		{ ENOMEM, ERR_NOMEM },
		{ ENOSPC, ERR_NOSPACE },
		{ EDQUOT, ERR_NOSPACE },
		{ ENOENT, ERR_NOTFOUND },
		{ EEXIST, ERR_EXISTS },
		{ EACCES, ERR_SYSTEM },
		{ EIO, ERR_SYSTEM },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct err err = ERR_INIT;

		errno = cases[i].number;
		assert_int_equal(err_sys(&err, "cannot open '%s'", "/x"), -1);
		assert_int_equal(err.kind, cases[i].kind);
		assert_memory_equal(err.msg, "cannot open '/x': ", 18);
		assert_string_equal(err.msg + 18, strerror(cases[i].number));
	}
}

static void
add_puts_the_context_in_front_and_keeps_the_kind(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	(void)err_set(&err, ERR_TIMEOUT, "inner");
	assert_int_equal(err_add(&err, "job %d", 7), -1);
	assert_int_equal(err_add(&err, "run"), -1);
	assert_string_equal(err.msg, "run: job 7: inner");
	assert_int_equal(err.kind, ERR_TIMEOUT);
}

static void
texts_that_are_too_long_are_cut_at_their_end(void **state)
{
	char text[2 * ERR_MSG_BYTES];
	struct err err = ERR_INIT;

	(void)state;
	memset(text, 'a', sizeof text);
	text[sizeof text - 1] = '\0';
	(void)err_set(&err, ERR_SYSTEM, "%s", text);
	assert_int_equal(strlen(err.msg), ERR_MSG_BYTES - 1);
	(void)err_add(&err, "outer");
	assert_int_equal(strlen(err.msg), ERR_MSG_BYTES - 1);
	assert_memory_equal(err.msg, "outer: aaa", 10);
	(void)err_add(&err, "%s", text);
	assert_int_equal(strlen(err.msg), ERR_MSG_BYTES - 1);
	errno = EIO;
	(void)err_sys(&err, "%s", text);
	assert_int_equal(strlen(err.msg), ERR_MSG_BYTES - 1);
}

static void
every_kind_leads_to_a_documented_exit_status(void **state)
{
	(void)state;
	assert_int_equal(err_exit(ERR_NONE), EXIT_DONE);
	assert_int_equal(err_exit(ERR_USAGE), 2);
	assert_int_equal(err_exit(ERR_CONFIG), 2);
	assert_int_equal(err_exit(ERR_SYSTEM), 1);
	assert_int_equal(err_exit(ERR_LOCKED), 4);
	assert_int_equal(err_exit(ERR_INTERRUPTED), 5);
#define ERR_KIND(name, exit, meaning)					\
	assert_int_equal(err_exit(ERR_##name), EXIT_##exit);		\
	assert_true(strlen(meaning) != 0);
#include "lib/base/err_kind.def"
#undef ERR_KIND
}

static void
nomem_needs_no_memory(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(err_nomem(&err), -1);
	assert_int_equal(err.kind, ERR_NOMEM);
	assert_string_equal(err.msg, "out of memory");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(set_fills_kind_and_text_and_gives_minus_one),
		cmocka_unit_test(
		    sys_appends_what_the_system_says_and_tells_the_kind),
		cmocka_unit_test(
		    add_puts_the_context_in_front_and_keeps_the_kind),
		cmocka_unit_test(texts_that_are_too_long_are_cut_at_their_end),
		cmocka_unit_test(every_kind_leads_to_a_documented_exit_status),
		cmocka_unit_test(nomem_needs_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
