/*
 * metadata_parse: the reader of what metadata.c writes.
 *
 * cJSON takes any bytes and any depth up to its limit; what it would alter on
 * the way is refused before or after: a NUL ends its texts, its numbers are
 * doubles.
 */
#define _GNU_SOURCE
#include "lib/store/metadata.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "lib/store/s3_temporary.h"

/* A map is searched in order: a hostile document must stay quick. */
#define MAP_MAX 4096

#define EXACT_MAX 9007199254740992.0	/* 2^53 */

/* An object of the document, and its name for messages. */
struct place {
	const cJSON *json;
	const char *list;	/* "sources", or NULL: the document itself */
	size_t index;		/* in the list */
	struct metadata_parsed *parsed;
};

static void
free_json(cJSON **json)
{
	cJSON_Delete(*json);
}

void
metadata_parsed_free(struct metadata_parsed *parsed)
{
	size_t i;

	for (i = 0; parsed->maps != NULL && i < 2 * parsed->metadata.n_sources;
	    i++)
		strmap_free(&parsed->maps[i]);
	free(parsed->maps);
	free(parsed->sources);
	free(parsed->containers);
	strlist_free(&parsed->texts);
	strlist_free(&parsed->warnings);
	*parsed = (struct metadata_parsed)METADATA_PARSED_INIT;
}

static int
malformed(const struct place *place, const char *field, const char *why,
    struct err *err)
{
	if (place->list == NULL)
		return err_set(err, ERR_PROTOCOL, "malformed metadata: %s %s",
		    field, why);
	return err_set(err, ERR_PROTOCOL, "malformed metadata: %s[%zu]%s%s %s",
	    place->list, place->index, *field == '\0' ? "" : ".", field, why);
}

/* A field, or NULL if it is missing or null. */
static const cJSON *
get(const struct place *place, const char *field)
{
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(place->json,
	    field);

	return cJSON_IsNull(value) ? NULL : value;
}

/* The list owns the text: its address stays when the list grows. */
static int
keep(const struct place *place, const char *field, const cJSON *value,
    struct strlist *list, struct err *err)
{
	if (!cJSON_IsString(value))
		return malformed(place, field, "is not a text", err);
	if (!str_is_utf8(value->valuestring))
		return malformed(place, field, "is not UTF-8", err);
	return strlist_add(list, value->valuestring, err);
}

static int
want_text(const struct place *place, const char *field, const char **ret,
    struct err *err)
{
	struct strlist *texts = &place->parsed->texts;
	const cJSON *value = get(place, field);

	if (value == NULL)
		return 0;
	if (keep(place, field, value, texts, err) < 0)
		return -1;
	*ret = texts->v[texts->n - 1];
	return 0;
}

static int
need_text(const struct place *place, const char *field, const char **ret,
    struct err *err)
{
	if (want_text(place, field, ret, err) < 0)
		return -1;
	if (*ret == NULL || **ret == '\0')
		return malformed(place, field, "is missing", err);
	return 0;
}

static int
want_number(const struct place *place, const char *field, uint64_t *ret,
    struct err *err)
{
	const cJSON *value = get(place, field);

	if (value == NULL)
		return 0;
	/* In this order: NaN fails the first, and no conversion overflows. */
	if (!cJSON_IsNumber(value) || !(value->valuedouble >= 0 &&
	    value->valuedouble < EXACT_MAX) ||
	    (double)(uint64_t)value->valuedouble != value->valuedouble)
		return malformed(place, field, "is not a whole number from 0 "
		    "to 2^53", err);
	*ret = (uint64_t)value->valuedouble;
	return 0;
}

static int
want_seconds(const struct place *place, const char *field, double *ret,
    struct err *err)
{
	const cJSON *value = get(place, field);

	if (value == NULL)
		return 0;
	if (!cJSON_IsNumber(value) || !(value->valuedouble >= 0 &&
	    value->valuedouble < EXACT_MAX / 1000))
		return malformed(place, field, "is not a number of seconds",
		    err);
	*ret = value->valuedouble;
	return 0;
}

