#define _GNU_SOURCE
#include "lib/report/template_functions.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/config/names.h"
#include "lib/report/template.h"
#include "lib/report/template_time.h"
#include "lib/report/template_tree.h"
#include "lib/report/template_value.h"

/* --- scratch ------------------------------------------------------------- */

void
scratch_cut(struct template_scratch *scratch, size_t n)
{
	while (scratch->n > n)
		cJSON_Delete(scratch->items[--scratch->n]);
}

int
scratch_keep(struct template_scratch *scratch, struct cJSON *item,
    const struct cJSON **ret, struct err *err)
{
	struct cJSON **bigger;

	if (item == NULL)
		return err_nomem(err);
	bigger = realloc(scratch->items, (scratch->n + 1) * sizeof *bigger);
	if (bigger == NULL) {
		cJSON_Delete(item);
		return err_nomem(err);
	}
	scratch->items = bigger;
	scratch->items[scratch->n++] = item;
	*ret = item;
	return 0;
}

int
scratch_text(struct template_scratch *scratch, struct str *s,
    const struct cJSON **ret, struct err *err)
{
	if (s->failed)
		return err_nomem(err);
	if (s->len > TEMPLATE_OUTPUT_BYTES)
		return err_set(err, ERR_CONFIG, "more than %u bytes",
		    TEMPLATE_OUTPUT_BYTES);
	if (scratch_work(scratch, s->len / 64, err) < 0)
		return -1;
	return scratch_keep(scratch, cJSON_CreateString(s->s != NULL ? s->s :
	    ""), ret, err);
}

int
scratch_number(struct template_scratch *scratch, int64_t number,
    const struct cJSON **ret, struct err *err)
{
	char text[24];

	(void)snprintf(text, sizeof text, "%" PRId64, number);
	return scratch_keep(scratch, cJSON_CreateRaw(text), ret, err);
}

int
scratch_work(struct template_scratch *scratch, size_t n, struct err *err)
{
	scratch->work += n;
	return scratch->work <= TEMPLATE_WORK ? 0 :
	    err_set(err, ERR_CONFIG, "it is too much work");
}

static int
keep_bool(const struct call *call, bool value, const struct cJSON **ret,
    struct err *err)
{
	return scratch_keep(call->scratch, cJSON_CreateBool(value), ret, err);
}

/* --- for people ---------------------------------------------------------- */

static int
format_time(const struct call *call, const struct cJSON **ret,
    struct err *err)
{
	CLEANUP(str_free) struct str s = STR_INIT;
	const cJSON *when = call->args[call->n - 1];
	const cJSON *layout = call->n == 2 ? call->args[0] : NULL;
	struct template_time time;

	if (layout != NULL && !cJSON_IsString(layout))
		return err_set(err, ERR_CONFIG, "the layout must be a text, "
		    "and is %s", value_kind(layout));
	if (cJSON_IsNull(when))
		return scratch_text(call->scratch, &s, ret, err);
	if (!cJSON_IsString(when))
		return err_set(err, ERR_CONFIG, "%s is not a time",
		    value_kind(when));
	if (!template_time_parse(when->valuestring, &time))
		return err_set(err, ERR_CONFIG, "'%.64s' is not a time such as "
		    "2026-11-20T03:00:00Z (the layout comes first)",
		    when->valuestring);
	template_time_add(&s, layout != NULL ? layout->valuestring :
	    TEMPLATE_TIME_RFC3339, &time);
	return scratch_text(call->scratch, &s, ret, err);
}

/* Not below 0; *ret_null: there is none. */
static int
want_amount(const struct call *call, double *ret, bool *ret_null,
    struct err *err)
{
	const cJSON *value = call->args[0];
	struct value_number number = { false, 0, 0 };

	*ret_null = cJSON_IsNull(value);
	if (!*ret_null && (!value_number(value, &number) || number.d < 0))
		return err_set(err, ERR_CONFIG, "it needs a number that is not "
		    "negative, and gets %s", value_kind(value));
	*ret = number.d;
	return 0;
}

/* Below 2^64, so that it can be converted. */
static uint64_t
whole_bytes(double bytes)
{
	return bytes < 1.8e19 ? (uint64_t)bytes : UINT64_MAX;
}

static int
format_bytes_bin(const struct call *call, const struct cJSON **ret,
    struct err *err)
{
	CLEANUP(str_free) struct str s = STR_INIT;
	char text[CLOCK_BYTES_BYTES] = "";
	double bytes = 0;
	bool null = true;

