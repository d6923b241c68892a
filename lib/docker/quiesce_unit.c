#define _GNU_SOURCE
#include "lib/docker/quiesce_unit.h"

#include <errno.h>
#include <time.h>

#include "lib/base/clock.h"

#define LABEL_SERVICE_NAME "com.docker.swarm.service.name"

bool
quiesce_unit_is_service(const struct quiesce_target *target)
{
	return target->action == QUIESCE_SCALE ||
	    target->action == QUIESCE_CONSTRAIN;
}

const char *
quiesce_unit_name(const struct quiesce_target *target)
{
	return quiesce_unit_is_service(target) ? target->service->name :
	    target->container->name;
}

bool
quiesce_unit_has_tasks(const struct quiesce_unit *unit)
{
	return unit->service_id != NULL ||
	    quiesce_unit_is_service(&unit->target);
}

/* A task's container never runs again: its service starts another one. */
static struct undo
undo_force(const struct quiesce_unit *unit)
{
	const struct container *container = unit->target.container;
	const char *name = strmap_get(&container->labels, LABEL_SERVICE_NAME);

	return (struct undo){ .kind = UNDO_FORCE,
	    .id = (char *)unit->service_id,
	    .name = name != NULL ? (char *)name : container->name };
}

struct undo
quiesce_unit_undo(const struct quiesce_unit *unit)
{
	const struct quiesce_target *target = &unit->target;
	struct undo undo = { .name = (char *)quiesce_unit_name(target) };

	if (unit->service_id != NULL)
		return undo_force(unit);
	undo.id = quiesce_unit_is_service(target) ? target->service->id :
	    target->container->id;
	switch (target->action) {
	case QUIESCE_STOP:
		undo.kind = UNDO_START;
		break;
	case QUIESCE_PAUSE:
		undo.kind = UNDO_UNPAUSE;
		break;
	case QUIESCE_SCALE:
		undo.kind = UNDO_SCALE;
		undo.replicas = unit->replicas;
		break;
	case QUIESCE_CONSTRAIN:
		undo.kind = UNDO_UNCONSTRAIN;
		break;
	}
	return undo;
}

int
quiesce_unit_look(struct engine *engine, struct quiesce_unit *unit, bool *ret,
    struct err *err)
{
	const struct quiesce_target *target = &unit->target;
	struct container_state state = { .running = true };
	struct err why = ERR_INIT;

	*ret = true;
	if (target->action == QUIESCE_CONSTRAIN)
		return 0;
	if (target->action == QUIESCE_SCALE) {
		if (engine_service_count(engine, target->service->id,
		    &unit->replicas, err) < 0)
			return -1;
		*ret = unit->replicas != 0;
		return 0;
	}
	if (engine_state(engine, target->container->id, &state, &why) < 0 &&
	    why.kind != ERR_REFUSED) {
		*err = why;
		return -1;
	}
	*ret = state.running && !state.paused;
	return 0;
}

/* *ret_done: false if it is not what it was when it was looked at. */
static int
ask(struct engine *engine, const struct quiesce_unit *unit, bool *ret_done,
    struct err *err)
{
	const struct quiesce_target *target = &unit->target;

	switch (target->action) {
	case QUIESCE_STOP:
		return engine_stop(engine, target->container->id,
		    target->stop_timeout_s, err);
	case QUIESCE_PAUSE:
		return engine_pause(engine, target->container->id, err);
	case QUIESCE_SCALE:
		return engine_service_scale(engine, target->service->id,
		    unit->replicas, 0, ret_done, err);
	case QUIESCE_CONSTRAIN:
		break;
	}
	return engine_service_constrain(engine, target->service->id,
	    UNDO_CONSTRAINT, true, err);
}

int
quiesce_unit_cannot(const struct quiesce_unit *unit, struct err *err)
{
	static const char *const texts[] = {
		[QUIESCE_STOP] = "stop container",
		[QUIESCE_PAUSE] = "pause container",
		[QUIESCE_SCALE] = "scale down service",
		[QUIESCE_CONSTRAIN] = "empty service"
	};

	return err_add(err, "cannot %s '%s'", texts[unit->target.action],
	    quiesce_unit_name(&unit->target));
}

int
quiesce_unit_rest(struct engine *engine, struct quiesce_unit *unit,
    struct err *err)
{
	bool done = true;
	int rc;

	/* Before the call: whatever it answers, it may have come to rest. */
	unit->touched = true;
	unit->stopped_at_s = clock_mono_s();
	rc = ask(engine, unit, &done, err);
	unit->rested_at_s = clock_mono_s();
	if (rc == 0) {
		unit->touched = done;
		return 0;
	}
	unit->refused = err->kind == ERR_REFUSED;
	unit->uncertain = err->kind != ERR_REFUSED &&
	    err->kind != ERR_NOTFOUND;
	return quiesce_unit_cannot(unit, err);
}

void
quiesce_unit_back(struct quiesce_unit *unit)
{
	double window_s = clock_mono_s() - unit->stopped_at_s;

	unit->window_s = window_s > 0 ? window_s : 1e-9;
	unit->failed = false;
	unit->err = (struct err)ERR_INIT;
}

void
quiesce_unit_lost(struct quiesce_unit *unit, const struct err *err)
{
	unit->failed = true;
	unit->err = *err;
}

void
quiesce_unit_sleep(double seconds)
{
	struct timespec left = {
		.tv_sec = (time_t)seconds,
		.tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)
	};

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}
