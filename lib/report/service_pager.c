#include "lib/report/service_pager.h"

#include <cjson/cJSON.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/http.h"
#include "lib/base/json.h"
#include "lib/base/str.h"
#include "lib/report/service_parts.h"

#define TITLE_CHARACTERS 1024
#define BODY_BYTES 10000	/* an event may have 512 KB: enough for logs */

static const char *const severities[] = { "critical", "error",
	"warning", "info", NULL };
static const char *const actions[] = { "trigger", "acknowledge",
	"resolve", NULL };
const struct service_key alert_pager_keys[] = {
	{ .name = "title" },
	{ .name = "severity", .type = KEY_CHOICE,
	  .choices = severities },
	{ .name = "source" },
	{ .name = "action", .type = KEY_CHOICE, .choices = actions },
	{ .name = "dedup_key", .alias = "dedupkey" },
	{ .name = "details" },
	{ .name = "contexts" },
	{ .name = "client" },
	{ .name = "client_url", .alias = "clienturl" },
	{ .name = NULL }
};

static const char *
text_member(const cJSON *object, const char *name)
{
	return cJSON_GetStringValue(json_member(object, name));
}

/* Of an element of contexts, what it must have beside its type. */
static const char *
pager_address(const cJSON *element)
{
	const char *type = text_member(element, "type");

	if (type == NULL)
		return NULL;
	return strcmp(type, "link") == 0 ? text_member(element, "href") :
	    strcmp(type, "image") == 0 ? text_member(element, "src") : NULL;
}

/* "link:URL" or "image:URL" as an element of contexts. */
static int
pager_add_context(cJSON *array, const char *pair, struct err *err)
{
	const char *address = "";
	char type[PARTS_PAIR_BYTES] = "";
	cJSON *element = cJSON_CreateObject();

	(void)parts_pair(pair, type, &address);
	if (element == NULL || !parts_text(element, "type", type) ||
	    !parts_text(element, strcmp(type, "image") == 0 ? "src" : "href",
	    address) || !cJSON_AddItemToArray(array, element)) {
		cJSON_Delete(element);
		return err_nomem(err);
	}
	return 0;
}

/* Pairs, or a JSON list of objects; *ret: NULL if it is neither. */
static int
pager_read_contexts(const struct service_target *target, cJSON **ret,
    struct err *err)
{
	CLEANUP(strlist_free) struct strlist pairs = STRLIST_INIT;
	CLEANUP(json_free) cJSON *array = NULL;
	const char *text = service_get(target, "contexts");
	size_t i;

	if (text != NULL && *text == '[') {
		*ret = cJSON_ParseWithOpts(text, NULL, 1);
		return 0;
	}
	array = cJSON_CreateArray();
	if (array == NULL)
		return err_nomem(err);
	if (service_list(target, "contexts", &pairs, err) < 0)
		return -1;
	for (i = 0; i < pairs.n; i++)
		if (pager_add_context(array, pairs.v[i], err) < 0)
			return -1;
	*ret = array;
	array = NULL;
	return 0;
}

static int
pager_contexts(const struct service_target *target, cJSON **ret,
    struct err *err)
{
	CLEANUP(json_free) cJSON *array = NULL;
	const cJSON *element;
	bool ok;

	if (pager_read_contexts(target, &array, err) < 0)
		return -1;
	ok = cJSON_IsArray(array);
	for (element = ok ? array->child : NULL; element != NULL;
	    element = element->next)
		ok = ok && pager_address(element) != NULL &&
		    *pager_address(element) != '\0';
	if (!ok)
		return err_set(err, ERR_CONFIG, "the value of 'contexts' is "
		    "neither link:URL,image:URL nor such a JSON list");
	*ret = array;
	array = NULL;
	return 0;
}

/* *ret: what the URL says, or an empty object. */
static int
pager_details(const struct service_target *target, cJSON **ret,
    struct err *err)
{
	const char *text = service_get(target, "details");
	CLEANUP(json_free) cJSON *object = text == NULL ?
	    cJSON_CreateObject() : cJSON_ParseWithOpts(text, NULL, 1);

	if (text == NULL && object == NULL)
		return err_nomem(err);
	if (!cJSON_IsObject(object))
		return err_set(err, ERR_CONFIG,
		    "the value of 'details' is not a JSON object");
	*ret = object;
	object = NULL;
	return 0;
}

int
alert_pager_check(struct service_target *target, struct err *err)
{
	CLEANUP(json_free) cJSON *contexts = NULL;
	CLEANUP(json_free) cJSON *details = NULL;

	if (parts_one_key(target, "events.pagerduty.com", err) < 0 ||
	    pager_contexts(target, &contexts, err) < 0)
		return -1;
	return pager_details(target, &details, err);
}

