/*
 * s3_store: a store in a bucket, shared by the files that make its operations:
 * s3.c (settings, small objects), s3_get.c (large ones), s3_names.c (lists of
 * them).
 *
 * Objects of the store are those right under its prefix: PREFIX/NAME without
 * another slash. Neighbours, as PREFIX2/NAME, are none of its business.
 */
#ifndef LIB_STORE_S3_STORE_H
#define LIB_STORE_S3_STORE_H

#include <stdint.h>

#include "lib/base/str.h"
#include "lib/store/s3_request.h"
#include "lib/store/store_ops.h"

struct store_s3 {
	struct store store;
	struct s3_client client;
	struct s3_conn conn;	/* of the thread that calls us */
	char *prefix;		/* "path/", or "" */
	struct strlist headers;	/* of archives */
	struct strlist small_headers;	/* of other documents */
	uint64_t part_bytes;
	unsigned parallel;
	uint64_t rate_bytes_s;
	uint64_t get_bytes;	/* of an object that are asked for at once */
};

/* What fits an answer of s3_request.c, and is little enough to hold. */
#define S3_GET_BYTES ((uint64_t)8 << 20)

int s3_store_get(struct store *store, const char *name, store_get_fn *write,
    void *cookie, struct err *err);
int s3_store_list(struct store *store, struct store_list *ret,
    struct err *err);
int s3_store_remove(struct store *store, const struct strlist *names,
    struct strlist *failed, struct err *err);
int s3_store_sweep(struct store *store,
    bool (*ours)(void *cookie, const char *name), void *cookie,
    size_t *ret_n, struct err *err);

#endif
