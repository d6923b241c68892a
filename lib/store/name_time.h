/*
 * name_time: what a name tells of the time it was made of, and the earliest
 * moment that agrees with it. For name_match.c only.
 */
#ifndef LIB_STORE_NAME_TIME_H
#define LIB_STORE_NAME_TIME_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

enum name_field {
	NAME_YEAR,		/* 2026 */
	NAME_CENTURY,		/* 20 */
	NAME_YEAR2,		/* 26 */
	NAME_ISO_YEAR,		/* the year of the ISO week */
	NAME_ISO_YEAR2,
	NAME_MONTH,		/* 1 to 12 */
	NAME_MDAY,		/* 1 to 31 */
	NAME_YDAY,		/* 1 to 366 */
	NAME_WDAY,		/* 0 to 6, from Sunday */
	NAME_WEEK_SUNDAY,	/* 0 to 53, as %U */
	NAME_WEEK_MONDAY,	/* 0 to 53, as %W */
	NAME_WEEK_ISO,		/* 1 to 53 */
	NAME_HOUR,		/* 0 to 23 */
	NAME_HOUR12,		/* 1 to 12 */
	NAME_PM,		/* 0 or 1 */
	NAME_MINUTE,
	NAME_SECOND,
	NAME_EPOCH,		/* seconds since the epoch */
	NAME_FIELDS
};

#define NAME_UNKNOWN (-1)

struct name_time {
	int64_t v[NAME_FIELDS];	/* or NAME_UNKNOWN */
};

/*
 * name_time_earliest: the earliest moment from 1970 on (of a year that is
 * known: in that year) which is shown like this by local clocks and which
 * agrees() likes. The parts of a second, minute or hour that are not known are
 * the first that exist: a clock that is put forward skips some.
 *
 * Takes    *steps: how many calls of agrees and years may be tried; counted
 *          down
 * Gives    false if there is none, or no step is left
 */
bool name_time_earliest(const struct name_time *known,
    bool (*agrees)(void *cookie, time_t t), void *cookie, unsigned *steps,
    time_t *ret);

#endif
