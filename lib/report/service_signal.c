#define _GNU_SOURCE
#include "lib/report/service_talk.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/base/log.h"
#include "lib/report/service_parts.h"

/* No limit is told; beyond 2000 bytes Signal makes it an attachment by itself.
 * A telephone should not have to get more than this. */
#define TEXT_BYTES 16000

#define PORT 8080

static const char *const says[] = { "error", NULL };

/* Each takes the place of the URL's own part. */
const struct service_key service_signal_keys[] = {
	{ "host", NULL, KEY_TEXT },
	{ .name = "port", .type = KEY_INT, .min = 1, .max = 65535 },
	{ "user", NULL, KEY_TEXT },
	{ "password", NULL, KEY_TEXT },
	{ "token", "apikey", KEY_TEXT },
	{ "source", NULL, KEY_TEXT },
	{ "recipients", "to", KEY_LIST },
	{ "disabletls", NULL, KEY_BOOL, "no" },
	{ "title", NULL, KEY_TEXT },
	{ NULL }
};

/* --- who ----------------------------------------------------------------- */

static bool
is_group(const char *name)
{
	return str_starts(name, "group.");
}

/* In a query a + is a blank, which is lost: digits alone are a number, too. */
static const char *
sign_of(const char *name)
{
	return *name != '\0' && name[strspn(name, "0123456789")] == '\0' ?
	    "+" : "";
}

/* Behind the first, the source. What follows a group and is neither a number
 * nor a group belongs to it: its name is base64, where a slash is a digit. */
static int
path_recipients(const struct service_target *target, struct strlist *ret,
    struct err *err)
{
	const struct strlist *path = &target->url.segments;
	CLEANUP(str_free) struct str name = STR_INIT;
	size_t i;

	for (i = 1; i < path->n; i++) {
		const char *next = i + 1 < path->n ? path->v[i + 1] : "+";

		str_addf(&name, "%s%s", name.len != 0 ? "/" : "", path->v[i]);
		if (name.failed)
			return err_nomem(err);
		if (is_group(name.s) && *next != '+' && !is_group(next))
			continue;
		if (strlist_add(ret, name.s, err) < 0)
			return -1;
		str_free(&name);
	}
	return 0;
}

static int
recipients(const struct service_target *target, struct strlist *ret,
    struct err *err)
{
	CLEANUP(strlist_free) struct strlist list = STRLIST_INIT;
	size_t i;

	if (service_get(target, "recipients") == NULL)
		return path_recipients(target, ret, err);
	if (service_list(target, "recipients", &list, err) < 0)
		return -1;
	for (i = 0; i < list.n; i++)
		if (strlist_addf(ret, err, "%s%s", sign_of(list.v[i]),
		    list.v[i]) < 0)
			return -1;
	return 0;
}

static int
source_of(const struct service_target *target, char **ret, struct err *err)
{
	const char *source = service_get(target, "source");

	if (source == NULL)
		source = target->url.segments.n != 0 ?
		    target->url.segments.v[0] : "";
	source += strspn(source, " ");
	return str_format(ret, err, "%s%s", sign_of(source), source);
}

/* --- checking ------------------------------------------------------------ */

static int
replace(char **part, const char *value, struct err *err)
{
	if (value == NULL)
		return 0;
	parts_wipe(part);
	return str_dup(value, part, err);
}

static int
take_keys(struct service_target *target, struct err *err)
{
	struct service_url *url = &target->url;
	const char *const secrets[] = { service_get(target, "token"),
		service_get(target, "password") };
	size_t i;

	for (i = 0; i < 2; i++)
		if (secrets[i] != NULL && log_secret(secrets[i], err) < 0)
			return -1;
	if (service_get(target, "port") != NULL)
		url->port = (unsigned)service_int(target, "port");
	else if (url->port == 0)
		url->port = PORT;
	return replace(&url->host, service_get(target, "host"), err) < 0 ||
	    replace(&url->user, service_get(target, "user"), err) < 0 ||
	    replace(&url->password, secrets[1], err) < 0 ? -1 : 0;
}

int
service_signal_check(struct service_target *target, struct err *err)
{
	CLEANUP(strlist_free) struct strlist to = STRLIST_INIT;
	CLEANUP(cleanup_free) char *source = NULL;

	if (take_keys(target, err) < 0 ||
	    recipients(target, &to, err) < 0 ||
	    source_of(target, &source, err) < 0)
		return -1;
	if (*target->url.host == '\0')
		return err_set(err, ERR_CONFIG, "the URL has no host");
	/* It becomes a part of an address as it is. */
	if (target->url.host[strcspn(target->url.host, "/?#@\\ \t\n")] != '\0')
		return err_set(err, ERR_CONFIG,
		    "the value of 'host' is not a host");
	if (*source != '+' || source[1] == '\0' ||
	    source[1 + strspn(source + 1, "0123456789")] != '\0')
		return err_set(err, ERR_CONFIG, "the source is not a number "
		    "(signal://HOST/+SOURCE/+RECIPIENT)");
	return to.n != 0 ? 0 : err_set(err, ERR_CONFIG, "a recipient is "
	    "missing (signal://HOST/+SOURCE/+RECIPIENT)");
}

/* --- sending ------------------------------------------------------------- */

static int
make_json(const struct service_target *target, const struct message *message,
    cJSON **ret, struct err *err)
{
	CLEANUP(strlist_free) struct strlist to = STRLIST_INIT;
	CLEANUP(cleanup_free) char *source = NULL;
	CLEANUP(cleanup_free) char *text = NULL;
	cJSON *json;

	if (message_whole(message, "\n\n", TEXT_BYTES, MESSAGE_BYTES, &text,
	    err) < 0 ||
	    source_of(target, &source, err) < 0 ||
	    recipients(target, &to, err) < 0)
		return -1;
	json = cJSON_CreateObject();
	*ret = parts_whole(json, parts_text(json, "message", text) &&
	    parts_text(json, "number", source) &&
	    parts_list(json, "recipients", &to));
	return 0;
}

int
service_signal_send(const struct service_target *target,
    const struct message *message, struct courier *courier, struct err *err)
{
	CLEANUP(cleanup_free) char *base = NULL;
	CLEANUP(cleanup_free) char *url = NULL;
	CLEANUP(parts_wipe) char *bearer = NULL;
	const char *token = service_get(target, "token");
	const char *headers[] = { NULL, NULL };
	struct letter letter = { .headers = headers };
	cJSON *json;

	if (token != NULL && str_format(&bearer, err,
	    "Authorization: Bearer %s", token) < 0)
		return -1;
	headers[0] = bearer;
	if (token == NULL && target->url.user != NULL &&
	    *target->url.user != '\0') {
		letter.user = target->url.user;
		letter.password = target->url.password;
	}
	if (service_base(target, &base, err) < 0 ||
	    str_format(&url, err, "%s/v2/send", base) < 0 ||
	    make_json(target, message, &json, err) < 0)
		return -1;
	letter.url = url;
	return parts_post(courier, &letter, json, 200, 299, says, err);
}
