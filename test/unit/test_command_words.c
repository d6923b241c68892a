#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "lib/base/spawn.h"
#include "lib/base/str.h"
#include "lib/docker/command_words.h"

/* Each word in brackets; "" where command_words fails. */
static void
split(const char *command, struct str *ret, struct err *err)
{
	char **words = NULL, **p;

	str_add(ret, "");
	if (command_words(command, &words, err) < 0) {
		assert_null(words);
		return;
	}
	for (p = words; *p != NULL; p++)
		str_addf(ret, "[%s]", *p);
	command_words_free(words);
}

/* What a real shell makes of it. */
static void
split_by_shell(const char *command, char **ret)
{
	CLEANUP(str_free) struct str script = STR_INIT;
	struct err err = ERR_INIT;

	str_add(&script, "set -- ");
	str_add(&script, command + strspn(command, " \t\n"));
	str_add(&script, "\nfor w; do printf '[%s]' \"$w\"; done");
	assert_int_equal(spawn_capture(script.s, 60, 10000, ret, &err), 0);
}

static void
plain_words_are_those_of_a_shell(void **state)
{
	static const struct {
		const char *command;
		const char *words;
	} cases[] = {
		{ "true", "[true]" },
		{ " \t pg_dump  -U\tme ", "[pg_dump][-U][me]" },
		{ "cp 'a b' \"c d\"", "[cp][a b][c d]" },
		{ "cp a' b'\" c\"\\ d", "[cp][a b c d]" },
		{ "echo '' \"\" x''", "[echo][][][x]" },
		{ "echo '$HOME `x` \\ \"; #'", "[echo][$HOME `x` \\ \"; #]" },
		{ "echo \"it's; fine & (so) * ~ # <>|?[\"",
		  "[echo][it's; fine & (so) * ~ # <>|?[]" },
		{ "echo \"\\\" \\\\ \\$HOME \\`x\\` \\n \\a\"",
		  "[echo][\" \\ $HOME `x` \\n \\a]" },
		{ "echo \\$HOME \\; \\& \\' \\\" \\\\ \\a \\*",
		  "[echo][$HOME][;][&]['][\"][\\][a][*]" },
		{ "echo a\\ b\\\tc", "[echo][a b\tc]" },
		{ "echo x\\ ", "[echo][x ]" },
		/* What YAML's block scalars leave. */
		{ "\n pg_dump -x\n", "[pg_dump][-x]" },
		{ "pg_dump \\\n  -f a\\\nb\n \n", "[pg_dump][-f][ab]" },
		{ "echo \"a\\\nb\" 'c\nd' \"e\nf\"", "[echo][ab][c\nd][e\nf]" },
		{ "echo 'a\\\nb'", "[echo][a\\\nb]" },
		/* Not the first word, or no assignment. */
		{ "env A=b --opt=value {} ! ] @ % ^ , + : .",
		  "[env][A=b][--opt=value][{}][!][]][@][%][^][,][+][:][.]" },
		{ "'A'=b c", "[A=b][c]" },
		{ "1A=b", "[1A=b]" },
		{ "/a=b", "[/a=b]" },
		{ "echo \xc3\xa4\xff", "[echo][\xc3\xa4\xff]" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CLEANUP(str_free) struct str got = STR_INIT;
		CLEANUP(cleanup_free) char *theirs = NULL;
		struct err err = ERR_INIT;

		split(cases[i].command, &got, &err);
		assert_string_equal(got.s, cases[i].words);
		split_by_shell(cases[i].command, &theirs);
		assert_string_equal(theirs, cases[i].words);
	}
}

static void
what_means_something_to_a_shell_goes_to_one(void **state)
{
	static const char *const commands[] = {
		"echo $HOME", "echo \"$HOME\"", "echo \"`id`\"", "echo `id`",
		"a; b", "a & b", "a && b", "a | b", "a <b", "a >b", "(a)",
		"echo *", "echo a?b", "echo [ab]", "ls ~", "a # b", "a\nb",
		"a\n\n b\n", "a \n b", "A=b c", "_A1='b c' d", " A=", "A=b",
		"echo 'a", "echo \"a", "echo \"a\\", "echo \"a\\\"", "echo a\\",
		"'a'$b", "''$b", "if true\nthen a\nfi",
		"a 'b' \"c\" | d",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof commands / sizeof commands[0]; i++) {
		CLEANUP(str_free) struct str got = STR_INIT;
		CLEANUP(str_free) struct str expected = STR_INIT;
		struct err err = ERR_INIT;

		str_addf(&expected, "[sh][-c][%s]", commands[i]);
		split(commands[i], &got, &err);
		assert_string_equal(got.s, expected.s);
	}
}

static void
a_command_that_is_none_is_refused(void **state)
{
	static const char *const commands[] = { "", " ", " \t\n", "\n", "\\\n",
		"''", "\"\" a", "'' ''" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof commands / sizeof commands[0]; i++) {
		CLEANUP(str_free) struct str got = STR_INIT;
		struct err err = ERR_INIT;

		split(commands[i], &got, &err);
		assert_string_equal(got.s, "");
		assert_int_equal(err.kind, ERR_CONFIG);
		assert_string_equal(err.msg, "it names no command");
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_words_are_those_of_a_shell),
		cmocka_unit_test(what_means_something_to_a_shell_goes_to_one),
		cmocka_unit_test(a_command_that_is_none_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
