#include "lib/report/service_chat.h"

#include <cjson/cJSON.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/base/log.h"
#include "lib/report/service_parts.h"

/* Slack takes 100 attachments, and cuts texts of more than 40000 characters:
 * a title and a body stay far below that. */
#define ATTACHMENTS 100
#define TITLE 1000
#define TEXT 12000

#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
#define ALNUM UPPER "abcdefghijklmnopqrstuvwxyz"

static const char *const says_error[] = { "error", NULL };

const struct service_key service_slack_keys[] = {
	{ "username", "botname", KEY_TEXT },
	{ "icon", "icon_emoji", KEY_TEXT },
	{ "icon_url", NULL, KEY_TEXT },
	{ "color", NULL, KEY_TEXT },
	{ "thread_ts", NULL, KEY_TEXT },
	{ "title", NULL, KEY_TEXT },
	{ NULL }
};

/* --- tokens -------------------------------------------------------------- */

struct token {			/* a, b, c point into text */
	char *text;
	char kind[5];		/* "hook" or "xox?" */
	char *a, *b, *c;
};

#define TOKEN_INIT { NULL, "hook", NULL, NULL, NULL }

static void
token_free(struct token *token)
{
	/* It was cut into pieces; they are as long as the whole. */
	str_zero(token->a);
	str_zero(token->b);
	str_zero(token->c);
	parts_wipe(&token->text);
}

/* The old form: the host and the path are the token, the user is a name. */
static bool
is_old(const struct service_target *target)
{
	return target->url.segments.n != 0;
}

/* A, its separator made an end; NULL unless it is there, of such characters
 * and so long. */
static char *
cut_part(char **text, const char *accept, size_t min, char separator)
{
	char *part = *text;
	size_t n = strspn(part, accept);

	if (n < min || part[n] != separator)
		return NULL;
	if (separator != '\0')
		*text = part + n + 1;
	part[n] = '\0';
	return part;
}

static bool
token_cut(struct token *token)
{
	char *text = token->text;
	char separator;

	if ((str_starts(text, "hook") || str_starts(text, "xox")) &&
	    strlen(text) > 5 && (text[4] == ':' || text[4] == '-')) {
		memcpy(token->kind, text, 4);
		text += 5;
	}
	separator = text[strspn(text, UPPER)];
	if (separator == '\0' || strchr("-/,", separator) == NULL)
		return false;
	return (token->a = cut_part(&text, UPPER, 9, separator)) != NULL &&
	    (token->b = cut_part(&text, UPPER, 9, separator)) != NULL &&
	    (token->c = cut_part(&text, ALNUM, 24, '\0')) != NULL;
}

static int
token_parse(const struct service_target *target, struct token *ret,
    struct err *err)
{
	const struct service_url *url = &target->url;
	CLEANUP(str_wipe) struct str text = STR_INIT;
	size_t i;

	str_add(&text, is_old(target) ? url->host :
	    url->user == NULL ? "" : url->user);
	if (!is_old(target) && url->password != NULL)
		str_addf(&text, ":%s", url->password);
	for (i = 0; i < url->segments.n; i++)
		str_addf(&text, "/%s", url->segments.v[i]);
	if (str_take(&text, &ret->text, err) < 0)
		return -1;
	return token_cut(ret) ? 0 : err_set(err, ERR_CONFIG, "the token is "
	    "not one (slack://hook:A-B-C@webhook or "
	    "slack://xoxb:A-B-C@CHANNEL)");
}

static bool
is_hook(const struct token *token)
{
	return strcmp(token->kind, "hook") == 0;
}

int
service_slack_check(struct service_target *target, struct err *err)
{
	CLEANUP(token_free) struct token token = TOKEN_INIT;

	if (token_parse(target, &token, err) < 0)
		return -1;
	if (!is_hook(&token) && target->url.host[0] == '\0')
		return err_set(err, ERR_CONFIG, "the channel is missing "
		    "(slack://xoxb:A-B-C@CHANNEL)");
	return log_secret(token.c, err);
}

/* --- the document -------------------------------------------------------- */

struct attachments {
	cJSON *array;
	const char *color;
	size_t n;
	struct str rest;	/* of what there is no room for */
};

static bool
attach(struct attachments *to, const char *text)
{
	cJSON *attachment = parts_object(to->array);

	return parts_text(attachment, "text", text) &&
	    parts_text(attachment, "color", to->color);
}

