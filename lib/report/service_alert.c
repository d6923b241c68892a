/*
 * Those who wake somebody: opsgenie, and the table with pagerduty.
 */
#include <cjson/cJSON.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/http.h"
#include "lib/base/json.h"
#include "lib/base/str.h"
#include "lib/report/service_pager.h"
#include "lib/report/service_parts.h"

/* --- opsgenie ------------------------------------------------------------ */

#define GENIE_TITLE_CHARACTERS 130
#define GENIE_BODY_CHARACTERS 15000

static const char *const genie_priorities[] = { "P1", "P2", "P3", "P4", "P5",
	NULL };
static const struct service_key genie_keys[] = {
	{ .name = "title" },
	{ .name = "alias" },
	{ .name = "description" },
	{ .name = "responders", .type = KEY_LIST },
	{ .name = "visibleto", .type = KEY_LIST },
	{ .name = "actions", .type = KEY_LIST },
	{ .name = "tags", .type = KEY_LIST },
	{ .name = "details", .type = KEY_LIST },
	{ .name = "entity" },
	{ .name = "source" },
	{ .name = "priority", .type = KEY_CHOICE,
	  .choices = genie_priorities },
	{ .name = "note" },
	{ .name = "user" },
	{ .name = NULL }
};

static int
genie_check_people(const struct service_target *target, const char *key,
    struct err *err)
{
	static const char *const types[] = { "team", "user", "escalation",
		"schedule", NULL };
	CLEANUP(strlist_free) struct strlist people = STRLIST_INIT;
	const char *const *known;
	const char *name;
	char type[PARTS_PAIR_BYTES];
	size_t i;

	if (service_list(target, key, &people, err) < 0)
		return -1;
	for (i = 0; i < people.n; i++) {
		for (known = types; *known != NULL; known++)
			if (parts_pair(people.v[i], type, &name) &&
			    strcmp(*known, type) == 0)
				break;
		if (*known == NULL)
			return err_set(err, ERR_CONFIG, "an element of '%s' is"
			    " not team:NAME, user:NAME, escalation:NAME or "
			    "schedule:NAME", key);
	}
	return 0;
}

static int
genie_check(struct service_target *target, struct err *err)
{
	CLEANUP(strlist_free) struct strlist details = STRLIST_INIT;
	size_t i;

	if (parts_one_key(target, "api.opsgenie.com", err) < 0 ||
	    genie_check_people(target, "responders", err) < 0 ||
	    genie_check_people(target, "visibleto", err) < 0 ||
	    service_list(target, "details", &details, err) < 0)
		return -1;
	for (i = 0; i < details.n; i++)
		if (strchr(details.v[i], ':') == NULL)
			return err_set(err, ERR_CONFIG,
			    "an element of 'details' is not NAME:VALUE");
	return 0;
}

static bool
is_uuid(const char *text)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
	size_t i;

	for (i = 0; form[i] != '\0'; i++)
		if (form[i] == 'x' ? !isxdigit((unsigned char)text[i]) :
		    text[i] != form[i])
			return false;
	return text[i] == '\0';
}

/* {"type":"team","name":..}, or with username, or id. */
static cJSON *
genie_person(const char *element)
{
	cJSON *json = cJSON_CreateObject();
	const char *name = "";
	char type[PARTS_PAIR_BYTES] = "";

	(void)parts_pair(element, type, &name);
	return parts_whole(json, json != NULL &&
	    parts_text(json, "type", type) &&
	    parts_text(json, is_uuid(name) ? "id" :
	    strcmp(type, "user") == 0 ? "username" : "name", name));
}

static bool
genie_put_people(cJSON *json, const char *name, const struct strlist *people)
{
	cJSON *array, *person;
	size_t i;

	if (people->n == 0)
		return true;
	array = cJSON_AddArrayToObject(json, name);
	for (i = 0; array != NULL && i < people->n; i++) {
		person = genie_person(people->v[i]);
		if (person == NULL || !cJSON_AddItemToArray(array, person)) {
			cJSON_Delete(person);
			return false;
		}
	}
	return array != NULL;
}

static bool
genie_put_details(cJSON *json, const struct strlist *details)
{
	cJSON *object;
	size_t i;

	if (details->n == 0)
		return true;
	object = cJSON_AddObjectToObject(json, "details");
	for (i = 0; object != NULL && i < details->n; i++) {
		char *name = details->v[i], *value = strchr(name, ':');

		*value++ = '\0';
		if (!parts_text(object, name, value))
			return false;
	}
	return object != NULL;
}

