#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/store/calendar.h"
#include "lib/store/retain.h"

#define N_MAX 512

static void
set_zone(const char *zone)
{
	assert_int_equal(setenv("TZ", zone, 1), 0);
	tzset();
}

/* "2026-11-20 03:00" as offset_h hours east of Greenwich have it. */
static time_t
at(const char *text, int offset_h)
{
	struct tm tm = { 0 };

	assert_non_null(strptime(text, "%Y-%m-%d %H:%M", &tm));
	return timegm(&tm) - offset_h * 3600;
}

static struct retain_policy
policy_of(const char *keep, int64_t days)
{
	CLEANUP(strlist_free) struct strlist words = STRLIST_INIT;
	CLEANUP(cleanup_free) char *copy = strdup(keep);
	struct retain_policy policy = { .days = days };
	struct err err = ERR_INIT;
	char *rest = copy, *word;

	while ((word = strsep(&rest, ",")) != NULL)
		if (*word != '\0')
			assert_int_equal(strlist_add(&words, word, &err), 0);
	if (retain_parse_keep(&words, &policy, &err) < 0)
		fail_msg("%s", err.msg);
	return policy;
}

static size_t
select_n(const struct retain_candidate *c, size_t n, time_t now,
    const struct retain_policy *policy, bool gone[N_MAX], bool *guarded)
{
	CLEANUP(cleanup_free) size_t *selected = NULL;
	struct err err = ERR_INIT;
	size_t n_selected, i;

	assert_true(n <= N_MAX);
	memset(gone, 0, N_MAX * sizeof *gone);
	assert_int_equal(retain_select(c, n, now, policy, &selected,
	    &n_selected, guarded, &err), 0);
	for (i = 0; i < n_selected; i++) {
		assert_true(selected[i] < n);
		assert_true(i == 0 || selected[i - 1] < selected[i]);
		gone[selected[i]] = true;
	}
	return n_selected;
}

/* history: times, separated by commas, what stays with a * before it. */
static void
check_history(const char *history, const char *now, int offset_h,
    const struct retain_policy *policy, bool is_guarded)
{
	CLEANUP(cleanup_free) char *copy = strdup(history);
	struct retain_candidate c[64];
	bool stays[64], gone[N_MAX], guarded;
	char *rest = copy, *word;
	size_t n = 0, i;

	while ((word = strsep(&rest, ",")) != NULL) {
		stays[n] = *word == '*';
		c[n].name = word + stays[n];
		c[n].time = at(c[n].name, offset_h);
		n++;
	}
	(void)select_n(c, n, at(now, offset_h), policy, gone, &guarded);
	assert_int_equal(guarded, is_guarded);
	for (i = 0; i < n; i++)
		if (gone[i] == stays[i])
			fail_msg("'%s' %s, of %s at %s", c[i].name,
			    gone[i] ? "goes" : "stays", history, now);
}

/* --- days ---------------------------------------------------------------- */

static void
days_keep_what_is_not_older(void **state)
{
	static const struct {
		int64_t days;
		int64_t leeway_s;
		const char *history;
		bool guarded;
	} cases[] = {
		/* now is 2026-11-20 03:00 */
		{ 7, 0, "*2026-11-20 03:00,*2026-11-13 03:00,"
		    "2026-11-13 02:59,2026-10-01 00:00", false },
		{ 7, 60, "*2026-11-20 03:00,*2026-11-13 03:01,"
		    "2026-11-13 03:00", false },
		{ 7, 7200, "*2026-11-20 03:00,*2026-11-13 05:00,"
		    "2026-11-13 04:59", false },
		{ 0, 0, "*2026-11-20 03:00,2026-11-20 02:59", false },
		/* It never empties: not with 0 days, nor after a long pause.*/
		{ 0, 60, "*2026-11-20 03:00,*2026-11-19 03:00", true },
		{ 7, 0, "*2026-11-01 03:00,*2026-10-01 00:00", true },
		{ 7, 0, "*2026-11-01 03:00", true },
		{ 7, 0, "*2026-11-19 03:00,*2026-11-18 03:00", false },
		{ 7, 0, "*2099-01-01 00:00,2026-11-01 03:00", false },
		{ 1, 172800, "*2026-11-21 03:00,2026-11-20 03:00", false },
		{ 36500, 0, "*2026-11-20 03:00,*1970-01-02 00:00", false },
		{ INT64_MAX, 0, "*2026-11-20 03:00,*1970-01-02 00:00", false },
		{ 1, INT64_MAX, "*2026-11-20 03:00,*1970-01-02 00:00", true },
		{ -1, 0, "*2026-11-20 03:00,*1970-01-02 00:00", false },
	};
	size_t i;

	(void)state;
	set_zone("UTC");
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct retain_policy policy = { .days = cases[i].days,
			.leeway_s = cases[i].leeway_s };

		check_history(cases[i].history, "2026-11-20 03:00", 0, &policy,
		    cases[i].guarded);
	}
}

