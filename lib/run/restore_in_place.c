/*
 * In place: under the lock, with a guardian, by putback.h. The archive was
 * chosen and its passphrase asked for before: nobody waits for an answer with
 * the lock in his hands.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/intr.h"
#include "lib/base/log.h"
#include "lib/config/problems.h"
#include "lib/run/guardian.h"
#include "lib/run/inventory.h"
#include "lib/run/ledger.h"
#include "lib/run/lock.h"
#include "lib/run/putback.h"
#include "lib/run/recover.h"
#include "lib/run/restore_look.h"
#include "lib/run/restoring.h"

#define NS_PER_S 1e9

struct in_place {
	struct lock lock;	/* not of a dry run */
	struct guardian guardian;
	struct inventory inventory;
	bool owed;		/* somebody is not back */
};

#define IN_PLACE_NONE { LOCK_NONE, GUARDIAN_NONE, INVENTORY_INIT, false }

static void
in_place_end(struct in_place *p)
{
	inventory_free(&p->inventory);
	guardian_dismiss(&p->guardian);
	lock_release(&p->lock);
}

/* --- what goes where ----------------------------------------------------- */

struct places {
	struct putback_want *v;
	char **members;		/* of the sources: v borrows them */
	size_t n;
};

static void
places_free(struct places *places)
{
	size_t i;

	for (i = 0; places->members != NULL && i < places->n; i++)
		free(places->members[i]);
	free(places->members);
	free(places->v);
}

static int
places_new(struct places *places, size_t n, struct err *err)
{
	places->v = calloc(n + 1, sizeof *places->v);
	places->members = calloc(n + 1, sizeof *places->members);
	if (places->v == NULL || places->members == NULL)
		return err_nomem(err);
	places->n = n;
	return 0;
}

/* The source that is called so in the archive; NULL. */
static int
find_source(const struct metadata *metadata, const char *member,
    const struct metadata_source **ret, struct err *err)
{
	size_t i;

	*ret = NULL;
	for (i = 0; metadata != NULL && i < metadata->n_sources &&
	    *ret == NULL; i++) {
		CLEANUP(cleanup_free) char *its = NULL;

		if (restore_source_member(&metadata->sources[i], &its,
		    err) < 0)
			return -1;
		if (metadata->sources[i].name != NULL &&
		    strcmp(its, member) == 0)
			*ret = &metadata->sources[i];
	}
	return 0;
}

static int
place_wants(const struct restoring *r, struct places *places, struct err *err)
{
	size_t i;

	if (places_new(places, r->wants.n, err) < 0)
		return -1;
	for (i = 0; i < r->wants.n; i++) {
		const struct restore_want *want = &r->wants.v[i];
		struct putback_want *place = &places->v[i];

		place->volume = want->volume;
		place->member = restore_wants_member(&r->wants, want);
		if (find_source(r->source.metadata, place->member,
		    &place->source, err) < 0)
			return -1;
	}
	return 0;
}

/* Where nothing is named: every source of the metadata. */
static int
place_sources(const struct restoring *r, struct places *places,
    struct err *err)
{
	const struct metadata *metadata = r->source.metadata;
	size_t i;

	if (metadata == NULL || metadata->n_sources == 0)
		return err_set(err, ERR_CONFIG, "'%s' has no metadata that "
		    "says what was in it (name each volume: --volume "
		    "NAME=MEMBER)", r->source.entry->name);
	if (places_new(places, metadata->n_sources, err) < 0)
		return -1;
	for (i = 0; i < metadata->n_sources; i++) {
		const struct metadata_source *source = &metadata->sources[i];
		struct putback_want *place = &places->v[i];

		if (restore_source_member(source, &places->members[i],
		    err) < 0)
			return -1;
		place->volume = source->name;
		place->path = source->name == NULL ? source->path : NULL;
		place->member = places->members[i];
		place->source = source;
	}
	return 0;
}

/* --- one attempt --------------------------------------------------------- */

static void
tell(void *cookie, const char *message)
{
	const struct restoring *r = cookie;

	r->settings->tell(r->settings->cookie, message);
}

static int
stream(void *cookie, int (*sink)(void *sink_cookie, struct chan *in,
    struct err *err), void *sink_cookie, struct err *err)
{
	const struct restoring *r = cookie;

	return restore_source_read(&r->source, sink, sink_cookie, err);
}

/* What is wanted of a dry run's members: what would be put somewhere. */
static int
print(struct restoring *r, const struct putback *putback, struct err *err)
{
	CLEANUP(cleanup_free) char *text = NULL;
	char *line, *rest = NULL;

	if (putback_text(putback, &text, err) < 0)
		return -1;
	for (line = strtok_r(text, "\n", &rest); line != NULL;
	    line = strtok_r(NULL, "\n", &rest))
		tell(r, line);
	return restoring_print(r, err);
}

struct target {
	struct restoring *r;
	struct putback *putback;
};

/* What is wanted is noted as found. */
static int
place(void *cookie, const char *name, struct extract_place *ret,
    struct err *err)
{
	const struct target *target = cookie;

	(void)restore_wants_has(&target->r->wants, name);
	return putback_place(target->putback, name, ret, err);
}

/* Where something did not come out of the archive, the old content may be all
 * there is of it. */
