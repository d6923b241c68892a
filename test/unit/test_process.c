#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/process.h"

static void
a_process_that_must_not_dumps_no_core(void **state)
{
	struct rlimit limit;
	int status;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		process_no_core();
		if (getrlimit(RLIMIT_CORE, &limit) < 0 ||
		    limit.rlim_cur != 0 || limit.rlim_max != 0)
			_exit(1);
		(void)signal(SIGQUIT, SIG_DFL);
		(void)raise(SIGQUIT);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGQUIT);
	assert_false(WCOREDUMP(status));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_process_that_must_not_dumps_no_core),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
