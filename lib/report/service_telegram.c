#include "lib/report/service_talk.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/report/service_parts.h"

/* In characters, once the marks are taken away and entities decoded. */
#define TEXT 4096
#define TITLE 256

#define DIGITS "0123456789"

static const char *const says[] = { "description", NULL };

static const char *const parse_modes[] = { "None", "Markdown", "HTML",
	"MarkdownV2", NULL };

const struct service_key service_telegram_keys[] = {
	{ .name = "chats", .alias = "channels", .type = KEY_LIST,
	  .required = true },
	{ "preview", NULL, KEY_BOOL, "yes" },
	{ "notification", NULL, KEY_BOOL, "yes" },
	{ "parsemode", NULL, KEY_CHOICE, "None", parse_modes },
	{ "title", NULL, KEY_TEXT },
	{ NULL }
};

static bool
is_number(const char *text)
{
	return *text != '\0' && text[strspn(text, DIGITS)] == '\0';
}

int
service_telegram_check(struct service_target *target, struct err *err)
{
	static const char word[] = DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz_-";
	const char *user = target->url.user;
	const char *password = target->url.password;

	if (user == NULL || password == NULL || !is_number(user) ||
	    *password == '\0' || password[strspn(password, word)] != '\0')
		return err_set(err, ERR_CONFIG, "the token is not one "
		    "(telegram://ID:SECRET@telegram?chats=...)");
	return 0;
}

/* --- the text ------------------------------------------------------------ */

static void
add_html(struct str *s, const char *text)
{
	for (; *text != '\0'; text++)
		if (*text == '&')
			str_add(s, "&amp;");
		else if (*text == '<')
			str_add(s, "&lt;");
		else if (*text == '>')
			str_add(s, "&gt;");
		else
			str_addn(s, text, 1);
}

static void
add_escaped(struct str *s, const char *text, const char *special)
{
	for (; *text != '\0'; text++) {
		if (strchr(special, *text) != NULL)
			str_add(s, "\\");
		str_addn(s, text, 1);
	}
}

struct text {
	const char *mode;	/* for the API */
	char *text;
};

/* Marks that are cut off somewhere are refused by the API: with them a body
 * goes as it is, or not at all. Such a body is the template's; it is counted
 * with its marks, which is more than the API does. */
static bool
keeps_marks(const char *mode, const char *title, const char *body)
{
	return strcmp(mode, "None") != 0 &&
	    str_characters(title) + 1 + str_characters(body) <= TEXT;
}

static int
marked_text(const char *mode, const char *title, const char *body,
    struct text *ret, struct err *err)
{
	CLEANUP(str_free) struct str text = STR_INIT;

	if (strcmp(mode, "HTML") == 0) {
		str_add(&text, *title != '\0' ? "<b>" : "");
		add_html(&text, title);
		str_add(&text, *title != '\0' ? "</b>\n" : "");
	} else {
		add_escaped(&text, title, strcmp(mode, "Markdown") == 0 ?
		    "_*`[" : "\\_*[]()~`>#+-=|{}.!");
		str_add(&text, *title != '\0' ? "\n" : "");
	}
	str_add(&text, body);
	ret->mode = mode;
	return str_take(&text, &ret->text, err);
}

/* Fitted before it is escaped: what the API counts is the plain text. */
static int
plain_text(const char *title, const char *body, struct text *ret,
    struct err *err)
{
	CLEANUP(cleanup_free) char *fitted = NULL;
	CLEANUP(str_free) struct str text = STR_INIT;
	size_t max = TEXT - str_characters(title) - 1;

	if (message_fit(body, max, MESSAGE_CHARACTERS, &fitted, err) < 0)
		return -1;
	if (*title != '\0') {
		str_add(&text, "<b>");
		add_html(&text, title);
		str_add(&text, "</b>\n");
	}
	add_html(&text, fitted);
	ret->mode = "HTML";
	return str_take(&text, &ret->text, err);
}

static int
make_text(const struct service_target *target, const struct message *message,
    struct text *ret, struct err *err)
{
	CLEANUP(cleanup_free) char *title = NULL;
	const char *mode = service_get(target, "parsemode");

	if (message_cut(message->title, TITLE, MESSAGE_CHARACTERS, &title,
	    err) < 0)
		return -1;
	return keeps_marks(mode, title, message->body) ?
	    marked_text(mode, title, message->body, ret, err) :
	    plain_text(title, message->body, ret, err);
}

/* --- sending ------------------------------------------------------------- */

struct sending {
	const struct service_target *target;
	struct courier *courier;
	const char *url;
	struct text text;
};

/* CHAT or CHAT:THREAD */
static cJSON *
make_json(const struct sending *sending, char *chat)
{
	const struct service_target *target = sending->target;
	cJSON *json = cJSON_CreateObject();
	char *colon = strrchr(chat, ':');
	bool well = parts_text(json, "text", sending->text.text);

	if (colon != NULL && is_number(colon + 1)) {
		*colon = '\0';
		well = well && cJSON_AddNumberToObject(json,
		    "message_thread_id", strtod(colon + 1, NULL)) != NULL;
	}
	return parts_whole(json, well && parts_text(json, "chat_id", chat) &&
	    parts_text(json, "parse_mode", sending->text.mode) &&
	    cJSON_AddBoolToObject(json, "disable_web_page_preview",
	    !service_is(target, "preview")) != NULL &&
	    cJSON_AddBoolToObject(json, "disable_notification",
	    !service_is(target, "notification")) != NULL);
}

static int
send_to(void *cookie, const char *name, struct err *err)
{
	const struct sending *sending = cookie;
	const struct letter letter = { .url = sending->url };
	CLEANUP(cleanup_free) char *chat = NULL;
	CLEANUP(json_free) cJSON *answer = NULL;

	if (str_dup(name, &chat, err) < 0 ||
	    parts_ask(sending->courier, &letter, make_json(sending, chat),
	    says, &answer, err) < 0)
		return -1;
	return cJSON_IsTrue(json_member(answer, "ok")) ? 0 :
	    parts_refused(answer, "description", err);
}

int
service_telegram_send(const struct service_target *target,
    const struct message *message, struct courier *courier, struct err *err)
{
	struct sending sending = { .target = target, .courier = courier };
	CLEANUP(strlist_free) struct strlist chats = STRLIST_INIT;
	CLEANUP(parts_wipe) char *url = NULL;
	CLEANUP(cleanup_free) char *text = NULL;

	if (str_format(&url, err,
	    "https://api.telegram.org/bot%s:%s/sendMessage", target->url.user,
	    target->url.password) < 0 ||
	    service_list(target, "chats", &chats, err) < 0 ||
	    make_text(target, message, &sending.text, err) < 0)
		return -1;
	text = sending.text.text;
	sending.url = url;
	return parts_each(&chats, send_to, &sending, err);
}
