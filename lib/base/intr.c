#define _GNU_SOURCE
#include "lib/base/intr.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t received;
static int wake[2] = { -1, -1 };

static void
handle(int number)
{
	int saved = errno;

	if (received == 0)
		received = number;
	/* Never read: the pipe stays readable for every sleeper. */
	(void)!write(wake[1], "", 1);
	errno = saved;
}

int
intr_install(struct err *err)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = handle };
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct sigaction old;
	size_t i;

	if (pipe2(wake, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_sys(err, "cannot make a pipe");
	sigemptyset(&action.sa_mask);
	for (i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		/* nohup: a signal that was ignored for us stays ignored. */
		if (sigaction(numbers[i], NULL, &old) < 0)
			return err_sys(err, "cannot handle signals");
		if (numbers[i] == SIGHUP && old.sa_handler == SIG_IGN)
			continue;
		if (sigaction(numbers[i], &action, NULL) < 0)
			return err_sys(err, "cannot handle signals");
	}
	if (sigaction(SIGPIPE, &ignore, NULL) < 0)
		return err_sys(err, "cannot handle signals");
	return 0;
}

int
intr_signal(void)
{
	return received;
}

int
intr_check(struct err *err)
{
	int number = received;

	if (number == 0)
		return 0;
	return err_set(err, ERR_INTERRUPTED, "interrupted by SIG%s",
	    sigabbrev_np(number));
}

bool
intr_sleep(double seconds)
{
	struct pollfd fd = { .fd = wake[0], .events = POLLIN };
	int timeout_ms = seconds < 0 ? 0 : seconds > INT_MAX / 1000 - 1 ?
	    INT_MAX : (int)(seconds * 1000 + 0.5);

	if (received == 0)
		(void)poll(&fd, 1, timeout_ms);
	return received != 0;
}
