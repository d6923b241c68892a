#define _GNU_SOURCE
#include "lib/docker/engine_json.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/http.h"
#include "lib/base/json.h"
#include "lib/docker/engine_volume.h"

static const char inspect[] = "GET /containers/ID/json";

static int
decode_mount(const struct json_place *place, const cJSON *json,
    struct mount *ret, struct err *err)
{
	if (json_want_text(place, json, "Type", &ret->type, err) < 0 ||
	    json_want_text(place, json, "Name", &ret->name, err) < 0 ||
	    json_want_text(place, json, "Source", &ret->source, err) < 0 ||
	    json_want_text(place, json, "Driver", &ret->driver, err) < 0)
		return -1;
	return json_need_text(place, json, "Destination", &ret->destination,
	    err);
}

static int
decode_mounts(const char *endpoint, const cJSON *json, struct container *ret,
    struct err *err)
{
	const struct json_place outer = { endpoint, "" };
	const struct json_place inner = { endpoint, "Mounts[]." };
	const cJSON *mounts = json_member(json, "Mounts"), *mount;
	void *v;

	if (mounts == NULL)
		return 0;
	if (json_need_objects(&outer, mounts, "Mounts", sizeof *ret->mounts, &v,
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
decode_name(const struct json_place *place, const cJSON *json, const char *id,
    char **ret, struct err *err)
{
	const cJSON *names = json_member(json, "Names"), *name;
	const char *own = NULL;

	if (names != NULL && !cJSON_IsArray(names))
		return json_malformed(place, "Names", "is not an array", err);
	cJSON_ArrayForEach(name, names) {
		const char *text = name->valuestring;

		if (!cJSON_IsString(name))
			return json_malformed(place, "Names",
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
decode_state(const struct json_place *place, const cJSON *json,
    struct container *ret, struct err *err)
{
	CLEANUP(cleanup_free) char *state = NULL;

	if (json_need_text(place, json, "State", &state, err) < 0)
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
	const struct json_place place = { endpoint, "" };

	if (json_need_text(&place, json, "Id", &ret->id, err) < 0 ||
	    decode_name(&place, json, ret->id, &ret->name, err) < 0 ||
	    json_want_text(&place, json, "Image", &ret->image, err) < 0 ||
	    decode_state(&place, json, ret, err) < 0 ||
	    json_want_map(&place, json, "Labels", &ret->labels, err) < 0)
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
	const struct json_place place = { endpoint, "" };
	CLEANUP(json_free) cJSON *json = NULL;
	CLEANUP(container_list_free) struct container_list list =
	    CONTAINER_LIST_INIT;
	const cJSON *element;
	void *v;

	if (json_parse(body, len, endpoint, &json, err) < 0 ||
	    json_need_objects(&place, json, "(whole)", sizeof *list.v, &v,
	    err) < 0)
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
decode_volume(const struct json_place *place, const cJSON *json,
    struct volume *ret, struct err *err)
{
	if (json_need_text(place, json, "Name", &ret->name, err) < 0 ||
	    json_want_text(place, json, "Driver", &ret->driver, err) < 0 ||
	    json_want_text(place, json, "Mountpoint", &ret->mountpoint,
	    err) < 0 ||
	    json_want_map(place, json, "Labels", &ret->labels, err) < 0)
		return -1;
	return json_want_map(place, json, "Options", &ret->options, err);
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
	const struct json_place place = { endpoint, "" };
	const struct json_place inner = { endpoint, "Volumes[]." };
	const cJSON *element;
	void *v;

	if (json_need_objects(&place, volumes, "Volumes", sizeof *list->v, &v,
	    err) < 0)
		return -1;
	list->v = v;
	cJSON_ArrayForEach(element, volumes)
		if (decode_volume(&inner, element, &list->v[list->n++],
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
	const struct json_place place = { endpoint, "" };
	CLEANUP(json_free) cJSON *json = NULL;
	CLEANUP(volume_list_free) struct volume_list list = VOLUME_LIST_INIT;
	const cJSON *volumes;

	if (json_parse(body, len, endpoint, &json, err) < 0)
		return -1;
	if (!cJSON_IsObject(json))
		return json_malformed(&place, "(whole)", "is not an object",
		    err);
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
engine_json_volume(const char *body, size_t len, const char *endpoint,
    struct volume *ret, struct err *err)
{
	const struct json_place place = { endpoint, "" };
	CLEANUP(json_free) cJSON *json = NULL;
	CLEANUP(engine_volume_free) struct volume volume = { .name = NULL };

	if (json_parse(body, len, endpoint, &json, err) < 0 ||
	    decode_volume(&place, json, &volume, err) < 0)
		return -1;
	*ret = volume;
	volume = (struct volume){ .name = NULL };
	return 0;
}

int
engine_json_stop_timeout(const char *body, size_t len, double *ret_s,
    struct err *err)
{
	static const struct json_place place = { inspect, "Config." };
	CLEANUP(json_free) cJSON *json = NULL;
	const cJSON *timeout;

	if (json_parse(body, len, inspect, &json, err) < 0)
		return -1;
	timeout = json_member(json_member(json, "Config"), "StopTimeout");
	if (timeout != NULL && !cJSON_IsNumber(timeout))
		return json_malformed(&place, "StopTimeout", "is not a number",
		    err);
	*ret_s = timeout != NULL ? timeout->valuedouble : 10;
	return 0;
}

/* A word that we do not know is not "healthy" yet. */
static int
decode_health(const cJSON *state, enum health *ret, struct err *err)
{
	static const struct json_place place = { inspect, "State.Health." };
	static const struct {
		const char *text;
		enum health health;
	} rows[] = {
		{ "", HEALTH_NONE }, { "none", HEALTH_NONE },
		{ "healthy", HEALTH_HEALTHY },
		{ "unhealthy", HEALTH_UNHEALTHY },
	};
	CLEANUP(cleanup_free) char *status = NULL;
	size_t i;

	if (json_want_text(&place, json_member(state, "Health"), "Status",
	    &status, err) < 0)
		return -1;
	*ret = HEALTH_STARTING;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (strcmp(status, rows[i].text) == 0)
			*ret = rows[i].health;
	return 0;
}

/* Podman says of a paused one that it does not run. */
int
engine_json_state(const char *body, size_t len, struct container_state *ret,
    struct err *err)
{
	static const struct json_place place = { inspect, "State." };
	CLEANUP(json_free) cJSON *json = NULL;
	struct container_state made = { .running = false };
	const cJSON *state, *running;

	if (json_parse(body, len, inspect, &json, err) < 0)
		return -1;
	state = json_member(json, "State");
	running = json_member(state, "Running");
	if (!cJSON_IsBool(running))
		return json_malformed(&place, "Running", "is no boolean", err);
	if (decode_health(state, &made.health, err) < 0)
		return -1;
	made.paused = cJSON_IsTrue(json_member(state, "Paused"));
	made.running = cJSON_IsTrue(running) || made.paused ||
	    cJSON_IsTrue(json_member(state, "Restarting"));
	made.auto_remove = cJSON_IsTrue(json_member(json_member(json,
	    "HostConfig"), "AutoRemove"));
	*ret = made;
	return 0;
}

int
engine_json_id(const char *body, size_t len, const char *endpoint, char **ret,
    struct err *err)
{
	const struct json_place place = { endpoint, "" };
	CLEANUP(json_free) cJSON *json = NULL;

	if (json_parse(body, len, endpoint, &json, err) < 0)
		return -1;
	return json_need_text(&place, json, "Id", ret, err);
}

void
engine_json_message(const char *body, size_t len,
    char ret[ENGINE_JSON_MESSAGE_BYTES])
{
	CLEANUP(json_free) cJSON *json =
	    cJSON_ParseWithLengthOpts(body, len + 1, NULL, 1);
	const cJSON *message = json_member(json, "message");
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

int
engine_json_filter(const char *name, const char *value, char **ret,
    struct err *err)
{
	CLEANUP(json_free) cJSON *json = cJSON_CreateObject();
	CLEANUP(cleanup_free) char *text = NULL;
	cJSON *values = cJSON_AddArrayToObject(json, name);

	/* Without memory for value nothing is added: too wide a filter. */
	if (!cJSON_AddItemToArray(values, cJSON_CreateString(value)))
		return err_nomem(err);
	if (json_print(json, &text, err) < 0)
		return -1;
	return http_escape(text, ret, err);
}
