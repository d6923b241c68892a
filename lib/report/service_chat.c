/*
 * service_chat: rooms of a company or a community, told by a webhook.
 *
 *     discord://TOKEN@ID[/raw][?username= avatar= color= colorinfo= colorwarn=
 *         colorerror= thread_id= json=]
 *     slack://hook:A-B-C@webhook, slack://xoxb:A-B-C@CHANNEL,
 *         slack://[NAME@]A/B/C [?username= icon= color= thread_ts=]
 *     mattermost://[NAME@]HOST[:PORT]/TOKEN[/CHANNEL][?icon= disabletls=]
 *     rocketchat://[NAME@]HOST[:PORT]/TOKEN/TOKEN[/CHANNEL | /@USER]
 *     googlechat://HOST/v1/spaces/SPACE/messages?key=&token=
 *     teams://?host=URL&color=
 *
 * The key title of shoutrrr is known where it is known there, and changes
 * nothing: a message has one.
 */
#include "lib/report/service.h"

#include <cjson/cJSON.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/report/service_chat.h"
#include "lib/report/service_parts.h"

/* What one message may have, in characters. */
#define MATTERMOST_TEXT 16383
#define ROCKETCHAT_TEXT 5000
#define GOOGLECHAT_TEXT 4096

static const char *const says_message[] = { "message", NULL };
static const char *const says_error[] = { "error", NULL };
static const char *const says_error_message[] = { "error.message", NULL };

/* base + path, whose segments from..to are the URL's. */
static int
hook_url(const struct service_target *target, const char *path, size_t n,
    char **ret, struct err *err)
{
	CLEANUP(cleanup_free) char *base = NULL;
	CLEANUP(str_wipe) struct str url = STR_INIT;
	size_t i;

	if (service_base(target, &base, err) < 0)
		return -1;
	str_add(&url, base);
	str_add(&url, path);
	for (i = 0; i < n; i++) {
		str_add(&url, "/");
		parts_escape(&url, target->url.segments.v[i]);
	}
	return str_take(&url, ret, err);
}

static const char *
user_of(const struct service_target *target)
{
	const char *user = target->url.user;

	return user != NULL && *user != '\0' ? user : NULL;
}

static int
need_host(const struct service_target *target, struct err *err)
{
	return target->url.host[0] != '\0' ? 0 :
	    err_set(err, ERR_CONFIG, "the URL has no host");
}

bool
service_chat_icon(cJSON *json, const struct service_target *target)
{
	const char *icon = service_get(target, "icon");

	if (icon == NULL)
		icon = service_get(target, "icon_url");
	if (icon != NULL && (str_starts(icon, "https://") ||
	    str_starts(icon, "http://")))
		return parts_text(json, "icon_url", icon);
	return parts_text(json, "icon_emoji", icon);
}

/* --- mattermost ---------------------------------------------------------- */

static const struct service_key mattermost_keys[] = {
	{ "icon", "icon_emoji", KEY_TEXT },
	{ "icon_url", NULL, KEY_TEXT },
	{ "title", NULL, KEY_TEXT },
	{ "disabletls", NULL, KEY_BOOL, "no" },
	{ NULL }
};

static int
mattermost_check(struct service_target *target, struct err *err)
{
	if (need_host(target, err) < 0)
		return -1;
	if (target->url.segments.n == 0)
		return err_set(err, ERR_CONFIG, "the token is missing");
	if (target->url.segments.n > 2)
		return err_set(err, ERR_CONFIG,
		    "the path is not /TOKEN or /TOKEN/CHANNEL");
	return log_secret(target->url.segments.v[0], err);
}

static int
mattermost_send(const struct service_target *target,
    const struct message *message, struct courier *courier, struct err *err)
{
	CLEANUP(cleanup_free) char *text = NULL;
	CLEANUP(parts_wipe) char *url = NULL;
	const struct strlist *path = &target->url.segments;
	const char *channel = path->n > 1 ? path->v[1] : NULL;
	cJSON *json;

	if (hook_url(target, "/hooks", 1, &url, err) < 0 ||
	    message_whole(message, "\n", MATTERMOST_TEXT, MESSAGE_CHARACTERS,
	    &text, err) < 0)
		return -1;
	json = cJSON_CreateObject();
	json = parts_whole(json, parts_text(json, "text", text) &&
	    parts_text(json, "username", user_of(target)) &&
	    parts_text(json, "channel", channel) &&
	    service_chat_icon(json, target));
	return parts_post(courier, &(struct letter){ .url = url }, json, 200,
	    200, says_message, err);
}

/* --- rocketchat ---------------------------------------------------------- */