	if (want_amount(call, &bytes, &null, err) < 0)
		return -1;
	if (!null)
		clock_bytes(whole_bytes(bytes), text);
	str_add(&s, text);
	return scratch_text(call->scratch, &s, ret, err);
}

static int
format_bytes_dec(const struct call *call, const struct cJSON **ret,
    struct err *err)
{
	static const char prefixes[] = "kMGTPE";
	CLEANUP(str_free) struct str s = STR_INIT;
	double bytes = 0;
	bool null = true;
	size_t i = 0;

	if (want_amount(call, &bytes, &null, err) < 0)
		return -1;
	if (!null && bytes < 1000) {
		str_addf(&s, "%u B", (unsigned)bytes);
	} else if (!null) {
		/* Not 1000: 999.96 would be shown as 1000.0. */
		for (bytes /= 1000; bytes >= 999.95 && prefixes[i + 1] != '\0';
		    i++)
			bytes /= 1000;
		str_addf(&s, "%.1f %cB", bytes, prefixes[i]);
	}
	return scratch_text(call->scratch, &s, ret, err);
}

static int
format_duration(const struct call *call, const struct cJSON **ret,
    struct err *err)
{
	CLEANUP(str_free) struct str s = STR_INIT;
	char text[CLOCK_SPAN_BYTES] = "";
	double seconds = 0;
	bool null = true;

	if (want_amount(call, &seconds, &null, err) < 0)
		return -1;
	if (!null)
		clock_span(seconds, text);
	str_add(&s, text);
	return scratch_text(call->scratch, &s, ret, err);
}

static int
env(const struct call *call, const struct cJSON **ret, struct err *err)
{
	CLEANUP(cleanup_free) char *masked = NULL;
	CLEANUP(str_free) struct str s = STR_INIT;
	struct name name;
	const char *value;

	if (!cJSON_IsString(call->args[0]))
		return err_set(err, ERR_CONFIG, "the name must be a text, and "
		    "is %s", value_kind(call->args[0]));
	value = getenv(call->args[0]->valuestring);
	if (names_variable(call->args[0]->valuestring, &name, err) < 0)
		return -1;
	if (value != NULL && *value != '\0' && name.id >= 0 &&
	    option_specs[name.id].type == OPTION_SECRET)
		value = "***";
	/* At once: escaped or cut it would not be found any more. */
	if (log_mask(value != NULL ? value : "", &masked, err) < 0)
		return -1;
	str_add(&s, masked);
	return scratch_text(call->scratch, &s, ret, err);
}

/* --- texts --------------------------------------------------------------- */

static int
to_json(const struct call *call, const struct cJSON **ret, struct err *err)
{
	CLEANUP(str_free) struct str s = STR_INIT;

	value_add_json(&s, call->args[0], false);
	return scratch_text(call->scratch, &s, ret, err);
}

static int
to_pretty_json(const struct call *call, const struct cJSON **ret,
    struct err *err)
{
	CLEANUP(str_free) struct str s = STR_INIT;

	value_add_json(&s, call->args[0], true);
	return scratch_text(call->scratch, &s, ret, err);
}

/* A blank stands between two values of which none is a text. */
static int
print(const struct call *call, const struct cJSON **ret, struct err *err)
{
	CLEANUP(str_free) struct str s = STR_INIT;
	size_t i;

	for (i = 0; i < call->n; i++) {
		if (i != 0 && !cJSON_IsString(call->args[i]) &&
		    !cJSON_IsString(call->args[i - 1]))
			str_add(&s, " ");
		value_add(&s, call->args[i]);
	}
	return scratch_text(call->scratch, &s, ret, err);
}

/* --- compared ------------------------------------------------------------ */

/* The first one to any of the others. */
static int
eq(const struct call *call, const struct cJSON **ret, struct err *err)
{
	bool equal = false;
	size_t i;

	for (i = 1; i < call->n && !equal; i++)
		if (value_equal(call->args[0], call->args[i], &equal, err) < 0)
			return -1;
	return keep_bool(call, equal, ret, err);
}

static int
ne(const struct call *call, const struct cJSON **ret, struct err *err)
{
	bool equal;

	if (value_equal(call->args[0], call->args[1], &equal, err) < 0)
		return -1;
	return keep_bool(call, !equal, ret, err);
}

#define ORDER_FUNCTION(name, operator)					\
	static int							\
	name(const struct call *call, const struct cJSON **ret,		\
	    struct err *err)						\
	{								\
		int order;						\
									\
		if (value_order(call->args[0], call->args[1], &order,	\
		    err) < 0)						\
			return -1;					\
		return keep_bool(call, order operator 0, ret, err);	\
	}

