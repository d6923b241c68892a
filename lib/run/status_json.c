#define _GNU_SOURCE
#include <cjson/cJSON.h>

#include "lib/base/json.h"
#include "lib/report/report_json_add.h"
#include "lib/run/status.h"

static int
add_null(struct cJSON *object, const char *key, struct err *err)
{
	return json_add_text(object, key, NULL, err);
}

static int
add_store(struct cJSON *object, const struct catalogue_store *store,
    struct err *err)
{
	struct cJSON *to;

	if (store == NULL)
		return add_null(object, "store", err);
	if (json_add_object(object, "store", &to, err) < 0 ||
	    json_add_text(to, "name", store->plan->name, err) < 0)
		return -1;
	return json_add_text(to, "place", store->plan->place, err);
}

static int
add_archive(struct cJSON *object, const struct status *status,
    const struct catalogue_entry *newest, struct err *err)
{
	time_t now = status->rules.now;

	if (newest == NULL) {
		if (add_null(object, "archive", err) < 0 ||
		    add_null(object, "time", err) < 0 ||
		    add_null(object, "age_seconds", err) < 0)
			return -1;
		return add_null(object, "size_bytes", err);
	}
	if (json_add_text(object, "archive", newest->name, err) < 0 ||
	    json_add_time(object, "time", newest->time, err) < 0 ||
	    json_add_count(object, "age_seconds", now > newest->time ?
	    (uint64_t)(now - newest->time) : 0, err) < 0)
		return -1;
	return json_add_count(object, "size_bytes", newest->bytes, err);
}

static int
add_row(struct cJSON *rows, const struct status *status,
    const struct status_row *row, struct err *err)
{
	struct cJSON *object;

	if (json_add_object(rows, NULL, &object, err) < 0 ||
	    json_add_text(object, "job", row->job, err) < 0 ||
	    add_store(object, row->store, err) < 0 ||
	    json_add_text(object, "state", status_word(row->state),
	    err) < 0 ||
	    json_add_text(object, "text", row->text, err) < 0 ||
	    add_archive(object, status, row->newest, err) < 0)
		return -1;
	if (row->before == NULL)
		return add_null(object, "previous_size_bytes", err);
	return json_add_count(object, "previous_size_bytes",
	    row->before->bytes, err);
}

int
status_json(const struct status *status, char **ret, struct err *err)
{
	CLEANUP(json_free) struct cJSON *root = cJSON_CreateObject();
	CLEANUP(cleanup_free) char *line = NULL;
	struct cJSON *rows;
	size_t i;

	if (root == NULL)
		return err_nomem(err);
	if (json_add_text(root, "state", status_word(status->state),
	    err) < 0 ||
	    json_add_array(root, "rows", &rows, err) < 0)
		return -1;
	for (i = 0; i < status->n; i++)
		if (add_row(rows, status, &status->rows[i], err) < 0)
			return -1;
	if (json_add_count(root, "max_age_seconds",
	    (uint64_t)status->rules.max_age_s, err) < 0 ||
	    json_add_count(root, "size_drop_percent",
	    (uint64_t)status->rules.size_drop, err) < 0 ||
	    json_print(root, &line, err) < 0)
		return -1;
	return str_format(ret, err, "%s\n", line);
}
