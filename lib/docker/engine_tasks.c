#define _GNU_SOURCE
#include "lib/docker/engine_tasks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
task_list_free(struct task_list *list)
{
	size_t i;

	for (i = 0; i < list->n; i++) {
		free(list->v[i].node);
		free(list->v[i].created);
		free(list->v[i].failure);
	}
	free(list->v);
	*list = (struct task_list)TASK_LIST_INIT;
}

/* One that no node knows yet and that is not wanted any more will never run:
 * such a one stays as it is for as long as Swarm keeps it. */
static bool
is_active(const struct task *task)
{
	return task->state <= TASK_RUNNING &&
	    (task->state >= TASK_ASSIGNED || task->desired <= TASK_RUNNING);
}

bool
task_list_lingers(const struct task_list *list)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		if (is_active(&list->v[i]) && *list->v[i].node != '\0' &&
		    list->v[i].desired > TASK_RUNNING)
			return true;
	return false;
}

/* "...:05Z" is before "...:05.1Z", and that before "...:05.12Z". */
static int
by_time(const char *a, const char *b)
{
	for (; *a == *b && *a != '\0'; a++, b++)
		;
	if (*a == *b)
		return 0;
	if (*a == 'Z' || *b == 'Z')
		return *a == 'Z' ? -1 : 1;
	return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
}

static int
by_slot(const struct task *a, const struct task *b)
{
	if (a->slot != b->slot)
		return a->slot < b->slot ? -1 : 1;
	return a->slot == 0 ? strcmp(a->node, b->node) : 0;
}

/* By slot, the newest of each first. */
static int
by_slot_and_age(const void *a, const void *b)
{
	const struct task *left = a, *right = b;
	int order = by_slot(left, right);

	return order != 0 ? order : by_time(right->created, left->created);
}

/* Of one slot, or NULL: an old failure of one that runs says nothing. */
static const struct task *
find_failure(const struct task *slot, size_t n)
{
	size_t i;

	for (i = 0; i < n && slot[i].state != TASK_RUNNING; i++)
		if (*slot[i].failure != '\0')
			return &slot[i];
	return NULL;
}

/* It ended by itself, and Swarm was not asked to end it, and does not put
 * another one in its place. */
static bool
has_ended(const struct task *slot, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (slot[i].desired <= TASK_RUNNING)
			return false;
	return slot->state == TASK_COMPLETE || slot->state == TASK_FAILED ||
	    slot->state == TASK_REJECTED;
}

static void
count_one(const struct task *task, const struct strlist *down,
    struct service_tasks *ret)
{
	ret->active += is_active(task) && !strlist_has(down, task->node);
	ret->running += task->state == TASK_RUNNING &&
	    task->desired == TASK_RUNNING;
	ret->wanted += task->desired == TASK_RUNNING;
}

void
task_list_count(struct task_list *list, const struct strlist *down,
    struct service_tasks *ret)
{
	const struct task *newest = NULL;
	size_t i, j;

	*ret = (struct service_tasks){ .active = 0 };
	if (list->n != 0)
		qsort(list->v, list->n, sizeof *list->v, by_slot_and_age);
	for (i = 0; i < list->n; i = j) {
		const struct task *slot = &list->v[i], *failed;

		for (j = i; j < list->n && by_slot(slot, &list->v[j]) == 0;
		    j++)
			count_one(&list->v[j], down, ret);
		ret->ended += has_ended(slot, j - i);
		failed = find_failure(slot, j - i);
		if (failed != NULL && (newest == NULL ||
		    by_time(newest->created, failed->created) < 0))
			newest = failed;
	}
	if (newest != NULL)
		(void)snprintf(ret->failure, sizeof ret->failure, "%s",
		    newest->failure);
}
