/*
 * commands: what is run around a job: commands in containers, by labels, and
 * commands on this host, by the configuration.
 *
 *     commands_before                       [hooks] before
 *     commands_phase(.., phase, false)      then the phase
 *     commands_phase(.., phase, true)       when it is over
 *     commands_after                        [hooks] after, if before was begun
 *
 * A command before that fails is an error; one after it that fails is told.
 */
#ifndef LIB_RUN_COMMANDS_H
#define LIB_RUN_COMMANDS_H

#include <stdbool.h>

#include "lib/base/err.h"
#include "lib/docker/lifecycle.h"
#include "lib/run/plan.h"
#include "lib/run/teller.h"

struct commands {
	struct job *job;		/* borrowed, like the rest */
	struct engine *engine;		/* NULL: there are no containers */
	char *archive_path;		/* COMMAND_RUNTIME_ARCHIVE_FILEPATH */
	const struct teller *teller;
	bool began;			/* commands_before was called */
	bool reached[LIFECYCLE_PRUNE + 1];	/* phases, whatever came of
						 * their commands before */
};

MUST_CHECK int commands_before(struct commands *commands, struct err *err);
/* commands_after: also when a signal asks us to stop. outcome: "success",
 * "problems" or "failure", as JOB_OUTCOME. */
void commands_after(struct commands *commands, const char *outcome);

/* commands_phase: post: never fails, and does nothing after a phase that was
 * not reached. */
MUST_CHECK int commands_phase(struct commands *commands,
    enum lifecycle_phase phase, bool post, struct err *err);
/* commands_after_phase: the same with post. */
void commands_after_phase(struct commands *commands,
    enum lifecycle_phase phase);

#endif
