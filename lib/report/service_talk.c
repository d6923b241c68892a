/*
 * service_talk: people who are talked to, in groups or one by one.
 *
 *     telegram://ID:SECRET@telegram?chats=[&parsemode= preview= notification=]
 *     matrix://[USER]:PASSWORD@HOST[:PORT]/[?rooms= disabletls=]; without a
 *         user the password is an access token
 *     zulip://BOT:KEY@HOST[:PORT]/?stream= | type=direct&to= [&topic=]
 *     lark://HOST/TOKEN[?secret= link=]
 *     wecom://KEY[?mentioned_list= mentioned_mobile_list=]
 *     signal://[USER:PASSWORD@]HOST[:PORT]/+SOURCE/TO[/TO...][?token=
 *         disabletls=]
 *     twilio://SID:TOKEN@FROM/TO[/TO...]
 *
 * The key title of shoutrrr is known where it is known there, and changes
 * nothing: a message has one.
 */
#include "lib/report/service.h"

#include <cjson/cJSON.h>
#include <string.h>
#include <strings.h>

#include "lib/base/base64.h"
#include "lib/base/clock.h"
#include "lib/base/digest.h"
#include "lib/base/json.h"
#include "lib/base/log.h"
#include "lib/report/service_parts.h"
#include "lib/report/service_talk.h"

/* What one message may have, in bytes. */
#define LARK_TEXT 4096
#define LARK_TITLE 256
#define WECOM_TEXT 2048

/* Is there this number, and is it 0? */
static bool
is_zero(const cJSON *answer, const char *member)
{
	const cJSON *code = json_member(answer, member);

	return cJSON_IsNumber(code) && code->valuedouble == 0;
}

/* --- lark ---------------------------------------------------------------- */

static const char *const says_msg[] = { "msg", NULL };

static const struct service_key lark_keys[] = {
	{ "secret", NULL, KEY_TEXT },
	{ "link", NULL, KEY_TEXT },
	{ "title", NULL, KEY_TEXT },
	{ NULL }
};

static int
lark_check(struct service_target *target, struct err *err)
{
	const char *secret = service_get(target, "secret");

	if (strcasecmp(target->url.host, "open.larksuite.com") != 0 &&
	    strcasecmp(target->url.host, "open.feishu.cn") != 0)
		return err_set(err, ERR_CONFIG, "the host is neither "
		    "open.larksuite.com nor open.feishu.cn");
	if (target->url.segments.n != 1)
		return err_set(err, ERR_CONFIG,
		    "the path is not a token: /TOKEN");
	return secret != NULL ? log_secret(secret, err) : 0;
}

/* Their way: the text to sign is the key, and what is signed is nothing. */
static int
lark_sign(const char *secret, const char *timestamp, char **ret,
    struct err *err)
{
	CLEANUP(parts_wipe) char *key = NULL;
	unsigned char sum[DIGEST_BYTES];

	if (str_format(&key, err, "%s\n%s", timestamp, secret) < 0 ||
	    digest_hmac(key, strlen(key), "", sum, err) < 0)
		return -1;
	return base64_encode(sum, sizeof sum, ret, err);
}

static bool
lark_paragraph(cJSON *content, const char *tag, const char *text,
    const char *link)
{
	cJSON *paragraph = cJSON_CreateArray(), *element;

	if (!cJSON_AddItemToArray(content, paragraph)) {
		cJSON_Delete(paragraph);
		return false;
	}
	element = parts_object(paragraph);
	return parts_text(element, "tag", tag) &&
	    parts_text(element, "text", text) &&
	    parts_text(element, "href", link);
}

static bool
lark_add_post(cJSON *json, const char *title, const char *text,
    const char *link)
{
	cJSON *content = cJSON_AddObjectToObject(json, "content");
	cJSON *post = cJSON_AddObjectToObject(content, "post");
	cJSON *english = cJSON_AddObjectToObject(post, "en_us");

	if (!parts_text(english, "title", title))
		return false;
	content = cJSON_AddArrayToObject(english, "content");
	return lark_paragraph(content, "text", text, NULL) &&
	    (link == NULL || lark_paragraph(content, "a", link, link));
}

static int
lark_json(const struct service_target *target, const char *title,
    const char *text, cJSON **ret, struct err *err)
{
	CLEANUP(cleanup_free) char *timestamp = NULL;
	CLEANUP(cleanup_free) char *sign = NULL;
	const char *secret = service_get(target, "secret");
	cJSON *json;

	if (secret != NULL && (str_format(&timestamp, err, "%lld",
	    (long long)clock_now()) < 0 ||
	    lark_sign(secret, timestamp, &sign, err) < 0))
		return -1;
	json = cJSON_CreateObject();
	*ret = parts_whole(json, parts_text(json, "timestamp", timestamp) &&
	    parts_text(json, "sign", sign) &&
	    parts_text(json, "msg_type", "post") &&
	    lark_add_post(json, title, text, service_get(target, "link")));
	return 0;
}

