/*
 * Backwards from a name to the time it was made of. The name is read along
 * the pattern, every way that it can be read (%-d%-H in "111" is two); what
 * was read bounds the days and hours that are then tried; and only a time of
 * which strftime makes the name again counts. So strftime alone decides: what
 * is not understood here is not matched, and then it is not pruned.
 */
#define _GNU_SOURCE
#include "lib/store/name.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/store/name_time.h"

#define TEXT_BYTES 1024
#define SPEC_BYTES 32

/* Ours are never older than the epoch; in the west that is still 1969. */
#define YEAR_MIN 1969
#define YEAR_MAX 9999
#define EPOCH_MAX INT64_C(253402300800)

/* A pattern like %-d%-d%-d%-d can be read in very many ways: so many are
 * tried. Patterns that people have take less than a hundred. */
#define STEPS_MAX 20000

struct matching {
	const char *pattern;	/* without our suffixes, as is name */
	const char *name;
	unsigned steps;		/* that are left */
	bool found;
	time_t earliest;
};

/* One conversion: "%-5Od" has letter d. */
struct conversion {
	char spec[SPEC_BYTES];
	size_t len;		/* of it, in the pattern */
	char letter;
	bool plain;		/* neither flags nor width nor modifier */
	bool modified;
	size_t width;
};

static const struct number {
	char letter;
	enum name_field field;
	int min, max;
	size_t digits;
} numbers[] = {
	{ 'Y', NAME_YEAR, YEAR_MIN, YEAR_MAX, 4 },
	{ 'C', NAME_CENTURY, YEAR_MIN / 100, YEAR_MAX / 100, 2 },
	{ 'y', NAME_YEAR2, 0, 99, 2 },
	{ 'G', NAME_ISO_YEAR, YEAR_MIN, YEAR_MAX, 4 },
	{ 'g', NAME_ISO_YEAR2, 0, 99, 2 },
	{ 'm', NAME_MONTH, 1, 12, 2 },
	{ 'd', NAME_MDAY, 1, 31, 2 },
	{ 'e', NAME_MDAY, 1, 31, 2 },
	{ 'j', NAME_YDAY, 1, 366, 3 },
	{ 'u', NAME_WDAY, 1, 7, 1 },
	{ 'w', NAME_WDAY, 0, 6, 1 },
	{ 'U', NAME_WEEK_SUNDAY, 0, 53, 2 },
	{ 'W', NAME_WEEK_MONDAY, 0, 53, 2 },
	{ 'V', NAME_WEEK_ISO, 1, 53, 2 },
	{ 'H', NAME_HOUR, 0, 23, 2 },
	{ 'k', NAME_HOUR, 0, 23, 2 },
	{ 'I', NAME_HOUR12, 1, 12, 2 },
	{ 'l', NAME_HOUR12, 1, 12, 2 },
	{ 'M', NAME_MINUTE, 0, 59, 2 },
	{ 'S', NAME_SECOND, 0, 60, 2 },
};

/* --- strftime ------------------------------------------------------------ */

static bool
format(const char *pattern, const struct tm *tm, char ret[TEXT_BYTES])
{
	char padded[2 * TEXT_BYTES];
	size_t n;

	/* One byte more, in front: else an empty result looks like failure. */
	n = (size_t)snprintf(padded, sizeof padded, "x%s", pattern);
	if (n >= sizeof padded)
		return false;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	n = strftime(ret, TEXT_BYTES, padded, tm);
#pragma GCC diagnostic pop
	if (n == 0)
		return false;
	memmove(ret, ret + 1, n);	/* with its NUL */
	return true;
}

/* Does t, formatted, make the name? */
static bool
makes(void *cookie, time_t t)
{
	const struct matching *m = cookie;
	char text[TEXT_BYTES];
	struct tm tm;

	return localtime_r(&t, &tm) != NULL && format(m->pattern, &tm, text) &&
	    strcmp(text, m->name) == 0;
}

/* text begins with a % that something stands behind; false if it is longer
 * than anybody means. */
static bool
read_conversion(const char *text, struct conversion *ret)
{
	const char *p = text + 1;

	*ret = (struct conversion){ .plain = true };
	p += strspn(p, "_-0^#");
	for (; *p >= '0' && *p <= '9'; p++)
		ret->width = ret->width * 10 + (size_t)(*p - '0');
	if (*p == 'E' || *p == 'O') {
		ret->modified = true;
		p++;
	}
	ret->plain = p == text + 1;
	ret->letter = *p;
	ret->len = (size_t)(p - text) + (*p != '\0');
	if (ret->len >= SPEC_BYTES || ret->width > TEXT_BYTES)
		return false;
	memcpy(ret->spec, text, ret->len);
	return true;
}

/* What strftime makes several conversions of, in the C locale. */
static const char *
parts_of(char letter)
{
	switch (letter) {
	case 'c':
		return "%a %b %e %H:%M:%S %Y";
	case 'D':
	case 'x':
		return "%m/%d/%y";
	case 'F':
		return "%Y-%m-%d";
	case 'r':
		return "%I:%M:%S %p";
	case 'R':
		return "%H:%M";
	case 'T':
	case 'X':
		return "%H:%M:%S";
	}
	return NULL;
}

