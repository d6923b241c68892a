/*
 * message: what somebody is told: a title and a body.
 *
 * Services have limits. What is cut is the middle: the head says what happened,
 * the tail is the end of the log. All texts are UTF-8.
 */
#ifndef LIB_REPORT_MESSAGE_H
#define LIB_REPORT_MESSAGE_H

#include <stddef.h>
#include <time.h>

#include "lib/base/err.h"

enum outcome { OUTCOME_SUCCESS, OUTCOME_PROBLEMS, OUTCOME_FAILURE };

struct message {		/* everything borrowed */
	const char *title;	/* one line */
	const char *body;	/* lines; never empty */
	enum outcome outcome;
	const char *host;	/* whom it is from */
	time_t time;
};

enum message_unit { MESSAGE_BYTES, MESSAGE_CHARACTERS };	/* of UTF-8 */

#define MESSAGE_MARK "[...]"

/*
 * message_fit: *ret is text, or, if it is longer than max units, a third of
 * max from its head, a line MESSAGE_MARK, and the rest of max from its tail:
 * never more than max, never a part of a character, whole lines where lines
 * are short. max is at least 64. A byte that is not UTF-8 counts as a
 * character. Caller frees.
 */
MUST_CHECK int message_fit(const char *text, size_t max,
    enum message_unit unit, char **ret, struct err *err);

/* message_cut: the head of text, "..." behind it where something is missing:
 * for titles. max is at least 8. */
MUST_CHECK int message_cut(const char *text, size_t max,
    enum message_unit unit, char **ret, struct err *err);

/* message_whole: title, separator and body in one text, fitted so that the
 * whole has no more than max units (0: no limit, else at least 64); an empty
 * title takes its separator along. For services without a title. Caller
 * frees. */
MUST_CHECK int message_whole(const struct message *message,
    const char *separator, size_t max, enum message_unit unit, char **ret,
    struct err *err);

/* message_line: *ret is text as one line: a control character (CR, LF, DEL,
 * U+0080 to U+009F) becomes a blank, a byte that is not UTF-8 a question mark,
 * blanks at both ends go. For what becomes a title, or a header. Caller
 * frees. */
MUST_CHECK int message_line(const char *text, char **ret, struct err *err);

/* message_utf8: *ret is text with a question mark for each byte that is not
 * UTF-8, and for control characters but newline and tab. Caller frees. */
MUST_CHECK int message_utf8(const char *text, char **ret, struct err *err);

#endif
