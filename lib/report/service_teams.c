#define _GNU_SOURCE
#include "lib/report/service_chat.h"

#include <cjson/cJSON.h>
#include <string.h>
#include <strings.h>

#include "lib/base/json.h"
#include "lib/report/service_parts.h"

/* A card of 28 KB is taken. Each line of the text is an object of its own, so
 * how much of the text has room is found by trying, from this on. */
#define CARD_BYTES 27000
#define TEXT_BYTES 20000
#define TITLE 256

static const char *const says[] = { "error.message", "message", NULL };

const struct service_key service_teams_keys[] = {
	{ .name = "host", .required = true },
	{ "color", NULL, KEY_TEXT },
	{ "title", NULL, KEY_TEXT },
	{ NULL }
};

/* --- the URL of a workflow ----------------------------------------------- */

/* Printable ASCII only: it goes into a request as it is. */
static bool
is_escaped(const char *url)
{
	for (; *url != '\0'; url++)
		if (*url <= ' ' || *url > '~')
			return false;
	return true;
}

/* Has the name this in it (n bytes of host), with something before it, and
 * behind it, too, unless it is to be the end? */
static bool
host_has(const char *host, size_t n, const char *middle, bool at_end)
{
	const char *at = strcasestr(host, middle);
	size_t end;

	if (at == NULL || at == host)
		return false;
	end = (size_t)(at - host) + strlen(middle);
	return at_end ? end == n : end < n;
}

static bool
is_workflow(const char *url)
{
	const char *host = url + strlen("https://"), *path;
	size_t n;

	if (strncasecmp(url, "https://", strlen("https://")) != 0 ||
	    !is_escaped(url))
		return false;
	path = host + strcspn(host, "/?#");
	n = strcspn(host, ":/?#");
	if (memchr(host, '@', (size_t)(path - host)) != NULL)
		return false;
	if (host_has(host, n, ".logic.azure.", false))
		return strstr(path, "/workflows/") != NULL;
	return host_has(host, n, ".environment.api.powerplatform.com", true) &&
	    str_starts(path, "/powerautomate/automations/direct/");
}

/* What calls a workflow is its path and query. */
static int
hide_parts(const char *url, struct err *err)
{
	size_t n;

	for (; *url != '\0'; url += n + (url[n] != '\0')) {
		CLEANUP(parts_wipe) char *part = NULL;

		n = strcspn(url, "/?&=");
		if (str_format(&part, err, "%.*s", (int)n, url) < 0 ||
		    parts_secret(part, err) < 0)
			return -1;
	}
	return 0;
}

int
service_teams_check(struct service_target *target, struct err *err)
{
	const char *url = service_get(target, "host");

	if (is_workflow(url))
		return hide_parts(url + strlen("https://") +
		    strcspn(url + strlen("https://"), "/?#"), err);
	return err_set(err, ERR_CONFIG, "the value of 'host' is not the "
	    "URL of a workflow (https://....logic.azure.com/workflows/..., "
	    "percent-encoded)");
}

/* --- the card ------------------------------------------------------------ */

static const char *
color_of(const struct service_target *target, enum outcome outcome)
{
	static const char *const known[] = { "default", "dark", "light",
		"accent", "good", "warning", "attention" };
	static const char *const colors[] = { [OUTCOME_SUCCESS] = "good",
		[OUTCOME_PROBLEMS] = "warning",
		[OUTCOME_FAILURE] = "attention" };
	const char *color = service_get(target, "color");
	size_t i;

	/* Others are from the time when it was a number: by outcome. */
	for (i = 0; color != NULL && i < sizeof known / sizeof known[0]; i++)
		if (strcasecmp(color, known[i]) == 0)
			return known[i];
	return colors[outcome];
}

static bool
add_title(cJSON *blocks, const char *title, const char *color)
{
	cJSON *block;

	if (*title == '\0')
		return true;
	block = parts_object(blocks);
	return parts_text(block, "type", "TextBlock") &&
	    parts_text(block, "text", title) &&
	    parts_text(block, "weight", "Bolder") &&
	    parts_text(block, "size", "Medium") &&
	    parts_text(block, "color", color);
}

static bool
add_line(void *cookie, const char *line)
{
	cJSON *block = parts_object(cookie);

	return parts_text(block, "type", "TextBlock") &&
	    parts_text(block, "text", line) &&
	    cJSON_AddTrueToObject(block, "wrap") != NULL;
}

static bool
add_card(cJSON *content, const char *title, const char *color, char *text)
{
	cJSON *blocks;

	if (!parts_text(content, "$schema",
	    "http://adaptivecards.io/schemas/adaptive-card.json") ||
	    !parts_text(content, "type", "AdaptiveCard") ||
	    !parts_text(content, "version", "1.2"))
		return false;
	blocks = cJSON_AddArrayToObject(content, "body");
	return add_title(blocks, title, color) &&
	    parts_each_line(text, add_line, blocks);
}

static cJSON *
make_json(const char *title, const char *color, char *text)
{
	cJSON *json = cJSON_CreateObject(), *attachment;
	bool well = parts_text(json, "type", "message");

	attachment = parts_object(cJSON_AddArrayToObject(json, "attachments"));
	well = well && parts_text(attachment, "contentType",
	    "application/vnd.microsoft.card.adaptive") &&
	    cJSON_AddNullToObject(attachment, "contentUrl") != NULL &&
	    add_card(cJSON_AddObjectToObject(attachment, "content"), title,
	    color, text);
	return parts_whole(json, well);
}

static int
print(const struct message *message, size_t max, const char *title,
    const char *color, char **ret, struct err *err)
{
	CLEANUP(cleanup_free) char *text = NULL;
	CLEANUP(json_free) cJSON *json = NULL;

	if (message_fit(message->body, max, MESSAGE_BYTES, &text, err) < 0)
		return -1;
	json = make_json(title, color, text);
	return json_print(json, ret, err);
}

static int
print_fitted(const struct message *message, const char *color, char **ret,
    struct err *err)
{
	CLEANUP(cleanup_free) char *title = NULL;
	char *text = NULL;
	size_t max;

	if (message_cut(message->title, TITLE, MESSAGE_CHARACTERS, &title,
	    err) < 0)
		return -1;
	for (max = TEXT_BYTES; ; max -= max / 4) {
		if (print(message, max, title, color, &text, err) < 0)
			return -1;
		if (strlen(text) <= CARD_BYTES || max < 128)
			break;
		cleanup_free(&text);
	}
	*ret = text;
	return 0;
}

int
service_teams_send(const struct service_target *target,
    const struct message *message, struct courier *courier, struct err *err)
{
	CLEANUP(http_response_free) struct http_response response =
	    HTTP_RESPONSE_INIT;
	CLEANUP(cleanup_free) char *text = NULL;
	struct letter letter = { .url = service_get(target, "host"),
		.content_type = "application/json" };

	if (print_fitted(message, color_of(target, message->outcome), &text,
	    err) < 0)
		return -1;
	letter.body = text;
	letter.body_len = strlen(text);
	if (courier_send(courier, &letter, &response, err) < 0)
		return -1;
	return service_expect(&response, 200, 202, says, err);
}
