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
#include "lib/base/lines.h"
#include "lib/base/spawn.h"
#include "lib/base/str.h"
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
	assert_true(clock_mono_s() - before < 50);
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

	for (i = 0; i < 1000 && is_running(pid); i++)
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
	assert_true(clock_mono_s() - before < 60);
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

/* What a command printed, each line in brackets. */
static void
keep_line(void *cookie, const char *line)
{
	str_addf(cookie, "[%s]", line);
}

static int
run_command(const char *command, double timeout_s, struct str *ret,
    struct err *err)
{
	struct spawn spawn = {
		.command = command, .timeout_s = timeout_s,
		.line = keep_line, .cookie = ret,
	};

	str_add(ret, "");
	return spawn_run(&spawn, err);
}

static void
both_outputs_come_line_by_line(void **state)
{
	static const struct {
		const char *command;
		const char *lines;
	} cases[] = {
		{ "true", "" },
		{ "echo one; echo two >&2; echo three", "[one][two][three]" },
		{ "printf 'no newline'", "[no newline]" },
		{ "printf 'a\\n\\nb\\r\\n'", "[a][][b]" },
		{ "printf on; sleep 0.1; printf 'e\\ntw'; sleep 0.1; echo o",
		  "[one][two]" },
		{ "printf 'a\\0b\\nc\\n'", "[a?b][c]" },
		{ "exec >&- 2>&-; sleep 0.1", "" },
		{ "(sleep 0.1; echo late) & exit 0", "[late]" },
		{ "cat", "" },	/* of /dev/null */
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CLEANUP(str_free) struct str lines = STR_INIT;
		struct err err = ERR_INIT;

		assert_int_equal(run_command(cases[i].command, 60, &lines,
		    &err), 0);
		assert_string_equal(lines.s, cases[i].lines);
	}
}

static void
add_number(void *cookie, const char *line)
{
	long *next = cookie;

	assert_int_equal(strtol(line, NULL, 10), *next);
	++*next;
}

static void
no_line_is_lost_or_torn_where_there_are_many(void **state)
{
	struct err err = ERR_INIT;
	long next = 1;
	struct spawn spawn = { .command = "seq 200000", .line = add_number,
		.cookie = &next };

	(void)state;
	assert_int_equal(spawn_run(&spawn, &err), 0);
	assert_int_equal(next, 200001);
}

static void
a_long_line_is_cut(void **state)
{
	CLEANUP(str_free) struct str lines = STR_INIT;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(run_command("head -c 1000000 /dev/zero | tr '\\0' x; "
	    "echo; echo next", 60, &lines, &err), 0);
	assert_int_equal(lines.len, 1 + LINES_BYTES_MAX +
	    strlen(LINES_MARK "][next]"));
	assert_true(str_ends(lines.s, "x" LINES_MARK "][next]"));
}

