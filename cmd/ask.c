#define _GNU_SOURCE
#include "cmd/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/intr.h"
#include "lib/base/str.h"

#define TERMINAL "/dev/tty"
#define LINE_BYTES 4096		/* as much as a terminal gives in one */
#define LOOK_MS 100		/* for a signal that came just before poll */

struct terminal {
	int fd;
	struct termios before;
	bool changed;
};

#define TERMINAL_NONE { .fd = -1 }

static void
terminal_close(struct terminal *terminal)
{
	if (terminal->changed) {
		(void)tcsetattr(terminal->fd, TCSAFLUSH, &terminal->before);
		(void)!write(terminal->fd, "\n", 1);
	}
	cleanup_close(&terminal->fd);
}

bool
ask_possible(void)
{
	CLEANUP(cleanup_close) int fd = open(TERMINAL,
	    O_RDWR | O_NOCTTY | O_CLOEXEC);

	return fd >= 0;
}

/* No echo; and no signal that would end us, or stop us, before the terminal is
 * as it was. SIGINT is seen by intr. */
static int
terminal_open(struct terminal *terminal, struct err *err)
{
	struct termios quiet;

	terminal->fd = open(TERMINAL, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (terminal->fd < 0)
		return err_set(err, ERR_CONFIG, "there is no terminal to ask "
		    "on");
	if (tcgetattr(terminal->fd, &terminal->before) < 0)
		return err_sys(err, "cannot use the terminal");
	quiet = terminal->before;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
	quiet.c_cc[VQUIT] = quiet.c_cc[VSUSP] = _POSIX_VDISABLE;
	terminal->changed = true;
	if (tcsetattr(terminal->fd, TCSAFLUSH, &quiet) < 0)
		return err_sys(err, "cannot use the terminal");
	return 0;
}

static int
wait_for_line(int fd, struct err *err)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	int n;

	do {
		if (intr_check(err) < 0)
			return -1;
		n = poll(&poll_fd, 1, LOOK_MS);
	} while (n == 0 || (n < 0 && errno == EINTR));
	return n < 0 ? err_sys(err, "cannot wait for the terminal") : 0;
}

static int
read_line(int fd, char line[LINE_BYTES], struct err *err)
{
	ssize_t n;

	do {
		if (wait_for_line(fd, err) < 0)
			return -1;
		n = read(fd, line, LINE_BYTES - 1);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_sys(err, "cannot read from the terminal");
	line[n] = '\0';
	line[strcspn(line, "\n")] = '\0';
	return *line != '\0' ? 0 : err_set(err, ERR_CONFIG,
	    "nothing was typed");
}

int
ask_secret(void *cookie, const char *prompt, char **ret, struct err *err)
{
	CLEANUP(terminal_close) struct terminal terminal = TERMINAL_NONE;
	char line[LINE_BYTES];
	int rc;

	(void)cookie;
	if (terminal_open(&terminal, err) < 0 || file_write_fd(terminal.fd,
	    TERMINAL, prompt, strlen(prompt), err) < 0)
		return -1;
	rc = read_line(terminal.fd, line, err);
	if (rc == 0)
		rc = str_dup(line, ret, err);
	explicit_bzero(line, sizeof line);
	return rc;
}
