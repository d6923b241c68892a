#define _GNU_SOURCE
#include "lib/report/service_generic.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/http.h"
#include "lib/base/json.h"
#include "lib/base/str.h"
#include "lib/report/service_parts.h"

const struct service_key generic_keys[] = {
	{ .name = "title" },
	{ .name = "template" },
	{ .name = "contenttype", .def = "application/json" },
	{ .name = "method", .def = "POST" },
	{ .name = "titlekey", .def = "title" },
	{ .name = "messagekey", .def = "message" },
	{ .name = "disabletls", .type = KEY_BOOL, .def = "no" },
	{ .name = NULL }
};

static bool
is_ours(const char *name)
{
	const struct service_key *key;

	for (key = generic_keys; key->name != NULL; key++)
		if (strcasecmp(key->name, name) == 0)
			return true;
	return false;
}

static bool
has_template(const struct service_target *target)
{
	return service_get(target, "template") != NULL;
}

/* --- what an URL may say ------------------------------------------------- */

/* A token of RFC 9110. */
static bool
is_token(const char *text)
{
	const char *p;

	for (p = text; isalnum((unsigned char)*p) || (*p != '\0' &&
	    strchr("!#$%&'*+-.^_`|~", *p) != NULL); p++)
		;
	return *p == '\0' && p != text;
}

static int
check_method(struct service_target *target, struct err *err)
{
	const char *given = service_get(target, "method");
	CLEANUP(cleanup_free) char *method = NULL;
	char *p;

	if (str_dup(given != NULL ? given : "POST", &method, err) < 0)
		return -1;
	for (p = method; isalpha((unsigned char)*p); p++)
		*p = (char)toupper((unsigned char)*p);
	if (*p != '\0')
		return err_set(err, ERR_CONFIG,
		    "the value of 'method' is not a method of HTTP");
	return strmap_add(&target->url.query, "method", method, err);
}

/* What may be a secret is masked; names of headers are such. */
static int
check_rest(const struct service_target *target, struct err *err)
{
	const struct strmap *query = &target->url.query;
	const struct strlist *segments = &target->url.segments;
	size_t i;

	for (i = 0; i < query->keys.n; i++) {
		const char *name = query->keys.v[i];

		if (is_ours(name))
			continue;
		if (*name == '@' && !is_token(name + 1))
			return err_set(err, ERR_CONFIG,
			    "what follows an '@' is not a header's name");
		if (parts_secret(query->values.v[i], err) < 0)
			return -1;
	}
	for (i = 0; i < segments->n; i++)
		if (parts_secret(segments->v[i], err) < 0)
			return -1;
	return 0;
}

int
generic_check(struct service_target *target, struct err *err)
{
	const char *template = service_get(target, "template");

	if (*target->url.host == '\0')
		return err_set(err, ERR_CONFIG, "the host is missing");
	if (template != NULL && strcasecmp(template, "json") != 0)
		return err_set(err, ERR_CONFIG,
		    "the value of 'template' is not json");
	return check_method(target, err) < 0 ? -1 : check_rest(target, err);
}

/* --- the address --------------------------------------------------------- */

static void
add_path(struct str *url, const char *path)
{
	for (; *path != '\0'; path++)
		if (isalnum((unsigned char)*path) ||
		    strchr("-._~!$&'()*+,;=:@/", *path) != NULL)
			str_addn(url, path, 1);
		else
			str_addf(url, "%%%02X", (unsigned char)*path);
}

/* A slash that was encoded must stay so: it is in a segment then. */
static bool
has_encoded_slash(const struct strlist *segments)
{
	size_t i;

	for (i = 0; i < segments->n; i++)
		if (strchr(segments->v[i], '/') != NULL)
			return true;
	return false;
}

