/*
 * stores: the stores of one job at work, side by side.
 *
 *     stores_open     each of them: there, writable, room, the name is free
 *     stores_spool    where the stream ends, and is read behind
 *     stores_begin    a thread for each store that reads behind
 *     (the flow)
 *     stores_finish   there is an archive, or none: waits for all of them
 *     stores_close
 *
 * The spool file is the temporary file of the first directory that keeps
 * archives: then storing there is a rename. Without one it lies in a directory
 * of its own; with spool = none nothing is written to a disk but by the stores.
 * A store that fails keeps no other from its archive; but where the directory
 * that has the spool file fails in the middle of the stream, there is none.
 */
#ifndef LIB_RUN_STORES_H
#define LIB_RUN_STORES_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/tempfile.h"
#include "lib/report/report.h"
#include "lib/run/meter.h"
#include "lib/run/plan.h"
#include "lib/store/store.h"
#include "lib/stream/overflow.h"
#include "lib/stream/spool.h"

struct stores_slot {
	const struct store_plan *plan;
	struct store *store;		/* NULL: cannot be used */
	struct report_store *report;
	struct spool_reader *reader;	/* NULL: it publishes the spool file */
	struct stores *stores;
	struct store_stream stream;
	enum store_put_mode mode;
	const char *archive_name;
	pthread_t thread;
	bool started;
	int rc;
	atomic_ullong sent;		/* bytes that it is done with */
	struct meter meter;		/* of them */
};

struct stores {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool going;		/* under the mutex: they may read */
	const struct job *job;
	struct stores_slot *slots;
	size_t n;
	struct store *spool_store;	/* a directory that only has the spool
					 * file; owned; NULL: one of slots */
	struct stores_slot *publisher;	/* has the spool file; NULL: none */
	struct tempfile spool_file;
	struct spool *spool;
};

/* Where the spool file is if no directory keeps archives, nor is one set. */
#define SPOOL_DIRECTORY "/var/tmp"

#define STORES_INIT { .mutex = PTHREAD_MUTEX_INITIALIZER,		\
	.changed = PTHREAD_COND_INITIALIZER, .spool_file = TEMPFILE_NONE }

/*
 * stores_open: open and look at every store of the job.
 *
 * Takes    raw_bytes: what will be read, for the check of the room; report: of
 *          the job, with its stores
 * Gives    a failure of one store in its place in the report
 * Fails    the first store's error, if none can be used
 */
MUST_CHECK int stores_open(struct stores *stores, const struct job *job,
    uint64_t raw_bytes, struct report_job *report, struct err *err);

/* stores_spool: make the spool. Fails: ERR_NOSPACE, ERR_SYSTEM, ERR_NOMEM. */
MUST_CHECK int stores_spool(struct stores *stores, uint64_t raw_bytes,
    struct err *err);

/* stores_overflow: a file beside the spool file for what is read in a window
 * faster than it is compressed; the caller frees *ret. NULL where nothing may be
 * written (spool = none), and where the disk may have no room for it beside
 * the archive. Never more than half of the room that is left over. */
MUST_CHECK int stores_overflow(const struct stores *stores, uint64_t raw_bytes,
    struct overflow **ret, struct err *err);

/* stores_begin: start those that read behind. A thread that cannot be started
 * is a failure of that store.
 * stores_go: from now on they may read; before, and unless there will be no
 * archive, they wait. */
void stores_begin(struct stores *stores);
void stores_go(struct stores *stores);

/*
 * stores_finish: the spool holds the archive (good, of so many bytes), or it
 * does not; wait for every store. Must be called after stores_begin.
 *
 * Gives    who has it, in the report; where none has a good archive the spool
 *          file is kept, if it may be, and named in the log
 * Fails    good, but no store has it: the first store's error
 */
MUST_CHECK int stores_finish(struct stores *stores, bool good,
    uint64_t bytes, struct err *err);
void stores_close(struct stores *stores);	/* for CLEANUP */

#endif
