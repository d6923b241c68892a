#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"

static void
durations_are_read(void **state)
{
	static const int64_t s = 1000000000;
	static const struct {
		const char *text;
		int64_t ns;
	} cases[] = {
		{ "0", 0 },
		{ "0s", 0 },
		{ "1ns", 1 },
		{ "2us", 2000 },
		{ "3ms", 3000000 },
		{ "90s", 90 * s },
		{ "60m", 3600 * s },
		{ "1h30m", 5400 * s },
		{ "1h30m10s", 5410 * s },
		{ "1.5h", 5400 * s },
		{ ".5m", 30 * s },
		{ "1.s", 1 * s },
		{ "0.1s", s / 10 },
		{ "0.001ms", 1000 },
		{ "7d", 7 * 86400 * s },
		{ "2w", 14 * 86400 * s },
		{ "1w1d", 8 * 86400 * s },
		{ "1m1ms", 60 * s + 1000000 },
		{ "9223372036854775807ns", INT64_MAX },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct err err = ERR_INIT;
		int64_t ns = -1;

		assert_int_equal(clock_parse_duration(cases[i].text, &ns,
		    &err), 0);
		assert_true(ns == cases[i].ns);
	}
}

static void
what_is_no_duration_is_refused_by_name(void **state)
{
	static const char *const cases[] = {
		"", " ", "1", "00", "s", "-1s", "+1s", "1 s", "1s ", "1x",
		"1h30", ".s", "1..5s", "1,5s", "1S", "1e3s", "0x1s", "inf",
		"9223372036854775808ns", "9223372036854775807s", "20000w",
		"9223372036854775807ns1ns", "99999999999999999999999s",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct err err = ERR_INIT;
		int64_t ns = -1;

		assert_int_equal(clock_parse_duration(cases[i], &ns, &err),
		    -1);
		assert_int_equal(err.kind, ERR_CONFIG);
		assert_non_null(strstr(err.msg, cases[i]));
		assert_true(ns == -1);
	}
}

static void
spans_are_for_people(void **state)
{
	static const struct {
		double s;
		const char *text;
	} cases[] = {
		{ 0, "0ms" },
		{ -1, "0ms" },
		{ 0.85, "850ms" },
		{ 0.9994, "999ms" },
		{ 0.9996, "1.0s" },
		{ 3.2, "3.2s" },
		{ 59.94, "59.9s" },
		{ 59.96, "1m00s" },
		{ 250, "4m10s" },
		{ 3599.4, "59m59s" },
		{ 3599.6, "1h00m" },
		{ 7500, "2h05m" },
		{ 360000, "100h00m" },
	};
	char text[CLOCK_SPAN_BYTES];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		clock_span(cases[i].s, text);
		assert_string_equal(text, cases[i].text);
	}
	clock_span(1e300, text);
	clock_span(strtod("nan", NULL), text);
	assert_string_equal(text, "0ms");
}

static void
sizes_are_for_people(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{ 0, "0 B" },
		{ 17, "17 B" },
		{ 1023, "1023 B" },
		{ 1024, "1.0 KiB" },
		{ 1468006, "1.4 MiB" },
		{ 1048575, "1.0 MiB" },
		{ 1023 * 1024, "1023.0 KiB" },
		{ UINT64_C(4) << 30, "4.0 GiB" },
		{ UINT64_C(3) << 40, "3.0 TiB" },
		{ UINT64_MAX, "16.0 EiB" },
	};
	char text[CLOCK_BYTES_BYTES];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		clock_bytes(cases[i].bytes, text);
		assert_string_equal(text, cases[i].text);
	}
}

static void
times_are_local_and_have_their_offset(void **state)
{
	static const struct {
		const char *zone;
		time_t t;
		const char *text;
	} cases[] = {
		{ "UTC", 0, "1970-01-01T00:00:00+00:00" },
		{ "CET-1CEST,M3.5.0,M10.5.0/3", 1795140000,
		    "2026-11-20T03:00:00+01:00" },
		{ "CET-1CEST,M3.5.0,M10.5.0/3", 1784505600,
		    "2026-07-20T02:00:00+02:00" },
		{ "<-0330>3:30", 0, "1969-12-31T20:30:00-03:30" },
	};
	char text[CLOCK_RFC3339_BYTES];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(setenv("TZ", cases[i].zone, 1), 0);
		tzset();
		clock_rfc3339(cases[i].t, text);
		assert_string_equal(text, cases[i].text);
	}
	clock_rfc3339((time_t)INT64_MAX, text);
	assert_string_equal(text, "@9223372036854775807");
}

static void
clocks_go_forward(void **state)
{
	double before = clock_mono_s();

	(void)state;
	assert_true(clock_now() > 1700000000);
	assert_true(clock_mono_s() >= before);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_are_read),
		cmocka_unit_test(what_is_no_duration_is_refused_by_name),
		cmocka_unit_test(spans_are_for_people),
		cmocka_unit_test(sizes_are_for_people),
		cmocka_unit_test(times_are_local_and_have_their_offset),
		cmocka_unit_test(clocks_go_forward),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
