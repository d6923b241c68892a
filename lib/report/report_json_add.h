/*
 * report_json_add: members of a document. Only for files that make some:
 * report_json.c, template_data.c, and the _json.c of lib/run.
 *
 * cJSON's functions take a NULL where an item could not be made and say nothing
 * of it, so every one is looked at here; all of these fail with ERR_NOMEM only.
 * A key of NULL adds to the end of an array.
 */
#ifndef LIB_REPORT_REPORT_JSON_ADD_H
#define LIB_REPORT_REPORT_JSON_ADD_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

struct cJSON;

/* json_add_object, json_add_array: *ret is borrowed from parent. */
MUST_CHECK int json_add_object(struct cJSON *parent, const char *key,
    struct cJSON **ret, struct err *err);
MUST_CHECK int json_add_array(struct cJSON *parent, const char *key,
    struct cJSON **ret, struct err *err);

/* json_add_item: takes item, also if it fails; NULL is out of memory. */
MUST_CHECK int json_add_item(struct cJSON *parent, const char *key,
    struct cJSON *item, struct err *err);

/* json_add_text: masked as the log is, and made UTF-8 (see message_utf8); NULL
 * is null. */
MUST_CHECK int json_add_text(struct cJSON *parent, const char *key,
    const char *text, struct err *err);
MUST_CHECK int json_add_texts(struct cJSON *parent, const char *key,
    const struct strlist *texts, struct err *err);

/* json_add_count: with all digits: a double would lose those over 2^53. */
MUST_CHECK int json_add_count(struct cJSON *parent, const char *key,
    uint64_t count, struct err *err);
/* json_add_seconds: to the millisecond; what is no span (NaN, below 0) is 0. */
MUST_CHECK int json_add_seconds(struct cJSON *parent, const char *key,
    double seconds, struct err *err);
MUST_CHECK int json_add_bool(struct cJSON *parent, const char *key, bool value,
    struct err *err);
/* json_add_time: RFC 3339; 0 is null. */
MUST_CHECK int json_add_time(struct cJSON *parent, const char *key, time_t t,
    struct err *err);

#define JSON_MILLISECONDS_MAX UINT64_C(1000000000000000)

/* json_milliseconds: of a span, as json_add_seconds takes it. */
uint64_t json_milliseconds(double seconds);

#endif
