#include "lib/report/service_chat.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/report/service_parts.h"

/* Discord takes 4096 characters of text, and 6000 in all of an embed. */
#define TITLE 256
#define TEXT 4000

static const char *const says[] = { "message", NULL };

/* Colours are hexadecimal, with or without a # or 0x before them. Those of
 * colordebug, splitlines and title have no use here: there is one embed, and
 * its message has an outcome and a title. */
const struct service_key service_discord_keys[] = {
	{ "username", NULL, KEY_TEXT },
	{ "avatar", "avatarurl", KEY_TEXT },
	{ "color", NULL, KEY_TEXT },
	{ "colorerror", NULL, KEY_TEXT },
	{ "colorwarn", NULL, KEY_TEXT },
	{ "colorinfo", NULL, KEY_TEXT },
	{ "colordebug", NULL, KEY_TEXT },
	{ "splitlines", NULL, KEY_BOOL, "yes" },
	{ "json", NULL, KEY_BOOL, "no" },
	{ "thread_id", NULL, KEY_TEXT },
	{ "title", NULL, KEY_TEXT },
	{ NULL }
};

static bool
parse_color(const char *text, long *ret)
{
	if (*text == '#')
		text++;
	else if (str_starts(text, "0x") || str_starts(text, "0X"))
		text += 2;
	if (strlen(text) > 6 || *text == '\0' ||
	    text[strspn(text, "0123456789abcdefABCDEF")] != '\0')
		return false;
	*ret = strtol(text, NULL, 16);
	return true;
}

static int
check_colors(const struct service_target *target, struct err *err)
{
	static const char *const keys[] = { "color", "colorerror", "colorwarn",
		"colorinfo", "colordebug" };
	size_t i;
	long color;

	for (i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		const char *text = service_get(target, keys[i]);

		if (text != NULL && !parse_color(text, &color))
			return err_set(err, ERR_CONFIG, "the value of "
			    "'%s' is not a colour, like 2488ff", keys[i]);
	}
	return 0;
}

static bool
is_raw(const struct service_target *target)
{
	return target->url.segments.n == 1 || service_is(target, "json");
}

int
service_discord_check(struct service_target *target, struct err *err)
{
	const struct service_url *url = &target->url;
	const char *thread = service_get(target, "thread_id");

	if (url->user == NULL || *url->user == '\0')
		return err_set(err, ERR_CONFIG,
		    "the token is missing (discord://TOKEN@WEBHOOKID)");
	if (*url->host == '\0')
		return err_set(err, ERR_CONFIG,
		    "the webhook's id is missing (discord://TOKEN@WEBHOOKID)");
	if (url->segments.n > 1 || (url->segments.n == 1 &&
	    strcmp(url->segments.v[0], "raw") != 0))
		return err_set(err, ERR_CONFIG,
		    "the path is none, or /raw");
	if (thread != NULL && thread[strspn(thread, "0123456789")] != '\0')
		return err_set(err, ERR_CONFIG,
		    "the value of 'thread_id' is not a number");
	return check_colors(target, err);
}

/* The key of this outcome, the one for all, or the default. */
static long
color_of(const struct service_target *target, enum outcome outcome)
{
	static const struct {
		const char *key;
		long color;
	} colors[] = {
		[OUTCOME_SUCCESS] = { "colorinfo", 0x2488ff },
		[OUTCOME_PROBLEMS] = { "colorwarn", 0xffc441 },
		[OUTCOME_FAILURE] = { "colorerror", 0xd60510 },
	};
	const char *text = service_get(target, colors[outcome].key);
	long color = colors[outcome].color;

	if (text == NULL)
		text = service_get(target, "color");
	if (text != NULL)
		(void)parse_color(text, &color);	/* see the check */
	return color;
}

static cJSON *
make_json(const struct service_target *target, const char *title,
    const char *text, long color)
{
	cJSON *json = cJSON_CreateObject(), *embed;
	bool well;

	well = parts_text(json, "username", service_get(target, "username")) &&
	    parts_text(json, "avatar_url", service_get(target, "avatar"));
	embed = parts_object(cJSON_AddArrayToObject(json, "embeds"));
	well = well &&
	    parts_text(embed, "title", *title != '\0' ? title : NULL) &&
	    parts_text(embed, "description", text) &&
	    cJSON_AddNumberToObject(embed, "color", (double)color) != NULL;
	return parts_whole(json, well);
}

/* The body is the document: made by a template, for this service. */
static int
send_raw(const struct letter *letter, const struct message *message,
    struct courier *courier, struct err *err)
{
	CLEANUP(http_response_free) struct http_response response =
	    HTTP_RESPONSE_INIT;
	CLEANUP(json_free) cJSON *json = NULL;
	struct letter raw = *letter;

	raw.body = message->body;
	raw.body_len = strlen(message->body);
	raw.content_type = "application/json";
	if (json_parse(raw.body, raw.body_len, "templates", &json, err) < 0 ||
	    !cJSON_IsObject(json))
		return err_set(err, ERR_CONFIG, "the message's body is not a "
		    "JSON object, as /raw and json=yes want it to be");
	if (courier_send(courier, &raw, &response, err) < 0)
		return -1;
	return service_expect(&response, 200, 204, says, err);
}

static int
make_url(const struct service_target *target, char **ret, struct err *err)
{
	CLEANUP(str_wipe) struct str url = STR_INIT;
	const char *thread = service_get(target, "thread_id");

	str_add(&url, "https://discord.com/api/webhooks/");
	parts_escape(&url, target->url.host);
	str_add(&url, "/");
	parts_escape(&url, target->url.user);
	if (thread != NULL)
		str_addf(&url, "?thread_id=%s", thread);
	return str_take(&url, ret, err);
}

int
service_discord_send(const struct service_target *target,
    const struct message *message, struct courier *courier, struct err *err)
{
	CLEANUP(cleanup_free) char *title = NULL;
	CLEANUP(cleanup_free) char *text = NULL;
	CLEANUP(parts_wipe) char *url = NULL;
	struct letter letter = { .url = NULL };

	if (make_url(target, &url, err) < 0)
		return -1;
	letter.url = url;
	if (is_raw(target))
		return send_raw(&letter, message, courier, err);
	if (message_cut(message->title, TITLE, MESSAGE_CHARACTERS, &title,
	    err) < 0 ||
	    message_fit(message->body, TEXT, MESSAGE_CHARACTERS, &text,
	    err) < 0)
		return -1;
	return parts_post(courier, &letter, make_json(target, title, text,
	    color_of(target, message->outcome)), 200, 204, says, err);
}
