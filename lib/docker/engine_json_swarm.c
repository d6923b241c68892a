#define _GNU_SOURCE
#include "lib/docker/engine_json_swarm.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/json.h"

int
engine_json_manager(const char *body, size_t len, bool *ret, struct err *err)
{
	static const struct json_place place = { "GET /info", "Swarm." };
	CLEANUP(json_free) cJSON *json = NULL;
	CLEANUP(cleanup_free) char *state = NULL;
	const cJSON *swarm;

	if (json_parse(body, len, place.endpoint, &json, err) < 0)
		return -1;
	swarm = json_member(json, "Swarm");
	if (json_want_text(&place, swarm, "LocalNodeState", &state, err) < 0)
		return -1;
	*ret = strcmp(state, "active") == 0 &&
	    cJSON_IsTrue(json_member(swarm, "ControlAvailable"));
	return 0;
}

static const char get_services[] = "GET /services";

/* As GET /containers/json has mounts: a volume has a name, all else a path. A
 * volume without one is made anew for each task. */
static int
decode_mount(const cJSON *json, struct mount *ret, struct err *err)
{
	static const struct json_place place = {
		get_services, "Spec.TaskTemplate.ContainerSpec.Mounts[]."
	};
	const cJSON *driver = json_member(json_member(json, "VolumeOptions"),
	    "DriverConfig");
	bool volume;

	if (json_want_text(&place, json, "Type", &ret->type, err) < 0)
		return -1;
	volume = strcmp(ret->type, "volume") == 0;
	if (json_want_text(&place, json, "Source",
	    volume ? &ret->name : &ret->source, err) < 0 ||
	    str_dup("", volume ? &ret->source : &ret->name, err) < 0 ||
	    json_want_text(&place, driver, "Name", &ret->driver, err) < 0)
		return -1;
	return json_need_text(&place, json, "Target", &ret->destination, err);
}

static int
decode_mounts(const cJSON *container, struct service *ret, struct err *err)
{
	static const struct json_place place = {
		get_services, "Spec.TaskTemplate.ContainerSpec."
	};
	const cJSON *mounts = json_member(container, "Mounts"), *mount;
	void *v;

	if (mounts == NULL)
		return 0;
	if (json_need_objects(&place, mounts, "Mounts", sizeof *ret->mounts,
	    &v, err) < 0)
		return -1;
	ret->mounts = v;
	cJSON_ArrayForEach(mount, mounts)
		if (decode_mount(mount, &ret->mounts[ret->n_mounts++],
		    err) < 0)
			return -1;
	return 0;
}

/* A mode that we do not know has, as a job, nothing that can be brought to
 * rest and back. */
static int
decode_mode(const cJSON *mode, struct service *ret, struct err *err)
{
	static const struct json_place place = {
		get_services, "Spec.Mode.Replicated."
	};
	const cJSON *replicated = json_member(mode, "Replicated");

	if (replicated != NULL) {
		ret->mode = SERVICE_REPLICATED;
		ret->replicas = 1;	/* what Swarm takes for none given */
		return json_want_count(&place, replicated, "Replicas",
		    &ret->replicas, err);
	}
	ret->mode = json_member(mode, "Global") != NULL ? SERVICE_GLOBAL :
	    SERVICE_JOB;
	return 0;
}

static int
decode_restarts(const cJSON *task, bool *ret, struct err *err)
{
	static const struct json_place place = {
		get_services, "Spec.TaskTemplate.RestartPolicy."
	};
	CLEANUP(cleanup_free) char *condition = NULL;

	if (json_want_text(&place, json_member(task, "RestartPolicy"),
	    "Condition", &condition, err) < 0)
		return -1;
	*ret = *condition == '\0' || strcmp(condition, "any") == 0;
	return 0;
}

static int
decode_service(const cJSON *json, struct service *ret, struct err *err)
{
	static const struct json_place outer = { get_services, "" };
	static const struct json_place inner = { get_services, "Spec." };
	const cJSON *spec = json_member(json, "Spec");
	const cJSON *task = json_member(spec, "TaskTemplate");

	if (json_need_text(&outer, json, "ID", &ret->id, err) < 0 ||
	    json_need_text(&inner, spec, "Name", &ret->name, err) < 0 ||
	    json_want_map(&inner, spec, "Labels", &ret->labels, err) < 0 ||
	    decode_mode(json_member(spec, "Mode"), ret, err) < 0 ||
	    decode_restarts(task, &ret->restarts_any, err) < 0)
		return -1;
	return decode_mounts(json_member(task, "ContainerSpec"), ret, err);
}

