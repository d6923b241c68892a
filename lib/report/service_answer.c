/*
 * What the services have in common when they ask and are answered.
 */
#define _GNU_SOURCE
#include <cjson/cJSON.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/base/log.h"
#include "lib/report/service.h"

#define TEXT_CHARACTERS 300	/* of what an answer says */

static bool
has_key(const struct service *service, const char *name)
{
	const struct service_key *key;

	for (key = service->keys; key != NULL && key->name != NULL; key++)
		if (strcmp(key->name, name) == 0)
			return true;
	return false;
}

int
service_base(const struct service_target *target, char **ret, struct err *err)
{
	const struct service_url *url = &target->url;
	const bool plain = has_key(target->service, "disabletls") &&
	    service_is(target, "disabletls");
	const char *scheme = url->plus != NULL ? url->plus :
	    plain ? "http" : "https";

	if (*url->host == '\0')
		return err_set(err, ERR_CONFIG, "the URL has no host");
	return url->port == 0 ?
	    str_format(ret, err, "%s://%s", scheme, url->host) :
	    str_format(ret, err, "%s://%s:%u", scheme, url->host, url->port);
}

int
service_post_json(struct courier *courier, const struct letter *letter,
    const struct cJSON *json, struct http_response *ret, struct err *err)
{
	CLEANUP(cleanup_free) char *body = NULL;
	struct letter whole = *letter;

	if (json_print(json, &body, err) < 0)
		return -1;
	whole.body = body;
	whole.body_len = strlen(body);
	whole.content_type = "application/json";
	return courier_send(courier, &whole, ret, err);
}

/* The member of a path such as "error.message", or NULL. */
static const struct cJSON *
member_at(const struct cJSON *json, const char *path, struct err *err)
{
	CLEANUP(cleanup_free) char *names = NULL;
	char *rest, *name;

	if (str_dup(path, &names, err) < 0)
		return NULL;
	rest = names;
	while (json != NULL && (name = strsep(&rest, ".")) != NULL)
		json = json_member(json, name);
	return json;
}

static const char *
text_of_members(const struct cJSON *json, const char *const *members)
{
	struct err ignored = ERR_INIT;	/* the status is told in any case */
	const struct cJSON *value;

	for (; *members != NULL; members++) {
		value = member_at(json, *members, &ignored);
		if (cJSON_IsArray(value))
			value = value->child;
		if (cJSON_IsString(value) && *value->valuestring != '\0')
			return value->valuestring;
	}
	return NULL;
}

/* One line of a text, short enough for a message. Masked first: a part of a
 * secret would not be known for one. */
static int
shorten(const char *text, char **ret, struct err *err)
{
	CLEANUP(cleanup_free) char *first = NULL;
	CLEANUP(cleanup_free) char *masked = NULL;
	CLEANUP(cleanup_free) char *line = NULL;

	text += strspn(text, " \t\r\n");
	first = strndup(text, strcspn(text, "\r\n"));
	if (first == NULL)
		return err_nomem(err);
	if (log_mask(first, &masked, err) < 0 ||
	    message_line(masked, &line, err) < 0)
		return -1;
	return message_cut(line, TEXT_CHARACTERS, MESSAGE_CHARACTERS, ret,
	    err);
}

static int
text_of(const struct http_response *response, const char *const *members,
    char **ret, struct err *err)
{
	CLEANUP(json_free) struct cJSON *json = NULL;
	struct err ignored = ERR_INIT;
	const char *text = NULL;
	const char *body = response->body;

	if (members != NULL && json_parse(body, response->body_len, "",
	    &json, &ignored) == 0)
		text = text_of_members(json, members);
	if (text == NULL)
		text = body[strspn(body, " \t\r\n")] == '<' ? "" : body;
	return shorten(text, ret, err);
}

int
service_expect(const struct http_response *response, long from, long to,
    const char *const *members, struct err *err)
{
	CLEANUP(cleanup_free) char *text = NULL;

	if (response->status >= from && response->status <= to)
		return 0;
	if (text_of(response, members, &text, err) < 0)
		return -1;
	return err_set(err, ERR_REFUSED, "refused with status %ld%s%s",
	    response->status, *text != '\0' ? ": " : "", text);
}
