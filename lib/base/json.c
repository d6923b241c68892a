#define _GNU_SOURCE
#include "lib/base/json.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* A map is searched in order: what a hostile peer sends must stay quick. */
#define MAP_MAX 4096
#define COUNT_MAX 9007199254740992.0	/* 2^53 */

int
json_malformed(const struct json_place *place, const char *field,
    const char *why, struct err *err)
{
	return err_set(err, ERR_PROTOCOL, "malformed answer to %s: %s%s %s",
	    place->endpoint, place->where, field, why);
}

int
json_parse(const char *body, size_t len, const char *endpoint,
    struct cJSON **ret, struct err *err)
{
	cJSON *json = cJSON_ParseWithLengthOpts(body, len + 1, NULL, 1);

	if (json == NULL)
		return err_set(err, ERR_PROTOCOL,
		    "malformed answer to %s: it is not JSON", endpoint);
	*ret = json;
	return 0;
}

void
json_free(struct cJSON **json)
{
	cJSON_Delete(*json);
	*json = NULL;
}

int
json_print(const struct cJSON *json, char **ret, struct err *err)
{
	char *text = json != NULL ? cJSON_PrintUnformatted(json) : NULL;

	if (text == NULL)
		return err_nomem(err);
	*ret = text;
	return 0;
}

/* From the quote that begins a string to the one that ends it; NULL if it has
 * a NUL. The text is known to be JSON. */
static const char *
end_of_string(const char *p)
{
	for (p++; *p != '"'; p++) {
		if (strncmp(p, "\\u0000", 6) == 0)
			return NULL;
		if (*p == '\\' && p[1] != '\0')
			p++;
		if (*p == '\0')
			return NULL;
	}
	return p;
}

/* The first number at or after p, or the end of the text; NULL as above. */
static const char *
next_number(const char *p)
{
	for (; *p != '\0' && *p != '-' && !isdigit((unsigned char)*p); p++) {
		if (*p == '"')
			p = end_of_string(p);
		if (p == NULL)
			return NULL;
	}
	return p;
}

static int
lost(const char *endpoint, struct err *err)
{
	return err_set(err, ERR_PROTOCOL, "malformed answer to %s: it has a "
	    "text with a NUL, or a number that is none", endpoint);
}

/* cJSON frees a raw text as it frees a string. */
static int
make_raw(cJSON *number, const char *text, size_t len, struct err *err)
{
	number->valuestring = strndup(text, len);
	if (number->valuestring == NULL)
		return err_nomem(err);
	number->type = (number->type & ~0xff) | cJSON_Raw;
	return 0;
}

/* The tree in the order of the text: *p goes along. No deeper than cJSON has
 * gone. */
static int
keep(cJSON *json, const char **p, const char *endpoint, struct err *err)
{
	size_t n;

	for (; json != NULL; json = json->next) {
		if (!cJSON_IsNumber(json)) {
			if (keep(json->child, p, endpoint, err) < 0)
				return -1;
			continue;
		}
		*p = next_number(*p);
		n = *p != NULL ? strspn(*p, "+-.0123456789eE") : 0;
		if (n == 0)
			return lost(endpoint, err);
		if (make_raw(json, *p, n, err) < 0)
			return -1;
		*p += n;
	}
	return 0;
}

int
json_keep_numbers(struct cJSON *json, const char *body, size_t len,
    const char *endpoint, struct err *err)
{
	const char *p = body;

	if (strlen(body) != len)
		return lost(endpoint, err);
	if (keep(json, &p, endpoint, err) < 0)
		return -1;
	p = next_number(p);
	return p != NULL && *p == '\0' ? 0 : lost(endpoint, err);
}

struct cJSON *
json_member(const struct cJSON *object, const char *field)
{
	cJSON *value = cJSON_GetObjectItemCaseSensitive(object, field);

	return cJSON_IsNull(value) ? NULL : value;
}

int
json_need_text(const struct json_place *place, const struct cJSON *object,
    const char *field, char **ret, struct err *err)
{
	const cJSON *value = json_member(object, field);

	if (!cJSON_IsString(value) || *value->valuestring == '\0')
		return json_malformed(place, field, "is not a text", err);
	return str_dup(value->valuestring, ret, err);
}

int
json_want_text(const struct json_place *place, const struct cJSON *object,
    const char *field, char **ret, struct err *err)
{
	const cJSON *value = json_member(object, field);

	if (value != NULL && !cJSON_IsString(value))
		return json_malformed(place, field, "is not a text", err);
	return str_dup(value != NULL ? value->valuestring : "", ret, err);
}

int
json_want_map(const struct json_place *place, const struct cJSON *object,
    const char *field, struct strmap *ret, struct err *err)
{
	const cJSON *map = json_member(object, field), *value;
	size_t n = 0;

	if (map == NULL)
		return 0;
	if (!cJSON_IsObject(map))
		return json_malformed(place, field, "is not an object", err);
	cJSON_ArrayForEach(value, map) {
		if (++n > MAP_MAX)
			return json_malformed(place, field, "is too long",
			    err);
		if (!cJSON_IsString(value))
			return json_malformed(place, field,
			    "has a value that is not a text", err);
		if (strmap_add(ret, value->string, value->valuestring,
		    err) < 0)
			return -1;
	}
	return 0;
}

int
json_want_count(const struct json_place *place, const struct cJSON *object,
    const char *field, unsigned long long *ret, struct err *err)
{
	const cJSON *value = json_member(object, field);
	double n;

	if (value == NULL)
		return 0;
	n = cJSON_IsNumber(value) ? value->valuedouble : -1;
	if (!(n >= 0 && n <= COUNT_MAX))
		return json_malformed(place, field, "is not a count", err);
	*ret = (unsigned long long)n;
	return 0;
}

int
json_need_objects(const struct json_place *place, const struct cJSON *array,
    const char *field, size_t element_bytes, void **ret, struct err *err)
{
	const cJSON *element;
	size_t n = 1;	/* calloc(0) may be NULL */

	if (!cJSON_IsArray(array))
		return json_malformed(place, field, "is not an array", err);
	cJSON_ArrayForEach(element, array) {
		if (!cJSON_IsObject(element))
			return json_malformed(place, field,
			    "has an element that is not an object", err);
		n++;
	}
	*ret = calloc(n, element_bytes);
	return *ret != NULL ? 0 : err_nomem(err);
}
