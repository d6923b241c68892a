#include "lib/report/report_json_add.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/report/message.h"

int
json_add_item(struct cJSON *parent, const char *key, struct cJSON *item,
    struct err *err)
{
	if (item != NULL && (key != NULL ?
	    cJSON_AddItemToObject(parent, key, item) :
	    cJSON_AddItemToArray(parent, item)))
		return 0;
	cJSON_Delete(item);
	return err_nomem(err);
}

int
json_add_object(struct cJSON *parent, const char *key, struct cJSON **ret,
    struct err *err)
{
	*ret = cJSON_CreateObject();
	return json_add_item(parent, key, *ret, err);
}

int
json_add_array(struct cJSON *parent, const char *key, struct cJSON **ret,
    struct err *err)
{
	*ret = cJSON_CreateArray();
	return json_add_item(parent, key, *ret, err);
}

/* Masked first: a secret with a byte that is no UTF-8 is a secret, too. */
int
json_add_text(struct cJSON *parent, const char *key, const char *text,
    struct err *err)
{
	CLEANUP(cleanup_free) char *masked = NULL;
	CLEANUP(cleanup_free) char *clean = NULL;

	if (text == NULL)
		return json_add_item(parent, key, cJSON_CreateNull(), err);
	if (log_mask(text, &masked, err) < 0 ||
	    message_utf8(masked, &clean, err) < 0)
		return -1;
	return json_add_item(parent, key, cJSON_CreateString(clean), err);
}

int
json_add_texts(struct cJSON *parent, const char *key,
    const struct strlist *texts, struct err *err)
{
	struct cJSON *array;
	size_t i;

	if (json_add_array(parent, key, &array, err) < 0)
		return -1;
	for (i = 0; i < texts->n; i++)
		if (json_add_text(array, NULL, texts->v[i], err) < 0)
			return -1;
	return 0;
}

/* cJSON prints 10^15 as 1e+15. */
int
json_add_count(struct cJSON *parent, const char *key, uint64_t count,
    struct err *err)
{
	char text[24];

	(void)snprintf(text, sizeof text, "%" PRIu64, count);
	return json_add_item(parent, key, cJSON_CreateRaw(text), err);
}

uint64_t
json_milliseconds(double seconds)
{
	double ms = seconds * 1000 + 0.5;

	if (!(seconds > 0))	/* NaN, too */
		return 0;
	return ms < (double)JSON_MILLISECONDS_MAX ? (uint64_t)ms :
	    JSON_MILLISECONDS_MAX;
}

/* Not 1.2000000476837158. */
int
json_add_seconds(struct cJSON *parent, const char *key, double seconds,
    struct err *err)
{
	uint64_t ms = json_milliseconds(seconds);
	char text[40];
	int n = snprintf(text, sizeof text, "%" PRIu64 ".%03" PRIu64,
	    ms / 1000, ms % 1000);

	while (n > 0 && text[n - 1] == '0')
		text[--n] = '\0';
	if (n > 0 && text[n - 1] == '.')
		text[--n] = '\0';
	return json_add_item(parent, key, cJSON_CreateRaw(text), err);
}

int
json_add_bool(struct cJSON *parent, const char *key, bool value,
    struct err *err)
{
	return json_add_item(parent, key, cJSON_CreateBool(value), err);
}

int
json_add_time(struct cJSON *parent, const char *key, time_t t,
    struct err *err)
{
	char text[CLOCK_RFC3339_BYTES];

	if (t == 0)
		return json_add_text(parent, key, NULL, err);
	clock_rfc3339(t, text);
	return json_add_text(parent, key, text, err);
}
