#define _GNU_SOURCE
#include "lib/run/reach.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/docker/engine_archive.h"
#include "lib/run/mounts.h"
#include "lib/run/targets.h"

/* --- choose -------------------------------------------------------------- */

static const struct mount *
mount_of(const struct container *container, const char *volume)
{
	size_t i;

	for (i = 0; i < container->n_mounts; i++)
		if (strcmp(container->mounts[i].name, volume) == 0)
			return &container->mounts[i];
	return NULL;
}

/* Does somebody use it who runs on while it is read? */
static bool
is_in_use(const struct inventory *inventory, const struct job *job,
    const char *volume)
{
	size_t i;

	for (i = 0; i < inventory->containers.n; i++) {
		const struct container *c = &inventory->containers.v[i];

		if (c->running && mount_of(c, volume) != NULL &&
		    !targets_stop(job, c))
			return true;
	}
	return false;
}

static bool
option_is(const struct volume *volume, const char *name, const char *value)
{
	const char *has = strmap_get(&volume->options, name);

	return has != NULL && strcmp(has, value) == 0;
}

static bool
is_mounted_on_use(const struct volume *volume)
{
	return strcmp(volume->driver, "local") != 0 ||
	    strmap_get(&volume->options, "device") != NULL ||
	    strmap_get(&volume->options, "type") != NULL;
}

static bool
is_elsewhere(const struct options *options)
{
	return options->docker_host != NULL &&
	    strncmp(options->docker_host, "unix://", 7) != 0;
}

static bool
is_readable_here(const struct options *options, const struct volume *volume)
{
	return options->volume_access == ACCESS_AUTO &&
	    !is_elsewhere(options) && file_is_dir(volume->mountpoint) &&
	    access(volume->mountpoint, R_OK | X_OK) == 0;
}

bool
reach_is_directory(const struct options *options, const struct volume *volume)
{
	return is_readable_here(options, volume) && !is_mounted_on_use(volume);
}

/* A task's container is gone when its service is scaled; a helper is one that
 * an earlier run left, and is removed before anything is read. */
static const struct container *
find_container(const struct inventory *inventory, const struct job *job,
    const char *volume)
{
	size_t i;

	for (i = 0; i < inventory->containers.n; i++) {
		const struct container *c = &inventory->containers.v[i];

		if (mount_of(c, volume) != NULL &&
		    strmap_get(&c->labels, LABEL_HELPER) == NULL &&
		    (!targets_stop(job, c) ||
		    strmap_get(&c->labels, LABEL_SERVICE_ID) == NULL))
			return c;
	}
	return NULL;
}

static int
choose_helper(const struct inventory *inventory, struct job *job,
    const struct volume *volume, struct strlist *problems, struct err *err)
{
	if (job->helper_image != NULL ||
	    engine_any_image(inventory->engine, &job->helper_image, err) == 0)
		return 0;
	if (err->kind != ERR_NOTFOUND && err->kind != ERR_REFUSED)
		return -1;
	*err = (struct err)ERR_INIT;
	return strlist_addf(problems, err, "volume '%s' can be read through "
	    "the Engine only, no container has it, and there is no image to "
	    "make one from", volume->name);
}

static int
choose_one(const struct inventory *inventory, struct job *job,
    struct source *source, const struct strlist *mounts,
    struct strlist *problems, struct err *err)
{
	const struct volume *volume = source->volume;
	bool in_use = is_in_use(inventory, job, volume->name);

	if (strcmp(volume->driver, "local") == 0 &&
	    option_is(volume, "type", "tmpfs") && !in_use)
		return strlist_addf(problems, err, "volume '%s' is a tmpfs: "
		    "there is nothing in it while none of its containers runs "
		    "(label them vbackup.quiesce=pause, or leave it out)",
		    volume->name);
	if (is_readable_here(job->options, volume) && (!is_mounted_on_use(volume) ||
	    (in_use && mounts_has(mounts, volume->mountpoint))))
		return 0;
	source->through_engine = true;
	source->through = find_container(inventory, job, volume->name);
	return source->through != NULL ? 0 :
	    choose_helper(inventory, job, volume, problems, err);
}

int
reach_choose(const struct inventory *inventory, struct job *job,
    struct strlist *problems, struct err *err)
{
	CLEANUP(strlist_free) struct strlist mounts = STRLIST_INIT;
	size_t i;