static void
days_are_those_of_the_calendar(void **state)
{
	static const struct {
		const char *zone;
		int offset_h;	/* of now and the history */
		int64_t days;
		const char *now;
		const char *history;
	} cases[] = {
		/* Clocks went forward on 29 March at 2: that day has 23 hours,
		 * and 3 o'clock summer time is 2 o'clock winter time. */
		{ "Europe/Berlin", 1, 1, "2026-03-30 02:00",
		    "*2026-03-30 02:00,*2026-03-29 02:00,2026-03-29 01:59" },
		{ "Europe/Berlin", 1, 2, "2026-03-30 02:00",
		    "*2026-03-30 02:00,*2026-03-28 03:00,2026-03-28 02:59" },
		/* Back on 25 October at 3: 25 hours. */
		{ "Europe/Berlin", 1, 1, "2026-10-26 03:00",
		    "*2026-10-26 03:00,*2026-10-25 03:00,2026-10-25 02:59" },
		{ "Europe/Berlin", 1, 2, "2026-10-26 03:00",
		    "*2026-10-26 03:00,*2026-10-24 02:00,2026-10-24 01:59" },
		/* A deadline that is there twice, or never: the earlier. */
		{ "Europe/Berlin", 1, 1, "2026-10-26 02:30",
		    "*2026-10-26 02:30,*2026-10-25 01:30,2026-10-25 01:29" },
		{ "Europe/Berlin", 1, 1, "2026-03-30 01:30",
		    "*2026-03-30 01:30,*2026-03-29 01:30,2026-03-29 01:29" },
		{ "America/New_York", -5, 1, "2026-03-09 02:00",
		    "*2026-03-09 02:00,*2026-03-08 02:00,2026-03-08 01:59" },
		{ "America/New_York", -5, 2, "2026-03-09 02:00",
		    "*2026-03-09 02:00,*2026-03-07 03:00,2026-03-07 02:59" },
		{ "America/New_York", -5, 1, "2026-11-02 03:00",
		    "*2026-11-02 03:00,*2026-11-01 03:00,2026-11-01 02:59" },
		{ "America/New_York", -5, 2, "2026-11-02 03:00",
		    "*2026-11-02 03:00,*2026-10-31 02:00,2026-10-31 01:59" },
		/* Leap days, ends of years. */
		{ "UTC", 0, 1, "2024-03-01 00:00",
		    "*2024-03-01 00:00,*2024-02-29 00:00,2024-02-28 23:59" },
		{ "UTC", 0, 1, "2025-03-01 00:00",
		    "*2025-03-01 00:00,*2025-02-28 00:00,2025-02-27 23:59" },
		{ "UTC", 0, 366, "2025-01-01 00:00",
		    "*2025-01-01 00:00,*2024-01-01 00:00,2023-12-31 23:59" },
		{ "UTC", 0, 31, "2026-01-05 12:00",
		    "*2026-01-05 12:00,*2025-12-05 12:00,2025-12-05 11:59" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct retain_policy policy = { .days = cases[i].days };

		set_zone(cases[i].zone);
		check_history(cases[i].history, cases[i].now,
		    cases[i].offset_h, &policy, false);
	}
}

/* --- keep ---------------------------------------------------------------- */

#define SUNDAYS_OLD "2019-09-01 11:00,2019-09-08 11:00,2019-09-15 11:00," \
    "2019-09-22 11:00,2019-09-29 11:00,2019-10-06 11:00,2019-10-13 11:00," \
    "2019-10-20 11:00,"
#define SUNDAYS_NEW "*2019-10-27 11:00,*2019-11-03 11:00,*2019-11-10 11:00," \
    "*2019-11-17 11:00"

static void
keep_is_as_restic_documents_it(void **state)
{
	static const struct {
		const char *keep;
		const char *history;
	} cases[] = {
		{ "daily=4", SUNDAYS_OLD SUNDAYS_NEW },
		{ "weekly=4", SUNDAYS_OLD SUNDAYS_NEW },
		{ "last=4", SUNDAYS_OLD SUNDAYS_NEW },
		{ "hourly=4", SUNDAYS_OLD SUNDAYS_NEW },
		{ "within=27d", SUNDAYS_OLD SUNDAYS_NEW },
		/* Within is open at its end, as in restic. */
		{ "within=21d", "2019-10-27 11:00,*2019-11-03 11:00,"
		    "*2019-11-10 11:00,*2019-11-17 11:00" },
		{ "within=21d1h", SUNDAYS_OLD SUNDAYS_NEW },
		{ "within=1m", "2019-10-13 11:00,*2019-10-20 11:00,"
		    SUNDAYS_NEW },
		/* Days without an archive do not count. */
		{ "daily=2", "2019-11-01 11:00,*2019-11-09 10:00,"
		    "2019-11-17 11:00,*2019-11-17 12:00" },
		/* One rule is enough. */
		{ "last=1,monthly=2", "2019-09-01 11:00,2019-10-06 11:00,"
		    "*2019-10-27 11:00,2019-11-10 11:00,*2019-11-17 11:00" },
		{ "last=2,yearly=1", "2018-09-01 11:00,2019-10-06 11:00,"
		    "*2019-11-10 11:00,*2019-11-17 11:00" },
		/* Where there are fewer, the oldest is kept. */
		{ "yearly=3", "*2018-09-01 11:00,2018-10-01 11:00,"
		    "*2018-11-01 11:00,2019-10-06 11:00,*2019-11-17 11:00" },
		{ "yearly=2", "2018-09-01 11:00,2018-10-01 11:00,"
		    "*2018-11-01 11:00,2019-10-06 11:00,*2019-11-17 11:00" },
		{ "yearly=unlimited", "*2014-01-01 00:00,2017-09-01 11:00,"
		    "*2017-10-01 11:00,*2018-11-01 11:00,*2019-11-17 11:00" },
		{ "last=-1", "*2014-01-01 00:00,*2019-11-17 11:00" },
		{ "hourly=2", "2019-11-17 09:59,2019-11-17 10:00,"
		    "*2019-11-17 10:59,2019-11-17 11:00,*2019-11-17 11:01" },
		/* The time of a wrong clock makes nothing old, and stays. */
		{ "within=7d", "2019-11-01 11:00,*2019-11-17 11:00,"
		    "*2030-01-01 00:00" },
		{ "within=7d", "*2029-01-01 11:00,*2030-01-01 00:00" },
		{ "last=1", "2019-11-17 11:00,*2030-01-01 00:00" },
	};
	size_t i;

	(void)state;
	set_zone("UTC");
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct retain_policy policy = policy_of(cases[i].keep, -1);

		check_history(cases[i].history, "2019-11-20 03:00", 0,
		    &policy, false);
	}
}

