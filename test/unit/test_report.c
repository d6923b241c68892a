#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/report/report.h"

static const char *const names[] = { "one", "two" };

static struct report
fresh(void)
{
	struct report report;
	struct err err = ERR_INIT;

	assert_int_equal(report_begin(&report, &err), 0);
	assert_int_equal(report_jobs(&report, names, 2, &err), 0);
	return report;
}

static void
the_exit_status_follows_from_the_worst_job(void **state)
{
	struct report report = fresh();

	(void)state;
	assert_int_equal(report_exit(&report), EXIT_FAILED);
	report.jobs[0].stored = true;
	assert_int_equal(report_exit(&report), EXIT_FAILED);
	report.jobs[1].stored = true;
	assert_int_equal(report_exit(&report), EXIT_DONE);
	report_problem(&report.jobs[0], "a %s", "problem");
	assert_int_equal(report_exit(&report), EXIT_PROBLEMS);
	report.jobs[1].stored = false;
	assert_int_equal(report_exit(&report), EXIT_FAILED);
	report.interrupted = true;
	assert_int_equal(report_exit(&report), EXIT_INTERRUPTED);
	report.at_rest = true;	/* 5 says that everything runs again */
	assert_int_not_equal(report_exit(&report), EXIT_INTERRUPTED);
	report.at_rest = false;
	report_free(&report);
}

static void
problems_are_named_up_to_a_limit_and_all_are_counted(void **state)
{
	struct report report = fresh();
	int i;

	(void)state;
	for (i = 0; i < REPORT_PROBLEMS_NAMED + 5; i++)
		report_problem(&report.jobs[0], "problem %d", i);
	assert_int_equal(report.jobs[0].problems.n, REPORT_PROBLEMS_NAMED);
	assert_int_equal(report.jobs[0].n_problems, REPORT_PROBLEMS_NAMED + 5);
	assert_string_equal(report.jobs[0].problems.v[1], "problem 1");
	report_free(&report);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_exit_status_follows_from_the_worst_job),
		cmocka_unit_test(
		    problems_are_named_up_to_a_limit_and_all_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
