#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "lib/base/clock.h"
#include "lib/base/intr.h"
#include "lib/base/spawn.h"
#include "test/unit/scratch.h"

static struct scratch scratch;

static int
make_scratch(void **state)
{
	(void)state;
	scratch_new(&scratch);
	return chdir(scratch.dir);
}

static int
remove_scratch(void **state)
{
	(void)state;
	scratch_free(&scratch);
	return 0;
}

static void
what_a_command_prints_is_kept(void **state)
{
	static const struct {
		const char *command;
		const char *output;
	} cases[] = {
		{ "printf 'a b\\n'", "a b\n" },
		{ "true", "" },
		{ "printf 1; sleep 0.1; printf 2", "12" },
		{ "echo \"$((6 * 7))\" | cat", "42\n" },
		{ "(sleep 0.1; echo late) & exit 0", "late\n" },
		{ "exec 1>&-; sleep 0.1", "" },
		/* Standard input is /dev/null. */
		{ "cat", "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CLEANUP(cleanup_free) char *output = NULL;
		struct err err = ERR_INIT;

		assert_int_equal(spawn_capture(cases[i].command, 60, 1000,
		    &output, &err), 0);
		assert_string_equal(output, cases[i].output);
	}
}

static void
a_command_that_fails_says_how(void **state)
{
	static const struct {
		const char *command;
		const char *message;
	} cases[] = {
		{ "echo x; exit 3", "command exited with status 3" },
		{ "kill -KILL $$", "command was killed by SIGKILL" },
		{ "/nonexistent/x 2>/dev/null", "status 127" },
		{ "printf 'a\\0b'", "NUL" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct err err = ERR_INIT;
		char *output = NULL;

		assert_int_equal(spawn_capture(cases[i].command, 60, 1000,
		    &output, &err), -1);
		assert_null(output);
		assert_int_equal(err.kind, ERR_SYSTEM);
		assert_non_null(strstr(err.msg, cases[i].message));
	}
}

static void
output_is_limited(void **state)
{
	CLEANUP(cleanup_free) char *output = NULL;
	struct err err = ERR_INIT;
	double before = clock_mono_s();

	(void)state;
	assert_int_equal(spawn_capture("printf 12345", 60, 5, &output,
	    &err), 0);
	assert_string_equal(output, "12345");
	cleanup_free(&output);
	assert_int_equal(spawn_capture("printf 123456", 60, 5, &output,
	    &err), -1);
	assert_int_equal(err.kind, ERR_SYSTEM);
	assert_int_equal(spawn_capture("yes", 60, 100000, &output, &err), -1);
	assert_null(output);
	assert_true(clock_mono_s() - before < 30);
}

/* A killed process may stay a zombie until somebody waits for it. */
static bool
is_running(int pid)
{
	char path[64], line[512] = "";
	const char *at;
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof path, "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, line, sizeof line - 1);
	(void)close(fd);
	at = strrchr(line, ')');
	return n > 0 && at != NULL && at[1] == ' ' && at[2] != 'Z';
}

static bool
ends_soon(int pid)
{
	int i;

	for (i = 0; i < 100 && is_running(pid); i++)
		(void)usleep(20000);
	return !is_running(pid);
}

static void
at_the_deadline_the_whole_group_ends(void **state)
{
	struct err err = ERR_INIT;
	double before = clock_mono_s();
	char *output = NULL;

	(void)state;
	assert_int_equal(spawn_capture("sleep 100 & echo $! >one; "
	    "sleep 100 >/dev/null & echo $! >two; echo $$ >shell; wait", 0.3,
	    100, &output, &err), -1);
	assert_int_equal(err.kind, ERR_TIMEOUT);
	assert_null(output);
	assert_true(clock_mono_s() - before < 10);
	assert_true(ends_soon(atoi(scratch_read(&scratch, "one"))));
	assert_true(ends_soon(atoi(scratch_read(&scratch, "two"))));
	assert_true(ends_soon(atoi(scratch_read(&scratch, "shell"))));
}

static void
who_does_not_hear_sigterm_is_killed_two_seconds_later(void **state)
{
	struct err err = ERR_INIT;
	double before = clock_mono_s();
	char *output = NULL;

	(void)state;
	assert_int_equal(spawn_capture("trap '' TERM; echo $$ >deaf; "
	    "while :; do sleep 1; done", 0.3, 100, &output, &err), -1);
	assert_int_equal(err.kind, ERR_TIMEOUT);
	assert_true(clock_mono_s() - before >= 2.2);
	assert_true(ends_soon(atoi(scratch_read(&scratch, "deaf"))));
}

static void
who_hears_sigterm_has_time_to_tidy_up(void **state)
{
	struct err err = ERR_INIT;
	char *output = NULL;

	(void)state;
	assert_int_equal(spawn_capture("trap 'sleep 0.3; echo yes >tidy; "
	    "exit 1' TERM; sleep 100 & wait", 0.3, 100, &output, &err), -1);
	assert_true(scratch_has(&scratch, "tidy"));
}

static void
the_command_inherits_no_descriptor_but_stderr(void **state)
{
	CLEANUP(cleanup_free) char *output = NULL;
	struct err err = ERR_INIT;
	int fd = open("/dev/null", O_RDONLY);	/* without O_CLOEXEC */
	char command[128];

	(void)state;
	(void)snprintf(command, sizeof command,
	    "test ! -e /proc/self/fd/%d && test -e /proc/self/fd/2", fd);
	assert_true(fd > 2);
	assert_int_equal(spawn_capture(command, 60, 100, &output, &err), 0);
	(void)close(fd);
}

static void
the_command_gets_default_signals_and_a_group_of_its_own(void **state)
{
	CLEANUP(cleanup_free) char *output = NULL;
	struct err err = ERR_INIT;
	sigset_t set, old;

	(void)state;
	(void)signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	(void)pthread_sigmask(SIG_BLOCK, &set, &old);
	assert_int_equal(spawn_capture("kill -PIPE $$; echo alive", 60, 100,
	    &output, &err), -1);
	assert_non_null(strstr(err.msg, "SIGPIPE"));
	assert_int_equal(spawn_capture("kill -USR1 $$; echo alive", 60, 100,
	    &output, &err), -1);
	assert_non_null(strstr(err.msg, "SIGUSR1"));
	assert_int_equal(spawn_capture("kill -KILL -$$", 60, 100, &output,
	    &err), -1);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
}

static int
interrupted_child(void)
{
	struct err err = ERR_INIT;
	double before = clock_mono_s();
	char *output = NULL;

	if (intr_install(&err) < 0 ||
	    spawn_capture("echo $$ >ours; kill -TERM $PPID; sleep 100", 60,
	    100, &output, &err) == 0 ||
	    err.kind != ERR_INTERRUPTED || output != NULL)
		return 1;
	return clock_mono_s() - before < 30 ? 0 : 2;
}

static void
a_signal_to_us_ends_the_command(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	if (pid == 0)
		_exit(interrupted_child());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_true(ends_soon(atoi(scratch_read(&scratch, "ours"))));
}

static void
no_child_is_left_unwaited(void **state)
{
	(void)state;
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_command_prints_is_kept),
		cmocka_unit_test(a_command_that_fails_says_how),
		cmocka_unit_test(output_is_limited),
		cmocka_unit_test(at_the_deadline_the_whole_group_ends),
		cmocka_unit_test(
		    who_does_not_hear_sigterm_is_killed_two_seconds_later),
		cmocka_unit_test(who_hears_sigterm_has_time_to_tidy_up),
		cmocka_unit_test(the_command_inherits_no_descriptor_but_stderr),
		cmocka_unit_test(
		    the_command_gets_default_signals_and_a_group_of_its_own),
		cmocka_unit_test(a_signal_to_us_ends_the_command),
		cmocka_unit_test(no_child_is_left_unwaited),
	};

	return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
