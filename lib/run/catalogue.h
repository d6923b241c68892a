/*
 * catalogue: every archive in every store of a configuration.
 *
 *     catalogue_open          lists the stores; names tell what they can
 *     catalogue_want_all,
 *     catalogue_read          the metadata of all archives, or
 *     catalogue_settle        only what it takes to know the newest ones
 *     catalogue_keep_jobs
 *     look at entries, the newest first
 *     catalogue_free
 *
 * Asks no Docker Engine and takes no lock, so that it works on a new host where
 * nothing runs. Each place is listed once, also if several jobs share it. A
 * store that cannot be used is an error of that store: the others are listed.
 *
 * An archive is a file whose name ends as ours do (name_suffix_compression,
 * with .gpg or .age behind it, or nothing) or that has metadata beside it. Never
 * metadata, hidden files or links. Who asks for it also gets an entry for
 * metadata whose archive is not there. What docker-volume-backup left is found by
 * its name; its .age archives are shown as such, though nothing here opens them.
 *
 * Metadata is many small requests to a store on a network, and a list is few.
 * So it is read only where it is wanted, and from S3 by several threads. Until
 * then an entry says what its name tells: if a job's pattern made it, the job
 * and the time; else the time that docker-volume-backup's default name tells,
 * or that of the store. Metadata, once read, wins.
 */
#ifndef LIB_RUN_CATALOGUE_H
#define LIB_RUN_CATALOGUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/config/config.h"
#include "lib/run/store_plan.h"
#include "lib/store/metadata.h"
#include "lib/store/store.h"

struct catalogue_job {
	char *name;
	const struct options *options;	/* in the configuration */
	char *pattern;		/* that its names are made from, by time */
	bool tells_day;		/* see name_tells_day */
	bool split;		/* its archives may be those of other jobs,
				 * which only metadata names */
	struct store_plan_list plans;
};

struct catalogue_store {
	const struct store_plan *plan;	/* of the first job that has it */
	size_t *jobs;		/* indices: who has it */
	size_t n_jobs;
	struct err err;		/* ERR_NONE: it was listed */
};

enum catalogue_source { CATALOGUE_BY_STORE, CATALOGUE_BY_NAME,
	CATALOGUE_BY_METADATA };

enum catalogue_seal { CATALOGUE_PLAIN, CATALOGUE_OPENPGP, CATALOGUE_AGE,
	CATALOGUE_SEALED };	/* the last: in a way that we do not know */

enum catalogue_check { CATALOGUE_UNCHECKED, CATALOGUE_AGREES,
	CATALOGUE_DIFFERS };	/* the size, with that of the metadata */

struct catalogue_entry {
	char *name;
	size_t store;		/* index */
	bool missing;		/* only its metadata is there */
	uint64_t bytes;		/* as the store says */
	time_t time;
	enum catalogue_source time_from;
	char *job;		/* NULL: not known */
	enum catalogue_seal seal;
	const char *compression;	/* "gzip", "zstd", "none"; NULL: not
					 * known */
	bool has_metadata;
	bool wanted;		/* its metadata: for catalogue_read */
	bool read;		/* that was tried */
	enum catalogue_check check;
	char *trouble;		/* why its metadata could not be used, or NULL */
};

struct catalogue {
	struct catalogue_job *jobs;
	size_t n_jobs;
	struct catalogue_store *stores;
	size_t n_stores;
	struct catalogue_entry *entries;	/* the newest first */
	size_t n;
	bool take_missing;	/* see catalogue_filter */
};

#define CATALOGUE_INIT { NULL, 0, NULL, 0, NULL, 0, false }
#define CATALOGUE_METADATA_BYTES_MAX ((size_t)4 << 20)

struct catalogue_filter {
	const char *store;	/* name or place; NULL: every store */
	const struct strlist *jobs;	/* empty: all. Where all of them are in
					 * the configuration, other jobs' stores
					 * are not asked */
	bool missing;		/* also archives of which only the metadata is
				 * there */
};

