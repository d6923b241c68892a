#define _GNU_SOURCE
#include "lib/base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/intr.h"
#include "lib/base/str.h"

#define SLICE_MS 20		/* how late we see a signal or an exit */
#define GRACE_S 2.0		/* between SIGTERM and SIGKILL */

struct child {
	pid_t pid;	/* and process group; 0 once it was waited for */
	int fd;		/* its standard output, not blocking; -1 at its end */
	char *output;	/* max + 1 bytes: never moved, so that no copy of a
			 * secret stays behind in freed memory */
	size_t len;
	size_t max;
};

static int
prepare(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes,
    int output)
{
	sigset_t all, none;

	sigfillset(&all);
	sigemptyset(&none);
	return posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP |
	    POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK) != 0 ||
	    posix_spawnattr_setsigdefault(attributes, &all) != 0 ||
	    posix_spawnattr_setsigmask(attributes, &none) != 0 ||
	    posix_spawn_file_actions_addopen(actions, STDIN_FILENO,
	    "/dev/null", O_RDONLY, 0) != 0 ||
	    posix_spawn_file_actions_adddup2(actions, output,
	    STDOUT_FILENO) != 0 ||
	    posix_spawn_file_actions_addclosefrom_np(actions,
	    STDERR_FILENO + 1) != 0 ? -1 : 0;
}

static int
start(const char *command, int output, pid_t *ret, struct err *err)
{
	char shell[] = "sh", option[] = "-c";
	CLEANUP(cleanup_free) char *copy = NULL;
	char *argv[] = { shell, option, NULL, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int number = ENOMEM;

	if (str_dup(command, &copy, err) < 0)
		return -1;
	argv[2] = copy;
	if (posix_spawn_file_actions_init(&actions) != 0)
		return err_nomem(err);
	if (posix_spawnattr_init(&attributes) == 0) {
		if (prepare(&actions, &attributes, output) == 0)
			number = posix_spawn(ret, "/bin/sh", &actions,
			    &attributes, argv, environ);
		(void)posix_spawnattr_destroy(&attributes);
	}
	(void)posix_spawn_file_actions_destroy(&actions);
	errno = number;
	return number == 0 ? 0 : err_sys(err, "cannot run a shell");
}

/* Has it ended? It is left a zombie, so that its group's number stays ours
 * and cannot be another's when we kill it. */
static bool
has_ended(const struct child *child)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)child->pid, &info,
	    WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == child->pid;
}

/* Waits a little for output, and keeps what there is. */
static int
read_some(struct child *child, struct err *err)
{
	struct pollfd fd = { .fd = child->fd, .events = POLLIN };
	ssize_t n;

	if (poll(&fd, 1, SLICE_MS) <= 0 || child->fd < 0)
		return 0;
	n = read(child->fd, child->output + child->len,
	    child->max + 1 - child->len);
	if (n == 0)
		cleanup_close(&child->fd);
	if (n < 0 && errno != EINTR && errno != EAGAIN)
		return err_sys(err, "cannot read a command's output");
	if (n > 0)
		child->len += (size_t)n;
	if (child->len > child->max)
		return err_set(err, ERR_SYSTEM,
		    "command printed more than %zu bytes", child->max);
	return 0;
}

/* Until output and process have both ended. */
static int
follow(struct child *child, double timeout_s, struct err *err)
{
	double deadline = clock_mono_s() + timeout_s;

	while (child->fd >= 0 || !has_ended(child)) {
		if (intr_check(err) < 0)
			return -1;
		if (clock_mono_s() >= deadline)
			return err_set(err, ERR_TIMEOUT,
			    "command did not end within %g s", timeout_s);
		if (read_some(child, err) < 0)
			return -1;
	}
	return 0;
}

/* Is nobody left who could write? Then most likely nobody is left at all. */
static bool
is_silent(const struct child *child)
{
	struct pollfd fd = { .fd = child->fd };

	return child->fd < 0 ||
	    (poll(&fd, 1, 0) > 0 && (fd.revents & POLLHUP) != 0);
}

/* Ends the whole group, first with good words. */
static void
end_group(struct child *child)
{
	double deadline = clock_mono_s() + GRACE_S;

	(void)kill(-child->pid, SIGTERM);
	while (!(has_ended(child) && is_silent(child)) &&
	    clock_mono_s() < deadline)
		(void)poll(NULL, 0, SLICE_MS);
	/* Also when the shell is gone: others of the group may be left. */
	(void)kill(-child->pid, SIGKILL);
}

static int
reap(struct child *child, int *ret, struct err *err)
{
	while (waitpid(child->pid, ret, 0) < 0)
		if (errno != EINTR)
			return err_sys(err, "cannot wait for a command");
	child->pid = 0;
	return 0;
}

static void
child_end(struct child *child)
{
	struct err ignored = ERR_INIT;
	int status;

	if (child->pid > 0) {
		end_group(child);
		(void)!reap(child, &status, &ignored);
	}
	cleanup_close(&child->fd);
	if (child->output != NULL)
		explicit_bzero(child->output, child->len);
	free(child->output);
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

static int
start_with_pipe(struct child *child, const char *command, struct err *err)
{
	CLEANUP(cleanup_close) int output = -1;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, "cannot make a pipe");
	child->fd = ends[0];
	output = ends[1];
	/* Only our end: the command's must block as it expects. */
	if (fcntl(child->fd, F_SETFL, O_NONBLOCK) < 0)
		return err_sys(err, "cannot set up a pipe");
	return start(command, output, &child->pid, err);
}

int
spawn_capture(const char *command, double timeout_s, size_t max, char **ret,
    struct err *err)
{
	CLEANUP(child_end) struct child child = { .fd = -1, .max = max };
	int status = 0;

	child.output = malloc(max + 1);
	if (child.output == NULL)
		return err_nomem(err);
	if (start_with_pipe(&child, command, err) < 0 ||
	    follow(&child, timeout_s, err) < 0 ||
	    reap(&child, &status, err) < 0 || judge(status, err) < 0)
		return -1;
	/* Never a part of a secret in its place. */
	if (memchr(child.output, '\0', child.len) != NULL)
		return err_set(err, ERR_SYSTEM, "command printed a NUL byte");
	child.output[child.len] = '\0';
	*ret = child.output;
	child.output = NULL;
	return 0;
}
