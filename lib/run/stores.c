#define _GNU_SOURCE
#include "lib/run/stores.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>

#include "lib/base/clock.h"
#include "lib/base/intr.h"
#include "lib/base/log.h"
#include "lib/run/estimate.h"
#include "lib/store/name.h"

#define TICK_NS 200000000L
#define MIB ((uint64_t)1 << 20)
#define RING_BYTES_MIN (64 * MIB)
#define S3_PARTS_MAX 9000	/* of the 10,000: what is read may have grown */

/* --- open ---------------------------------------------------------------- */

static bool
is_ours(void *cookie, const char *name)
{
	const struct job *job = cookie;
	time_t made;

	return name_match(job->pattern, name, &made);
}

/* What cannot be removed does not keep a new archive from being made. */
static void
sweep(const struct job *job, struct store *store)
{
	struct err err = ERR_INIT;
	size_t n;

	if (store_sweep(store, is_ours, (void *)(uintptr_t)job, &n, &err) < 0)
		log_warning("%s", err.msg);
	else if (n != 0)
		log_info("%s: removed %zu unfinished %s of earlier runs",
		    store_label(store), n, n == 1 ? "file" : "files");
}

static int
check_name(const struct job *job, struct store *store, struct err *err)
{
	bool taken;

	if (store_has(store, job->archive_name, &taken, err) < 0)
		return -1;
	if (!taken)
		return 0;
	if (job->name_has_time)
		return err_set(err, ERR_EXISTS, "%s: '%s' is there already, "
		    "and an archive whose name carries a time is never "
		    "replaced", store_label(store), job->archive_name);
	log_info("'%s' has no time in its name: it will be replaced",
	    job->archive_name);
	return 0;
}

/* What is excluded was counted too: then the estimate proves nothing. */
static uint64_t
need_bytes(const struct job *job, uint64_t raw_bytes)
{
	const struct options *o = job->options;

	return o->exclude.n != 0 || o->exclude_regexp != NULL ? 0 :
	    estimate_need(raw_bytes, job->compression);
}

static int
open_slot(struct stores_slot *slot, const struct job *job,
    uint64_t raw_bytes, struct err *err)
{
	CLEANUP(store_freep) struct store *store = NULL;

	if (store_plan_open(slot->plan, &store, err) < 0 ||
	    str_dup(store_label(store), &slot->report->label, err) < 0)
		return -1;
	sweep(job, store);	/* first: it makes room */
	if (store_check(store, need_bytes(job, raw_bytes), err) < 0 ||
	    check_name(job, store, err) < 0)
		return -1;
	slot->store = store;
	store = NULL;
	return 0;
}

int
stores_open(struct stores *stores, const struct job *job, uint64_t raw_bytes,
    struct report_job *report, struct err *err)
{
	const struct store_plan_list *plans = &job->stores;
	struct err first = ERR_INIT;
	size_t usable = 0, i;

	stores->job = job;
	stores->slots = calloc(plans->n + 1, sizeof *stores->slots);
	if (stores->slots == NULL)
		return err_nomem(err);
	stores->n = plans->n;
	for (i = 0; i < plans->n; i++) {
		struct stores_slot *slot = &stores->slots[i];

		*slot = (struct stores_slot){ .plan = &plans->v[i],
			.stores = stores,
			.report = &report->stores[i],
			.archive_name = job->archive_name,
			.mode = job->name_has_time ? STORE_NEW :
			    STORE_REPLACE };
		if (open_slot(slot, job, raw_bytes, &slot->report->err) == 0)
			usable++;
		else if (first.kind == ERR_NONE)
			first = slot->report->err;
	}
	if (usable != 0)
		return intr_check(err);
	*err = first;
	return -1;
}

/* --- the spool ----------------------------------------------------------- */

/* The first directory that gives a temporary file; one that does not cannot be
 * used, and the next is asked. */
static struct stores_slot *
take_publisher(struct stores *stores)
{
	size_t i;

	for (i = 0; i < stores->n; i++) {
		struct stores_slot *slot = &stores->slots[i];

		if (slot->store == NULL ||
		    slot->plan->kind != STORE_KIND_LOCAL)
			continue;
		if (store_spool(slot->store, &stores->spool_file,
		    &slot->report->err) == 0)
			return slot;
		store_free(slot->store);
		slot->store = NULL;
	}
	return NULL;
}