static int
put_back(struct restoring *r, struct in_place *p,
    struct putback_settings *settings, struct putback *putback,
    struct err *err)
{
	struct target target = { r, putback };
	uint64_t before = r->result->problems;
	struct putback_result result;
	int rc;

	if (putback_prepare(putback, err) < 0 ||
	    restoring_extract(r, place, &target, false, err) < 0)
		return -1;
	settings->keep_old = settings->keep_old ||
	    r->result->problems != before;
	r->final = true;
	rc = putback_commit(putback, &result, err);
	r->result->problems += result.problems;
	r->result->members += result.members;
	r->result->files += result.files;
	r->result->raw_bytes += result.raw_bytes;
	p->owed = p->owed || result.problems != 0 || rc < 0;
	return rc;
}

#define ARCHIVE_DEFAULT "/archive"

static int
add_store(const struct options *options, struct strlist *ret, struct err *err)
{
	return options->archive_path == NULL ||
	    strlist_has(ret, options->archive_path) ? 0 :
	    strlist_add(ret, options->archive_path, err);
}

/* The directories that keep archives: of all jobs, for no job packs them. */
static int
find_stores(const struct config *config, struct strlist *ret,
    struct err *err)
{
	size_t i;

	if (strlist_add(ret, ARCHIVE_DEFAULT, err) < 0 ||
	    add_store(&config->base, ret, err) < 0)
		return -1;
	for (i = 0; i < config->n_jobs; i++)
		if (add_store(&config->jobs[i].options, ret, err) < 0)
			return -1;
	for (i = 0; i < config->n_stores; i++)
		if (add_store(&config->stores[i].options, ret, err) < 0)
			return -1;
	return 0;
}

static int
attempt(struct restoring *r, void *cookie, struct err *err)
{
	CLEANUP(strlist_free) struct strlist stores = STRLIST_INIT;
	CLEANUP(strlist_free) struct strlist problems = STRLIST_INIT;
	CLEANUP(strlist_free) struct strlist none = STRLIST_INIT;
	CLEANUP(places_free) struct places places = { .n = 0 };
	CLEANUP(putback_freep) struct putback *putback = NULL;
	struct in_place *p = cookie;
	struct putback_settings settings = {
		.options = r->source.options, .inventory = &p->inventory,
		.lock = r->settings->dry_run ? NULL : &p->lock,
		.stores = &stores,
		.keep_old = r->settings->keep_old,
		.overwrite = r->settings->overwrite, .tell = tell,
		.stream = stream, .cookie = r };

	if (find_stores(r->config, &stores, err) < 0 ||
	    (r->wants.n != 0 ? place_wants(r, &places, err) :
	    place_sources(r, &places, err)) < 0 ||
	    putback_new(&settings, places.v, places.n, &putback, &problems,
	    err) < 0 || problems_log(&problems, &none, err) < 0)
		return -1;
	return r->settings->dry_run ? print(r, putback, err) :
	    put_back(r, p, &settings, putback, err);
}

/* --- around all attempts ------------------------------------------------- */

/* As a run does first: what an earlier one left at rest is brought back. */
static int
take_lock(const struct restoring *r, struct in_place *p, struct err *err)
{
	const struct options *options = &r->config->base;
	struct err why = ERR_INIT;
	size_t n = 0;

	if (lock_take(&p->lock, options->lock_directory,
	    (double)options->lock_timeout_ns / NS_PER_S, err) < 0)
		return -1;
	p->owed = recover_settle(options, &p->lock, &n, &why) < 0;
	if (p->owed) {
		log_warning("not all that an earlier run had left at rest "
		    "runs again: %s", why.msg);
		r->result->problems++;
	} else if (n != 0)
		log_warning("all that an earlier run had left at rest runs "
		    "again");
	return intr_check(err);
}

static int
start_guardian(const struct restoring *r, struct in_place *p,
    struct err *err)
{
	const struct options *options = &r->config->base;
	const struct engine_settings docker = inventory_docker(options);

	return p->inventory.engine == NULL ? 0 : guardian_start(&p->guardian,
	    p->lock.fd, &docker, (double)options->resume_retry_ns / NS_PER_S,
	    err);
}

/* Once more, before the guardian goes; where all are back nobody shall start
 * again what is stopped by hand later. */
static void
settle(const struct restoring *r, const struct in_place *p)
{
	struct err why = ERR_INIT;
	size_t n = 0;

	if (!p->owed) {
		if (ledger_clear(p->lock.fd, &why) < 0)
			log_warning("%s", why.msg);
	} else if (recover_settle(&r->config->base, &p->lock, &n, &why) < 0) {
		log_error("not all that was brought to rest runs again: %s",
		    why.msg);
		r->result->problems++;
	}
}

int
restore_in_place(struct restoring *r, struct err *err)
{
	CLEANUP(in_place_end) struct in_place p = IN_PLACE_NONE;
	bool dry_run = r->settings->dry_run;
	int rc;

	if (!dry_run && take_lock(r, &p, err) < 0)
		return -1;
	if (inventory_take(&r->config->base, &p.inventory, err) < 0 ||
	    (!dry_run && start_guardian(r, &p, err) < 0))
		return -1;
	rc = restoring_each(r, attempt, &p, err);
	if (!dry_run)
		settle(r, &p);
	return rc;
}
