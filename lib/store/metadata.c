#define _GNU_SOURCE
#include "lib/store/metadata.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"

/*
 * cJSON's functions take a NULL where an item could not be made and say
 * nothing of it, so every one is looked at here, and false means no memory.
 */

static void
free_item(cJSON **item)
{
	cJSON_Delete(*item);
}

/* Into an object under key, or at the end of an array where key is NULL. */
static bool
add_item(cJSON *parent, const char *key, cJSON *item)
{
	if (item != NULL && (key != NULL ?
	    cJSON_AddItemToObject(parent, key, item) :
	    cJSON_AddItemToArray(parent, item)))
		return true;
	cJSON_Delete(item);
	return false;
}

/* JSON is UTF-8, and cJSON writes any byte that it is given. */
static cJSON *
make_string(const char *text)
{
	CLEANUP(str_free) struct str visible = STR_INIT;

	if (str_is_utf8(text))
		return cJSON_CreateString(text);
	str_add_visible(&visible, text);
	return visible.failed ? NULL : cJSON_CreateString(visible.s);
}

static bool
add_string(cJSON *parent, const char *key, const char *text)
{
	return text == NULL || add_item(parent, key, make_string(text));
}

static bool
add_masked(cJSON *parent, const char *key, const char *text)
{
	CLEANUP(cleanup_free) char *masked = NULL;
	struct err ignored = ERR_INIT;

	return log_mask(text, &masked, &ignored) == 0 &&
	    add_string(parent, key, masked);
}

/* A double would lose the digits of numbers over 2^53. */
static bool
add_number(cJSON *parent, const char *key, uint64_t number)
{
	char text[24];

	(void)snprintf(text, sizeof text, "%" PRIu64, number);
	return add_item(parent, key, cJSON_CreateRaw(text));
}

static bool
add_time(cJSON *parent, const char *key, time_t t)
{
	char text[CLOCK_RFC3339_BYTES];

	clock_rfc3339(t, text);
	return add_string(parent, key, text);
}

static bool
names_a_secret(const char *key, size_t n)
{
	static const char *const parts[] = {
		"pass", "secret", "token", "credential", "sshkey"
	};
	size_t i, at;

	for (i = 0; i < sizeof parts / sizeof parts[0]; i++)
		for (at = 0; at + strlen(parts[i]) <= n; at++)
			if (strncasecmp(key + at, parts[i],
			    strlen(parts[i])) == 0)
				return true;
	return false;
}

/* Copies mount options, "addr=x,password=y": the y is left out. A password
 * cannot hold a comma there: mount(8) would cut it too. */
static void
add_options(struct str *s, const char *text)
{
	while (*text != '\0') {
		size_t n = strcspn(text, ","), key = strcspn(text, "=,");

		if (key < n && names_a_secret(text, key)) {
			str_addn(s, text, key);
			str_add(s, "=***");
		} else {
			str_addn(s, text, n);
		}
		text += n;
		if (*text == ',')
			str_addn(s, text++, 1);
	}
}

static bool
add_value(cJSON *parent, const char *key, const char *value)
{
	CLEANUP(str_free) struct str shown = STR_INIT;

	if (names_a_secret(key, strlen(key)))
		str_add(&shown, "***");
	else
		add_options(&shown, value);
	return !shown.failed &&
	    add_masked(parent, key, shown.s != NULL ? shown.s : "");
}

static bool
add_map(cJSON *parent, const char *key, const struct strmap *map)
{
	cJSON *object = cJSON_CreateObject();
	size_t i;

	if (!add_item(parent, key, object))
		return false;
	for (i = 0; map != NULL && i < map->keys.n; i++) {
		CLEANUP(str_free) struct str name = STR_INIT;

		str_add(&name, "");
		if (str_is_utf8(map->keys.v[i]))
			str_add(&name, map->keys.v[i]);
		else
			str_add_visible(&name, map->keys.v[i]);
		if (name.failed ||
		    !add_value(object, name.s, map->values.v[i]))
			return false;
	}
	return true;
}

static bool
add_source(cJSON *array, const struct metadata_source *source)
{
	cJSON *object = cJSON_CreateObject();

	if (!add_item(array, NULL, object) ||
	    !add_string(object, "type", source->type) ||
	    !add_string(object, "name", source->name) ||
	    !add_string(object, "path", source->path))
		return false;
	if (source->name != NULL &&
	    (!add_string(object, "driver", source->driver) ||
	    !add_map(object, "labels", source->labels) ||
	    !add_map(object, "options", source->options)))
		return false;
	return add_number(object, "members", source->members);
}

static bool
add_container(cJSON *array, const struct metadata_container *container)
{
	cJSON *object = cJSON_CreateObject();
	double s = container->window_s;
	/* To the millisecond: not 1.2000000476837158. */
	uint64_t window_ms = s > 0 ? (uint64_t)(s * 1000 + 0.5) : 0;

	return add_item(array, NULL, object) &&
	    add_string(object, "name", container->name) &&
	    add_string(object, "image", container->image) &&
	    add_string(object, "action", container->action) &&
	    add_item(object, "window_seconds", cJSON_CreateNumber(
	    (double)window_ms / 1000));
}

static bool
add_lists(cJSON *root, const struct metadata *metadata)
{
	cJSON *sources = cJSON_CreateArray();
	cJSON *containers = NULL, *warnings = NULL;
	size_t i;

	if (!add_item(root, "sources", sources))
		return false;
	for (i = 0; i < metadata->n_sources; i++)
		if (!add_source(sources, &metadata->sources[i]))
			return false;
	containers = cJSON_CreateArray();
	if (!add_item(root, "containers", containers))
		return false;
	for (i = 0; i < metadata->n_containers; i++)
		if (!add_container(containers, &metadata->containers[i]))
			return false;
	warnings = cJSON_CreateArray();
	if (!add_item(root, "warnings", warnings))
		return false;
	for (i = 0; metadata->warnings != NULL && i < metadata->warnings->n;
	    i++)
		if (!add_masked(warnings, NULL, metadata->warnings->v[i]))
			return false;
	return true;
}

static bool
add_all(cJSON *root, const struct metadata *metadata)
{
	return add_number(root, "version", 1) &&
	    add_string(root, "name", metadata->name) &&
	    add_string(root, "job", metadata->job) &&
	    add_string(root, "host", metadata->host) &&
	    add_time(root, "started", metadata->started) &&
	    add_time(root, "finished", metadata->finished) &&
	    add_number(root, "size_bytes", metadata->size_bytes) &&
	    add_string(root, "sha256", metadata->sha256) &&
	    add_number(root, "raw_bytes", metadata->raw_bytes) &&
	    add_number(root, "files", metadata->files) &&
	    add_string(root, "compression", metadata->compression) &&
	    add_string(root, "encryption", metadata->encryption) &&
	    add_lists(root, metadata) &&
	    add_string(root, "vbackup", metadata->vbackup);
}

int
metadata_format(const struct metadata *metadata, char **ret, struct err *err)
{
	CLEANUP(free_item) cJSON *root = cJSON_CreateObject();
	char *text = NULL;
	int rc;

	if (root != NULL && add_all(root, metadata))
		text = cJSON_Print(root);
	if (text == NULL)
		return err_nomem(err);
	rc = str_format(ret, err, "%s\n", text);
	cJSON_free(text);
	return rc;
}
