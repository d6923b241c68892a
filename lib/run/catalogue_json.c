#define _GNU_SOURCE
#include <cjson/cJSON.h>

#include "lib/base/json.h"
#include "lib/report/report_json_add.h"
#include "lib/run/catalogue_text.h"

static int
print(const struct cJSON *root, char **ret, struct err *err)
{
	CLEANUP(cleanup_free) char *line = NULL;

	if (json_print(root, &line, err) < 0)
		return -1;
	return str_format(ret, err, "%s\n", line);
}

static const char *
source_word(enum catalogue_source source)
{
	static const char *const words[] = { "store", "name", "metadata" };

	return words[source];
}

static int
add_store(struct cJSON *object, const struct catalogue_store *store,
    struct err *err)
{
	if (json_add_text(object, "name", store->plan->name, err) < 0)
		return -1;
	return json_add_text(object, "place", store->plan->place, err);
}

static int
add_check(struct cJSON *object, enum catalogue_check check, struct err *err)
{
	if (check == CATALOGUE_UNCHECKED)
		return json_add_text(object, "checked", NULL, err);
	return json_add_bool(object, "checked", check == CATALOGUE_AGREES,
	    err);
}

static int
add_entry(struct cJSON *archives, const struct catalogue *c,
    const struct catalogue_entry *entry, struct err *err)
{
	struct cJSON *object, *store;

	if (json_add_object(archives, NULL, &object, err) < 0 ||
	    json_add_text(object, "name", entry->name, err) < 0 ||
	    json_add_time(object, "time", entry->time, err) < 0 ||
	    json_add_text(object, "time_from", source_word(entry->time_from),
	    err) < 0 ||
	    json_add_text(object, "job", entry->job, err) < 0 ||
	    json_add_count(object, "size_bytes", entry->bytes, err) < 0 ||
	    json_add_object(object, "store", &store, err) < 0 ||
	    add_store(store, &c->stores[entry->store], err) < 0 ||
	    json_add_bool(object, "sealed", entry->seal != CATALOGUE_PLAIN,
	    err) < 0 ||
	    json_add_text(object, "encryption",
	    catalogue_seal_word(entry->seal), err) < 0 ||
	    json_add_text(object, "compression", entry->compression,
	    err) < 0 ||
	    json_add_bool(object, "metadata", entry->has_metadata, err) < 0)
		return -1;
	return add_check(object, entry->check, err);
}

static int
add_stores(struct cJSON *root, const struct catalogue *c, struct err *err)
{
	struct cJSON *stores, *object;
	size_t i;

	if (json_add_array(root, "stores", &stores, err) < 0)
		return -1;
	for (i = 0; i < c->n_stores; i++) {
		const struct err *why = &c->stores[i].err;

		if (json_add_object(stores, NULL, &object, err) < 0 ||
		    add_store(object, &c->stores[i], err) < 0 ||
		    json_add_text(object, "error", why->kind != ERR_NONE ?
		    why->msg : NULL, err) < 0)
			return -1;
	}
	return 0;
}

int
catalogue_list_json(const struct catalogue *c, char **ret, struct err *err)
{
	CLEANUP(json_free) struct cJSON *root = cJSON_CreateObject();
	struct cJSON *archives;
	size_t i;

	if (root == NULL)
		return err_nomem(err);
	if (json_add_array(root, "archives", &archives, err) < 0)
		return -1;
	for (i = 0; i < c->n; i++)
		if (add_entry(archives, c, &c->entries[i], err) < 0)
			return -1;
	if (add_stores(root, c, err) < 0)
		return -1;
	return print(root, ret, err);
}

int
catalogue_show_json(const struct catalogue_entry *entry, char **ret,
    struct err *err)
{
	CLEANUP(json_free) struct cJSON *root = cJSON_CreateObject();

	if (root == NULL)
		return err_nomem(err);
	if (json_add_text(root, "name", entry->name, err) < 0 ||
	    json_add_text(root, "job", entry->job, err) < 0 ||
	    json_add_time(root, "started", entry->time, err) < 0 ||
	    json_add_count(root, "size_bytes", entry->bytes, err) < 0 ||
	    json_add_text(root, "compression", entry->compression, err) < 0 ||
	    json_add_text(root, "encryption",
	    catalogue_seal_word(entry->seal), err) < 0)
		return -1;
	return print(root, ret, err);
}
