#define _GNU_SOURCE
#include "lib/docker/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/http.h"
#include "lib/docker/engine_address.h"
#include "lib/docker/engine_call.h"
#include "lib/docker/engine_json.h"
#include "lib/docker/engine_volume.h"

#define ACCEPT_S 10.0
/* Where a proxy keeps a container's own stop timeout from us. */
#define STOP_UNKNOWN_S 600.0
#define STOP_FOREVER_S 1e6	/* the most that is asked for, */
#define STOP_MOST_S 3600.0	/* and that is waited for */

/* The range of API versions that this file was written for: 1.24 is Docker
 * 1.12, and what newer Engines add above 1.47 we do not use. */
#define API_MINOR_MIN 24u
#define API_MINOR_MAX 47u

/* "1.41" gives 41. A later major version counts as newer than all we know. */
static bool
parse_version(const char *text, unsigned *ret_minor)
{
	unsigned major, minor;
	char end;

	if (strspn(text, "0123456789.") != strlen(text) ||
	    sscanf(text, "%3u.%4u%c", &major, &minor, &end) != 2)
		return false;
	*ret_minor = major > 1 ? API_MINOR_MAX : major == 1 ? minor : 0;
	return true;
}

static int
take_version(struct engine *engine, const char *given, struct err *err)
{
	unsigned minor;

	if (given == NULL || *given == '\0')
		return 0;
	if (*given == 'v')
		given++;
	if (!parse_version(given, &minor) ||
	    strlen(given) >= sizeof engine->version)
		return err_set(err, ERR_CONFIG,
		    "the Docker API version '%s' is not like '1.41'", given);
	memcpy(engine->version, given, strlen(given) + 1);
	engine->version_given = true;
	return 0;
}

/* What the Engine says of itself, if it is a version. */
static void
take_newest(struct engine *engine, const char *version)
{
	unsigned minor;

	if (version != NULL && parse_version(version, &minor) &&
	    strlen(version) < sizeof engine->newest)
		memcpy(engine->newest, version, strlen(version) + 1);
}

static int
negotiate(struct engine *engine, const struct engine_endpoint *endpoint,
    const struct http_response *pong, struct err *err)
{
	const char *version = strmap_get(&pong->headers, "api-version");
	unsigned minor;

	if (pong->status == 200)
		take_newest(engine, version);
	if (engine->version_given)
		return 0;
	if (pong->status != 200)
		return engine_refused(endpoint, pong, err);
	if (version == NULL || !parse_version(version, &minor))
		return err_set(err, ERR_PROTOCOL, "malformed answer to "
		    "GET /_ping: header Api-Version is '%.40s' (no Docker "
		    "Engine?)", version != NULL ? version : "");
	if (minor < API_MINOR_MIN)
		return err_set(err, ERR_PROTOCOL, "the Engine is too old: it "
		    "speaks API %s, and 1.%u is needed", version,
		    API_MINOR_MIN);
	(void)snprintf(engine->version, sizeof engine->version, "1.%u",
	    minor < API_MINOR_MAX ? minor : API_MINOR_MAX);
	return 0;
}

/* The only call without a version. */
static int
ping(struct engine *engine, struct err *err)
{
	static const struct engine_endpoint endpoint = {
		.method = "GET", .before = "/_ping", .after = ""
	};
	static const struct http_request request = {
		.method = "GET", .path = "/_ping",
		.timeout_s = ENGINE_ANSWER_S, .interruptible = true
	};
	CLEANUP(http_response_free) struct http_response pong =
	    HTTP_RESPONSE_INIT;

	if (http_call(engine->http, &request, &pong, err) < 0)
		return err_add(err, "no Docker Engine");
	return negotiate(engine, &endpoint, &pong, err);
}

int
engine_open(const struct engine_settings *settings, struct engine **ret,
    struct err *err)
{
	CLEANUP(engine_address_free) struct engine_address address = {
		.base = NULL
	};
	CLEANUP(engine_freep) struct engine *engine = NULL;
	struct http_endpoint endpoint = {
		.no_proxy = true, .connect_timeout_s = ACCEPT_S
	};

	if (engine_address_parse(settings, &address, err) < 0)
		return -1;
	engine = calloc(1, sizeof *engine);
	if (engine == NULL)
		return err_nomem(err);
	endpoint.base = address.base;
	endpoint.unix_socket = address.unix_socket;
	endpoint.ca_file = address.ca_file;
	endpoint.cert_file = address.cert_file;
	endpoint.key_file = address.key_file;
	endpoint.insecure = address.insecure;
	if (take_version(engine, settings->api_version, err) < 0 ||
	    http_new(&endpoint, &engine->http, err) < 0 ||
	    ping(engine, err) < 0)
		return -1;
	*ret = engine;
	engine = NULL;
	return 0;
}

void
engine_free(struct engine *engine)
{
	if (engine == NULL)
		return;
	http_free(engine->http);
	free(engine);
}

void
engine_freep(struct engine **engine)
{
	engine_free(*engine);
	*engine = NULL;
}

int
engine_containers(struct engine *engine, struct container_list *ret,
    struct err *err)
{
	static const struct engine_endpoint endpoint = {
		.method = "GET", .before = "/containers/json",
		.after = "?all=1"
	};
	CLEANUP(http_response_free) struct http_response response =
	    HTTP_RESPONSE_INIT;

