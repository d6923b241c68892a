#define _GNU_SOURCE
#include "lib/run/teller.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void
teller_say(const struct teller *teller, const char *fmt, ...)
{
	CLEANUP(cleanup_free) char *text = NULL;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	teller->tell(teller->cookie, text != NULL ? text : fmt);
}
