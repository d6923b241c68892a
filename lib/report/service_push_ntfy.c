/*
 * ntfy and gotify: servers of one's own.
 *
 * To ntfy goes the JSON form: in headers, titles that are not ASCII would need
 * an encoding. What that form has no member for, or another one than URLs
 * have (actions), goes into the headers, which the server reads all the same.
 */
#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/http.h"
#include "lib/base/json.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/report/service_parts.h"
#include "lib/report/service_push.h"

/* --- ntfy ---------------------------------------------------------------- */

#define NTFY_BODY_BYTES 4096	/* more becomes an attachment, or is refused */
#define NTFY_TITLE_CHARACTERS 250

static const char *const ntfy_schemes[] = { "https", "http", NULL };
static const char *const ntfy_priorities[] = {
	"min", "low", "default", "high", "max", "urgent",
	"1", "2", "3", "4", "5", NULL
};

const struct service_key push_ntfy_keys[] = {
	{ .name = "title" },
	{ .name = "scheme", .type = KEY_CHOICE, .def = "https",
	  .choices = ntfy_schemes },
	{ .name = "tags", .type = KEY_LIST },
	{ .name = "priority", .type = KEY_CHOICE, .choices = ntfy_priorities },
	{ .name = "actions" },
	{ .name = "click" },
	{ .name = "attach" },
	{ .name = "filename" },
	{ .name = "delay", .alias = "at" },
	{ .name = "in" },
	{ .name = "email" },
	{ .name = "icon" },
	{ .name = "markdown", .type = KEY_BOOL, .def = "no" },
	{ .name = "cache", .type = KEY_BOOL, .def = "yes" },
	{ .name = "firebase", .type = KEY_BOOL, .def = "yes" },
	{ .name = "disabletls", .type = KEY_BOOL, .def = "no" },
	{ .name = "disabletlsverification", .type = KEY_BOOL, .def = "no" },
	{ .name = NULL }
};

int
push_ntfy_check(struct service_target *target, struct err *err)
{
	if (target->url.segments.n != 1)
		return err_set(err, ERR_CONFIG,
		    "the path is not one topic (ntfy://HOST/TOPIC)");
	if (parts_host(target, "ntfy.sh", err) < 0 ||
	    parts_secret(target->url.segments.v[0], err) < 0)
		return -1;
	return parts_scheme(target, err);
}

/* 3 is what the server takes for none. */
static int
ntfy_priority(const struct service_target *target, enum outcome outcome)
{
	static const int of_outcome[] = { [OUTCOME_SUCCESS] = 3,
		[OUTCOME_PROBLEMS] = 3, [OUTCOME_FAILURE] = 4 };
	const char *text = service_get(target, "priority");
	int i;

	if (text == NULL)
		return of_outcome[outcome];
	for (i = 0; strcmp(ntfy_priorities[i], text) != 0; i++)
		;
	return i < 5 ? i + 1 : i == 5 ? 5 : i - 5;
}

/* Short names of emojis, which the server's clients know. */
static int
ntfy_tags(const struct service_target *target, enum outcome outcome,
    struct strlist *ret, struct err *err)
{
	static const char *const of_outcome[] = {
		[OUTCOME_SUCCESS] = "white_check_mark",
		[OUTCOME_PROBLEMS] = "warning",
		[OUTCOME_FAILURE] = "rotating_light" };

	if (service_get(target, "tags") != NULL)
		return service_list(target, "tags", ret, err);
	return strlist_add(ret, of_outcome[outcome], err);
}

