/*
 * retain: which archives to keep. A pure function of names, times and a clock.
 *
 * Two policies, whose keeps are united where both are set:
 *   days   what is not older than a deadline: now - days calendar days (local
 *          time, DST aware) + leeway; as docker-volume-backup computes it
 *   keep   last=N, hourly=N, daily=N, weekly=N, monthly=N, yearly=N,
 *          within=SPAN; as restic does: of each of the N newest hours (days,
 *          ISO weeks, ...) that have an archive, the newest one is kept, and
 *          of fewer than N the oldest archive of all, too; within is counted
 *          back from the newest archive that is not in the future
 * min_keep: so many newest ones are kept whatever else.
 *
 * All-or-nothing guard: if the policies keep no candidate, none goes. min_keep
 * does not count for it: else days=0 would leave nothing but so many.
 */
#ifndef LIB_STORE_RETAIN_H
#define LIB_STORE_RETAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

struct retain_policy {
	int64_t days;		/* -1: no such policy */
	int64_t leeway_s;
	bool has_keep;
	int64_t last, hourly, daily, weekly, monthly, yearly;	/* 0: none,
				 * -1: all of them */
	/* Calendar span, as restic's: 1y2m3d4h. */
	int64_t within_years, within_months, within_days, within_hours;
	bool has_within;
	int64_t min_keep;
};

/* retain_parse_keep: the words of the keep setting ("last=3", "within=1y6m",
 * "daily=unlimited"), into the keep fields of *ret; no words: has_keep is
 * false. *ret is untouched on failure.
 * Fails    ERR_CONFIG the word and what is wrong with it; a word twice; words
 *          that keep nothing (last=0) */
MUST_CHECK int retain_parse_keep(const struct strlist *words,
    struct retain_policy *ret, struct err *err);

/* retain_is_on: does this policy ever remove anything? */
bool retain_is_on(const struct retain_policy *policy);

struct retain_candidate {
	const char *name;
	time_t time;
};

/*
 * retain_select: choose the archives to remove.
 *
 * Takes    candidates (n, any order, borrowed); now (UTC epoch); policy
 * Gives    *ret: indices into candidates, ascending, caller frees; *ret_n;
 *          *ret_guarded: every one would have gone, so none goes (*ret_n is 0)
 * Promise  the newest is never selected; not all ever are; equal input gives
 *          equal output whatever the order; what is left over, asked again at
 *          the same time, selects nothing
 * Fails    ERR_NOMEM
 * Source   vbackup.conf(5), section Retention
 */
MUST_CHECK int retain_select(const struct retain_candidate *candidates,
    size_t n, time_t now, const struct retain_policy *policy, size_t **ret,
    size_t *ret_n, bool *ret_guarded, struct err *err);

#endif
