/*
 * filter: lines that must not leave the host.
 *
 * A line that one of the expressions is found in is dropped; each run of
 * dropped lines becomes one line that says how many ("[3 lines filtered]"). A
 * line on which a search takes too long is dropped, too: to keep it is the
 * dangerous side.
 */
#ifndef LIB_REPORT_FILTER_H
#define LIB_REPORT_FILTER_H

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/report/report.h"

struct filter;

/* filter_new: no patterns: *ret drops nothing. Fails: ERR_CONFIG a pattern
 * does not compile. */
MUST_CHECK int filter_new(const struct strlist *patterns, struct filter **ret,
    struct err *err);
void filter_free(struct filter *filter);
void filter_freep(struct filter **filter);	/* for CLEANUP */

/* filter_lines: lines, in place. */
MUST_CHECK int filter_lines(struct filter *filter, struct strlist *lines,
    struct err *err);

/* filter_report: every text of the report that tells what went wrong, and its
 * log. A single text (an error) that is dropped becomes "[1 line filtered]". */
MUST_CHECK int filter_report(struct filter *filter, struct report *report,
    struct err *err);

#endif