/* Else nothing needs to be stopped and read. */
static bool
any_usable(const struct stores *stores, struct err *err)
{
	size_t i;

	for (i = 0; i < stores->n; i++)
		if (stores->slots[i].store != NULL)
			return true;
	*err = stores->slots[0].report->err;
	return false;
}

/* A ring must hold the parts that a store has under way, and one to come; and
 * parts must be so large that 10,000 of them are enough. */
static uint64_t
ring_bytes(const struct stores *stores, uint64_t raw_bytes)
{
	uint64_t most = RING_BYTES_MIN;
	size_t i;

	for (i = 0; i < stores->n; i++) {
		const struct options *o = stores->slots[i].plan->options;
		uint64_t part = raw_bytes / S3_PARTS_MAX + 1;
		uint64_t ring;

		if (part < (uint64_t)o->s3_part_mib * MIB)
			part = (uint64_t)o->s3_part_mib * MIB;
		ring = part * ((uint64_t)o->s3_parallel + 1);
		if (stores->slots[i].plan->kind == STORE_KIND_S3 &&
		    ring > most)
			most = ring;
	}
	return most;
}

static int
spool_in_own_directory(struct stores *stores, const char *directory,
    uint64_t raw_bytes, struct err *err)
{
	struct store_local_settings settings = { .path = directory,
		.mode = 0600 };

	if (store_local_new(&settings, &stores->spool_store, err) < 0)
		return err_add(err, "backup.spool");
	sweep(stores->job, stores->spool_store);
	if (store_check(stores->spool_store,
	    need_bytes(stores->job, raw_bytes), err) < 0)
		return err_add(err, "backup.spool");
	return store_spool(stores->spool_store, &stores->spool_file, err);
}

int
stores_spool(struct stores *stores, uint64_t raw_bytes, struct err *err)
{
	const char *wanted = stores->job->options->spool;
	struct store *holder;
	struct stores_slot *local;

	if (wanted != NULL && strcmp(wanted, "none") == 0)
		return spool_new_memory(ring_bytes(stores, raw_bytes),
		    &stores->spool, err);
	local = wanted == NULL ? take_publisher(stores) : NULL;
	if (!any_usable(stores, err))
		return -1;
	if (local != NULL) {
		stores->publisher = local;
		holder = local->store;
	} else {
		if (spool_in_own_directory(stores, wanted != NULL ? wanted :
		    SPOOL_DIRECTORY, raw_bytes, err) < 0)
			return -1;
		holder = stores->spool_store;
	}
	return spool_new_file(stores->spool_file.fd, store_label(holder),
	    &stores->spool, err);
}

int
stores_overflow(const struct stores *stores, uint64_t raw_bytes,
    struct overflow **ret, struct err *err)
{
	const char *directory = stores->spool_file.dir;
	struct statvfs fs;
	uint64_t room;

	*ret = NULL;
	if (stores->spool_file.fd < 0)
		return 0;
	if (fstatvfs(stores->spool_file.fd, &fs) < 0)
		return err_sys(err, "cannot ask for the room in '%s'",
		    directory);
	room = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (room <= raw_bytes)
		return 0;
	return overflow_new(directory, (room - raw_bytes) / 2,
	    stores->job->seal != NULL, ret, err);
}

/* --- reading behind ------------------------------------------------------ */

void
stores_go(struct stores *stores)
{
	pthread_mutex_lock(&stores->mutex);
	stores->going = true;
	pthread_cond_broadcast(&stores->changed);
	pthread_mutex_unlock(&stores->mutex);
}

static void
await_go(struct stores *stores)
{
	pthread_mutex_lock(&stores->mutex);
	while (!stores->going)
		pthread_cond_wait(&stores->changed, &stores->mutex);
	pthread_mutex_unlock(&stores->mutex);
}

static int
stream_wait(void *cookie, uint64_t upto, uint64_t *ret_have, bool *ret_end,
    struct err *err)
{
	struct stores_slot *slot = cookie;

	await_go(slot->stores);
	if (spool_wait(slot->reader, upto, ret_have, ret_end, err) < 0)
		return -1;
	return intr_check(err);
}

static int
stream_read(void *cookie, uint64_t offset, void *bytes, size_t n,
    struct err *err)
{
	struct stores_slot *slot = cookie;

	return spool_read(slot->reader, offset, bytes, n, err);
}

