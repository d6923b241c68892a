#include "lib/store/store.h"

#include <stdlib.h>

#include "lib/store/store_ops.h"

const char *
store_label(const struct store *store)
{
	return store->label;
}

/* Every message says which store it speaks of. */
static int
judge(const struct store *store, int rc, struct err *err)
{
	return rc < 0 ? err_add(err, "%s", store->label) : rc;
}

int
store_check(struct store *store, uint64_t need_bytes, struct err *err)
{
	return judge(store, store->ops->check(store, need_bytes, err), err);
}

int
store_has(struct store *store, const char *name, bool *ret, struct err *err)
{
	return judge(store, store->ops->has(store, name, ret, err), err);
}

int
store_spool(struct store *store, struct tempfile *ret, struct err *err)
{
	if (store->ops->spool == NULL)
		return err_set(err, ERR_SYSTEM, "%s: has no spool of its own",
		    store->label);
	return judge(store, store->ops->spool(store, ret, err), err);
}

int
store_put(struct store *store, const char *name, enum store_put_mode mode,
    struct tempfile *spool, uint64_t bytes, struct err *err)
{
	return judge(store, store->ops->put(store, name, mode, spool, bytes,
	    err), err);
}

int
store_put_small(struct store *store, const char *name, const void *bytes,
    size_t n, struct err *err)
{
	return judge(store, store->ops->put_small(store, name, bytes, n, err),
	    err);
}

int
store_link_latest(struct store *store, const char *link, const char *name,
    struct err *err)
{
	return judge(store, store->ops->link_latest(store, link, name, err),
	    err);
}

void
store_free(struct store *store)
{
	if (store == NULL)
		return;
	free(store->label);
	store->ops->free(store);
}

void
store_freep(struct store **store)
{
	store_free(*store);
	*store = NULL;
}
