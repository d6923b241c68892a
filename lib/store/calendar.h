/*
 * calendar: from local time to seconds since the epoch. Pure, but for TZ.
 *
 * mktime(3) guesses where a local time came twice (the clock was put back) or
 * never (it was put forward), and its guess depends on what it was asked
 * before. Here the answer is always the earliest one.
 */
#ifndef LIB_STORE_CALENDAR_H
#define LIB_STORE_CALENDAR_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#define CALENDAR_READINGS_MAX 3

/*
 * calendar_readings: every moment at which local clocks showed this, or, where
 * none did, what they would have shown but for the change.
 *
 * Takes    tm: year, month, day, hour, minute, second; may be out of range (40
 *          January is 9 February); the rest of it is not looked at
 * Gives    ret, ascending, all different; returns how many: 0 if no calendar
 *          holds it; *ret_shown (may be NULL): clocks did show it
 */
size_t calendar_readings(const struct tm *tm,
    time_t ret[CALENDAR_READINGS_MAX], bool *ret_shown);

/* calendar_iso_week: the ISO 8601 week (1 to 53) of a day, as localtime_r gives
 * it, and the year that this week belongs to. */
void calendar_iso_week(const struct tm *day, int *ret_year, int *ret_week);

#endif