static void
stream_release(void *cookie, uint64_t before)
{
	struct stores_slot *slot = cookie;

	atomic_store(&slot->sent, before);
	spool_release(slot->reader, before);
}

static void *
put_thread(void *cookie)
{
	struct stores_slot *slot = cookie;

	slot->rc = store_put(slot->store, slot->archive_name, slot->mode,
	    &slot->stream, &slot->report->err);
	spool_leave(slot->reader);
	return NULL;
}

static int
begin(struct stores *stores, struct stores_slot *slot, struct err *err)
{
	int number;

	if (spool_reader(stores->spool, &slot->reader, err) < 0)
		return -1;
	slot->stream = (struct store_stream){ .wait = stream_wait,
		.read = stream_read, .release = stream_release,
		.window_bytes = spool_window(stores->spool), .cookie = slot };
	slot->meter = meter_begin();
	number = pthread_create(&slot->thread, NULL, put_thread, slot);
	if (number != 0) {
		spool_leave(slot->reader);
		return err_set(err, ERR_SYSTEM, "cannot start a thread for "
		    "%s: %s", slot->report->label, strerror(number));
	}
	slot->started = true;
	return 0;
}

void
stores_begin(struct stores *stores)
{
	size_t i;

	for (i = 0; i < stores->n; i++) {
		struct stores_slot *slot = &stores->slots[i];

		if (slot->store != NULL && slot != stores->publisher &&
		    begin(stores, slot, &slot->report->err) < 0)
			slot->rc = -1;
	}
}

/* --- the end ------------------------------------------------------------- */

static void
join(struct stores_slot *slot, uint64_t bytes)
{
	for (;;) {
		const struct meter_facts facts = {
			.what = slot->report->label,
			.bytes = atomic_load(&slot->sent),
			.all_bytes = bytes };
		struct timespec until;

		(void)clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += TICK_NS;
		if (until.tv_nsec >= 1000000000L) {
			until.tv_sec++;
			until.tv_nsec -= 1000000000L;
		}
		if (pthread_timedjoin_np(slot->thread, NULL, &until) !=
		    ETIMEDOUT)
			break;
		meter_show(&slot->meter, &facts);
	}
	meter_end(&slot->meter);
	slot->started = false;
}

/* The archive is good and nobody has it: it is not thrown away. */
static void
keep_spool(struct stores *stores)
{
	struct err err = ERR_INIT;

	CLEANUP(cleanup_free) char *name = NULL;
	CLEANUP(cleanup_free) char *directory = NULL;

	/* Where the spool is a ring, or publishing it failed, there is none. */
	if (stores->spool_file.fd < 0 || !stores->job->options->spool_keep)
		return;
	if (str_dup(stores->spool_file.dir, &directory, &err) < 0 ||
	    str_format(&name, &err, "kept-%lld-%s", (long long)clock_now(),
	    stores->job->archive_name) < 0 ||
	    tempfile_publish(&stores->spool_file, name, TEMPFILE_NEW,
	    &err) < 0)
		log_warning("cannot keep the spool file: %s", err.msg);
	else
		log_warning("no store has the archive, but it is kept: "
		    "'%s/%s'", directory, name);
}

int
stores_finish(struct stores *stores, bool good, uint64_t bytes,
    struct err *err)
{
	const struct err *first = NULL;
	bool any = false;
	size_t i;

	if (good && stores->publisher != NULL)
		stores->publisher->rc = store_publish(
		    stores->publisher->store, stores->job->archive_name,
		    stores->publisher->mode, &stores->spool_file, bytes,
		    &stores->publisher->report->err);
	spool_end(stores->spool, good);
	stores_go(stores);
	for (i = 0; i < stores->n; i++) {
		struct stores_slot *slot = &stores->slots[i];

		if (slot->started)
			join(slot, bytes);
		slot->report->stored = good && slot->store != NULL &&
		    slot->rc == 0;
		any = any || slot->report->stored;
		if (first == NULL && !slot->report->stored)
			first = &slot->report->err;
	}
	if (!good || any)
		return 0;
	keep_spool(stores);
	*err = *first;
	return -1;
}

void
stores_close(struct stores *stores)
{
	size_t i;

	for (i = 0; i < stores->n; i++)
		store_free(stores->slots[i].store);
	free(stores->slots);
	tempfile_abort(&stores->spool_file);
	store_free(stores->spool_store);
	spool_free(stores->spool);
	*stores = (struct stores)STORES_INIT;
}
