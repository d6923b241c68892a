#include "lib/report/service_talk.h"

#include <cjson/cJSON.h>
#include <string.h>

#include "lib/base/digest.h"
#include "lib/base/json.h"
#include "lib/base/log.h"
#include "lib/report/service_parts.h"

/* An event has 64 KiB at most, as JSON, where a character may take twice its
 * room, and with what the servers add. */
#define TEXT_BYTES 30000

#define API "/_matrix/client/v3"

static const char *const says[] = { "error", "errcode", NULL };

const struct service_key service_matrix_keys[] = {
	{ "rooms", "room", KEY_LIST },
	{ "disabletls", NULL, KEY_BOOL, "no" },
	{ "title", NULL, KEY_TEXT },
	{ NULL }
};

int
service_matrix_check(struct service_target *target, struct err *err)
{
	const struct service_url *url = &target->url;

	if (url->password == NULL || *url->password == '\0')
		return err_set(err, ERR_CONFIG, "the password is missing "
		    "(matrix://USER:PASSWORD@HOST or matrix://:TOKEN@HOST)");
	return *url->host != '\0' ? 0 :
	    err_set(err, ERR_CONFIG, "the URL has no host");
}

struct session {
	const struct service_target *target;
	struct courier *courier;
	const struct message *message;
	char *base;
	char *bearer;		/* the header; NULL: not yet */
	char *text;
};

static void
session_free(struct session *session)
{
	cleanup_free(&session->base);
	parts_wipe(&session->bearer);
	cleanup_free(&session->text);
}

/* json, which is taken, to base + path; NULL: a GET. */
static int
call(const struct session *session, const char *method, const char *path,
    cJSON *json, cJSON **ret, struct err *err)
{
	CLEANUP(http_response_free) struct http_response response =
	    HTTP_RESPONSE_INIT;
	CLEANUP(cleanup_free) char *url = NULL;
	CLEANUP(json_free) cJSON *taken = json;
	const char *headers[] = { session->bearer, NULL };
	struct letter letter = { .method = method, .headers = headers };

	if (str_format(&url, err, "%s" API "%s", session->base, path) < 0)
		return -1;
	letter.url = url;
	if ((strcmp(method, "GET") == 0 ?
	    courier_send(session->courier, &letter, &response, err) :
	    service_post_json(session->courier, &letter, taken, &response,
	    err)) < 0)
		return -1;
	return parts_answer(&response, says, ret, err);
}

/* --- logging in ---------------------------------------------------------- */

/* Always the same for an account: a login is then no new device. */
static int
device_id(const struct service_url *url, char ret[DIGEST_HEX_BYTES],
    struct err *err)
{
	CLEANUP(digest_freep) struct digest *digest = NULL;

	if (digest_new(&digest, err) < 0 ||
	    digest_add(digest, url->user, strlen(url->user), err) < 0 ||
	    digest_add(digest, ":", 1, err) < 0 ||
	    digest_add(digest, url->host, strlen(url->host), err) < 0 ||
	    digest_hex(digest, ret, err) < 0)
		return -1;
	return 0;
}

static cJSON *
login_json(const struct service_url *url, const char *device)
{
	cJSON *json = cJSON_CreateObject(), *identifier;
	bool well = parts_text(json, "type", "m.login.password");

	identifier = cJSON_AddObjectToObject(json, "identifier");
	well = well && parts_text(identifier, "type", "m.id.user") &&
	    parts_text(identifier, "user", url->user) &&
	    parts_text(json, "password", url->password) &&
	    parts_text(json, "device_id", device) &&
	    parts_text(json, "initial_device_display_name", "vbackup");
	return parts_whole(json, well);
}

static int
log_in(struct session *session, struct err *err)
{
	static const struct json_place place = { "login", "" };
	const struct service_url *url = &session->target->url;
	CLEANUP(json_free) cJSON *answer = NULL;
	CLEANUP(parts_wipe) char *token = NULL;
	CLEANUP(cleanup_free) char *device = NULL;
	char hex[DIGEST_HEX_BYTES];

	if (device_id(url, hex, err) < 0 ||
	    str_format(&device, err, "VB%.8s", hex) < 0 ||
	    call(session, "POST", "/login", login_json(url, device), &answer,
	    err) < 0 ||
	    json_need_text(&place, answer, "access_token", &token, err) < 0)
		return err_add(err, "cannot log in");
	if (log_secret(token, err) < 0)
		return -1;
	return str_format(&session->bearer, err, "Authorization: Bearer %s",
	    token);
}

