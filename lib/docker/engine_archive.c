#define _GNU_SOURCE
#include "lib/docker/engine_archive.h"

#include <string.h>

#include "lib/base/str.h"
#include "lib/docker/engine_call.h"
#include "lib/docker/engine_json.h"
#include "lib/docker/engine_json_helper.h"
#include "lib/base/json.h"

#define STALL_S 60.0

int
engine_archive(struct engine *engine, const char *id, const char *path,
    int (*write)(void *cookie, const void *bytes, size_t n, struct err *err),
    void *cookie, struct err *err)
{
	struct engine_endpoint endpoint = {
		.method = "GET", .before = "/containers/", .id = id
	};
	const struct http_request request = {
		.stall_s = STALL_S, .interruptible = true,
		.write = write, .cookie = cookie
	};
	CLEANUP(http_response_free) struct http_response response =
	    HTTP_RESPONSE_INIT;
	CLEANUP(cleanup_free) char *after = NULL;
	CLEANUP(cleanup_free) char *escaped = NULL;

	if (http_escape(path, &escaped, err) < 0 ||
	    str_format(&after, err, "/archive?path=%s", escaped) < 0)
		return -1;
	endpoint.after = after;
	if (engine_call(engine, &endpoint, &request, &response, err) < 0)
		return -1;
	return response.status == 200 ? 0 :
	    engine_refused_path(&endpoint, &response, err);
}

int
engine_any_image(struct engine *engine, char **ret, struct err *err)
{
	static const struct engine_endpoint endpoint = {
		.method = "GET", .before = "/images/json", .after = ""
	};
	CLEANUP(http_response_free) struct http_response response =
	    HTTP_RESPONSE_INIT;

	if (engine_get(engine, &endpoint, true, &response, err) < 0)
		return -1;
	return engine_json_smallest(response.body, response.body_len, ret,
	    err);
}

/* Where the image wants volumes: unless something else is there, each helper
 * would make new ones, which nobody removes. A proxy may keep it from us. */
static int
get_image_volumes(struct engine *engine, const char *image,
    struct strlist *ret, struct err *err)
{
	const struct engine_endpoint endpoint = {
		.method = "GET", .before = "/images/", .id = image,
		.after = "/json"
	};
	CLEANUP(http_response_free) struct http_response response =
	    HTTP_RESPONSE_INIT;
	struct err why = ERR_INIT;

	if (engine_get(engine, &endpoint, false, &response, &why) == 0)
		return engine_json_image_volumes(response.body,
		    response.body_len, ret, err);
	if (why.kind == ERR_REFUSED)
		return 0;
	*err = why;
	return -1;
}

int
engine_helper(struct engine *engine, const char *image, const char *volume,
    const char *owner, bool writable, char **ret_id, struct err *err)
{
	static const struct engine_endpoint endpoint = {
		.method = "POST", .before = "/containers/create", .after = ""
	};
	CLEANUP(http_response_free) struct http_response response =
	    HTTP_RESPONSE_INIT;
	CLEANUP(strlist_free) struct strlist masked = STRLIST_INIT;
	CLEANUP(cleanup_free) char *body = NULL;

	if (get_image_volumes(engine, image, &masked, err) < 0 ||
	    engine_json_helper_request(image, volume, owner, writable, &masked,
	    &body, err) < 0 ||
	    engine_post(engine, &endpoint, body, &response, err) < 0)
		return -1;
	return engine_json_id(response.body, response.body_len,
	    "POST /containers/create", ret_id, err);
}

/* No force: what we made does not run. No v=1: its volume stays. */
int
engine_remove(struct engine *engine, const char *id, struct err *err)
{
	const struct engine_endpoint endpoint = {
		.method = "DELETE", .before = "/containers/", .id = id,
		.after = ""
	};
	const struct http_request request = { .timeout_s = ENGINE_ANSWER_S };
	CLEANUP(http_response_free) struct http_response response =
	    HTTP_RESPONSE_INIT;
	struct err why = ERR_INIT;

	if (engine_call(engine, &endpoint, &request, &response, err) < 0)
		return -1;
	if (response.status / 100 == 2)
		return 0;
	(void)engine_refused(&endpoint, &response, &why);
	if (why.kind == ERR_NOTFOUND || (response.status == 409 &&
	    strcasestr(response.body, "already in progress") != NULL))
		return 0;
	*err = why;
	return -1;
}
