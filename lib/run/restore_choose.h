/*
 * restore_choose: which archive, and the stores that have it.
 */
#ifndef LIB_RUN_RESTORE_CHOOSE_H
#define LIB_RUN_RESTORE_CHOOSE_H

#include "lib/run/catalogue.h"
#include "lib/run/restore.h"
#include "lib/run/restore_wants.h"

struct restore_choice {
	struct catalogue catalogue;
	/* The same archive, in each store that has it: directories first. */
	const struct catalogue_entry **v;
	size_t n;
	size_t problems;	/* stores that cannot be used; logged */
};

#define RESTORE_CHOICE_INIT { CATALOGUE_INIT, NULL, 0, 0 }

/* restore_choose: the named one, or the newest that has all volumes that are
 * wanted. Fails: as catalogue_open; ERR_NOTFOUND there is none (the names that
 * are near are in the message) */
MUST_CHECK int restore_choose(const struct config *config,
    const struct restore_settings *settings,
    const struct restore_wants *wants, struct restore_choice *ret,
    struct err *err);
void restore_choice_free(struct restore_choice *choice);	/* for CLEANUP */

#endif
