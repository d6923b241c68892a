#define _GNU_SOURCE
#include "lib/docker/engine_json_helper.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <string.h>

#include "lib/docker/engine_archive.h"
#include "lib/base/json.h"

int
engine_json_smallest(const char *body, size_t len, char **ret,
    struct err *err)
{
	static const struct json_place place = { "GET /images/json", "[]." };
	CLEANUP(json_free) cJSON *json = NULL;
	const cJSON *image, *size, *best = NULL;
	double best_bytes = 0;

	if (json_parse(body, len, place.endpoint, &json, err) < 0)
		return -1;
	if (!cJSON_IsArray(json))
		return json_malformed(&place, "(whole)", "is not an array",
		    err);
	cJSON_ArrayForEach(image, json) {
		size = json_member(image, "Size");
		if (!cJSON_IsNumber(size))
			return json_malformed(&place, "Size",
			    "is not a number", err);
		if (best == NULL || size->valuedouble < best_bytes) {
			best = image;
			best_bytes = size->valuedouble;
		}
	}
	if (best == NULL)
		return err_set(err, ERR_NOTFOUND, "the Engine has no image at "
		    "all (any will do: docker pull busybox)");
	return json_need_text(&place, best, "Id", ret, err);
}

int
engine_json_image_volumes(const char *body, size_t len, struct strlist *ret,
    struct err *err)
{
	CLEANUP(json_free) cJSON *json = NULL;
	const cJSON *volumes, *volume;

	if (json_parse(body, len, "GET /images/ID/json", &json, err) < 0)
		return -1;
	volumes = json_member(json_member(json, "Config"), "Volumes");
	if (!cJSON_IsObject(volumes))
		return 0;
	cJSON_ArrayForEach(volume, volumes)
		if (strlist_add(ret, volume->string, err) < 0)
			return -1;
	return 0;
}

/* NULL: out of memory, as of all that cJSON makes. */
static cJSON *
add_mount(cJSON *mounts, const char *type, const char *target)
{
	cJSON *mount = cJSON_CreateObject();

	if (!cJSON_AddItemToArray(mounts, mount)) {
		cJSON_Delete(mount);
		return NULL;
	}
	return cJSON_AddStringToObject(mount, "Type", type) != NULL &&
	    cJSON_AddStringToObject(mount, "Target", target) != NULL ?
	    mount : NULL;
}

/* NoCopy: else an empty volume gets what the image has there, if anything. */
static bool
add_volume(cJSON *mounts, const char *volume, bool writable)
{
	cJSON *mount = add_mount(mounts, "volume", ENGINE_HELPER_TARGET);

	return cJSON_AddStringToObject(mount, "Source", volume) != NULL &&
	    cJSON_AddBoolToObject(mount, "ReadOnly", !writable) != NULL &&
	    cJSON_AddTrueToObject(cJSON_AddObjectToObject(mount,
	    "VolumeOptions"), "NoCopy") != NULL;
}

static bool
add_masks(cJSON *mounts, const struct strlist *masked)
{
	size_t i;

	for (i = 0; i < masked->n; i++)
		if (strcmp(masked->v[i], ENGINE_HELPER_TARGET) != 0 &&
		    !str_starts(masked->v[i], ENGINE_HELPER_TARGET "/") &&
		    add_mount(mounts, "tmpfs", masked->v[i]) == NULL)
			return false;
	return true;
}

/* A command, because some images have none, and are refused then; it never
 * runs. */
int
engine_json_helper_request(const char *image, const char *volume,
    const char *owner, bool writable, const struct strlist *masked,
    char **ret, struct err *err)
{
	CLEANUP(json_free) cJSON *json = cJSON_CreateObject();
	cJSON *labels = cJSON_AddObjectToObject(json, "Labels");
	cJSON *command = cJSON_AddArrayToObject(json, "Cmd");
	cJSON *host = cJSON_AddObjectToObject(json, "HostConfig");
	cJSON *mounts = cJSON_AddArrayToObject(host, "Mounts");

	if (cJSON_AddStringToObject(json, "Image", image) == NULL ||
	    cJSON_AddStringToObject(labels, LABEL_HELPER, owner) == NULL ||
	    !cJSON_AddItemToArray(command, cJSON_CreateString("true")) ||
	    cJSON_AddStringToObject(host, "NetworkMode", "none") == NULL ||
	    !add_volume(mounts, volume, writable) || !add_masks(mounts, masked))
		return err_nomem(err);
	return json_print(json, ret, err);
}