/* *ret: the pattern in single conversions; caller frees. Where memory lacks,
 * errno is ENOMEM. */
static bool
take_apart(const char *pattern, char **ret)
{
	CLEANUP(str_free) struct str s = STR_INIT;
	struct err err = ERR_INIT;
	struct conversion c;

	while (*pattern != '\0') {
		size_t n = strcspn(pattern, "%");
		const char *parts;

		str_addn(&s, pattern, n);
		pattern += n;
		if (*pattern == '\0')
			break;
		if (!read_conversion(pattern, &c))
			return false;
		parts = parts_of(c.letter);
		for (; parts != NULL && *parts != '\0'; parts++) {
			str_addn(&s, parts, 1);
			if (*parts == '%' && strchr(c.spec, '^') != NULL)
				str_add(&s, "^");
		}
		if (parts == NULL)
			str_add(&s, c.spec);
		pattern += c.len;
	}
	if (str_take(&s, ret, &err) == 0)
		return true;
	errno = ENOMEM;
	return false;
}

/* --- reading ------------------------------------------------------------- */

static void read_on(struct matching *m, const char *pattern, const char *name,
    const struct name_time *f);

/* The name was read to its end. */
static void
finish(struct matching *m, const struct name_time *f)
{
	time_t t;

	if (!name_time_earliest(f, makes, m, &m->steps, &t))
		return;
	if (!m->found || t < m->earliest)
		m->earliest = t;
	m->found = true;
}

/* Reads on with one field known, if that contradicts nothing. */
static void
read_with(struct matching *m, const char *pattern, const char *name,
    const struct name_time *f, enum name_field field, int64_t value)
{
	struct name_time more = *f;

	if (f->v[field] != NAME_UNKNOWN && f->v[field] != value)
		return;
	more.v[field] = value;
	read_on(m, pattern, name, &more);
}

/* The number that is all of these n bytes, but for blanks before it. */
static bool
number_of(const char *text, size_t n, int64_t max, int64_t *ret)
{
	int64_t number = 0;
	size_t i = 0;

	while (i < n && text[i] == ' ')
		i++;
	if (i == n)
		return false;
	for (; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		number = number * 10 + (text[i] - '0');
		if (number > max)
			return false;
	}
	*ret = number;
	return true;
}

/* Whatever length the number may have; plain ones have but one. */
static void
read_number(struct matching *m, const struct conversion *c,
    const struct number *number, const char *pattern, const char *name,
    const struct name_time *f)
{
	size_t longest = c->width > number->digits ? c->width :
	    number->digits;
	size_t shortest = c->plain ? longest : 1, n;
	int64_t value;

	for (n = longest; n >= shortest; n--) {
		if (strnlen(name, n) < n ||
		    !number_of(name, n, number->max, &value) ||
		    value < number->min)
			continue;
		if (c->letter == 'u')
			value %= 7;
		read_with(m, pattern, name + n, f, number->field, value);
	}
}

static void
read_epoch(struct matching *m, const char *pattern, const char *name,
    const struct name_time *f)
{
	size_t n = strspn(name, " 0123456789");
	int64_t value;

	for (; n != 0; n--)
		if (number_of(name, n, EPOCH_MAX, &value))
			read_with(m, pattern, name + n, f, NAME_EPOCH, value);
}

/* Names of days, months and halves of a day, as strftime makes them. */
static void
read_word(struct matching *m, const struct conversion *c,
    const char *pattern, const char *name, const struct name_time *f)
{
	bool is_day = strchr("aA", c->letter) != NULL;
	bool is_half = strchr("pP", c->letter) != NULL;
	enum name_field field = is_day ? NAME_WDAY : is_half ? NAME_PM :
	    NAME_MONTH;
	int n = is_day ? 7 : is_half ? 2 : 12, i;
	char text[TEXT_BYTES];

	for (i = 0; i < n; i++) {
		struct tm tm = { .tm_mday = 1, .tm_wday = is_day ? i : 0,
			.tm_hour = is_half ? 12 * i : 0,
			.tm_mon = field == NAME_MONTH ? i : 0 };

		if (!format(c->spec, &tm, text) || !str_starts(name, text))
			continue;
		read_with(m, pattern, name + strlen(text), f, field,
		    field == NAME_MONTH ? i + 1 : i);
	}
}

