#define _GNU_SOURCE
#include "lib/docker/engine_swarm.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/docker/engine_call.h"
#include "lib/docker/engine_json.h"
#include "lib/docker/engine_json_spec.h"
#include "lib/docker/engine_json_swarm.h"
#include "lib/docker/engine_tasks.h"
#include "lib/base/json.h"

/* How long others' changes may be in our way. */
#define CONFLICT_S 30.0
#define CONFLICT_PAUSE_S 0.25

int
engine_is_manager(struct engine *engine, bool *ret, struct err *err)
{
	static const struct engine_endpoint endpoint = {
		.method = "GET", .before = "/info", .after = ""
	};
	CLEANUP(http_response_free) struct http_response response =
	    HTTP_RESPONSE_INIT;
	struct err why = ERR_INIT;

	if (engine_get(engine, &endpoint, true, &response, &why) == 0)
		return engine_json_manager(response.body, response.body_len,
		    ret, err);
	if (why.kind == ERR_REFUSED) {
		*ret = false;
		return 0;
	}
	*err = why;
	return -1;
}

int
engine_services(struct engine *engine, struct service_list *ret,
    struct err *err)
{
	static const struct engine_endpoint endpoint = {
		.method = "GET", .before = "/services", .after = ""
	};
	CLEANUP(http_response_free) struct http_response response =
	    HTTP_RESPONSE_INIT;

	if (engine_get(engine, &endpoint, true, &response, err) < 0)
		return -1;
	return engine_json_services(response.body, response.body_len, ret,
	    err);
}

void
service_list_free(struct service_list *list)
{
	size_t i;

	for (i = 0; i < list->n; i++) {
		free(list->v[i].id);
		free(list->v[i].name);
		strmap_free(&list->v[i].labels);
		engine_mounts_free(list->v[i].mounts, list->v[i].n_mounts);
	}
	free(list->v);
	*list = (struct service_list)SERVICE_LIST_INIT;
}

/* Read and written by the Engine's newest version: in older ones it leaves out
 * what they did not know, and takes that for a wish to have it removed. */
static int
read_spec(struct engine *engine, const char *id, struct spec_change *change,
    struct spec_update *ret, struct err *err)
{
	const struct engine_endpoint endpoint = {
		.method = "GET", .before = "/services/", .id = id,
		.after = "", .newest = true
	};
	CLEANUP(http_response_free) struct http_response response =
	    HTTP_RESPONSE_INIT;

	if (engine_get(engine, &endpoint, false, &response, err) < 0)
		return -1;
	return engine_json_spec(response.body, response.body_len, change, ret,
	    err);
}

/* "update out of sequence" comes with status 500, or 400, or 409. */
static int
write_spec(struct engine *engine, const char *id,
    const struct spec_update *update, bool *ret_conflict, struct err *err)
{
	struct engine_endpoint endpoint = {
		.method = "POST", .before = "/services/", .id = id,
		.newest = true
	};
	CLEANUP(http_response_free) struct http_response response =
	    HTTP_RESPONSE_INIT;
	CLEANUP(cleanup_free) char *after = NULL;

	if (str_format(&after, err, "/update?version=%s",
	    update->version) < 0)
		return -1;
	endpoint.after = after;
	if (engine_post(engine, &endpoint, update->spec, &response, err) == 0)
		return 0;
	*ret_conflict = response.body != NULL &&
	    strcasestr(response.body, "update out of sequence") != NULL;
	return -1;
}

/* Whether the write that why tells of has come to pass all the same. */
static int
find_out(struct engine *engine, const char *id, struct spec_change *change,
    const struct err *why, struct err *err)
{
	CLEANUP(spec_update_free) struct spec_update update =
	    SPEC_UPDATE_INIT;
	struct err ignored = ERR_INIT;

	if (why->kind != ERR_REFUSED && why->kind != ERR_NOTFOUND &&
	    read_spec(engine, id, change, &update, &ignored) == 0 &&
	    update.spec == NULL)
		return 0;
	*err = *why;
	return -1;
}

static int
change_once(struct engine *engine, const char *id, struct spec_change *change,
    bool *ret_conflict, struct err *err)
{
	CLEANUP(spec_update_free) struct spec_update update =
	    SPEC_UPDATE_INIT;
	struct err why = ERR_INIT;

	*ret_conflict = false;
	if (read_spec(engine, id, change, &update, err) < 0)
		return -1;
	change->written = change->written || update.spec != NULL;
	if (update.spec == NULL ||
	    write_spec(engine, id, &update, ret_conflict, &why) == 0)
		return 0;
	if (!*ret_conflict)
		return find_out(engine, id, change, &why, err);
	*err = why;
	return -1;
}

static int
change_service(struct engine *engine, const char *id,
    struct spec_change *change, struct err *err)
{
	double end_s = clock_mono_s() + CONFLICT_S;
	struct err why = ERR_INIT;
	bool conflict;

	while (change_once(engine, id, change, &conflict, &why) < 0) {
		if (!conflict || clock_mono_s() >= end_s) {
			*err = why;
			return -1;
		}
		engine_wait(CONFLICT_PAUSE_S);
	}
	return 0;
}

