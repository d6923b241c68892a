/*
 * quiesce_order: who comes to rest before whom. Pure: asks no Engine.
 */
#ifndef LIB_DOCKER_QUIESCE_ORDER_H
#define LIB_DOCKER_QUIESCE_ORDER_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/docker/quiesce.h"

/*
 * quiesce_order_find: which of these n targets come to rest, in which order:
 * those that are not at rest already, each container and service once,
 * containers before services. The order is that of quiesce.h.
 *
 * Takes    ret: room for n
 * Gives    ret, *ret_n: pointers into targets
 * Fails    ERR_NOMEM
 */
MUST_CHECK int quiesce_order_find(const struct quiesce_target *targets,
    size_t n, const struct quiesce_target **ret, size_t *ret_n,
    struct err *err);

/* quiesce_order_depends: does the first one depend on the other?
 * quiesce_order_healthy: does the first one want the other to be healthy
 * before it starts? */
bool quiesce_order_depends(const struct container *dependent,
    const struct container *on);
bool quiesce_order_healthy(const struct container *dependent,
    const struct container *on);

#endif
