#define _GNU_SOURCE
#include "lib/docker/quiesce_services.h"

#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/intr.h"
#include "lib/docker/quiesce_unit.h"

#define POLL_S 0.5
#define SEEN_POLL_S 0.1
#define SEEN_S 5.0

/* A paused one stays what it is: only a stop makes its service replace it. */
static const char *
service_of(const struct quiesce_unit *unit)
{
	return unit->target.action != QUIESCE_STOP ? NULL :
	    strmap_get(&unit->target.container->labels, LABEL_SERVICE_ID);
}

int
quiesce_services_find(struct quiesce *quiesce, struct err *err)
{
	bool manager = false;
	size_t i = 0;

	while (i < quiesce->n && service_of(&quiesce->units[i]) == NULL)
		i++;
	if (i == quiesce->n)	/* then it is none of our business */
		return 0;
	if (engine_is_manager(quiesce->engine, &manager, err) < 0)
		return err_add(err, "cannot see whether this Engine manages "
		    "the service of container '%s'",
		    quiesce_unit_name(&quiesce->units[i].target));
	for (; manager && i < quiesce->n; i++)
		quiesce->units[i].service_id = service_of(&quiesce->units[i]);
	return 0;
}

bool
quiesce_services_sibling(const struct quiesce_unit *a,
    const struct quiesce_unit *b)
{
	return a->service_id != NULL && b->service_id != NULL &&
	    strcmp(a->service_id, b->service_id) == 0 &&
	    !a->target.no_restart && !b->target.no_restart;
}

static const char *
service_id(const struct quiesce_unit *unit)
{
	return unit->service_id != NULL ? unit->service_id :
	    unit->target.service->id;
}

int
quiesce_services_count(struct quiesce *quiesce, size_t i, struct err *err)
{
	struct quiesce_unit *unit = &quiesce->units[i];
	struct service_tasks tasks;
	size_t k;

	if (unit->target.no_restart || (unit->service_id == NULL &&
	    unit->target.action != QUIESCE_CONSTRAIN))
		return 0;
	for (k = 0; k < i; k++)
		if (quiesce->units[k].touched &&
		    quiesce_services_sibling(&quiesce->units[k], unit)) {
			unit->tasks = quiesce->units[k].tasks;
			return 0;
		}
	if (engine_service_tasks(quiesce->engine, service_id(unit), &tasks,
	    err) < 0)
		return err_add(err, "cannot count the service's tasks");
	unit->tasks = tasks.wanted;
	return 0;
}

/* One after the other: all of them come to rest meanwhile. */
static int
await_rest(const struct quiesce *quiesce, const struct quiesce_unit *unit,
    double end_s, struct err *err)
{
	const char *name = unit->target.service->name;
	struct service_tasks tasks;
	char span[CLOCK_SPAN_BYTES];

	for (;;) {
		if (intr_check(err) < 0)
			return -1;
		if (engine_service_tasks(quiesce->engine, service_id(unit),
		    &tasks, err) < 0 || (tasks.active == 0 &&
		    engine_service_local(quiesce->engine, service_id(unit),
		    &tasks.active, err) < 0))
			return err_add(err, "cannot see whether service '%s' "
			    "is at rest", name);
		if (tasks.active == 0)
			return 0;
		if (clock_mono_s() >= end_s)
			break;
		(void)intr_sleep(POLL_S);
	}
	clock_span(quiesce->settings.service_s, span);
	return err_set(err, ERR_TIMEOUT, "service '%s' did not come to rest "
	    "in %s: %zu of its tasks left", name, span, tasks.active);
}

int
quiesce_services_await_rest(const struct quiesce *quiesce, struct err *err)
{
	double end_s = clock_mono_s() + quiesce->settings.service_s;
	size_t i;

	for (i = 0; i < quiesce->n; i++)
		if (quiesce_unit_is_service(&quiesce->units[i].target) &&
		    await_rest(quiesce, &quiesce->units[i], end_s, err) < 0)
			return -1;
	return 0;
}

void
quiesce_services_await_seen(const struct quiesce *quiesce, size_t i)
{
	const struct quiesce_unit *unit = &quiesce->units[i];
	struct err ignored = ERR_INIT;
	struct service_tasks tasks;

	if (unit->service_id == NULL)
		return;
	while (clock_mono_s() < unit->rested_at_s + SEEN_S) {
		if (engine_service_tasks(quiesce->engine, unit->service_id,
		    &tasks, &ignored) == 0 && tasks.running < unit->tasks)
			return;
		quiesce_unit_sleep(SEEN_POLL_S);
	}
}

/* How many tasks are to run. Before the Swarm has made the first of them, a
 * global service seems to want none, a forced one fewer than it had. */
static unsigned long long
goal(const struct quiesce_unit *unit, const struct service_tasks *tasks)
{
	if (unit->target.action == QUIESCE_SCALE)
		return unit->replicas;
	if (unit->target.action == QUIESCE_CONSTRAIN)
		return tasks->wanted != 0 ? tasks->wanted : unit->tasks;
	return tasks->wanted > unit->tasks ? tasks->wanted : unit->tasks;
}

/* Back, lost for ever, or lost for now, until the next look at it. */
static void
look(struct quiesce *quiesce, struct quiesce_unit *unit)
{
	struct undo undo = quiesce_unit_undo(unit);
	struct service_tasks tasks;
	char span[CLOCK_SPAN_BYTES];
	struct err err = ERR_INIT;

	if (engine_service_tasks(quiesce->engine, undo.id, &tasks, &err) < 0) {
		(void)err_add(&err, "cannot see whether service '%s' runs "
		    "again", undo.name);
	} else if (tasks.running >= goal(unit, &tasks)) {
		quiesce_unit_back(unit);
		return;
	} else {
		clock_span(quiesce->settings.service_s, span);
		(void)err_set(&err, ERR_TIMEOUT, "service '%s' runs %zu of "
		    "%llu tasks after %s%s%s", undo.name, tasks.running,
		    goal(unit, &tasks), span,
		    tasks.failure[0] != '\0' ? ": " : "", tasks.failure);
	}
	quiesce_unit_lost(unit, &err);
}

/* Brought back, but not seen to run yet. */
static bool
is_awaited(const struct quiesce_unit *unit)
{
	return unit->undone && unit->window_s <= 0 &&
	    !(unit->failed && unit->err.kind == ERR_NOTFOUND);
}

void
quiesce_services_await_running(struct quiesce *quiesce)
{
	double end_s = clock_mono_s() + quiesce->settings.service_s;
	bool left;
	size_t i;

	for (;;) {
		left = false;
		for (i = 0; i < quiesce->n; i++) {
			if (!is_awaited(&quiesce->units[i]))
				continue;
			look(quiesce, &quiesce->units[i]);
			left = left || is_awaited(&quiesce->units[i]);
		}
		if (!left || clock_mono_s() >= end_s)
			return;
		quiesce_unit_sleep(POLL_S);
	}
}
