/*
 * quiesce: bring containers and services to rest, and back.
 *
 *     quiesce_init
 *     rc = quiesce_begin, then read the data if it is 0
 *     quiesce_resume          on every path, whatever begin returned
 *     quiesce_free
 *
 * Order of stopping: dependents before what they depend on (Compose's label
 * com.docker.compose.depends_on, among those with the same
 * com.docker.compose.project); where that leaves a choice, lower `order`
 * first, then by name. A cycle is broken at an arbitrary but stable place.
 * Started in the reverse order; where a dependent says service_healthy, it
 * waits until what it depends on is healthy, is known not to become so, or
 * health_s is over (then it is started all the same, and that is a problem).
 * Whoever can do without that waiting is started before it.
 * Services come to rest after the containers, all of them side by side, and
 * back before them. What was not running is not touched, nor is what already
 * is at rest (paused; no replicas): neither what was so when it was listed, nor
 * what is so when its turn comes, which may be hours later. Then it is for
 * somebody else to bring it back. A service gets back the count that it had
 * when its turn came.
 */
#ifndef LIB_DOCKER_QUIESCE_H
#define LIB_DOCKER_QUIESCE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/docker/engine.h"
#include "lib/docker/engine_swarm.h"
#include "lib/docker/undo.h"

enum quiesce_action {
	QUIESCE_STOP,		/* a container; a task's container too: then
				 * its service gets ForceUpdate + 1, once for
				 * all such containers of it */
	QUIESCE_PAUSE,		/* a container */
	QUIESCE_SCALE,		/* a replicated service, to 0 */
	QUIESCE_CONSTRAIN	/* a global service, by UNDO_CONSTRAINT */
};

struct quiesce_target {
	enum quiesce_action action;
	const struct container *container;	/* borrowed; or NULL */
	const struct service *service;		/* borrowed; or NULL */
	double stop_timeout_s;	/* of a stop; negative: the container's own */
	long order;		/* lower stops first; 0 unless labelled */
	bool no_restart;	/* is not brought back */
};

struct quiesce_settings {
	double health_s;	/* how long a start waits for health */
	double service_s;	/* how long a service has to come to rest, and
				 * again to run (BACKUP_STOP_SERVICE_TIMEOUT) */
	/* Told what is about to be done, before it is done, so that it can be
	 * undone by somebody else if we die; -1 means it is not done. Told
	 * UNDO_NOTHING if it was not done after all. Not called for what is
	 * not brought back. NULL: nobody keeps a ledger. */
	int (*note)(void *cookie, const struct undo *undo, struct err *err);
	/* A problem that keeps nothing down: a health that did not come, a
	 * stop without an answer that may still come to pass. NULL: nobody
	 * cares. */
	void (*warn)(void *cookie, const char *message);
	void *cookie;
};

struct quiesce_unit {
	struct quiesce_target target;
	bool touched;		/* rest was asked for: must be brought back
				 * (unless it is not to be: no_restart) */
	bool refused;		/* the Engine said no: it may still run */
	bool uncertain;		/* the answer is not known: it may come to
				 * rest later */
	double stopped_at_s;	/* clock_mono_s when it was asked to */
	double window_s;	/* from then until it was brought back; 0 until
				 * then, and of what is not brought back */
	bool failed;		/* it does not run again */
	struct err err;		/* why, if failed */
	/* For quiesce itself. */
	const char *service_id;	/* of a task's container: its service, which
				 * brings it back; else NULL */
	size_t tasks;		/* that its service wanted before; of those
				 * that are stopped or emptied, not scaled */
	unsigned long long replicas;	/* of those that are scaled: before */
	double rested_at_s;	/* when the Engine answered, or was seen to
				 * have done it */
	bool undone;		/* brought back; but for a service, whose tasks
				 * may not run yet */
	bool health_known;	/* awaited already, whatever came of it */
	bool late;		/* is started after those that do not wait */
};

struct quiesce {
	struct engine *engine;	/* borrowed */
	struct quiesce_settings settings;
	struct quiesce_unit *units;	/* in the order of stopping */
	size_t n;
	double window_s;	/* first stop to last start, after resume; what
				 * is not brought back does not end it */
	bool resumed;
};

/* quiesce_init: order these n targets; their containers and services are
 * borrowed until quiesce_free, settings is copied. Each container and service
 * is taken once. Touches nothing. Fails: ERR_NOMEM. */
MUST_CHECK int quiesce_init(struct engine *engine,
    const struct quiesce_settings *settings,
    const struct quiesce_target *targets, size_t n, struct quiesce *ret,
    struct err *err);
void quiesce_free(struct quiesce *quiesce);

/* quiesce_begin: bring all to rest, in order; ends at the first failure or
 * signal. Of each container it is asked whether it still runs; where a proxy
 * keeps that from us, it is taken for running. One that does not exist any
 * more is a failure. Services are at rest when no task is active on any node,
 * which is awaited for service_s. Where this Engine is no manager of a Swarm, a
 * task's container is a container like any other. */
MUST_CHECK int quiesce_begin(struct quiesce *quiesce, struct err *err);

/*
 * quiesce_resume: bring everything back that begin touched, not interrupted by
 * signals. One that does not come back keeps no other down; it is tried again
 * until retry_s seconds have passed (not when the Engine says that it does not
 * exist any more). One whose stop had no answer is given these seconds to come
 * to rest: started before, it would stop after. That time, and waiting for
 * health, are not taken from the tries. A service is back when as many of its
 * tasks run as it had (of a global one: as are wanted), which is awaited for
 * service_s. Calling it again does nothing.
 * Gives    the number of units that do not run again; each has its err
 */
size_t quiesce_resume(struct quiesce *quiesce, double retry_s);

#endif
