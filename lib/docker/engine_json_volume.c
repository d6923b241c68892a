#include "lib/docker/engine_json_volume.h"

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "lib/base/json.h"

/* An empty one is left out, as by docker volume create: the Engine would keep
 * it as {} where others have null. */
static bool
add_map(cJSON *json, const char *field, const struct strmap *map)
{
	cJSON *object;
	size_t i;

	if (map == NULL || map->keys.n == 0)
		return true;
	object = cJSON_AddObjectToObject(json, field);
	if (object == NULL)
		return false;
	for (i = 0; i < map->keys.n; i++)
		if (cJSON_AddStringToObject(object, map->keys.v[i],
		    map->values.v[i]) == NULL)
			return false;
	return true;
}

int
engine_json_volume_request(const struct engine_volume_wanted *wanted,
    char **ret, struct err *err)
{
	CLEANUP(json_free) cJSON *json = cJSON_CreateObject();
	bool has_driver = wanted->driver != NULL && *wanted->driver != '\0';

	if (cJSON_AddStringToObject(json, "Name", wanted->name) == NULL ||
	    (has_driver && cJSON_AddStringToObject(json, "Driver",
	    wanted->driver) == NULL) ||
	    !add_map(json, "DriverOpts", wanted->options) ||
	    !add_map(json, "Labels", wanted->labels))
		return err_nomem(err);
	return json_print(json, ret, err);
}
