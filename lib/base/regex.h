/*
 * regex: regular expressions. The only file that knows libpcre2.
 *
 * As the expressions of Go that users bring along: the text is UTF-8 (one that
 * is not is searched all the same), $ is the end of the text. Expressions may
 * come from whoever sets labels, so a search has a limit.
 */
#ifndef LIB_BASE_REGEX_H
#define LIB_BASE_REGEX_H

#include "lib/base/err.h"

struct regex;

enum regex_result { REGEX_NO, REGEX_YES,
	REGEX_UNKNOWN };	/* it took too long, or too much memory */

/* regex_new: Fails: ERR_CONFIG it does not compile (the offset is named). */
MUST_CHECK int regex_new(const char *pattern, struct regex **ret,
    struct err *err);
/* regex_search: is it anywhere in text? By one thread at a time. */
enum regex_result regex_search(struct regex *regex, const char *text);
void regex_free(struct regex *regex);
void regex_freep(struct regex **regex);	/* for CLEANUP */

#endif
