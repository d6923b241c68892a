/*
 * What reaches phones: the small ones, and the table of all.
 */
#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/http.h"
#include "lib/base/json.h"
#include "lib/base/str.h"
#include "lib/report/service_parts.h"
#include "lib/report/service_push.h"

/* --- pushbullet ---------------------------------------------------------- */

#define BULLET_URL "https://api.pushbullet.com/v2/pushes"
#define BULLET_TITLE_CHARACTERS 250
#define BULLET_BODY_BYTES 8192

static const struct service_key bullet_keys[] = {
	{ .name = "title" },
	{ .name = NULL }
};

static int
bullet_check(struct service_target *target, struct err *err)
{
	return *target->url.host != '\0' ? 0 : err_set(err, ERR_CONFIG,
	    "the token is missing (pushbullet://TOKEN)");
}

/* aim: "#channel", an address, a device; NULL: everybody's devices. */
static cJSON *
bullet_json(const char *title, const char *body, const char *aim)
{
	cJSON *json = cJSON_CreateObject();
	bool ok = json != NULL && parts_text(json, "type", "note") &&
	    parts_text(json, "title", title) && parts_text(json, "body", body);

	if (aim != NULL && *aim == '#')
		ok = ok && parts_text(json, "channel_tag", aim + 1);
	else if (aim != NULL && strchr(aim, '@') != NULL)
		ok = ok && parts_text(json, "email", aim);
	else
		ok = ok && parts_text(json, "device_iden", aim);
	return parts_whole(json, ok);
}

static int
bullet_answer(const struct http_response *response, struct err *err)
{
	static const char *const members[] = { "error.message", NULL };
	CLEANUP(json_free) cJSON *answer = NULL;
	const char *type;

	if (service_expect(response, 200, 299, members, err) < 0 ||
	    parts_json(response, &answer, err) < 0)
		return -1;
	type = cJSON_GetStringValue(json_member(answer, "type"));
	if (type == NULL || strcmp(type, "note") != 0)
		return err_set(err, ERR_PROTOCOL,
		    "the answer does not say that the message was taken");
	return 0;
}

/* What all requests to several goals of one service share. */
struct round {
	const struct service_target *target;
	const struct message *message;
	struct courier *courier;
	const char *title;
	const char *body;
};

static int
bullet_post(const struct round *round, const char *aim, struct err *err)
{
	CLEANUP(http_response_free) struct http_response response =
	    HTTP_RESPONSE_INIT;
	CLEANUP(parts_wipe) char *token = NULL;
	CLEANUP(json_free) cJSON *json = bullet_json(round->title,
	    round->body, aim);
	const char *headers[2] = { NULL };
	const struct letter letter = { .url = BULLET_URL,
	    .headers = headers };

	if (str_format(&token, err, "Access-Token: %s",
	    round->target->url.host) < 0)
		return -1;
	headers[0] = token;
	if (service_post_json(round->courier, &letter, json, &response,
	    err) < 0)
		return -1;
	return bullet_answer(&response, err);
}

/* Each goal is tried, whatever became of those before; the first error is the
 * one that is told. */
static int
each(const struct round *round, const struct strlist *aims,
    int (*post)(const struct round *, const char *, struct err *),
    struct err *err)
{
	struct err later = ERR_INIT;
	size_t i, failed = 0;

	for (i = 0; i < aims->n; i++)
		if (post(round, aims->v[i], failed == 0 ? err : &later) < 0)
			failed++;
	if (failed != 0 && aims->n > 1)
		return err_add(err, "%zu of %zu failed", failed, aims->n);
	return failed != 0 ? -1 : 0;
}

static int
bullet_send(const struct service_target *target,
    const struct message *message, struct courier *courier, struct err *err)
{
	const struct service_url *url = &target->url;
	CLEANUP(strlist_free) struct strlist aims = STRLIST_INIT;
	CLEANUP(cleanup_free) char *title = NULL;
	CLEANUP(cleanup_free) char *body = NULL;
	struct round round = { target, message, courier, NULL, NULL };

	if (strlist_copy(&url->segments, &aims, err) < 0 ||
	    (url->fragment != NULL && *url->fragment != '\0' &&
	    strlist_addf(&aims, err, "#%s", url->fragment) < 0) ||
	    message_cut(message->title, BULLET_TITLE_CHARACTERS,
	    MESSAGE_CHARACTERS, &title, err) < 0 ||
	    message_fit(message->body, BULLET_BODY_BYTES, MESSAGE_BYTES, &body,
	    err) < 0)
		return -1;
	round.title = title;
	round.body = body;
	return aims.n == 0 ? bullet_post(&round, NULL, err) :
	    each(&round, &aims, bullet_post, err);
}

