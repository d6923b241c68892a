#define _GNU_SOURCE
#include "lib/docker/engine_json_spec.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/base/json.h"

static const char endpoint[] = "GET /services/ID";
static const struct json_place at_top = { endpoint, "" };
static const struct json_place at_task = { endpoint, "Spec.TaskTemplate." };
static const struct json_place at_placement = {
	endpoint, "Spec.TaskTemplate.Placement."
};

void
spec_update_free(struct spec_update *update)
{
	free(update->spec);
	free(update->version);
	*update = (struct spec_update)SPEC_UPDATE_INIT;
}

/* In this file all numbers are raw texts. */
static bool
is_digits(const cJSON *value)
{
	return cJSON_IsRaw(value) && value->valuestring[0] != '\0' &&
	    value->valuestring[strspn(value->valuestring, "0123456789")] ==
	    '\0';
}

/* Missing: *ret stays as it is. */
static int
get_count(const struct json_place *place, const cJSON *object,
    const char *field, unsigned long long *ret, struct err *err)
{
	const cJSON *value = json_member(object, field);

	if (value == NULL)
		return 0;
	errno = 0;
	if (is_digits(value))
		*ret = strtoull(value->valuestring, NULL, 10);
	if (!is_digits(value) || errno != 0)
		return json_malformed(place, field, "is not a count", err);
	return 0;
}

/* Takes value, which may be NULL: no memory. */
static int
put(cJSON *object, const char *field, cJSON *value, struct err *err)
{
	cJSON_bool done = value != NULL &&
	    (cJSON_GetObjectItemCaseSensitive(object, field) != NULL ?
	    cJSON_ReplaceItemInObjectCaseSensitive(object, field, value) :
	    cJSON_AddItemToObject(object, field, value));

	if (!done) {
		cJSON_Delete(value);
		return err_nomem(err);
	}
	return 0;
}

static int
put_count(cJSON *object, const char *field, unsigned long long n,
    struct err *err)
{
	char text[32];

	(void)snprintf(text, sizeof text, "%llu", n);
	return put(object, field, cJSON_CreateRaw(text), err);
}

static int
scale(cJSON *spec, struct spec_change *change, bool *ret_changed,
    struct err *err)
{
	static const struct json_place place = {
		endpoint, "Spec.Mode.Replicated."
	};
	cJSON *mode = json_member(json_member(spec, "Mode"), "Replicated");

	if (!cJSON_IsObject(mode))
		return err_set(err, ERR_REFUSED, "the service cannot be "
		    "scaled: it is not a replicated one");
	change->has = 1;	/* what Swarm takes for none given */
	if (get_count(&place, mode, "Replicas", &change->has, err) < 0)
		return -1;
	*ret_changed = change->has == change->from &&
	    change->has != change->count;
	return *ret_changed ?
	    put_count(mode, "Replicas", change->count, err) : 0;
}

static int
force(cJSON *task, struct spec_change *change, bool *ret_changed,
    struct err *err)
{
	unsigned long long has = 0;

	if (get_count(&at_task, task, "ForceUpdate", &has, err) < 0)
		return -1;
	if (change->count == 0)
		change->count = has + 1;
	*ret_changed = has < change->count;
	return *ret_changed ?
	    put_count(task, "ForceUpdate", change->count, err) : 0;
}

/* The member, made if it is missing or null. */
static int
need_container(const struct json_place *place, cJSON *object,
    const char *field, bool array, cJSON **ret, struct err *err)
{
	cJSON *value = json_member(object, field);

	if (value == NULL) {
		value = array ? cJSON_CreateArray() : cJSON_CreateObject();
		if (put(object, field, value, err) < 0)
			return -1;
	}
	if (array ? !cJSON_IsArray(value) : !cJSON_IsObject(value))
		return json_malformed(place, field, array ?
		    "is not an array" : "is not an object", err);
	*ret = value;
	return 0;
}

static cJSON *
find_text(const cJSON *array, const char *text)
{
	cJSON *element;

	cJSON_ArrayForEach(element, array)
		if (cJSON_IsString(element) &&
		    strcmp(element->valuestring, text) == 0)
			return element;
	return NULL;
}

static int
constrain(cJSON *task, const struct spec_change *change, bool *ret_changed,
    struct err *err)
{
	cJSON *placement, *constraints, *element;

	if (need_container(&at_task, task, "Placement", false, &placement,
	    err) < 0 ||
	    need_container(&at_placement, placement, "Constraints", true,
	    &constraints, err) < 0)
		return -1;
	if (find_text(constraints, change->constraint) != NULL)
		return 0;
	*ret_changed = true;
	element = cJSON_CreateString(change->constraint);
	if (element == NULL || !cJSON_AddItemToArray(constraints, element)) {
		cJSON_Delete(element);
		return err_nomem(err);
	}
	return 0;
}

static void
unconstrain(cJSON *task, const struct spec_change *change, bool *ret_changed)
{
	cJSON *constraints = json_member(json_member(task, "Placement"),
	    "Constraints"), *element;

	while ((element = find_text(constraints, change->constraint)) !=
	    NULL) {
		cJSON_Delete(cJSON_DetachItemViaPointer(constraints,
		    element));
		*ret_changed = true;
	}
}

static int
apply(cJSON *spec, struct spec_change *change, bool *ret_changed,
    struct err *err)
{
	cJSON *task = json_member(spec, "TaskTemplate");

	if (!cJSON_IsObject(task))
		return json_malformed(&at_top, "Spec.TaskTemplate",
		    "is not an object", err);
	switch (change->kind) {
	case SPEC_FORCE:
		return force(task, change, ret_changed, err);
	case SPEC_CONSTRAIN:
		return constrain(task, change, ret_changed, err);
	case SPEC_UNCONSTRAIN:
		unconstrain(task, change, ret_changed);
		return 0;
	default:
		return scale(spec, change, ret_changed, err);
	}
}

int
engine_json_spec(const char *body, size_t len, struct spec_change *change,
    struct spec_update *ret, struct err *err)
{
	CLEANUP(json_free) cJSON *json = NULL;
	CLEANUP(spec_update_free) struct spec_update update =
	    SPEC_UPDATE_INIT;
	const cJSON *version;
	cJSON *spec;
	bool changed = false;

	if (json_parse(body, len, endpoint, &json, err) < 0 ||
	    json_keep_numbers(json, body, len, endpoint, err) < 0)
		return -1;
	version = json_member(json_member(json, "Version"), "Index");
	if (!is_digits(version))
		return json_malformed(&at_top, "Version.Index",
		    "is not a count", err);
	spec = json_member(json, "Spec");
	if (apply(spec, change, &changed, err) < 0 ||
	    (changed && json_print(spec, &update.spec, err) < 0) ||
	    str_dup(version->valuestring, &update.version, err) < 0)
		return -1;
	*ret = update;
	update = (struct spec_update)SPEC_UPDATE_INIT;
	return 0;
}