ORDER_FUNCTION(lt, <)
ORDER_FUNCTION(le, <=)
ORDER_FUNCTION(gt, >)
ORDER_FUNCTION(ge, >=)

static int
not(const struct call *call, const struct cJSON **ret, struct err *err)
{
	return keep_bool(call, !value_is_true(call->args[0]), ret, err);
}

/* and, or: the arguments that are looked at end with the one that counts. */
static int
last(const struct call *call, const struct cJSON **ret, struct err *err)
{
	(void)err;
	*ret = call->args[call->n - 1];
	return 0;
}

/* --- lists and objects --------------------------------------------------- */

static int
len(const struct call *call, const struct cJSON **ret, struct err *err)
{
	const cJSON *value = call->args[0];
	size_t n;

	if (cJSON_IsString(value))
		n = strlen(value->valuestring);
	else if (cJSON_IsArray(value) || cJSON_IsObject(value))
		n = (size_t)cJSON_GetArraySize(value);
	else if (cJSON_IsNull(value))
		n = 0;
	else
		return err_set(err, ERR_CONFIG, "%s has no length",
		    value_kind(value));
	if (scratch_work(call->scratch, n / 16, err) < 0)
		return -1;
	return scratch_number(call->scratch, (int64_t)n, ret, err);
}

static int
element(const struct call *call, const cJSON *list, const cJSON *at,
    const struct cJSON **ret, struct err *err)
{
	struct value_number number;

	if (!value_number(at, &number) || !number.whole)
		return err_set(err, ERR_CONFIG, "the place in a list must be a "
		    "whole number, and is %s", value_kind(at));
	if (number.i < 0 || number.i >= cJSON_GetArraySize(list))
		return err_set(err, ERR_CONFIG, "%" PRId64 " is not in the "
		    "list (the first one is 0)", number.i);
	*ret = cJSON_GetArrayItem(list, (int)number.i);
	return scratch_work(call->scratch,
	    (size_t)cJSON_GetArraySize(list) / 16, err);
}

static int
index_of(const struct call *call, const struct cJSON **ret, struct err *err)
{
	const cJSON *value = call->args[0];
	size_t i;

	for (i = 1; i < call->n && !cJSON_IsNull(value); i++) {
		const cJSON *at = call->args[i];

		if (cJSON_IsArray(value)) {
			if (element(call, value, at, &value, err) < 0)
				return -1;
		} else if (cJSON_IsObject(value) && cJSON_IsString(at)) {
			value = cJSON_GetObjectItemCaseSensitive(value,
			    at->valuestring);
			if (value == NULL)
				value = value_null;
		} else {
			return err_set(err, ERR_CONFIG, "%s cannot be looked "
			    "up in %s", value_kind(at), value_kind(value));
		}
	}
	*ret = value;
	return 0;
}

/* --- which there are ----------------------------------------------------- */

const struct template_function *
template_function(const char *name)
{
	static const struct template_function functions[] = {
		{ "and", 1, TEMPLATE_ARGS, STOP_EMPTY, last },
		{ "env", 1, 1, STOP_NEVER, env },
		{ "eq", 2, TEMPLATE_ARGS, STOP_NEVER, eq },
		{ "formatBytesBin", 1, 1, STOP_NEVER, format_bytes_bin },
		{ "formatBytesDec", 1, 1, STOP_NEVER, format_bytes_dec },
		{ "formatDuration", 1, 1, STOP_NEVER, format_duration },
		{ "formatTime", 1, 2, STOP_NEVER, format_time },
		{ "ge", 2, 2, STOP_NEVER, ge },
		{ "gt", 2, 2, STOP_NEVER, gt },
		{ "index", 1, TEMPLATE_ARGS, STOP_NEVER, index_of },
		{ "le", 2, 2, STOP_NEVER, le },
		{ "len", 1, 1, STOP_NEVER, len },
		{ "lt", 2, 2, STOP_NEVER, lt },
		{ "ne", 2, 2, STOP_NEVER, ne },
		{ "not", 1, 1, STOP_NEVER, not },
		{ "or", 1, TEMPLATE_ARGS, STOP_TRUE, last },
		{ "print", 0, TEMPLATE_ARGS, STOP_NEVER, print },
		{ "printf", 1, TEMPLATE_ARGS, STOP_NEVER, template_printf },
		{ "toJson", 1, 1, STOP_NEVER, to_json },
		{ "toPrettyJson", 1, 1, STOP_NEVER, to_pretty_json },
	};
	size_t i;

	for (i = 0; i < sizeof functions / sizeof functions[0]; i++)
		if (strcmp(functions[i].name, name) == 0)
			return &functions[i];
	return NULL;
}