/* --- bark ---------------------------------------------------------------- */

/* All that it hands on to Apple must fit into 4096 bytes of JSON: there is room
 * for what the URL adds. */
#define BARK_TITLE_BYTES 250
#define BARK_BODY_BYTES 2000

static const char *const bark_schemes[] = { "https", "http", NULL };
static const struct service_key bark_keys[] = {
	{ .name = "title" },
	{ .name = "scheme", .type = KEY_CHOICE, .def = "https",
	  .choices = bark_schemes },
	{ .name = "disabletls", .type = KEY_BOOL, .def = "no" },
	{ .name = "sound" },
	{ .name = "badge", .type = KEY_INT },
	{ .name = "icon" },
	{ .name = "group" },
	{ .name = "url" },
	{ .name = "category" },
	{ .name = "copy" },
	{ .name = NULL }
};

static int
bark_check(struct service_target *target, struct err *err)
{
	const char *key = target->url.password;

	if (key == NULL || *key == '\0' || *target->url.host == '\0')
		return err_set(err, ERR_CONFIG, "the host or the device's key "
		    "is missing (bark://:KEY@HOST)");
	return parts_scheme(target, err);
}

static cJSON *
bark_json(const struct service_target *target, const char *title,
    const char *body)
{
	static const char *const same[] = { "sound", "icon", "group", "url",
		"category", "copy", NULL };
	cJSON *json = cJSON_CreateObject();
	const char *badge = service_get(target, "badge");
	bool ok = json != NULL &&
	    parts_text(json, "device_key", target->url.password) &&
	    parts_text(json, "title", title) &&
	    parts_text(json, "body", body) &&
	    (badge == NULL ||
	    cJSON_AddRawToObject(json, "badge", badge) != NULL);
	size_t i;

	for (i = 0; same[i] != NULL; i++)
		ok = ok && parts_put_key(json, same[i], target, same[i]);
	return parts_whole(json, ok);
}

/* {"code":200,"message":"success",..}: the code is what counts. */
static int
bark_answer(const struct http_response *response, struct err *err)
{
	static const char *const members[] = { "message", NULL };
	CLEANUP(json_free) cJSON *answer = NULL;
	const cJSON *code;

	if (service_expect(response, 200, 299, members, err) < 0 ||
	    parts_json(response, &answer, err) < 0)
		return -1;
	code = json_member(answer, "code");
	return cJSON_IsNumber(code) && code->valuedouble == 200 ? 0 :
	    parts_refused(answer, "message", err);
}

static int
bark_send(const struct service_target *target, const struct message *message,
    struct courier *courier, struct err *err)
{
	CLEANUP(http_response_free) struct http_response response =
	    HTTP_RESPONSE_INIT;
	CLEANUP(cleanup_free) char *title = NULL;
	CLEANUP(cleanup_free) char *body = NULL;
	CLEANUP(parts_wipe) char *url = NULL;
	CLEANUP(json_free) cJSON *json = NULL;
	struct letter letter = { NULL };

	if (message_cut(message->title, BARK_TITLE_BYTES, MESSAGE_BYTES,
	    &title, err) < 0 ||
	    message_fit(message->body, BARK_BODY_BYTES, MESSAGE_BYTES, &body,
	    err) < 0 ||
	    parts_url(target, target->url.segments.n, "/push", &url, err) < 0)
		return -1;
	letter.url = url;
	json = bark_json(target, title, body);
	if (service_post_json(courier, &letter, json, &response, err) < 0)
		return -1;
	return bark_answer(&response, err);
}

/* --- join ---------------------------------------------------------------- */

