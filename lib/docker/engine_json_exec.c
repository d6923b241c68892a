#define _GNU_SOURCE
#include "lib/docker/engine_json_exec.h"

#include <cjson/cJSON.h>
#include <limits.h>

#include "lib/base/json.h"

/* texts may be NULL: then there is no such member. */
static bool
add_texts(cJSON *json, const char *field, const char *const *texts)
{
	cJSON *array;

	if (texts == NULL)
		return true;
	array = cJSON_AddArrayToObject(json, field);
	for (; array != NULL && *texts != NULL; texts++)
		if (!cJSON_AddItemToArray(array, cJSON_CreateString(*texts)))
			return false;
	return array != NULL;
}

int
engine_json_exec_request(const struct engine_exec *exec, char **ret,
    struct err *err)
{
	CLEANUP(json_free) cJSON *json = cJSON_CreateObject();

	if (cJSON_AddTrueToObject(json, "AttachStdout") == NULL ||
	    cJSON_AddTrueToObject(json, "AttachStderr") == NULL ||
	    cJSON_AddFalseToObject(json, "Tty") == NULL ||
	    !add_texts(json, "Cmd", exec->argv) ||
	    !add_texts(json, "Env", exec->env) ||
	    (exec->user != NULL &&
	    cJSON_AddStringToObject(json, "User", exec->user) == NULL))
		return err_nomem(err);
	return json_print(json, ret, err);
}

int
engine_json_exec_state(const char *body, size_t len, struct exec_state *ret,
    struct err *err)
{
	static const struct json_place place = { "GET /exec/ID/json", "" };
	CLEANUP(json_free) cJSON *json = NULL;
	struct exec_state state = { .running = false };
	const cJSON *running, *status, *pid;

	if (json_parse(body, len, place.endpoint, &json, err) < 0)
		return -1;
	running = json_member(json, "Running");
	status = json_member(json, "ExitCode");
	pid = json_member(json, "Pid");
	if (!cJSON_IsBool(running))
		return json_malformed(&place, "Running", "is no boolean", err);
	if (status != NULL && (!cJSON_IsNumber(status) ||
	    !(status->valuedouble >= INT_MIN &&
	    status->valuedouble <= INT_MAX)))
		return json_malformed(&place, "ExitCode", "is no status", err);
	state.running = cJSON_IsTrue(running);
	state.ended = status != NULL && !state.running;
	if (state.ended)
		state.status = (int)status->valuedouble;
	state.began = !cJSON_IsNumber(pid) || pid->valuedouble > 0;
	*ret = state;
	return 0;
}
