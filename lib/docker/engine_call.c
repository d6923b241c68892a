#define _GNU_SOURCE
#include "lib/docker/engine_call.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/str.h"
#include "lib/docker/engine_json.h"

/* The negotiated version is always named: without it an Engine takes its
 * newest one. */
static int
make_path(const struct engine *engine, const struct engine_endpoint *endpoint,
    char **ret, struct err *err)
{
	CLEANUP(cleanup_free) char *id = NULL;

	if (endpoint->id != NULL && http_escape(endpoint->id, &id, err) < 0)
		return -1;
	return str_format(ret, err, "/v%s%s%s%s",
	    endpoint->newest && *engine->newest != '\0' ? engine->newest :
	    engine->version, endpoint->before, id != NULL ? id : "",
	    endpoint->after);
}

#define NAME_BYTES 64

/* For messages: without the query, and "ID" for what is one. */
static void
name_endpoint(const struct engine_endpoint *endpoint, char ret[NAME_BYTES])
{
	(void)snprintf(ret, NAME_BYTES, "%s %s%s%.*s", endpoint->method,
	    endpoint->before, endpoint->id != NULL ? "ID" : "",
	    (int)strcspn(endpoint->after, "?"), endpoint->after);
}

/* A request whose own callback may fail, and what is needed to tell. */
struct caller {
	const struct http_request *request;
	bool failed;
};

static int
write_through(void *cookie, const void *bytes, size_t n, struct err *err)
{
	struct caller *caller = cookie;
	int rc = caller->request->write(caller->request->cookie, bytes, n,
	    err);

	caller->failed = rc < 0;
	return rc;
}

static int
pull_through(void *cookie, void *bytes, size_t n, size_t *ret_n,
    struct err *err)
{
	struct caller *caller = cookie;
	int rc = caller->request->pull(caller->request->cookie, bytes, n,
	    ret_n, err);

	caller->failed = rc < 0;
	return rc;
}

int
engine_call(struct engine *engine, const struct engine_endpoint *endpoint,
    const struct http_request *request, struct http_response *ret,
    struct err *err)
{
	struct caller caller = { .request = request };
	struct http_request whole = *request;
	CLEANUP(cleanup_free) char *path = NULL;
	char name[NAME_BYTES];

	if (make_path(engine, endpoint, &path, err) < 0)
		return -1;
	whole.method = endpoint->method;
	whole.path = path;
	if (request->write != NULL)
		whole.write = write_through;
	if (request->pull != NULL)
		whole.pull = pull_through;
	if (request->write != NULL || request->pull != NULL)
		whole.cookie = &caller;
	if (http_call(engine->http, &whole, ret, err) == 0)
		return 0;
	if (caller.failed)
		return -1;
	name_endpoint(endpoint, name);
	return err_add(err, "%s", name);
}

int
engine_get(struct engine *engine, const struct engine_endpoint *endpoint,
    bool interruptible, struct http_response *ret, struct err *err)
{
	const struct http_request request = {
		.timeout_s = ENGINE_ANSWER_S, .interruptible = interruptible
	};

	if (engine_call(engine, endpoint, &request, ret, err) < 0)
		return -1;
	return ret->status == 200 ? 0 : engine_refused(endpoint, ret, err);
}

int
engine_post(struct engine *engine, const struct engine_endpoint *endpoint,
    const char *body, struct http_response *ret, struct err *err)
{
	const struct http_request request = {
		.timeout_s = ENGINE_ANSWER_S, .body = body,
		.body_len = body != NULL ? strlen(body) : 0
	};

	if (engine_call(engine, endpoint, &request, ret, err) < 0)
		return -1;
	return ret->status / 100 == 2 || ret->status == 304 ? 0 :
	    engine_refused(endpoint, ret, err);
}

/* A start gives 404 also for a network that is not there now, and a proxy for
 * what it does not let pass: only these are for good. */
static bool
is_gone(const struct engine_endpoint *endpoint, const char *message)
{
	if (str_starts(endpoint->before, "/services") ||
	    str_starts(endpoint->before, "/tasks"))
		return str_starts(message, "service ") &&
		    str_ends(message, " not found");
	return strcasestr(message, "no such container") != NULL ||
	    strcasestr(message, "no container with") != NULL;
}

/* A proxy that gave up waiting, a manager of a Swarm that waited in vain for
 * the others (dockerd gives 500 for that): what was asked for may still
 * happen. */
static bool
is_unknown(long status, const char *message)
{
	return (status >= 502 && status <= 504) || (status >= 500 &&
	    strcasestr(message, "deadline exceeded") != NULL);
}

int
engine_refused(const struct engine_endpoint *endpoint,
    const struct http_response *response, struct err *err)
{
	char message[ENGINE_JSON_MESSAGE_BYTES], name[NAME_BYTES];
	enum err_kind kind = ERR_REFUSED;

	engine_json_message(response->body, response->body_len, message);
	if (response->status == 404 && is_gone(endpoint, message))
		kind = ERR_NOTFOUND;
	if (is_unknown(response->status, message))
		kind = ERR_TIMEOUT;
	name_endpoint(endpoint, name);
	return err_set(err, kind, "the Engine refuses %s: %s (status %ld)%s",
	    name, message, response->status,
	    response->status == 403 ?
	    " (a proxy before its socket must let this pass)" : "");
}

int
engine_refused_path(const struct engine_endpoint *endpoint,
    const struct http_response *response, struct err *err)
{
	char message[ENGINE_JSON_MESSAGE_BYTES];

	(void)engine_refused(endpoint, response, err);
	engine_json_message(response->body, response->body_len, message);
	if (response->status == 404 &&
	    (strcasestr(message, "could not find the file") != NULL ||
	    strcasestr(message, "no such file") != NULL))
		err->kind = ERR_NOTFOUND;
	return -1;
}

void
engine_wait(double seconds)
{
	struct timespec left = {
		.tv_sec = (time_t)seconds,
		.tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)
	};

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

void
engine_mounts_free(struct mount *mounts, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		free(mounts[i].type);
		free(mounts[i].name);
		free(mounts[i].source);
		free(mounts[i].destination);
		free(mounts[i].driver);
	}
	free(mounts);
}
