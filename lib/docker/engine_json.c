#define _GNU_SOURCE
#include "lib/docker/engine_json.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A map is searched in order: what a hostile peer sends must stay quick. */
#define LABELS_MAX 4096

/* Where in which answer we are, for messages. */
struct place {
	const char *endpoint;
	const char *where;	/* "", or "Mounts[]." */
};

static void
json_free(cJSON **json)
{
	cJSON_Delete(*json);
}

static int
malformed(const struct place *place, const char *field, const char *why,
    struct err *err)
{
	return err_set(err, ERR_PROTOCOL, "malformed answer to %s: %s%s %s",
	    place->endpoint, place->where, field, why);
}

static int
parse(const char *body, size_t len, const char *endpoint, cJSON **ret,
    struct err *err)
{
	cJSON *json = cJSON_ParseWithLengthOpts(body, len + 1, NULL, 1);

	if (json == NULL)
		return err_set(err, ERR_PROTOCOL,
		    "malformed answer to %s: it is not JSON", endpoint);
	*ret = json;
	return 0;
}

/* A member, or NULL if it is missing or null. */
static const cJSON *
member(const cJSON *object, const char *field)
{
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, field);

	return cJSON_IsNull(value) ? NULL : value;
}

static int
need_string(const struct place *place, const cJSON *object, const char *field,
    char **ret, struct err *err)
{
	const cJSON *value = member(object, field);

	if (!cJSON_IsString(value) || *value->valuestring == '\0')
		return malformed(place, field, "is not a text", err);
	return str_dup(value->valuestring, ret, err);
}

/* Missing, null and "" are the same: "". */
static int
want_string(const struct place *place, const cJSON *object, const char *field,
    char **ret, struct err *err)
{
	const cJSON *value = member(object, field);

	if (value != NULL && !cJSON_IsString(value))
		return malformed(place, field, "is not a text", err);
	return str_dup(value != NULL ? value->valuestring : "", ret, err);
}

static int
want_map(const struct place *place, const cJSON *object, const char *field,
    struct strmap *ret, struct err *err)
{
	const cJSON *map = member(object, field), *value;
	size_t n = 0;

	if (map == NULL)
		return 0;
	if (!cJSON_IsObject(map))
		return malformed(place, field, "is not an object", err);
	cJSON_ArrayForEach(value, map) {
		if (++n > LABELS_MAX)
			return malformed(place, field, "is too long", err);
		if (!cJSON_IsString(value))
			return malformed(place, field,
			    "has a value that is not a text", err);
		if (strmap_add(ret, value->string, value->valuestring,
		    err) < 0)
			return -1;
	}
	return 0;
}

/* The array's elements must be objects. Room for at least one: calloc(0)
 * may be NULL. */
static int
need_objects(const struct place *place, const cJSON *array, const char *field,
    size_t element_bytes, void **ret, struct err *err)
{
	const cJSON *element;
	size_t n = 1;

	if (!cJSON_IsArray(array))
		return malformed(place, field, "is not an array", err);
	cJSON_ArrayForEach(element, array) {
		if (!cJSON_IsObject(element))
			return malformed(place, field,
			    "has an element that is not an object", err);
		n++;
	}
	*ret = calloc(n, element_bytes);
	return *ret != NULL ? 0 : err_nomem(err);
}

static int
decode_mount(const struct place *place, const cJSON *json, struct mount *ret,
    struct err *err)
{
	if (want_string(place, json, "Type", &ret->type, err) < 0 ||
	    want_string(place, json, "Name", &ret->name, err) < 0 ||
	    want_string(place, json, "Source", &ret->source, err) < 0 ||
	    want_string(place, json, "Driver", &ret->driver, err) < 0)
		return -1;
	return need_string(place, json, "Destination", &ret->destination, err);
}

static int
decode_mounts(const char *endpoint, const cJSON *json, struct container *ret,
    struct err *err)
{
	const struct place outer = { endpoint, "" };
	const struct place inner = { endpoint, "Mounts[]." };
	const cJSON *mounts = member(json, "Mounts"), *mount;
	void *v;

