/*
 * acl: binary ACLs as the kernel gives them, and what is none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "lib/stream/acl.h"

#define VERSION "\2\0\0\0"
#define NO_ID "\xff\xff\xff\xff"
#define OWNER "\1\0\7\0" NO_ID
#define CASE(bytes, text) { bytes, sizeof(bytes) - 1, text }

struct acl_case {
	const char *bytes;
	size_t n;
	const char *text;	/* NULL: not an ACL */
};

static void
check(const struct acl_case *cases, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		CLEANUP(str_free) struct str s = STR_INIT;

		str_add(&s, "before ");
		if (cases[i].text == NULL) {
			assert_false(acl_text(&s, cases[i].bytes, cases[i].n));
			assert_int_equal(s.len, 7);
		} else {
			assert_true(acl_text(&s, cases[i].bytes, cases[i].n));
			assert_string_equal(s.s + 7, cases[i].text);
		}
	}
}

static void
every_kind_of_entry_has_its_word(void **state)
{
	static const struct acl_case cases[] = {
		CASE(VERSION OWNER, "user::rwx"),
		CASE(VERSION OWNER "\2\0\4\0\xe8\3\0\0" "\4\0\5\0" NO_ID
		    "\x8\0\2\0\xc0\xc6\x2d\0" "\x10\0\6\0" NO_ID
		    "\x20\0\0\0" NO_ID,
		    "user::rwx,user:1000:r--,group::r-x,group:3000000:-w-,"
		    "mask::rw-,other::---"),
	};

	(void)state;
	check(cases, 2);
}

static void
ids_are_unsigned(void **state)
{
	static const struct acl_case cases[] = {
		CASE(VERSION "\2\0\1\0\0\0\0\x80", "user:2147483648:--x"),
		CASE(VERSION "\x8\0\1\0\xfe\xff\xff\xff",
		    "group:4294967294:--x"),
		CASE(VERSION "\2\0\1\0\0\0\0\0", "user:0:--x"),
	};

	(void)state;
	check(cases, 3);
}

static void
what_is_no_acl_is_refused(void **state)
{
	static const struct acl_case cases[] = {
		CASE("", NULL),
		CASE("\2\0", NULL),
		CASE(VERSION, NULL),
		CASE("\1\0\0\0" OWNER, NULL),
		CASE(VERSION "\1\0\7\0\xff\xff\xff", NULL),
		CASE(VERSION OWNER "\1", NULL),
		CASE(VERSION OWNER "\3\0\7\0" NO_ID, NULL),
	};

	(void)state;
	check(cases, 7);
}

static bool
find(const char *name, bool is_group, uint32_t *ret)
{
	*ret = is_group ? 7 : 1000;
	return strcmp(name, "known") == 0;
}

static void
texts_of_others_are_read(void **state)
{
#define USUAL VERSION OWNER "\2\0\4\0\xe8\3\0\0" "\4\0\5\0" NO_ID \
	"\x10\0\6\0" NO_ID "\x20\0\1\0" NO_ID
	static const char *const texts[] = {
		"user::rwx,user:1000:r--,group::r-x,mask::rw-,other::--x",
		"user::rwx,group::r-x,other::--x,user:joe:r--:1000,mask::rw-",
		"user::rwx\nuser:1000:r--\t#effective:r--\ngroup::r-x\n"
		    "mask::rw-\nother::--x\n",
		"# file: x\nother::--x , mask::rw- , user:1000:r-- ,\n"
		    "group::r-x,,user::rwx",
		"user::rwx\nuser:known:r--\ngroup::r-x\nmask::rw-\n"
		    "other::--x",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		CLEANUP(str_free) struct str s = STR_INIT;
		struct acl_mode mode;

		assert_true(acl_value(&s, texts[i], find, &mode));
		assert_int_equal(s.len, sizeof USUAL - 1);
		assert_memory_equal(s.s, USUAL, s.len);
		assert_int_equal(mode.kept, 0761);
		assert_int_equal(mode.lost, 0741);
	}
}

static void
a_text_that_is_no_acl_is_refused(void **state)
{
	static const char *const texts[] = { "", ",", "# only", "user",
		"user::", "user::rw", "user::rwxx", "user::xwr", "user:rwx",
		"user:joe:rwx", "group:joe:rwx", "user:known:rwx:x",
		"mask:known:rwx", "user:joe:rwx:", "user:joe:rwx:1:2",
		"user::rwx:7", "user:-1:rwx", "user:4294967295:rwx",
		"user:99999999999999999999:rwx", "mask:7:rwx", "other:7:rwx",
		"owner::rwx", "user::rwx,x", "u::rwx", " :: " };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		CLEANUP(str_free) struct str s = STR_INIT;
		struct acl_mode mode;

		assert_false(acl_value(&s, texts[i], find, &mode));
		assert_int_equal(s.len, 0);
	}
}

static void
a_text_comes_back_as_it_was(void **state)
{
	static const char text[] = "user::rwx,user:1000:r--,"
	    "user:2147483648:-w-,group::r-x,group:4294967294:-wx,mask::rw-,"
	    "other::---";
	CLEANUP(str_free) struct str value = STR_INIT, again = STR_INIT;
	struct acl_mode mode;

	(void)state;
	assert_true(acl_value(&value, text, find, &mode));
	assert_true(acl_text(&again, value.s, value.len));
	assert_string_equal(again.s, text);
	assert_int_equal(mode.kept, 0760);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_of_entry_has_its_word),
		cmocka_unit_test(ids_are_unsigned),
		cmocka_unit_test(what_is_no_acl_is_refused),
		cmocka_unit_test(texts_of_others_are_read),
		cmocka_unit_test(a_text_that_is_no_acl_is_refused),
		cmocka_unit_test(a_text_comes_back_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
