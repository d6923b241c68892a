#include "lib/config/ini.h"

#include <ctype.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>

/* What a line that begins with a blank would continue. */
enum above { ABOVE_NOTHING, ABOVE_VALUE, ABOVE_PROBLEM };

struct reader {
	const struct inifile_sink *sink;
	struct err *err;
	char *next;		/* the next line, NULL after the last */
	char *end;
	enum above above;
	bool announce;		/* a section's second stand-in is due */
	bool failed;
	struct inifile_line line;	/* the one that inih is looking at */
};

/*
 * libinih is shown a stand-in for each line, short enough for it: a section
 * is always "[s]", a value always "v", a key itself. It decides what belongs
 * to what and calls back; the real texts wait in reader.line until then.
 */
#define STAND_IN_SECTION "[s]\n"
#define STAND_IN_ANNOUNCE "=v\n"	/* makes it report the section */
#define STAND_IN_KEY "%s=v\n"
#define STAND_IN_CONTINUED " v\n"
#define STAND_IN_NOTHING "\n"

/* Returns the stand-in of a line that could not be understood. */
static const char *
problem(struct reader *r, const char *text)
{
	r->above = ABOVE_PROBLEM;
	if (r->sink->problem(r->sink->cookie, r->line.number, text,
	    r->err) < 0)
		r->failed = true;
	return STAND_IN_NOTHING;
}

static const char *
read_section(struct reader *r, char *text)
{
	size_t n = strlen(text);

	if (text[n - 1] != ']')
		return problem(r, "a section does not end in ]");
	text[n - 1] = '\0';
	r->line.section = str_trim(text + 1);
	r->line.key = NULL;
	r->above = ABOVE_NOTHING;
	r->announce = true;
	return STAND_IN_SECTION;
}

static const char *
read_key(struct reader *r, char *text)
{
	size_t n = strcspn(text, "=:");
	const char *key;

	if (text[n] == '\0' || n == 0)
		return problem(r, "neither [section] nor key = value");
	text[n] = '\0';
	key = str_trim(text);
	if (strlen(key) > INIFILE_KEY_BYTES)
		return problem(r, "no key is as long as this one");
	if (strchr(key, ';') != NULL)
		return problem(r, "no key has a semicolon");
	/* Such a key is not shown: it may be a secret up to its "=". */
	if (key[strcspn(key, " \t/+%@\"'")] != '\0')
		return problem(r, "no key has a blank or such a character "
		    "(is there no '=' behind it?)");
	r->line.text = str_trim(text + n + 1);
	r->line.key = key;
	r->line.continues = false;
	r->above = ABOVE_VALUE;
	return STAND_IN_KEY;
}

/* Would this, as a continuation line, be taken for something else? */
static bool
needs_backslash(const char *text)
{
	return *text == '\0' || *text == '#' || *text == ';' ||
	    *text == '\\' || isspace((unsigned char)*text);
}

static const char *
read_continued(struct reader *r, const char *text)
{
	if (r->above == ABOVE_NOTHING)
		return problem(r, "a line that begins with a blank continues "
		    "the value above it, and there is none");
	if (r->above == ABOVE_PROBLEM)
		return STAND_IN_NOTHING;
	if (text[0] == '\\' && needs_backslash(text + 1))
		text++;
	r->line.text = text;
	r->line.continues = true;
	return STAND_IN_CONTINUED;
}

/* Cuts off the next line; returns its stand-in. */
static const char *
read_line(struct reader *r)
{
	char *line = r->next;
	char *newline = memchr(line, '\n', (size_t)(r->end - line));
	char *line_end = newline != NULL ? newline : r->end;
	char *text;

	r->next = newline != NULL ? newline + 1 : NULL;
	r->line.number++;
	*line_end = '\0';
	if (line_end - line > INIFILE_LINE_BYTES)
		return problem(r, "a line of more than 64 KiB");
	if (strlen(line) != (size_t)(line_end - line))
		return problem(r, "a line with a NUL byte");
	text = line + strspn(line, " \t\r\n\v\f");
	(void)str_trim(text);
	if (*text == '\0' || *text == '#' || *text == ';')
		return STAND_IN_NOTHING;
	if (text != line)
		return read_continued(r, text);
	return *text == '[' ? read_section(r, text) : read_key(r, text);
}

/* The ini_reader: works like fgets. */
static char *
feed(char *ret, int n, void *cookie)
{
	struct reader *r = cookie;
	const char *stand_in = STAND_IN_ANNOUNCE;

	if (!r->announce && r->next == NULL)
		return NULL;
	if (!r->announce)
		stand_in = read_line(r);
	else
		r->announce = false;
	if (r->failed)
		return NULL;
	if (strcmp(stand_in, STAND_IN_KEY) == 0)
		(void)snprintf(ret, (size_t)n, STAND_IN_KEY, r->line.key);
	else
		(void)snprintf(ret, (size_t)n, "%s", stand_in);
	return ret;
}

/* The ini_handler: 1 to go on. */
static int
take(void *cookie, const char *section, const char *name, const char *value)
{
	struct reader *r = cookie;
	struct inifile_line line = r->line;

	(void)section;
	(void)value;
	if (line.key != NULL)
		line.key = name;
	if (r->sink->line(r->sink->cookie, &line, r->err) < 0) {
		r->failed = true;
		r->announce = false;
		r->next = NULL;
	}
	return !r->failed;
}

int
inifile_read(char *text, size_t len, const struct inifile_sink *sink,
    struct err *err)
{
	struct reader r = { .sink = sink, .err = err, .next = text,
		.end = text + len, .above = ABOVE_NOTHING };
	int rc;

	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		r.next += 3;
	rc = ini_parse_stream(feed, &r, take, &r);
	if (r.failed)
		return -1;
	/* Only a libinih that was built to take less comes here. */
	if (rc != 0)
		return sink->problem(sink->cookie, r.line.number,
		    "libinih refuses a line that it should take", err);
	return 0;
}

/* --- writing ------------------------------------------------------------- */

static void
write_continued(const char *text, size_t n, const char *prefix, struct str *ret)
{
	CLEANUP(str_wipe) struct str line = STR_INIT;

	str_addn(&line, text, n);
	if (line.failed)
		ret->failed = true;
	else
		str_addf(ret, "%s\t%s%s\n", prefix,
		    needs_backslash(line.s) ? "\\" : "", line.s);
}

void
inifile_write(const char *key, const char *text, const char *prefix,
    struct str *ret)
{
	const char *line = text;
	size_t n = strcspn(line, "\n");

	str_addf(ret, "%s%s =", prefix, key);
	if (line[n] == '\0' && !isspace((unsigned char)*line)) {
		str_addf(ret, "%s%s\n", n != 0 ? " " : "", line);
		return;
	}
	str_add(ret, "\n");
	for (;; line += n + 1) {
		n = strcspn(line, "\n");
		write_continued(line, n, prefix, ret);
		if (line[n] == '\0')
			return;
	}
}
