#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "cmd/complete_usage.h"

/* "-j=JOB --all | ARCHIVE|latest PATH..." */
static char *
read_back(const char *text)
{
	struct complete_usage usage = COMPLETE_USAGE_INIT;
	struct err err = ERR_INIT;
	struct str s = STR_INIT;
	char *ret;
	size_t i;

	assert_int_equal(complete_usage_read(text, &usage, &err), 0);
	for (i = 0; i < usage.options.keys.n; i++)
		str_addf(&s, "%s%s%s ", usage.options.keys.v[i],
		    *usage.options.values.v[i] != '\0' ? "=" : "",
		    usage.options.values.v[i]);
	str_add(&s, ":");
	for (i = 0; i < usage.places.n; i++)
		str_addf(&s, " %s", usage.places.v[i]);
	str_add(&s, usage.repeats ? "..." : "");
	assert_int_equal(str_take(&s, &ret, &err), 0);
	complete_usage_free(&usage);
	return ret;
}

static void
a_usage_tells_options_and_places(void **state)
{
	static const char *const cases[][2] = {
		{ "", ":" },
		{ "[-j JOB]... [--dry-run | --json]",
		    "-j=JOB --dry-run --json :" },
		{ "ARCHIVE|latest [--json] [-j JOB]...",
		    "--json -j=JOB : ARCHIVE|latest" },
		{ "[ARCHIVE | latest | --all] [--deep] [-j JOB]... [--json]",
		    "--all --deep -j=JOB --json : ARCHIVE|latest" },
		{ "[--all | ARCHIVE]", "--all : ARCHIVE" },
		{ "TITLE [TEXT]", ": TITLE TEXT" },
		{ "[WORD]...", ": WORD..." },
		{ "A [B]... [-x]", "-x : A B..." },
		{ "[A] [-x]...", "-x : A" },
		{ "[-c FILE] [-v|-q] [--log-format text|json]",
		    "-c=FILE -v -q --log-format=text|json :" },
		{ "[-j|--job JOB] X", "-j=JOB --job=JOB : X" },
		{ "[ARCHIVE | latest] (--to DIR | --in-place) "
		    "[--volume NAME[=MEMBER]]... [-j JOB] [--store NAME] "
		    "[--overwrite] [PATH...]",
		    "--to=DIR --in-place --volume=NAME -j=JOB --store=NAME "
		    "--overwrite : ARCHIVE|latest PATH..." },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		CLEANUP(cleanup_free) char *got = read_back(cases[i][0]);

		assert_string_equal(got, cases[i][1]);
	}
}

static void
only_the_last_place_repeats(void **state)
{
	struct complete_usage usage = COMPLETE_USAGE_INIT;
	struct err err = ERR_INIT;

	(void)state;
	assert_null(complete_usage_place(&usage, 0));
	assert_int_equal(complete_usage_read("A B...", &usage, &err), 0);
	assert_string_equal(complete_usage_place(&usage, 0), "A");
	assert_string_equal(complete_usage_place(&usage, 1), "B");
	assert_string_equal(complete_usage_place(&usage, 7), "B");
	usage.repeats = false;
	assert_null(complete_usage_place(&usage, 2));
	complete_usage_free(&usage);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_usage_tells_options_and_places),
		cmocka_unit_test(only_the_last_place_repeats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
