/*
 * putback: what each want is, what is made for it beforehand, and what is left
 * of that afterwards. The look is in putback_look.c, the commit in
 * putback_commit.c.
 */
#define _GNU_SOURCE
#include "lib/run/putback.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/docker/engine_volume.h"
#include "lib/run/putback_state.h"
#include "lib/run/reach.h"

/* --- the end ------------------------------------------------------------- */

static void
discard(struct putback_item *item)
{
	struct err err = ERR_INIT;

	/* What could not be exchanged back is all there is of the old. */
	if (!item->beside.exchanged && beside_discard(&item->beside, &err) < 0)
		log_warning("%s", err.msg);
}

static void
unmake(const struct putback *putback, struct putback_item *item)
{
	struct err err = ERR_INIT;

	if (item->made && !item->beside.exchanged &&
	    engine_volume_remove(putback->settings->inventory->engine,
	    item->want->volume, &err) < 0)
		log_warning("%s, which was made, is left: %s", item->shown,
		    err.msg);
}

void
putback_free(struct putback *putback)
{
	size_t i;

	if (putback == NULL)
		return;
	for (i = 0; i < putback->n; i++) {
		struct putback_item *item = &putback->items[i];

		if (!putback->committed) {
			discard(item);
			unmake(putback, item);
		}
		beside_free(&item->beside);
		engine_volume_free(&item->own);
		free(item->shown);
	}
	putback_users_free(&putback->users);
	inventory_free(&putback->fresh);
	strlist_free(&putback->mounts);
	str_free(&putback->path);
	free(putback->image);
	free(putback->items);
	free(putback);
}

void
putback_freep(struct putback **putback)
{
	putback_free(*putback);
	*putback = NULL;
}

/* --- what is made beforehand --------------------------------------------- */

/* To an Engine it is a success to make what is there. */
static int
check_missing(const struct putback *putback, struct err *err)
{
	CLEANUP(volume_list_free) struct volume_list list = VOLUME_LIST_INIT;
	bool any = false;
	size_t i, k;

	for (i = 0; i < putback->n; i++)
		any = any || putback->items[i].make;
	if (!any)
		return 0;
	if (engine_volumes(putback->settings->inventory->engine, &list,
	    err) < 0)
		return -1;
	for (i = 0; i < putback->n; i++)
		for (k = 0; k < list.n; k++)
			if (putback->items[i].make && strcmp(list.v[k].name,
			    putback->items[i].want->volume) == 0)
				return err_set(err, ERR_EXISTS, "%s was made "
				    "meanwhile by somebody else (try again)",
				    putback->items[i].shown);
	return 0;
}

static int
make_volume(struct putback *putback, struct putback_item *item,
    struct err *err)
{
	const struct metadata_source *source = item->want->source;
	const struct engine_volume_wanted wanted = { item->want->volume,
		source->driver, source->options, source->labels };
	CLEANUP(strlist_free) struct strlist problems = STRLIST_INIT;

	if (engine_volume_create(putback->settings->inventory->engine, &wanted,
	    &item->own, err) < 0)
		return err_add(err, "cannot make %s", item->shown);
	item->made = true;
	item->volume = &item->own;
	if (putback_find_volume(putback, item, &problems, err) < 0)
		return -1;
	return problems.n == 0 ? 0 :
	    err_set(err, ERR_SYSTEM, "%s", problems.v[0]);
}

int
putback_prepare(struct putback *putback, struct err *err)
{
	size_t i;

	reach_sweep(putback->settings->inventory);
	if (check_missing(putback, err) < 0)
		return -1;
	for (i = 0; i < putback->n; i++) {
		struct putback_item *item = &putback->items[i];

		if (item->make && make_volume(putback, item, err) < 0)
			return -1;
		if (!item->through_engine &&
		    beside_prepare(&item->beside, err) < 0)
			return err_add(err, "%s", item->shown);
	}
	return 0;
}

/* --- where a member belongs ---------------------------------------------- */

/* How long a part of the name the want's member is; 0 for the whole archive.
 * -1: it is none. */
static long
match(const struct putback_item *item, const char *name)
{
	const char *member = item->want->member;
	size_t n = strlen(member);

	if (n == 0)
		return 0;
	return strncmp(name, member, n) == 0 &&
	    (name[n] == '\0' || name[n] == '/') ? (long)n : -1;
}

/* A source may lie in another: the innermost has it. */
static struct putback_item *
find_item(const struct putback *putback, const char *name)
{
	struct putback_item *best = NULL;
	long longest = -1;
	size_t i;

	for (i = 0; i < putback->n; i++) {
		long n = match(&putback->items[i], name);

		if (n > longest) {
			longest = n;
			best = &putback->items[i];
		}
	}
	return best;
}

int
putback_place(void *cookie, const char *name, struct extract_place *ret,
    struct err *err)
{
	struct putback *putback = cookie;
	struct putback_item *item = find_item(putback, name);
	const char *rest;

	*ret = (struct extract_place){ -1, "" };
	if (item == NULL)
		return 0;
	rest = name + match(item, name);
	rest += *rest == '/';
	item->seen = true;
	item->root_seen = item->root_seen || *rest == '\0';
	if (item->through_engine)
		return 0;
	putback->path.len = 0;
	str_add(&putback->path, rest);
	if (putback->path.failed)
		return err_nomem(err);
	*ret = (struct extract_place){ item->beside.stage_fd,
		putback->path.s };
	return 0;
}
