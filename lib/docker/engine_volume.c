#define _GNU_SOURCE
#include "lib/docker/engine_volume.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/docker/engine_call.h"
#include "lib/docker/engine_json.h"
#include "lib/docker/engine_json_volume.h"

/* The Engine writes to its disk meanwhile, and says nothing. */
#define STALL_S 600.0

int
engine_volume_create(struct engine *engine,
    const struct engine_volume_wanted *wanted, struct volume *ret,
    struct err *err)
{
	static const struct engine_endpoint endpoint = {
		.method = "POST", .before = "/volumes/create", .after = ""
	};
	CLEANUP(http_response_free) struct http_response response =
	    HTTP_RESPONSE_INIT;
	CLEANUP(cleanup_free) char *body = NULL;

	if (engine_json_volume_request(wanted, &body, err) < 0 ||
	    engine_post(engine, &endpoint, body, &response, err) < 0)
		return -1;
	return engine_json_volume(response.body, response.body_len,
	    "POST /volumes/create", ret, err);
}

void
engine_volume_free(struct volume *volume)
{
	free(volume->name);
	free(volume->driver);
	free(volume->mountpoint);
	strmap_free(&volume->labels);
	strmap_free(&volume->options);
	*volume = (struct volume){ .name = NULL };
}

static bool
is_gone(const struct http_response *response)
{
	char message[ENGINE_JSON_MESSAGE_BYTES];

	engine_json_message(response->body, response->body_len, message);
	return response->status == 404 &&
	    strcasestr(message, "no such volume") != NULL;
}

int
engine_volume_remove(struct engine *engine, const char *name, struct err *err)
{
	const struct engine_endpoint endpoint = {
		.method = "DELETE", .before = "/volumes/", .id = name,
		.after = ""
	};
	const struct http_request request = { .timeout_s = ENGINE_ANSWER_S };
	CLEANUP(http_response_free) struct http_response response =
	    HTTP_RESPONSE_INIT;

	if (engine_call(engine, &endpoint, &request, &response, err) < 0)
		return -1;
	return response.status / 100 == 2 || is_gone(&response) ? 0 :
	    engine_refused(&endpoint, &response, err);
}

int
engine_put(struct engine *engine, const char *id, const char *path,
    int (*pull)(void *cookie, void *bytes, size_t n, size_t *ret_n,
    struct err *err), void *cookie, struct err *err)
{
	struct engine_endpoint endpoint = {
		.method = "PUT", .before = "/containers/", .id = id
	};
	const struct http_request request = {
		.stall_s = STALL_S, .interruptible = true, .pull = pull,
		.cookie = cookie, .content_type = "application/x-tar"
	};
	CLEANUP(http_response_free) struct http_response response =
	    HTTP_RESPONSE_INIT;
	CLEANUP(cleanup_free) char *escaped = NULL;
	CLEANUP(cleanup_free) char *after = NULL;

	if (http_escape(path, &escaped, err) < 0 ||
	    str_format(&after, err, "/archive?path=%s&noOverwriteDirNonDir=1",
	    escaped) < 0)
		return -1;
	endpoint.after = after;
	if (engine_call(engine, &endpoint, &request, &response, err) < 0)
		return -1;
	return response.status == 200 ? 0 :
	    engine_refused_path(&endpoint, &response, err);
}
