#define _GNU_SOURCE
#include "lib/report/template_time.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum element { TEXT, LONG_MONTH, MONTH, NUM_MONTH, ZERO_MONTH, LONG_DAY,
	SHORT_DAY, DAY, UNDER_DAY, ZERO_DAY, UNDER_YEAR_DAY, ZERO_YEAR_DAY,
	HOUR, HOUR_12, ZERO_HOUR_12, MINUTE, ZERO_MINUTE, SECOND, ZERO_SECOND,
	LONG_YEAR, SHORT_YEAR, UPPER_PM, LOWER_PM, ZONE_NAME, ZONE };

/* Longer ones before those that they begin with. */
static const struct word {
	const char *text;
	enum element element;
} words[] = {
	{ "January", LONG_MONTH }, { "Jan", MONTH }, { "Monday", LONG_DAY },
	{ "Mon", SHORT_DAY }, { "MST", ZONE_NAME }, { "01", ZERO_MONTH },
	{ "002", ZERO_YEAR_DAY }, { "02", ZERO_DAY }, { "03", ZERO_HOUR_12 },
	{ "04", ZERO_MINUTE }, { "05", ZERO_SECOND }, { "06", SHORT_YEAR },
	{ "15", HOUR }, { "1", NUM_MONTH }, { "2006", LONG_YEAR },
	{ "2", DAY }, { "__2", UNDER_YEAR_DAY }, { "_2", UNDER_DAY },
	{ "3", HOUR_12 }, { "4", MINUTE }, { "5", SECOND }, { "PM", UPPER_PM },
	{ "pm", LOWER_PM },
	{ "-070000", ZONE }, { "-07:00:00", ZONE }, { "-0700", ZONE },
	{ "-07:00", ZONE }, { "-07", ZONE }, { "Z070000", ZONE },
	{ "Z07:00:00", ZONE }, { "Z0700", ZONE }, { "Z07:00", ZONE },
	{ "Z07", ZONE },
};

static const char *const months[] = { "January", "February", "March", "April",
	"May", "June", "July", "August", "September", "October", "November",
	"December" };
static const char *const days[] = { "Sunday", "Monday", "Tuesday",
	"Wednesday", "Thursday", "Friday", "Saturday" };

/* --- text to time -------------------------------------------------------- */

/* n digits, and what must stand behind them ('\0': nothing). */
static bool
take_digits(const char **p, int n, char behind, int *ret)
{
	int number = 0;

	for (; n > 0; n--, (*p)++) {
		if (**p < '0' || **p > '9')
			return false;
		number = number * 10 + (**p - '0');
	}
	*ret = number;
	if (behind == '\0')
		return true;
	return *(*p)++ == behind;
}

static bool
take_fraction(const char **p, long *ret)
{
	long weight = 100000000;

	*ret = 0;
	if (**p != '.')
		return true;
	for ((*p)++; isdigit((unsigned char)**p); (*p)++, weight /= 10)
		*ret += (**p - '0') * weight;
	return isdigit((unsigned char)(*p)[-1]);
}

static bool
take_zone(const char *p, long *ret)
{
	int hours, minutes, sign = *p == '-' ? -1 : 1;

	*ret = 0;
	if (*p == 'Z' || *p == 'z')
		return p[1] == '\0';
	if (*p != '+' && *p != '-')
		return false;
	p++;
	if (!take_digits(&p, 2, ':', &hours) ||
	    !take_digits(&p, 2, '\0', &minutes) || hours > 23 || minutes > 59)
		return false;
	*ret = sign * (hours * 3600L + minutes * 60L);
	return *p == '\0';
}

bool
template_time_parse(const char *text, struct template_time *ret)
{
	struct template_time time = { 0 };
	struct tm *tm = &time.tm, whole;
	const char *p = text;

	if (!take_digits(&p, 4, '-', &tm->tm_year) ||
	    !take_digits(&p, 2, '-', &tm->tm_mon) ||
	    !take_digits(&p, 2, '\0', &tm->tm_mday) ||
	    (*p != 'T' && *p != 't') ||
	    (p++, !take_digits(&p, 2, ':', &tm->tm_hour)) ||
	    !take_digits(&p, 2, ':', &tm->tm_min) ||
	    !take_digits(&p, 2, '\0', &tm->tm_sec) ||
	    !take_fraction(&p, &time.nanoseconds) ||
	    !take_zone(p, &time.offset_s))
		return false;
	tm->tm_year -= 1900;
	tm->tm_mon--;
	whole = *tm;
	time.epoch = timegm(tm) - time.offset_s;
	/* timegm carries over what is out of range: then it was none. */
	if (whole.tm_mon != tm->tm_mon || whole.tm_mday != tm->tm_mday ||
	    whole.tm_hour != tm->tm_hour || whole.tm_min != tm->tm_min ||
	    whole.tm_sec != tm->tm_sec)
		return false;
	*ret = time;
	return true;
}

/* --- time to text -------------------------------------------------------- */

/* Is it a word of its own there? "January" is, "Janus" is not. */
static bool
is_word(const struct word *word, const char *layout)
{
	size_t n = strlen(word->text);

	if (strncmp(layout, word->text, n) != 0)
		return false;
	if (word->element == MONTH || word->element == SHORT_DAY)
		return layout[n] < 'a' || layout[n] > 'z';
	return word->element != UNDER_DAY || strncmp(layout, "_2006", 5) != 0;
}

static const struct word *
find_word(const char *layout)
{
	size_t i;

	for (i = 0; i < sizeof words / sizeof words[0]; i++)
		if (is_word(&words[i], layout))
			return &words[i];
	return NULL;
}