static bool
attach_line(void *cookie, const char *line)
{
	struct attachments *to = cookie;

	if (++to->n < ATTACHMENTS)
		return attach(to, line);
	str_addf(&to->rest, "%s%s", to->n == ATTACHMENTS ? "" : "\n", line);
	return !to->rest.failed;
}

/* A line each; the last has all that is left. Lines without text are left
 * out: so are attachments without one. */
static bool
add_attachments(cJSON *json, char *text, const char *color)
{
	struct attachments to = { .color = color, .rest = STR_INIT };
	bool well;

	to.array = cJSON_AddArrayToObject(json, "attachments");
	well = parts_each_line(text, attach_line, &to) &&
	    (to.rest.len == 0 || attach(&to, to.rest.s));
	str_free(&to.rest);
	return well;
}

static cJSON *
make_json(const struct service_target *target, bool hook, const char *title,
    char *text, enum outcome outcome)
{
	static const char *const colors[] = { [OUTCOME_SUCCESS] = "good",
		[OUTCOME_PROBLEMS] = "warning",
		[OUTCOME_FAILURE] = "danger" };
	const char *color = service_get(target, "color");
	const char *username = service_get(target, "username");
	const char *user = target->url.user;
	cJSON *json = cJSON_CreateObject();

	if (username == NULL && is_old(target) && user != NULL &&
	    *user != '\0')
		username = user;
	return parts_whole(json, parts_text(json, "text", title) &&
	    parts_text(json, "username", username) &&
	    add_attachments(json, text,
	    color != NULL ? color : colors[outcome]) &&
	    parts_text(json, "thread_ts", service_get(target, "thread_ts")) &&
	    parts_text(json, "channel", hook ? NULL : target->url.host) &&
	    service_chat_icon(json, target));
}

/* --- sending ------------------------------------------------------------- */

/* "ok", or nothing; anything else says what is wrong, also with status 200. */
static int
send_hook(const struct token *token, cJSON *json, struct courier *courier,
    struct err *err)
{
	CLEANUP(http_response_free) struct http_response response =
	    HTTP_RESPONSE_INIT;
	CLEANUP(json_free) cJSON *taken = json;
	CLEANUP(parts_wipe) char *url = NULL;
	struct letter letter = { .url = NULL };

	if (str_format(&url, err, "https://hooks.slack.com/services/%s/%s/%s",
	    token->a, token->b, token->c) < 0)
		return -1;
	letter.url = url;
	if (service_post_json(courier, &letter, taken, &response, err) < 0 ||
	    service_expect(&response, 200, 200, NULL, err) < 0)
		return -1;
	if (response.body_len != 0 && strcmp(str_trim(response.body), "ok"))
		return service_expect(&response, 1, 0, NULL, err);
	return 0;
}

static int
send_api(const struct token *token, cJSON *json, struct courier *courier,
    struct err *err)
{
	CLEANUP(json_free) cJSON *answer = NULL;
	CLEANUP(parts_wipe) char *bearer = NULL;
	const char *headers[] = { NULL, NULL };
	const struct letter letter = {
		.url = "https://slack.com/api/chat.postMessage",
		.headers = headers
	};

	if (str_format(&bearer, err, "Authorization: Bearer %s-%s-%s-%s",
	    token->kind, token->a, token->b, token->c) < 0) {
		cJSON_Delete(json);
		return -1;
	}
	headers[0] = bearer;
	if (parts_ask(courier, &letter, json, says_error, &answer, err) < 0)
		return -1;
	return cJSON_IsTrue(json_member(answer, "ok")) ? 0 :
	    parts_refused(answer, "error", err);
}

int
service_slack_send(const struct service_target *target,
    const struct message *message, struct courier *courier, struct err *err)
{
	CLEANUP(token_free) struct token token = TOKEN_INIT;
	CLEANUP(cleanup_free) char *title = NULL;
	CLEANUP(cleanup_free) char *text = NULL;
	cJSON *json;

	if (token_parse(target, &token, err) < 0 ||
	    message_cut(message->title, TITLE, MESSAGE_CHARACTERS, &title,
	    err) < 0 ||
	    message_fit(message->body, TEXT, MESSAGE_CHARACTERS, &text,
	    err) < 0)
		return -1;
	json = make_json(target, is_hook(&token), title, text,
	    message->outcome);
	return is_hook(&token) ? send_hook(&token, json, courier, err) :
	    send_api(&token, json, courier, err);
}
