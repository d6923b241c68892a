/* meter: what it says, by a clock that the test winds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/cleanup.h"
#include "lib/run/meter.h"

#define KIB UINT64_C(1024)
#define MIB (KIB * 1024)
#define GIB (MIB * 1024)

static void
it_says_what_is_known(void **state)
{
	static const struct {
		struct meter_facts facts;
		double seconds;
		const char *text;
	} cases[] = {
		{ { NULL, 0, 0, 0, 0 }, 0, "0 B, 0 B/s" },
		{ { NULL, 0, GIB, 0, 0 }, 5, "0 B of 1.0 GiB, 0 B/s" },
		{ { "a.tar", GIB, 4 * GIB, 0, 0 }, 10,
		    "a.tar: 1.0 GiB of 4.0 GiB, 102.4 MiB/s, 30s left" },
		{ { "a.tar", GIB, 4 * GIB, 300 * MIB, 17 }, 10,
		    "a.tar: 1.0 GiB of 4.0 GiB, 102.4 MiB/s, 17 members, "
		    "300.0 MiB stored, 30s left" },
		{ { NULL, GIB, 0, MIB, 1 }, 10,
		    "1.0 GiB, 102.4 MiB/s, 1 member, 1.0 MiB stored" },
		/* All of it, more than all of it. */
		{ { NULL, GIB, GIB, 0, 0 }, 10,
		    "1.0 GiB of 1.0 GiB, 102.4 MiB/s, 0s left" },
		{ { NULL, 2 * GIB, GIB, 0, 0 }, 10, "2.0 GiB, 204.8 MiB/s" },
		/* In the first second no rest can be told. */
		{ { NULL, MIB, GIB, 0, 0 }, 0.5,
		    "1.0 MiB of 1.0 GiB, 2.0 MiB/s" },
		{ { NULL, MIB, GIB, 0, 0 }, 1,
		    "1.0 MiB of 1.0 GiB, 1.0 MiB/s, 17m03s left" },
		{ { NULL, MIB, 8 * GIB, 0, 0 }, 1,
		    "1.0 MiB of 8.0 GiB, 1.0 MiB/s, 2h16m left" },
		{ { NULL, 4 * MIB, 63 * MIB, 0, 0 }, 4,
		    "4.0 MiB of 63.0 MiB, 1.0 MiB/s, 59s left" },
		{ { NULL, 4 * MIB, 64 * MIB, 0, 0 }, 4,
		    "4.0 MiB of 64.0 MiB, 1.0 MiB/s, 1m00s left" },
		{ { NULL, 1, UINT64_MAX, 0, 0 }, 1e9,
		    "1 B of 16.0 EiB, 0 B/s, 277777777h46m left" },
	};
	char text[METER_TEXT_BYTES];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		meter_text(&cases[i].facts, cases[i].seconds, text);
		assert_string_equal(text, cases[i].text);
	}
}

static void
a_long_name_is_cut_and_the_rest_is_whole(void **state)
{
	char name[4000], text[METER_TEXT_BYTES];
	const struct meter_facts facts = { name, UINT64_MAX, UINT64_MAX,
		UINT64_MAX, UINT64_MAX };

	(void)state;
	memset(name, 'x', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	meter_text(&facts, 1.5, text);
	assert_non_null(strstr(text, "xx: 16.0 EiB of 16.0 EiB, "));
	assert_string_equal(text + strlen(text) - strlen("0s left"),
	    "0s left");
}

/* --- when ---------------------------------------------------------------- */

static double now_s;
static bool terminal;
static size_t drawn, logged;
static char last[METER_TEXT_BYTES];

double __wrap_clock_mono_s(void);
bool __wrap_log_draws_status(void);
void __wrap_log_status(const char *fmt, ...) PRINTF_LIKE(1, 2);
void __wrap_log_debug(const char *fmt, ...) PRINTF_LIKE(1, 2);

double
__wrap_clock_mono_s(void)
{
	return now_s;
}

bool
__wrap_log_draws_status(void)
{
	return terminal;
}

void
__wrap_log_status(const char *fmt, ...)
{
	va_list args;

	drawn++;
	va_start(args, fmt);
	(void)vsnprintf(last, sizeof last, fmt, args);
	va_end(args);
}

void
__wrap_log_debug(const char *fmt, ...)
{
	va_list args;

	logged++;
	va_start(args, fmt);
	(void)vsnprintf(last, sizeof last, fmt, args);
	va_end(args);
}

static void
show_at(struct meter *meter, double s)
{
	static const struct meter_facts facts = { .bytes = 10 * MIB };

	now_s = s;
	meter_show(meter, &facts);
}

static struct meter
fresh(bool is_terminal)
{
	now_s = 100;
	terminal = is_terminal;
	drawn = logged = 0;
	return meter_begin();
}

static void
a_terminal_has_it_at_once_and_five_times_a_second(void **state)
{
	struct meter meter = fresh(true);

	(void)state;
	show_at(&meter, 100);
	assert_int_equal(drawn, 1);
	show_at(&meter, 100.125);
	assert_int_equal(drawn, 1);
	show_at(&meter, 100.25);
	assert_int_equal(drawn, 2);
	show_at(&meter, 102);
	assert_int_equal(drawn, 3);
	assert_string_equal(last, "10.0 MiB, 5.0 MiB/s");
	assert_int_equal(logged, 0);
	meter_end(&meter);
	assert_string_equal(last, "");
}

static void
a_log_has_it_each_minute(void **state)
{
	struct meter meter = fresh(false);

	(void)state;
	show_at(&meter, 100);
	show_at(&meter, 159.5);
	assert_int_equal(logged, 0);
	show_at(&meter, 160);
	assert_int_equal(logged, 1);
	show_at(&meter, 219.5);
	assert_int_equal(logged, 1);
	show_at(&meter, 500);
	assert_int_equal(logged, 2);
	assert_string_equal(last, "10.0 MiB, 25.6 KiB/s");
	assert_int_equal(drawn, 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_says_what_is_known),
		cmocka_unit_test(a_long_name_is_cut_and_the_rest_is_whole),
		cmocka_unit_test(
		    a_terminal_has_it_at_once_and_five_times_a_second),
		cmocka_unit_test(a_log_has_it_each_minute),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
