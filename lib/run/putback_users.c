#define _GNU_SOURCE
#include "lib/run/putback_users.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/file.h"
#include "lib/docker/engine_archive.h"
#include "lib/docker/quiesce_labels.h"

#define NS_PER_S 1e9

struct finding {		/* what putback_users_find is at work on */
	const struct options *options;
	const struct inventory *inventory;
	const struct putback_use *uses;
	size_t n;
	struct putback_users *users;
	struct strlist *problems;
};

/* --- who ----------------------------------------------------------------- */

static bool
binds(const struct mount *mount, const struct putback_use *use, bool around)
{
	CLEANUP(cleanup_free) char *real = NULL;
	const char *source;

	if (*mount->source != '/' || use->path == NULL)
		return false;
	real = realpath(mount->source, NULL);
	source = real != NULL ? real : mount->source;
	return file_is_in(source, use->path) ||
	    (around && file_is_in(use->path, source));
}

/* Our own container sees what is around a directory only because it works
 * there. */
static bool
uses(const struct container *container, const struct putback_use *use,
    bool own)
{
	size_t i;

	for (i = 0; i < container->n_mounts; i++) {
		const struct mount *mount = &container->mounts[i];

		if (use->volume != NULL &&
		    strcmp(mount->name, use->volume) == 0)
			return true;
		if (binds(mount, use, use->volume == NULL && !own))
			return true;
	}
	return false;
}

static bool
is_own(const struct inventory *inventory, const struct container *container)
{
	return inventory->own != NULL &&
	    strcmp(inventory->own, container->id) == 0;
}

static bool
uses_any(const struct finding *f, const struct container *container)
{
	bool own = is_own(f->inventory, container);
	size_t i;

	for (i = 0; i < f->n; i++)
		if (uses(container, &f->uses[i], own))
			return true;
	return false;
}

/* --- how ----------------------------------------------------------------- */

/* Each once, though several tasks may have it. */
static int PRINTF_LIKE(3, 4)
refuse(struct finding *f, struct err *err, const char *fmt, ...)
{
	CLEANUP(cleanup_free) char *text = NULL;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vasprintf(&text, fmt, args);
	va_end(args);
	if (n < 0) {
		text = NULL;
		return err_nomem(err);
	}
	return strlist_has(f->problems, text) ? 0 :
	    strlist_add(f->problems, text, err);
}

static void
add(struct finding *f, enum quiesce_action action,
    const struct container *container, const struct service *service)
{
	const struct options *o = f->options;
	const struct quiesce_defaults defaults = { .stop_value = "",
		.no_restart_value = "", .mode = QUIESCE_MODE_STOP,
		.stop_timeout_s = o->stop_timeout_ns == 0 ? -1 :
		    (double)o->stop_timeout_ns / NS_PER_S };
	struct quiesce_labels labels;
	struct err ignored = ERR_INIT;

	/* A label that is wrong is a run's business. */
	if (quiesce_labels_read(container != NULL ? &container->labels :
	    &service->labels, &defaults, &labels, &ignored) < 0)
		labels = (struct quiesce_labels){ .stop_timeout_s =
		    defaults.stop_timeout_s };
	f->users->v[f->users->n++] = (struct quiesce_target){
		.action = action, .container = container, .service = service,
		.stop_timeout_s = container != NULL ? labels.stop_timeout_s :
		    -1, .order = labels.order };
}

static bool
is_added(const struct finding *f, const struct service *service)
{
	size_t i;

	for (i = 0; i < f->users->n; i++)
		if (f->users->v[i].service == service)
			return true;
	return false;
}

static const struct service *
find_service(const struct inventory *inventory, const char *id)
{
	size_t i;

	for (i = 0; id != NULL && i < inventory->services.n; i++)
		if (strcmp(inventory->services.v[i].id, id) == 0)
			return &inventory->services.v[i];
	return NULL;
}

