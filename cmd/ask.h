/*
 * ask: a secret, from the terminal.
 */
#ifndef CMD_ASK_H
#define CMD_ASK_H

#include <stdbool.h>

#include "lib/base/err.h"

/* ask_possible: is there a terminal, whatever the standard input is? */
bool ask_possible(void);

/*
 * ask_secret: what is typed is not shown. The terminal is as it was afterwards,
 * also after a signal.
 *
 * Gives    *ret: a line without its newline; caller wipes and frees
 * Fails    ERR_CONFIG there is no terminal, or nothing was typed;
 *          ERR_INTERRUPTED; ERR_SYSTEM
 */
MUST_CHECK int ask_secret(void *cookie, const char *prompt, char **ret,
    struct err *err);

#endif
