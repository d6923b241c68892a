/*
 * printf: %v %s %q %d %f %t %%, with the flags - 0 + blank, a width and a
 * precision, as Go has them. What does not fit is an error, not %!d(...).
 */
#define _GNU_SOURCE
#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/report/template_functions.h"
#include "lib/report/template_value.h"

#define DIGITS_MAX 3		/* of a width, and of a precision */

struct form {
	bool left, zeros, plus, blank, precise;
	size_t width, precision;
	char verb;
};

/* At most DIGITS_MAX digits. */
static size_t
take_digits(const char **p)
{
	size_t number = 0, i;

	for (i = 0; i < DIGITS_MAX && **p >= '0' && **p <= '9'; i++)
		number = number * 10 + (size_t)(*(*p)++ - '0');
	return number;
}

/* Behind the %; *p is then behind the verb. */
static void
take_form(const char **p, struct form *ret)
{
	for (; **p != '\0' && strchr("-0+ ", **p) != NULL; (*p)++) {
		ret->left = ret->left || **p == '-';
		ret->zeros = ret->zeros || **p == '0';
		ret->plus = ret->plus || **p == '+';
		ret->blank = ret->blank || **p == ' ';
	}
	ret->width = take_digits(p);
	if (**p == '.') {
		(*p)++;
		ret->precise = true;
		ret->precision = take_digits(p);
	}
	ret->verb = **p;
	if (**p != '\0')
		(*p)++;
}

static void
add_padding(struct str *s, char c, size_t n)
{
	for (; n != 0; n--)
		str_addn(s, &c, 1);
}

/* sign: how many bytes at the beginning zeros must not stand before. */
static void
add_padded(struct str *s, const struct form *form, const char *text,
    size_t sign, bool zeros)
{
	size_t n = str_characters(text);
	size_t padding = n < form->width ? form->width - n : 0;

	if (!form->left && !zeros)
		add_padding(s, ' ', padding);
	str_addn(s, text, sign);
	if (!form->left && zeros)
		add_padding(s, '0', padding);
	str_add(s, text + sign);
	if (form->left)
		add_padding(s, ' ', padding);
}

static void
add_number(struct str *s, const struct form *form, const char *digits,
    bool negative)
{
	CLEANUP(str_free) struct str text = STR_INIT;

	str_add(&text, negative ? "-" : form->plus ? "+" :
	    form->blank ? " " : "");
	str_add(&text, digits);
	if (text.failed)
		s->failed = true;
	else
		add_padded(s, form, text.s, text.len - strlen(digits),
		    form->zeros);
}

static int
add_whole(struct str *s, const struct form *form, const cJSON *value,
    struct err *err)
{
	struct value_number number;
	char digits[24];

	if (!value_number(value, &number) || !number.whole)
		return err_set(err, ERR_CONFIG, "%%d needs a whole number, "
		    "and gets %s", value_kind(value));
	(void)snprintf(digits, sizeof digits, "%" PRIu64, number.i < 0 ?
	    -(uint64_t)number.i : (uint64_t)number.i);
	add_number(s, form, digits, number.i < 0);
	return 0;
}

static int
add_float(struct str *s, const struct form *form, const cJSON *value,
    struct err *err)
{
	CLEANUP(str_free) struct str digits = STR_INIT;
	struct value_number number;

	if (!value_number(value, &number))
		return err_set(err, ERR_CONFIG, "%%f needs a number, and gets "
		    "%s", value_kind(value));
	str_addf(&digits, "%.*f", form->precise ? (int)form->precision : 6,
	    number.d < 0 ? -number.d : number.d);
	if (digits.failed)
		return err_nomem(err);
	add_number(s, form, digits.s, number.d < 0);
	return 0;
}

/* The first n characters. */
static void
cut(struct str *text, size_t n)
{
	size_t i;

	for (i = 0; i < text->len; i++)
		if (((unsigned char)text->s[i] & 0xc0) != 0x80 && n-- == 0)
			break;
	text->s[i] = '\0';
	text->len = i;
}

static void
quote(struct str *text)
{
	struct str quoted = STR_INIT;
	const char *p;

	str_add(&quoted, "\"");
	for (p = text->s; *p != '\0'; p++) {
		if (*p == '"' || *p == '\\')
			str_addf(&quoted, "\\%c", *p);
		else if (*p == '\n' || *p == '\t' || *p == '\r')
			str_addf(&quoted, "\\%c", *p == '\n' ? 'n' :
			    *p == '\t' ? 't' : 'r');
		else if ((unsigned char)*p < 0x20 || *p == 0x7f)
			str_addf(&quoted, "\\x%02x", (unsigned char)*p);
		else
			str_addn(&quoted, p, 1);
	}
	str_add(&quoted, "\"");
	str_free(text);
	*text = quoted;
}

static int
add_text(struct str *s, const struct form *form, const cJSON *value,
    struct err *err)
{
	CLEANUP(str_free) struct str text = STR_INIT;

	str_add(&text, "");
	value_add(&text, value);
	if (!text.failed && form->precise)
		cut(&text, form->precision);
	if (!text.failed && form->verb == 'q')
		quote(&text);
	if (text.failed)
		return err_nomem(err);
	add_padded(s, form, text.s, 0, false);
	return 0;
}

static int
add_value(struct str *s, const struct form *form, const cJSON *value,
    struct err *err)
{
	switch (form->verb) {
	case 'd':
		return add_whole(s, form, value, err);
	case 'f':
		return add_float(s, form, value, err);
	case 't':
		if (!cJSON_IsBool(value))
			return err_set(err, ERR_CONFIG, "%%t needs a bool, "
			    "and gets %s", value_kind(value));
		return add_text(s, form, value, err);
	case 'v':
	case 's':
	case 'q':
		return add_text(s, form, value, err);
	case '\0':
		return err_set(err, ERR_CONFIG, "a %% at the end (write %%%%)");
	default:
		return err_set(err, ERR_CONFIG, "only %%v %%s %%q %%d %%f %%t "
		    "and %%%% are known");
	}
}

static int
format(struct str *s, const char *p, const struct call *call, struct err *err)
{
	size_t used = 1;

	while (*p != '\0') {
		size_t n = strcspn(p, "%");
		struct form form = { 0 };

		str_addn(s, p, n);
		p += n;
		if (*p == '\0')
			break;
		p++;
		take_form(&p, &form);
		if (form.verb == '%') {
			str_add(s, "%");
			continue;
		}
		if (used == call->n && form.verb != '\0')
			return err_set(err, ERR_CONFIG,
			    "more %% than values");
		if (add_value(s, &form, used < call->n ? call->args[used] :
		    value_null, err) < 0)
			return -1;
		used++;
	}
	return used < call->n ?
	    err_set(err, ERR_CONFIG, "more values than %%") : 0;
}

int
template_printf(const struct call *call, const struct cJSON **ret,
    struct err *err)
{
	CLEANUP(str_free) struct str s = STR_INIT;

	if (!cJSON_IsString(call->args[0]))
		return err_set(err, ERR_CONFIG, "its first value must be a "
		    "text, and is %s", value_kind(call->args[0]));
	if (format(&s, call->args[0]->valuestring, call, err) < 0)
		return -1;
	return scratch_text(call->scratch, &s, ret, err);
}