	if (engine_get(engine, &endpoint, true, &response, err) < 0)
		return -1;
	return engine_json_containers(response.body, response.body_len, ret,
	    err);
}

int
engine_volumes(struct engine *engine, struct volume_list *ret,
    struct err *err)
{
	static const struct engine_endpoint endpoint = {
		.method = "GET", .before = "/volumes", .after = ""
	};
	CLEANUP(http_response_free) struct http_response response =
	    HTTP_RESPONSE_INIT;

	if (engine_get(engine, &endpoint, true, &response, err) < 0)
		return -1;
	return engine_json_volumes(response.body, response.body_len, ret, err);
}

static int
inspect(struct engine *engine, const char *id, struct http_response *ret,
    struct err *err)
{
	const struct engine_endpoint endpoint = {
		.method = "GET", .before = "/containers/", .id = id,
		.after = "/json"
	};

	return engine_get(engine, &endpoint, false, ret, err);
}

/* How long a stop may take by the container's own wish. Where a proxy does not
 * let us ask, we wait long: to give up early would be to start a container that
 * is about to stop. */
static int
own_deadline(struct engine *engine, const char *id, double *ret_s,
    struct err *err)
{
	CLEANUP(http_response_free) struct http_response response =
	    HTTP_RESPONSE_INIT;
	struct err why = ERR_INIT;
	double own_s;

	if (inspect(engine, id, &response, &why) < 0) {
		*ret_s = STOP_UNKNOWN_S;
		if (response.body != NULL && why.kind != ERR_NOTFOUND)
			return 0;
		*err = why;	/* no answer, or nothing to stop */
		return -1;
	}
	if (engine_json_stop_timeout(response.body, response.body_len, &own_s,
	    err) < 0)
		return -1;
	*ret_s = own_s < 0 ? STOP_MOST_S : own_s + ENGINE_ANSWER_S;
	return 0;
}

/* POST without a body; 304: it was in that state already. */
static int
change_state(struct engine *engine, const char *id, const char *suffix,
    double timeout_s, struct err *err)
{
	const struct engine_endpoint endpoint = {
		.method = "POST", .before = "/containers/", .id = id,
		.after = suffix
	};
	const struct http_request request = { .timeout_s = timeout_s };
	CLEANUP(http_response_free) struct http_response response =
	    HTTP_RESPONSE_INIT;

	if (engine_call(engine, &endpoint, &request, &response, err) < 0)
		return -1;
	return response.status / 100 == 2 || response.status == 304 ? 0 :
	    engine_refused(&endpoint, &response, err);
}

static int
stop(struct engine *engine, const char *id, const char *suffix,
    double deadline_s, struct err *err)
{
	return change_state(engine, id, suffix, deadline_s < STOP_MOST_S ?
	    deadline_s : STOP_MOST_S, err);
}

int
engine_stop(struct engine *engine, const char *id, double timeout_s,
    struct err *err)
{
	char suffix[32];
	unsigned long s;
	double deadline_s;

	if (timeout_s < 0) {
		if (own_deadline(engine, id, &deadline_s, err) < 0)
			return -1;
		return stop(engine, id, "/stop", deadline_s, err);
	}
	if (timeout_s > STOP_FOREVER_S)
		timeout_s = STOP_FOREVER_S;
	s = (unsigned long)timeout_s;
	s += (double)s < timeout_s;	/* rounded up */
	(void)snprintf(suffix, sizeof suffix, "/stop?t=%lu", s);
	return stop(engine, id, suffix, (double)s + ENGINE_ANSWER_S, err);
}

int
engine_start(struct engine *engine, const char *id, struct err *err)
{
	return change_state(engine, id, "/start", ENGINE_ANSWER_S, err);
}

/* An Engine has no 304 for these, and says no in different words: so it is
 * asked how things are. */
static int
freeze(struct engine *engine, const char *id, bool paused, struct err *err)
{
	struct container_state state;
	struct err why = ERR_INIT, ignored = ERR_INIT;

	if (change_state(engine, id, paused ? "/pause" : "/unpause",
	    ENGINE_ANSWER_S, &why) == 0)
		return 0;
	if (why.kind == ERR_REFUSED &&
	    engine_state(engine, id, &state, &ignored) == 0 &&
	    state.paused == paused)
		return 0;
	*err = why;
	return -1;
}

int
engine_pause(struct engine *engine, const char *id, struct err *err)
{
	return freeze(engine, id, true, err);
}

int
engine_unpause(struct engine *engine, const char *id, struct err *err)
{
	return freeze(engine, id, false, err);
}

int
engine_state(struct engine *engine, const char *id,
    struct container_state *ret, struct err *err)
{
	CLEANUP(http_response_free) struct http_response response =
	    HTTP_RESPONSE_INIT;

	if (inspect(engine, id, &response, err) < 0)
		return -1;
	return engine_json_state(response.body, response.body_len, ret, err);
}

static void
container_free(struct container *container)
{
	free(container->id);
	free(container->name);
	free(container->image);
	strmap_free(&container->labels);
	engine_mounts_free(container->mounts, container->n_mounts);
}

void
container_list_free(struct container_list *list)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		container_free(&list->v[i]);
	free(list->v);
	*list = (struct container_list)CONTAINER_LIST_INIT;
}

void
volume_list_free(struct volume_list *list)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		engine_volume_free(&list->v[i]);
	free(list->v);
	*list = (struct volume_list)VOLUME_LIST_INIT;
}
