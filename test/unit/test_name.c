#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/tempfile.h"
#include "lib/store/name.h"

static const char *
lookup(const char *variable)
{
	static const char *const values[][2] = {
		{ "A", "1" },
		{ "LONG_name2", "two" },
		{ "_", "under" },
		{ "EMPTY", "" },
		{ "DOLLAR", "$A" },
		{ "PERCENT", "%Y" },
	};
	size_t i;

	for (i = 0; i < sizeof values / sizeof values[0]; i++)
		if (strcmp(variable, values[i][0]) == 0)
			return values[i][1];
	return NULL;
}

static void
variables_are_replaced(void **state)
{
	static const struct {
		const char *text;
		const char *expanded;
	} cases[] = {
		{ "", "" },
		{ "plain %Y {{ .Job }}", "plain %Y {{ .Job }}" },
		{ "$A", "1" },
		{ "x$A.y", "x1.y" },
		{ "$A$A", "11" },
		{ "${A}b", "1b" },
		{ "$LONG_name2-", "two-" },
		{ "$_", "under" },
		{ "$AB", "" },
		{ "a$UNSET-b", "a-b" },
		{ "${UNSET}", "" },
		{ "$EMPTY", "" },
		{ "${A:-x}", "1" },
		{ "${UNSET:-x y}", "x y" },
		{ "${EMPTY:-x}", "x" },
		{ "${UNSET:-}", "" },
		{ "${UNSET:-$A}", "$A" },
		{ "$DOLLAR", "$A" },
		{ "$PERCENT", "%Y" },
		{ "$$", "$" },
		{ "$$A", "$A" },
		{ "a$", "a$" },
		{ "$-$1$ ", "$-$1$ " },
		{ "}{", "}{" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CLEANUP(cleanup_free) char *name = NULL;
		struct err err = ERR_INIT;

		assert_int_equal(name_expand(cases[i].text, lookup, &name,
		    &err), 0);
		assert_string_equal(name, cases[i].expanded);
	}
}

static void
what_would_need_a_shell_is_refused(void **state)
{
	static const struct {
		const char *text;
		const char *message;
	} cases[] = {
		{ "${A", "unclosed brace" },
		{ "${", "unclosed brace" },
		{ "${UNSET:-x", "unclosed brace" },
		{ "${}", "'${}'" },
		{ "${1}", "'${1}'" },
		{ "${A-x}", "'${A-x}'" },
		{ "${A:+x}", "'${A:+x}'" },
		{ "${A }", "'${A }'" },
		{ "${#A}", "'${#A}'" },
		{ "a$(date)", "'$(date)'" },
		{ "a`date`", "'`date`'" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct err err = ERR_INIT;
		char *name = NULL;

		assert_int_equal(name_expand(cases[i].text, lookup, &name,
		    &err), -1);
		assert_int_equal(err.kind, ERR_CONFIG);
		assert_non_null(strstr(err.msg, cases[i].message));
		assert_null(name);
	}
}

static const char *
empty_hostname(const char *variable)
{
	return strcmp(variable, "HOSTNAME") == 0 ? "" : NULL;
}

static const char *
set_hostname(const char *variable)
{
	return strcmp(variable, "HOSTNAME") == 0 ? "mine" : NULL;
}

static void
hostname_falls_back_to_the_host_s_name(void **state)
{
	static const struct {
		const char *text;
		const char *(*lookup)(const char *variable);
		const char *expanded;	/* NULL: the host's */
	} cases[] = {
		{ "$HOSTNAME", lookup, NULL },
		{ "${HOSTNAME}", lookup, NULL },
		{ "${HOSTNAME:-x}", lookup, NULL },
		{ "$HOSTNAME", empty_hostname, NULL },
		{ "$HOSTNAME", set_hostname, "mine" },
		{ "$HOSTNAMES", lookup, "" },
	};
	char host[256];
	size_t i;

	(void)state;
	assert_int_equal(gethostname(host, sizeof host), 0);
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CLEANUP(cleanup_free) char *name = NULL;
		struct err err = ERR_INIT;

		assert_int_equal(name_expand(cases[i].text, cases[i].lookup,
		    &name, &err), 0);
		assert_string_equal(name, cases[i].expanded != NULL ?
		    cases[i].expanded : host);
	}
}

static void
fields_are_replaced(void **state)
{
	static const struct name_values values = { "tar.gz", "100%d" };
	static const struct {
		const char *text;
		const char *name;
	} cases[] = {
		{ "", "" },
		{ "a-%Y.tar", "a-%Y.tar" },
		{ "a.{{ .Extension }}", "a.tar.gz" },
		{ "a.{{.Extension}}", "a.tar.gz" },
		{ "a.{{  \t.Extension}}b", "a.tar.gzb" },
		{ "{{ .Job }}", "100%%d" },
		{ "{{ .Job }}-{{ .Job }}.{{ .Extension }}",
		    "100%%d-100%%d.tar.gz" },
		{ "}} { .Job }", "}} { .Job }" },
		{ "{{{ .Job }}", NULL },
		{ "{{ .Host }}", NULL },
		{ "{{ Job }}", NULL },
		{ "{{ .job }}", NULL },
		{ "{{}}", NULL },
		{ "{{ .Job", NULL },
		{ "{{ .Job }", NULL },
		{ "{{", NULL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CLEANUP(cleanup_free) char *name = NULL;
		struct err err = ERR_INIT;

		if (cases[i].name == NULL) {
			assert_int_equal(name_template(cases[i].text, &values,
			    &name, &err), -1);
			assert_int_equal(err.kind, ERR_CONFIG);
			continue;
		}
		assert_int_equal(name_template(cases[i].text, &values, &name,
		    &err), 0);
		assert_string_equal(name, cases[i].name);
	}
}

static void
an_unknown_field_is_named(void **state)
{
	static const struct name_values values = { "tar", "job" };
	struct err err = ERR_INIT;
	char *name = NULL;

	(void)state;
	assert_int_equal(name_template("x{{ .Hots }}", &values, &name, &err),
	    -1);
	assert_non_null(strstr(err.msg, "'{{ .Hots }}'"));
	assert_int_equal(name_template("x{{ .Job", &values, &name, &err), -1);
	assert_non_null(strstr(err.msg, "'{{ .Job'"));
}

static void
times_are_formatted_in_local_time(void **state)
{
	static const struct {
		const char *zone;
		const char *pattern;
		const char *name;
	} cases[] = {
		{ "UTC", "b-%Y-%m-%dT%H-%M-%S.tar",
		    "b-2026-11-20T02-00-00.tar" },
		{ "CET-1", "b-%Y-%m-%dT%H-%M-%S.tar",
		    "b-2026-11-20T03-00-00.tar" },
		{ "UTC", "test.tar.gz", "test.tar.gz" },
		{ "UTC", "100%%", "100%" },
		{ "UTC", "x%", "x%" },
		{ "UTC", "%-d", "20" },
		{ "UTC", "...", "..." },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CLEANUP(cleanup_free) char *name = NULL;
		struct err err = ERR_INIT;

		assert_int_equal(setenv("TZ", cases[i].zone, 1), 0);
		tzset();
		assert_int_equal(name_format(cases[i].pattern, 1795140000,
		    &name, &err), 0);
		assert_string_equal(name, cases[i].name);
	}
}

static void
what_cannot_be_an_archive_s_name_is_refused(void **state)
{
	static const struct {
		const char *pattern;
		const char *message;
	} cases[] = {
		{ "", "empty" },
		{ ".", "not the name of a file" },
		{ "..", "not the name of a file" },
		{ "a/b", "not the name of a file" },
		{ "/", "not the name of a file" },
		{ "%D", "not the name of a file" },	/* 11/20/26 */
		{ TEMPFILE_PREFIX "x", TEMPFILE_PREFIX },
		{ "%500Y", "longer than 200 bytes" },
		{ "%99999Y", "longer than 200 bytes" },
	};
	char pattern[202];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct err err = ERR_INIT;
		char *name = NULL;

		assert_int_equal(name_format(cases[i].pattern, 1795140000,
		    &name, &err), -1);
		assert_int_equal(err.kind, ERR_CONFIG);
		assert_non_null(strstr(err.msg, cases[i].message));
		assert_null(name);
	}
	memset(pattern, 'a', sizeof pattern);
	pattern[201] = '\0';
	{
		CLEANUP(cleanup_free) char *name = NULL;
		struct err err = ERR_INIT;

		assert_int_equal(name_format(pattern, 0, &name, &err), -1);
		pattern[200] = '\0';
		assert_int_equal(name_format(pattern, 0, &name, &err), 0);
		assert_int_equal(strlen(name), 200);
	}
}

static void
a_time_that_no_calendar_holds_is_an_error(void **state)
{
	struct err err = ERR_INIT;
	char *name = NULL;

	(void)state;
	assert_int_equal(name_format("%Y", (time_t)INT64_MAX, &name, &err),
	    -1);
	assert_int_equal(err.kind, ERR_SYSTEM);
}

static void
a_name_has_time_if_it_ever_changes(void **state)
{
	static const struct {
		const char *pattern;
		bool has;
	} cases[] = {
		{ "", false },
		{ "test.tar.gz", false },
		{ "100%%", false },
		{ "%n%t%%", false },
		{ "%%Y", false },
		{ "%", false },
		{ "a%-", false },
		{ "%E", false },
		{ "%%%+%e", true },	/* %+ is none either */
		{ "%OO%%e", false },
		{ "%OO%O%%e", true },	/* %OO and %O% are no conversions */
		{ "%q", false },	/* no conversion: stays as it is */
		{ "%Y", true },
		{ "a-%s", true },
		{ "%%%d", true },
		{ "%-d", true },
		{ "%_5d", true },
		{ "%Ey", true },
		{ "%Od", true },
		{ "%^#010B", true },
		{ "%q%H", true },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_int_equal(name_has_time(cases[i].pattern),
		    cases[i].has);
}

/* strftime itself says which letters are conversions. */
static void
every_conversion_of_strftime_is_known(void **state)
{
	static const time_t times[] = { 0, 1784505600, 1795140001 };
	char pattern[] = "%?", text[3][128];
	struct tm tm;
	int c, i;

	(void)state;
	for (c = '!'; c < 0x7f; c++) {
		pattern[1] = (char)c;
		if (strchr("%-_^#+EO0123456789/.", c) != NULL)
			continue;
		for (i = 0; i < 3; i++) {
			CLEANUP(cleanup_free) char *name = NULL;
			struct err err = ERR_INIT;

			(void)localtime_r(&times[i], &tm);
			text[i][0] = '\0';
			if (name_format(pattern, times[i], &name, &err) == 0)
				(void)snprintf(text[i], sizeof text[i], "%s",
				    name);
			else	/* %D, %x: the message has it */
				(void)snprintf(text[i], sizeof text[i],
				    "%.100s", err.msg);
		}
		if (strcmp(text[0], text[1]) != 0 ||
		    strcmp(text[1], text[2]) != 0)
			assert_true(name_has_time(pattern));
	}
}

static void
the_extension_tells_the_compression(void **state)
{
	static const struct {
		const char *name;
		const char *compression;
	} cases[] = {
		{ "a.tar.gz", "gz" },
		{ "a.tgz", "gz" },
		{ "a.tar.zst", "zst" },
		{ "a.tzst", "zst" },
		{ "a.tar", "none" },
		{ "a.tar.tar.gz", "gz" },
		{ "a", NULL },
		{ "", NULL },
		{ "tar", NULL },
		{ "a.gz", NULL },
		{ "a.tar.gz.gpg", NULL },
		{ "a.tar.bz2", NULL },
		{ "a.{{ .Extension }}", NULL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *got = name_suffix_compression(cases[i].name);

		if (cases[i].compression == NULL)
			assert_null(got);
		else
			assert_string_equal(got, cases[i].compression);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(variables_are_replaced),
		cmocka_unit_test(what_would_need_a_shell_is_refused),
		cmocka_unit_test(hostname_falls_back_to_the_host_s_name),
		cmocka_unit_test(fields_are_replaced),
		cmocka_unit_test(an_unknown_field_is_named),
		cmocka_unit_test(times_are_formatted_in_local_time),
		cmocka_unit_test(what_cannot_be_an_archive_s_name_is_refused),
		cmocka_unit_test(a_time_that_no_calendar_holds_is_an_error),
		cmocka_unit_test(a_name_has_time_if_it_ever_changes),
		cmocka_unit_test(every_conversion_of_strftime_is_known),
		cmocka_unit_test(the_extension_tells_the_compression),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
