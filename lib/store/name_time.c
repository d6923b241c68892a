#define _GNU_SOURCE
#include "lib/store/name_time.h"

#include <stddef.h>

#include "lib/store/calendar.h"

struct search {
	const struct name_time *known;
	bool (*agrees)(void *cookie, time_t t);
	void *cookie;
	unsigned *steps;
	time_t *ret;
};

/* Counts down; false when none is left. */
static bool
step(struct search *s)
{
	if (*s->steps == 0)
		return false;
	(*s->steps)--;
	return true;
}

static bool
fits(const struct name_time *f, enum name_field field, int64_t value)
{
	return f->v[field] == NAME_UNKNOWN || f->v[field] == value;
}

static bool
week_fits(const struct name_time *f, const struct tm *day)
{
	int year, week;

	if (!fits(f, NAME_WEEK_SUNDAY, (day->tm_yday + 7 - day->tm_wday) / 7) ||
	    !fits(f, NAME_WEEK_MONDAY,
	    (day->tm_yday + 7 - (day->tm_wday + 6) % 7) / 7))
		return false;
	if (f->v[NAME_ISO_YEAR] == NAME_UNKNOWN &&
	    f->v[NAME_ISO_YEAR2] == NAME_UNKNOWN &&
	    f->v[NAME_WEEK_ISO] == NAME_UNKNOWN)
		return true;
	calendar_iso_week(day, &year, &week);
	return fits(f, NAME_ISO_YEAR, year) &&
	    fits(f, NAME_ISO_YEAR2, year % 100) &&
	    fits(f, NAME_WEEK_ISO, week);
}

static bool
day_fits(const struct name_time *f, const struct tm *day)
{
	int year = day->tm_year + 1900;

	return fits(f, NAME_YEAR, year) && fits(f, NAME_CENTURY, year / 100) &&
	    fits(f, NAME_YEAR2, year % 100) &&
	    fits(f, NAME_MONTH, day->tm_mon + 1) &&
	    fits(f, NAME_MDAY, day->tm_mday) &&
	    fits(f, NAME_YDAY, day->tm_yday + 1) &&
	    fits(f, NAME_WDAY, day->tm_wday) && week_fits(f, day);
}

static bool
hour_fits(const struct name_time *f, int hour)
{
	return fits(f, NAME_HOUR, hour) && fits(f, NAME_PM, hour / 12) &&
	    fits(f, NAME_HOUR12, (hour + 11) % 12 + 1);
}

/* A moment at which local clocks show this. */
static bool
try_moment(struct search *s, const struct tm *tm)
{
	time_t readings[CALENDAR_READINGS_MAX];
	bool shown = false;
	size_t n, i;

	n = calendar_readings(tm, readings, &shown);
	for (i = 0; i < n && shown && step(s); i++) {
		*s->ret = readings[i];
		if (s->agrees(s->cookie, readings[i]))
			return true;
	}
	return false;
}

/* Where the clock was put forward the first minutes of an hour are missing:
 * never more than the first half of it. */
static bool
try_hour(struct search *s, const struct tm *hour)
{
	const int64_t *known = s->known->v;
	struct tm tm = *hour;

	tm.tm_sec = known[NAME_SECOND] != NAME_UNKNOWN ?
	    (int)known[NAME_SECOND] : 0;
	if (known[NAME_MINUTE] != NAME_UNKNOWN) {
		tm.tm_min = (int)known[NAME_MINUTE];
		return try_moment(s, &tm);
	}
	tm.tm_min = 0;
	if (try_moment(s, &tm))
		return true;
	tm.tm_min = 30;
	return try_moment(s, &tm);
}

static bool
try_day(struct search *s, const struct tm *day)
{
	struct tm tm = *day;

	for (tm.tm_hour = 0; tm.tm_hour < 24; tm.tm_hour++)
		if (hour_fits(s->known, tm.tm_hour) && try_hour(s, &tm))
			return true;
	return false;
}

static int
days_in(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
		31 };
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month] + (month == 1 && leap);
}

/* Counts the days itself: gmtime_r for each would be most of the work. */
static void
next_day(struct tm *day)
{
	day->tm_yday++;
	day->tm_wday = (day->tm_wday + 1) % 7;
	if (++day->tm_mday > days_in(day->tm_year + 1900, day->tm_mon)) {
		day->tm_mday = 1;
		day->tm_mon++;
	}
}

static bool
try_year(struct search *s, int year)
{
	struct tm day = { .tm_year = year - 1900, .tm_mday = 1 };

	(void)timegm(&day);	/* for its weekday */
	if (!step(s))
		return false;
	for (; day.tm_mon < 12 && *s->steps != 0; next_day(&day))
		if (day_fits(s->known, &day) && try_day(s, &day))
			return true;
	return false;
}

/* As POSIX has it of years with two digits. */
static int
whole_year(int64_t year2)
{
	return (int)year2 + (year2 < 69 ? 2000 : 1900);
}

/* The years that it can be, ascending. Without any it is one of 28: then days
 * and weekdays come again. */
static void
choose_years(const struct name_time *f, int *ret_first, int *ret_last)
{
	int first = 1970, more = 27;

	if (f->v[NAME_YEAR] != NAME_UNKNOWN) {
		first = (int)f->v[NAME_YEAR];
		more = 0;
	} else if (f->v[NAME_CENTURY] != NAME_UNKNOWN) {
		first = (int)f->v[NAME_CENTURY] * 100;
		more = 99;
	} else if (f->v[NAME_YEAR2] != NAME_UNKNOWN) {
		first = whole_year(f->v[NAME_YEAR2]);
		more = 0;
	} else if (f->v[NAME_ISO_YEAR] != NAME_UNKNOWN) {
		first = (int)f->v[NAME_ISO_YEAR] - 1;
		more = 2;
	} else if (f->v[NAME_ISO_YEAR2] != NAME_UNKNOWN) {
		first = whole_year(f->v[NAME_ISO_YEAR2]) - 1;
		more = 2;
	}
	*ret_first = first;
	*ret_last = first + more;
}

bool
name_time_earliest(const struct name_time *known,
    bool (*agrees)(void *cookie, time_t t), void *cookie, unsigned *steps,
    time_t *ret)
{
	struct search s = { known, agrees, cookie, steps, ret };
	int year, last;

	if (known->v[NAME_EPOCH] != NAME_UNKNOWN) {
		*ret = (time_t)known->v[NAME_EPOCH];
		return step(&s) && agrees(cookie, *ret);
	}
	choose_years(known, &year, &last);
	for (; year <= last && *steps != 0; year++)
		if (try_year(&s, year))
			return true;
	return false;
}
