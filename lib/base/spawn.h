/*
 * spawn: run a command on this host, and wait for it.
 *
 *     spawn_capture    and keep what it prints: a secret, say
 *     spawn_run        and hand on what it prints, line by line: a hook
 *
 * Both run `sh -c command` in a process group of its own, with default signal
 * dispositions, and with /dev/null as standard input where nothing else is
 * said. It inherits no descriptor of ours but those named here. At its
 * deadline, or when a signal asks us to stop, the whole group is sent SIGTERM,
 * and SIGKILL 2 s later; what it prints in between is still read. A command
 * that ends in time is left at that: what it has put in the background is
 * nobody's to kill.
 */
#ifndef LIB_BASE_SPAWN_H
#define LIB_BASE_SPAWN_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"

/*
 * spawn_capture: its standard error is ours, its environment ours as it is.
 *
 * Takes    command; timeout_s; max: bytes of output that are accepted
 * Gives    *ret: its standard output, to the end, also from what it has put in
 *          the background; NUL-terminated, caller wipes and frees
 * Fails    ERR_SYSTEM exit status other than 0 (named), death by a signal,
 *          too much output, a NUL byte in it; ERR_TIMEOUT; ERR_INTERRUPTED
 */
MUST_CHECK int spawn_capture(const char *command, double timeout_s, size_t max,
    char **ret, struct err *err);

struct spawn {
	const char *command;
	double timeout_s;	/* 0: none */
	const char *const *env;	/* "NAME=value", NULL-terminated: beside our
				 * own, instead of those of the same name; NULL:
				 * none */
	const char *const *hidden;	/* names, NULL-terminated: those of
					 * our own that it does not get; NULL:
					 * it gets them all */
	const void *input;	/* its standard input; NULL: /dev/null */
	size_t input_len;
	bool despite_signal;	/* a signal to us neither ends it at once nor
				 * keeps it from being started; it has
				 * INTR_AFTER_S then, or what is left */
	/* Each line of its standard output and error, as they come; see
	 * lines.h. NULL: thrown away. */
	void (*line)(void *cookie, const char *line);
	void *cookie;
};

/*
 * spawn_run: returns at the command's end. What it has put in the background
 * has 1 s more to close the output; what is printed later goes nowhere (to
 * SIGPIPE). input need not be read.
 *
 * Fails    ERR_SYSTEM exit status other than 0 (named), death by a signal,
 *          it cannot be started; ERR_TIMEOUT; ERR_INTERRUPTED, also before it
 *          was started. Once it ran, the message ends with the last line that
 *          was not blank
 */
MUST_CHECK int spawn_run(const struct spawn *spawn, struct err *err);

#endif
