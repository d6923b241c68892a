#define _GNU_SOURCE
#include "lib/docker/quiesce.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/clock.h"
#include "lib/base/intr.h"
#include "lib/base/str.h"

#define LABEL_SERVICE "com.docker.compose.service"
#define LABEL_DEPENDS "com.docker.compose.depends_on"

#define RETRY_FIRST_S 0.25	/* doubled each time */
#define RETRY_MOST_S 2.0

bool
quiesce_selects(const struct container *container, const char *value)
{
	static const char *const labels[] = {
		"docker-volume-backup.stop-during-backup", "vbackup.stop"
	};
	size_t i;

	for (i = 0; i < sizeof labels / sizeof labels[0]; i++) {
		const char *has = strmap_get(&container->labels, labels[i]);

		if (has != NULL && strcmp(has, value) == 0)
			return true;
	}
	return false;
}

/* n containers, and what must be stopped before what. */
struct graph {
	const struct container **nodes;	/* sorted by name */
	size_t n;
	bool *edges;	/* [i * n + j]: i depends on j, i stops before j */
	bool *reaches;	/* [i * n + j]: edges lead from i to j */
	bool *placed;	/* [i]: it has its place in the order already */
};

static void
graph_free(struct graph *graph)
{
	free(graph->nodes);
	free(graph->edges);
	free(graph->reaches);
	free(graph->placed);
}

static int
by_name(const void *a, const void *b)
{
	const struct container *const *left = a, *const *right = b;
	int order = strcmp((*left)->name, (*right)->name);

	return order != 0 ? order : strcmp((*left)->id, (*right)->id);
}

/* Only those that run, and each once. */
static void
collect(struct graph *graph, const struct container *const *containers,
    size_t n)
{
	size_t i, unique = 0;

	for (i = 0; i < n; i++)
		if (containers[i]->running)
			graph->nodes[graph->n++] = containers[i];
	qsort(graph->nodes, graph->n, sizeof *graph->nodes, by_name);
	for (i = 0; i < graph->n; i++)
		if (unique == 0 || strcmp(graph->nodes[unique - 1]->id,
		    graph->nodes[i]->id) != 0)
			graph->nodes[unique++] = graph->nodes[i];
	graph->n = unique;
}

static bool
label_is(const struct container *container, const char *label,
    const char *value, size_t value_len)
{
	const char *has = strmap_get(&container->labels, label);

	return has != NULL && strlen(has) == value_len &&
	    memcmp(has, value, value_len) == 0;
}

/* All containers of that service: it may be scaled. */
static void
add_dependency(struct graph *graph, size_t from, const char *project,
    const char *service, size_t service_len)
{
	size_t to;

	for (to = 0; to < graph->n; to++)
		if (to != from &&
		    label_is(graph->nodes[to], LABEL_PROJECT, project,
		    strlen(project)) &&
		    label_is(graph->nodes[to], LABEL_SERVICE, service,
		    service_len))
			graph->edges[from * graph->n + to] = true;
}

/* "db:service_healthy:false,cache:service_started:true"; Compose before 2.3
 * wrote only the names. */
static void
add_dependencies(struct graph *graph, size_t from)
{
	const struct strmap *labels = &graph->nodes[from]->labels;
	const char *project = strmap_get(labels, LABEL_PROJECT);
	const char *p = strmap_get(labels, LABEL_DEPENDS);

	while (project != NULL && p != NULL && *p != '\0') {
		size_t len;

		p += strspn(p, ", ");
		len = strcspn(p, ":, ");
		if (len != 0)
			add_dependency(graph, from, project, p, len);
		p += strcspn(p, ",");
	}
}

/* Warshall's closure; the inner loop runs only where there is a way. */
static void
close_over(struct graph *graph)
{
	const size_t n = graph->n;
	size_t i, j, via;

	memcpy(graph->reaches, graph->edges, n * n * sizeof *graph->edges);
	for (via = 0; via < n; via++)
		for (i = 0; i < n; i++) {
			if (!graph->reaches[i * n + via])
				continue;
			for (j = 0; j < n; j++)
				if (graph->reaches[via * n + j])
					graph->reaches[i * n + j] = true;
		}
}

static int
graph_init(struct graph *graph, const struct container *const *containers,
    size_t n, struct err *err)
{
	size_t i;

	graph->nodes = calloc(n + 1, sizeof *graph->nodes);
	if (graph->nodes == NULL)
		return err_nomem(err);
	collect(graph, containers, n);
	n = graph->n;
	graph->edges = calloc(n * n + 1, sizeof *graph->edges);
	graph->reaches = calloc(n * n + 1, sizeof *graph->reaches);
	graph->placed = calloc(n + 1, sizeof *graph->placed);
	if (graph->edges == NULL || graph->reaches == NULL ||
	    graph->placed == NULL)
		return err_nomem(err);
	for (i = 0; i < n; i++)
		add_dependencies(graph, i);
	close_over(graph);
	return 0;
}

/* Does nothing that has no place yet depend on i? */
static bool
is_free(const struct graph *graph, size_t i)
{
	size_t j;

	for (j = 0; j < graph->n; j++)
		if (!graph->placed[j] && graph->edges[j * graph->n + i])
			return false;
	return true;
}

/* Does whatever leads to i lie on a cycle with it? Then the cycle may be
 * broken here without breaking another order. A way counts even where it leads
 * through one that has its place: so a cycle stays before what is below it. */
static bool
is_free_but_for_a_cycle(const struct graph *graph, size_t i)
{
	const size_t n = graph->n;
	size_t j;

	for (j = 0; j < n; j++)
		if (!graph->placed[j] && graph->reaches[j * n + i] &&
		    !graph->reaches[i * n + j])
			return false;
	return true;
}