/* "Suppose you make one backup every day for 100 years": --keep-daily 7
 * --keep-weekly 5 --keep-monthly 12 --keep-yearly 75. */
static void
a_hundred_years_are_thinned_out(void **state)
{
	struct retain_policy policy =
	    policy_of("daily=7,weekly=5,monthly=12,yearly=75", -1);
	CLEANUP(cleanup_free) struct retain_candidate *c = NULL;
	CLEANUP(cleanup_free) size_t *selected = NULL;
	size_t n = 36525, n_selected, i;
	time_t now = at("2026-11-20 03:00", 0);
	struct err err = ERR_INIT;
	bool guarded;

	(void)state;
	set_zone("UTC");
	c = calloc(n, sizeof *c);
	assert_non_null(c);
	for (i = 0; i < n; i++)
		c[i] = (struct retain_candidate){ "x",
			now - (time_t)i * 86400 };
	assert_int_equal(retain_select(c, n, now, &policy, &selected,
	    &n_selected, &guarded, &err), 0);
	/* 14 to 20 November; Sundays 15 (is there), 8, 1 November, 25 October;
	 * ends of October to December 2025; of 2024 (2025 is there) to 1952 */
	assert_int_equal(n - n_selected, 7 + 3 + 11 + 73);
}

static void
buckets_are_those_of_local_time(void **state)
{
	static const struct {
		const char *zone;
		int offset_h;
		const char *keep;
		const char *history;
	} cases[] = {
		/* Midnight in Berlin is 23 o'clock in Greenwich. */
		{ "Europe/Berlin", 0, "daily=2", "2026-01-10 22:00,"
		    "*2026-01-10 22:30,2026-01-10 23:30,*2026-01-11 22:30" },
		{ "UTC", 0, "daily=2", "2026-01-10 22:00,2026-01-10 22:30,"
		    "*2026-01-10 23:30,*2026-01-11 22:30" },
		{ "America/New_York", 0, "daily=2", "2026-01-10 04:30,"
		    "2026-01-10 05:30,*2026-01-11 04:59,"
		    "*2026-01-11 05:00" },
		/* The hour that is there twice is one hour. */
		{ "Europe/Berlin", 0, "hourly=2", "2026-10-24 23:30,"
		    "2026-10-25 00:30,*2026-10-25 01:30,*2026-10-25 02:30" },
		{ "America/New_York", 0, "hourly=2", "2026-11-01 04:30,"
		    "2026-11-01 05:30,*2026-11-01 06:30,*2026-11-01 07:30" },
		/* The one that is left out is none. */
		{ "Europe/Berlin", 0, "hourly=2", "2026-03-28 23:30,"
		    "*2026-03-29 00:30,*2026-03-29 01:30" },
		/* ISO weeks: 2020 has 53, and the last of them ends on 3
		 * January; Monday 29 December 2025 is in the first of 2026.*/
		{ "UTC", 0, "weekly=2", "2020-12-27 12:00,2020-12-28 12:00,"
		    "2020-12-31 12:00,*2021-01-03 12:00,*2021-01-04 12:00" },
		{ "UTC", 0, "weekly=2", "2025-12-21 12:00,*2025-12-28 12:00,"
		    "2025-12-29 12:00,2025-12-31 12:00,*2026-01-04 12:00" },
		{ "UTC", 0, "weekly=1", "2024-12-29 23:59,2024-12-30 00:00,"
		    "*2025-01-05 23:59" },
		{ "UTC", 0, "daily=2", "2024-02-28 12:00,*2024-02-29 12:00,"
		    "*2024-03-01 12:00" },
		{ "UTC", 0, "monthly=1", "2023-12-31 23:59,2024-01-01 00:00,"
		    "*2024-01-31 23:59" },
		{ "UTC", 0, "yearly=2", "2022-12-31 23:59,2023-01-01 00:00,"
		    "*2023-12-31 23:59,*2024-01-01 00:00" },
		/* 31 March less a month is 31 February, which is 3 March (or 2
		 * in a leap year); less a year of 29 February is 1 March. */
		{ "UTC", 0, "within=1m", "2025-03-03 12:00,*2025-03-03 12:01,"
		    "*2025-03-31 12:00" },
		{ "UTC", 0, "within=1m", "2024-03-02 12:00,*2024-03-02 12:01,"
		    "*2024-03-31 12:00" },
		{ "UTC", 0, "within=1y", "2023-03-01 12:00,*2023-03-01 12:01,"
		    "*2024-02-29 12:00" },
		/* A day of within is one of the calendar, an hour is not. */
		{ "Europe/Berlin", 1, "within=1d", "2026-03-29 02:00,"
		    "*2026-03-29 02:01,*2026-03-30 02:00" },
		{ "Europe/Berlin", 1, "within=2d", "2026-03-28 03:00,"
		    "*2026-03-28 03:01,*2026-03-30 02:00" },
		{ "Europe/Berlin", 1, "within=48h", "2026-03-28 02:00,"
		    "*2026-03-28 02:01,*2026-03-30 02:00" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct retain_policy policy = policy_of(cases[i].keep, -1);

		set_zone(cases[i].zone);
		check_history(cases[i].history, "2026-11-20 03:00",
		    cases[i].offset_h, &policy, false);
	}
}

static void
days_and_keep_and_min_keep_are_united(void **state)
{
	struct retain_policy policy = policy_of("monthly=2", 7);
	static const char months[] = "2026-09-30 03:00,2026-10-30 03:00,"
	    "*2026-10-31 03:00,2026-11-12 03:00,*2026-11-14 03:00,"
	    "*2026-11-20 03:00";
	static const char four[] = "2026-09-30 03:00,2026-10-30 03:00,"
	    "*2026-10-31 03:00,*2026-11-12 03:00,*2026-11-14 03:00,"
	    "*2026-11-20 03:00";

	(void)state;
	set_zone("UTC");
	check_history(months, "2026-11-20 03:00", 0, &policy, false);
	policy.min_keep = 3;
	check_history(four, "2026-11-20 03:00", 0, &policy, false);
	policy = (struct retain_policy){ .days = 1, .min_keep = 2 };
	check_history("2026-09-30 03:00,*2026-10-30 03:00,*2026-11-20 03:00",
	    "2026-11-20 03:00", 0, &policy, false);
	/* The guard does not count what min_keep would have left. */
	check_history("*2026-09-30 03:00,*2026-10-30 03:00,*2026-10-31 03:00",
	    "2026-11-20 03:00", 0, &policy, true);
	policy = (struct retain_policy){ .days = -1, .min_keep = 1 };
	assert_false(retain_is_on(&policy));
	check_history("*2026-09-30 03:00,*2026-10-30 03:00",
	    "2026-11-20 03:00", 0, &policy, false);
	policy.days = 0;
	assert_true(retain_is_on(&policy));
	policy = policy_of("last=1", -1);
	assert_true(retain_is_on(&policy));
}

static void
nothing_of_nothing_is_nothing(void **state)
{
	struct retain_policy policy = policy_of("last=1", 7);
	bool gone[N_MAX], guarded = true;

	(void)state;
	assert_int_equal(select_n(NULL, 0, 0, &policy, gone, &guarded), 0);
	assert_false(guarded);
}

static void
names_decide_between_equal_times(void **state)
{
	struct retain_policy policy = policy_of("last=1", -1);
	struct retain_candidate c[] = { { "b", 5 }, { "c", 5 }, { "a", 5 } };
	bool gone[N_MAX], guarded;

	(void)state;
	assert_int_equal(select_n(c, 3, 0, &policy, gone, &guarded), 2);
	assert_false(gone[1]);
}

static void
times_that_no_calendar_holds_do_no_harm(void **state)
{
	struct retain_policy policy =
	    policy_of("hourly=1,weekly=1,within=1000000y1000000h", 3);
	struct retain_candidate c[] = { { "a", INT64_MAX }, { "b", INT64_MIN },
		{ "c", 0 } };
	bool gone[N_MAX], guarded;

	(void)state;
	(void)select_n(c, 3, 1000000000, &policy, gone, &guarded);
	assert_false(gone[0]);
	(void)select_n(c, 3, INT64_MAX, &policy, gone, &guarded);
	(void)select_n(c, 3, INT64_MIN, &policy, gone, &guarded);
}

/* --- the setting --------------------------------------------------------- */

static void
the_words_of_keep_are_read(void **state)
{
	struct retain_policy p = policy_of("last=3,hourly=24,daily=7,weekly=4,"
	    "monthly=12,yearly=unlimited,within=1y2m3d4h", 5);

	(void)state;
	assert_true(p.has_keep && p.has_within);
	assert_int_equal(p.days, 5);
	assert_int_equal(p.last, 3);
	assert_int_equal(p.hourly, 24);
	assert_int_equal(p.daily, 7);
	assert_int_equal(p.weekly, 4);
	assert_int_equal(p.monthly, 12);
	assert_int_equal(p.yearly, -1);
	assert_int_equal(p.within_years, 1);
	assert_int_equal(p.within_months, 2);
	assert_int_equal(p.within_days, 3);
	assert_int_equal(p.within_hours, 4);
	p = policy_of("within=90d", -1);
	assert_true(p.has_keep && p.has_within);
	assert_int_equal(p.within_days, 90);
	assert_int_equal(p.last, 0);
	p = policy_of("daily=-1,last=0", -1);
	assert_int_equal(p.daily, -1);
	assert_false(p.has_within);
	p = policy_of("", 3);
	assert_false(p.has_keep);
	assert_int_equal(p.days, 3);
}

static void
what_keep_cannot_mean_is_refused(void **state)
{
	static const struct {
		const char *words[3];
		const char *message;
	} cases[] = {
		{ { "last" }, "'last' is not like last=3" },
		{ { "last=" }, "'last=' has no number" },
		{ { "last=x" }, "no number" },
		{ { "last=3x" }, "no number" },
		{ { "last=-2" }, "no number" },
		{ { "last= 3" }, "no number" },
		{ { "last=+3" }, "no number" },
		{ { "last=99999999999999999999" }, "no number" },
		{ { "weakly=3" }, "'weakly=3' is unknown" },
		{ { "=3" }, "'=3' is unknown" },
		{ { "Last=3" }, "unknown" },
		{ { "with=3d" }, "unknown" },
		{ { "within=" }, "'within=' is not a span" },
		{ { "within=3" }, "not a span" },
		{ { "within=0d" }, "not a span" },
		{ { "within=1w" }, "not a span" },
		{ { "within=1d2d" }, "not a span" },
		{ { "within=-1d" }, "not a span" },
		{ { "within=unlimited" }, "not a span" },
		{ { "within=9999999y" }, "not a span" },
		{ { "last=3", "last=4" }, "'last=4' is there a second time" },
		{ { "within=3d", "last=4", "within=3d" }, "second time" },
		{ { "last=0" }, "it keeps nothing" },
		{ { "last=0", "daily=0" }, "it keeps nothing" },
	};
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CLEANUP(strlist_free) struct strlist words = STRLIST_INIT;
		struct retain_policy policy = { .days = 9, .last = 77 };
		struct err err = ERR_INIT;

		for (k = 0; k < 3 && cases[i].words[k] != NULL; k++)
			assert_int_equal(strlist_add(&words,
			    cases[i].words[k], &err), 0);
		assert_int_equal(retain_parse_keep(&words, &policy, &err),
		    -1);
		assert_int_equal(err.kind, ERR_CONFIG);
		if (strstr(err.msg, cases[i].message) == NULL)
			fail_msg("'%s', not '%s'", err.msg, cases[i].message);
		assert_int_equal(policy.last, 77);
	}
}

