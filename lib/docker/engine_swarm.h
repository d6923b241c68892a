/*
 * engine_swarm: Swarm services, as much of them as quiescing needs.
 *
 * A service is changed by reading its specification and writing it back whole,
 * with one thing changed and nothing lost, also of what we do not know. If
 * somebody else has changed it in between (version conflict), it is read and
 * written again, for at most 30 s. Source: Docker Engine API, Service, Task.
 */
#ifndef LIB_DOCKER_ENGINE_SWARM_H
#define LIB_DOCKER_ENGINE_SWARM_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/docker/engine.h"

/* On a container: the service whose task it is. */
#define LABEL_SERVICE_ID "com.docker.swarm.service.id"

enum service_mode { SERVICE_REPLICATED, SERVICE_GLOBAL, SERVICE_JOB };

struct service {
	char *id;
	char *name;
	enum service_mode mode;		/* JOB: replicated-job, global-job */
	unsigned long long replicas;	/* of a replicated one */
	bool restarts_any;	/* its tasks are started again also when they
				 * end well: RestartPolicy.Condition any, or
				 * none given */
	struct strmap labels;	/* the service's own: deploy.labels */
	struct mount *mounts;	/* of its tasks' specification: type, name or
				 * source, destination; driver "" if none is
				 * given */
	size_t n_mounts;
};

struct service_list {
	struct service *v;
	size_t n;
};

#define SERVICE_LIST_INIT { NULL, 0 }

/* engine_is_manager: is this Engine a manager of an active Swarm? A proxy that
 * refuses GET /info (ERR_REFUSED) gives false and success. */
MUST_CHECK int engine_is_manager(struct engine *engine, bool *ret,
    struct err *err);

/* engine_services: all, sorted by name. Managers only. */
MUST_CHECK int engine_services(struct engine *engine, struct service_list *ret,
    struct err *err);
void service_list_free(struct service_list *list);

/* engine_service_count: the count of a replicated service, at this moment.
 * engine_service_scale: set the count of a replicated service, but only if it
 * is `from`: another one, which somebody else has set, stays, and *ret_done is
 * false. Returns when the Swarm has accepted it, not when it is reached.
 * engine_service_unscale: the same, from 0.
 * engine_service_force: ForceUpdate + 1: new tasks for the service.
 * engine_service_constrain: add a placement constraint such as
 * "node.labels.x==y", or take it away; adding one that is there, and taking
 * one that is not, are successes that change nothing. Others keep their order.
 * None of them is interrupted by a signal to us.
 * Fails    as engine_stop; ERR_NOTFOUND: no such service; ERR_REFUSED also: it
 *          has no count. The unknown outcome of an update is found out by
 *          reading the service again where that is possible; a count that is
 *          the one asked for was set by us then */
MUST_CHECK int engine_service_count(struct engine *engine, const char *id,
    unsigned long long *ret, struct err *err);
MUST_CHECK int engine_service_scale(struct engine *engine, const char *id,
    unsigned long long from, unsigned long long to, bool *ret_done,
    struct err *err);
MUST_CHECK int engine_service_unscale(struct engine *engine, const char *id,
    unsigned long long replicas, struct err *err);
MUST_CHECK int engine_service_force(struct engine *engine, const char *id,
    struct err *err);
MUST_CHECK int engine_service_constrain(struct engine *engine, const char *id,
    const char *constraint, bool add, struct err *err);

struct service_tasks {
	size_t active;		/* on any node: may still run, or will: all
				 * states from new to running whose node is
				 * not known to be down */
	size_t running;		/* state running, and wanted so */
	size_t wanted;		/* desired state running */
	size_t ended;		/* slots (of a global service: nodes) whose
				 * newest task ended by itself, and that Swarm
				 * leaves so */
	char failure[256];	/* the newest error, of slots in which nothing
				 * runs now; or "" */
};

/* engine_service_tasks: of all nodes; not interrupted by a signal to us. */
MUST_CHECK int engine_service_tasks(struct engine *engine, const char *id,
    struct service_tasks *ret, struct err *err);

/* engine_service_local: containers of its tasks that run on this node, of
 * tasks that Swarm has forgotten, too: where somebody updates a service whose
 * tasks are coming down, those are no longer listed. Not interrupted by a
 * signal to us. Source: swarmkit, orchestrator/replicated, reconcile (dead
 * slots are deleted); seen with 20.10. */
MUST_CHECK int engine_service_local(struct engine *engine, const char *id,
    size_t *ret, struct err *err);

#endif
