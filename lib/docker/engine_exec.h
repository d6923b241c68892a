/*
 * engine_exec: a command in a running container.
 */
#ifndef LIB_DOCKER_ENGINE_EXEC_H
#define LIB_DOCKER_ENGINE_EXEC_H

#include <stddef.h>

#include "lib/base/err.h"
#include "lib/docker/engine.h"

struct engine_exec {
	const char *const *argv;	/* NULL-terminated, at least one */
	const char *const *env;		/* "NAME=value", NULL-terminated; or
					 * NULL */
	const char *user;		/* NULL: the container's own */
	double timeout_s;		/* of the command itself; 0: none */
	/* What it prints, standard output and error as they come, in pieces of
	 * any size; NULL: thrown away. -1 ends the call with that error. */
	int (*output)(void *cookie, const void *bytes, size_t n,
	    struct err *err);
	void *cookie;
};

/*
 * engine_exec_run: run it, and wait for its end.
 *
 * Gives    *ret_status: its exit status
 * Fails    ERR_TIMEOUT it did not end in time: it may still run in the
 *          container, for the Engine has no way to end it; ERR_INTERRUPTED a
 *          signal to us, the same holds; else as engine_stop. ERR_NOTFOUND: no
 *          such container; ERR_REFUSED: it does not run, or there is no such
 *          command in it
 * Note     a signal that came before the call does not end it, so that what
 *          must run after one can run: look at intr_check first
 */
MUST_CHECK int engine_exec_run(struct engine *engine, const char *id,
    const struct engine_exec *exec, int *ret_status, struct err *err);

#endif
