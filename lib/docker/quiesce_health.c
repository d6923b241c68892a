#define _GNU_SOURCE
#include "lib/docker/quiesce_health.h"

#include <stdio.h>

#include "lib/base/clock.h"
#include "lib/docker/quiesce_order.h"
#include "lib/docker/quiesce_unit.h"

#define POLL_S 0.25

/* Will it, once the other one was brought back? */
static bool
would_wait_for(const struct quiesce_unit *unit, const struct quiesce_unit *on)
{
	return on->touched && !on->target.no_restart &&
	    !quiesce_unit_has_tasks(on) && !quiesce_unit_has_tasks(unit) &&
	    quiesce_order_healthy(unit->target.container,
	    on->target.container);
}

static bool
waits_for(const struct quiesce_unit *unit, const struct quiesce_unit *on)
{
	return on->undone && !on->health_known && would_wait_for(unit, on);
}

/* Both are containers. */
static bool
must_follow(const struct quiesce_unit *unit, const struct quiesce_unit *on)
{
	return unit->target.order < on->target.order ||
	    quiesce_order_depends(unit->target.container,
	    on->target.container);
}

void
quiesce_health_sort(struct quiesce *quiesce)
{
	size_t i, k;

	for (i = quiesce->n; i-- > 0; ) {
		struct quiesce_unit *unit = &quiesce->units[i];

		for (k = i + 1; unit->touched && k < quiesce->n; k++) {
			const struct quiesce_unit *on = &quiesce->units[k];

			if (would_wait_for(unit, on) ||
			    (on->late && must_follow(unit, on)))
				unit->late = true;
		}
	}
}

/* What it came to: NULL if it is healthy, or never says; else why it is not
 * healthy. "" means that it may become so. */
static const char *
look(struct engine *engine, const char *id)
{
	struct container_state state;
	struct err err = ERR_INIT;

	if (engine_state(engine, id, &state, &err) < 0)
		return err.kind == ERR_NOTFOUND ? "does not exist any more" :
		    "";
	if (!state.running)
		return "does not run any more";
	switch (state.health) {
	case HEALTH_STARTING:
		return "";
	case HEALTH_UNHEALTHY:
		return "is unhealthy";
	case HEALTH_HEALTHY:
	case HEALTH_NONE:
		break;
	}
	return NULL;
}

static void
tell(const struct quiesce *quiesce, const char *on, const char *why,
    const char *dependent)
{
	char text[ERR_MSG_BYTES];

	if (quiesce->settings.warn == NULL)
		return;
	(void)snprintf(text, sizeof text, "container '%s' %s: '%s', which "
	    "waits for its health, is started all the same", on, why,
	    dependent);
	quiesce->settings.warn(quiesce->settings.cookie, text);
}

static void
await(const struct quiesce *quiesce, const struct quiesce_unit *unit,
    const struct quiesce_unit *on, double end_s)
{
	const struct container *container = on->target.container;
	const char *why;

	for (;;) {
		why = look(quiesce->engine, container->id);
		if (why == NULL)
			return;
		if (*why != '\0')
			break;
		if (clock_mono_s() >= end_s) {
			why = "did not become healthy in time";
			break;
		}
		quiesce_unit_sleep(POLL_S);
	}
	tell(quiesce, container->name, why, unit->target.container->name);
}

double
quiesce_health_await(struct quiesce *quiesce, size_t i)
{
	double begun_s = clock_mono_s();
	size_t k;

	for (k = 0; k < quiesce->n; k++) {
		struct quiesce_unit *on = &quiesce->units[k];

		if (k == i || !waits_for(&quiesce->units[i], on))
			continue;
		await(quiesce, &quiesce->units[i], on,
		    begun_s + quiesce->settings.health_s);
		on->health_known = true;
	}
	return clock_mono_s() - begun_s;
}