/* The next to stop: the first by name that is free, else the first that is so
 * but for a cycle. There is always one of these; 0 is never reached. */
static size_t
next(const struct graph *graph)
{
	size_t i, on_cycle = 0;
	bool any = false;

	for (i = 0; i < graph->n; i++) {
		if (graph->placed[i] || !is_free_but_for_a_cycle(graph, i))
			continue;
		if (is_free(graph, i))
			return i;
		if (!any)
			on_cycle = i;
		any = true;
	}
	return on_cycle;
}

int
quiesce_init(struct engine *engine, const struct container *const *containers,
    size_t n, struct quiesce *ret, struct err *err)
{
	CLEANUP(graph_free) struct graph graph = { .nodes = NULL };
	struct quiesce quiesce = { .engine = engine };

	if (graph_init(&graph, containers, n, err) < 0)
		return -1;
	quiesce.units = calloc(graph.n + 1, sizeof *quiesce.units);
	if (quiesce.units == NULL)
		return err_nomem(err);
	while (quiesce.n < graph.n) {
		size_t i = next(&graph);

		graph.placed[i] = true;
		quiesce.units[quiesce.n++].container = graph.nodes[i];
	}
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

int
quiesce_begin(struct quiesce *quiesce, struct err *err)
{
	size_t i;

	for (i = 0; i < quiesce->n; i++) {
		struct quiesce_unit *unit = &quiesce->units[i];

		if (intr_check(err) < 0)
			return -1;
		/* Before the call: whatever it answers, it may have stopped. */
		unit->touched = true;
		unit->stopped_at_s = clock_mono_s();
		if (engine_stop(quiesce->engine, unit->container->id,
		    err) < 0) {
			unit->refused = err->kind == ERR_REFUSED;
			unit->uncertain = err->kind != ERR_REFUSED &&
			    err->kind != ERR_NOTFOUND;
			return err_add(err, "cannot stop container '%s'",
			    unit->container->name);
		}
	}
	return intr_check(err);
}

/* Runs again, or never will. */
static bool
is_settled(const struct quiesce_unit *unit)
{
	return !unit->touched || unit->window_s > 0 ||
	    (unit->failed && unit->err.kind == ERR_NOTFOUND);
}

/* A stop that was refused leaves its container running, and whoever refuses a
 * stop may refuse a start: then there is nothing to be done. */
static bool
never_stopped(struct engine *engine, const struct quiesce_unit *unit)
{
	struct err ignored = ERR_INIT;
	bool running = false;

	return unit->refused && engine_is_running(engine, unit->container->id,
	    &running, &ignored) == 0 && running;
}

static void
start(struct engine *engine, struct quiesce_unit *unit)
{
	struct err err = ERR_INIT;
	double window_s;

	if (!never_stopped(engine, unit) &&
	    engine_start(engine, unit->container->id, &err) < 0) {
		unit->failed = true;
		unit->err = err;
		(void)err_add(&unit->err, "cannot start container '%s'",
		    unit->container->name);
		return;
	}
	window_s = clock_mono_s() - unit->stopped_at_s;
	unit->window_s = window_s > 0 ? window_s : 1e-9;
	unit->failed = false;
	unit->err = (struct err)ERR_INIT;
}

/* Tries every one that is not settled; are there any left to try again? */
static bool
start_all(struct quiesce *quiesce)
{
	bool left = false;
	size_t i;

	for (i = quiesce->n; i-- > 0; ) {
		struct quiesce_unit *unit = &quiesce->units[i];

		if (!is_settled(unit))
			start(quiesce->engine, unit);
		left = left || !is_settled(unit);
	}
	return left;
}

/* Not intr_sleep: a signal that asks us to stop asks us to resume, too. */
static void
sleep_s(double seconds)
{
	struct timespec left = {
		.tv_sec = (time_t)seconds,
		.tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)
	};

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

/* Until it has stopped, or that can no longer be expected. */
static void
await_stop(struct engine *engine, const struct quiesce_unit *unit,
    double end_s)
{
	struct err ignored = ERR_INIT;
	bool running = true;

	while (unit->uncertain && clock_mono_s() < end_s &&
	    (engine_is_running(engine, unit->container->id, &running,
	    &ignored) < 0 || running))
		sleep_s(RETRY_FIRST_S);
}

/* From the first stop to the last start; to now if one is still down. */
static double
measure(const struct quiesce *quiesce)
{
	double first_s = 0, last_s = 0;
	bool any = false;
	size_t i;

	for (i = 0; i < quiesce->n; i++) {
		const struct quiesce_unit *unit = &quiesce->units[i];
		double end_s = unit->failed ? clock_mono_s() :
		    unit->stopped_at_s + unit->window_s;

		if (!unit->touched)
			continue;
		if (!any || unit->stopped_at_s < first_s)
			first_s = unit->stopped_at_s;
		if (!any || end_s > last_s)
			last_s = end_s;
		any = true;
	}
	return last_s - first_s;
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
	size_t i;

	if (quiesce->window_s > 0)
		return count_failed(quiesce);	/* done already */
	for (i = 0; i < quiesce->n; i++)
		await_stop(quiesce->engine, &quiesce->units[i], end_s);
	while (start_all(quiesce)) {
		double left_s = end_s - clock_mono_s();

		if (left_s <= 0)
			break;
		sleep_s(pause_s < left_s ? pause_s : left_s);
		pause_s = pause_s * 2 < RETRY_MOST_S ? pause_s * 2 :
		    RETRY_MOST_S;
	}
	quiesce->window_s = measure(quiesce);
	return count_failed(quiesce);
}
