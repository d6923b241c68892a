#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/store/name.h"

static void
set_zone(const char *zone)
{
	assert_int_equal(setenv("TZ", zone, 1), 0);
	tzset();
}

/* UTC, as "2026-11-20 03:00:00". */
static time_t
utc(const char *text)
{
	struct tm tm = { 0 };

	assert_non_null(strptime(text, "%Y-%m-%d %H:%M:%S", &tm));
	return timegm(&tm);
}

struct match_case {
	const char *pattern;
	const char *name;
	const char *made;	/* UTC; NULL: no match */
};

static void
check(const struct match_case *cases, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		time_t made = -7;
		bool matched = name_match(cases[i].pattern, cases[i].name,
		    &made);

		if (matched != (cases[i].made != NULL))
			fail_msg("'%s' '%s': %s", cases[i].pattern,
			    cases[i].name, matched ? "matched" : "no match");
		if (matched && made != utc(cases[i].made))
			fail_msg("'%s' '%s': %lld instead of %s",
			    cases[i].pattern, cases[i].name,
			    (long long)made, cases[i].made);
	}
}

#define CHECK(cases) check(cases, sizeof cases / sizeof cases[0])

static void
a_name_gives_its_time_back(void **state)
{
	static const struct match_case cases[] = {
		{ "backup-%Y-%m-%dT%H-%M-%S.tar.gz",
		    "backup-2026-11-20T03-00-01.tar.gz",
		    "2026-11-20 03:00:01" },
		{ "%F_%T.tar", "2026-11-20_03:00:01.tar",
		    "2026-11-20 03:00:01" },
		{ "a%s", "a1795140000", "2026-11-20 02:00:00" },
		{ "a%s7", "a17951400007", "2026-11-20 02:00:00" },
		{ "1%Y%m%d2", "1202611202", "2026-11-20 00:00:00" },
		{ "1%Y%m%d%H%M%S2", "1202611200300012",
		    "2026-11-20 03:00:01" },
		{ "%y%m%d", "261120", "2026-11-20 00:00:00" },
		{ "%y%m%d", "681120", "2068-11-20 00:00:00" },
		{ "%y%m%d", "701120", "1970-11-20 00:00:00" },
		{ "%C%y%m%d", "19701120", "1970-11-20 00:00:00" },
		{ "%C%y%m%d", "21701120", "2170-11-20 00:00:00" },
		{ "%e.%b %Y, %l %p", " 2.Nov 2026,  3 PM",
		    "2026-11-02 15:00:00" },
		{ "%-d.%-m.%Y", "2.11.2026", "2026-11-02 00:00:00" },
		{ "%Y%-m%-d", "2026111", "2026-01-11 00:00:00" },
		{ "%Y.%j", "2024.366", "2024-12-31 00:00:00" },
		{ "%Y-%U-%w", "2026-01-0", "2026-01-04 00:00:00" },
		{ "%Y-%W-%u", "2026-00-4", "2026-01-01 00:00:00" },
		{ "%G-W%V-%u", "2020-W53-5", "2021-01-01 00:00:00" },
		{ "%G-W%V-%u", "2026-W01-1", "2025-12-29 00:00:00" },
		{ "%g.%V.%a", "20.53.Fri", "2021-01-01 00:00:00" },
		{ "%c", "Fri Nov 20 03:00:01 2026", "2026-11-20 03:00:01" },
		{ "%^c", "FRI NOV 20 03:00:01 2026", "2026-11-20 03:00:01" },
		{ "%^B%_d,%Y", "NOVEMBER 2,2026", "2026-11-02 00:00:00" },
		{ "%F %r", "2026-11-20 12:00:01 AM", "2026-11-20 00:00:01" },
		{ "%F %I%P", "2026-11-20 12pm", "2026-11-20 12:00:00" },
		{ "%F %R %#p", "2026-11-20 13:05 pm", "2026-11-20 13:05:00" },
		{ "%5Y%3m", "02026011", "2026-11-01 00:00:00" },
		{ "%EY-%Om", "2026-11", "2026-11-01 00:00:00" },
		{ "%F%z", "2026-11-20+0000", "2026-11-20 00:00:00" },
		{ "%F%Z", "2026-11-20UTC", "2026-11-20 00:00:00" },
		{ "%Fx%Zy", "2026-11-20xUTCy", "2026-11-20 00:00:00" },
		{ "100%%-%F%n", "100%-2026-11-20\n", "2026-11-20 00:00:00" },
		{ "%F-%q", "2026-11-20-%q", "2026-11-20 00:00:00" },
		{ "%F-%Eq%", "2026-11-20-%Eq%", "2026-11-20 00:00:00" },
		{ "%F%Ed", "2026-11-20%Ed", "2026-11-20 00:00:00" },
	};

	(void)state;
	set_zone("UTC");
	CHECK(cases);
}

