#define _GNU_SOURCE
#include "lib/report/service_parts.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/base/log.h"
#include "lib/report/service.h"

/* As much as is shown of what a service says, in characters. */
#define WORDS 300
/* Shorter ones may be names of a host, a project, a path: masked, they would
 * make the log unreadable. Tokens are longer. */
#define SECRET_BYTES 14
#define NAME 100

/* --- documents ----------------------------------------------------------- */

bool
parts_text(cJSON *object, const char *name, const char *value)
{
	return value == NULL ||
	    cJSON_AddStringToObject(object, name, value) != NULL;
}

bool
parts_put_key(cJSON *object, const char *name,
    const struct service_target *target, const char *key)
{
	return parts_text(object, name, service_get(target, key));
}

cJSON *
parts_object(cJSON *array)
{
	cJSON *object = cJSON_CreateObject();

	if (cJSON_AddItemToArray(array, object))
		return object;
	cJSON_Delete(object);
	return NULL;
}

bool
parts_list(cJSON *object, const char *name, const struct strlist *texts)
{
	cJSON *array, *text;
	size_t i;

	if (texts->n == 0)
		return true;
	array = cJSON_AddArrayToObject(object, name);
	for (i = 0; i < texts->n; i++) {
		text = cJSON_CreateString(texts->v[i]);
		if (!cJSON_AddItemToArray(array, text)) {
			cJSON_Delete(text);
			return false;
		}
	}
	return true;
}

cJSON *
parts_whole(cJSON *json, bool well)
{
	if (well)
		return json;
	cJSON_Delete(json);
	return NULL;
}

/* --- URLs --------------------------------------------------------------- */

int
parts_host(struct service_target *target, const char *host, struct err *err)
{
	char *copy;

	if (*target->url.host != '\0')
		return 0;
	if (str_dup(host, &copy, err) < 0)
		return -1;
	free(target->url.host);
	target->url.host = copy;
	return 0;
}

int
parts_one_key(struct service_target *target, const char *host,
    struct err *err)
{
	if (target->url.segments.n != 1)
		return err_set(err, ERR_CONFIG,
		    "the path is not one key (%s://HOST/KEY)",
		    target->service->scheme);
	return parts_host(target, host, err);
}

bool
parts_pair(const char *pair, char ret_type[PARTS_PAIR_BYTES],
    const char **ret_name)
{
	const char *colon = strchr(pair, ':');
	size_t n = colon != NULL ? (size_t)(colon - pair) : 0;

	if (n == 0 || n >= PARTS_PAIR_BYTES || colon[1] == '\0')
		return false;
	memcpy(ret_type, pair, n);
	ret_type[n] = '\0';
	*ret_name = colon + 1;
	return true;
}

int
parts_scheme(struct service_target *target, struct err *err)
{
	const char *scheme = service_get(target, "scheme");

	return scheme == NULL || strcmp(scheme, "http") != 0 ? 0 :
	    strmap_add(&target->url.query, "disabletls", "yes", err);
}

int
parts_secret(const char *text, struct err *err)
{
	return text == NULL || strlen(text) < SECRET_BYTES ? 0 :
	    log_secret(text, err);
}

static int
add_segments(const struct strlist *segments, size_t n, struct str *url,
    struct err *err)
{
	size_t i;

	for (i = 0; i < n; i++) {
		CLEANUP(parts_wipe) char *escaped = NULL;

		if (http_escape(segments->v[i], &escaped, err) < 0)
			return -1;
		str_addf(url, "/%s", escaped);
	}
	return 0;
}

int
parts_url(const struct service_target *target, size_t n, const char *tail,
    char **ret, struct err *err)
{
	CLEANUP(str_wipe) struct str url = STR_INIT;
	CLEANUP(cleanup_free) char *base = NULL;

	if (service_base(target, &base, err) < 0)
		return -1;
	str_add(&url, base);
	if (add_segments(&target->url.segments, n, &url, err) < 0)
		return -1;
	str_add(&url, tail);
	return str_take(&url, ret, err);
}

/* --- texts --------------------------------------------------------------- */

void
parts_escape(struct str *s, const char *text)
{
	CLEANUP(parts_wipe) char *escaped = NULL;
	struct err err = ERR_INIT;

	if (http_escape(text, &escaped, &err) < 0)
		s->failed = true;
	else
		str_add(s, escaped);
}