static int
rocketchat_check(struct service_target *target, struct err *err)
{
	if (need_host(target, err) < 0)
		return -1;
	if (target->url.segments.n < 2)
		return err_set(err, ERR_CONFIG,
		    "the path has no two tokens: /TOKEN/TOKEN");
	if (target->url.segments.n > 3)
		return err_set(err, ERR_CONFIG,
		    "the path is not /TOKEN/TOKEN or /TOKEN/TOKEN/CHANNEL");
	return log_secret(target->url.segments.v[0], err) < 0 ? -1 :
	    log_secret(target->url.segments.v[1], err);
}

/* *ret "": the webhook's own. A channel written as #name is the URL's
 * fragment. */
static int
rocketchat_channel(const struct service_target *target, char **ret,
    struct err *err)
{
	const struct strlist *path = &target->url.segments;
	const char *fragment = target->url.fragment;
	const char *name = path->n > 2 ? path->v[2] :
	    fragment != NULL ? fragment : "";
	const char *sign = *name == '\0' || *name == '@' || *name == '#' ?
	    "" : "#";

	return str_format(ret, err, "%s%s", sign, name);
}

static int
rocketchat_send(const struct service_target *target,
    const struct message *message, struct courier *courier, struct err *err)
{
	CLEANUP(cleanup_free) char *channel = NULL;
	CLEANUP(cleanup_free) char *text = NULL;
	CLEANUP(parts_wipe) char *url = NULL;
	cJSON *json;

	if (hook_url(target, "/hooks", 2, &url, err) < 0 ||
	    rocketchat_channel(target, &channel, err) < 0 ||
	    message_whole(message, "\n\n", ROCKETCHAT_TEXT,
	    MESSAGE_CHARACTERS, &text, err) < 0)
		return -1;
	json = cJSON_CreateObject();
	json = parts_whole(json, parts_text(json, "text", text) &&
	    parts_text(json, "username", user_of(target)) &&
	    parts_text(json, "channel", *channel != '\0' ? channel : NULL));
	return parts_post(courier, &(struct letter){ .url = url }, json, 200,
	    200, says_error, err);
}

/* --- googlechat ---------------------------------------------------------- */

static const struct service_key googlechat_keys[] = {
	{ .name = "key", .required = true },
	{ .name = "token", .required = true },
	{ NULL }
};

static int
googlechat_check(struct service_target *target, struct err *err)
{
	if (need_host(target, err) < 0)
		return -1;
	return target->url.segments.n != 0 ? 0 : err_set(err, ERR_CONFIG,
	    "the path is missing: /v1/spaces/SPACE/messages");
}

static int
googlechat_url(const struct service_target *target, char **ret,
    struct err *err)
{
	CLEANUP(parts_wipe) char *path = NULL;
	CLEANUP(str_wipe) struct str query = STR_INIT;

	if (hook_url(target, "", target->url.segments.n, &path, err) < 0)
		return -1;
	parts_field(&query, "key", service_get(target, "key"));
	parts_field(&query, "token", service_get(target, "token"));
	if (query.failed)
		return err_nomem(err);
	return str_format(ret, err, "%s?%s", path, query.s);
}

static int
googlechat_send(const struct service_target *target,
    const struct message *message, struct courier *courier, struct err *err)
{
	CLEANUP(cleanup_free) char *text = NULL;
	CLEANUP(parts_wipe) char *url = NULL;
	cJSON *json;

	if (googlechat_url(target, &url, err) < 0 ||
	    message_whole(message, "\n\n", GOOGLECHAT_TEXT,
	    MESSAGE_CHARACTERS, &text, err) < 0)
		return -1;
	json = cJSON_CreateObject();
	json = parts_whole(json, parts_text(json, "text", text));
	return parts_post(courier, &(struct letter){ .url = url }, json, 200,
	    299, says_error_message, err);
}

/* --- the group ----------------------------------------------------------- */

const struct service service_chat[] = {
	{ .scheme = "discord", .keys = service_discord_keys,
	  .flags = SERVICE_SECRET_USER, .check = service_discord_check,
	  .send = service_discord_send },
	/* Of these three, the checks tell log_secret what is one: the path and
	 * the user have the names of channels and bots in them, too, which may
	 * be words that the log needs. */
	{ .scheme = "slack", .keys = service_slack_keys,
	  .check = service_slack_check, .send = service_slack_send },
	{ .scheme = "mattermost", .keys = mattermost_keys,
	  .check = mattermost_check, .send = mattermost_send },
	{ .scheme = "rocketchat", .flags = SERVICE_ANY_KEYS,
	  .check = rocketchat_check, .send = rocketchat_send },
	{ .scheme = "googlechat", .also = "hangouts", .keys = googlechat_keys,
	  .flags = SERVICE_ANY_KEYS | SERVICE_SECRET_QUERY,
	  .check = googlechat_check, .send = googlechat_send },
	{ .scheme = "teams", .keys = service_teams_keys,
	  .flags = SERVICE_ANY_KEYS | SERVICE_SECRET_QUERY,
	  .check = service_teams_check, .send = service_teams_send },
	{ NULL }
};