	if (mounts_read(&mounts, err) < 0)
		return -1;
	for (i = 0; i < job->sources.n; i++)
		if (job->sources.v[i].volume != NULL &&
		    choose_one(inventory, job, &job->sources.v[i], &mounts,
		    problems, err) < 0)
			return -1;
	return 0;
}

/* --- fetch --------------------------------------------------------------- */

#define HOST_BYTES 41

static void
this_host(char ret[HOST_BYTES])
{
	*ret = '\0';
	(void)gethostname(ret, HOST_BYTES - 1);
	ret[HOST_BYTES - 1] = '\0';
}

void
reach_owner(char ret[REACH_OWNER_BYTES])
{
	char host[HOST_BYTES];

	this_host(host);
	(void)snprintf(ret, REACH_OWNER_BYTES, "%ld@%s", (long)getpid(), host);
}

bool
reach_is_stale(const char *owner)
{
	char host[HOST_BYTES];
	char *end;
	long pid;

	if (owner == NULL)
		return false;
	this_host(host);
	pid = strtol(owner, &end, 10);
	return pid > 0 && *end == '@' && strcmp(end + 1, host) == 0 &&
	    (pid == getpid() || (kill((pid_t)pid, 0) < 0 && errno == ESRCH));
}

void
reach_sweep(const struct inventory *inventory)
{
	size_t i;

	for (i = 0; i < inventory->containers.n; i++) {
		const struct container *c = &inventory->containers.v[i];
		struct err err = ERR_INIT;

		if (!reach_is_stale(strmap_get(&c->labels, LABEL_HELPER)))
			continue;
		if (engine_remove(inventory->engine, c->id, &err) < 0)
			log_warning("cannot remove a helper container of an "
			    "earlier run: %s", err.msg);
		else
			log_info("removed helper container '%s' of an "
			    "earlier run", c->name);
	}
}

int
reach_check(const struct job *job, bool quiesced, struct err *err)
{
	CLEANUP(strlist_free) struct strlist mounts = STRLIST_INIT;
	size_t i;

	for (i = 0; i < job->sources.n; i++) {
		const struct source *source = &job->sources.v[i];

		if (source->volume == NULL || source->through_engine ||
		    source->quiesced != quiesced ||
		    !is_mounted_on_use(source->volume))
			continue;
		if (mounts.n == 0 && mounts_read(&mounts, err) < 0)
			return -1;
		if (!mounts_has(&mounts, source->volume->mountpoint))
			return err_set(err, ERR_SOURCE, "volume '%s' is not "
			    "mounted on '%s' any more: its last container has "
			    "stopped", source->name,
			    source->volume->mountpoint);
	}
	return 0;
}

static int
fetch_from_container(struct engine *engine, const struct source *source,
    int (*write)(void *, const void *, size_t, struct err *),
    void *write_cookie, struct err *err)
{
	const struct mount *mount = mount_of(source->through, source->name);

	return engine_archive(engine, source->through->id, mount->destination,
	    write, write_cookie, err);
}

/* What cannot be removed now, the next run removes. */
static int
fetch_from_helper(struct engine *engine, const struct reach *reach,
    int (*write)(void *, const void *, size_t, struct err *),
    void *write_cookie, struct err *err)
{
	CLEANUP(cleanup_free) char *id = NULL;
	struct err why = ERR_INIT;
	int rc;

	if (engine_helper(engine, reach->helper_image, reach->source->name,
	    reach->owner, false, &id, err) < 0)
		return -1;
	rc = engine_archive(engine, id, ENGINE_HELPER_TARGET, write, write_cookie,
	    err);
	if (engine_remove(engine, id, &why) < 0)
		log_warning("cannot remove our helper container: %s",
		    why.msg);
	return rc;
}

int
reach_fetch(void *cookie,
    int (*write)(void *write_cookie, const void *bytes, size_t n,
    struct err *err), void *write_cookie, struct err *err)
{
	const struct reach *reach = cookie;
	CLEANUP(engine_freep) struct engine *engine = NULL;
	int rc;

	if (engine_open(reach->docker, &engine, err) < 0)
		return -1;
	rc = reach->source->through != NULL ?
	    fetch_from_container(engine, reach->source, write, write_cookie,
	    err) :
	    fetch_from_helper(engine, reach, write, write_cookie, err);
	return rc == 0 ? 0 : err_add(err, "volume '%s'",
	    reach->source->name);
}
