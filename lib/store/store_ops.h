/*
 * store_ops: what a kind of store brings. For the files of this folder only.
 *
 * A struct store_KIND begins with a struct store. The operations promise what
 * store.h says of the functions of the same names; the prefix of messages, the
 * label, is added by store.c. free frees the whole store, but the label. All
 * are there, but for those that say what NULL means.
 */
#ifndef LIB_STORE_STORE_OPS_H
#define LIB_STORE_STORE_OPS_H

#include "lib/store/store.h"

struct store_ops {
	int (*check)(struct store *store, uint64_t need_bytes,
	    struct err *err);
	int (*sweep)(struct store *store,
	    bool (*ours)(void *cookie, const char *name), void *cookie,
	    size_t *ret_n, struct err *err);
	int (*has)(struct store *store, const char *name, bool *ret,
	    struct err *err);
	int (*spool)(struct store *store, struct tempfile *ret,
	    struct err *err);	/* NULL: it has none of its own */
	int (*publish)(struct store *store, const char *name,
	    enum store_put_mode mode, struct tempfile *spool, uint64_t bytes,
	    struct err *err);	/* NULL with spool */
	int (*put)(struct store *store, const char *name,
	    enum store_put_mode mode, const struct store_stream *stream,
	    struct err *err);
	int (*put_small)(struct store *store, const char *name,
	    const void *bytes, size_t n, struct err *err);
	int (*get_small)(struct store *store, const char *name, size_t max,
	    char **ret, size_t *ret_n, struct err *err);
	int (*get)(struct store *store, const char *name, store_get_fn *write,
	    void *cookie, struct err *err);
	int (*link_latest)(struct store *store, const char *link,
	    const char *name, struct err *err);	/* NULL: it has no links */
	int (*list)(struct store *store, struct store_list *ret,
	    struct err *err);	/* in any order */
	int (*remove)(struct store *store, const struct strlist *names,
	    struct strlist *failed, struct err *err);
	void (*free)(struct store *store);
};

struct store {
	const struct store_ops *ops;
	char *label;	/* owned */
};

#endif
