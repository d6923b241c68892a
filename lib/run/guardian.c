#define _GNU_SOURCE
#include "lib/run/guardian.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/intr.h"
#include "lib/base/log.h"
#include "lib/run/ledger.h"
#include "lib/run/lock.h"

#define NAME "vbackup-guard"	/* at most 15 bytes */
#define PAUSE_S 0.5

/* Where the guardian has its descriptors; the next is the first it opens. */
enum { FD_LOCK = STDERR_FILENO + 1, FD_PIPE, FD_FREE };

/* --- in the child -------------------------------------------------------- */

/* All but three are closed: an Engine's connection that the run has open, or
 * the pipe to its reader, must end with the run. */
static int
keep_descriptors(int lock_fd, int pipe_fd)
{
	int null;

	/* First out of the way of each other. */
	lock_fd = fcntl(lock_fd, F_DUPFD_CLOEXEC, FD_FREE);
	pipe_fd = fcntl(pipe_fd, F_DUPFD_CLOEXEC, FD_FREE);
	if (lock_fd < 0 || pipe_fd < 0 ||
	    dup3(lock_fd, FD_LOCK, O_CLOEXEC) < 0 ||
	    dup3(pipe_fd, FD_PIPE, O_CLOEXEC) < 0)
		return -1;
	closefrom(FD_FREE);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 ||
	    dup2(null, STDOUT_FILENO) < 0)
		return -1;
	return null <= STDERR_FILENO ? 0 : close(null);
}

/* Only a wish: it takes privileges. */
static void
evade_oom_killer(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)!write(fd, "-1000", 5);
	(void)close(fd);
}

/* A reader of stderr that has stopped reading must not keep anything down. To
 * set O_NONBLOCK would set it for all who share it, so we open it anew. */
static void
never_wait_for_stderr(void)
{
	static const struct timeval soon = { .tv_sec = 1 };
	struct stat st;
	int fd = -1;

	if (fstat(STDERR_FILENO, &st) < 0)
		return;
	if (S_ISSOCK(st.st_mode))
		(void)setsockopt(STDERR_FILENO, SOL_SOCKET, SO_SNDTIMEO, &soon,
		    sizeof soon);
	if (S_ISFIFO(st.st_mode) || isatty(STDERR_FILENO))
		fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK |
		    O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return;
	(void)dup2(fd, STDERR_FILENO);
	(void)close(fd);
}

/* True when it was told to go; false when nobody is left to tell. To be reset
 * is to be left, too: we died before we read that it is ready. */
static bool
wait_for_word(void)
{
	char word;

	return recv(FD_PIPE, &word, 1, 0) == 1;
}

static int
open_engine(const struct engine_settings *docker, double end_s,
    struct engine **ret, struct err *err)
{
	while (engine_open(docker, ret, err) < 0) {
		double left_s = end_s - clock_mono_s();

		if (left_s <= 0)
			return -1;
		log_debug("%s (trying again)", err->msg);
		if (left_s > PAUSE_S)
			left_s = PAUSE_S;
		(void)poll(NULL, 0, (int)(left_s * 1000) + 1);
	}
	return 0;
}

static int
settle(const struct engine_settings *docker, double retry_s, struct err *err)
{
	double end_s = clock_mono_s() + retry_s, left_s;
	struct engine *engine = NULL;
	size_t n;
	int rc;

	if (open_engine(docker, end_s, &engine, err) < 0)
		return -1;
	left_s = end_s - clock_mono_s();
	rc = ledger_settle(FD_LOCK, engine, left_s > 0 ? left_s : 0, &n, err);
	engine_free(engine);
	return rc;
}

static int
take_over(const struct engine_settings *docker, double retry_s,
    struct err *err)
{
	CLEANUP(ledger_free) struct ledger ledger = LEDGER_INIT;
	struct err ignored = ERR_INIT;

	/* Who waits for the lock is told of us. */
	(void)!lock_sign(FD_LOCK, &ignored);
	if (ledger_read(FD_LOCK, &ledger, err) < 0)
		return -1;
	if (ledger.n == 0)
		return 0;
	log_job(NULL);
	log_status("%s", "");	/* the run's own is wiped with it */
	log_error("the run died: starting what it had stopped");
	return settle(docker, retry_s, err);
}

/* Never returns, and leaves by _exit: what the run wants done at its exit is
 * not ours to do. All signals are blocked, and stay so: none ends it, stops it
 * or sets intr's flag. */
static _Noreturn void
guard(int lock_fd, int pipe_fd, const struct engine_settings *docker,
    double retry_s)
{
	struct err err = ERR_INIT;

	(void)setsid();
	(void)prctl(PR_SET_NAME, NAME);
	if (keep_descriptors(lock_fd, pipe_fd) < 0)
		_exit(1);
	evade_oom_killer();
	if (send(FD_PIPE, "", 1, MSG_NOSIGNAL) == 1 && wait_for_word())
		_exit(0);
	never_wait_for_stderr();
	if (take_over(docker, retry_s, &err) == 0)
		_exit(0);
	log_error("not everything that the dead run had stopped is back "
	    "(`vbackup recover` tries again): %s", err.msg);
	_exit(1);
}

/* --- in the run ---------------------------------------------------------- */

static int
wait_until_ready(const struct guardian *guardian, struct err *err)
{
	char word;
	ssize_t n;

	do
		n = recv(guardian->pipe, &word, 1, 0);
	while (n < 0 && errno == EINTR);
	return n == 1 ? 0 : err_set(err, ERR_SYSTEM,
	    "cannot start the guardian: it has ended");
}

/* With all signals blocked: of those that come to us now the child has none,
 * and no handler runs in it. */
static pid_t
fork_quietly(int lock_fd, int ends[2], const struct engine_settings *docker,
    double retry_s, struct err *err)
{
	sigset_t all, before;
	pid_t pid = -1;

	sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &before);
	if (intr_check(err) == 0) {
		pid = fork();
		if (pid == 0)
			guard(lock_fd, ends[1], docker, retry_s);
		if (pid < 0)
			(void)err_sys(err, "cannot start the guardian");
	}
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return pid;
}

int
guardian_start(struct guardian *ret, int lock_fd,
    const struct engine_settings *docker, double retry_s, struct err *err)
{
	CLEANUP(guardian_dismiss) struct guardian guardian = GUARDIAN_NONE;
	CLEANUP(cleanup_close) int theirs = -1;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return err_sys(err, "cannot make a pipe to the guardian");
	guardian.pipe = ends[0];
	theirs = ends[1];
	guardian.pid = fork_quietly(lock_fd, ends, docker, retry_s, err);
	if (guardian.pid < 0)
		return -1;
	cleanup_close(&theirs);	/* else its end is never seen */
	if (wait_until_ready(&guardian, err) < 0)
		return -1;
	*ret = guardian;
	guardian = (struct guardian)GUARDIAN_NONE;
	return 0;
}

void
guardian_dismiss(struct guardian *guardian)
{
	/* It may have been killed: then there is nobody to hear. */
	if (guardian->pid > 0)
		(void)send(guardian->pipe, "", 1, MSG_NOSIGNAL);
	cleanup_close(&guardian->pipe);
	while (guardian->pid > 0 && waitpid(guardian->pid, NULL, 0) < 0 &&
	    errno == EINTR)
		;
	guardian->pid = -1;
}