static int
get_token(struct session *session, struct err *err)
{
	const struct service_url *url = &session->target->url;

	if (url->user != NULL && *url->user != '\0')
		return log_in(session, err);
	return str_format(&session->bearer, err, "Authorization: Bearer %s",
	    url->password);
}

/* --- rooms --------------------------------------------------------------- */

static int
joined_rooms(const struct session *session, struct strlist *ret,
    struct err *err)
{
	static const struct json_place place = { "joined_rooms", "" };
	CLEANUP(json_free) cJSON *answer = NULL;
	const cJSON *rooms, *room;

	if (call(session, "GET", "/joined_rooms", NULL, &answer, err) < 0)
		return -1;
	rooms = json_member(answer, "joined_rooms");
	if (!cJSON_IsArray(rooms))
		return json_malformed(&place, "joined_rooms",
		    "is not an array", err);
	cJSON_ArrayForEach(room, rooms) {
		if (!cJSON_IsString(room))
			return json_malformed(&place, "joined_rooms",
			    "has what is not a text", err);
		if (strlist_add(ret, room->valuestring, err) < 0)
			return -1;
	}
	return ret->n != 0 ? 0 : err_set(err, ERR_REFUSED,
	    "the user is in no room");
}

/* The id of a room with an alias; who is in it already joins it, too. */
static int
join(const struct session *session, const char *alias, char **ret,
    struct err *err)
{
	static const struct json_place place = { "join", "" };
	CLEANUP(json_free) cJSON *answer = NULL;
	CLEANUP(str_free) struct str path = STR_INIT;

	str_add(&path, "/join/");
	parts_escape(&path, alias);
	if (path.failed)
		return err_nomem(err);
	if (call(session, "POST", path.s, cJSON_CreateObject(), &answer,
	    err) < 0)
		return -1;
	return json_need_text(&place, answer, "room_id", ret, err);
}

static int
room_id(const struct session *session, const char *name, char **ret,
    struct err *err)
{
	CLEANUP(cleanup_free) char *alias = NULL;

	if (*name == '!')
		return str_dup(name, ret, err);
	if (str_format(&alias, err, "%s%s", *name == '#' ? "" : "#",
	    name) < 0)
		return -1;
	return join(session, alias, ret, err);
}

/* --- sending ------------------------------------------------------------- */

/* The same for the same message: what is sent again, because an answer was
 * lost, is shown once. */
static int
transaction(const struct session *session, const char *room,
    char ret[DIGEST_HEX_BYTES], struct err *err)
{
	CLEANUP(digest_freep) struct digest *digest = NULL;
	CLEANUP(cleanup_free) char *head = NULL;

	if (str_format(&head, err, "%s %lld ", room,
	    (long long)session->message->time) < 0 ||
	    digest_new(&digest, err) < 0 ||
	    digest_add(digest, head, strlen(head), err) < 0 ||
	    digest_add(digest, session->text, strlen(session->text),
	    err) < 0)
		return -1;
	return digest_hex(digest, ret, err);
}

static int
send_to(void *cookie, const char *name, struct err *err)
{
	const struct session *session = cookie;
	CLEANUP(cleanup_free) char *room = NULL;
	CLEANUP(json_free) cJSON *answer = NULL;
	CLEANUP(str_free) struct str path = STR_INIT;
	char id[DIGEST_HEX_BYTES];
	cJSON *json;

	if (room_id(session, name, &room, err) < 0 ||
	    transaction(session, room, id, err) < 0)
		return -1;
	str_add(&path, "/rooms/");
	parts_escape(&path, room);
	str_addf(&path, "/send/m.room.message/vb%.32s", id);
	if (path.failed)
		return err_nomem(err);
	json = cJSON_CreateObject();
	json = parts_whole(json, parts_text(json, "msgtype", "m.text") &&
	    parts_text(json, "body", session->text));
	return call(session, "PUT", path.s, json, &answer, err);
}

int
service_matrix_send(const struct service_target *target,
    const struct message *message, struct courier *courier, struct err *err)
{
	CLEANUP(session_free) struct session session = { .target = target,
	    .courier = courier, .message = message };
	CLEANUP(strlist_free) struct strlist rooms = STRLIST_INIT;

	if (service_base(target, &session.base, err) < 0 ||
	    message_whole(message, "\n\n", TEXT_BYTES, MESSAGE_BYTES,
	    &session.text, err) < 0 ||
	    service_list(target, "rooms", &rooms, err) < 0 ||
	    get_token(&session, err) < 0 ||
	    (rooms.n == 0 && joined_rooms(&session, &rooms, err) < 0))
		return -1;
	return parts_each(&rooms, send_to, &session, err);
}
