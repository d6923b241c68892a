/*
 * docker-volume-backup's conf.d files, line by line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "lib/config/envfile.h"

#define LENGTH(array) (sizeof(array) / sizeof *(array))

struct parsed {
	struct envfile file;
	struct strlist problems;
};

static struct parsed
parse(const char *text, size_t n)
{
	char *environment[] = { (char[]){ "HOME=/root" }, (char[]){ "EMPTY=" },
		(char[]){ "HOMES=wrong" }, (char[]){ "QUOTE=\" #'$HOME" },
		NULL };
	struct parsed parsed = { ENVFILE_INIT, STRLIST_INIT };
	struct err err = ERR_INIT;
	char *copy = malloc(n + 1);

	assert_non_null(copy);
	memcpy(copy, text, n);
	copy[n] = '\0';
	assert_int_equal(envfile_parse(copy, n, "x.env", environment,
	    &parsed.file, &parsed.problems, &err), 0);
	free(copy);
	return parsed;
}

static void
parsed_free(struct parsed *parsed)
{
	envfile_free(&parsed->file);
	strlist_free(&parsed->problems);
}

static void
a_value_is_what_remains_of_quotes_and_variables(void **state)
{
	static const struct {
		const char *line, *value;
	} rows[] = {
		{ "KEY=value", "value" },
		{ "  KEY = value \t\r", "value" },
		{ "export KEY=value", "value" },
		{ "export\tKEY=value", "value" },
		{ "KEY=", "" },
		{ "KEY=a b", "a b" },
		{ "KEY=a=b", "a=b" },
		{ "KEY=a # b", "a" },
		{ "KEY=a\t# b", "a" },
		{ "KEY=a \t # b", "a" },
		{ "KEY=a#b", "a#b" },
		{ "KEY=#a", "#a" },
		{ "KEY= # a", "" },
		{ "KEY=it's", "it's" },
		{ "KEY=\"a b\"", "a b" },
		{ "KEY=\"a # b\" # c", "a # b" },
		{ "KEY=\"a\\\"b\\\\c\\nd\\te\"", "a\"b\\c\nd\\te" },
		{ "KEY=''", "" },
		{ "KEY='a \"b\" # $HOME $(x) `y` \\n'",
		    "a \"b\" # $HOME $(x) `y` \\n" },
		{ "KEY=$HOME", "/root" },
		{ "KEY=${HOME}s", "/roots" },
		{ "KEY=\"<$HOME>\"", "</root>" },
		{ "KEY=$NOT$HOME/x", "/root/x" },
		{ "KEY=$EMPTY", "" },
		{ "KEY=${NOT}", "" },
		{ "KEY=${NOT:-a b}", "a b" },
		{ "KEY=${NOT-a b}", "a b" },
		{ "KEY=${EMPTY:-d}", "d" },
		{ "KEY=${EMPTY-d}", "" },
		{ "KEY=${HOME:-d}", "/root" },
		{ "KEY=${NOT:-}", "" },
		{ "KEY=${NOT:-$HOME}", "/root" },
		{ "KEY=${NOT:-${NEITHER:-${HOME}/x}}y", "/root/xy" },
		{ "KEY=${NOT:-a # b}", "a # b" },
		{ "KEY=$QUOTE", "\" #'$HOME" },
		{ "KEY=\"$QUOTE\"", "\" #'$HOME" },
		{ "KEY=a\\$HOME", "a$HOME" },
		{ "KEY=\"a\\$HOME\"", "a$HOME" },
		{ "KEY=\\$(x) \\`y\\`", "$(x) `y`" },
		{ "KEY=a\\nb\\", "a\\nb\\" },
		{ "KEY=a$", "a$" },
		{ "KEY=$5 $%", "$5 $%" },
		{ "KEY=0 3 * * *", "0 3 * * *" },
		{ "KEY=/backup-%Y-%m-%dT%H.{{ .Extension }}",
		    "/backup-%Y-%m-%dT%H.{{ .Extension }}" },
		{ "KEY=first\nKEY=$KEY again", "first again" },
		{ "A=1\nB=${A}2\nKEY=${B}3", "123" },
		{ "HOME=/other\nKEY=$HOME", "/other" },
		{ "# KEY=$(no)\n\n   # `no`\n\nKEY=x", "x" },
		{ "\xef\xbb\xbfKEY=x", "x" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(rows); i++) {
		struct parsed parsed = parse(rows[i].line,
		    strlen(rows[i].line));
		size_t k;

		if (parsed.problems.n != 0)
			fail_msg("%s", parsed.problems.v[0]);
		assert_true(parsed.file.n != 0);
		for (k = 0; k < parsed.file.n; k++)
			if (strcmp(parsed.file.v[k].name, "KEY") == 0)
				break;
		assert_true(k < parsed.file.n);
		assert_string_equal(parsed.file.v[k].value, rows[i].value);
		parsed_free(&parsed);
	}
}

static void
what_cannot_be_read_is_a_problem_with_its_line(void **state)
{
	static const struct {
		const char *line, *problem;
	} rows[] = {
		{ "KEY", "not a line like KEY=VALUE" },
		{ "=x", "not a line like KEY=VALUE" },
		{ "1KEY=x", "not a line like KEY=VALUE" },
		{ "A-B=x", "not a line like KEY=VALUE" },
		{ "KEY: x", "not a line like KEY=VALUE" },
		{ "export", "not a line like KEY=VALUE" },
		{ "KEY=$(date)",
		    "no command is run here ($( can stand in '...')" },
		{ "KEY=\"x $(date)\"",
		    "no command is run here ($( can stand in '...')" },
		{ "KEY=${NOT:-$(date)}",
		    "no command is run here ($( can stand in '...')" },
		{ "KEY=`date`",
		    "no command is run here (` can stand in '...')" },
		{ "KEY=\"a", "a quote is not closed" },
		{ "KEY='a", "a quote is not closed" },
		{ "KEY=\"a\\\"", "a quote is not closed" },
		{ "KEY='a'b", "there is something after the closing quote" },
		{ "KEY=\"a\"#b",
		    "there is something after the closing quote" },
		{ "KEY=${}", "no name after ${" },
		{ "KEY=${1}", "no name after ${" },
		{ "KEY=${HOME", "${ is not followed by NAME}, NAME-text} or "
		    "NAME:-text}" },
		{ "KEY=${HOME:=x}", "${ is not followed by NAME}, NAME-text} "
		    "or NAME:-text}" },
		{ "KEY=${HOME:-x", "${ is not followed by NAME}, NAME-text} "
		    "or NAME:-text}" },
		{ "KEY=${HOME%x}", "${ is not followed by NAME}, NAME-text} "
		    "or NAME:-text}" },
		{ "KEY=${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-x}}}}}}}}}",
		    "too many ${ in each other" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(rows); i++) {
		CLEANUP(str_free) struct str text = STR_INIT;
		CLEANUP(str_free) struct str expected = STR_INIT;
		struct parsed parsed;

		str_addf(&text, "A=1\n\n%s\nB=2\n", rows[i].line);
		str_addf(&expected, "x.env:3: %s", rows[i].problem);
		parsed = parse(text.s, text.len);
		assert_int_equal(parsed.problems.n, 1);
		assert_string_equal(parsed.problems.v[0], expected.s);
		assert_int_equal(parsed.file.n, 2);
		assert_string_equal(parsed.file.v[1].name, "B");
		assert_int_equal(parsed.file.v[1].line, 4);
		parsed_free(&parsed);
	}
}

static void
a_nul_byte_and_a_line_too_long_are_problems(void **state)
{
	static char text[65536 + 100];
	struct parsed parsed = parse("A=1\nB=\0x\nC=3", 12);

	(void)state;
	assert_int_equal(parsed.problems.n, 1);
	assert_string_equal(parsed.problems.v[0],
	    "x.env:2: a line with a NUL byte");
	assert_int_equal(parsed.file.n, 2);
	parsed_free(&parsed);

	memset(text, 'x', sizeof text);
	memcpy(text, "A=", 2);
	memcpy(text + sizeof text - 4, "\nB=1", 4);
	parsed = parse(text, sizeof text);
	assert_int_equal(parsed.problems.n, 1);
	assert_string_equal(parsed.problems.v[0],
	    "x.env:1: a line of more than 64 KiB");
	assert_int_equal(parsed.file.n, 1);
	parsed_free(&parsed);

	parsed = parse(text, 65536);
	assert_int_equal(parsed.problems.n, 0);
	assert_int_equal(strlen(parsed.file.v[0].value), 65534);
	parsed_free(&parsed);
}

static void
a_value_that_expansion_makes_too_long_is_a_problem(void **state)
{
	CLEANUP(str_free) struct str text = STR_INIT;
	struct parsed parsed;
	int i;

	(void)state;
	str_add(&text, "A=12345678\n");
	for (i = 0; i < 13; i++)
		str_add(&text, "A=$A$A\n");
	parsed = parse(text.s, text.len);
	assert_int_equal(parsed.problems.n, 0);
	assert_int_equal(strlen(parsed.file.v[0].value), 65536);
	parsed_free(&parsed);

	str_add(&text, "A=$A$A\nA=${A:-x}\nA=${NOT:-$A$A}\n");
	parsed = parse(text.s, text.len);
	assert_int_equal(parsed.problems.n, 2);
	assert_string_equal(parsed.problems.v[0],
	    "x.env:15: a value of more than 64 KiB");
	assert_int_equal(strlen(parsed.file.v[0].value), 65536);
	assert_int_equal(parsed.file.v[0].line, 16);
	parsed_free(&parsed);
}

static void
no_environment_is_no_problem(void **state)
{
	struct parsed parsed = { ENVFILE_INIT, STRLIST_INIT };
	struct err err = ERR_INIT;
	char text[] = "A=$HOME";

	(void)state;
	assert_int_equal(envfile_parse(text, strlen(text), "x.env", NULL,
	    &parsed.file, &parsed.problems, &err), 0);
	assert_string_equal(parsed.file.v[0].value, "");
	parsed_free(&parsed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_value_is_what_remains_of_quotes_and_variables),
		cmocka_unit_test(
		    what_cannot_be_read_is_a_problem_with_its_line),
		cmocka_unit_test(a_nul_byte_and_a_line_too_long_are_problems),
		cmocka_unit_test(
		    a_value_that_expansion_makes_too_long_is_a_problem),
		cmocka_unit_test(no_environment_is_no_problem),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