/*
 * catalogue_open: list the stores.
 *
 * Takes    config without problems, borrowed until catalogue_free
 * Gives    *ret; what went wrong with a store is in it
 * Fails    ERR_CONFIG (the problems are logged; no store of that name),
 *          ERR_INTERRUPTED, ERR_NOMEM
 */
MUST_CHECK int catalogue_open(const struct config *config,
    const struct catalogue_filter *filter, struct catalogue *ret,
    struct err *err);
void catalogue_free(struct catalogue *catalogue);	/* for CLEANUP */

/* catalogue_take: what is an archive in this list of one store becomes an
 * entry. Pure. */
MUST_CHECK int catalogue_take(struct catalogue *catalogue, size_t store,
    const struct store_list *list, struct err *err);

/* catalogue_learn: what metadata says. Pure. *entry is untouched on failure.
 * Fails: as metadata_parse. */
MUST_CHECK int catalogue_learn(struct catalogue_entry *entry,
    const char *text, size_t len, struct err *err);

/* catalogue_sort: the newest first; of the same time by name, then in the order
 * of the stores. */
void catalogue_sort(struct catalogue *catalogue);

void catalogue_want_all(struct catalogue *catalogue);

/*
 * catalogue_read: the metadata of the entries that are wanted and were not read;
 * sorts. Metadata that makes no sense is logged as a warning, and the entry
 * stays as it was. A store that stops answering is asked no more, and has its
 * error in its place.
 * Fails    ERR_INTERRUPTED, ERR_NOMEM
 */
MUST_CHECK int catalogue_read(struct catalogue *catalogue, struct err *err);

/* catalogue_settle: read metadata until the newest `depth` archives of each job
 * in each store are known for certain: theirs, and that of every archive whose
 * name tells neither job nor time. */
MUST_CHECK int catalogue_settle(struct catalogue *catalogue, size_t depth,
    struct err *err);

/* catalogue_keep_jobs: drop the entries of other jobs; empty: of none. */
void catalogue_keep_jobs(struct catalogue *catalogue,
    const struct strlist *jobs);

/* catalogue_find: the first entry of that name, in the order of the stores; a
 * path, as run prints it, is cut to its last part. NULL: there is none. */
const struct catalogue_entry *catalogue_find(
    const struct catalogue *catalogue, const char *name);

/* catalogue_latest: the newest archive of a job, or of docker-volume-backup's
 * naming, as catalogue_find; whatever else ends like an archive may be anything.
 * NULL: there is none. Only for what catalogue_settle was called for. */
const struct catalogue_entry *catalogue_latest(
    const struct catalogue *catalogue);

/* catalogue_job_of: the job in the configuration, of those that have the store,
 * whose archive it is, or may be (split); NULL: there is none. Borrowed. */
const struct catalogue_job *catalogue_job_of(
    const struct catalogue *catalogue, const struct catalogue_entry *entry);

/* catalogue_nearest: up to three names that are close to this one or have it in
 * them, the closest first, each once. */
#define CATALOGUE_NEAREST 3
size_t catalogue_nearest(const struct catalogue *catalogue, const char *name,
    const char *ret[CATALOGUE_NEAREST]);

/* catalogue_document: the metadata of an entry as it is stored; caller frees.
 * Fails: as store_get_small. */
MUST_CHECK int catalogue_document(const struct catalogue *catalogue,
    const struct catalogue_entry *entry, char **ret, size_t *ret_n,
    struct err *err);

/* catalogue_exit: EXIT_DONE; EXIT_PROBLEMS, if a store could not be used;
 * EXIT_FAILED, if none could. Logs why, each store in a line. */
enum exit_status catalogue_exit(const struct catalogue *catalogue);

const char *catalogue_seal_word(enum catalogue_seal seal);
const char *catalogue_check_word(enum catalogue_check check);

#endif
