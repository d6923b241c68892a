#define _GNU_SOURCE
#include "lib/store/calendar.h"

#include <errno.h>

#define DAY_S 86400

/* Local time minus UTC at t. */
static bool
offset_at(time_t t, long *ret)
{
	struct tm tm;

	if (localtime_r(&t, &tm) == NULL)
		return false;
	*ret = tm.tm_gmtoff;
	return true;
}

static size_t
add_sorted(time_t *v, size_t n, time_t t)
{
	size_t i, at = 0;

	while (at < n && v[at] < t)
		at++;
	if (at < n && v[at] == t)
		return n;
	for (i = n; i > at; i--)
		v[i] = v[i - 1];
	v[at] = t;
	return n + 1;
}

size_t
calendar_readings(const struct tm *tm, time_t ret[CALENDAR_READINGS_MAX],
    bool *ret_shown)
{
	static const int around_s[CALENDAR_READINGS_MAX] = { -DAY_S, 0, DAY_S };
	time_t shown[CALENDAR_READINGS_MAX], all[CALENDAR_READINGS_MAX];
	size_t n_shown = 0, n_all = 0, i;
	struct tm copy = *tm;
	time_t as_utc;
	long offset, again;

	errno = 0;
	as_utc = timegm(&copy);
	if (as_utc == (time_t)-1 && errno != 0)
		return 0;
	/* Every offset that holds about then gives a reading; it is a true one
	 * if that offset does hold at the moment it gives. */
	for (i = 0; i < CALENDAR_READINGS_MAX; i++) {
		if (!offset_at(as_utc + around_s[i], &offset) ||
		    !offset_at(as_utc - offset, &again))
			return 0;
		n_all = add_sorted(all, n_all, as_utc - offset);
		if (again == offset)
			n_shown = add_sorted(shown, n_shown, as_utc - offset);
	}
	if (ret_shown != NULL)
		*ret_shown = n_shown != 0;
	for (i = 0; i < (n_shown != 0 ? n_shown : n_all); i++)
		ret[i] = n_shown != 0 ? shown[i] : all[i];
	return i;
}

/* A week belongs to the year that has its Thursday. */
void
calendar_iso_week(const struct tm *day, int *ret_year, int *ret_week)
{
	struct tm thursday = { .tm_year = day->tm_year, .tm_mon = day->tm_mon,
		.tm_mday = day->tm_mday };

	thursday.tm_mday += 4 - (day->tm_wday == 0 ? 7 : day->tm_wday);
	(void)timegm(&thursday);
	*ret_year = thursday.tm_year + 1900;
	*ret_week = thursday.tm_yday / 7 + 1;
}
