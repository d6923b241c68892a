/* The metadata of archives: small documents, many of them, and from a network
 * by several threads, each with a store of its own. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/intr.h"
#include "lib/base/log.h"
#include "lib/run/catalogue.h"
#include "lib/store/name.h"

#define READERS_MAX 8
#define DOCUMENTS_EACH 4	/* a thread less is not worth it */

struct reading {		/* of one store */
	const struct store_plan *plan;
	struct catalogue_entry **entries;
	size_t n;
	atomic_size_t next;
	atomic_bool stop;
	pthread_mutex_t mutex;
	struct err err;		/* under the mutex: why it stopped */
};

static int
get(struct store *store, const char *archive, char **ret, size_t *ret_n,
    struct err *err)
{
	CLEANUP(cleanup_free) char *name = NULL;

	if (str_format(&name, err, "%s%s", archive, NAME_METADATA_SUFFIX) < 0)
		return -1;
	return store_get_small(store, name, CATALOGUE_METADATA_BYTES_MAX, ret,
	    ret_n, err);
}

/* An error that the next document would have, too. */
static bool
ends_it(enum err_kind kind)
{
	return kind == ERR_UNREACHABLE || kind == ERR_TIMEOUT ||
	    kind == ERR_REFUSED || kind == ERR_INTERRUPTED ||
	    kind == ERR_NOMEM;
}

static int
read_one(struct store *store, struct catalogue_entry *entry, struct err *err)
{
	CLEANUP(cleanup_free) char *text = NULL;
	struct err why = ERR_INIT;
	size_t n;

	if (get(store, entry->name, &text, &n, &why) == 0 &&
	    catalogue_learn(entry, text, n, &why) == 0) {
		entry->read = true;
		return 0;
	}
	if (ends_it(why.kind)) {
		*err = why;
		return -1;
	}
	entry->read = true;
	if (why.kind == ERR_NOTFOUND) {	/* pruned meanwhile */
		entry->has_metadata = false;
		return 0;
	}
	return str_dup(why.msg, &entry->trouble, err);
}

static int
read_some(struct reading *reading, struct err *err)
{
	CLEANUP(store_freep) struct store *store = NULL;
	size_t i;

	if (store_plan_open(reading->plan, &store, err) < 0)
		return -1;
	while (!atomic_load(&reading->stop)) {
		i = atomic_fetch_add(&reading->next, 1);
		if (i >= reading->n)
			break;
		if (intr_check(err) < 0 ||
		    read_one(store, reading->entries[i], err) < 0)
			return -1;
	}
	return 0;
}

static void *
work(void *cookie)
{
	struct reading *reading = cookie;
	struct err err = ERR_INIT;

	if (read_some(reading, &err) == 0)
		return NULL;
	atomic_store(&reading->stop, true);
	(void)pthread_mutex_lock(&reading->mutex);
	if (reading->err.kind == ERR_NONE)
		reading->err = err;
	(void)pthread_mutex_unlock(&reading->mutex);
	return NULL;
}

/* This thread works as well, so that a thread that cannot be started is no
 * failure. */
static void
run_threads(struct reading *reading)
{
	pthread_t threads[READERS_MAX];
	size_t most = reading->n / DOCUMENTS_EACH, n = 0, i;

	if (reading->plan->kind == STORE_KIND_LOCAL)
		most = 0;
	while (n < most && n < READERS_MAX - 1 &&
	    pthread_create(&threads[n], NULL, work, reading) == 0)
		n++;
	(void)work(reading);
	for (i = 0; i < n; i++)
		(void)pthread_join(threads[i], NULL);
}

static void
warn(const struct catalogue_store *store, const struct reading *reading)
{
	size_t i;

	for (i = 0; i < reading->n; i++)
		if (reading->entries[i]->trouble != NULL)
			log_warning("'%s' in '%s': its metadata cannot be "
			    "used: %s", reading->entries[i]->name,
			    store->plan->place, reading->entries[i]->trouble);
}