static void
a_run_that_fails_says_how_and_quotes_the_last_line(void **state)
{
	static const struct {
		const char *command;
		const char *message;
	} cases[] = {
		{ "exit 3", "command exited with status 3" },
		{ "echo x; echo why >&2; echo; exit 3",
		  "command exited with status 3: why" },
		{ "kill -KILL $$", "command was killed by SIGKILL" },
		{ "exec 2>&-; /nonexistent/x", "command exited with status "
		  "127 (a program that it names was not found)" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CLEANUP(str_free) struct str lines = STR_INIT;
		struct err err = ERR_INIT;

		assert_int_equal(run_command(cases[i].command, 60, &lines,
		    &err), -1);
		assert_int_equal(err.kind, ERR_SYSTEM);
		assert_string_equal(err.msg, cases[i].message);
	}
}

static void
at_the_deadline_of_a_run_the_whole_group_ends(void **state)
{
	CLEANUP(str_free) struct str lines = STR_INIT;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(run_command("sleep 100 & echo $! >run1; "
	    "(trap '' TERM; exec sleep 100) >/dev/null 2>&1 & echo $! >run2; "
	    "echo waiting; wait", 1, &lines, &err), -1);
	assert_int_equal(err.kind, ERR_TIMEOUT);
	assert_string_equal(err.msg,
	    "command did not end within 1 s: waiting");
	assert_true(ends_soon(atoi(scratch_read(&scratch, "run1"))));
	assert_true(ends_soon(atoi(scratch_read(&scratch, "run2"))));
}

/* More than a pipe holds: it would never tidy up if nobody read on. */
static void
what_is_printed_after_sigterm_is_read(void **state)
{
	CLEANUP(str_free) struct str lines = STR_INIT;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(run_command("trap 'seq 20000; echo tidy; exit 1' "
	    "TERM; sleep 100 & wait", 1, &lines, &err), -1);
	assert_int_equal(err.kind, ERR_TIMEOUT);
	assert_true(str_ends(lines.s, "[20000][tidy]"));
}

static void
who_is_left_in_the_background_keeps_nobody_waiting(void **state)
{
	CLEANUP(str_free) struct str lines = STR_INIT;
	struct err err = ERR_INIT;
	int pid;

	(void)state;
	/* A minute's deadline does not count: the command has ended. */
	assert_int_equal(run_command("sleep 100 & echo $! | tee left; exit 0",
	    60, &lines, &err), 0);
	pid = atoi(scratch_read(&scratch, "left"));
	assert_int_equal(atoi(lines.s + 1), pid);
	assert_true(is_running(pid));	/* nor is it killed */
	(void)kill(pid, SIGKILL);
	/* Nor does it when it prints and prints, or when its deadline passes
	 * while it is drained. */
	str_free(&lines);
	assert_int_equal(run_command("(while sleep 0.01; do echo x; done) & "
	    "exit 0", 0.5, &lines, &err), 0);
}

static void
input_is_there_but_need_not_be_read(void **state)
{
	static const struct {
		const char *command;
		const char *lines;
	} cases[] = {
		{ "wc -c", "[1000000]" },
		{ "head -c 3; echo", "[abc]" },
		{ "true", "" },
		{ "exec <&-; sleep 0.1", "" },
		{ "read a; cat >/dev/null; echo done", "[done]" },
	};
	CLEANUP(cleanup_free) char *input = malloc(1000000);
	size_t i;

	(void)state;
	assert_non_null(input);
	memset(input, 'x', 1000000);
	memcpy(input, "abc", 3);
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CLEANUP(str_free) struct str lines = STR_INIT;
		struct spawn spawn = {
			.command = cases[i].command, .timeout_s = 60,
			.input = input, .input_len = 1000000,
			.line = keep_line, .cookie = &lines,
		};
		struct err err = ERR_INIT;

		str_add(&lines, "");
		assert_int_equal(spawn_run(&spawn, &err), 0);
		assert_string_equal(lines.s, cases[i].lines);
	}
}

static void
variables_are_added_replaced_and_hidden(void **state)
{
	static const char *const env[] = { "SPAWN_NEW=a b=c", "SPAWN_OLD=new",
		"SPAWN_BOTH=told", NULL };
	static const char *const hidden[] = { "SPAWN_SECRET", "SPAWN_BOTH",
		"SPAWN_MISSING", NULL };
	CLEANUP(str_free) struct str lines = STR_INIT;
	struct spawn spawn = {
		/* As the shell got it: env would not show a name twice. */
		.command = "tr '\\0' '\\n' </proc/$$/environ | "
		    "grep ^SPAWN | sort; echo ${PATH:+path}",
		.env = env, .hidden = hidden, .line = keep_line,
		.cookie = &lines,
	};
	struct err err = ERR_INIT;

	(void)state;
	(void)setenv("SPAWN_OLD", "old", 1);
	(void)setenv("SPAWN_SECRET", "secret", 1);
	(void)setenv("SPAWN_SECRET_FILE", "/not/hidden", 1);
	(void)setenv("SPAWN_BOTH", "secret", 1);
	assert_int_equal(spawn_run(&spawn, &err), 0);
	assert_string_equal(lines.s, "[SPAWN_BOTH=told][SPAWN_NEW=a b=c]"
	    "[SPAWN_OLD=new][SPAWN_SECRET_FILE=/not/hidden][path]");
	assert_string_equal(getenv("SPAWN_SECRET"), "secret");
	str_free(&lines);
	spawn.env = spawn.hidden = NULL;
	assert_int_equal(spawn_run(&spawn, &err), 0);
	assert_string_equal(lines.s, "[SPAWN_BOTH=secret][SPAWN_OLD=old]"
	    "[SPAWN_SECRET=secret][SPAWN_SECRET_FILE=/not/hidden][path]");
	(void)unsetenv("SPAWN_OLD");
	(void)unsetenv("SPAWN_SECRET");
	(void)unsetenv("SPAWN_SECRET_FILE");
	(void)unsetenv("SPAWN_BOTH");
}

