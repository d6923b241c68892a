/*
 * quiesce: bring containers to rest, and back.
 *
 *     quiesce_init
 *     rc = quiesce_begin, then read the data if it is 0
 *     quiesce_resume          on every path, whatever begin returned
 *     quiesce_free
 *
 * Dependents are stopped before what they depend on (Compose's label
 * com.docker.compose.depends_on, among those with the same
 * com.docker.compose.project), and started in the reverse order. A cycle is
 * broken at an arbitrary but stable place. What was not running is not
 * touched. Pause, Swarm services and the ledger have their place here.
 */
#ifndef LIB_DOCKER_QUIESCE_H
#define LIB_DOCKER_QUIESCE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/docker/engine.h"

/* quiesce_selects: is this container labelled to be stopped, with this value?
 * (docker-volume-backup.stop-during-backup or vbackup.stop) */
bool quiesce_selects(const struct container *container, const char *value);

struct quiesce_unit {
	const struct container *container;	/* borrowed */
	bool touched;		/* a stop was asked for: must be started */
	bool refused;		/* the Engine said no: it may still run */
	bool uncertain;		/* the answer to the stop is not known: it may
				 * come to rest later */
	double stopped_at_s;	/* clock_mono_s when it was asked to stop */
	double window_s;	/* from then to its start; 0 until then */
	bool failed;		/* it does not run again */
	struct err err;		/* why, if failed */
};

struct quiesce {
	struct engine *engine;	/* borrowed */
	struct quiesce_unit *units;	/* in the order of stopping */
	size_t n;
	double window_s;	/* first stop to last start, after resume */
};

/* quiesce_init: order the running ones of these n containers (borrowed,
 * with the array's elements, until quiesce_free). Touches nothing. */
MUST_CHECK int quiesce_init(struct engine *engine,
    const struct container *const *containers, size_t n,
    struct quiesce *ret, struct err *err);
void quiesce_free(struct quiesce *quiesce);

/* quiesce_begin: stop all, in order; ends at the first failure or signal. */
MUST_CHECK int quiesce_begin(struct quiesce *quiesce, struct err *err);

/*
 * quiesce_resume: start everything that begin touched, in the reverse order,
 * not interrupted by signals. One that does not start keeps no other down; it
 * is tried again until retry_s seconds have passed (not when the Engine says
 * that there is no such container any more). One whose stop had no answer is
 * given these seconds to come to rest: started before, it would stop after.
 * Calling it again does nothing.
 * Gives    the number of units that do not run again; each has its err
 */
size_t quiesce_resume(struct quiesce *quiesce, double retry_s);

#endif