/* With a name for the incident, a success is its end. */
static const char *
pager_action(const struct service_target *target, enum outcome outcome)
{
	const char *action = service_get(target, "action");

	if (action != NULL)
		return action;
	return outcome == OUTCOME_SUCCESS &&
	    service_get(target, "dedup_key") != NULL ? "resolve" : "trigger";
}

static const char *
pager_severity(const struct service_target *target, enum outcome outcome)
{
	static const char *const of_outcome[] = { [OUTCOME_SUCCESS] = "info",
		[OUTCOME_PROBLEMS] = "warning", [OUTCOME_FAILURE] = "error" };
	const char *severity = service_get(target, "severity");

	return severity != NULL ? severity : of_outcome[outcome];
}

/* What makes up an event; both trees are taken apart by making it. */
struct pager {
	const struct service_target *target;
	const struct message *message;
	const char *title;
	const char *body;
	cJSON *details;
	cJSON *contexts;
};

static bool
pager_put_payload(cJSON *json, struct pager *pager)
{
	cJSON *payload = cJSON_AddObjectToObject(json, "payload");
	const char *source = service_get(pager->target, "source");
	char when[CLOCK_RFC3339_BYTES];

	clock_rfc3339(pager->message->time, when);
	cJSON_DeleteItemFromObjectCaseSensitive(pager->details, "message");
	if (payload == NULL || !parts_text(payload, "summary", pager->title) ||
	    !parts_text(payload, "severity", pager_severity(pager->target,
	    pager->message->outcome)) || !parts_text(payload, "source",
	    source != NULL ? source : pager->message->host) ||
	    !parts_text(payload, "timestamp", when) ||
	    !parts_text(payload, "component", "vbackup") ||
	    !parts_text(payload, "group", "backups") ||
	    !parts_text(pager->details, "message", pager->body) ||
	    !cJSON_AddItemToObject(payload, "custom_details", pager->details))
		return false;
	pager->details = NULL;
	return true;
}

/* {"links":[{"href":..}],"images":[{"src":..}]}: without their types. */
static bool
pager_put_contexts(cJSON *json, struct pager *pager)
{
	cJSON *element, *list;

	while (pager->contexts->child != NULL) {
		const char *name;

		element = cJSON_DetachItemFromArray(pager->contexts, 0);
		name = strcmp(text_member(element, "type"), "link") == 0 ?
		    "links" : "images";
		cJSON_DeleteItemFromObjectCaseSensitive(element, "type");
		list = json_member(json, name);
		if (list == NULL)
			list = cJSON_AddArrayToObject(json, name);
		if (list == NULL || !cJSON_AddItemToArray(list, element)) {
			cJSON_Delete(element);
			return false;
		}
	}
	return true;
}

static cJSON *
pager_json(struct pager *pager)
{
	const struct service_target *target = pager->target;
	cJSON *json = cJSON_CreateObject();

	return parts_whole(json, json != NULL &&
	    parts_text(json, "routing_key", target->url.segments.v[0]) &&
	    parts_text(json, "event_action", pager_action(target,
	    pager->message->outcome)) &&
	    parts_put_key(json, "dedup_key", target, "dedup_key") &&
	    parts_put_key(json, "client", target, "client") &&
	    parts_put_key(json, "client_url", target, "client_url") &&
	    pager_put_payload(json, pager) &&
	    pager_put_contexts(json, pager));
}

static void
pager_free(struct pager *pager)
{
	cJSON_Delete(pager->details);
	cJSON_Delete(pager->contexts);
}

int
alert_pager_send(const struct service_target *target,
    const struct message *message, struct courier *courier, struct err *err)
{
	static const char *const members[] = { "errors", "message", NULL };
	CLEANUP(http_response_free) struct http_response response =
	    HTTP_RESPONSE_INIT;
	CLEANUP(cleanup_free) char *title = NULL;
	CLEANUP(cleanup_free) char *body = NULL;
	CLEANUP(cleanup_free) char *url = NULL;
	CLEANUP(json_free) cJSON *json = NULL;
	CLEANUP(pager_free) struct pager pager = { .target = target,
	    .message = message };
	struct letter letter = { NULL };

	if (message_cut(message->title, TITLE_CHARACTERS,
	    MESSAGE_CHARACTERS, &title, err) < 0 ||
	    message_fit(message->body, BODY_BYTES, MESSAGE_BYTES, &body,
	    err) < 0 || pager_contexts(target, &pager.contexts, err) < 0 ||
	    pager_details(target, &pager.details, err) < 0 ||
	    parts_url(target, 0, "/v2/enqueue", &url, err) < 0)
		return -1;
	pager.title = title;
	pager.body = body;
	letter.url = url;
	json = pager_json(&pager);
	if (service_post_json(courier, &letter, json, &response, err) < 0)
		return -1;
	return service_expect(&response, 200, 299, members, err);
}
