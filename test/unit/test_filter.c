#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "lib/report/filter.h"

static struct filter *
filter_of(const char *a, const char *b)
{
	CLEANUP(strlist_free) struct strlist patterns = STRLIST_INIT;
	struct filter *filter = NULL;
	struct err err = ERR_INIT;

	if (a != NULL)
		assert_int_equal(strlist_add(&patterns, a, &err), 0);
	if (b != NULL)
		assert_int_equal(strlist_add(&patterns, b, &err), 0);
	assert_int_equal(filter_new(&patterns, &filter, &err), 0);
	return filter;
}

/* Lines by "|". */
static void
check(struct filter *filter, const char *before, const char *after)
{
	CLEANUP(strlist_free) struct strlist lines = STRLIST_INIT;
	CLEANUP(str_free) struct str joined = STR_INIT;
	struct err err = ERR_INIT;
	size_t i;

	for (; *before != '\0'; before += strcspn(before, "|"),
	    before += *before == '|')
		assert_int_equal(strlist_addf(&lines, &err, "%.*s",
		    (int)strcspn(before, "|"), before), 0);
	assert_int_equal(filter_lines(filter, &lines, &err), 0);
	str_add(&joined, "");
	for (i = 0; i < lines.n; i++)
		str_addf(&joined, "%s%s", i != 0 ? "|" : "", lines.v[i]);
	assert_string_equal(joined.s, after);
}

static void
each_run_of_dropped_lines_is_counted(void **state)
{
	static const struct {
		const char *before, *after;
	} cases[] = {
		{ "", "" },
		{ "a|b", "a|b" },
		{ "x1", "[1 line filtered]" },
		{ "x1|x2|y", "[3 lines filtered]" },
		{ "a|x1|b|x2|y|c", "a|[1 line filtered]|b|[2 lines filtered]|c" },
		{ "x1|a|x2", "[1 line filtered]|a|[1 line filtered]" },
		{ "x|X1|\xff", "x|X1|\xff" },
	};
	CLEANUP(filter_freep) struct filter *filter = filter_of("x[0-9]",
	    "^y$");
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++)
		check(filter, cases[i].before, cases[i].after);
}

static void
bytes_that_are_no_text_are_searched_too(void **state)
{
	CLEANUP(filter_freep) struct filter *filter = filter_of("pass", NULL);

	(void)state;
	check(filter, "\xff\xfe pass \xc3|ok", "[1 line filtered]|ok");
}

static void
without_patterns_all_stays(void **state)
{
	CLEANUP(filter_freep) struct filter *filter = filter_of(NULL, NULL);

	(void)state;
	check(filter, "a|x1|b", "a|x1|b");
}

static void
a_bad_pattern_is_refused(void **state)
{
	CLEANUP(strlist_free) struct strlist patterns = STRLIST_INIT;
	CLEANUP(filter_freep) struct filter *filter = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(strlist_add(&patterns, "good", &err), 0);
	assert_int_equal(strlist_add(&patterns, "b(ad", &err), 0);
	assert_int_equal(filter_new(&patterns, &filter, &err), -1);
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_null(filter);
}

static void
a_search_without_end_drops_the_line(void **state)
{
	CLEANUP(filter_freep) struct filter *filter = filter_of(
	    "^(a|aa|aaa)+$", NULL);
	CLEANUP(strlist_free) struct strlist lines = STRLIST_INIT;
	struct err err = ERR_INIT;
	char line[201];

	(void)state;
	memset(line, 'a', sizeof line);
	memcpy(line + sizeof line - 2, "b", 2);	/* so it matches nowhere */
	assert_int_equal(strlist_add(&lines, line, &err), 0);
	assert_int_equal(filter_lines(filter, &lines, &err), 0);
	assert_string_equal(lines.v[0], "[1 line filtered]");
}

static void
every_text_of_a_report_goes_through(void **state)
{
	static const char *const names[] = { "one" };
	CLEANUP(filter_freep) struct filter *filter = filter_of("secret",
	    NULL);
	struct report report;
	struct report_job *job;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(report_begin(&report, &err), 0);
	assert_int_equal(report_jobs(&report, names, 1, &err), 0);
	job = &report.jobs[0];
	assert_int_equal(report_stores(job, 2, &err), 0);
	(void)err_set(&report.err, ERR_CONFIG, "run: secret");
	(void)err_set(&job->err, ERR_SOURCE, "job: secret");
	(void)err_set(&job->stores[0].err, ERR_NOSPACE, "store: secret");
	(void)err_set(&job->stores[1].err, ERR_NOSPACE, "store: full");
	report_problem(job, "problem: secret");
	report_problem(job, "problem: other");
	assert_int_equal(strlist_add(&report.settings, "secret", &err), 0);
	assert_int_equal(strlist_add(&report.warnings, "secret", &err), 0);
	assert_int_equal(strlist_add(&report.untold, "secret", &err), 0);
	assert_int_equal(strlist_add(&report.log, "secret", &err), 0);
	assert_int_equal(filter_report(filter, &report, &err), 0);
	assert_string_equal(report.err.msg, "[1 line filtered]");
	assert_int_equal(report.err.kind, ERR_CONFIG);
	assert_string_equal(job->err.msg, "[1 line filtered]");
	assert_string_equal(job->stores[0].err.msg, "[1 line filtered]");
	assert_string_equal(job->stores[1].err.msg, "store: full");
	assert_string_equal(job->problems.v[0], "[1 line filtered]");
	assert_string_equal(job->problems.v[1], "problem: other");
	assert_int_equal(job->n_problems, 2);
	assert_string_equal(report.settings.v[0], "[1 line filtered]");
	assert_string_equal(report.warnings.v[0], "[1 line filtered]");
	assert_string_equal(report.untold.v[0], "[1 line filtered]");
	assert_string_equal(report.log.v[0], "[1 line filtered]");
	report_free(&report);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_run_of_dropped_lines_is_counted),
		cmocka_unit_test(bytes_that_are_no_text_are_searched_too),
		cmocka_unit_test(without_patterns_all_stays),
		cmocka_unit_test(a_bad_pattern_is_refused),
		cmocka_unit_test(a_search_without_end_drops_the_line),
		cmocka_unit_test(every_text_of_a_report_goes_through),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
