/*
 * complete_usage: what a usage text says can be typed.
 *
 * The texts of the table of verbs, such as
 *
 *     [ARCHIVE | latest | --all] [--store NAME] [-v|-q] [PATH]...
 *
 * are what completion is made from, so that it cannot fall behind them. An
 * option and the word in capitals behind it belong together; what is neither
 * fills a place, one after the other; words with a bar between them are
 * alternatives. Words in small letters are meant as they are.
 */
#ifndef CMD_COMPLETE_USAGE_H
#define CMD_COMPLETE_USAGE_H

#include <stdbool.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

struct complete_usage {
	struct strmap options;	/* "--store" -> "NAME"; "" takes nothing */
	struct strlist places;	/* "ARCHIVE|latest", "PATH" */
	bool repeats;		/* the last place */
};

#define COMPLETE_USAGE_INIT { STRMAP_INIT, STRLIST_INIT, false }

/* complete_usage_read: text of at most 1023 bytes. Fails: ERR_NOMEM. */
MUST_CHECK int complete_usage_read(const char *text,
    struct complete_usage *ret, struct err *err);
void complete_usage_free(struct complete_usage *usage);

/* complete_usage_place: what stands at this place, or NULL. */
const char *complete_usage_place(const struct complete_usage *usage,
    size_t place);

#endif
