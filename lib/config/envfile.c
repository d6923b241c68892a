#include "lib/config/envfile.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/config/problems.h"

#define LINE_BYTES 65536	/* and of a value: expansion could double it */
#define DEPTH_MAX 8			/* of ${A:-${B:-...}} */

struct parser {
	const char *path;
	char *const *environment;
	struct envfile *file;
	struct strlist *problems;
	struct err *err;
	unsigned line;
	bool too_long;		/* the value of this line */
};

void
envfile_free(struct envfile *file)
{
	size_t i;

	for (i = 0; i < file->n; i++) {
		free(file->v[i].name);
		str_zero(file->v[i].value);
		free(file->v[i].value);
	}
	free(file->v);
	*file = (struct envfile)ENVFILE_INIT;
}

/* --- variables ----------------------------------------------------------- */

static bool
is_name_char(char c, bool first)
{
	return c == '_' || isalpha((unsigned char)c) ||
	    (!first && isdigit((unsigned char)c));
}

static size_t
name_length(const char *text)
{
	size_t n = 0;

	while (is_name_char(text[n], n == 0))
		n++;
	return n;
}

static struct envfile_variable *
find(const struct envfile *file, const char *name, size_t n)
{
	size_t i;

	for (i = 0; i < file->n; i++)
		if (strncmp(file->v[i].name, name, n) == 0 &&
		    file->v[i].name[n] == '\0')
			return &file->v[i];
	return NULL;
}

/* The value of a name of n bytes, or NULL. */
static const char *
look_up(const struct parser *p, const char *name, size_t n)
{
	const struct envfile_variable *variable = find(p->file, name, n);
	char *const *e;

	if (variable != NULL)
		return variable->value;
	for (e = p->environment; e != NULL && *e != NULL; e++)
		if (strncmp(*e, name, n) == 0 && (*e)[n] == '=')
			return *e + n + 1;
	return NULL;
}

static int
append(struct parser *p, const char *name, char *value)
{
	struct envfile_variable *bigger = realloc(p->file->v,
	    (p->file->n + 1) * sizeof *bigger);
	char *name_copy;

	if (bigger == NULL)
		return err_nomem(p->err);
	p->file->v = bigger;
	if (str_dup(name, &name_copy, p->err) < 0)
		return -1;
	bigger[p->file->n++] = (struct envfile_variable){ name_copy, value,
		p->line };
	return 0;
}

/* Takes the content of value. */
static int
put(struct parser *p, const char *name, struct str *value)
{
	struct envfile_variable *old = find(p->file, name, strlen(name));
	char *text;

	if (str_take(value, &text, p->err) < 0)
		return -1;
	if (old == NULL) {
		if (append(p, name, text) == 0)
			return 0;
		str_zero(text);
		free(text);
		return -1;
	}
	str_zero(old->value);
	free(old->value);
	old->value = text;
	old->line = p->line;
	return 0;
}

/* --- expansion ----------------------------------------------------------- */

/* These return what is wrong with a value, or NULL. */

static const char *expand_until(struct parser *p, const char **text,
    const char *stops, int depth, struct str *ret);

static void
add(struct parser *p, const char *bytes, size_t n, struct str *ret)
{
	if (ret->len + n > LINE_BYTES)
		p->too_long = true;
	else
		str_addn(ret, bytes, n);
}

/* After "${": the name, the default and the brace. */
static const char *
expand_braces(struct parser *p, const char **text, int depth, struct str *ret)
{
	CLEANUP(str_wipe) struct str other = STR_INIT;
	size_t n = name_length(*text);
	const char *value = look_up(p, *text, n);
	const char *problem;

	if (n == 0)
		return "no name after ${";
	*text += n;
	if (**text == ':' && (*text)[1] == '-') {
		if (value != NULL && *value == '\0')
			value = NULL;
		++*text;
	}
	if (**text == '-') {
		++*text;
		problem = expand_until(p, text, "}", depth + 1, &other);
		if (problem != NULL)
			return problem;
		if (value == NULL && other.failed)
			ret->failed = true;
		if (value == NULL)
			value = other.s;
	}
	if (**text != '}')
		return "${ is not followed by NAME}, NAME-text} or "
		    "NAME:-text}";
	++*text;
	if (value != NULL)
		add(p, value, strlen(value), ret);
	return NULL;
}

/* At a dollar. One that no name follows is itself. */
static const char *
expand_dollar(struct parser *p, const char **text, int depth, struct str *ret)
{
	const char *value;
	size_t n;

	++*text;
	if (**text == '(')
		return "no command is run here ($( can stand in '...')";
	if (**text == '{') {
		++*text;
		return expand_braces(p, text, depth, ret);
	}
	n = name_length(*text);
	if (n == 0) {
		add(p, "$", 1, ret);
		return NULL;
	}
	value = look_up(p, *text, n);
	*text += n;
	if (value != NULL)
		add(p, value, strlen(value), ret);
	return NULL;
}