	if (mounts == NULL)
		return 0;
	if (need_objects(&outer, mounts, "Mounts", sizeof *ret->mounts, &v,
	    err) < 0)
		return -1;
	ret->mounts = v;
	cJSON_ArrayForEach(mount, mounts)
		if (decode_mount(&inner, mount, &ret->mounts[ret->n_mounts++],
		    err) < 0)
			return -1;
	return 0;
}

/* Legacy links appear as "/other/alias" among the names: the container's own
 * has one slash. One that is being removed may have none at all. */
static int
decode_name(const struct place *place, const cJSON *json, const char *id,
    char **ret, struct err *err)
{
	const cJSON *names = member(json, "Names"), *name;
	const char *own = NULL;

	if (names != NULL && !cJSON_IsArray(names))
		return malformed(place, "Names", "is not an array", err);
	cJSON_ArrayForEach(name, names) {
		const char *text = name->valuestring;

		if (!cJSON_IsString(name))
			return malformed(place, "Names",
			    "has an element that is not a text", err);
		text += *text == '/';
		if (own == NULL && *text != '\0' && strchr(text, '/') == NULL)
			own = text;
	}
	if (own != NULL)
		return str_dup(own, ret, err);
	return str_format(ret, err, "%.12s", id);
}

static int
decode_state(const struct place *place, const cJSON *json,
    struct container *ret, struct err *err)
{
	CLEANUP(cleanup_free) char *state = NULL;

	if (need_string(place, json, "State", &state, err) < 0)
		return -1;
	ret->paused = strcmp(state, "paused") == 0;
	ret->running = ret->paused || strcmp(state, "running") == 0 ||
	    strcmp(state, "restarting") == 0;
	return 0;
}

static int
decode_container(const char *endpoint, const cJSON *json,
    struct container *ret, struct err *err)
{
	const struct place place = { endpoint, "" };

	if (need_string(&place, json, "Id", &ret->id, err) < 0 ||
	    decode_name(&place, json, ret->id, &ret->name, err) < 0 ||
	    want_string(&place, json, "Image", &ret->image, err) < 0 ||
	    decode_state(&place, json, ret, err) < 0 ||
	    want_map(&place, json, "Labels", &ret->labels, err) < 0)
		return -1;
	return decode_mounts(endpoint, json, ret, err);
}

static int
by_container_name(const void *a, const void *b)
{
	const struct container *left = a, *right = b;
	int order = strcmp(left->name, right->name);

	return order != 0 ? order : strcmp(left->id, right->id);
}

int
engine_json_containers(const char *body, size_t len,
    struct container_list *ret, struct err *err)
{
	static const char endpoint[] = "GET /containers/json";
	const struct place place = { endpoint, "" };
	CLEANUP(json_free) cJSON *json = NULL;
	CLEANUP(container_list_free) struct container_list list =
	    CONTAINER_LIST_INIT;
	const cJSON *element;
	void *v;

	if (parse(body, len, endpoint, &json, err) < 0 ||
	    need_objects(&place, json, "(whole)", sizeof *list.v, &v, err) < 0)
		return -1;
	list.v = v;
	cJSON_ArrayForEach(element, json)
		if (decode_container(endpoint, element, &list.v[list.n++],
		    err) < 0)
			return -1;
	qsort(list.v, list.n, sizeof *list.v, by_container_name);
	*ret = list;
	list = (struct container_list)CONTAINER_LIST_INIT;
	return 0;
}

static int
decode_volume(const char *endpoint, const cJSON *json, struct volume *ret,
    struct err *err)
{
	const struct place place = { endpoint, "Volumes[]." };

