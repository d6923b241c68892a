#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/intr.h"

/* Handlers are for the whole process, so every case has one of its own; it
 * returns the number of the line that went wrong, or 0. */
#define EXPECT(condition)						\
	do {								\
		if (!(condition))					\
			return __LINE__ % 256;				\
	} while (0)

static int
run_child(int (*body)(int), int number)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(body(number));
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int
signal_sets_flag(int number)
{
	struct err err = ERR_INIT;

	EXPECT(intr_install(&err) == 0);
	EXPECT(intr_signal() == 0);
	EXPECT(intr_check(&err) == 0);
	EXPECT(raise(number) == 0);
	EXPECT(intr_signal() == number);
	EXPECT(intr_check(&err) == -1);
	EXPECT(err.kind == ERR_INTERRUPTED);
	EXPECT(strncmp(err.msg, "interrupted by SIG", 18) == 0);
	EXPECT(strcmp(err.msg + 18, sigabbrev_np(number)) == 0);
	/* The first one counts. */
	EXPECT(raise(number == SIGINT ? SIGTERM : SIGINT) == 0);
	EXPECT(intr_signal() == number);
	return 0;
}

static void
each_signal_becomes_a_flag(void **state)
{
	(void)state;
	assert_int_equal(run_child(signal_sets_flag, SIGINT), 0);
	assert_int_equal(run_child(signal_sets_flag, SIGTERM), 0);
	assert_int_equal(run_child(signal_sets_flag, SIGHUP), 0);
}

static int
sleeper_wakes(int number)
{
	struct err err = ERR_INIT;
	double before;

	EXPECT(intr_install(&err) == 0);
	before = clock_mono_s();
	EXPECT(!intr_sleep(0.05));
	EXPECT(clock_mono_s() - before >= 0.04);
	EXPECT(!intr_sleep(0));
	EXPECT(!intr_sleep(-1));
	(void)alarm(60);
	if (fork() == 0) {
		(void)usleep(100000);
		_exit(kill(getppid(), number));
	}
	before = clock_mono_s();
	EXPECT(intr_sleep(1e9));	/* more than an int holds, in ms */
	EXPECT(clock_mono_s() - before < 30);
	EXPECT(intr_sleep(30));
	EXPECT(clock_mono_s() - before < 30);
	return 0;
}

static void
a_signal_wakes_who_sleeps_and_nobody_sleeps_after_it(void **state)
{
	(void)state;
	assert_int_equal(run_child(sleeper_wakes, SIGTERM), 0);
}

static int
nohup_stays(int number)
{
	struct err err = ERR_INIT;

	(void)signal(number, SIG_IGN);
	EXPECT(intr_install(&err) == 0);
	EXPECT(raise(number) == 0);
	EXPECT(intr_signal() == 0);
	return 0;
}

static void
a_hangup_that_was_ignored_stays_ignored(void **state)
{
	(void)state;
	assert_int_equal(run_child(nohup_stays, SIGHUP), 0);
}

static int
pipe_is_an_error(int number)
{
	struct err err = ERR_INIT;
	int ends[2];

	(void)number;
	EXPECT(intr_install(&err) == 0);
	EXPECT(pipe(ends) == 0 && close(ends[0]) == 0);
	EXPECT(write(ends[1], "x", 1) == -1);
	return 0;
}

static void
a_closed_pipe_is_an_error_and_not_a_death(void **state)
{
	(void)state;
	assert_int_equal(run_child(pipe_is_an_error, 0), 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_signal_becomes_a_flag),
		cmocka_unit_test(
		    a_signal_wakes_who_sleeps_and_nobody_sleeps_after_it),
		cmocka_unit_test(a_hangup_that_was_ignored_stays_ignored),
		cmocka_unit_test(a_closed_pipe_is_an_error_and_not_a_death),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
