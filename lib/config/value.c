#include "lib/config/value.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"

/* As much of a wrong value as a message shows. */
#define SHOWN_BYTES 100

struct unit {
	const char *name;
	int64_t factor;
};

static const struct unit size_units[] = {	/* the largest first */
	{ "T", INT64_C(1) << 40 },
	{ "G", INT64_C(1) << 30 },
	{ "M", INT64_C(1) << 20 },
	{ "K", INT64_C(1) << 10 },
};

static const struct unit duration_units[] = {
	{ "d", INT64_C(86400000000000) },
	{ "h", INT64_C(3600000000000) },
	{ "m", INT64_C(60000000000) },
	{ "s", INT64_C(1000000000) },
	{ "ms", 1000000 },
	{ "us", 1000 },
	{ "ns", 1 },
};

#define LENGTH(array) (sizeof(array) / sizeof *(array))

/* --- text to value ------------------------------------------------------- */

static int
refuse(const char *text, const char *why, struct err *err)
{
	return err_set(err, ERR_CONFIG, "'%.*s%s' %s", SHOWN_BYTES, text,
	    strlen(text) > SHOWN_BYTES ? "..." : "", why);
}

static int
parse_bool(const char *text, bool *ret, struct err *err)
{
	static const char *const words[] = { "false", "true", "no", "yes",
		"off", "on", "0", "1", "f", "t" };
	size_t i;

	for (i = 0; i < LENGTH(words); i++) {
		if (strcasecmp(text, words[i]) == 0) {
			*ret = i % 2 == 1;
			return 0;
		}
	}
	return refuse(text, "is neither yes nor no", err);
}

/* Digits of a base, to their end; false if there are none or too many. A sign
 * is kept while adding, so that the smallest number can be read, too. */
static bool
parse_digits(const char **text, int base, int64_t sign, int64_t *ret)
{
	const char *p = *text;
	int64_t number = 0;

	for (; *p >= '0' && *p < '0' + base; p++)
		if (__builtin_mul_overflow(number, base, &number) ||
		    __builtin_add_overflow(number, sign * (*p - '0'), &number))
			return false;
	if (p == *text)
		return false;
	*text = p;
	*ret = number;
	return true;
}

static int
parse_int(const char *text, int64_t *ret, struct err *err)
{
	const char *p = text;
	int64_t sign = *p == '-' ? -1 : 1;

	if (sign < 0)
		p++;
	if (!parse_digits(&p, 10, sign, ret) || *p != '\0')
		return refuse(text, "is not a whole number", err);
	return 0;
}

static int
parse_mode(const char *text, int64_t *ret, struct err *err)
{
	const char *p = text;

	if (!parse_digits(&p, 8, 1, ret) || *p != '\0' || *ret > 0777)
		return refuse(text, "is not a file mode (such as 0600)", err);
	return 0;
}

/* The factor of what stands behind a size's digits, or 0. */
static int64_t
size_factor(const char *suffix)
{
	size_t i;

	if (*suffix == '\0')
		return 1;
	for (i = 0; i < LENGTH(size_units); i++)
		if (toupper((unsigned char)*suffix) == *size_units[i].name &&
		    (suffix[1] == '\0' || strcasecmp(suffix + 1, "iB") == 0))
			return size_units[i].factor;
	return 0;
}

static int
parse_size(const char *text, int64_t *ret, struct err *err)
{
	const char *p = text;
	int64_t number, factor;

	if (!parse_digits(&p, 10, 1, &number) ||
	    (factor = size_factor(p)) == 0 ||
	    __builtin_mul_overflow(number, factor, ret))
		return refuse(text, "is not a size (such as 512K or 2G)", err);
	return 0;
}

static int
parse_duration(const char *text, int64_t *ret, struct err *err)
{
	struct err unused = ERR_INIT;

	if (clock_parse_duration(text, ret, &unused) < 0)
		return refuse(text, "is not a duration (such as 90s or 1h30m)",
		    err);
	return 0;
}

static int
parse_choice(const struct option_spec *spec, const char *text, int *ret,
    struct err *err)
{
	CLEANUP(str_free) struct str why = STR_INIT;
	int i;

	for (i = 0; spec->choices[i] != NULL; i++) {
		if (strcmp(text, spec->choices[i]) == 0) {
			*ret = i;
			return 0;
		}
	}
	str_add(&why, "is none of ");
	for (i = 0; spec->choices[i] != NULL; i++)
		str_addf(&why, "%s%s", i != 0 ? ", " : "", spec->choices[i]);
	if (why.failed)
		return err_nomem(err);
	return refuse(text, why.s, err);
}

static int
add_element(struct str *element, struct strlist *ret, struct err *err)
{
	CLEANUP(cleanup_free) char *text = NULL;
	char *trimmed;

	if (str_take(element, &text, err) < 0)
		return -1;
	trimmed = str_trim(text);
	return *trimmed != '\0' ? strlist_add(ret, trimmed, err) : 0;
}

