#define _GNU_SOURCE
#include "lib/docker/quiesce_order.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/docker/quiesce_unit.h"

#define LABEL_SERVICE "com.docker.compose.service"
#define LABEL_DEPENDS "com.docker.compose.depends_on"
#define HEALTHY "service_healthy"

static bool
is(const char *text, size_t len, const char *other)
{
	return strlen(other) == len && memcmp(text, other, len) == 0;
}

/* One entry of "db:service_healthy:false,cache:service_started:true" (Compose
 * before 2.3 wrote only the names): is it of that service and condition? */
static bool
entry_is(const char *entry, size_t len, const char *service,
    const char *condition)
{
	size_t name = strcspn(entry, ":, "), rest;

	if (name > len || !is(entry, name, service))
		return false;
	if (condition == NULL)
		return true;
	if (entry[name] != ':')
		return false;
	rest = strcspn(entry + name + 1, ":, ");
	return is(entry + name + 1, rest, condition);
}

/* A service may be scaled: all its containers are depended on. */
static bool
depends(const struct container *dependent, const struct container *on,
    const char *condition)
{
	const char *project = strmap_get(&dependent->labels, LABEL_PROJECT);
	const char *others = strmap_get(&on->labels, LABEL_PROJECT);
	const char *service = strmap_get(&on->labels, LABEL_SERVICE);
	const char *p = strmap_get(&dependent->labels, LABEL_DEPENDS);

	if (project == NULL || others == NULL || service == NULL ||
	    *service == '\0' || p == NULL || strcmp(project, others) != 0)
		return false;
	while (*p != '\0') {
		size_t len;

		p += strspn(p, ", ");
		len = strcspn(p, ",");
		if (entry_is(p, len, service, condition))
			return true;
		p += len;
	}
	return false;
}

bool
quiesce_order_depends(const struct container *dependent,
    const struct container *on)
{
	return dependent != on && depends(dependent, on, NULL);
}

bool
quiesce_order_healthy(const struct container *dependent,
    const struct container *on)
{
	return dependent != on && depends(dependent, on, HEALTHY);
}

/* n containers, and what must come to rest before what. */
struct graph {
	const struct quiesce_target **nodes;	/* sorted; borrowed */
	size_t n;
	bool *edges;	/* [i * n + j]: i depends on j, i stops before j */
	bool *reaches;	/* [i * n + j]: edges lead from i to j */
	bool *placed;	/* [i]: it has its place in the order already */
};

static void
graph_free(struct graph *graph)
{
	free(graph->edges);
	free(graph->reaches);
	free(graph->placed);
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
graph_init(struct graph *graph, struct err *err)
{
	const size_t n = graph->n;
	size_t i, j;

	graph->edges = calloc(n * n + 1, sizeof *graph->edges);
	graph->reaches = calloc(n * n + 1, sizeof *graph->reaches);
	graph->placed = calloc(n + 1, sizeof *graph->placed);
	if (graph->edges == NULL || graph->reaches == NULL ||
	    graph->placed == NULL)
		return err_nomem(err);
	for (i = 0; i < n; i++)
		for (j = 0; j < n; j++)
			graph->edges[i * n + j] = quiesce_order_depends(
			    graph->nodes[i]->container,
			    graph->nodes[j]->container);
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

/* The next to stop: the first of the sorted ones that is free, else the first
 * that is so but for a cycle. There is always one of these; 0 is never
 * reached. */
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

static const char *
id_of(const struct quiesce_target *target)
{
	return quiesce_unit_is_service(target) ? target->service->id :
	    target->container->id;
}

/* What is not running, or at rest already, is not touched. */
static bool
is_active(const struct quiesce_target *target)
{
	switch (target->action) {
	case QUIESCE_STOP:
	case QUIESCE_PAUSE:
		return target->container->running &&
		    !target->container->paused;
	case QUIESCE_SCALE:
		return target->service->replicas != 0;
	case QUIESCE_CONSTRAIN:
		break;
	}
	return true;
}

/* Containers before services, then by order and name; the rest only keeps one
 * and the same thing together. */
static int
by_order(const void *a, const void *b)
{
	const struct quiesce_target *left =
	    *(const struct quiesce_target *const *)a;
	const struct quiesce_target *right =
	    *(const struct quiesce_target *const *)b;
	bool left_late = quiesce_unit_is_service(left);
	int names = strcmp(quiesce_unit_name(left), quiesce_unit_name(right));

	if (left_late != quiesce_unit_is_service(right))
		return left_late ? 1 : -1;
	if (left->order != right->order)
		return left->order < right->order ? -1 : 1;
	return names != 0 ? names : strcmp(id_of(left), id_of(right));
}

static bool
has_id(const struct quiesce_target *const *v, size_t n, const char *id)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(id_of(v[i]), id) == 0)
			return true;
	return false;
}

/* Those that are not at rest, each once, sorted. */
static size_t
collect(const struct quiesce_target *targets, size_t n,
    const struct quiesce_target **ret)
{
	size_t i, n_ret = 0;

	for (i = 0; i < n; i++)
		if (is_active(&targets[i]) &&
		    !has_id(ret, n_ret, id_of(&targets[i])))
			ret[n_ret++] = &targets[i];
	if (n_ret != 0)
		qsort(ret, n_ret, sizeof *ret, by_order);
	return n_ret;
}

int
quiesce_order_find(const struct quiesce_target *targets, size_t n,
    const struct quiesce_target **ret, size_t *ret_n, struct err *err)
{
	CLEANUP(cleanup_free) const struct quiesce_target **sorted = NULL;
	CLEANUP(graph_free) struct graph graph = { .nodes = NULL };
	size_t n_sorted, n_ret;

	sorted = calloc(n + 1, sizeof *sorted);
	if (sorted == NULL)
		return err_nomem(err);
	n_sorted = collect(targets, n, sorted);
	graph.nodes = sorted;
	while (graph.n < n_sorted && !quiesce_unit_is_service(sorted[graph.n]))
		graph.n++;
	if (graph_init(&graph, err) < 0)
		return -1;
	for (n_ret = 0; n_ret < graph.n; n_ret++) {
		size_t i = next(&graph);

		graph.placed[i] = true;
		ret[n_ret] = sorted[i];
	}
	for (; n_ret < n_sorted; n_ret++)
		ret[n_ret] = sorted[n_ret];
	*ret_n = n_ret;
	return 0;
}