static bool
is_own_service(const struct inventory *inventory,
    const struct service *service)
{
	size_t i;

	for (i = 0; i < inventory->containers.n; i++) {
		const struct container *c = &inventory->containers.v[i];
		const char *id = strmap_get(&c->labels, LABEL_SERVICE_ID);

		if (is_own(inventory, c))
			return id != NULL && strcmp(id, service->id) == 0;
	}
	return false;
}

static int
choose_service(struct finding *f, const struct container *container,
    const char *id, struct err *err)
{
	const struct service *service = find_service(f->inventory, id);

	if (service == NULL)
		return refuse(f, err, "container '%s' is a task of a Swarm "
		    "service, which this Engine cannot empty (run vbackup on "
		    "a manager, or scale the service to 0 first)",
		    container->name);
	if (is_added(f, service))
		return 0;
	if (service->mode == SERVICE_JOB)
		return refuse(f, err, "service '%s' cannot be brought to rest: "
		    "it is a job, which runs only once (wait for its end)",
		    service->name);
	if (is_own_service(f->inventory, service))
		return refuse(f, err, "service '%s' is the one that vbackup "
		    "runs in: it cannot be brought to rest", service->name);
	add(f, service->mode == SERVICE_GLOBAL ? QUIESCE_CONSTRAIN :
	    QUIESCE_SCALE, NULL, service);
	return 0;
}

/* What a proxy does not let us ask is not known to be wrong. */
static int
check_removal(struct finding *f, const struct container *container,
    bool *ret_removed, struct err *err)
{
	struct container_state state;
	struct err why = ERR_INIT;

	*ret_removed = false;
	if (engine_state(f->inventory->engine, container->id, &state,
	    &why) == 0) {
		*ret_removed = state.auto_remove;
		return 0;
	}
	if (why.kind == ERR_REFUSED || why.kind == ERR_NOTFOUND)
		return 0;
	*err = why;
	return -1;
}

static int
choose_container(struct finding *f, const struct container *container,
    struct err *err)
{
	const char *service = strmap_get(&container->labels,
	    LABEL_SERVICE_ID);
	bool removed;

	if (is_own(f->inventory, container))
		return refuse(f, err, "container '%s' is the one that vbackup "
		    "runs in, and uses what would be put back",
		    container->name);
	/* Brought back, it would go on with what was removed. */
	if (container->paused)
		return refuse(f, err, "container '%s' is paused, and uses what "
		    "would be put back (unpause or stop it first)",
		    container->name);
	if (service != NULL)
		return choose_service(f, container, service, err);
	if (check_removal(f, container, &removed, err) < 0)
		return -1;
	if (removed)
		return refuse(f, err, "container '%s' was started with --rm: "
		    "a stop would remove it (stop it first)",
		    container->name);
	add(f, QUIESCE_STOP, container, NULL);
	return 0;
}

int
putback_users_find(const struct options *options,
    const struct inventory *inventory, const struct putback_use *what,
    size_t n, struct putback_users *ret, struct strlist *problems,
    struct err *err)
{
	CLEANUP(putback_users_free) struct putback_users users =
	    PUTBACK_USERS_INIT;
	struct finding f = { options, inventory, what, n, &users, problems };
	size_t i;

	users.v = calloc(inventory->containers.n + 1, sizeof *users.v);
	if (users.v == NULL)
		return err_nomem(err);
	for (i = 0; i < inventory->containers.n; i++) {
		const struct container *c = &inventory->containers.v[i];

		if (c->running && strmap_get(&c->labels, LABEL_HELPER) == NULL &&
		    uses_any(&f, c) && choose_container(&f, c, err) < 0)
			return -1;
	}
	*ret = users;
	users = (struct putback_users)PUTBACK_USERS_INIT;
	return 0;
}

void
putback_users_free(struct putback_users *users)
{
	free(users->v);
	*users = (struct putback_users)PUTBACK_USERS_INIT;
}
