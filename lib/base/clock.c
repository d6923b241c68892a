#define _GNU_SOURCE
#include "lib/base/clock.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define NS_PER_S INT64_C(1000000000)

/* Longer names before the shorter ones that they begin with. */
static const struct unit {
	const char *name;
	int64_t ns;
} units[] = {
	{ "ns", 1 },
	{ "us", 1000 },
	{ "ms", 1000000 },
	{ "s", NS_PER_S },
	{ "m", 60 * NS_PER_S },
	{ "h", 3600 * NS_PER_S },
	{ "d", 86400 * NS_PER_S },
	{ "w", 7 * 86400 * NS_PER_S },
};

time_t
clock_now(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec;
}

double
clock_mono_s(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void
clock_rfc3339(time_t t, char ret[CLOCK_RFC3339_BYTES])
{
	char zone[16];
	struct tm tm;
	size_t n = 0;

	/* strftime has no %:z; room for the colon and one more is left. */
	if (localtime_r(&t, &tm) != NULL &&
	    strftime(zone, sizeof zone, "%z", &tm) == 5)
		n = strftime(ret, CLOCK_RFC3339_BYTES - 7, "%Y-%m-%dT%H:%M:%S",
		    &tm);
	if (n == 0)	/* a year that no calendar holds */
		(void)snprintf(ret, CLOCK_RFC3339_BYTES, "@%lld", (long long)t);
	else
		(void)snprintf(ret + n, CLOCK_RFC3339_BYTES - n, "%.3s:%s",
		    zone, zone + 3);
}

static const struct unit *
find_unit(const char *text)
{
	size_t i;

	for (i = 0; i < sizeof units / sizeof units[0]; i++)
		if (strncmp(text, units[i].name, strlen(units[i].name)) == 0)
			return &units[i];
	return NULL;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "12" or "12.5" or ".5" before a unit; false if it is none or overflows. */
static bool
parse_number(const char **text, int64_t *ret_whole, double *ret_fraction)
{
	const char *p = *text;
	double weight = 0.1;
	bool any = false;

	*ret_whole = 0;
	*ret_fraction = 0;
	for (; is_digit(*p); p++, any = true)
		if (__builtin_mul_overflow(*ret_whole, 10, ret_whole) ||
		    __builtin_add_overflow(*ret_whole, *p - '0', ret_whole))
			return false;
	if (*p == '.')
		for (p++; is_digit(*p); p++, weight /= 10, any = true)
			*ret_fraction += (*p - '0') * weight;
	*text = p;
	return any;
}

/* One "12.5h" is added to *sum. */
static bool
parse_part(const char **text, int64_t *sum)
{
	const struct unit *unit;
	int64_t whole;
	double fraction;

	if (!parse_number(text, &whole, &fraction))
		return false;
	unit = find_unit(*text);
	if (unit == NULL)
		return false;
	*text += strlen(unit->name);
	fraction = fraction * (double)unit->ns + 0.5;
	return !__builtin_mul_overflow(whole, unit->ns, &whole) &&
	    !__builtin_add_overflow(*sum, whole, sum) &&
	    !__builtin_add_overflow(*sum, (int64_t)fraction, sum);
}

int
clock_parse_duration(const char *text, int64_t *ret_ns, struct err *err)
{
	const char *p = text;
	int64_t sum = 0;

	if (strcmp(text, "0") == 0) {
		*ret_ns = 0;
		return 0;
	}
	do {
		if (!parse_part(&p, &sum))
			return err_set(err, ERR_CONFIG, "'%s' is not a "
			    "duration (like 90s, 1h30m or 7d; units are ns, "
			    "us, ms, s, m, h, d, w)", text);
	} while (*p != '\0');
	*ret_ns = sum;
	return 0;
}

void
clock_span(double seconds, char ret[CLOCK_SPAN_BYTES])
{
	unsigned long long whole;

	/* Written so that NaN goes here too. */
	if (!(seconds > 0))
		seconds = 0;
	if (seconds > 1e12)
		seconds = 1e12;
	whole = (unsigned long long)(seconds + 0.5);
	/* The limits lie where rounding would give "1000ms", "60.0s". */
	if (seconds < 0.9995)
		(void)snprintf(ret, CLOCK_SPAN_BYTES, "%.0fms",
		    seconds * 1000);
	else if (seconds < 59.95)
		(void)snprintf(ret, CLOCK_SPAN_BYTES, "%.1fs", seconds);
	else if (whole < 3600)
		(void)snprintf(ret, CLOCK_SPAN_BYTES, "%llum%02llus",
		    whole / 60, whole % 60);
	else
		(void)snprintf(ret, CLOCK_SPAN_BYTES, "%lluh%02llum",
		    whole / 3600, whole % 3600 / 60);
}

void
clock_bytes(uint64_t bytes, char ret[CLOCK_BYTES_BYTES])
{
	static const char prefixes[] = "KMGTPE";
	double value = (double)bytes / 1024;
	size_t i = 0;

	if (bytes < 1024) {
		(void)snprintf(ret, CLOCK_BYTES_BYTES, "%u B",
		    (unsigned)bytes);
		return;
	}
	/* Not 1024: "%.1f" would show 1023.96 KiB as 1024.0 KiB. */
	for (; value >= 1023.95 && prefixes[i + 1] != '\0'; i++)
		value /= 1024;
	(void)snprintf(ret, CLOCK_BYTES_BYTES, "%.1f %ciB", value,
	    prefixes[i]);
}