/* --- properties ---------------------------------------------------------- */

static uint64_t seed;

static uint64_t
draw(uint64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % below;
}

/* The seed says how to have that history again. */
static uint64_t run_seed;
#define HOLDS(claim) do {						\
	if (!(claim))							\
		fail_msg("seed %#llx: not %s",				\
		    (unsigned long long)run_seed, #claim);		\
} while (0)

struct history {
	struct retain_candidate c[N_MAX];
	char names[N_MAX][24];
	size_t n;
	time_t now;
	struct retain_policy policy;
};

static int64_t
draw_count(void)
{
	return draw(3) != 0 ? 0 : draw(8) == 0 ? -1 : (int64_t)draw(9);
}

static void
draw_policy(struct retain_policy *p)
{
	*p = (struct retain_policy){
		.days = draw(2) == 0 ? -1 : (int64_t)draw(200),
		.leeway_s = draw(3) == 0 ? (int64_t)draw(3 * 86400) : 60,
		.has_keep = draw(3) != 0,
		.min_keep = draw(2) == 0 ? 1 : (int64_t)draw(6),
	};
	if (!p->has_keep)
		return;
	p->last = draw_count();
	p->hourly = draw_count();
	p->daily = draw_count();
	p->weekly = draw_count();
	p->monthly = draw_count();
	p->yearly = draw_count();
	p->has_within = draw(4) == 0;
	if (!p->has_within)
		return;
	p->within_years = (int64_t)draw(2);
	p->within_months = (int64_t)draw(3);
	p->within_days = (int64_t)draw(40);
	p->within_hours = (int64_t)draw(30);
}