/* A time zone: nothing is learnt from it, but makes() looks at it. */
static void
read_zone(struct matching *m, const struct conversion *c,
    const char *pattern, const char *name, const struct name_time *f)
{
	size_t n = strspn(name, c->letter == 'z' ? "+-0123456789 " :
	    "+-0123456789 abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
	size_t shortest = 0;

	if (c->letter == 'z' && c->plain) {
		if (n < 5)
			return;
		shortest = n = 5;
	}
	for (;; n--) {
		read_on(m, pattern, name + n, f);
		if (n == shortest)
			return;
	}
}

/* What is no conversion is text: %%, %n, or whatever strftime leaves alone. */
static void
read_text(struct matching *m, const struct conversion *c,
    const char *pattern, const char *name, const struct name_time *f)
{
	const struct tm tm = { .tm_mday = 1 };
	char text[TEXT_BYTES];

	if (format(c->spec, &tm, text) && str_starts(name, text))
		read_on(m, pattern, name + strlen(text), f);
}

static bool
is_left_alone(const struct conversion *c)
{
	const struct tm tm = { .tm_mday = 1 };
	char text[TEXT_BYTES];

	return c->modified && format(c->spec, &tm, text) &&
	    strcmp(text, c->spec) == 0;
}

static void
read_conversion_of(struct matching *m, const struct conversion *c,
    const char *pattern, const char *name, const struct name_time *f)
{
	size_t i;

	if (c->letter == '\0' || is_left_alone(c)) {
		read_text(m, c, pattern, name, f);
		return;
	}
	for (i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		if (numbers[i].letter == c->letter) {
			read_number(m, c, &numbers[i], pattern, name, f);
			return;
		}
	}
	if (strchr("aAbBhpP", c->letter) != NULL)
		read_word(m, c, pattern, name, f);
	else if (strchr("zZ", c->letter) != NULL)
		read_zone(m, c, pattern, name, f);
	else if (c->letter == 's')
		read_epoch(m, pattern, name, f);
	else
		read_text(m, c, pattern, name, f);
}

static void
read_on(struct matching *m, const char *pattern, const char *name,
    const struct name_time *f)
{
	struct conversion c;

	if (m->steps == 0)
		return;
	m->steps--;
	for (; *pattern != '\0' && *pattern != '%'; pattern++, name++)
		if (*name != *pattern)
			return;
	if (*pattern == '\0') {
		if (*name == '\0')
			finish(m, f);
		return;
	}
	if (read_conversion(pattern, &c))
		read_conversion_of(m, &c, pattern + c.len, name, f);
}

/* --- suffixes ------------------------------------------------------------ */

/* The length of text without .gpg, and without one of our suffixes before it
 * if there is one and it is asked for. */
static size_t
stem_length(const char *text, bool whole, bool *ret_suffixed)
{
	static const char *const suffixes[] = { ".tar.gz", ".tgz", ".tar.zst",
		".tzst", ".tar" };
	size_t n = strlen(text), i, k;

	if (str_ends(text, NAME_SEALED_SUFFIX))
		n -= strlen(NAME_SEALED_SUFFIX);
	*ret_suffixed = false;
	for (i = 0; !whole && i < sizeof suffixes / sizeof suffixes[0]; i++) {
		k = strlen(suffixes[i]);
		if (n < k || strncmp(text + n - k, suffixes[i], k) != 0)
			continue;
		*ret_suffixed = true;
		return n - k;
	}
	return n;
}

static bool
match_stems(const char *pattern, const char *name, time_t *ret)
{
	CLEANUP(cleanup_free) char *single = NULL;
	struct matching m = { .pattern = pattern, .name = name,
		.steps = STEPS_MAX };
	struct name_time f;
	size_t i;

	if (!name_has_time(pattern)) {
		*ret = 0;
		return makes(&m, 0);
	}
	for (i = 0; i < NAME_FIELDS; i++)
		f.v[i] = NAME_UNKNOWN;
	if (!take_apart(pattern, &single))
		return false;
	read_on(&m, single, name, &f);
	if (m.found)
		*ret = m.earliest;
	return m.found;
}

bool
name_match(const char *pattern, const char *name, time_t *ret)
{
	CLEANUP(cleanup_free) char *pattern_stem = NULL;
	CLEANUP(cleanup_free) char *name_stem = NULL;
	struct err err = ERR_INIT;
	bool suffixed, name_suffixed;
	size_t pattern_len = stem_length(pattern, false, &suffixed);
	size_t name_len = stem_length(name, !suffixed, &name_suffixed);

	if (suffixed != name_suffixed)
		return false;
	if (str_format(&pattern_stem, &err, "%.*s", (int)pattern_len,
	    pattern) < 0 ||
	    str_format(&name_stem, &err, "%.*s", (int)name_len, name) < 0) {
		errno = ENOMEM;
		return false;
	}
	return match_stems(pattern_stem, name_stem, ret);
}

bool
name_tells_day(const char *pattern)
{
	CLEANUP(cleanup_free) char *single = NULL;
	bool has[256] = { false };
	bool year, weekday;
	struct conversion c;
	const char *p;

	if (!take_apart(pattern, &single))
		return false;
	for (p = single; (p = strchr(p, '%')) != NULL; p += c.len) {
		if (!read_conversion(p, &c))
			return false;
		has[(unsigned char)c.letter] = true;
	}
	year = has['Y'] || has['y'];
	weekday = has['a'] || has['A'] || has['u'] || has['w'];
	return has['s'] || (year && has['j']) ||
	    (year && (has['m'] || has['b'] || has['B'] || has['h']) &&
	    (has['d'] || has['e'])) ||
	    (year && (has['U'] || has['W']) && weekday) ||
	    ((has['G'] || has['g']) && has['V'] && weekday);
}
