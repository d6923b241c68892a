/*
 * quiesce_services: the Swarm's side of quiescing. Services come to rest, and
 * run again, side by side: the Swarm is asked for all, then all are awaited.
 */
#ifndef LIB_DOCKER_QUIESCE_SERVICES_H
#define LIB_DOCKER_QUIESCE_SERVICES_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/docker/quiesce.h"

/* quiesce_services_find: whose task's container is which unit? Fills
 * service_id, where this Engine is a manager. Fails as engine_is_manager. */
MUST_CHECK int quiesce_services_find(struct quiesce *quiesce, struct err *err);

/* quiesce_services_sibling: is b of the same service as a, both of them
 * containers that the service brings back? */
bool quiesce_services_sibling(const struct quiesce_unit *a,
    const struct quiesce_unit *b);

/* quiesce_services_count: fills tasks of units[i], where it is needed, before
 * it is brought to rest. Fails as engine_service_tasks. */
MUST_CHECK int quiesce_services_count(struct quiesce *quiesce, size_t i,
    struct err *err);

/* quiesce_services_await_rest: until no task of the services is active on any
 * node, also where somebody else has brought them to rest. Fails: ERR_TIMEOUT
 * after service_s; ERR_INTERRUPTED; else as engine_service_tasks. */
MUST_CHECK int quiesce_services_await_rest(const struct quiesce *quiesce,
    struct err *err);

/* quiesce_services_await_seen: if units[i] is a task's container, until the
 * Swarm has seen that it stopped, which takes no more than a few seconds from
 * then: before, it takes the service for one whose tasks all run, and nobody
 * would start another. */
void quiesce_services_await_seen(const struct quiesce *quiesce, size_t i);

/* quiesce_services_await_running: until the tasks of those that were brought
 * back run, or service_s seconds have passed; each is back or lost then. */
void quiesce_services_await_running(struct quiesce *quiesce);

#endif
