/*
 * kill_at: kill a function at each moment between two system calls.
 *
 *     for (stop = 0; kill_at(function, data, stop); stop++)
 *             look at what it left behind, and put things right again
 *
 * The function runs in a child of its own, which is traced. A machine that
 * does not let us trace is told by kill_at_works.
 */
#ifndef TEST_UNIT_KILL_AT_H
#define TEST_UNIT_KILL_AT_H

#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

/* Stops are before and after each call. False: it ended before this one, and
 * well, for it must return 0. */
static inline bool
kill_at(int (*function)(void *data), void *data, int stop)
{
	pid_t pid = fork();
	int status, i;

	assert_true(pid >= 0);
	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
			_exit(100);
		(void)raise(SIGSTOP);
		_exit(function(data));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	for (i = 0; i <= stop && WIFSTOPPED(status); i++) {
		assert_int_equal(ptrace(PTRACE_SYSCALL, pid, NULL, NULL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
	}
	if (!WIFSTOPPED(status)) {
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
		return false;
	}
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return true;
}

static inline bool
kill_at_works(void)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
			_exit(1);
		(void)raise(SIGSTOP);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		return false;
	(void)kill(pid, SIGKILL);
	return waitpid(pid, &status, 0) == pid;
}

#endif
