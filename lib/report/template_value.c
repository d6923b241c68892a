#include "lib/report/template_value.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


#define WHOLE_MAX 9007199254740992.0	/* 2^53 */

static const cJSON null_item = { .type = cJSON_NULL };
const struct cJSON *const value_null = &null_item;

static bool
raw_number(const char *text, struct value_number *ret)
{
	char *end;

	errno = 0;
	ret->i = strtoll(text, &end, 10);
	ret->whole = errno == 0 && *end == '\0' && end != text;
	ret->d = strtod(text, &end);
	return *end == '\0' && end != text && isfinite(ret->d);
}

bool
value_number(const struct cJSON *value, struct value_number *ret)
{
	double d = value->valuedouble;

	if (cJSON_IsRaw(value))
		return value->valuestring != NULL &&
		    raw_number(value->valuestring, ret);
	if (!cJSON_IsNumber(value) || !isfinite(d))
		return false;
	ret->d = d;
	ret->i = d >= -WHOLE_MAX && d <= WHOLE_MAX ? (int64_t)d : 0;
	ret->whole = (double)ret->i == d;
	return true;
}

bool
value_is_true(const struct cJSON *value)
{
	struct value_number number;

	if (cJSON_IsString(value))
		return value->valuestring[0] != '\0';
	if (cJSON_IsArray(value) || cJSON_IsObject(value))
		return value->child != NULL;
	if (value_number(value, &number))
		return number.d < 0 || number.d > 0;
	return cJSON_IsTrue(value);
}

const char *
value_kind(const struct cJSON *value)
{
	if (cJSON_IsString(value))
		return "a text";
	if (cJSON_IsArray(value))
		return "a list";
	if (cJSON_IsObject(value))
		return "an object";
	if (cJSON_IsBool(value))
		return "a bool";
	return cJSON_IsNull(value) ? "nothing" : "a number";
}

size_t
value_size(const struct cJSON *value)
{
	return cJSON_IsString(value) ? strlen(value->valuestring) : 0;
}

/* --- as text ------------------------------------------------------------- */

/* As few digits as give the same number back. */
static void
add_number(struct str *s, const cJSON *value)
{
	struct value_number number;
	char text[40];
	int digits;

	if (!value_number(value, &number)) {
		str_add(s, "NaN");
		return;
	}
	if (number.whole) {
		str_addf(s, "%" PRId64, number.i);
		return;
	}
	if (cJSON_IsRaw(value)) {
		str_add(s, value->valuestring);
		return;
	}
	for (digits = 15; digits <= 17; digits++) {
		(void)snprintf(text, sizeof text, "%.*g", digits, number.d);
		if (!(strtod(text, NULL) < number.d) &&
		    !(strtod(text, NULL) > number.d))
			break;
	}
	str_add(s, text);
}

static bool
is_composite(const cJSON *value)
{
	return cJSON_IsArray(value) || cJSON_IsObject(value);
}

void
value_add(struct str *s, const struct cJSON *value)
{
	if (cJSON_IsString(value))
		str_add(s, value->valuestring);
	else if (cJSON_IsBool(value))
		str_add(s, cJSON_IsTrue(value) ? "true" : "false");
	else if (is_composite(value))
		value_add_json(s, value, false);
	else if (!cJSON_IsNull(value))
		add_number(s, value);
}

static void
add_escaped(struct str *s, const char *text)
{
	static const char plain[] = "\"\\\n\r\t\b\f", letters[] =
	    "\"\\nrtbf";

	str_add(s, "\"");
	for (; *text != '\0'; text++) {
		const char *found = strchr(plain, *text);

		if (found != NULL)
			str_addf(s, "\\%c", letters[found - plain]);
		else if ((unsigned char)*text < 0x20)
			str_addf(s, "\\u%04x", (unsigned char)*text);
		else
			str_addn(s, text, 1);
	}
	str_add(s, "\"");
}

static void
add_break(struct str *s, bool indent, unsigned depth)
{
	if (!indent)
		return;
	str_add(s, "\n");
	for (; depth != 0; depth--)
		str_add(s, "  ");
}

static void
add_json(struct str *s, const cJSON *value, bool indent, unsigned depth)
{
	bool object = cJSON_IsObject(value);
	const cJSON *element;
	struct value_number number;

	if (cJSON_IsString(value)) {
		add_escaped(s, value->valuestring);
	} else if (cJSON_IsNull(value) || (!is_composite(value) &&
	    !cJSON_IsBool(value) && !value_number(value, &number))) {
		str_add(s, "null");
	} else if (!is_composite(value)) {
		value_add(s, value);
	} else {
		str_add(s, object ? "{" : "[");
		cJSON_ArrayForEach(element, value) {
			if (element != value->child)
				str_add(s, ",");
			add_break(s, indent, depth + 1);
			if (object) {
				add_escaped(s, element->string);
				str_add(s, indent ? ": " : ":");
			}
			add_json(s, element, indent, depth + 1);
		}
		if (value->child != NULL)
			add_break(s, indent, depth);
		str_add(s, object ? "}" : "]");
	}
}

void
value_add_json(struct str *s, const struct cJSON *value, bool indent)
{
	add_json(s, value, indent, 0);
}

/* --- compared ------------------------------------------------------------ */

static int
order_numbers(const struct value_number *a, const struct value_number *b)
{
	if (a->whole && b->whole)
		return a->i < b->i ? -1 : a->i > b->i;
	return a->d < b->d ? -1 : a->d > b->d;
}

int
value_order(const struct cJSON *a, const struct cJSON *b, int *ret,
    struct err *err)
{
	struct value_number x, y;

	if (cJSON_IsString(a) && cJSON_IsString(b))
		*ret = strcmp(a->valuestring, b->valuestring);
	else if (value_number(a, &x) && value_number(b, &y))
		*ret = order_numbers(&x, &y);
	else
		return err_set(err, ERR_CONFIG, "cannot compare %s and %s",
		    value_kind(a), value_kind(b));
	return 0;
}

int
value_equal(const struct cJSON *a, const struct cJSON *b, bool *ret,
    struct err *err)
{
	bool same = strcmp(value_kind(a), value_kind(b)) == 0;
	int order = 1;

	if ((is_composite(a) && !cJSON_IsNull(b)) ||
	    (is_composite(b) && !cJSON_IsNull(a)))
		return err_set(err, ERR_CONFIG, "cannot compare %s and %s",
		    value_kind(a), value_kind(b));
	if (same && cJSON_IsBool(a))
		order = cJSON_IsTrue(a) != cJSON_IsTrue(b);
	else if (same && cJSON_IsNull(a))
		order = 0;
	else if (same && value_order(a, b, &order, err) < 0)
		return -1;
	*ret = same && order == 0;
	return 0;
}
