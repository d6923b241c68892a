/*
 * clock: times and spans as texts.
 *
 * Seconds since the epoch are UTC; a span is in nanoseconds where it comes
 * from a clock, in seconds (double) where it is shown.
 */
#ifndef LIB_BASE_CLOCK_H
#define LIB_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#include "lib/base/err.h"

/* clock_now: seconds since the epoch. */
time_t clock_now(void);

/* clock_mono_s: a clock that never jumps; only differences mean something. */
double clock_mono_s(void);

#define CLOCK_RFC3339_BYTES 32

/* clock_rfc3339: local time with its offset, "2026-11-20T03:00:00+01:00". */
void clock_rfc3339(time_t t, char ret[CLOCK_RFC3339_BYTES]);

/* clock_parse_duration: "90s", "1h30m", "1.5h", "7d", "2w", "0"; units ns us
 * ms s m h d w. Without a unit only 0 is accepted. *ret_ns is not negative. */
MUST_CHECK int clock_parse_duration(const char *text, int64_t *ret_ns,
    struct err *err);

#define CLOCK_SPAN_BYTES 32

/* clock_span: a span for people: "850ms", "3.2s", "4m10s", "2h05m". */
void clock_span(double seconds, char ret[CLOCK_SPAN_BYTES]);

#define CLOCK_BYTES_BYTES 32

/* clock_bytes: a size for people in binary units: "17 B", "1.4 MiB". */
void clock_bytes(uint64_t bytes, char ret[CLOCK_BYTES_BYTES]);

#endif