/* At a backslash. */
static void
unescape(struct parser *p, const char **text, bool quoted, struct str *ret)
{
	char next = (*text)[1];

	if (next == '$' || next == '`' ||
	    (quoted && (next == '"' || next == '\\'))) {
		add(p, &next, 1, ret);
		*text += 2;
	} else if (quoted && next == 'n') {
		add(p, "\n", 1, ret);
		*text += 2;
	} else {
		add(p, "\\", 1, ret);
		++*text;
	}
}

/* Up to one of the stops, which is not passed, or to the end; a blank among
 * them stops only before a #. */
static const char *
expand_until(struct parser *p, const char **text, const char *stops, int depth,
    struct str *ret)
{
	const char *problem = NULL;

	if (depth > DEPTH_MAX)
		return "too many ${ in each other";
	while (**text != '\0' && problem == NULL) {
		char c = **text;

		if (isblank((unsigned char)c) ? (*stops == ' ' &&
		    (*text)[1] == '#') : strchr(stops, c) != NULL)
			break;
		if (c == '`')
			return "no command is run here (` can stand in '...')";
		if (c == '$') {
			problem = expand_dollar(p, text, depth, ret);
		} else if (c == '\\') {
			unescape(p, text, *stops == '"', ret);
		} else {
			add(p, &c, 1, ret);
			++*text;
		}
	}
	return problem;
}

/* --- lines --------------------------------------------------------------- */

static const char *
check_rest(const char *text)
{
	const char *rest = text + strspn(text, " \t");

	return *rest == '\0' || (*rest == '#' && rest != text) ? NULL :
	    "there is something after the closing quote";
}

static const char *
read_quoted(struct parser *p, const char *text, struct str *ret)
{
	const char *end = text + 1;
	const char *problem = NULL;

	if (*text == '\'') {
		end += strcspn(end, "'");
		add(p, text + 1, (size_t)(end - text - 1), ret);
	} else {
		problem = expand_until(p, &end, "\"", 0, ret);
	}
	if (problem != NULL)
		return problem;
	if (*end != *text)
		return "a quote is not closed";
	return check_rest(end + 1);
}

static const char *
read_plain(struct parser *p, const char *text, struct str *ret)
{
	const char *problem = expand_until(p, &text, " ", 0, ret);

	while (ret->len != 0 && isspace((unsigned char)ret->s[ret->len - 1]))
		ret->s[--ret->len] = '\0';
	return problem;
}

static const char *
read_value(struct parser *p, const char *text, struct str *ret)
{
	const char *problem = *text == '\'' || *text == '"' ?
	    read_quoted(p, text, ret) : read_plain(p, text, ret);

	return problem == NULL && p->too_long ? "a value of more than 64 KiB" :
	    problem;
}

/* Finds KEY and VALUE in a line, which is cut up. */
static const char *
split(char *line, const char **ret_name, const char **ret_value)
{
	char *equals;
	size_t n;

	if (str_starts(line, "export ") || str_starts(line, "export\t"))
		line = str_trim(line + strlen("export"));
	n = name_length(line);
	equals = line + n + strspn(line + n, " \t");
	if (n == 0 || *equals != '=')
		return "not a line like KEY=VALUE";
	line[n] = '\0';
	*ret_name = line;
	*ret_value = equals + 1 + strspn(equals + 1, " \t");
	/* KEY=#text is a value, KEY= #text a comment. */
	if (**ret_value == '#' && *ret_value != equals + 1)
		*ret_value = "";
	return NULL;
}

static int
read_line(struct parser *p, char *line, size_t len)
{
	CLEANUP(str_wipe) struct str value = STR_INIT;
	const char *name, *text;
	const char *problem = NULL;

	p->too_long = false;
	if (len > LINE_BYTES)
		problem = "a line of more than 64 KiB";
	else if (strlen(line) != len)
		problem = "a line with a NUL byte";
	line = str_trim(line);
	if (problem == NULL && (*line == '\0' || *line == '#'))
		return 0;
	if (problem == NULL)
		problem = split(line, &name, &text);
	if (problem == NULL)
		problem = read_value(p, text, &value);
	if (problem != NULL)
		return strlist_addf(p->problems, p->err, "%s:%u: %s", p->path,
		    p->line, problem);
	return put(p, name, &value);
}

int
envfile_parse(char *text, size_t len, const char *path,
    char *const *environment, struct envfile *ret, struct strlist *problems,
    struct err *err)
{
	struct parser p = { path, environment, ret, problems, err, 0,
		false };
	char *end = text + len, *line = text, *newline;

	*ret = (struct envfile)ENVFILE_INIT;
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		line += 3;
	for (; line != NULL; line = newline != NULL ? newline + 1 : NULL) {
		newline = memchr(line, '\n', (size_t)(end - line));
		if (newline != NULL)
			*newline = '\0';
		p.line++;
		if (read_line(&p, line, newline != NULL ?
		    (size_t)(newline - line) : (size_t)(end - line)) < 0) {
			envfile_free(ret);
			return -1;
		}
	}
	return 0;
}