static int
read_store(struct catalogue *c, size_t store, struct err *err)
{
	struct catalogue_store *of = &c->stores[store];
	struct reading reading = { .plan = of->plan,
		.mutex = PTHREAD_MUTEX_INITIALIZER };
	CLEANUP(cleanup_free) struct catalogue_entry **entries =
	    calloc(c->n + 1, sizeof *entries);
	size_t i;

	if (entries == NULL)
		return err_nomem(err);
	reading.entries = entries;
	for (i = 0; i < c->n; i++) {
		struct catalogue_entry *entry = &c->entries[i];

		if (entry->store == store && entry->wanted && !entry->read &&
		    entry->has_metadata)
			entries[reading.n++] = entry;
	}
	if (reading.n == 0 || of->err.kind != ERR_NONE)
		return 0;
	run_threads(&reading);
	(void)pthread_mutex_destroy(&reading.mutex);
	warn(of, &reading);
	if (reading.err.kind == ERR_NOMEM ||
	    reading.err.kind == ERR_INTERRUPTED) {
		*err = reading.err;
		return -1;
	}
	of->err = reading.err;
	return 0;
}

void
catalogue_want_all(struct catalogue *c)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		c->entries[i].wanted = true;
}

int
catalogue_read(struct catalogue *c, struct err *err)
{
	size_t i;

	for (i = 0; i < c->n_stores; i++)
		if (read_store(c, i, err) < 0)
			return -1;
	catalogue_sort(c);
	return 0;
}

/* --- the newest ---------------------------------------------------------- */

struct group {
	size_t store;
	const char *job;	/* borrowed; NULL: not known */
	size_t n;
};

static bool
is_of(const struct group *group, const struct catalogue_entry *entry)
{
	if (group->store != entry->store)
		return false;
	if (group->job == NULL || entry->job == NULL)
		return group->job == entry->job;
	return strcmp(group->job, entry->job) == 0;
}

/* Counts the entry in its group, and says how many newer ones that had. */
static size_t
count(struct group *groups, size_t *n_groups,
    const struct catalogue_entry *entry)
{
	size_t i;

	for (i = 0; i < *n_groups && !is_of(&groups[i], entry); i++)
		;
	if (i == *n_groups)
		groups[(*n_groups)++] = (struct group){ entry->store,
			entry->job, 0 };
	return groups[i].n++;
}

/* How many more documents it takes. */
static int
want_newest(struct catalogue *c, size_t depth, size_t *ret, struct err *err)
{
	CLEANUP(cleanup_free) struct group *groups =
	    calloc(c->n + 1, sizeof *groups);
	size_t n_groups = 0, i;

	if (groups == NULL)
		return err_nomem(err);
	*ret = 0;
	for (i = 0; i < c->n; i++) {
		struct catalogue_entry *entry = &c->entries[i];
		bool told = entry->job != NULL &&
		    entry->time_from != CATALOGUE_BY_STORE;

		entry->wanted = (count(groups, &n_groups, entry) < depth ||
		    !told) && entry->has_metadata && !entry->read &&
		    c->stores[entry->store].err.kind == ERR_NONE;
		*ret += entry->wanted;
	}
	return 0;
}

/* What is read may turn out to be another job's, or older: look again. */
int
catalogue_settle(struct catalogue *c, size_t depth, struct err *err)
{
	size_t n;

	do {
		if (want_newest(c, depth, &n, err) < 0 ||
		    (n != 0 && catalogue_read(c, err) < 0))
			return -1;
	} while (n != 0);
	return 0;
}

int
catalogue_document(const struct catalogue *c,
    const struct catalogue_entry *entry, char **ret, size_t *ret_n,
    struct err *err)
{
	CLEANUP(store_freep) struct store *store = NULL;

	if (store_plan_open(c->stores[entry->store].plan, &store, err) < 0)
		return -1;
	return get(store, entry->name, ret, ret_n, err);
}
