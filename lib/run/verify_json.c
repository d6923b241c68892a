#include "lib/run/verify.h"

#include <cjson/cJSON.h>

#include "lib/base/json.h"
#include "lib/report/report_json_add.h"

static int
add_one(cJSON *array, const struct verify_one *one, struct err *err)
{
	cJSON *object;

	if (json_add_object(array, NULL, &object, err) < 0 ||
	    json_add_text(object, "archive", one->archive, err) < 0 ||
	    json_add_text(object, "store", one->store, err) < 0 ||
	    json_add_text(object, "state", verify_state_name(one->state),
	    err) < 0 ||
	    json_add_bool(object, "deep", one->deep, err) < 0 ||
	    json_add_bool(object, "metadata", one->has_metadata, err) < 0 ||
	    json_add_count(object, "size_bytes", one->bytes, err) < 0 ||
	    json_add_count(object, "members", one->members, err) < 0)
		return -1;
	return json_add_text(object, "error", one->err.kind != ERR_NONE ?
	    one->err.msg : NULL, err);
}

int
verify_json(const struct verify_result *result, char **ret, struct err *err)
{
	CLEANUP(json_free) cJSON *root = cJSON_CreateObject();
	CLEANUP(cleanup_free) char *line = NULL;
	cJSON *array;
	size_t i;

	if (root == NULL)
		return err_nomem(err);
	if (json_add_array(root, "archives", &array, err) < 0)
		return -1;
	for (i = 0; i < result->n; i++)
		if (add_one(array, &result->v[i], err) < 0)
			return -1;
	if (json_print(root, &line, err) < 0)
		return -1;
	return str_format(ret, err, "%s\n", line);
}