void
parts_field(struct str *form, const char *name, const char *text)
{
	if (text == NULL)
		return;
	str_addf(form, "%s%s=", form->len == 0 ? "" : "&", name);
	parts_escape(form, text);
}

void
parts_wipe(char **text)
{
	if (*text != NULL)
		str_zero(*text);
	free(*text);
	*text = NULL;
}

bool
parts_each_line(char *text, bool (*line)(void *cookie, const char *line),
    void *cookie)
{
	bool more = true, done = true;
	char *end;

	for (; more && done; text = end + 1) {
		end = text + strcspn(text, "\n");
		more = *end != '\0';
		*end = '\0';
		if (text[strspn(text, " \t\r")] != '\0')
			done = line(cookie, text);
		if (more)
			*end = '\n';
	}
	return done;
}

/* --- requests ------------------------------------------------------------ */

int
parts_post(struct courier *courier, const struct letter *letter, cJSON *json,
    long from, long to, const char *const *members, struct err *err)
{
	CLEANUP(http_response_free) struct http_response response =
	    HTTP_RESPONSE_INIT;
	CLEANUP(json_free) cJSON *taken = json;

	if (service_post_json(courier, letter, taken, &response, err) < 0)
		return -1;
	return service_expect(&response, from, to, members, err);
}

int
parts_ask(struct courier *courier, const struct letter *letter, cJSON *json,
    const char *const *members, cJSON **ret, struct err *err)
{
	CLEANUP(http_response_free) struct http_response response =
	    HTTP_RESPONSE_INIT;
	CLEANUP(json_free) cJSON *taken = json;

	if (service_post_json(courier, letter, taken, &response, err) < 0)
		return -1;
	return parts_answer(&response, members, ret, err);
}

int
parts_json(const struct http_response *response, cJSON **ret, struct err *err)
{
	CLEANUP(json_free) cJSON *json = NULL;

	if (json_parse(response->body, response->body_len, "what was sent",
	    &json, err) < 0)
		return -1;
	if (!cJSON_IsObject(json))
		return err_set(err, ERR_PROTOCOL, "malformed answer to what "
		    "was sent: it is not an object");
	*ret = json;
	json = NULL;
	return 0;
}

int
parts_answer(const struct http_response *response, const char *const *members,
    cJSON **ret, struct err *err)
{
	return service_expect(response, 200, 299, members, err) < 0 ? -1 :
	    parts_json(response, ret, err);
}

int
parts_refused(const cJSON *answer, const char *member, struct err *err)
{
	CLEANUP(cleanup_free) char *cut = NULL;
	CLEANUP(cleanup_free) char *masked = NULL;
	CLEANUP(str_free) struct str text = STR_INIT;
	const char *words = cJSON_GetStringValue(json_member(answer, member));

	if (words == NULL || *words == '\0')
		return err_set(err, ERR_REFUSED, "refused, without a "
		    "reason");
	/* Before it is cut: a part of a secret is not known for one. */
	if (log_mask(words, &masked, err) < 0)
		return -1;
	str_add_visible(&text, masked);
	if (text.failed)
		return err_nomem(err);
	if (message_cut(text.s, WORDS, MESSAGE_CHARACTERS, &cut, err) < 0)
		return -1;
	return err_set(err, ERR_REFUSED, "refused: %s", cut);
}

/* Names may come from an answer, and be anything. */
static void
add_name(const char *name, struct err *err)
{
	CLEANUP(str_free) struct str text = STR_INIT;
	CLEANUP(cleanup_free) char *cut = NULL;
	struct err ignored = ERR_INIT;

	str_add_visible(&text, name);
	if (!text.failed && message_cut(text.s, NAME, MESSAGE_CHARACTERS,
	    &cut, &ignored) == 0)
		(void)err_add(err, "'%s'", cut);
}

int
parts_each(const struct strlist *names, int (*send)(void *cookie,
    const char *name, struct err *err), void *cookie, struct err *err)
{
	struct err first = ERR_INIT, one = ERR_INIT;
	size_t i, failed = 0;

	for (i = 0; i < names->n; i++)
		if (send(cookie, names->v[i], &one) < 0 && failed++ == 0) {
			add_name(names->v[i], &one);
			first = one;
		}
	if (failed == 0)
		return 0;
	*err = first;
	if (names->n > 1)
		(void)err_add(err, "%zu of %zu failed", failed, names->n);
	return -1;
}