/* Around the changes of clocks, with gaps, bursts, equal times, and now and
 * then one from the future. */
static void
draw_history(struct history *h)
{
	static const char *const zones[] = { "UTC", "Europe/Berlin",
		"America/New_York", "Australia/Lord_Howe",
		"America/St_Johns", "America/Sao_Paulo" };
	static const int steps_s[] = { 1, 600, 3600, 86400, 7 * 86400,
		40 * 86400 };
	uint64_t step_s = (uint64_t)steps_s[draw(6)];
	size_t i;

	set_zone(zones[draw(6)]);
	h->now = 1700000000 + (time_t)draw(126230400);
	h->n = draw(60);
	draw_policy(&h->policy);
	for (i = 0; i < h->n; i++) {
		(void)snprintf(h->names[i], sizeof h->names[i], "%zu", i);
		h->c[i].name = h->names[i];
		h->c[i].time = h->now - (time_t)draw(step_s * 30 + 1);
		if (draw(40) == 0)
			h->c[i].time = h->now + (time_t)draw(step_s);
		if (i != 0 && draw(10) == 0)
			h->c[i].time = h->c[i - 1].time;
	}
}

static bool
is_newer(const struct retain_candidate *a, const struct retain_candidate *b)
{
	return a->time != b->time ? a->time > b->time :
	    strcmp(a->name, b->name) > 0;
}