static int
by_name(const void *a, const void *b)
{
	const struct service *left = a, *right = b;

	return strcmp(left->name, right->name);
}

int
engine_json_services(const char *body, size_t len, struct service_list *ret,
    struct err *err)
{
	static const struct json_place place = { get_services, "" };
	CLEANUP(json_free) cJSON *json = NULL;
	CLEANUP(service_list_free) struct service_list list =
	    SERVICE_LIST_INIT;
	const cJSON *element;
	void *v;

	if (json_parse(body, len, get_services, &json, err) < 0 ||
	    json_need_objects(&place, json, "(whole)", sizeof *list.v, &v,
	    err) < 0)
		return -1;
	list.v = v;
	cJSON_ArrayForEach(element, json)
		if (decode_service(element, &list.v[list.n++], err) < 0)
			return -1;
	qsort(list.v, list.n, sizeof *list.v, by_name);
	*ret = list;
	list = (struct service_list)SERVICE_LIST_INIT;
	return 0;
}

/* A state that we do not know is taken for one on the way: so nobody believes
 * that the task is over, nor that it runs. */
static int
decode_state(const struct json_place *place, const cJSON *object,
    const char *field, enum task_state *ret, struct err *err)
{
	static const char *const names[] = {
		"new", "allocated", "pending", "assigned", "accepted",
		"preparing", "ready", "starting", "running", "complete",
		"shutdown", "failed", "rejected", "remove", "orphaned"
	};
	CLEANUP(cleanup_free) char *name = NULL;
	size_t i;

	if (json_need_text(place, object, field, &name, err) < 0)
		return -1;
	*ret = TASK_STARTING;
	for (i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(name, names[i]) == 0)
			*ret = (enum task_state)i;
	return 0;
}

static int
decode_task(const cJSON *json, struct task *ret, struct err *err)
{
	static const struct json_place outer = { "GET /tasks", "" };
	static const struct json_place inner = { "GET /tasks", "Status." };
	const cJSON *status = json_member(json, "Status");

	if (json_want_count(&outer, json, "Slot", &ret->slot, err) < 0 ||
	    json_want_text(&outer, json, "NodeID", &ret->node, err) < 0 ||
	    json_want_text(&outer, json, "CreatedAt", &ret->created,
	    err) < 0 ||
	    json_want_text(&inner, status, "Err", &ret->failure, err) < 0 ||
	    decode_state(&inner, status, "State", &ret->state, err) < 0)
		return -1;
	return decode_state(&outer, json, "DesiredState", &ret->desired, err);
}

int
engine_json_tasks(const char *body, size_t len, struct task_list *ret,
    struct err *err)
{
	static const struct json_place place = { "GET /tasks", "" };
	CLEANUP(json_free) cJSON *json = NULL;
	CLEANUP(task_list_free) struct task_list list = TASK_LIST_INIT;
	const cJSON *element;
	void *v;

	if (json_parse(body, len, place.endpoint, &json, err) < 0 ||
	    json_need_objects(&place, json, "(whole)", sizeof *list.v, &v,
	    err) < 0)
		return -1;
	list.v = v;
	cJSON_ArrayForEach(element, json)
		if (decode_task(element, &list.v[list.n++], err) < 0)
			return -1;
	*ret = list;
	list = (struct task_list)TASK_LIST_INIT;
	return 0;
}

static int
decode_node(const cJSON *json, struct strlist *ret, struct err *err)
{
	static const struct json_place outer = { "GET /nodes", "[]." };
	static const struct json_place inner = { "GET /nodes", "[].Status." };
	CLEANUP(cleanup_free) char *id = NULL;
	CLEANUP(cleanup_free) char *state = NULL;

	if (json_need_text(&outer, json, "ID", &id, err) < 0 ||
	    json_want_text(&inner, json_member(json, "Status"), "State",
	    &state, err) < 0)
		return -1;
	return strcmp(state, "down") == 0 ? strlist_add(ret, id, err) : 0;
}

int
engine_json_down_nodes(const char *body, size_t len, struct strlist *ret,
    struct err *err)
{
	static const struct json_place place = { "GET /nodes", "" };
	CLEANUP(json_free) cJSON *json = NULL;
	const cJSON *element;

	if (json_parse(body, len, place.endpoint, &json, err) < 0)
		return -1;
	if (!cJSON_IsArray(json))
		return json_malformed(&place, "(whole)", "is not an array",
		    err);
	cJSON_ArrayForEach(element, json)
		if (decode_node(element, ret, err) < 0)
			return -1;
	return 0;
}