static cJSON *
ntfy_json(const struct service_target *target, const struct message *message,
    const char *title, const char *body, const struct strlist *tags)
{
	cJSON *json = cJSON_CreateObject();
	const char *delay = service_get(target, "delay");

	if (delay == NULL)
		delay = service_get(target, "in");
	return parts_whole(json, json != NULL &&
	    parts_text(json, "topic", target->url.segments.v[0]) &&
	    parts_text(json, "title", title) &&
	    parts_text(json, "message", body) &&
	    parts_list(json, "tags", tags) &&
	    cJSON_AddNumberToObject(json, "priority",
	    ntfy_priority(target, message->outcome)) != NULL &&
	    parts_put_key(json, "click", target, "click") &&
	    parts_put_key(json, "attach", target, "attach") &&
	    parts_put_key(json, "filename", target, "filename") &&
	    parts_text(json, "delay", delay) &&
	    parts_put_key(json, "email", target, "email") &&
	    parts_put_key(json, "icon", target, "icon") &&
	    (!service_is(target, "markdown") ||
	    cJSON_AddTrueToObject(json, "markdown") != NULL));
}

static int
ntfy_headers(const struct service_target *target, struct strlist *ret,
    struct err *err)
{
	const char *actions = service_get(target, "actions");
	CLEANUP(cleanup_free) char *line = NULL;

	if ((actions != NULL && (message_line(actions, &line, err) < 0 ||
	    strlist_addf(ret, err, "Actions: %s", line) < 0)) ||
	    (!service_is(target, "cache") && strlist_add(ret, "Cache: no",
	    err) < 0) ||
	    (!service_is(target, "firebase") && strlist_add(ret,
	    "Firebase: no", err) < 0))
		return -1;
	return 0;
}

static int
ntfy_post(const struct service_target *target, const cJSON *json,
    struct courier *courier, struct err *err)
{
	static const char *const members[] = { "error", NULL };
	CLEANUP(strlist_free) struct strlist headers = STRLIST_INIT;
	CLEANUP(http_response_free) struct http_response response =
	    HTTP_RESPONSE_INIT;
	CLEANUP(cleanup_free) char *url = NULL;
	CLEANUP(json_free) cJSON *answer = NULL;
	const char *lines[4] = { NULL };
	struct letter letter = { .headers = lines,
	    .insecure = service_is(target, "disabletlsverification") };
	size_t i;

	/* Without a user, but with a password, that is a token. */
	if (target->url.user != NULL && (*target->url.user != '\0' ||
	    target->url.password != NULL)) {
		letter.user = target->url.user;
		letter.password = target->url.password;
	}
	if (parts_url(target, 0, "/", &url, err) < 0 ||
	    ntfy_headers(target, &headers, err) < 0)
		return -1;
	for (i = 0; i < headers.n; i++)
		lines[i] = headers.v[i];
	letter.url = url;
	if (service_post_json(courier, &letter, json, &response, err) < 0 ||
	    service_expect(&response, 200, 299, members, err) < 0)
		return -1;
	return parts_json(&response, &answer, err);
}

int
push_ntfy_send(const struct service_target *target,
    const struct message *message, struct courier *courier, struct err *err)
{
	CLEANUP(strlist_free) struct strlist tags = STRLIST_INIT;
	CLEANUP(cleanup_free) char *title = NULL;
	CLEANUP(cleanup_free) char *body = NULL;
	CLEANUP(json_free) cJSON *json = NULL;

	if (message_cut(message->title, NTFY_TITLE_CHARACTERS,
	    MESSAGE_CHARACTERS, &title, err) < 0 ||
	    message_fit(message->body, NTFY_BODY_BYTES, MESSAGE_BYTES, &body,
	    err) < 0 || ntfy_tags(target, message->outcome, &tags, err) < 0)
		return -1;
	json = ntfy_json(target, message, title, body, &tags);
	return ntfy_post(target, json, courier, err);
}

/* --- gotify -------------------------------------------------------------- */

#define GOTIFY_BODY_BYTES 65535		/* its column where it uses MySQL */
#define GOTIFY_TITLE_CHARACTERS 250

/* Without a priority the server takes the application's. The date is there
 * because such URLs exist: the server puts its own. */
