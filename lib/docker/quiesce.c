#define _GNU_SOURCE
#include "lib/docker/quiesce.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/base/intr.h"
#include "lib/docker/quiesce_health.h"
#include "lib/docker/quiesce_order.h"
#include "lib/docker/quiesce_services.h"
#include "lib/docker/quiesce_unit.h"

#define RETRY_FIRST_S 0.25	/* doubled each time */
#define RETRY_MOST_S 2.0
#define REST_TRIES 10

int
quiesce_init(struct engine *engine, const struct quiesce_settings *settings,
    const struct quiesce_target *targets, size_t n, struct quiesce *ret,
    struct err *err)
{
	CLEANUP(cleanup_free) const struct quiesce_target **order = NULL;
	struct quiesce quiesce = { .engine = engine, .settings = *settings };
	size_t i;

	order = calloc(n + 1, sizeof *order);
	if (order == NULL)
		return err_nomem(err);
	if (quiesce_order_find(targets, n, order, &quiesce.n, err) < 0)
		return -1;
	quiesce.units = calloc(quiesce.n + 1, sizeof *quiesce.units);
	if (quiesce.units == NULL)
		return err_nomem(err);
	for (i = 0; i < quiesce.n; i++)
		quiesce.units[i].target = *order[i];
	*ret = quiesce;
	return 0;
}

void
quiesce_free(struct quiesce *quiesce)
{
	free(quiesce->units);
	quiesce->units = NULL;
	quiesce->n = 0;
}

/* What brings a task's container back is noted once for all of its service. */
static bool
is_noted(const struct quiesce *quiesce, size_t i)
{
	size_t k;

	for (k = 0; k < i; k++)
		if (quiesce->units[k].touched &&
		    quiesce_services_sibling(&quiesce->units[k],
		    &quiesce->units[i]))
			return true;
	return false;
}

/* That it is about to come to rest; or that it did not. */
static int
note(const struct quiesce *quiesce, size_t i, bool nothing, struct err *err)
{
	const struct quiesce_unit *unit = &quiesce->units[i];
	struct undo undo = quiesce_unit_undo(unit);

	if (nothing)
		undo.kind = UNDO_NOTHING;
	if (unit->target.no_restart || quiesce->settings.note == NULL ||
	    is_noted(quiesce, i))
		return 0;
	return quiesce->settings.note(quiesce->settings.cookie, &undo, err);
}

/* Does nothing to one that is at rest. Leaves one untouched that is not as it
 * was noted: then there is another try to be made. */
static int
try_rest(struct quiesce *quiesce, size_t i, bool *ret_again, struct err *err)
{
	struct quiesce_unit *unit = &quiesce->units[i];
	bool up;

	*ret_again = false;
	if (intr_check(err) < 0)
		return -1;
	if (quiesce_unit_look(quiesce->engine, unit, &up, err) < 0)
		return quiesce_unit_cannot(unit, err);
	if (!up)
		return 0;
	if (intr_check(err) < 0)
		return -1;
	if (note(quiesce, i, false, err) < 0 ||
	    quiesce_services_count(quiesce, i, err) < 0)
		return quiesce_unit_cannot(unit, err);
	if (quiesce_unit_rest(quiesce->engine, unit, err) < 0)
		return -1;
	*ret_again = !unit->touched;
	return *ret_again && note(quiesce, i, true, err) < 0 ?
	    quiesce_unit_cannot(unit, err) : 0;
}

static int
rest(struct quiesce *quiesce, size_t i, struct err *err)
{
	bool again = true;
	int tries;

	for (tries = 0; again && tries < REST_TRIES; tries++)
		if (try_rest(quiesce, i, &again, err) < 0)
			return -1;
	if (!again)
		return 0;
	(void)err_set(err, ERR_TIMEOUT, "somebody else changes it all the "
	    "time");
	return quiesce_unit_cannot(&quiesce->units[i], err);
}

int
quiesce_begin(struct quiesce *quiesce, struct err *err)
{
	size_t i;

	if (intr_check(err) < 0 || quiesce_services_find(quiesce, err) < 0)
		return -1;
	for (i = 0; i < quiesce->n; i++)
		if (rest(quiesce, i, err) < 0)
			return -1;
	if (quiesce_services_await_rest(quiesce, err) < 0)
		return -1;
	return intr_check(err);
}

/* Was brought back, is not to be, or never will. */
static bool
is_settled(const struct quiesce_unit *unit)
{
	return !unit->touched || unit->target.no_restart || unit->undone ||
	    (unit->failed && unit->err.kind == ERR_NOTFOUND);
}

/* Stopped, or paused if that was asked for? */
static bool
is_at_rest(const struct quiesce_unit *unit,
    const struct container_state *state)
{
	return !state->running ||
	    (unit->target.action == QUIESCE_PAUSE && state->paused);
}

/* A stop that was refused leaves its container running, and whoever refuses a
 * stop may refuse a start: then there is nothing to be done. */
static bool
never_rested(struct engine *engine, const struct quiesce_unit *unit)
{
	struct err ignored = ERR_INIT;
	struct container_state state;

	return unit->refused && !quiesce_unit_is_service(&unit->target) &&
	    engine_state(engine, unit->target.container->id, &state,
	    &ignored) == 0 && !is_at_rest(unit, &state);
}

static void
tell_uncertain(const struct quiesce *quiesce, const struct quiesce_unit *unit)
{
	char text[ERR_MSG_BYTES];

	if (quiesce->settings.warn == NULL)
		return;
	(void)snprintf(text, sizeof text, "container '%s' was asked to come to "
	    "rest, but there was no answer: it may still do so",
	    unit->target.container->name);
	quiesce->settings.warn(quiesce->settings.cookie, text);
}