int
engine_service_count(struct engine *engine, const char *id,
    unsigned long long *ret, struct err *err)
{
	CLEANUP(spec_update_free) struct spec_update update =
	    SPEC_UPDATE_INIT;
	struct spec_change nothing = { .kind = SPEC_SCALE };

	if (read_spec(engine, id, &nothing, &update, err) < 0)
		return -1;
	*ret = nothing.has;
	return 0;
}

/* Once we have written, the count that we wanted is taken for ours: also after
 * a conflict, for libcurl may have sent the write twice. */
int
engine_service_scale(struct engine *engine, const char *id,
    unsigned long long from, unsigned long long to, bool *ret_done,
    struct err *err)
{
	struct spec_change change = {
		.kind = SPEC_SCALE, .count = to, .from = from
	};

	if (change_service(engine, id, &change, err) < 0)
		return -1;
	*ret_done = change.has == from || (change.has == to && change.written);
	return 0;
}

int
engine_service_unscale(struct engine *engine, const char *id,
    unsigned long long replicas, struct err *err)
{
	bool ignored;

	return engine_service_scale(engine, id, 0, replicas, &ignored, err);
}

int
engine_service_force(struct engine *engine, const char *id, struct err *err)
{
	struct spec_change change = { SPEC_FORCE, 0, NULL };

	return change_service(engine, id, &change, err);
}

int
engine_service_constrain(struct engine *engine, const char *id,
    const char *constraint, bool add, struct err *err)
{
	struct spec_change change = {
		add ? SPEC_CONSTRAIN : SPEC_UNCONSTRAIN, 0, constraint
	};

	return change_service(engine, id, &change, err);
}

static int
get_tasks(struct engine *engine, const char *id, struct task_list *ret,
    struct err *err)
{
	struct engine_endpoint endpoint = {
		.method = "GET", .before = "/tasks"
	};
	CLEANUP(http_response_free) struct http_response response =
	    HTTP_RESPONSE_INIT;
	CLEANUP(cleanup_free) char *after = NULL;
	CLEANUP(cleanup_free) char *filter = NULL;

	if (engine_json_filter("service", id, &filter, err) < 0 ||
	    str_format(&after, err, "?filters=%s", filter) < 0)
		return -1;
	endpoint.after = after;
	if (engine_get(engine, &endpoint, false, &response, err) < 0)
		return -1;
	return engine_json_tasks(response.body, response.body_len, ret, err);
}

/* A proxy may keep it from us: then no node is known to be down. */
static int
get_down_nodes(struct engine *engine, struct strlist *ret, struct err *err)
{
	static const struct engine_endpoint endpoint = {
		.method = "GET", .before = "/nodes", .after = ""
	};
	CLEANUP(http_response_free) struct http_response response =
	    HTTP_RESPONSE_INIT;
	struct err why = ERR_INIT;

	if (engine_get(engine, &endpoint, false, &response, &why) == 0)
		return engine_json_down_nodes(response.body,
		    response.body_len, ret, err);
	if (why.kind == ERR_REFUSED)
		return 0;
	*err = why;
	return -1;
}

int
engine_service_tasks(struct engine *engine, const char *id,
    struct service_tasks *ret, struct err *err)
{
	CLEANUP(task_list_free) struct task_list list = TASK_LIST_INIT;
	CLEANUP(strlist_free) struct strlist down = STRLIST_INIT;

	if (get_tasks(engine, id, &list, err) < 0)
		return -1;
	if (task_list_lingers(&list) && get_down_nodes(engine, &down, err) < 0)
		return -1;
	task_list_count(&list, &down, ret);
	return 0;
}

int
engine_service_local(struct engine *engine, const char *id, size_t *ret,
    struct err *err)
{
	struct engine_endpoint endpoint = {
		.method = "GET", .before = "/containers/json"
	};
	CLEANUP(http_response_free) struct http_response response =
	    HTTP_RESPONSE_INIT;
	CLEANUP(container_list_free) struct container_list list =
	    CONTAINER_LIST_INIT;
	CLEANUP(cleanup_free) char *label = NULL;
	CLEANUP(cleanup_free) char *filter = NULL;
	CLEANUP(cleanup_free) char *after = NULL;
	size_t i;

	if (str_format(&label, err, LABEL_SERVICE_ID "=%s", id) < 0 ||
	    engine_json_filter("label", label, &filter, err) < 0 ||
	    str_format(&after, err, "?filters=%s", filter) < 0)
		return -1;
	endpoint.after = after;
	if (engine_get(engine, &endpoint, false, &response, err) < 0 ||
	    engine_json_containers(response.body, response.body_len, &list,
	    err) < 0)
		return -1;
	/* Without all=1 those that run; and whoever does not know the filter
	 * gives those of others, too. */
	for (*ret = 0, i = 0; i < list.n; i++) {
		const char *of = strmap_get(&list.v[i].labels,
		    LABEL_SERVICE_ID);

		*ret += of != NULL && strcmp(of, id) == 0;
	}
	return 0;
}
