/*
 * lines: what somebody prints, in pieces of any size, as lines for the log.
 *
 *     struct lines lines = { .line = function, .cookie = cookie };
 *     lines_add ..., lines_end
 *
 * A line goes to the function without its newline, and without a carriage
 * return before that; the last one may lack a newline. Of a line of more than
 * LINES_BYTES_MAX bytes the rest is left out, and LINES_MARK stands in its
 * place, so that memory is bounded whatever is printed. A NUL byte becomes a
 * question mark; all other bytes stay as they are.
 */
#ifndef LIB_BASE_LINES_H
#define LIB_BASE_LINES_H

#include <stdbool.h>
#include <stddef.h>

#define LINES_BYTES_MAX 4096
#define LINES_MARK " ... (cut)"

struct lines {
	void (*line)(void *cookie, const char *line);	/* NULL: nobody */
	void *cookie;
	/* The rest begins as zeros. */
	char last[LINES_BYTES_MAX + sizeof LINES_MARK];	/* line that was not
							 * blank; or "" */
	char text[LINES_BYTES_MAX + sizeof LINES_MARK];	/* line that comes */
	size_t len;
	bool cut;
};

void lines_add(struct lines *lines, const void *bytes, size_t n);

/* lines_end: no more will come; what has no newline yet is a line. */
void lines_end(struct lines *lines);

#endif
