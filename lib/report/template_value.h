/*
 * template_value: what templates see in a cJSON item. Only for template*.c.
 *
 * A number is a cJSON number, or a raw one that keeps its digits; whole ones
 * are integers, whatever they were written as.
 */
#ifndef LIB_REPORT_TEMPLATE_VALUE_H
#define LIB_REPORT_TEMPLATE_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

struct cJSON;

extern const struct cJSON *const value_null;

struct value_number {
	bool whole;		/* i has it all */
	int64_t i;
	double d;
};

/* value_number: false if it is none. */
bool value_number(const struct cJSON *value, struct value_number *ret);

bool value_is_true(const struct cJSON *value);
const char *value_kind(const struct cJSON *value);	/* "a text" */

/* value_size: what it costs to look at it: the bytes of a text. */
size_t value_size(const struct cJSON *value);

/* value_add: as it is printed; null is nothing, lists and objects are JSON. */
void value_add(struct str *s, const struct cJSON *value);
/* value_add_json: indent: two blanks for each level, and newlines. */
void value_add_json(struct str *s, const struct cJSON *value, bool indent);

/* value_equal: of different kinds never. Fails: lists and objects. */
MUST_CHECK int value_equal(const struct cJSON *a, const struct cJSON *b,
    bool *ret, struct err *err);
/* value_order: *ret is below, equal to, above 0. Two numbers or two texts. */
MUST_CHECK int value_order(const struct cJSON *a, const struct cJSON *b,
    int *ret, struct err *err);

#endif
