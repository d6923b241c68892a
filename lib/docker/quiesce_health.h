/*
 * quiesce_health: a start that waits until others are healthy.
 */
#ifndef LIB_DOCKER_QUIESCE_HEALTH_H
#define LIB_DOCKER_QUIESCE_HEALTH_H

#include <stddef.h>

#include "lib/docker/quiesce.h"

/* quiesce_health_sort: fills late: who waits for health, who depends on one
 * that is late, and who by its label is to start after one that is late. */
void quiesce_health_sort(struct quiesce *quiesce);

/*
 * quiesce_health_await: before units[i] starts, wait until those that it wants
 * to be healthy are, for health_s in all; only for those that were brought
 * back, and for each once. One that has no health check is not waited for.
 * What is not healthy then is told to warn.
 * Gives    the seconds that this took
 */
double quiesce_health_await(struct quiesce *quiesce, size_t i);

#endif
