#define _GNU_SOURCE
#include "lib/base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/intr.h"
#include "lib/base/lines.h"
#include "lib/base/str.h"

#define SLICE_MS 20		/* how late we see a signal or an exit */
#define GRACE_S 2.0		/* between SIGTERM and SIGKILL */
#define DRAIN_S 1.0		/* for output after the command's own end */

struct child {
	/* How it is run. */
	const char *command;
	double timeout_s;	/* 0: none */
	char *const *environment;
	int input;		/* borrowed; -1: /dev/null */
	bool errors_too;	/* standard error goes where its output goes */
	bool despite_signal;
	bool to_the_end;	/* all output is wanted, whoever prints it */
	int (*take)(void *cookie, const char *bytes, size_t n,
	    struct err *err);
	void *cookie;
	/* While it runs. */
	pid_t pid;		/* and process group */
	int output;		/* our end, not blocking; -1 at its end */
	double ended_s;		/* when we saw that it had; 0 until then */
	char chunk[4096];	/* wiped: it may have held a secret */
};

static void
child_close(struct child *child)
{
	cleanup_close(&child->output);
	explicit_bzero(child->chunk, sizeof child->chunk);
}

static int
set_input(const struct child *child, posix_spawn_file_actions_t *actions)
{
	return child->input >= 0 ?
	    posix_spawn_file_actions_adddup2(actions, child->input,
	    STDIN_FILENO) :
	    posix_spawn_file_actions_addopen(actions, STDIN_FILENO,
	    "/dev/null", O_RDONLY, 0);
}

static int
prepare(const struct child *child, posix_spawn_file_actions_t *actions,
    posix_spawnattr_t *attributes, int output)
{
	sigset_t all, none;

	sigfillset(&all);
	sigemptyset(&none);
	return posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP |
	    POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK) != 0 ||
	    posix_spawnattr_setsigdefault(attributes, &all) != 0 ||
	    posix_spawnattr_setsigmask(attributes, &none) != 0 ||
	    set_input(child, actions) != 0 ||
	    posix_spawn_file_actions_adddup2(actions, output,
	    STDOUT_FILENO) != 0 ||
	    (child->errors_too && posix_spawn_file_actions_adddup2(actions,
	    output, STDERR_FILENO) != 0) ||
	    posix_spawn_file_actions_addclosefrom_np(actions,
	    STDERR_FILENO + 1) != 0 ? -1 : 0;
}

static int
start(struct child *child, int output, struct err *err)
{
	char shell[] = "sh", option[] = "-c";
	CLEANUP(cleanup_free) char *copy = NULL;
	char *argv[] = { shell, option, NULL, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int number = ENOMEM;

	if (str_dup(child->command, &copy, err) < 0)
		return -1;
	argv[2] = copy;
	if (posix_spawn_file_actions_init(&actions) != 0)
		return err_nomem(err);
	if (posix_spawnattr_init(&attributes) == 0) {
		if (prepare(child, &actions, &attributes, output) == 0)
			number = posix_spawn(&child->pid, "/bin/sh", &actions,
			    &attributes, argv, child->environment);
		(void)posix_spawnattr_destroy(&attributes);
	}
	(void)posix_spawn_file_actions_destroy(&actions);
	errno = number;
	return number == 0 ? 0 : err_sys(err, "cannot run a shell");
}

static int
start_with_pipe(struct child *child, struct err *err)
{
	CLEANUP(cleanup_close) int output = -1;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, "cannot make a pipe");
	child->output = ends[0];
	output = ends[1];
	/* Only our end: the command's must block as it expects. */
	if (fcntl(child->output, F_SETFL, O_NONBLOCK) < 0)
		return err_sys(err, "cannot set up a pipe");
	return start(child, output, err);
}

/* Has it ended? It is left a zombie, so that its group's number stays ours
 * and cannot be another's when we kill it. Where SIGCHLD is ignored there are
 * no zombies: then reap fails, rather than that we wait for ever. */
static bool
has_ended(struct child *child)
{
	siginfo_t info = { 0 };
	int rc;

	if (child->ended_s != 0)
		return true;
	rc = waitid(P_PID, (id_t)child->pid, &info,
	    WEXITED | WNOHANG | WNOWAIT);
	if (rc < 0 ? errno == ECHILD : info.si_pid == child->pid)
		child->ended_s = clock_mono_s();
	return child->ended_s != 0;
}

