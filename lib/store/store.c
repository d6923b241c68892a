#include "lib/store/store.h"

#include <stdlib.h>
#include <string.h>

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
store_sweep(struct store *store, bool (*ours)(void *cookie, const char *name),
    void *cookie, size_t *ret_n, struct err *err)
{
	return judge(store, store->ops->sweep(store, ours, cookie, ret_n, err),
	    err);
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
store_publish(struct store *store, const char *name, enum store_put_mode mode,
    struct tempfile *spool, uint64_t bytes, struct err *err)
{
	if (store->ops->publish == NULL)
		return err_set(err, ERR_SYSTEM, "%s: has no spool of its own",
		    store->label);
	return judge(store, store->ops->publish(store, name, mode, spool,
	    bytes, err), err);
}

int
store_put(struct store *store, const char *name, enum store_put_mode mode,
    const struct store_stream *stream, struct err *err)
{
	return judge(store, store->ops->put(store, name, mode, stream, err),
	    err);
}

int
store_put_small(struct store *store, const char *name, const void *bytes,
    size_t n, struct err *err)
{
	return judge(store, store->ops->put_small(store, name, bytes, n, err),
	    err);
}

int
store_get_small(struct store *store, const char *name, size_t max, char **ret,
    size_t *ret_n, struct err *err)
{
	return judge(store, store->ops->get_small(store, name, max, ret,
	    ret_n, err), err);
}

int
store_get(struct store *store, const char *name, store_get_fn *write,
    void *cookie, struct err *err)
{
	return judge(store, store->ops->get(store, name, write, cookie, err),
	    err);
}

int
store_link_latest(struct store *store, const char *link, const char *name,
    struct err *err)
{
	if (store->ops->link_latest == NULL)
		return 0;
	return judge(store, store->ops->link_latest(store, link, name, err),
	    err);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct store_entry *)a)->name,
	    ((const struct store_entry *)b)->name);
}

int
store_list(struct store *store, struct store_list *ret, struct err *err)
{
	struct store_list list = STORE_LIST_INIT;

	if (judge(store, store->ops->list(store, &list, err), err) < 0) {
		store_list_free(&list);
		return -1;
	}
	if (list.n != 0)
		qsort(list.v, list.n, sizeof *list.v, by_name);
	*ret = list;
	return 0;
}

void
store_list_free(struct store_list *list)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		free(list->v[i].name);
	free(list->v);
	*list = (struct store_list)STORE_LIST_INIT;
}

int
store_remove(struct store *store, const struct strlist *names,
    struct strlist *failed, struct err *err)
{
	return judge(store, store->ops->remove(store, names, failed, err),
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