const struct service_key push_gotify_keys[] = {
	{ .name = "title" },
	{ .name = "priority", .type = KEY_INT, .min = -2, .max = 10 },
	{ .name = "disabletls", .type = KEY_BOOL, .def = "no" },
	{ .name = "insecureskipverify", .type = KEY_BOOL, .def = "no" },
	{ .name = "useheader", .type = KEY_BOOL, .def = "no" },
	{ .name = "date" },
	{ .name = "extras" },
	{ .name = NULL }
};

static bool
is_object(const char *text)
{
	CLEANUP(json_free) cJSON *json = cJSON_ParseWithOpts(text, NULL, 1);

	return cJSON_IsObject(json);
}

int
push_gotify_check(struct service_target *target, struct err *err)
{
	const struct strlist *segments = &target->url.segments;
	const char *extras = service_get(target, "extras");

	if (*target->url.host == '\0' || segments->n == 0)
		return err_set(err, ERR_CONFIG,
		    "the host or the token is missing (gotify://HOST/TOKEN)");
	if (extras != NULL && !is_object(extras))
		return err_set(err, ERR_CONFIG,
		    "the value of 'extras' is not a JSON object");
	return log_secret(segments->v[segments->n - 1], err);
}

static cJSON *
gotify_json(const struct service_target *target, const char *title,
    const char *body)
{
	cJSON *json = cJSON_CreateObject();
	const char *priority = service_get(target, "priority");
	const char *extras = service_get(target, "extras");

	return parts_whole(json, json != NULL &&
	    parts_text(json, "title", title) &&
	    parts_text(json, "message", body) &&
	    (priority == NULL || cJSON_AddRawToObject(json, "priority",
	    priority) != NULL) &&
	    (extras == NULL || cJSON_AddRawToObject(json, "extras",
	    extras) != NULL));
}

/* The token goes into the query, or, with useheader, into *ret_header. */
static int
gotify_url(const struct service_target *target, char **ret, char **ret_header,
    struct err *err)
{
	const struct strlist *segments = &target->url.segments;
	const char *token = segments->v[segments->n - 1];
	CLEANUP(parts_wipe) char *escaped = NULL;
	CLEANUP(parts_wipe) char *tail = NULL;

	if (service_is(target, "useheader"))
		return str_format(ret_header, err, "X-Gotify-Key: %s",
		    token) < 0 ? -1 : parts_url(target, segments->n - 1,
		    "/message", ret, err);
	if (http_escape(token, &escaped, err) < 0 ||
	    str_format(&tail, err, "/message?token=%s", escaped) < 0)
		return -1;
	return parts_url(target, segments->n - 1, tail, ret, err);
}

int
push_gotify_send(const struct service_target *target,
    const struct message *message, struct courier *courier, struct err *err)
{
	static const char *const members[] = { "errorDescription", "error",
		NULL };
	CLEANUP(http_response_free) struct http_response response =
	    HTTP_RESPONSE_INIT;
	CLEANUP(cleanup_free) char *title = NULL;
	CLEANUP(cleanup_free) char *body = NULL;
	CLEANUP(parts_wipe) char *url = NULL;
	CLEANUP(parts_wipe) char *header = NULL;
	CLEANUP(json_free) cJSON *json = NULL;
	CLEANUP(json_free) cJSON *answer = NULL;
	const char *headers[2] = { NULL };
	struct letter letter = { .headers = headers,
	    .insecure = service_is(target, "insecureskipverify") };

	if (message_cut(message->title, GOTIFY_TITLE_CHARACTERS,
	    MESSAGE_CHARACTERS, &title, err) < 0 ||
	    message_fit(message->body, GOTIFY_BODY_BYTES, MESSAGE_BYTES,
	    &body, err) < 0 || gotify_url(target, &url, &header, err) < 0)
		return -1;
	headers[0] = header;
	letter.url = url;
	json = gotify_json(target, title, body);
	if (service_post_json(courier, &letter, json, &response, err) < 0 ||
	    service_expect(&response, 200, 299, members, err) < 0)
		return -1;
	return parts_json(&response, &answer, err);
}