struct genie_lists {
	struct strlist responders;
	struct strlist visible_to;
	struct strlist actions;
	struct strlist tags;
	struct strlist details;
};

static void
genie_lists_free(struct genie_lists *lists)
{
	strlist_free(&lists->responders);
	strlist_free(&lists->visible_to);
	strlist_free(&lists->actions);
	strlist_free(&lists->tags);
	strlist_free(&lists->details);
}

static int
genie_get_lists(const struct service_target *target, struct genie_lists *ret,
    struct err *err)
{
	if (service_list(target, "responders", &ret->responders, err) < 0 ||
	    service_list(target, "visibleto", &ret->visible_to, err) < 0 ||
	    service_list(target, "actions", &ret->actions, err) < 0 ||
	    service_list(target, "tags", &ret->tags, err) < 0)
		return -1;
	return service_list(target, "details", &ret->details, err);
}

static cJSON *
genie_json(const struct service_target *target, const struct genie_lists *lists,
    const char *title, const char *description)
{
	static const char *const same[] = { "alias", "entity", "source",
		"priority", "note", "user", NULL };
	cJSON *json = cJSON_CreateObject();
	bool ok = json != NULL && parts_text(json, "message", title) &&
	    parts_text(json, "description", description) &&
	    genie_put_people(json, "responders", &lists->responders) &&
	    genie_put_people(json, "visibleTo", &lists->visible_to) &&
	    parts_list(json, "actions", &lists->actions) &&
	    parts_list(json, "tags", &lists->tags) &&
	    genie_put_details(json, &lists->details);
	size_t i;

	for (i = 0; same[i] != NULL; i++)
		ok = ok && parts_put_key(json, same[i], target, same[i]);
	return parts_whole(json, ok);
}

/* The body, and below it what the URL says. */
static int
genie_description(const struct service_target *target,
    const struct message *message, char **ret, struct err *err)
{
	const char *more = service_get(target, "description");
	CLEANUP(cleanup_free) char *both = NULL;

	if (str_format(&both, err, "%s%s%s", message->body,
	    more != NULL ? "\n" : "", more != NULL ? more : "") < 0)
		return -1;
	return message_fit(both, GENIE_BODY_CHARACTERS, MESSAGE_CHARACTERS,
	    ret, err);
}

static int
genie_send(const struct service_target *target, const struct message *message,
    struct courier *courier, struct err *err)
{
	static const char *const members[] = { "message", NULL };
	CLEANUP(http_response_free) struct http_response response =
	    HTTP_RESPONSE_INIT;
	CLEANUP(genie_lists_free) struct genie_lists lists = { { NULL, 0 } };
	CLEANUP(cleanup_free) char *title = NULL;
	CLEANUP(cleanup_free) char *description = NULL;
	CLEANUP(cleanup_free) char *url = NULL;
	CLEANUP(parts_wipe) char *key = NULL;
	CLEANUP(json_free) cJSON *json = NULL;
	const char *headers[2] = { NULL };
	struct letter letter = { .headers = headers };

	if (genie_get_lists(target, &lists, err) < 0 ||
	    message_cut(message->title, GENIE_TITLE_CHARACTERS,
	    MESSAGE_CHARACTERS, &title, err) < 0 ||
	    genie_description(target, message, &description, err) < 0 ||
	    parts_url(target, 0, "/v2/alerts", &url, err) < 0 ||
	    str_format(&key, err, "Authorization: GenieKey %s",
	    target->url.segments.v[0]) < 0)
		return -1;
	headers[0] = key;
	letter.url = url;
	json = genie_json(target, &lists, title, description);
	if (service_post_json(courier, &letter, json, &response, err) < 0)
		return -1;
	return service_expect(&response, 200, 299, members, err);
}

const struct service service_alert[] = {
	{ .scheme = "opsgenie", .keys = genie_keys,
	  .flags = SERVICE_SECRET_PATH, .check = genie_check,
	  .send = genie_send },
	{ .scheme = "pagerduty", .keys = alert_pager_keys,
	  .flags = SERVICE_SECRET_PATH, .check = alert_pager_check,
	  .send = alert_pager_send },
	{ .scheme = NULL }
};