static void
a_time_that_is_not_told_whole_is_the_earliest(void **state)
{
	static const struct match_case cases[] = {
		{ "a-%Y", "a-2026", "2026-01-01 00:00:00" },
		{ "a-%Y-%m", "a-2026-02", "2026-02-01 00:00:00" },
		{ "a-%a", "a-Thu", "1970-01-01 00:00:00" },
		{ "a-%a", "a-Wed", "1970-01-07 00:00:00" },
		{ "a-%A-%d", "a-Friday-13", "1970-02-13 00:00:00" },
		{ "a-%H", "a-23", "1970-01-01 23:00:00" },
		{ "a-%m-%d", "a-02-29", "1972-02-29 00:00:00" },
		{ "a-%U", "a-53", "1972-12-31 00:00:00" },
		{ "a-%V", "a-53", "1970-12-28 00:00:00" },
		{ "a-%j", "a-366", "1972-12-31 00:00:00" },
		{ "a-%C", "a-20", "2000-01-01 00:00:00" },
		{ "a-%G", "a-2026", "2025-12-29 00:00:00" },
		{ "a-%G", "a-2027", "2027-01-04 00:00:00" },
		{ "a-%p", "a-PM", "1970-01-01 12:00:00" },
		{ "a-%M", "a-07", "1970-01-01 00:07:00" },
		{ "%-d%-H", "111", "1970-01-01 11:00:00" },
		{ "%Z", "UTC", "1970-01-01 00:00:00" },
	};

	(void)state;
	set_zone("UTC");
	CHECK(cases);
}

static void
foreign_names_never_match(void **state)
{
	static const struct match_case cases[] = {
		{ "app-%Y", "app-web-2024", NULL },
		{ "app-%Y", "app-2024-1", NULL },
		{ "app-%Y", "app-20241", NULL },
		{ "app-%Y", "app-204", NULL },
		{ "app-%Y", "xapp-2024", NULL },
		{ "app-%Y", "app-", NULL },
		{ "app-%Y", "", NULL },
		{ "app-%Y", "app-0024", NULL },
		{ "app-%Y", "app-1900", NULL },
		{ "app-%Y.tar.gz", "app-2024", NULL },
		{ "app-%Y.tar.gz", "app-2024.tar.gz.metadata.json", NULL },
		{ "app-%Y.tar.gz", "app-2024.tar.gz.bak", NULL },
		{ "app-%Y.tar.gz", "app-2024.tar.bz2", NULL },
		{ "app-%Y.tar.gz", "app-2024.gz", NULL },
		{ "app-%Y.tar.gz", "app-2024.tar.gz.gpg.gpg", NULL },
		{ "app-%Y", "app-2024.tar.gz", NULL },
		{ "%Y-%m-%d", "2026-02-29", NULL },
		{ "%Y-%m-%d", "2026-13-01", NULL },
		{ "%Y-%m-%d", "2026-1-1", NULL },
		{ "%Y-%m-%d", "2026- 1-01", NULL },
		{ "%-m-%-d", "01-1", NULL },
		{ "%H-%M-%S", "24-00-00", NULL },
		{ "%H-%M-%S", "23-59-60", NULL },
		{ "%a %F", "Mon 2026-11-20", NULL },
		{ "%F %j", "2026-11-20 325", NULL },
		{ "%F %d", "2026-11-20 21", NULL },
		{ "%b", "NOV", NULL },
		{ "%s", "01", NULL },
		{ "%s", "99999999999999999999999", NULL },
		{ "%F%z", "2026-11-20+0100", NULL },
		{ "%F%Z", "2026-11-20CET", NULL },
		{ "%Z", "CET", NULL },
		{ "%Y", "2026/", NULL },
		{ "a.tar", "b.tar", NULL },
	};

	(void)state;
	set_zone("UTC");
	CHECK(cases);
}

