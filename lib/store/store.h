/*
 * store: a place that keeps archives; a table of operations.
 *
 *     store_local_new, store_s3_new
 *     store_check, store_sweep        before anything is stopped
 *     store_spool, write to it,
 *     store_publish                   for the store that has the spool file
 *     store_put                       for every other one, on a thread of its
 *                                     own, reading behind the spool
 *     store_put_small, store_get_small    the metadata
 *     store_get                       to verify and to restore
 *     store_link_latest
 *     store_list, store_remove        for pruning
 *     store_free
 *
 * An archive appears under its name only when it is complete and confirmed by
 * the store. A name that carries a time is never replaced. A store is a flat
 * place: names have no slash, and what lies deeper is none of its business.
 * A struct store belongs to one thread at a time.
 */
#ifndef LIB_STORE_STORE_H
#define LIB_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/base/tempfile.h"

struct store;

enum store_put_mode {
	STORE_NEW,	/* an object of that name is an error, ERR_EXISTS */
	STORE_REPLACE	/* it is replaced, atomically */
};

/* store_label: "local '/archive'", for messages; valid as long as the store. */
const char *store_label(const struct store *store);

/* store_check: is it there, may we write, is there room for need_bytes?
 * Fails: ERR_NOTFOUND, ERR_NOSPACE, ERR_SYSTEM; for S3 also ERR_REFUSED (the
 * store's own code and message), ERR_UNREACHABLE, ERR_TIMEOUT. */
MUST_CHECK int store_check(struct store *store, uint64_t need_bytes,
    struct err *err);

/* store_sweep: remove what dead runs left: temporary files that nobody holds;
 * for S3, uploads begun more than a day ago for a name that is ours. *ret_n:
 * how many. */
MUST_CHECK int store_sweep(struct store *store,
    bool (*ours)(void *cookie, const char *name), void *cookie,
    size_t *ret_n, struct err *err);

/* store_has: *ret: is there an object of that name? */
MUST_CHECK int store_has(struct store *store, const char *name, bool *ret,
    struct err *err);

/* store_spool: a temporary file that store_publish publishes without a copy.
 * Fails: ERR_SYSTEM also where this kind of store has none. */
MUST_CHECK int store_spool(struct store *store, struct tempfile *ret,
    struct err *err);

/* store_publish: the finished spool file, of this store, becomes the archive.
 * The same bytes, confirmed by their number, are under that name on success. */
MUST_CHECK int store_publish(struct store *store, const char *name,
    enum store_put_mode mode, struct tempfile *spool, uint64_t bytes,
    struct err *err);

/*
 * store_stream: the archive while it is being made, for stores that read
 * behind. Filled in by whoever has the spool; calls may come from several
 * threads at once.
 */
struct store_stream {
	/* Until the first `upto` bytes are there, or the end is known. *ret_have:
	 * bytes that are there; *ret_end: they are all, and the archive is
	 * good. Fails with ERR_STREAM when there will be no archive, and with
	 * ERR_INTERRUPTED. */
	int (*wait)(void *cookie, uint64_t upto, uint64_t *ret_have,
	    bool *ret_end, struct err *err);
	/* n bytes at offset, which are there and were not released. */
	int (*read)(void *cookie, uint64_t offset, void *bytes, size_t n,
	    struct err *err);
	/* What lies before this offset is not needed by this store again. */
	void (*release)(void *cookie, uint64_t before);
	/* Bytes that may be kept unreleased: a spool in memory has bounds.
	 * UINT64_MAX for a file. */
	uint64_t window_bytes;
	void *cookie;
};

/*
 * store_put: store what the stream gives, under that name.
 *
 * Promise  when it returns 0 the store has confirmed size and content; when
 *          it fails nothing is left, neither an archive nor parts of one, as
 *          far as the store can be reached
 * Fails    ERR_EXISTS with STORE_NEW; ERR_STREAM, ERR_INTERRUPTED, ERR_NOSPACE,
 *          ERR_REFUSED, ERR_UNREACHABLE, ERR_TIMEOUT, ERR_PROTOCOL
 */
MUST_CHECK int store_put(struct store *store, const char *name,
    enum store_put_mode mode, const struct store_stream *stream,
    struct err *err);

/* store_put_small: a small document, replaced if it is there. */
MUST_CHECK int store_put_small(struct store *store, const char *name,
    const void *bytes, size_t n, struct err *err);

