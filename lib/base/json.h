/*
 * json: what decoders share: members of an answer, by kind; and what makes
 * documents: to print one. Only for files that know cJSON.
 *
 * A text that is not as it should be is ERR_PROTOCOL; the message names the
 * endpoint and the field.
 */
#ifndef LIB_BASE_JSON_H
#define LIB_BASE_JSON_H

#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

struct cJSON;

/* Where in which answer we are, for messages. */
struct json_place {
	const char *endpoint;
	const char *where;	/* "", or "Mounts[]." */
};

int json_malformed(const struct json_place *place, const char *field,
    const char *why, struct err *err);

/* json_parse: body is NUL-terminated, len without it. */
MUST_CHECK int json_parse(const char *body, size_t len, const char *endpoint,
    struct cJSON **ret, struct err *err);
void json_free(struct cJSON **json);	/* for CLEANUP */

/* json_print: on one line; caller frees. json: NULL is out of memory, so that
 * what makes it need not be checked twice. */
MUST_CHECK int json_print(const struct cJSON *json, char **ret,
    struct err *err);

/*
 * json_keep_numbers: make every number of the tree that body was parsed into a
 * raw text, as it stands in body: cJSON's doubles lose digits above 2^53, and
 * print 10^15 as 1e+15, which Go does not take for an integer. Such a tree can
 * be printed again with nothing lost.
 * Fails    ERR_PROTOCOL: also for a text with a NUL in it, which cJSON cuts
 */
MUST_CHECK int json_keep_numbers(struct cJSON *json, const char *body,
    size_t len, const char *endpoint, struct err *err);

/* json_member: a member, or NULL if it is missing or null, or if object is not
 * one (or NULL). */
struct cJSON *json_member(const struct cJSON *object, const char *field);

/* json_need_text: a text that is not empty. json_want_text: missing, null and
 * "" are the same: "". Caller frees. */
MUST_CHECK int json_need_text(const struct json_place *place,
    const struct cJSON *object, const char *field, char **ret,
    struct err *err);
MUST_CHECK int json_want_text(const struct json_place *place,
    const struct cJSON *object, const char *field, char **ret,
    struct err *err);

/* json_want_map: of texts; missing and null are an empty one. */
MUST_CHECK int json_want_map(const struct json_place *place,
    const struct cJSON *object, const char *field, struct strmap *ret,
    struct err *err);

/* json_want_count: a whole number from 0 to 2^53, of a tree whose numbers were
 * not kept; *ret stays as it is if it is missing. */
MUST_CHECK int json_want_count(const struct json_place *place,
    const struct cJSON *object, const char *field, unsigned long long *ret,
    struct err *err);

/* json_need_objects: array's elements must be objects: *ret has zeroed room
 * for as many of element_bytes, and for one more; caller frees. */
MUST_CHECK int json_need_objects(const struct json_place *place,
    const struct cJSON *array, const char *field, size_t element_bytes,
    void **ret, struct err *err);

#endif