#define JOIN_URL \
	"https://joinjoaomgcd.appspot.com/_ah/api/messaging/v1/sendPush"
/* The text goes into the URL, in up to three times as many bytes. */
#define JOIN_TITLE_BYTES 200
#define JOIN_BODY_BYTES 1500

static const struct service_key join_keys[] = {
	{ .name = "title" },
	{ .name = "devices", .type = KEY_LIST, .required = true },
	{ .name = "icon" },
	{ .name = NULL }
};

static int
join_check(struct service_target *target, struct err *err)
{
	const char *key = target->url.password;

	return key != NULL && *key != '\0' ? 0 : err_set(err, ERR_CONFIG,
	    "the key is missing (join://x:KEY@join/?devices=ID)");
}

/* Adds "?name=value" or "&name=value"; NULL: nothing. */
static int
join_add(struct str *url, const char *name, const char *value,
    struct err *err)
{
	CLEANUP(parts_wipe) char *escaped = NULL;

	if (value == NULL)
		return 0;
	if (http_escape(value, &escaped, err) < 0)
		return -1;
	str_addf(url, "%c%s=%s", strchr(url->s, '?') == NULL ? '?' : '&',
	    name, escaped);
	return url->failed ? err_nomem(err) : 0;
}

static int
join_url(const struct service_target *target, const char *title,
    const char *body, struct str *ret, struct err *err)
{
	CLEANUP(strlist_free) struct strlist devices = STRLIST_INIT;
	CLEANUP(str_free) struct str all = STR_INIT;
	size_t i;

	if (service_list(target, "devices", &devices, err) < 0)
		return -1;
	for (i = 0; i < devices.n; i++)
		str_addf(&all, "%s%s", i != 0 ? "," : "", devices.v[i]);
	str_add(ret, JOIN_URL);
	if (all.failed || ret->failed)
		return err_nomem(err);
	if (join_add(ret, "apikey", target->url.password, err) < 0 ||
	    join_add(ret, "deviceIds", all.s, err) < 0 ||
	    join_add(ret, "title", title, err) < 0 ||
	    join_add(ret, "text", body, err) < 0)
		return -1;
	return join_add(ret, "icon", service_get(target, "icon"), err);
}

/* With 200 it may say {"success":false,"errorMessage":..}. */
static int
join_answer(const struct http_response *response, struct err *err)
{
	static const char *const members[] = { "errorMessage",
		"error.message", NULL };
	CLEANUP(json_free) cJSON *answer = NULL;

	if (service_expect(response, 200, 200, members, err) < 0)
		return -1;
	answer = cJSON_Parse(response->body);
	return cJSON_IsFalse(json_member(answer, "success")) ?
	    parts_refused(answer, "errorMessage", err) : 0;
}

static int
join_send(const struct service_target *target, const struct message *message,
    struct courier *courier, struct err *err)
{
	CLEANUP(http_response_free) struct http_response response =
	    HTTP_RESPONSE_INIT;
	CLEANUP(cleanup_free) char *title = NULL;
	CLEANUP(cleanup_free) char *body = NULL;
	CLEANUP(str_wipe) struct str url = STR_INIT;
	struct letter letter = { NULL };

	if (message_cut(message->title, JOIN_TITLE_BYTES, MESSAGE_BYTES,
	    &title, err) < 0 ||
	    message_fit(message->body, JOIN_BODY_BYTES, MESSAGE_BYTES, &body,
	    err) < 0 || join_url(target, title, body, &url, err) < 0)
		return -1;
	letter.url = url.s;
	if (courier_send(courier, &letter, &response, err) < 0)
		return -1;
	return join_answer(&response, err);
}

/* --- ifttt --------------------------------------------------------------- */

#define IFTTT_URL "https://maker.ifttt.com/trigger/"
#define IFTTT_BODY_BYTES 8192

static const struct service_key ifttt_keys[] = {
	{ .name = "title" },
	{ .name = "events", .type = KEY_LIST, .required = true },
	{ .name = "value1" },
	{ .name = "value2" },
	{ .name = "value3" },
	{ .name = "messagevalue", .type = KEY_INT, .def = "2", .min = 1,
	  .max = 3 },
	{ .name = "titlevalue", .type = KEY_INT, .def = "0", .min = 0,
	  .max = 3 },
	{ .name = NULL }
};