	if (need_string(&place, json, "Name", &ret->name, err) < 0 ||
	    want_string(&place, json, "Driver", &ret->driver, err) < 0 ||
	    want_string(&place, json, "Mountpoint", &ret->mountpoint,
	    err) < 0 ||
	    want_map(&place, json, "Labels", &ret->labels, err) < 0)
		return -1;
	return want_map(&place, json, "Options", &ret->options, err);
}

static int
by_volume_name(const void *a, const void *b)
{
	const struct volume *left = a, *right = b;

	return strcmp(left->name, right->name);
}

static int
decode_volumes(const char *endpoint, const cJSON *volumes,
    struct volume_list *list, struct err *err)
{
	const struct place place = { endpoint, "" };
	const cJSON *element;
	void *v;

	if (need_objects(&place, volumes, "Volumes", sizeof *list->v, &v,
	    err) < 0)
		return -1;
	list->v = v;
	cJSON_ArrayForEach(element, volumes)
		if (decode_volume(endpoint, element, &list->v[list->n++],
		    err) < 0)
			return -1;
	qsort(list->v, list->n, sizeof *list->v, by_volume_name);
	return 0;
}

int
engine_json_volumes(const char *body, size_t len, struct volume_list *ret,
    struct err *err)
{
	static const char endpoint[] = "GET /volumes";
	const struct place place = { endpoint, "" };
	CLEANUP(json_free) cJSON *json = NULL;
	CLEANUP(volume_list_free) struct volume_list list = VOLUME_LIST_INIT;
	const cJSON *volumes;

	if (parse(body, len, endpoint, &json, err) < 0)
		return -1;
	if (!cJSON_IsObject(json))
		return malformed(&place, "(whole)", "is not an object", err);
	/* null where there are none; but a missing one is no such answer. */
	volumes = cJSON_GetObjectItemCaseSensitive(json, "Volumes");
	if (!cJSON_IsNull(volumes) &&
	    decode_volumes(endpoint, volumes, &list, err) < 0)
		return -1;
	*ret = list;
	list = (struct volume_list)VOLUME_LIST_INIT;
	return 0;
}

int
engine_json_stop_timeout(const char *body, size_t len, double *ret_s,
    struct err *err)
{
	static const char endpoint[] = "GET /containers/ID/json";
	const struct place place = { endpoint, "Config." };
	CLEANUP(json_free) cJSON *json = NULL;
	const cJSON *timeout;

	if (parse(body, len, endpoint, &json, err) < 0)
		return -1;
	timeout = member(member(json, "Config"), "StopTimeout");
	if (timeout != NULL && !cJSON_IsNumber(timeout))
		return malformed(&place, "StopTimeout", "is not a number", err);
	*ret_s = timeout != NULL ? timeout->valuedouble : 10;
	return 0;
}

int
engine_json_running(const char *body, size_t len, bool *ret, struct err *err)
{
	static const char endpoint[] = "GET /containers/ID/json";
	const struct place place = { endpoint, "State." };
	CLEANUP(json_free) cJSON *json = NULL;
	const cJSON *running;

	if (parse(body, len, endpoint, &json, err) < 0)
		return -1;
	running = member(member(json, "State"), "Running");
	if (!cJSON_IsBool(running))
		return malformed(&place, "Running", "is no boolean", err);
	*ret = cJSON_IsTrue(running);
	return 0;
}

void
engine_json_message(const char *body, size_t len,
    char ret[ENGINE_JSON_MESSAGE_BYTES])
{
	CLEANUP(json_free) cJSON *json =
	    cJSON_ParseWithLengthOpts(body, len + 1, NULL, 1);
	const cJSON *message = member(json, "message");
	const char *text = cJSON_IsString(message) ? message->valuestring :
	    body;
	size_t n = strcspn(text, "\r\n");

	if (n == 0) {
		text = "no message";
		n = strlen(text);
	}
	(void)snprintf(ret, ENGINE_JSON_MESSAGE_BYTES, "%.*s",
	    (int)(n < ENGINE_JSON_MESSAGE_BYTES ? n :
	    ENGINE_JSON_MESSAGE_BYTES - 1), text);
}