/* Waits a little for output, and hands on what there is. */
static int
read_some(struct child *child, struct err *err)
{
	struct pollfd fd = { .fd = child->output, .events = POLLIN };
	ssize_t n;

	if (poll(&fd, 1, SLICE_MS) <= 0 || child->output < 0)
		return 0;
	n = read(child->output, child->chunk, sizeof child->chunk);
	if (n == 0)
		cleanup_close(&child->output);
	if (n < 0 && errno != EINTR && errno != EAGAIN)
		return err_sys(err, "cannot read a command's output");
	return n > 0 ? child->take(child->cookie, child->chunk, (size_t)n,
	    err) : 0;
}

/* May it still be told to stop? Not once it has ended, unless we wait for what
 * others print in its stead. */
static bool
is_awaited(const struct child *child)
{
	return child->ended_s == 0 || child->to_the_end;
}

static bool
is_over(struct child *child)
{
	return has_ended(child) && (child->output < 0 ||
	    (!child->to_the_end &&
	    clock_mono_s() >= child->ended_s + DRAIN_S));
}

/* Who does not end at a signal shall end soon after it. */
static double
hurry(const struct child *child, double deadline)
{
	double soon;

	if (!child->despite_signal || intr_signal() == 0)
		return deadline;
	soon = clock_mono_s() + INTR_AFTER_S;
	return soon < deadline ? soon : deadline;
}

/* Until it has ended, and its output with it, or nearly so. */
static int
follow(struct child *child, struct err *err)
{
	double deadline = child->timeout_s > 0 ?
	    clock_mono_s() + child->timeout_s : HUGE_VAL;
	double began_s = clock_mono_s();
	bool hurried = false;

	while (!is_over(child)) {
		if (!hurried) {
			deadline = hurry(child, deadline);
			hurried = intr_signal() != 0;
		}
		if (is_awaited(child) && !child->despite_signal &&
		    intr_check(err) < 0)
			return -1;
		if (is_awaited(child) && clock_mono_s() >= deadline)
			return err_set(err, ERR_TIMEOUT,
			    "command did not end within %.3g s",
			    deadline - began_s);
		if (read_some(child, err) < 0)
			return -1;
	}
	return 0;
}

/* Ends the whole group, first with good words. Where nobody is left who could
 * write, most likely nobody is left at all. */
static void
end_group(struct child *child)
{
	double deadline = clock_mono_s() + GRACE_S;
	struct err ignored = ERR_INIT;

	(void)kill(-child->pid, SIGTERM);
	/* Read on: who tidies up may have something to say. */
	while (!(has_ended(child) && child->output < 0) &&
	    clock_mono_s() < deadline)
		(void)!read_some(child, &ignored);
	/* Also when the shell is gone: others of the group may be left. */
	(void)kill(-child->pid, SIGKILL);
}

static int
reap(struct child *child, int *ret, struct err *err)
{
	while (waitpid(child->pid, ret, 0) < 0)
		if (errno != EINTR)
			return err_sys(err, "cannot wait for a command");
	return 0;
}

static int
judge(int status, struct err *err)
{
	if (WIFSIGNALED(status))
		return err_set(err, ERR_SYSTEM, "command was killed by SIG%s",
		    sigabbrev_np(WTERMSIG(status)) != NULL ?
		    sigabbrev_np(WTERMSIG(status)) : "RT");
	if (WEXITSTATUS(status) == 127)
		return err_set(err, ERR_SYSTEM, "command exited with status "
		    "127 (a program that it names was not found)");
	if (WEXITSTATUS(status) != 0)
		return err_set(err, ERR_SYSTEM,
		    "command exited with status %d", WEXITSTATUS(status));
	return 0;
}

/* From its start to its end: no process is left unwaited for. */
static int
child_run(struct child *child, struct err *err)
{
	struct err ignored = ERR_INIT;
	int status = 0;

	if (!child->despite_signal && intr_check(err) < 0)
		return -1;
	if (start_with_pipe(child, err) < 0)
		return -1;
	if (follow(child, err) < 0) {
		end_group(child);
		(void)!reap(child, &status, &ignored);
		return -1;
	}
	return reap(child, &status, err) < 0 ? -1 : judge(status, err);
}

struct capture {
	char *bytes;	/* max + 1: never moved, so that no copy of a secret
			 * stays behind in freed memory */
	size_t len;
	size_t max;
};

static void
capture_free(struct capture *capture)
{
	if (capture->bytes != NULL)
		explicit_bzero(capture->bytes, capture->len);
	free(capture->bytes);
}

