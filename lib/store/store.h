/*
 * store: a place that keeps archives; a table of operations.
 *
 *     store_local_new (later store_s3_new ...)
 *     store_check                     before anything is stopped
 *     store_spool, write to it        if the store has a spool of its own
 *     store_put, store_put_small      the archive, then its metadata
 *     store_link_latest
 *     store_free
 *
 * An archive appears under its name only when it is complete and on the disk.
 * A name that carries a time is never replaced.
 */
#ifndef LIB_STORE_STORE_H
#define LIB_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/tempfile.h"

struct store;

enum store_put_mode {
	STORE_NEW,	/* an object of that name is an error, ERR_EXISTS */
	STORE_REPLACE	/* it is replaced, atomically */
};

/* store_label: "local '/archive'", for messages; valid as long as the store. */
const char *store_label(const struct store *store);

/* store_check: is it there, may we write, is there room for need_bytes? Sweeps
 * what dead runs left. Fails: ERR_NOTFOUND, ERR_NOSPACE, ERR_SYSTEM. */
MUST_CHECK int store_check(struct store *store, uint64_t need_bytes,
    struct err *err);

/* store_has: *ret: is there an object of that name? */
MUST_CHECK int store_has(struct store *store, const char *name, bool *ret,
    struct err *err);

/* store_spool: a temporary file that store_put publishes without a copy. */
MUST_CHECK int store_spool(struct store *store, struct tempfile *ret,
    struct err *err);

/* store_put: the finished spool file becomes the archive. The same bytes,
 * confirmed by their number, are under that name on success. */
MUST_CHECK int store_put(struct store *store, const char *name,
    enum store_put_mode mode, struct tempfile *spool, uint64_t bytes,
    struct err *err);

/* store_put_small: a small document, replaced if it is there. */
MUST_CHECK int store_put_small(struct store *store, const char *name,
    const void *bytes, size_t n, struct err *err);

/* store_link_latest: the symbolic link leads to name, replaced atomically. A
 * file of that name which is no symbolic link is an error, not replaced. */
MUST_CHECK int store_link_latest(struct store *store, const char *link,
    const char *name, struct err *err);

void store_free(struct store *store);
void store_freep(struct store **store);	/* for CLEANUP */

struct store_local_settings {
	const char *path;
	const char *owner;	/* USER, USER:GROUP, :GROUP; NULL: as it comes */
	unsigned mode;		/* of files */
};

/* Fails: ERR_CONFIG path is no directory, or owner is unknown. */
MUST_CHECK int store_local_new(const struct store_local_settings *settings,
    struct store **ret, struct err *err);

#endif
