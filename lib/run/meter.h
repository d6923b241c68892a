/*
 * meter: how far something has come, for who waits for it.
 *
 *     struct meter meter = meter_begin();
 *     meter_show, as often as one likes
 *     meter_end
 *
 * On a terminal it is the status line. Where there is none, and with -v, it is
 * a line of the log each minute.
 */
#ifndef LIB_RUN_METER_H
#define LIB_RUN_METER_H

#include <stdint.h>

struct meter_facts {
	const char *what;	/* before all else; NULL: nothing is */
	uint64_t bytes;		/* that are done */
	uint64_t all_bytes;	/* about so many they will be; 0: not known */
	uint64_t stored_bytes;	/* that came of them; 0: not told */
	uint64_t members;	/* of the archive, that are done; 0: not told */
};

struct meter {
	double began_s;
	double drawn_s;
	double logged_s;
};

struct meter meter_begin(void);
void meter_show(struct meter *meter, const struct meter_facts *facts);
/* meter_end: wipes the status line. */
void meter_end(struct meter *meter);

#define METER_TEXT_BYTES 512

/* meter_text: "WHAT: 1.0 GiB of 4.0 GiB, 102 MiB/s, 17 members, 300 MiB stored,
 * 30s left" after so many seconds; what is not known is left out, and so is the
 * rest in the first second, and where more was done than there would be. A WHAT
 * that is too long is cut. Pure. */
void meter_text(const struct meter_facts *facts, double seconds,
    char ret[METER_TEXT_BYTES]);

#endif