static int
ifttt_check(struct service_target *target, struct err *err)
{
	if (*target->url.host == '\0')
		return err_set(err, ERR_CONFIG,
		    "the key is missing (ifttt://KEY/?events=NAME)");
	if (service_int(target, "messagevalue") ==
	    service_int(target, "titlevalue"))
		return err_set(err, ERR_CONFIG,
		    "'messagevalue' and 'titlevalue' are the same");
	return 0;
}

static cJSON *
ifttt_json(const struct round *round)
{
	static const char *const names[] = { "value1", "value2", "value3" };
	const long title = service_int(round->target, "titlevalue");
	const long body = service_int(round->target, "messagevalue");
	cJSON *json = cJSON_CreateObject();
	bool ok = json != NULL;
	long i;

	for (i = 1; i <= 3; i++)
		ok = ok && parts_text(json, names[i - 1], i == body ?
		    round->body : i == title ? round->title :
		    service_get(round->target, names[i - 1]));
	return parts_whole(json, ok);
}

static int
ifttt_post(const struct round *round, const char *event, struct err *err)
{
	CLEANUP(http_response_free) struct http_response response =
	    HTTP_RESPONSE_INIT;
	CLEANUP(cleanup_free) char *name = NULL;
	CLEANUP(parts_wipe) char *key = NULL;
	CLEANUP(parts_wipe) char *url = NULL;
	CLEANUP(json_free) cJSON *json = ifttt_json(round);
	struct letter letter = { NULL };

	if (http_escape(event, &name, err) < 0 ||
	    http_escape(round->target->url.host, &key, err) < 0 ||
	    str_format(&url, err, IFTTT_URL "%s/with/key/%s", name, key) < 0)
		return -1;
	letter.url = url;
	if (service_post_json(round->courier, &letter, json, &response,
	    err) < 0)
		return -1;
	return service_expect(&response, 200, 299, NULL, err);
}

static int
ifttt_send(const struct service_target *target, const struct message *message,
    struct courier *courier, struct err *err)
{
	CLEANUP(strlist_free) struct strlist events = STRLIST_INIT;
	CLEANUP(cleanup_free) char *body = NULL;
	struct round round = { target, message, courier, message->title,
	    NULL };
	bool apart = service_int(target, "titlevalue") != 0;

	if (service_list(target, "events", &events, err) < 0 ||
	    (apart ? message_fit(message->body, IFTTT_BODY_BYTES,
	    MESSAGE_BYTES, &body, err) : message_whole(message, "\n\n",
	    IFTTT_BODY_BYTES, MESSAGE_BYTES, &body, err)) < 0)
		return -1;
	round.body = body;
	return each(&round, &events, ifttt_post, err);
}

const struct service service_push[] = {
	{ .scheme = "ntfy", .keys = push_ntfy_keys,
	  .flags = SERVICE_SEMICOLONS,
	  .check = push_ntfy_check, .send = push_ntfy_send },
	{ .scheme = "gotify", .keys = push_gotify_keys,
	  .check = push_gotify_check, .send = push_gotify_send },
	{ .scheme = "pushover", .keys = push_over_keys,
	  .flags = SERVICE_SECRET_HOST | SERVICE_SECRET_QUERY,
	  .check = push_over_check, .send = push_over_send },
	{ .scheme = "pushbullet", .keys = bullet_keys,
	  .flags = SERVICE_SECRET_HOST, .check = bullet_check,
	  .send = bullet_send },
	{ .scheme = "bark", .keys = bark_keys, .check = bark_check,
	  .send = bark_send },
	{ .scheme = "join", .keys = join_keys, .check = join_check,
	  .send = join_send },
	{ .scheme = "ifttt", .keys = ifttt_keys,
	  .flags = SERVICE_SECRET_HOST, .check = ifttt_check,
	  .send = ifttt_send },
	{ .scheme = "notifiarr", .keys = push_notifiarr_keys,
	  .flags = SERVICE_PLUS | SERVICE_ANY_KEYS,
	  .check = push_notifiarr_check, .send = push_notifiarr_send },
	{ .scheme = NULL }
};