static int
compare_pairs(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* *ret: "NAME=VALUE", escaped, sorted. */
static int
make_pairs(const struct strmap *query, struct strlist *ret, struct err *err)
{
	size_t i;

	for (i = 0; i < query->keys.n; i++) {
		const char *name = query->keys.v[i];
		CLEANUP(parts_wipe) char *escaped_name = NULL;
		CLEANUP(parts_wipe) char *value = NULL;

		if (*name == '@' || *name == '$' || is_ours(name))
			continue;
		if (str_starts(name, "__") && is_ours(name + 2))
			name += 2;
		if (http_escape(name, &escaped_name, err) < 0 ||
		    http_escape(query->values.v[i], &value, err) < 0 ||
		    strlist_addf(ret, err, "%s=%s", escaped_name, value) < 0)
			return -1;
	}
	if (ret->n != 0)
		qsort(ret->v, ret->n, sizeof *ret->v, compare_pairs);
	return 0;
}

static int
make_url(const struct service_target *target, char **ret, struct err *err)
{
	const struct service_url *from = &target->url;
	const bool whole = !has_encoded_slash(&from->segments);
	CLEANUP(parts_wipe) char *base = NULL;
	CLEANUP(strlist_free) struct strlist pairs = STRLIST_INIT;
	CLEANUP(str_wipe) struct str url = STR_INIT;
	size_t i;

	if (parts_url(target, whole ? 0 : from->segments.n, "", &base,
	    err) < 0 || make_pairs(&from->query, &pairs, err) < 0)
		return -1;
	str_add(&url, base);
	if (whole)
		add_path(&url, *from->path != '\0' ? from->path : "/");
	for (i = 0; i < pairs.n; i++)
		str_addf(&url, "%c%s", i == 0 ? '?' : '&', pairs.v[i]);
	return str_take(&url, ret, err);
}

/* --- the headers --------------------------------------------------------- */

struct headers {
	struct strlist lines;
	char *content_type;	/* NULL: as the body has it */
	bool accept;		/* is among the lines */
};

static void
headers_free(struct headers *headers)
{
	size_t i;

	for (i = 0; i < headers->lines.n; i++)
		str_zero(headers->lines.v[i]);
	strlist_free(&headers->lines);
	free(headers->content_type);
}

/* acceptLanguage is Accept-Language, but a name with a hyphen in it is meant as
 * it is written: X-API-Key must not become X-A-P-I-Key. */
static void
add_name(struct str *line, const char *name)
{
	const char *p;

	if (strchr(name, '-') != NULL) {
		str_add(line, name);
		return;
	}
	for (p = name; *p != '\0'; p++) {
		char c = p == name ? (char)toupper((unsigned char)*p) : *p;

		if (p != name && isupper((unsigned char)*p) &&
		    (islower((unsigned char)p[-1]) ||
		    islower((unsigned char)p[1])))
			str_add(line, "-");
		str_addn(line, &c, 1);
	}
}

static int
add_header(struct headers *headers, const char *name, const char *value,
    struct err *err)
{
	CLEANUP(str_wipe) struct str line = STR_INIT;
	CLEANUP(parts_wipe) char *one_line = NULL;

	add_name(&line, name);
	if (line.failed)
		return err_nomem(err);
	if (message_line(value, &one_line, err) < 0)
		return -1;
	if (strcasecmp(line.s, "Content-Type") == 0) {
		free(headers->content_type);
		headers->content_type = one_line;
		one_line = NULL;
		return 0;
	}
	headers->accept |= strcasecmp(line.s, "Accept") == 0;
	return strlist_addf(&headers->lines, err, "%s: %s", line.s, one_line);
}

/* *ret_lines: an array that ends in NULL, of lines that headers has. */
static int
make_headers(const struct service_target *target, const char *type,
    struct headers *headers, const char ***ret_lines, struct err *err)
{
	const struct strmap *query = &target->url.query;
	size_t i;

	for (i = 0; i < query->keys.n; i++)
		if (*query->keys.v[i] == '@' && add_header(headers,
		    query->keys.v[i] + 1, query->values.v[i], err) < 0)
			return -1;
	if (!headers->accept && add_header(headers, "Accept", type, err) < 0)
		return -1;
	*ret_lines = calloc(headers->lines.n + 1, sizeof **ret_lines);
	if (*ret_lines == NULL)
		return err_nomem(err);
	for (i = 0; i < headers->lines.n; i++)
		(*ret_lines)[i] = headers->lines.v[i];
	return 0;
}

/* --- the body ------------------------------------------------------------ */

/* What the URL adds comes last, and so in place of what has its name. */
static int
make_members(const struct service_target *target,
    const struct message *message, struct strmap *ret, struct err *err)
{
	const struct strmap *query = &target->url.query;
	const char *title = service_get(target, "titlekey");
	const char *body = service_get(target, "messagekey");
	size_t i;

	if (strmap_add(ret, title != NULL ? title : "title", message->title,
	    err) < 0 || strmap_add(ret, body != NULL ? body : "message",
	    message->body, err) < 0)
		return -1;
	for (i = 0; i < query->keys.n; i++)
		if (*query->keys.v[i] == '$' && strmap_add(ret,
		    query->keys.v[i] + 1, query->values.v[i], err) < 0)
			return -1;
	return 0;
}

static int
make_json(const struct service_target *target, const struct message *message,
    char **ret, struct err *err)
{
	CLEANUP(strmap_free) struct strmap members = STRMAP_INIT;
	CLEANUP(json_free) cJSON *json = cJSON_CreateObject();
	size_t i;

	if (make_members(target, message, &members, err) < 0)
		return -1;
	for (i = 0; i < members.keys.n; i++)
		if (json == NULL || !parts_text(json, members.keys.v[i],
		    members.values.v[i]))
			return err_nomem(err);
	return json_print(json, ret, err);
}

int
generic_send(const struct service_target *target,
    const struct message *message, struct courier *courier, struct err *err)
{
	const char *given = service_get(target, "contenttype");
	const char *type = !has_template(target) ? "text/plain" :
	    given != NULL ? given : "application/json";
	CLEANUP(http_response_free) struct http_response response =
	    HTTP_RESPONSE_INIT;
	CLEANUP(headers_free) struct headers headers = { STRLIST_INIT };
	CLEANUP(cleanup_free) const char **lines = NULL;
	CLEANUP(parts_wipe) char *url = NULL;
	CLEANUP(cleanup_free) char *body = NULL;
	struct letter letter = {
		.method = service_get(target, "method"),
		.user = target->url.user, .password = target->url.password
	};

	if (make_url(target, &url, err) < 0 ||
	    make_headers(target, type, &headers, &lines, err) < 0 ||
	    (has_template(target) ? make_json(target, message, &body, err) :
	    message_whole(message, "\n\n", 0, MESSAGE_BYTES, &body,
	    err)) < 0)
		return -1;
	letter.url = url;
	letter.headers = lines;
	letter.body = body;
	letter.body_len = strlen(body);
	letter.content_type = headers.content_type != NULL ?
	    headers.content_type : type;
	if (courier_send(courier, &letter, &response, err) < 0)
		return -1;
	return service_expect(&response, 200, 399, NULL, err);
}
