/*
 * teller: whom to tell of a problem beside the archive. It is counted in the
 * report and logged; the run ends with 3 if nothing worse comes. From any
 * thread.
 */
#ifndef LIB_RUN_TELLER_H
#define LIB_RUN_TELLER_H

#include "lib/base/cleanup.h"

struct teller {
	void (*tell)(void *cookie, const char *message);
	void *cookie;
};

void teller_say(const struct teller *teller, const char *fmt, ...)
    PRINTF_LIKE(2, 3);

#endif