static int
parse_list(const char *text, struct strlist *ret, struct err *err)
{
	CLEANUP(strlist_free) struct strlist list = STRLIST_INIT;
	CLEANUP(str_free) struct str element = STR_INIT;
	const char *p;

	for (p = text; *p != '\0'; p++) {
		if (p[0] == '\\' && p[1] == ',') {
			str_addn(&element, ++p, 1);
		} else if (*p != ',' && *p != '\n') {
			str_addn(&element, p, 1);
		} else if (add_element(&element, &list, err) < 0) {
			return -1;
		}
	}
	if (add_element(&element, &list, err) < 0)
		return -1;
	*ret = list;
	list = (struct strlist)STRLIST_INIT;
	return 0;
}

/* A number in the unit that its type is written in. */
static void
number_text(enum option_type type, int64_t number, struct str *ret)
{
	size_t i;

	if (type == OPTION_DURATION && number != 0) {
		for (i = 0; i < LENGTH(duration_units); i++) {
			int64_t factor = duration_units[i].factor;

			if (number / factor != 0)
				str_addf(ret, "%" PRId64 "%s", number / factor,
				    duration_units[i].name);
			number %= factor;
		}
		return;
	}
	for (i = 0; type == OPTION_SIZE && i < LENGTH(size_units); i++) {
		int64_t factor = size_units[i].factor;

		if (number != 0 && number % factor == 0) {
			str_addf(ret, "%" PRId64 "%s", number / factor,
			    size_units[i].name);
			return;
		}
	}
	if (type == OPTION_MODE)
		str_addf(ret, "%04" PRIo64, (uint64_t)number);
	else
		str_addf(ret, "%" PRId64, number);
}

static int
check_range(const struct option_spec *spec, const char *text, int64_t number,
    struct err *err)
{
	CLEANUP(str_free) struct str why = STR_INIT;
	bool or_zero = (spec->flags & OPTION_OR_ZERO) != 0;

	if ((spec->min == 0 && spec->max == 0) || (number == 0 && or_zero) ||
	    (number >= spec->min && number <= spec->max))
		return 0;
	str_add(&why, "is not within ");
	number_text(spec->type, spec->min, &why);
	str_add(&why, " to ");
	number_text(spec->type, spec->max, &why);
	str_add(&why, or_zero ? ", nor 0" : "");
	if (why.failed)
		return err_nomem(err);
	return refuse(text, why.s, err);
}

static int
parse_number(const struct option_spec *spec, const char *text, int64_t *ret,
    struct err *err)
{
	int rc = spec->type == OPTION_INT ? parse_int(text, ret, err) :
	    spec->type == OPTION_SIZE ? parse_size(text, ret, err) :
	    spec->type == OPTION_MODE ? parse_mode(text, ret, err) :
	    parse_duration(text, ret, err);

	return rc < 0 ? -1 : check_range(spec, text, *ret, err);
}

bool
value_is_empty(const struct option_spec *spec, const char *text)
{
	return text[spec->type == OPTION_LIST ? strspn(text, ", \t\n\v\f\r") :
	    0] == '\0';
}

int
value_parse(const struct option_spec *spec, const char *text, union value *ret,
    struct err *err)
{
	switch (spec->type) {
	case OPTION_SECRET:
		if (log_secret(text, err) < 0)
			return -1;
		return str_dup(text, &ret->string, err);
	case OPTION_STRING:
		return str_dup(text, &ret->string, err);
	case OPTION_BOOL:
		return parse_bool(text, &ret->boolean, err);
	case OPTION_CHOICE:
		return parse_choice(spec, text, &ret->choice, err);
	case OPTION_LIST:
		return parse_list(text, &ret->list, err);
	default:
		return parse_number(spec, text, &ret->number, err);
	}
}

/* --- value to text ------------------------------------------------------- */

static void
list_text(const struct strlist *list, struct str *ret)
{
	const char *p;
	size_t i;

	for (i = 0; i < list->n; i++) {
		if (i != 0)
			str_add(ret, "\n");
		for (p = list->v[i]; *p != '\0'; p++) {
			if (*p == ',')
				str_add(ret, "\\");
			str_addn(ret, p, 1);
		}
	}
}

int
value_text(const struct option_spec *spec, const void *value,
    bool show_secrets, char **ret, struct err *err)
{
	CLEANUP(str_wipe) struct str s = STR_INIT;

	*ret = NULL;
	if (spec->type == OPTION_STRING || spec->type == OPTION_SECRET) {
		const char *string = *(char *const *)value;

		if (string == NULL)
			return 0;
		str_add(&s, spec->type == OPTION_SECRET && !show_secrets ?
		    "***" : string);
	} else if (spec->type == OPTION_LIST) {
		if (((const struct strlist *)value)->n == 0)
			return 0;
		list_text(value, &s);
	} else if (spec->type == OPTION_BOOL) {
		str_add(&s, *(const bool *)value ? "yes" : "no");
	} else if (spec->type == OPTION_CHOICE) {
		str_add(&s, spec->choices[*(const int *)value]);
	} else {
		number_text(spec->type, *(const int64_t *)value, &s);
	}
	return str_take(&s, ret, err);
}