static void
a_run_inherits_no_descriptor_at_all(void **state)
{
	CLEANUP(str_free) struct str lines = STR_INIT;
	int fd = open("/dev/null", O_RDONLY);	/* without O_CLOEXEC */
	struct spawn spawn = {
		/* ls's own fourth is the directory that it reads. */
		.command = "ls /proc/self/fd | tr '\\n' ' '", .input = "x",
		.input_len = 1, .line = keep_line, .cookie = &lines,
	};
	struct err err = ERR_INIT;

	(void)state;
	assert_true(fd > 2);
	assert_int_equal(spawn_run(&spawn, &err), 0);
	assert_string_equal(lines.s, "[0 1 2 3 ]");
	(void)close(fd);
}

static void
where_children_cannot_be_waited_for_nobody_waits(void **state)
{
	CLEANUP(str_free) struct str lines = STR_INIT;
	struct err err = ERR_INIT;

	(void)state;
	(void)signal(SIGCHLD, SIG_IGN);
	assert_int_equal(run_command("echo x", 60, &lines, &err), -1);
	(void)signal(SIGCHLD, SIG_DFL);
	assert_int_equal(err.kind, ERR_SYSTEM);
	assert_string_equal(lines.s, "[x]");
}

/* The handlers of intr are for the whole process: a process for each case;
 * it returns the number of the line that went wrong, or 0. */
#define EXPECT(condition)						\
	do {								\
		if (!(condition))					\
			return __LINE__ % 255 + 1;			\
	} while (0)

static int
in_a_child(int (*body)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(body());
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int
interrupted_run(void)
{
	struct spawn spawn = { .command = "echo $$ >ours2; kill -TERM $PPID; "
		"sleep 100" };
	struct err err = ERR_INIT;

	EXPECT(intr_install(&err) == 0);
	EXPECT(spawn_run(&spawn, &err) == -1);
	EXPECT(err.kind == ERR_INTERRUPTED);
	/* From now on nothing is even started. */
	spawn.command = "touch started";
	EXPECT(spawn_run(&spawn, &err) == -1);
	EXPECT(err.kind == ERR_INTERRUPTED);
	return 0;
}

static void
a_signal_to_us_ends_a_run(void **state)
{
	(void)state;
	assert_int_equal(in_a_child(interrupted_run), 0);
	assert_true(ends_soon(atoi(scratch_read(&scratch, "ours2"))));
	assert_false(scratch_has(&scratch, "started"));
}

static int
run_despite_signals(void)
{
	struct spawn spawn = { .command = "kill -TERM $PPID; sleep 0.2; "
		"touch despite1", .despite_signal = true };
	struct err err = ERR_INIT;

	EXPECT(intr_install(&err) == 0);
	EXPECT(spawn_run(&spawn, &err) == 0);
	EXPECT(intr_signal() == SIGTERM);
	spawn.command = "touch despite2";
	EXPECT(spawn_run(&spawn, &err) == 0);
	spawn.command = "sleep 100";
	spawn.timeout_s = 0.1;
	EXPECT(spawn_run(&spawn, &err) == -1);
	EXPECT(err.kind == ERR_TIMEOUT);
	return 0;
}

static void
what_must_run_runs_despite_a_signal_until_its_deadline(void **state)
{
	(void)state;
	assert_int_equal(in_a_child(run_despite_signals), 0);
	assert_true(scratch_has(&scratch, "despite1"));
	assert_true(scratch_has(&scratch, "despite2"));
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
		cmocka_unit_test(both_outputs_come_line_by_line),
		cmocka_unit_test(no_line_is_lost_or_torn_where_there_are_many),
		cmocka_unit_test(a_long_line_is_cut),
		cmocka_unit_test(
		    a_run_that_fails_says_how_and_quotes_the_last_line),
		cmocka_unit_test(at_the_deadline_of_a_run_the_whole_group_ends),
		cmocka_unit_test(what_is_printed_after_sigterm_is_read),
		cmocka_unit_test(
		    who_is_left_in_the_background_keeps_nobody_waiting),
		cmocka_unit_test(input_is_there_but_need_not_be_read),
		cmocka_unit_test(variables_are_added_replaced_and_hidden),
		cmocka_unit_test(a_run_inherits_no_descriptor_at_all),
		cmocka_unit_test(
		    where_children_cannot_be_waited_for_nobody_waits),
		cmocka_unit_test(a_signal_to_us_ends_a_run),
		cmocka_unit_test(
		    what_must_run_runs_despite_a_signal_until_its_deadline),
		cmocka_unit_test(no_child_is_left_unwaited),
	};

	return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