static void
one_suffix_of_ours_is_as_good_as_another(void **state)
{
	static const char *const suffixes[] = { ".tar.gz", ".tgz", ".tar.zst",
		".tzst", ".tar", ".tar.gz.gpg", ".tgz.gpg", ".tar.zst.gpg",
		".tzst.gpg", ".tar.gpg" };
	static const struct match_case others[] = {
		{ "app-%Y", "app-2024.gpg", "2024-01-01 00:00:00" },
		{ "app-%Y.gpg", "app-2024", "2024-01-01 00:00:00" },
		{ "app-%Y.tar.tar.gz", "app-2024.tar.tgz",
		    "2024-01-01 00:00:00" },
		{ "app-%Y.tar.tar.gz", "app-2024.tgz", NULL },
		{ "app-%Y.xz", "app-2024.tar", NULL },
	};
	const size_t n = sizeof suffixes / sizeof suffixes[0];
	char pattern[64], name[64];
	size_t i, k;

	(void)state;
	set_zone("UTC");
	CHECK(others);
	for (i = 0; i < n; i++) {
		for (k = 0; k < n; k++) {
			struct match_case one = { pattern, name,
				"2024-01-01 00:00:00" };

			(void)snprintf(pattern, sizeof pattern, "app-%%Y%s",
			    suffixes[i]);
			(void)snprintf(name, sizeof name, "app-2024%s",
			    suffixes[k]);
			check(&one, 1);
		}
	}
}

static void
a_pattern_without_a_time_matches_its_one_name(void **state)
{
	static const struct match_case cases[] = {
		{ "test.tar.gz", "test.tar.gz", "1970-01-01 00:00:00" },
		{ "test.tar.gz", "test.tar.zst.gpg", "1970-01-01 00:00:00" },
		{ "100%%.tar", "100%.tgz", "1970-01-01 00:00:00" },
		{ "100%.tar", "100%.tgz", "1970-01-01 00:00:00" },
		{ "", "", "1970-01-01 00:00:00" },
		{ "100%%.tar", "100.tar", NULL },
		{ "test.tar.gz", "test2.tar.gz", NULL },
		{ "test.tar.gz", "test", NULL },
	};

	(void)state;
	set_zone("Europe/Berlin");	/* *ret is 0 wherever we are */
	CHECK(cases);
}

