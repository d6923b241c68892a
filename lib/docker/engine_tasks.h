/*
 * engine_tasks: what the tasks of one service come to. Pure. Only for
 * engine_swarm.c, its decoder and the tests.
 *
 * Swarm keeps tasks that are over as history. A slot (of a replicated service)
 * or a node (of a global one) has one task after the other: only the newest of
 * each says how things are.
 */
#ifndef LIB_DOCKER_ENGINE_TASKS_H
#define LIB_DOCKER_ENGINE_TASKS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/docker/engine_swarm.h"

/* In Swarm's order: what a task is, and what it should be, are compared. */
enum task_state {
	TASK_NEW, TASK_ALLOCATED, TASK_PENDING,
	TASK_ASSIGNED,		/* from here on its node knows of it */
	TASK_ACCEPTED, TASK_PREPARING, TASK_READY, TASK_STARTING,
	TASK_RUNNING,
	TASK_COMPLETE, TASK_SHUTDOWN, TASK_FAILED, TASK_REJECTED, TASK_REMOVE,
	TASK_ORPHANED		/* from TASK_COMPLETE on it is over */
};

struct task {
	unsigned long long slot;	/* 0: of a global service */
	char *node;		/* its identifier, or "" */
	char *created;		/* RFC 3339 in UTC, as Swarm writes it */
	char *failure;		/* or "" */
	enum task_state state;
	enum task_state desired;
};

struct task_list {
	struct task *v;
	size_t n;
};

#define TASK_LIST_INIT { NULL, 0 }

void task_list_free(struct task_list *list);	/* for CLEANUP */

/* task_list_lingers: is there a task that should be gone, and is not, so that
 * it matters whether its node is down? */
bool task_list_lingers(const struct task_list *list);

/* task_list_count: sorts the list. down: nodes that are known to be down. */
void task_list_count(struct task_list *list, const struct strlist *down,
    struct service_tasks *ret);

#endif