static int
want_time(const struct place *place, const char *field, time_t *ret,
    struct err *err)
{
	const cJSON *value = get(place, field);
	struct err ignored = ERR_INIT;

	if (value == NULL)
		return 0;
	if (!cJSON_IsString(value) ||
	    s3_temporary_time(value->valuestring, ret, &ignored) < 0)
		return malformed(place, field, "is not a time of RFC 3339",
		    err);
	return 0;
}

static int
want_map(const struct place *place, const char *field, struct strmap *ret,
    struct err *err)
{
	const cJSON *map = get(place, field), *value;
	size_t n = 0;

	if (map == NULL)
		return 0;
	if (!cJSON_IsObject(map))
		return malformed(place, field, "is not an object", err);
	cJSON_ArrayForEach(value, map) {
		if (++n > MAP_MAX)
			return malformed(place, field, "is too long", err);
		if (!cJSON_IsString(value))
			return malformed(place, field,
			    "has a value that is not a text", err);
		if (!str_is_utf8(value->string) ||
		    !str_is_utf8(value->valuestring))
			return malformed(place, field, "is not UTF-8", err);
		if (strmap_add(ret, value->string, value->valuestring,
		    err) < 0)
			return -1;
	}
	return 0;
}

/* How many elements a list has; a missing one has none. */
static int
count(const struct place *root, const char *field, const cJSON **ret,
    size_t *ret_n, struct err *err)
{
	const cJSON *list = get(root, field), *element;

	*ret = list;
	*ret_n = 0;
	if (list == NULL)
		return 0;
	if (!cJSON_IsArray(list))
		return malformed(root, field, "is not a list", err);
	cJSON_ArrayForEach(element, list)
		++*ret_n;
	return 0;
}

static int
parse_source(const struct place *place, struct metadata_source *ret,
    struct err *err)
{
	struct strmap *maps = &place->parsed->maps[2 * place->index];

	if (!cJSON_IsObject(place->json))
		return malformed(place, "", "is not an object", err);
	if (need_text(place, "type", &ret->type, err) < 0 ||
	    want_text(place, "path", &ret->path, err) < 0 ||
	    want_number(place, "members", &ret->members, err) < 0)
		return -1;
	if (strcmp(ret->type, "volume") != 0)
		return want_text(place, "name", &ret->name, err);
	ret->labels = &maps[0];
	ret->options = &maps[1];
	if (need_text(place, "name", &ret->name, err) < 0 ||
	    want_text(place, "driver", &ret->driver, err) < 0 ||
	    want_map(place, "labels", &maps[0], err) < 0)
		return -1;
	return want_map(place, "options", &maps[1], err);
}

static int
parse_sources(const struct place *root, struct err *err)
{
	struct metadata_parsed *parsed = root->parsed;
	struct place place = { .list = "sources", .parsed = parsed };
	const cJSON *list;
	size_t n;

	if (count(root, "sources", &list, &n, err) < 0)
		return -1;
	parsed->sources = calloc(n + 1, sizeof *parsed->sources);
	parsed->maps = calloc(2 * n + 1, sizeof *parsed->maps);
	if (parsed->sources == NULL || parsed->maps == NULL)
		return err_nomem(err);
	parsed->metadata.sources = parsed->sources;
	parsed->metadata.n_sources = n;
	cJSON_ArrayForEach(place.json, list) {
		if (parse_source(&place, &parsed->sources[place.index],
		    err) < 0)
			return -1;
		place.index++;
	}
	return 0;
}

static int
parse_container(const struct place *place, struct metadata_container *ret,
    struct err *err)
{
	if (!cJSON_IsObject(place->json))
		return malformed(place, "", "is not an object", err);
	if (need_text(place, "name", &ret->name, err) < 0 ||
	    want_text(place, "image", &ret->image, err) < 0 ||
	    want_text(place, "action", &ret->action, err) < 0)
		return -1;
	return want_seconds(place, "window_seconds", &ret->window_s, err);
}

