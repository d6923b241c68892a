/*
 * spawn: run a command, wait for it, keep what it printed.
 *
 * The command gets /dev/null as standard input, a process group of its own and
 * default signal dispositions. At its deadline, or when a signal asks us to
 * stop, the whole group is sent SIGTERM, and SIGKILL 2 s later. It inherits no
 * descriptor of ours but stderr.
 */
#ifndef LIB_BASE_SPAWN_H
#define LIB_BASE_SPAWN_H

#include <stddef.h>

#include "lib/base/err.h"

/*
 * spawn_capture: run `sh -c command`.
 *
 * Takes    command; timeout_s; max: bytes of output that are accepted
 * Gives    *ret: its standard output, NUL-terminated, caller wipes and frees
 * Fails    ERR_SYSTEM exit status other than 0 (named), death by a signal,
 *          too much output, a NUL byte in it; ERR_TIMEOUT; ERR_INTERRUPTED
 */
MUST_CHECK int spawn_capture(const char *command, double timeout_s, size_t max,
    char **ret, struct err *err);

#endif
