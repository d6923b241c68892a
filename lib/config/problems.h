/*
 * problems: what is wrong with settings and labels, all of it at once.
 *
 * Two lists of texts, problems and warnings, grow while reading goes on, by
 * strlist_addf. Each text is one line that begins with where it is: a file and
 * line, a variable, a container. It never shows a secret.
 */
#ifndef LIB_CONFIG_PROBLEMS_H
#define LIB_CONFIG_PROBLEMS_H

#include "lib/base/err.h"
#include "lib/base/str.h"

/*
 * problems_absorb: make a problem of the error in *err, so that reading can go
 * on: where and what before it, either may be NULL. Out of memory stays the
 * error that it is: returns -1.
 */
MUST_CHECK int problems_absorb(struct strlist *list, const char *where,
    const char *what, struct err *err);

/* problems_log: every warning and every problem as a line of its own, each
 * text once. Fails: ERR_CONFIG if there is any problem, saying how many. */
MUST_CHECK int problems_log(const struct strlist *problems,
    const struct strlist *warnings, struct err *err);

#endif