static int
parse_containers(const struct place *root, struct err *err)
{
	struct metadata_parsed *parsed = root->parsed;
	struct place place = { .list = "containers", .parsed = parsed };
	const cJSON *list;
	size_t n;

	if (count(root, "containers", &list, &n, err) < 0)
		return -1;
	parsed->containers = calloc(n + 1, sizeof *parsed->containers);
	if (parsed->containers == NULL)
		return err_nomem(err);
	parsed->metadata.containers = parsed->containers;
	parsed->metadata.n_containers = n;
	cJSON_ArrayForEach(place.json, list) {
		if (parse_container(&place, &parsed->containers[place.index],
		    err) < 0)
			return -1;
		place.index++;
	}
	return 0;
}

static int
parse_warnings(const struct place *root, struct err *err)
{
	struct strlist *warnings = &root->parsed->warnings;
	struct place place = { .list = "warnings", .parsed = root->parsed };
	const cJSON *list;
	size_t n;

	if (count(root, "warnings", &list, &n, err) < 0)
		return -1;
	cJSON_ArrayForEach(place.json, list) {
		if (keep(&place, "", place.json, warnings, err) < 0)
			return -1;
		place.index++;
	}
	return 0;
}

static int
check_version(const struct place *root, struct err *err)
{
	const cJSON *version = get(root, "version");

	if (!cJSON_IsNumber(version))
		return malformed(root, "version", "is not a number", err);
	if (version->valuedouble != 1)
		return err_set(err, ERR_PROTOCOL, "metadata of version %g is "
		    "not understood (only 1 is)", version->valuedouble);
	return 0;
}

static int
parse_root(const struct place *root, struct err *err)
{
	struct metadata *ret = &root->parsed->metadata;

	if (check_version(root, err) < 0 ||
	    need_text(root, "name", &ret->name, err) < 0 ||
	    want_text(root, "job", &ret->job, err) < 0 ||
	    want_text(root, "host", &ret->host, err) < 0 ||
	    want_time(root, "started", &ret->started, err) < 0 ||
	    want_time(root, "finished", &ret->finished, err) < 0 ||
	    want_number(root, "size_bytes", &ret->size_bytes, err) < 0 ||
	    want_text(root, "sha256", &ret->sha256, err) < 0 ||
	    want_number(root, "raw_bytes", &ret->raw_bytes, err) < 0 ||
	    want_number(root, "files", &ret->files, err) < 0 ||
	    want_text(root, "compression", &ret->compression, err) < 0 ||
	    want_text(root, "encryption", &ret->encryption, err) < 0 ||
	    want_text(root, "vbackup", &ret->vbackup, err) < 0 ||
	    parse_sources(root, err) < 0 || parse_containers(root, err) < 0)
		return -1;
	return parse_warnings(root, err);
}

/* A NUL would cut a text off; so would \u0000. */
static bool
has_nul(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (text[i] == '\0' || (len - i >= 6 &&
		    memcmp(text + i, "\\u0000", 6) == 0))
			return true;
		i += text[i] == '\\' && i + 1 < len && text[i + 1] == '\\';
	}
	return false;
}

static bool
is_blank(const char *at, const char *end)
{
	while (at < end && strchr(" \t\r\n", *at) != NULL)
		at++;
	return at == end;
}

int
metadata_parse(const char *text, size_t len, struct metadata_parsed *ret,
    struct err *err)
{
	CLEANUP(metadata_parsed_free) struct metadata_parsed parsed =
	    METADATA_PARSED_INIT;
	CLEANUP(free_json) cJSON *json = NULL;
	struct place root = { .parsed = &parsed };
	const char *end = text;

	if (has_nul(text, len))
		return malformed(&root, "it", "has a NUL", err);
	json = cJSON_ParseWithLengthOpts(text, len, &end, 0);
	if (json == NULL || !is_blank(end, text + len))
		return malformed(&root, "it", "is not JSON", err);
	if (!cJSON_IsObject(json))
		return malformed(&root, "it", "is not an object", err);
	root.json = json;
	if (parse_root(&root, err) < 0)
		return -1;
	*ret = parsed;
	ret->metadata.warnings = &ret->warnings;
	parsed = (struct metadata_parsed)METADATA_PARSED_INIT;
	return 0;
}

bool
metadata_is_masked(const char *value)
{
	return strstr(value, "***") != NULL;
}
