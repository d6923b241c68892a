/*
 * putback_look: how each want will be put back, who has to rest for it, and
 * what is against it. Touches nothing.
 */
#define _GNU_SOURCE
#include "lib/run/putback.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/docker/engine_archive.h"
#include "lib/run/mounts.h"
#include "lib/run/putback_engine.h"
#include "lib/run/putback_state.h"
#include "lib/run/reach.h"

/* --- volumes ------------------------------------------------------------- */

static bool
is_tmpfs(const char *driver, const struct strmap *options)
{
	const char *type = options != NULL ? strmap_get(options, "type") :
	    NULL;

	return driver != NULL && strcmp(driver, "local") == 0 &&
	    type != NULL && strcmp(type, "tmpfs") == 0;
}

static int
refuse_tmpfs(const struct putback_item *item, struct strlist *problems,
    struct err *err)
{
	return strlist_addf(problems, err, "%s is a tmpfs: there is nothing in "
	    "it while none of its containers runs (restore with --to, and "
	    "copy into a container that runs)", item->shown);
}

/* A quota (size) belongs to the very directory. */
static bool
is_exchangeable(const struct putback *putback, const struct volume *volume)
{
	return reach_is_directory(putback->settings->options, volume) &&
	    strmap_get(&volume->options, "size") == NULL &&
	    !mounts_has(&putback->mounts, volume->mountpoint);
}

static int
choose_image(struct putback *putback, const struct putback_item *item,
    struct strlist *problems, struct err *err)
{
	if (putback->image != NULL ||
	    engine_any_image(putback->settings->inventory->engine,
	    &putback->image, err) == 0)
		return 0;
	if (err->kind != ERR_NOTFOUND && err->kind != ERR_REFUSED)
		return -1;
	*err = (struct err)ERR_INIT;
	return strlist_addf(problems, err, "%s can be written through the "
	    "Engine only, and there is no image to make a container from "
	    "(docker pull busybox)", item->shown);
}

static int
check_empty(struct putback *putback, const struct putback_item *item,
    struct strlist *problems, struct err *err)
{
	bool empty;

	if (putback_engine_is_empty(putback->settings->inventory->engine,
	    putback->image, item->want->volume, &empty, err) < 0)
		return err_add(err, "%s", item->shown);
	return empty ? 0 : strlist_addf(problems, err, "%s is written through "
	    "the Engine, where nothing can be exchanged, and is not empty "
	    "(empty it; or --overwrite, which replaces files and keeps "
	    "others)", item->shown);
}

int
putback_find_volume(struct putback *putback, struct putback_item *item,
    struct strlist *problems, struct err *err)
{
	const struct volume *volume = item->volume;
	size_t n = problems->n;

	if (is_tmpfs(volume->driver, &volume->options))
		return refuse_tmpfs(item, problems, err);
	item->through_engine = !is_exchangeable(putback, volume);
	if (!item->through_engine)
		return beside_look(item->shown, volume->mountpoint,
		    &putback->mounts, &item->beside, problems, err);
	if (choose_image(putback, item, problems, err) < 0)
		return -1;
	return problems->n != n || putback->settings->overwrite ? 0 :
	    check_empty(putback, item, problems, err);
}

static int
check_masked(const struct putback_item *item, const char *kind,
    const struct strmap *map, struct strlist *problems, struct err *err)
{
	size_t i;

	for (i = 0; map != NULL && i < map->keys.n; i++)
		if (metadata_is_masked(map->values.v[i]))
			return strlist_addf(problems, err, "there is no "
			    "%s, and it cannot be made: its %s '%s' is not in "
			    "the archive's metadata, because it may be a "
			    "secret (make it by hand first)", item->shown,
			    kind, map->keys.v[i]);
	return 0;
}

static int
look_at_missing(struct putback_item *item, struct strlist *problems,
    struct err *err)
{
	const struct metadata_source *source = item->want->source;
	size_t n = problems->n;

	if (source == NULL || source->options == NULL)
		return strlist_addf(problems, err, "there is no %s, and the "
		    "archive's metadata does not say how to make it (make it "
		    "by hand first)", item->shown);
	if (is_tmpfs(source->driver, source->options))
		return refuse_tmpfs(item, problems, err);
	if (check_masked(item, "option", source->options, problems, err) < 0 ||
	    check_masked(item, "label", source->labels, problems, err) < 0)
		return -1;
	item->make = problems->n == n;
	return 0;
}

static int
look_at_volume(struct putback *putback, struct putback_item *item,
    struct strlist *problems, struct err *err)
{
	const struct inventory *inventory = putback->settings->inventory;

	if (inventory->engine == NULL)
		return strlist_addf(problems, err, "%s cannot be put back: "
		    "there is no Docker Engine", item->shown);
	item->volume = inventory_volume(inventory, item->want->volume);
	return item->volume != NULL ?
	    putback_find_volume(putback, item, problems, err) :
	    look_at_missing(item, problems, err);
}

/* --- all of them --------------------------------------------------------- */

static int
look_at(struct putback *putback, struct putback_item *item,
    struct strlist *problems, struct err *err)
{
	const struct putback_want *want = item->want;

	if (want->volume != NULL)
		return str_format(&item->shown, err, "volume '%s'",
		    want->volume) < 0 ? -1 :
		    look_at_volume(putback, item, problems, err);
	return str_format(&item->shown, err, "directory '%s'",
	    want->path) < 0 ? -1 : beside_look(item->shown, want->path,
	    &putback->mounts, &item->beside, problems, err);
}