static void
add_offset(struct str *s, const char *form, long offset_s)
{
	long left = labs(offset_s);
	const char *colon = strchr(form, ':') != NULL ? ":" : "";
	size_t n = strlen(form);

	if (*form == 'Z' && offset_s == 0) {
		str_add(s, "Z");
		return;
	}
	str_addf(s, "%c%02ld", offset_s < 0 ? '-' : '+', left / 3600);
	if (n > 3)	/* -07 */
		str_addf(s, "%s%02ld", colon, left / 60 % 60);
	if (n > 6)	/* -07:00 */
		str_addf(s, "%s%02ld", colon, left % 60);
}

static void
add_zone_name(struct str *s, const struct template_time *time)
{
	struct tm local;

	if (localtime_r(&time->epoch, &local) != NULL &&
	    local.tm_gmtoff == time->offset_s && local.tm_zone != NULL)
		str_add(s, local.tm_zone);
	else if (time->offset_s == 0)
		str_add(s, "UTC");
	else
		add_offset(s, time->offset_s % 3600 != 0 ? "-0700" : "-07",
		    time->offset_s);
}

/* ".000" has all its digits, of ".999" zeros at the end go, and the point if
 * nothing is left behind it. */
static void
add_fraction(struct str *s, const char *form, size_t digits, long nanoseconds)
{
	char all[24];
	size_t n = digits < 9 ? digits : 9;

	(void)snprintf(all, sizeof all, "%09ld", nanoseconds);
	if (form[1] == '9')
		while (n != 0 && all[n - 1] == '0')
			n--;
	if (n == 0)
		return;
	str_addn(s, form, 1);
	str_addn(s, all, n);
}

static void
add_date(struct str *s, enum element element, const struct tm *tm)
{
	switch (element) {
	case LONG_MONTH:
		str_add(s, months[tm->tm_mon]);
		break;
	case MONTH:
		str_addf(s, "%.3s", months[tm->tm_mon]);
		break;
	case NUM_MONTH:
	case ZERO_MONTH:
		str_addf(s, element == NUM_MONTH ? "%d" : "%02d",
		    tm->tm_mon + 1);
		break;
	case LONG_DAY:
		str_add(s, days[tm->tm_wday]);
		break;
	case SHORT_DAY:
		str_addf(s, "%.3s", days[tm->tm_wday]);
		break;
	case DAY:
		str_addf(s, "%d", tm->tm_mday);
		break;
	case UNDER_DAY:
	case ZERO_DAY:
		str_addf(s, element == UNDER_DAY ? "%2d" : "%02d",
		    tm->tm_mday);
		break;
	case UNDER_YEAR_DAY:
	case ZERO_YEAR_DAY:
		str_addf(s, element == UNDER_YEAR_DAY ? "%3d" : "%03d",
		    tm->tm_yday + 1);
		break;
	case LONG_YEAR:
		str_addf(s, "%04d", tm->tm_year + 1900);
		break;
	default:	/* SHORT_YEAR */
		str_addf(s, "%02d", (tm->tm_year + 1900) % 100);
		break;
	}
}

static void
add_hour(struct str *s, enum element element, const struct tm *tm)
{
	int hour = tm->tm_hour % 12 != 0 ? tm->tm_hour % 12 : 12;
	bool zero = element == ZERO_HOUR_12 || element == ZERO_MINUTE ||
	    element == ZERO_SECOND || element == HOUR;

	if (element == UPPER_PM)
		str_add(s, tm->tm_hour >= 12 ? "PM" : "AM");
	else if (element == LOWER_PM)
		str_add(s, tm->tm_hour >= 12 ? "pm" : "am");
	else
		str_addf(s, zero ? "%02d" : "%d",
		    element == HOUR ? tm->tm_hour :
		    element == HOUR_12 || element == ZERO_HOUR_12 ? hour :
		    element == MINUTE || element == ZERO_MINUTE ? tm->tm_min :
		    tm->tm_sec);
}

static void
add_word(struct str *s, const struct word *word,
    const struct template_time *time)
{
	if (word->element == ZONE)
		add_offset(s, word->text, time->offset_s);
	else if (word->element == ZONE_NAME)
		add_zone_name(s, time);
	else if (word->element >= HOUR && word->element <= ZERO_SECOND)
		add_hour(s, word->element, &time->tm);
	else if (word->element == UPPER_PM || word->element == LOWER_PM)
		add_hour(s, word->element, &time->tm);
	else
		add_date(s, word->element, &time->tm);
}

/* The length of ".000" or ",999" at p, or 0: no other digit stands behind. */
static size_t
fraction_length(const char *p)
{
	char digit[2] = { p[0] != '\0' ? p[1] : '\0', '\0' };
	size_t n;

	if ((*p != '.' && *p != ',') || (*digit != '0' && *digit != '9'))
		return 0;
	n = 1 + strspn(p + 1, digit);
	return isdigit((unsigned char)p[n]) ? 0 : n;
}

void
template_time_add(struct str *s, const char *layout,
    const struct template_time *time)
{
	const char *p = layout;

	while (*p != '\0') {
		const struct word *word = find_word(p);
		size_t fraction = fraction_length(p);

		if (word != NULL) {
			add_word(s, word, time);
			p += strlen(word->text);
		} else if (fraction != 0) {
			add_fraction(s, p, fraction - 1, time->nanoseconds);
			p += fraction;
		} else {
			str_addn(s, p++, 1);
		}
	}
}