static size_t
rank_of(const struct history *h, size_t i)
{
	size_t rank = 0, k;

	for (k = 0; k < h->n; k++)
		rank += is_newer(&h->c[k], &h->c[i]);
	return rank;
}

static void
check_never_too_many(const struct history *h, const bool *gone,
    size_t n_gone, bool guarded)
{
	size_t i;

	HOLDS(h->n == 0 || n_gone < h->n);
	HOLDS(!guarded || (n_gone == 0 && h->n != 0));
	if (!retain_is_on(&h->policy))
		HOLDS(n_gone == 0 && !guarded);
	for (i = 0; i < h->n; i++) {
		if (!gone[i])
			continue;
		HOLDS(rank_of(h, i) != 0);
		HOLDS((int64_t)rank_of(h, i) >= h->policy.min_keep);
	}
}

static void
check_order_does_not_matter(const struct history *h, const bool *gone,
    bool guarded)
{
	struct history other = *h;
	bool other_gone[N_MAX], other_guarded;
	size_t from[N_MAX], i, k;

	for (i = 0; i < h->n; i++)
		from[i] = i;
	for (i = h->n; i > 1; i--) {
		size_t t = from[i - 1];

		k = draw(i);
		from[i - 1] = from[k];
		from[k] = t;
	}
	for (i = 0; i < h->n; i++)
		other.c[i] = h->c[from[i]];
	(void)select_n(other.c, h->n, h->now, &h->policy, other_gone,
	    &other_guarded);
	HOLDS(guarded == other_guarded);
	for (i = 0; i < h->n; i++)
		HOLDS(other_gone[i] == gone[from[i]]);
}