static void
local_time_is_read_as_it_was_written(void **state)
{
	static const struct match_case berlin[] = {
		{ "%FT%T", "2026-11-20T03:00:00", "2026-11-20 02:00:00" },
		{ "%FT%T", "2026-07-20T03:00:00", "2026-07-20 01:00:00" },
		/* Twice: the earlier, unless the zone is told. */
		{ "%FT%T", "2026-10-25T02:30:00", "2026-10-25 00:30:00" },
		{ "%FT%T%z", "2026-10-25T02:30:00+0200",
		    "2026-10-25 00:30:00" },
		{ "%FT%T%z", "2026-10-25T02:30:00+0100",
		    "2026-10-25 01:30:00" },
		{ "%FT%T%Z", "2026-10-25T02:30:00CET",
		    "2026-10-25 01:30:00" },
		{ "%FT%T%Z", "2026-10-25T02:30:00XYZ", NULL },
		/* Never. */
		{ "%FT%T", "2026-03-29T02:30:00", NULL },
		{ "%FT%T%z", "2026-03-29T02:30:00+0100", NULL },
		{ "%FT%H", "2026-03-29T02", NULL },
		/* Daylight saving time begins in the month, on the day. */
		{ "%Y-%m%Z", "2026-03CEST", "2026-03-29 01:00:00" },
		{ "%F%z", "2026-03-29+0200", "2026-03-29 01:00:00" },
		{ "a-%Y%Z", "a-2026CEST", "2026-03-29 01:00:00" },
	};
	static const struct match_case new_york[] = {
		{ "%FT%T", "2026-11-01T01:30:00", "2026-11-01 05:30:00" },
		{ "%FT%T%Z", "2026-11-01T01:30:00EST",
		    "2026-11-01 06:30:00" },
		{ "%FT%T", "2026-03-08T02:30:00", NULL },
		{ "%FT%T", "1969-12-31T19:00:00", "1970-01-01 00:00:00" },
	};
	static const struct match_case sao_paulo[] = {	/* no midnight */
		{ "%F", "2018-11-04", "2018-11-04 03:00:00" },
		{ "%FT%H", "2018-11-04T00", NULL },
	};
	static const struct match_case lord_howe[] = {	/* half an hour */
		{ "%FT%H", "2026-10-04T02", "2026-10-03 15:30:00" },
	};
	static const struct match_case apia[] = {	/* a day left out */
		{ "%F", "2011-12-30", NULL },
		{ "%F", "2011-12-31", "2011-12-30 10:00:00" },
	};

	(void)state;
	set_zone("Europe/Berlin");
	CHECK(berlin);
	set_zone("America/New_York");
	CHECK(new_york);
	set_zone("America/Sao_Paulo");
	CHECK(sao_paulo);
	set_zone("Australia/Lord_Howe");
	CHECK(lord_howe);
	set_zone("Pacific/Apia");
	CHECK(apia);
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

static const char *const zones[] = { "UTC", "Europe/Berlin",
	"America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo",
	"Asia/Kathmandu", "Africa/Casablanca", "Pacific/Apia", "<-12>12" };

/* Every one tells all of a time, but for the second reading of an hour. */
static const char *const whole[] = {
	"b-%Y-%m-%dT%H-%M-%S.tar.gz", "%Y%m%d%H%M%S", "1%s2", "%F-%T",
	"%c.tar", "%y%j%k%M%S", "%G%V%u%H%M%S", "%e%B%Y%l%M%S%p",
	"%-d.%-m.%Y_%-H.%-M.%-S", "%Y%U%w%H%M%S", "%Y%W%a%H%M%S",
	"%C%y%m%d%I%M%S%P", "%^a %^b %_d %X %Y", "%FT%T%z", "%FT%T%Z",
	"%5Y-%3m-%10d_%04H%#p%M:%S.tzst",
};

static const char *const part[] = { "a", "-", "7", "%%", ".", "%a", "%A", "%b",
	"%B", "%C", "%d", "%e", "%g", "%G", "%H", "%I", "%j", "%k", "%l", "%m",
	"%M", "%p", "%P", "%S", "%u", "%U", "%V", "%w", "%W", "%y", "%Y", "%z",
	"%Z", "%-d", "%-m", "%_H", "%^a", "%#Z", "%03d", "%Ey", "%Od", "%F",
	"%R", "%T", "%r", "%q" };

static void
a_time_that_is_told_whole_comes_back(void **state)
{
	size_t i, z;

	(void)state;
	seed = 20261120;
	for (i = 0; i < 18000; i++) {
		CLEANUP(cleanup_free) char *name = NULL;
		const char *pattern = whole[draw(sizeof whole /
		    sizeof whole[0])];
		time_t t = (time_t)draw(UINT64_C(4000000000)), made;
		struct err err = ERR_INIT;

		if (i % 1000 == 0) {
			z = i / 1000 % (sizeof zones / sizeof zones[0]);
			set_zone(zones[z]);
		}
		/* Half of them around a change of some zone's clocks. */
		if (i % 2 == 0)
			t = 1774742400 + (time_t)draw(6 * 3600) +
			    (i % 4 == 0 ? 210 * 86400 : 0);
		if (strstr(pattern, "%y%j") != NULL)
			t %= 3124224000;	/* until 2069 */
		if (name_format(pattern, t, &name, &err) < 0)
			fail_msg("'%s' %lld: %s", pattern, (long long)t,
			    err.msg);
		if (!name_match(pattern, name, &made))
			fail_msg("%s: '%s' did not match '%s' (%lld)",
			    getenv("TZ"), name, pattern, (long long)t);
		if (made != t && (made > t || t - made > 3600))
			fail_msg("%s: '%s' '%s': %lld, not %lld",
			    getenv("TZ"), name, pattern, (long long)made,
			    (long long)t);
	}
}

static void
any_name_that_was_made_matches_and_makes_itself_again(void **state)
{
	size_t i, k;

	(void)state;
	seed = 77;
	for (i = 0; i < 1200; i++) {
		CLEANUP(cleanup_free) char *name = NULL;
		CLEANUP(cleanup_free) char *again = NULL;
		time_t t = (time_t)draw(UINT64_C(3000000000)), made;
		char pattern[128] = "p";
		struct err err = ERR_INIT;

		if (i % 100 == 0)
			set_zone(zones[i / 100 % (sizeof zones /
			    sizeof zones[0])]);
		for (k = draw(6) + 1; k != 0; k--) {
			size_t n = strlen(pattern);

			(void)snprintf(pattern + n, sizeof pattern - n, "%s",
			    part[draw(sizeof part / sizeof part[0])]);
		}
		assert_int_equal(name_format(pattern, t, &name, &err), 0);
		/* A zone that was left long ago may be out of reach. */
		if (!name_match(pattern, name, &made)) {
			if (strstr(pattern, "Z") != NULL ||
			    strstr(pattern, "%z") != NULL)
				continue;
			fail_msg("%s: '%s' did not match '%s' (%lld)",
			    getenv("TZ"), name, pattern, (long long)t);
		}
		if (!name_has_time(pattern))
			continue;
		assert_int_equal(name_format(pattern, made, &again, &err), 0);
		assert_string_equal(again, name);
	}
}

/* A name in which one byte is another one was not made, or of another time. */
static void
a_changed_name_never_gives_the_same_time(void **state)
{
	size_t i;

	(void)state;
	set_zone("Europe/Berlin");
	seed = 4711;
	for (i = 0; i < 8000; i++) {
		CLEANUP(cleanup_free) char *name = NULL;
		const char *pattern = whole[draw(sizeof whole /
		    sizeof whole[0])];
		time_t t = 1767225600 + (time_t)draw(31536000), made, other;
		struct err err = ERR_INIT;
		size_t at;
		char c;

		assert_int_equal(name_format(pattern, t, &name, &err), 0);
		assert_true(name_match(pattern, name, &made));
		at = draw(strlen(name));
		c = (char)(draw(94) + '!');
		if (name[at] == c)
			continue;
		name[at] = c;
		if (name_match(pattern, name, &other) && other == made &&
		    strcmp(name + at, "gz") != 0)
			fail_msg("'%s' '%s'", pattern, name);
	}
}

static void
hard_patterns_end_soon(void **state)
{
	char pattern[512] = "", name[256] = "";
	time_t made;
	size_t i;

	(void)state;
	set_zone("UTC");
	for (i = 0; i < 100; i++) {
		(void)snprintf(pattern + 4 * i, 8, "%%-d%%");
		name[i] = '1';
	}
	pattern[400] = '\0';
	(void)name_match(pattern, name, &made);
	(void)name_match("%Z%Z%Z%Z%Z%Z%Z%Z", "UTCUTCUTCUTCUTCUTCUTCUTD",
	    &made);
	assert_false(name_match("%99999999999999999999Y", "2026", &made));
	assert_false(name_match("%_____________________________________Y",
	    "2026", &made));
}

static void
a_pattern_tells_the_day_or_not(void **state)
{
	static const struct {
		const char *pattern;
		bool tells;
	} cases[] = {
		{ "b-%Y-%m-%dT%H-%M-%S.tar.gz", true },
		{ "%s", true }, { "%F", true }, { "%c", true },
		{ "%y%j", true }, { "%b%e%y", true }, { "%G%V%u", true },
		{ "%Y%U%a", true },
		{ "", false }, { "test.tar", false }, { "%Y", false },
		{ "%Y-%m", false }, { "%m-%d", false }, { "%a", false },
		{ "%Y%V%u", false }, { "%j", false }, { "%T", false },
		{ "%%Y%%m%%d", false }, { "%G-%V", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++)
		if (name_tells_day(cases[i].pattern) != cases[i].tells)
			fail_msg("%s", cases[i].pattern);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_gives_its_time_back),
		cmocka_unit_test(a_time_that_is_not_told_whole_is_the_earliest),
		cmocka_unit_test(foreign_names_never_match),
		cmocka_unit_test(one_suffix_of_ours_is_as_good_as_another),
		cmocka_unit_test(a_pattern_without_a_time_matches_its_one_name),
		cmocka_unit_test(local_time_is_read_as_it_was_written),
		cmocka_unit_test(a_time_that_is_told_whole_comes_back),
		cmocka_unit_test(
		    any_name_that_was_made_matches_and_makes_itself_again),
		cmocka_unit_test(a_changed_name_never_gives_the_same_time),
		cmocka_unit_test(hard_patterns_end_soon),
		cmocka_unit_test(a_pattern_tells_the_day_or_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