static bool
is_in(const char *path, const char *directory)
{
	size_t n = strlen(directory);

	return path != NULL && strncmp(path, directory, n) == 0 &&
	    (path[n] == '\0' || path[n] == '/');
}

/* What is to stay where it is: the old directory goes with all that is in
 * it. */
static int
check_one_kept(const struct putback *putback, const char *directory,
    const char *what, struct strlist *problems, struct err *err)
{
	CLEANUP(cleanup_free) char *real = realpath(directory, NULL);
	size_t i;

	for (i = 0; real != NULL && i < putback->n; i++)
		if (putback->items[i].beside.path != NULL &&
		    is_in(real, putback->items[i].beside.path) &&
		    strlist_addf(problems, err, "%s cannot be exchanged: '%s' "
		    "in it is where %s (restore with --to, and copy)",
		    putback->items[i].shown, real, what) < 0)
			return -1;
	return 0;
}

static int
check_kept(const struct putback *putback, struct strlist *problems,
    struct err *err)
{
	const struct putback_settings *settings = putback->settings;
	char lock[32];
	size_t i;

	for (i = 0; settings->stores != NULL && i < settings->stores->n; i++)
		if (check_one_kept(putback, settings->stores->v[i],
		    "archives are kept", problems, err) < 0)
			return -1;
	if (settings->lock == NULL)
		return 0;
	(void)snprintf(lock, sizeof lock, "/proc/self/fd/%d",
	    settings->lock->fd);
	return check_one_kept(putback, lock, "our lock is", problems, err);
}

/* Each is exchanged by itself. */
static int
check_pair(const struct putback_item *a, const struct putback_item *b,
    struct strlist *problems, struct err *err)
{
	if (a < b && strcmp(a->want->member, b->want->member) == 0)
		return strlist_addf(problems, err, "%s and %s would get the "
		    "same content: '%s'", a->shown, b->shown,
		    a->want->member);
	if (a->beside.path != NULL && is_in(b->beside.path, a->beside.path) &&
	    (a < b || strcmp(a->beside.path, b->beside.path) != 0))
		return strlist_addf(problems, err, "%s lies in %s: they cannot "
		    "be put back together (name one of them)", b->shown,
		    a->shown);
	return 0;
}

static int
check_pairs(const struct putback *putback, struct strlist *problems,
    struct err *err)
{
	size_t i, k;

	for (i = 0; i < putback->n; i++)
		for (k = 0; k < putback->n; k++)
			if (i != k && check_pair(&putback->items[i],
			    &putback->items[k], problems, err) < 0)
				return -1;
	return 0;
}

int
putback_uses(const struct putback *putback, struct putback_use **ret,
    struct err *err)
{
	size_t i;

	*ret = calloc(putback->n + 1, sizeof **ret);
	if (*ret == NULL)
		return err_nomem(err);
	for (i = 0; i < putback->n; i++)
		(*ret)[i] = (struct putback_use){
			putback->items[i].want->volume,
			putback->items[i].beside.path };
	return 0;
}

static int
look_at_users(struct putback *putback, struct strlist *problems,
    struct err *err)
{
	CLEANUP(cleanup_free) struct putback_use *uses = NULL;
	const struct putback_settings *settings = putback->settings;

	if (putback_uses(putback, &uses, err) < 0)
		return -1;
	return putback_users_find(settings->options, settings->inventory, uses,
	    putback->n, &putback->users, problems, err);
}

int
putback_new(const struct putback_settings *settings,
    const struct putback_want *wants, size_t n, struct putback **ret,
    struct strlist *problems, struct err *err)
{
	CLEANUP(putback_freep) struct putback *putback = calloc(1,
	    sizeof *putback);

	if (putback == NULL)
		return err_nomem(err);
	putback->settings = settings;
	putback->items = calloc(n + 1, sizeof *putback->items);
	if (putback->items == NULL)
		return err_nomem(err);
	if (mounts_read(&putback->mounts, err) < 0)
		return -1;
	for (; putback->n < n; putback->n++)
		putback->items[putback->n] = (struct putback_item){
			.want = &wants[putback->n], .beside = BESIDE_INIT };
	for (n = 0; n < putback->n; n++)
		if (look_at(putback, &putback->items[n], problems, err) < 0)
			return -1;
	if (check_pairs(putback, problems, err) < 0 ||
	    check_kept(putback, problems, err) < 0 ||
	    look_at_users(putback, problems, err) < 0)
		return -1;
	*ret = putback;
	putback = NULL;
	return 0;
}

/* --- what would be done -------------------------------------------------- */

static const char *
how(const struct putback_item *item)
{
	if (item->make)
		return "made, and filled";
	if (item->through_engine)
		return "filled through the Engine";
	return item->beside.there ? "exchanged" : "made";
}

int
putback_text(const struct putback *putback, char **ret, struct err *err)
{
	struct str text = STR_INIT;
	size_t i;

	for (i = 0; i < putback->n; i++) {
		const struct putback_item *item = &putback->items[i];

		str_addf(&text, "%s is %s, from '%s'\n", item->shown,
		    how(item), item->want->member);
	}
	for (i = 0; i < putback->users.n; i++) {
		const struct quiesce_target *user = &putback->users.v[i];

		str_addf(&text, "%s '%s' rests meanwhile\n",
		    user->container != NULL ? "container" : "service",
		    user->container != NULL ? user->container->name :
		    user->service->name);
	}
	return str_take(&text, ret, err);
}
