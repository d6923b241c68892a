/*
 * quiesce_unit: one container or service that is brought to rest, for the
 * other files of quiesce.
 */
#ifndef LIB_DOCKER_QUIESCE_UNIT_H
#define LIB_DOCKER_QUIESCE_UNIT_H

#include <stdbool.h>

#include "lib/base/err.h"
#include "lib/docker/quiesce.h"

bool quiesce_unit_is_service(const struct quiesce_target *target);
const char *quiesce_unit_name(const struct quiesce_target *target);

/* quiesce_unit_undo: what brings it back; borrows from the unit, never to be
 * freed. */
struct undo quiesce_unit_undo(const struct quiesce_unit *unit);

/* quiesce_unit_has_tasks: is it back only when a service's tasks run? */
bool quiesce_unit_has_tasks(const struct quiesce_unit *unit);

/*
 * quiesce_unit_look: is it up at this moment? Fills replicas of a service that
 * is to be scaled; one that is to be emptied is taken for up.
 * Fails    as engine_state and engine_service_count; but a container whose
 *          state is refused (a proxy keeps it from us) is taken for up
 */
MUST_CHECK int quiesce_unit_look(struct engine *engine,
    struct quiesce_unit *unit, bool *ret, struct err *err);

/*
 * quiesce_unit_rest: ask the Engine to bring it to rest: a container is when
 * this returns, a service comes to it. Fills touched, stopped_at_s, and on
 * failure refused or uncertain. A service that has another count than replicas
 * stays as it is, and untouched.
 * Fails    as engine_stop; the message says what and which
 */
MUST_CHECK int quiesce_unit_rest(struct engine *engine,
    struct quiesce_unit *unit, struct err *err);

/* quiesce_unit_cannot: "cannot stop container 'x'" before err's message;
 * returns -1. */
int quiesce_unit_cannot(const struct quiesce_unit *unit, struct err *err);

/* quiesce_unit_back, quiesce_unit_lost: it runs again at this moment; it does
 * not, because of err. */
void quiesce_unit_back(struct quiesce_unit *unit);
void quiesce_unit_lost(struct quiesce_unit *unit, const struct err *err);

/* quiesce_unit_sleep: not ended by signals: one that asks us to stop asks us
 * to resume, too. */
void quiesce_unit_sleep(double seconds);

#endif