static int
lark_send(const struct service_target *target, const struct message *message,
    struct courier *courier, struct err *err)
{
	CLEANUP(cleanup_free) char *title = NULL;
	CLEANUP(cleanup_free) char *text = NULL;
	CLEANUP(json_free) cJSON *answer = NULL;
	CLEANUP(str_wipe) struct str url = STR_INIT;
	struct letter letter = { .url = NULL };
	cJSON *json;

	str_addf(&url, "https://%s/open-apis/bot/v2/hook/", target->url.host);
	parts_escape(&url, target->url.segments.v[0]);
	if (url.failed)
		return err_nomem(err);
	letter.url = url.s;
	if (message_cut(message->title, LARK_TITLE, MESSAGE_BYTES, &title,
	    err) < 0 ||
	    message_fit(message->body, LARK_TEXT, MESSAGE_BYTES, &text,
	    err) < 0 ||
	    lark_json(target, title, text, &json, err) < 0 ||
	    parts_ask(courier, &letter, json, says_msg, &answer, err) < 0)
		return -1;
	return is_zero(answer, "code") ? 0 :
	    parts_refused(answer, "msg", err);
}

/* --- wecom --------------------------------------------------------------- */

static const char *const says_errmsg[] = { "errmsg", NULL };

static const struct service_key wecom_keys[] = {
	{ "key", NULL, KEY_TEXT },
	{ "mentioned_list", NULL, KEY_LIST },
	{ "mentioned_mobile_list", NULL, KEY_LIST },
	{ NULL }
};

/* The query counts, as for every setting that both can have. */
static const char *
wecom_key(const struct service_target *target)
{
	const char *key = service_get(target, "key");

	return key != NULL ? key : target->url.host;
}

static int
wecom_check(struct service_target *target, struct err *err)
{
	const char *key = service_get(target, "key");

	if (*wecom_key(target) == '\0')
		return err_set(err, ERR_CONFIG,
		    "the key is missing (wecom://KEY)");
	return key != NULL ? log_secret(key, err) : 0;
}

static int
wecom_json(const struct service_target *target, const char *text, cJSON **ret,
    struct err *err)
{
	CLEANUP(strlist_free) struct strlist names = STRLIST_INIT;
	CLEANUP(strlist_free) struct strlist mobiles = STRLIST_INIT;
	cJSON *json, *content;
	bool well;

	if (service_list(target, "mentioned_list", &names, err) < 0 ||
	    service_list(target, "mentioned_mobile_list", &mobiles, err) < 0)
		return -1;
	json = cJSON_CreateObject();
	well = parts_text(json, "msgtype", "text");
	content = cJSON_AddObjectToObject(json, "text");
	well = well && parts_text(content, "content", text) &&
	    parts_list(content, "mentioned_list", &names) &&
	    parts_list(content, "mentioned_mobile_list", &mobiles);
	*ret = parts_whole(json, well);
	return 0;
}

static int
wecom_send(const struct service_target *target, const struct message *message,
    struct courier *courier, struct err *err)
{
	CLEANUP(cleanup_free) char *text = NULL;
	CLEANUP(json_free) cJSON *answer = NULL;
	CLEANUP(str_wipe) struct str url = STR_INIT;
	struct letter letter = { .url = NULL };
	cJSON *json;

	str_add(&url, "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=");
	parts_escape(&url, wecom_key(target));
	if (url.failed)
		return err_nomem(err);
	letter.url = url.s;
	if (message_whole(message, "\n\n", WECOM_TEXT, MESSAGE_BYTES, &text,
	    err) < 0 ||
	    wecom_json(target, text, &json, err) < 0 ||
	    parts_ask(courier, &letter, json, says_errmsg, &answer, err) < 0)
		return -1;
	return is_zero(answer, "errcode") ? 0 :
	    parts_refused(answer, "errmsg", err);
}

/* --- the group ----------------------------------------------------------- */

const struct service service_talk[] = {
	{ .scheme = "telegram", .keys = service_telegram_keys,
	  .check = service_telegram_check, .send = service_telegram_send },
	{ .scheme = "matrix", .keys = service_matrix_keys,
	  .check = service_matrix_check, .send = service_matrix_send },
	{ .scheme = "zulip", .keys = service_zulip_keys,
	  .flags = SERVICE_EXACT_KEYS | SERVICE_ANY_KEYS,
	  .check = service_zulip_check, .send = service_zulip_send },
	{ .scheme = "lark", .keys = lark_keys, .flags = SERVICE_SECRET_PATH,
	  .check = lark_check, .send = lark_send },
	{ .scheme = "wecom", .keys = wecom_keys,
	  .flags = SERVICE_SECRET_HOST, .check = wecom_check,
	  .send = wecom_send },
	{ .scheme = "signal", .keys = service_signal_keys,
	  .check = service_signal_check, .send = service_signal_send },
	{ .scheme = "twilio", .keys = service_twilio_keys,
	  .check = service_twilio_check, .send = service_twilio_send },
	{ NULL }
};
