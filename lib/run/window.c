#include "lib/run/window.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/run/ledger.h"

#define NS_PER_S 1e9

static int
note(void *cookie, const struct undo *undo, struct err *err)
{
	const struct windows *windows = cookie;

	return ledger_note(windows->lock->fd, undo, err);
}

static void
warn(void *cookie, const char *message)
{
	const struct windows *windows = cookie;

	teller_say(windows->teller, "%s", message);
}

int
windows_init(struct windows *ret, const struct job *job,
    const struct inventory *inventory, const struct lock *lock, bool *owed,
    const struct teller *teller, struct err *err)
{
	const struct quiesce_settings settings = {
		.health_s = (double)job->options->health_timeout_ns / NS_PER_S,
		.service_s = (double)job->options->service_timeout_ns /
		    NS_PER_S,
		.note = note, .warn = warn, .cookie = ret };

	*ret = (struct windows){ .job = job, .engine = inventory->engine,
		.lock = lock, .owed = owed, .teller = teller };
	ret->v = calloc(job->n_windows + 1, sizeof *ret->v);
	if (ret->v == NULL)
		return err_nomem(err);
	for (; ret->n < job->n_windows; ret->n++) {
		const struct job_window *window = &job->windows[ret->n];

		if (quiesce_init(ret->engine, &settings, window->targets,
		    window->n_targets, &ret->v[ret->n], err) < 0)
			return -1;
	}
	return 0;
}

void
windows_free(struct windows *windows)
{
	size_t i;

	for (i = 0; i < windows->n; i++)
		quiesce_free(&windows->v[i]);
	free(windows->v);
	*windows = (struct windows)WINDOWS_INIT;
}

int
windows_begin(struct windows *windows, size_t i, struct err *err)
{
	return quiesce_begin(&windows->v[i], err);
}

static void
tell_failed(const struct windows *windows, const struct quiesce *quiesce)
{
	size_t i;

	for (i = 0; i < quiesce->n; i++) {
		const struct quiesce_unit *unit = &quiesce->units[i];
		const struct quiesce_target *target = &unit->target;

		if (unit->failed)
			teller_say(windows->teller, "%s '%s' does not run "
			    "again: %s", target->container != NULL ?
			    "container" : "service", target->container != NULL ?
			    target->container->name : target->service->name,
			    unit->err.msg);
	}
}

static void
clear_ledger(const struct windows *windows)
{
	struct err err = ERR_INIT;

	if (ledger_clear(windows->lock->fd, &err) < 0)
		teller_say(windows->teller, "%s", err.msg);
}

/* What its entry in the ledger is about. */
static const char *
id_of(const struct quiesce_unit *unit)
{
	return unit->target.service != NULL ? unit->target.service->id :
	    unit->service_id != NULL ? unit->service_id :
	    unit->target.container->id;
}

/* What its entry says is still to be done. Not so for a service that does not
 * run though it was asked to: to ask again would renew its tasks once more. */
static bool
is_owed(const struct quiesce_unit *unit)
{
	return unit->failed && !unit->undone;
}

/* Several containers of one service have one entry. */
static bool
is_settled(const struct quiesce *quiesce, const char *id)
{
	bool any = false;
	size_t i;

	for (i = 0; i < quiesce->n; i++) {
		const struct quiesce_unit *unit = &quiesce->units[i];

		if (strcmp(id_of(unit), id) != 0)
			continue;
		if (is_owed(unit))
			return false;
		any = any || (unit->touched && !unit->target.no_restart);
	}
	return any;
}

static void
strike_settled(const struct windows *windows, const struct quiesce *quiesce)
{
	struct err err = ERR_INIT;
	size_t i;

	for (i = 0; i < quiesce->n; i++) {
		const char *id = id_of(&quiesce->units[i]);
		const struct undo nothing = { UNDO_NOTHING,
			(char *)(uintptr_t)id, (char *)(uintptr_t)"", 0 };

		if (is_settled(quiesce, id) &&
		    ledger_note(windows->lock->fd, &nothing, &err) < 0)
			teller_say(windows->teller, "%s", err.msg);
	}
}

void
windows_end(struct windows *windows, size_t i)
{
	struct quiesce *quiesce = &windows->v[i];
	char span[CLOCK_SPAN_BYTES];
	size_t k;

	if (quiesce_resume(quiesce, (double)
	    windows->job->options->resume_retry_ns / NS_PER_S) != 0)
		tell_failed(windows, quiesce);
	for (k = 0; k < quiesce->n; k++)
		*windows->owed = *windows->owed || is_owed(&quiesce->units[k]);
	if (*windows->owed)
		strike_settled(windows, quiesce);
	else
		clear_ledger(windows);
	windows->window_s += quiesce->window_s;
	if (quiesce->window_s <= 0)
		return;
	clock_span(quiesce->window_s, span);
	log_info("window: %s from the first stop to the last start", span);
}

void
windows_count(const struct windows *windows,
    struct report_count *ret_containers, struct report_count *ret_services)
{
	size_t i, k;

	*ret_containers = *ret_services = (struct report_count){ 0 };
	for (i = 0; i < windows->n; i++)
		for (k = 0; k < windows->v[i].n; k++) {
			const struct quiesce_unit *unit =
			    &windows->v[i].units[k];
			struct report_count *count =
			    unit->target.container != NULL ?
			    ret_containers : ret_services;

			count->to_stop++;
			count->stopped += unit->touched && !unit->refused;
			count->errors += unit->failed || unit->refused;
		}
}
