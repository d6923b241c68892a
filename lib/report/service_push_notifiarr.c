/*
 * notifiarr: hands what it gets on to a channel of Discord.
 */
#include <cjson/cJSON.h>
#include <string.h>

#include "lib/base/http.h"
#include "lib/base/json.h"
#include "lib/base/log.h"
#include "lib/report/service_parts.h"
#include "lib/report/service_push.h"

#define URL "https://notifiarr.com/api/v1/notification/passthrough/"
#define TITLE_CHARACTERS 256	/* Discord's limits */
#define BODY_CHARACTERS 4000

const struct service_key push_notifiarr_keys[] = {
	{ .name = "name", .def = "vbackup" },
	{ .name = "channel" },
	{ .name = "thumbnail" },
	{ .name = "image" },
	{ .name = "color" },
	{ .name = NULL }
};

/* notifiarr://KEY, or notifiarr+https://HOST/PATH/KEY */
static const char *
key_of(const struct service_url *url)
{
	const struct strlist *segments = &url->segments;

	if (url->plus == NULL)
		return url->host;
	return segments->n != 0 ? segments->v[segments->n - 1] : "";
}

int
push_notifiarr_check(struct service_target *target, struct err *err)
{
	const char *key = key_of(&target->url);
	const char *channel = service_get(target, "channel");

	if (*key == '\0' || *target->url.host == '\0')
		return err_set(err, ERR_CONFIG,
		    "the key is missing (notifiarr://KEY)");
	/* It becomes a number, of more digits than a double has. */
	if (channel != NULL && (*channel == '0' || strlen(channel) > 20 ||
	    strspn(channel, "0123456789") != strlen(channel)))
		return err_set(err, ERR_CONFIG,
		    "the value of 'channel' is not a channel's number");
	return log_secret(key, err);
}

static const char *
color_of(const struct service_target *target, enum outcome outcome)
{
	static const char *const of_outcome[] = {
		[OUTCOME_SUCCESS] = "2EB67D", [OUTCOME_PROBLEMS] = "ECB22E",
		[OUTCOME_FAILURE] = "E01E5A" };
	const char *color = service_get(target, "color");

	return color != NULL ? color : of_outcome[outcome];
}

static bool
put_images(cJSON *discord, const struct service_target *target)
{
	cJSON *images;

	if (service_get(target, "thumbnail") == NULL &&
	    service_get(target, "image") == NULL)
		return true;
	images = cJSON_AddObjectToObject(discord, "images");
	return images != NULL &&
	    parts_put_key(images, "thumbnail", target, "thumbnail") &&
	    parts_put_key(images, "image", target, "image");
}

static bool
put_channel(cJSON *discord, const struct service_target *target)
{
	const char *channel = service_get(target, "channel");
	cJSON *ids;

	if (channel == NULL)
		return true;
	ids = cJSON_AddObjectToObject(discord, "ids");
	return ids != NULL &&
	    cJSON_AddRawToObject(ids, "channel", channel) != NULL;
}

static cJSON *
make_json(const struct service_target *target, const struct message *message,
    const char *title, const char *body)
{
	cJSON *json = cJSON_CreateObject();
	cJSON *about = cJSON_AddObjectToObject(json, "notification");
	cJSON *discord = cJSON_AddObjectToObject(json, "discord");
	cJSON *text = cJSON_AddObjectToObject(discord, "text");

	return parts_whole(json, about != NULL && text != NULL &&
	    parts_put_key(about, "name", target, "name") &&
	    parts_text(discord, "color", color_of(target,
	    message->outcome)) &&
	    put_images(discord, target) &&
	    parts_text(text, "title", title) &&
	    parts_text(text, "description", body) &&
	    put_channel(discord, target));
}

static int
make_url(const struct service_target *target, char **ret, struct err *err)
{
	CLEANUP(parts_wipe) char *key = NULL;

	if (target->url.plus != NULL)
		return parts_url(target, target->url.segments.n, "", ret, err);
	if (http_escape(target->url.host, &key, err) < 0)
		return -1;
	return str_format(ret, err, URL "%s", key);
}

int
push_notifiarr_send(const struct service_target *target,
    const struct message *message, struct courier *courier, struct err *err)
{
	static const char *const members[] = { "details.response", "message",
		NULL };
	CLEANUP(http_response_free) struct http_response response =
	    HTTP_RESPONSE_INIT;
	CLEANUP(cleanup_free) char *title = NULL;
	CLEANUP(cleanup_free) char *body = NULL;
	CLEANUP(parts_wipe) char *url = NULL;
	CLEANUP(json_free) cJSON *json = NULL;
	struct letter letter = { NULL };

	if (message_cut(message->title, TITLE_CHARACTERS, MESSAGE_CHARACTERS,
	    &title, err) < 0 ||
	    message_fit(message->body, BODY_CHARACTERS, MESSAGE_CHARACTERS,
	    &body, err) < 0 || make_url(target, &url, err) < 0)
		return -1;
	letter.url = url;
	json = make_json(target, message, title, body);
	if (service_post_json(courier, &letter, json, &response, err) < 0)
		return -1;
	return service_expect(&response, 200, 299, members, err);
}