static void
check_idempotent(const struct history *h, const bool *gone, bool guarded)
{
	struct history left = *h;
	bool again[N_MAX], again_guarded;
	size_t i;

	left.n = 0;
	for (i = 0; i < h->n; i++)
		if (!gone[i])
			left.c[left.n++] = h->c[i];
	HOLDS(select_n(left.c, left.n, h->now, &h->policy, again,
	    &again_guarded) == 0);
	HOLDS(guarded == again_guarded);
}

/* Keeps of one rule, without min_keep and without the guard's help. */
static void
add_keeps(const struct history *h, const struct retain_policy *rule,
    bool *kept)
{
	bool gone[N_MAX], guarded;
	size_t i;

	(void)select_n(h->c, h->n, h->now, rule, gone, &guarded);
	for (i = 0; !guarded && i < h->n; i++)
		kept[i] = kept[i] || !gone[i];
}

/* What goes goes by every rule on its own; what stays stays by one of them, by
 * min_keep, or by the guard. */
static void
check_union(const struct history *h, const bool *gone, bool guarded)
{
	const struct retain_policy *p = &h->policy, none = { .days = -1,
		.has_keep = true };
	struct retain_policy rules[8];
	bool kept[N_MAX] = { false };
	size_t i, any = 0;

	if (!retain_is_on(p))
		return;
	for (i = 0; i < 8; i++)
		rules[i] = none;
	rules[0].last = p->last;
	rules[1].hourly = p->hourly;
	rules[2].daily = p->daily;
	rules[3].weekly = p->weekly;
	rules[4].monthly = p->monthly;
	rules[5].yearly = p->yearly;
	rules[6] = *p;
	rules[6].days = -1;
	rules[6].min_keep = 0;
	rules[6].last = rules[6].hourly = rules[6].daily = 0;
	rules[6].weekly = rules[6].monthly = rules[6].yearly = 0;
	rules[7] = (struct retain_policy){ .days = p->days,
		.leeway_s = p->leeway_s, .has_keep = p->days < 0 };
	for (i = 0; i < 8; i++)
		if (retain_is_on(&rules[i]))
			add_keeps(h, &rules[i], kept);
	for (i = 0; i < h->n; i++)
		any += kept[i];
	HOLDS(guarded == (h->n != 0 && any == 0));
	for (i = 0; !guarded && i < h->n; i++)
		HOLDS(gone[i] == (!kept[i] &&
		    (int64_t)rank_of(h, i) >= p->min_keep));
}