/* store_get_small: a document of that name; *ret is NUL-terminated, caller
 * frees. Fails: ERR_NOTFOUND; ERR_PROTOCOL it is larger than max. */
MUST_CHECK int store_get_small(struct store *store, const char *name,
    size_t max, char **ret, size_t *ret_n, struct err *err);

/* Takes n bytes of an object; -1 ends store_get with that error. */
typedef int store_get_fn(void *cookie, const void *bytes, size_t n,
    struct err *err);

/*
 * store_get: a whole object, of any size, to write: every byte once and in
 * order, in pieces of some MiB at the most, which is all that is held of it.
 * What breaks on the way is asked for again from where it broke.
 *
 * Promise  when it returns 0, write had as many bytes as the store said at the
 *          beginning that there are, all of one and the same object; when it
 *          fails, write may have had some of them
 * Fails    ERR_NOTFOUND it is not there, or it was removed meanwhile;
 *          ERR_PROTOCOL it was replaced, cut or changed meanwhile, or is no
 *          regular file; ERR_INTERRUPTED; ERR_SYSTEM, and for S3 ERR_REFUSED,
 *          ERR_UNREACHABLE, ERR_TIMEOUT; whatever write failed with
 */
MUST_CHECK int store_get(struct store *store, const char *name,
    store_get_fn *write, void *cookie, struct err *err);

/* store_link_latest: the symbolic link leads to name, replaced atomically. A
 * file of that name which is no symbolic link is an error, not replaced. In a
 * kind of store that has no links (S3) it is a success that does nothing. */
MUST_CHECK int store_link_latest(struct store *store, const char *link,
    const char *name, struct err *err);

struct store_entry {
	char *name;
	uint64_t bytes;
	time_t modified;	/* UTC epoch, as the store says */
};

struct store_list {
	struct store_entry *v;	/* sorted by name */
	size_t n;
};

#define STORE_LIST_INIT { NULL, 0 }

/* store_list: every regular file or object right in the store; no directories,
 * no symbolic links, no hidden files. */
MUST_CHECK int store_list(struct store *store, struct store_list *ret,
    struct err *err);
void store_list_free(struct store_list *list);	/* for CLEANUP */

/* store_remove: remove these; one that is not there is a success. Goes on after
 * a failure. *failed: a message "'NAME': why" for each that could not be
 * removed, appended. Fails: ERR_NOMEM, or the store cannot be reached. */
MUST_CHECK int store_remove(struct store *store, const struct strlist *names,
    struct strlist *failed, struct err *err);

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


enum s3_style { S3_STYLE_AUTO, S3_STYLE_PATH, S3_STYLE_VIRTUAL };

struct store_s3_settings {	/* borrowed during store_s3_new only */
	const char *bucket;
	const char *path;		/* key prefix, a "directory"; NULL: none.
					 * Slashes at both ends are ignored */
	const char *endpoint;		/* host[:port]; NULL: s3.amazonaws.com, or
					 * s3.REGION.amazonaws.com */
	const char *proto;		/* "https" or "http" */
	bool insecure;			/* no certificate check; https only */
	const char *ca_cert;		/* PEM text or a path, added to the
					 * system's roots; NULL: none */
	const char *region;		/* NULL: us-east-1 */
	enum s3_style style;		/* AUTO: virtual-host style at AWS, path
					 * style elsewhere */
	const char *access_key;		/* static keys, or all NULL */
	const char *secret_key;
	const char *session_token;
	const char *role_endpoint;	/* AWS_IAM_ROLE_ENDPOINT; NULL */
	const char *storage_class;
	const char *encryption;		/* x-amz-server-side-encryption; NULL */
	const char *encryption_key;	/* ...-aws-kms-key-id; NULL */
	const struct strlist *metadata;	/* "name=value" */
	uint64_t part_bytes;		/* 0: as it fits */
	unsigned parallel;		/* parts under way at once; 0: 3 */
	uint64_t rate_bytes_s;		/* of the whole store; 0: no limit */
	double retry_s;			/* keep trying a part for so long */
};

/* Fails: ERR_CONFIG what the settings alone tell: insecure without https, half
 * a key pair, no key and no role, a malformed endpoint, a part size under 5 MiB
 * or over 5 GiB, a CA that is no PEM. */
MUST_CHECK int store_s3_new(const struct store_s3_settings *settings,
    struct store **ret, struct err *err);

#endif
