#include "lib/report/service_talk.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/report/service_parts.h"

/* What every server takes; one may be set to take more. */
#define TEXT_BYTES 10000
#define TOPIC 60		/* characters */

static const char *const says[] = { "msg", NULL };

static const char *const types[] = { "channel", "direct", NULL };

const struct service_key service_zulip_keys[] = {
	{ "type", NULL, KEY_CHOICE, "channel", types },
	{ "stream", NULL, KEY_TEXT },
	{ "topic", NULL, KEY_TEXT },
	{ "to", NULL, KEY_LIST },
	{ "read_by_sender", NULL, KEY_TEXT },
	{ "title", NULL, KEY_TEXT },
	{ NULL }
};

static bool
is_direct(const struct service_target *target)
{
	return strcmp(service_get(target, "type"), "direct") == 0;
}

static const char *
stream_of(const struct service_target *target)
{
	const char *stream = service_get(target, "stream");

	return stream != NULL ? stream : service_get(target, "to");
}

int
service_zulip_check(struct service_target *target, struct err *err)
{
	const struct service_url *url = &target->url;

	if (url->user == NULL || *url->user == '\0' ||
	    url->password == NULL || *url->password == '\0')
		return err_set(err, ERR_CONFIG,
		    "the bot or its key is missing (zulip://BOT:KEY@HOST)");
	if (*url->host == '\0')
		return err_set(err, ERR_CONFIG, "the URL has no host");
	if (is_direct(target) && service_get(target, "to") == NULL)
		return err_set(err, ERR_CONFIG, "'to' is missing");
	if (!is_direct(target) && stream_of(target) == NULL)
		return err_set(err, ERR_CONFIG, "'stream' is missing");
	return 0;
}

static bool
add_recipient(cJSON *array, const char *name)
{
	const bool number = name[strspn(name, "0123456789")] == '\0';
	cJSON *item = number ? cJSON_CreateNumber(strtod(name, NULL)) :
	    cJSON_CreateString(name);

	if (cJSON_AddItemToArray(array, item))
		return true;
	cJSON_Delete(item);
	return false;
}

/* Numbers of users, or their addresses, as JSON. */
static int
recipients(const struct service_target *target, char **ret, struct err *err)
{
	CLEANUP(strlist_free) struct strlist names = STRLIST_INIT;
	CLEANUP(json_free) cJSON *array = NULL;
	size_t i;

	if (service_list(target, "to", &names, err) < 0)
		return -1;
	array = cJSON_CreateArray();
	for (i = 0; i < names.n; i++)
		if (!add_recipient(array, names.v[i]))
			return err_nomem(err);
	return json_print(array, ret, err);
}

/* The topic, and what is then left to be said. A title that serves as one is
 * in the text only if it was cut. */
static int
make_texts(const struct service_target *target,
    const struct message *message, char **ret_topic, char **ret_text,
    struct err *err)
{
	const char *topic = service_get(target, "topic");
	bool whole = true;

	if (!is_direct(target)) {
		if (message_cut(topic != NULL ? topic : message->title, TOPIC,
		    MESSAGE_CHARACTERS, ret_topic, err) < 0)
			return -1;
		whole = strcmp(*ret_topic, message->title) != 0;
	}
	return whole ? message_whole(message, "\n\n", TEXT_BYTES,
	    MESSAGE_BYTES, ret_text, err) :
	    message_fit(message->body, TEXT_BYTES, MESSAGE_BYTES, ret_text,
	    err);
}

static int
make_form(const struct service_target *target,
    const struct message *message, struct str *form, struct err *err)
{
	CLEANUP(cleanup_free) char *topic = NULL;
	CLEANUP(cleanup_free) char *text = NULL;
	CLEANUP(cleanup_free) char *to = NULL;

	if (make_texts(target, message, &topic, &text, err) < 0 ||
	    (is_direct(target) ? recipients(target, &to, err) :
	    str_dup(stream_of(target), &to, err)) < 0)
		return -1;
	parts_field(form, "type", service_get(target, "type"));
	parts_field(form, "to", to);
	parts_field(form, "content", text);
	parts_field(form, "topic", topic);
	parts_field(form, "read_by_sender",
	    service_get(target, "read_by_sender"));
	return form->failed ? err_nomem(err) : 0;
}

int
service_zulip_send(const struct service_target *target,
    const struct message *message, struct courier *courier, struct err *err)
{
	CLEANUP(http_response_free) struct http_response response =
	    HTTP_RESPONSE_INIT;
	CLEANUP(json_free) cJSON *answer = NULL;
	CLEANUP(str_free) struct str form = STR_INIT;
	CLEANUP(cleanup_free) char *base = NULL;
	CLEANUP(cleanup_free) char *url = NULL;
	struct letter letter = { .user = target->url.user,
		.password = target->url.password,
		.content_type = "application/x-www-form-urlencoded" };
	const char *result;

	if (make_form(target, message, &form, err) < 0 ||
	    service_base(target, &base, err) < 0 ||
	    str_format(&url, err, "%s/api/v1/messages", base) < 0)
		return -1;
	letter.url = url;
	letter.body = form.s;
	letter.body_len = form.len;
	if (courier_send(courier, &letter, &response, err) < 0 ||
	    parts_answer(&response, says, &answer, err) < 0)
		return -1;
	result = cJSON_GetStringValue(json_member(answer, "result"));
	return result != NULL && strcmp(result, "success") == 0 ? 0 :
	    parts_refused(answer, "msg", err);
}