static void
random_histories_keep_the_promises(void **state)
{
	const uint64_t first = UINT64_C(0x9e3779b97f4a7c15);
	static struct history h;
	bool gone[N_MAX], guarded;
	size_t run, n_gone;

	(void)state;
	for (run = 1; run <= 20000; run++) {
		run_seed = seed = first * run;
		draw_history(&h);
		n_gone = select_n(h.c, h.n, h.now, &h.policy, gone, &guarded);
		check_never_too_many(&h, gone, n_gone, guarded);
		check_order_does_not_matter(&h, gone, guarded);
		check_idempotent(&h, gone, guarded);
		check_union(&h, gone, guarded);
	}
}

/* --- the calendar underneath --------------------------------------------- */

static void
every_moment_is_among_the_readings_of_its_local_time(void **state)
{
	static const char *const zones[] = { "UTC", "Europe/Berlin",
		"America/New_York", "Australia/Lord_Howe", "Pacific/Apia",
		"Africa/Casablanca", "America/St_Johns", "Europe/Moscow" };
	time_t readings[CALENDAR_READINGS_MAX], t;
	size_t i, k, n;
	struct tm tm;
	bool shown, found;

	(void)state;
	seed = 3;
	for (i = 0; i < 80000; i++) {
		if (i % 10000 == 0)
			set_zone(zones[i / 10000]);
		t = (time_t)draw(UINT64_C(2000000000)) / 900 * 900;
		assert_non_null(localtime_r(&t, &tm));
		n = calendar_readings(&tm, readings, &shown);
		found = false;
		for (k = 0; k < n; k++)
			found = found || readings[k] == t;
		assert_true(shown && found);
	}
}

static void
weeks_are_those_of_strftime(void **state)
{
	char text[16], expected[16];
	time_t t;
	struct tm tm;
	int year, week;

	(void)state;
	for (t = 0; t < INT64_C(5000000000); t += 86400) {
		assert_non_null(gmtime_r(&t, &tm));
		calendar_iso_week(&tm, &year, &week);
		assert_true(strftime(expected, sizeof expected, "%G-%V",
		    &tm) != 0);
		(void)snprintf(text, sizeof text, "%04d-%02d", year, week);
		assert_string_equal(text, expected);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(days_keep_what_is_not_older),
		cmocka_unit_test(days_are_those_of_the_calendar),
		cmocka_unit_test(keep_is_as_restic_documents_it),
		cmocka_unit_test(a_hundred_years_are_thinned_out),
		cmocka_unit_test(buckets_are_those_of_local_time),
		cmocka_unit_test(days_and_keep_and_min_keep_are_united),
		cmocka_unit_test(nothing_of_nothing_is_nothing),
		cmocka_unit_test(names_decide_between_equal_times),
		cmocka_unit_test(times_that_no_calendar_holds_do_no_harm),
		cmocka_unit_test(the_words_of_keep_are_read),
		cmocka_unit_test(what_keep_cannot_mean_is_refused),
		cmocka_unit_test(random_histories_keep_the_promises),
		cmocka_unit_test(
		    every_moment_is_among_the_readings_of_its_local_time),
		cmocka_unit_test(weeks_are_those_of_strftime),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
