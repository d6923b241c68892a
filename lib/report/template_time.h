/*
 * template_time: times as Go's layouts want them.
 *
 * A layout shows how Mon Jan 2 15:04:05 MST 2006 would look. Known are all
 * elements of Go's time package: January Jan 1 01, 2 _2 02, __2 002 (day of the
 * year), Monday Mon, 15 3 03 PM pm, 4 04, 5 05, 2006 06, .000 .999 (behind any
 * digits), MST, Z0700 Z07:00 Z07 -0700 -07:00 -07 and those with seconds. All
 * else stands for itself. Names are English. Pure, but for MST: the local zone
 * gives its name if its offset is that of the time, else the offset stands.
 */
#ifndef LIB_REPORT_TEMPLATE_TIME_H
#define LIB_REPORT_TEMPLATE_TIME_H

#include <stdbool.h>
#include <time.h>

#include "lib/base/str.h"

struct template_time {
	struct tm tm;		/* as it stands in the text, all members but
				 * those of the zone */
	long nanoseconds;
	long offset_s;		/* east of UTC */
	time_t epoch;
};

#define TEMPLATE_TIME_RFC3339 "2006-01-02T15:04:05Z07:00"

/* template_time_parse: RFC 3339, years 0000 to 9999; false if text is none. */
bool template_time_parse(const char *text, struct template_time *ret);

/* template_time_add: appends to *s. */
void template_time_add(struct str *s, const char *layout,
    const struct template_time *time);

#endif