/* Until it has come to rest, or that can no longer be expected. Gives the
 * seconds that this took, if there was an Engine to do it. */
static double
await_rest(const struct quiesce *quiesce, struct quiesce_unit *unit,
    double end_s)
{
	double begun_s = clock_mono_s();
	struct container_state state;
	struct err err = ERR_INIT;
	bool answers;

	for (;;) {
		unit->rested_at_s = clock_mono_s();
		answers = engine_state(quiesce->engine,
		    unit->target.container->id, &state, &err) == 0;
		if (answers ? is_at_rest(unit, &state) :
		    err.kind == ERR_NOTFOUND)
			break;
		if (unit->rested_at_s >= end_s) {
			tell_uncertain(quiesce, unit);
			break;
		}
		quiesce_unit_sleep(RETRY_FIRST_S);
	}
	return answers ? clock_mono_s() - begun_s : 0;
}

/* A service is asked once for all of its containers: what came of it for one
 * that was tried before units[i] holds for this one, too. */
static const struct quiesce_unit *
find_tried(const struct quiesce *quiesce, size_t i)
{
	size_t k;

	for (k = i + 1; k < quiesce->n; k++) {
		const struct quiesce_unit *unit = &quiesce->units[k];

		if (quiesce_services_sibling(unit, &quiesce->units[i]) &&
		    (unit->failed || (unit->undone && unit->window_s <= 0)))
			return unit;
	}
	return NULL;
}

static void
undo_unit(struct quiesce *quiesce, size_t i)
{
	const struct quiesce_unit *tried = find_tried(quiesce, i);
	struct quiesce_unit *unit = &quiesce->units[i];
	struct undo undo = quiesce_unit_undo(unit);
	struct err err = ERR_INIT;

	if (tried != NULL && tried->failed) {
		quiesce_unit_lost(unit, &tried->err);
		return;
	}
	if (tried == NULL)
		quiesce_services_await_seen(quiesce, i);
	if (tried == NULL && undo_apply(quiesce->engine, &undo, &err) < 0) {
		quiesce_unit_lost(unit, &err);
		return;
	}
	unit->undone = true;
	unit->failed = false;
	unit->err = (struct err)ERR_INIT;
	if (!quiesce_unit_has_tasks(unit))
		quiesce_unit_back(unit);
}

/* Gives the seconds that were spent on waiting for others. */
static double
bring_back(struct quiesce *quiesce, size_t i, double end_s)
{
	struct quiesce_unit *unit = &quiesce->units[i];
	double spent_s = 0;

	if (never_rested(quiesce->engine, unit)) {
		unit->undone = true;
		quiesce_unit_back(unit);
		return 0;
	}
	/* Once: it came to rest, or it was told that it may still do so. */
	if (unit->uncertain && !unit->failed &&
	    !quiesce_unit_is_service(&unit->target))
		spent_s += await_rest(quiesce, unit, end_s);
	spent_s += quiesce_health_await(quiesce, i);
	undo_unit(quiesce, i);
	return spent_s;
}

/* Services first: they come last in the order, and the Swarm works while
 * containers start. Are there any left to try again? */
static bool
bring_some_back(struct quiesce *quiesce, bool late, double *end_s)
{
	bool left = false;
	size_t i;

	for (i = quiesce->n; i-- > 0; ) {
		if (quiesce->units[i].late != late)
			continue;
		if (!is_settled(&quiesce->units[i]))
			*end_s += bring_back(quiesce, i, *end_s);
		left = left || !is_settled(&quiesce->units[i]);
	}
	return left;
}

/* Tries every one that is not settled. */
static bool
bring_all_back(struct quiesce *quiesce, double *end_s)
{
	bool early = bring_some_back(quiesce, false, end_s);
	bool late = bring_some_back(quiesce, true, end_s);

	return early || late;
}

/* From the first stop to the last start; to now if one is still down. */
static double
measure(const struct quiesce *quiesce)
{
	double first_s = 0, last_s = 0;
	bool any = false, ended = false;
	size_t i;

	for (i = 0; i < quiesce->n; i++) {
		const struct quiesce_unit *unit = &quiesce->units[i];
		double end_s = unit->failed ? clock_mono_s() :
		    unit->stopped_at_s + unit->window_s;

		if (!unit->touched)
			continue;
		if (!any || unit->stopped_at_s < first_s)
			first_s = unit->stopped_at_s;
		any = true;
		if (unit->target.no_restart)
			continue;
		if (!ended || end_s > last_s)
			last_s = end_s;
		ended = true;
	}
	return ended ? last_s - first_s : 0;
}

static size_t
count_failed(const struct quiesce *quiesce)
{
	size_t i, n = 0;

	for (i = 0; i < quiesce->n; i++)
		n += quiesce->units[i].failed;
	return n;
}

size_t
quiesce_resume(struct quiesce *quiesce, double retry_s)
{
	double end_s = clock_mono_s() + retry_s, pause_s = RETRY_FIRST_S;

	if (quiesce->resumed)
		return count_failed(quiesce);
	quiesce->resumed = true;
	quiesce_health_sort(quiesce);
	while (bring_all_back(quiesce, &end_s)) {
		double left_s = end_s - clock_mono_s();

		if (left_s <= 0)
			break;
		quiesce_unit_sleep(pause_s < left_s ? pause_s : left_s);
		pause_s = pause_s * 2 < RETRY_MOST_S ? pause_s * 2 :
		    RETRY_MOST_S;
	}
	quiesce_services_await_running(quiesce);
	quiesce->window_s = measure(quiesce);
	return count_failed(quiesce);
}
