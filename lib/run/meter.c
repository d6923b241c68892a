#include "lib/run/meter.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"

#define DRAW_S 0.2
#define LOG_S 60.0
#define WHAT_MAX 256		/* leaves room for the rest */

/* The first line is drawn at once, but logged only when it has lasted. */
struct meter
meter_begin(void)
{
	double now_s = clock_mono_s();

	return (struct meter){ .began_s = now_s, .drawn_s = now_s - LOG_S,
		.logged_s = now_s };
}

/* Has it been so long since *last_s? Then that becomes now_s. */
static bool
is_due(double *last_s, double now_s, double every_s)
{
	if (now_s - *last_s < every_s)
		return false;
	*last_s = now_s;
	return true;
}

void
meter_show(struct meter *meter, const struct meter_facts *facts)
{
	bool drawn = log_draws_status();
	double now_s = clock_mono_s();
	char text[METER_TEXT_BYTES];

	if (!is_due(drawn ? &meter->drawn_s : &meter->logged_s, now_s,
	    drawn ? DRAW_S : LOG_S))
		return;
	meter_text(facts, now_s - meter->began_s, text);
	if (drawn)
		log_status("%s", text);
	else
		log_debug("%s", text);
}

void
meter_end(struct meter *meter)
{
	(void)meter;
	log_status("%s", "");
}

/* --- the text ------------------------------------------------------------ */

static void PRINTF_LIKE(2, 3)
append(char text[METER_TEXT_BYTES], const char *fmt, ...)
{
	size_t n = strlen(text);
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text + n, METER_TEXT_BYTES - n, fmt, args);
	va_end(args);
}

/* In whole seconds: it is a guess. */
static void
append_rest(char text[METER_TEXT_BYTES], const struct meter_facts *facts,
    double seconds)
{
	char span[CLOCK_SPAN_BYTES];
	double left_s;

	if (seconds < 1 || facts->bytes == 0 ||
	    facts->all_bytes < facts->bytes)
		return;
	left_s = (double)(facts->all_bytes - facts->bytes) * seconds /
	    (double)facts->bytes;
	clock_span(left_s, span);
	if (left_s < 59.5)
		append(text, ", %.0fs left", left_s);
	else
		append(text, ", %s left", span);
}

void
meter_text(const struct meter_facts *facts, double seconds,
    char ret[METER_TEXT_BYTES])
{
	char bytes[CLOCK_BYTES_BYTES];

	*ret = '\0';
	if (facts->what != NULL)
		append(ret, "%.*s: ", WHAT_MAX, facts->what);
	clock_bytes(facts->bytes, bytes);
	append(ret, "%s", bytes);
	clock_bytes(facts->all_bytes, bytes);
	if (facts->all_bytes >= facts->bytes && facts->all_bytes != 0)
		append(ret, " of %s", bytes);
	clock_bytes(seconds > 0 ? (uint64_t)((double)facts->bytes / seconds) :
	    0, bytes);
	append(ret, ", %s/s", bytes);
	if (facts->members != 0)
		append(ret, ", %llu member%s",
		    (unsigned long long)facts->members,
		    facts->members == 1 ? "" : "s");
	clock_bytes(facts->stored_bytes, bytes);
	if (facts->stored_bytes != 0)
		append(ret, ", %s stored", bytes);
	append_rest(ret, facts, seconds);
}
