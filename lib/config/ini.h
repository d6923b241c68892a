/*
 * ini: the lines of an INI text, whole and numbered.
 *
 * Built on libinih, which no other file knows, and around its limits: as
 * packaged it cuts lines at 200 bytes and names at 50, drops what follows
 * " ;" in a value, tells no line numbers and only the first error, and keeps
 * silent about a section without keys. Here
 *  - a line may have 64 KiB; its value arrives as it stands, blanks trimmed
 *    off both ends;
 *  - "[name]" is a section, whatever is between the first and the last
 *    bracket; "key = value" and "key: value" are keys; what no key can be,
 *    because of a blank or a sign of base64 in it, is a problem that does not
 *    show it: it may be a secret, up to its "=";
 *  - a line that begins with a blank continues the value above it;
 *  - lines whose first character that is no blank is # or ; are comments;
 *  - in a continuation line, a backslash before one of # ; \ or a blank, or
 *    at its end, is dropped: so the text may begin with one of these, or be
 *    empty;
 *  - a byte order mark and CR LF line ends are accepted.
 * The names begin with inifile_ because libinih owns ini_.
 */
#ifndef LIB_CONFIG_INI_H
#define LIB_CONFIG_INI_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

#define INIFILE_LINE_BYTES 65536
#define INIFILE_KEY_BYTES 48	/* libinih holds 49 */

struct inifile_line {
	unsigned number;
	const char *section;	/* NULL: before any */
	const char *key;	/* NULL: this line begins the section */
	const char *text;	/* of a key */
	bool continues;		/* text is one more line for the same key */
};

/* Who gets the lines and the problems, in their order. A function returns -1
 * with *err filled to stop. What it is given is borrowed for the call. */
struct inifile_sink {
	int (*line)(void *cookie, const struct inifile_line *line,
	    struct err *err);
	int (*problem)(void *cookie, unsigned number, const char *text,
	    struct err *err);
	void *cookie;
};

/*
 * inifile_read: hand every line to the sink.
 *
 * Takes    text, len bytes and a NUL, which is written to
 * Promise  goes on after a problem; a line that continues one that was a
 *          problem is left out
 * Fails    only if the sink does
 */
MUST_CHECK int inifile_read(char *text, size_t len,
    const struct inifile_sink *sink, struct err *err);

/* inifile_write: append the lines that inifile_read takes for this key and
 * this text, but for blanks at the end of a line. Each of them begins with
 * prefix: "", or what makes a comment of it. */
void inifile_write(const char *key, const char *text, const char *prefix,
    struct str *ret);

#endif
