/*
 * lifecycle: commands that containers' labels ask to be run in them, around
 * the phases of a job.
 *
 *     lifecycle_find    which commands, of these containers
 *     lifecycle_run     those of one phase, before or after it
 *     lifecycle_free
 *
 * Labels, with "docker-volume-backup." or "vbackup." before them (both on one
 * container for one phase: an error):
 *
 *     archive-pre, archive-post, process-pre, process-post,
 *     copy-pre, copy-post, prune-pre, prune-post = COMMAND
 *     (each).user = USER            as whom; else the container's user
 *     exec-pre, exec-post           early names of archive-pre and
 *                                   archive-post, whose .user holds for them,
 *                                   too; not filtered by exec-label; where
 *                                   both would run, the early one does not
 *     exec-label = VALUE            with EXEC_LABEL set, only containers with
 *                                   this very value run commands
 *
 * COMMAND of plain words runs as it stands, quotes and backslashes as in
 * sh(1): images without a shell work. Where there are unquoted characters that
 * mean something to a shell, `sh -c` gets it (command_words.h).
 * Commands of one phase run one after the other, containers sorted by name.
 */
#ifndef LIB_DOCKER_LIFECYCLE_H
#define LIB_DOCKER_LIFECYCLE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/docker/engine.h"

enum lifecycle_phase {
	LIFECYCLE_ARCHIVE,
	LIFECYCLE_PROCESS,
	LIFECYCLE_COPY,
	LIFECYCLE_PRUNE
};

struct lifecycle_command {
	const struct container *container;	/* borrowed */
	enum lifecycle_phase phase;
	bool post;
	char *label;		/* that asked for it, for messages */
	char *user;		/* or NULL */
	char **argv;		/* NULL-terminated */
	bool began;		/* of a post: its pre was begun, and it was not
				 * run since; see run */
};

struct lifecycle {
	struct lifecycle_command *v;	/* by phase, pre before post, name */
	size_t n;
};

#define LIFECYCLE_INIT { NULL, 0 }

/*
 * lifecycle_find: the commands of these containers (borrowed until free); only
 * running ones that are not paused can run any, and each container is taken
 * once. Labels that do not count (other than exec-label's group, .user without
 * a command) are not looked at.
 *
 * Takes    exec_label: EXEC_LABEL, or NULL; problems: appended to, what is
 *          malformed, naming container and label; such a command is left out;
 *          warnings: early names
 * Fails    ERR_NOMEM
 */
MUST_CHECK int lifecycle_find(const struct container *const *containers,
    size_t n, const char *exec_label, struct lifecycle *ret,
    struct strlist *problems, struct strlist *warnings, struct err *err);
void lifecycle_free(struct lifecycle *lifecycle);	/* for CLEANUP */

/* lifecycle_any: is there a command for this phase, before or after it? */
bool lifecycle_any(const struct lifecycle *lifecycle,
    enum lifecycle_phase phase);

struct lifecycle_settings {
	struct engine *engine;
	const char *archive_path;	/* COMMAND_RUNTIME_ARCHIVE_FILEPATH;
					 * NULL: not set */
	double timeout_s;		/* of each command; 0: none */
	bool forward_output;		/* EXEC_FORWARD_OUTPUT: each line of
					 * output at level info, else debug */
	/* One after a phase that failed: message names container, label, and
	 * why, with the last line it printed. Never NULL. */
	void (*failed)(void *cookie, const char *message);
	void *cookie;
};

/*
 * lifecycle_run: the commands of one phase, all before it, or all after it.
 *
 * Those before: end at the first that fails, or at a signal. Those after: all
 * run, also when others fail or a signal came; but of a container that has a
 * command before this phase, only if that was begun, whatever came of it.
 * Fails    before: the first failure, ERR_SYSTEM where its status was not 0,
 *          else as engine_exec_run, ERR_INTERRUPTED also between two;
 *          after: never, failures are told
 */
MUST_CHECK int lifecycle_run(struct lifecycle *lifecycle,
    const struct lifecycle_settings *settings, enum lifecycle_phase phase,
    bool post, struct err *err);

#endif