static int
capture_take(void *cookie, const char *bytes, size_t n, struct err *err)
{
	struct capture *capture = cookie;

	if (n > capture->max - capture->len)
		return err_set(err, ERR_SYSTEM,
		    "command printed more than %zu bytes", capture->max);
	memcpy(capture->bytes + capture->len, bytes, n);
	capture->len += n;
	return 0;
}

int
spawn_capture(const char *command, double timeout_s, size_t max, char **ret,
    struct err *err)
{
	CLEANUP(capture_free) struct capture capture = { .max = max };
	CLEANUP(child_close) struct child child = {
		.command = command, .timeout_s = timeout_s,
		.environment = environ, .input = -1, .output = -1,
		.to_the_end = true, .take = capture_take, .cookie = &capture,
	};

	capture.bytes = malloc(max + 1);
	if (capture.bytes == NULL)
		return err_nomem(err);
	if (child_run(&child, err) < 0)
		return -1;
	/* Never a part of a secret in its place. */
	if (memchr(capture.bytes, '\0', capture.len) != NULL)
		return err_set(err, ERR_SYSTEM, "command printed a NUL byte");
	capture.bytes[capture.len] = '\0';
	*ret = capture.bytes;
	capture.bytes = NULL;
	return 0;
}

static bool
is_named(const char *variable, const char *name, size_t name_len)
{
	return strncmp(variable, name, name_len) == 0 &&
	    variable[name_len] == '=';
}

/* Is this one of our own variables that the command gets? */
static bool
is_passed_on(const struct spawn *spawn, const char *variable)
{
	const char *const *p;

	for (p = spawn->hidden; p != NULL && *p != NULL; p++)
		if (is_named(variable, *p, strlen(*p)))
			return false;
	for (p = spawn->env; p != NULL && *p != NULL; p++)
		if (is_named(variable, *p, strcspn(*p, "=")))
			return false;
	return true;
}

/* An array of its own, but the strings are borrowed. */
static int
make_environment(const struct spawn *spawn, char ***ret, struct err *err)
{
	size_t n = 0, n_own = 0, n_more = 0, i;
	char **v;

	while (environ != NULL && environ[n_own] != NULL)
		n_own++;
	while (spawn->env != NULL && spawn->env[n_more] != NULL)
		n_more++;
	v = calloc(n_own + n_more + 1, sizeof *v);
	if (v == NULL)
		return err_nomem(err);
	for (i = 0; i < n_own; i++)
		if (is_passed_on(spawn, environ[i]))
			v[n++] = environ[i];
	for (i = 0; i < n_more; i++)	/* posix_spawn changes nothing */
		v[n++] = (char *)(uintptr_t)spawn->env[i];
	*ret = v;
	return 0;
}

/* A file in memory, not a pipe: nobody needs to be there to feed it, and a
 * command that does not read it cannot stall or break us. */
static int
open_input(const struct spawn *spawn, int *ret, struct err *err)
{
	CLEANUP(cleanup_close) int fd = -1;

	if (spawn->input == NULL)
		return 0;
	fd = memfd_create("input", MFD_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "cannot make a command's input");
	if (file_write_fd(fd, "a command's input", spawn->input,
	    spawn->input_len, err) < 0)
		return -1;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(err, "cannot make a command's input");
	*ret = fd;
	fd = -1;
	return 0;
}

static int
lines_take(void *cookie, const char *bytes, size_t n, struct err *err)
{
	(void)err;
	lines_add(cookie, bytes, n);
	return 0;
}

int
spawn_run(const struct spawn *spawn, struct err *err)
{
	CLEANUP(cleanup_free) char **environment = NULL;
	CLEANUP(cleanup_close) int input = -1;
	struct lines lines = { .line = spawn->line, .cookie = spawn->cookie };
	CLEANUP(child_close) struct child child = {
		.command = spawn->command, .timeout_s = spawn->timeout_s,
		.output = -1, .errors_too = true,
		.despite_signal = spawn->despite_signal,
		.take = lines_take, .cookie = &lines,
	};
	struct err failure = ERR_INIT;
	int rc;

	if (make_environment(spawn, &environment, err) < 0 ||
	    open_input(spawn, &input, err) < 0)
		return -1;
	child.environment = environment;
	child.input = input;
	rc = child_run(&child, &failure);
	lines_end(&lines);
	if (rc == 0)
		return 0;
	return err_set(err, failure.kind, "%s%s%s", failure.msg,
	    lines.last[0] != '\0' ? ": " : "", lines.last);
}
