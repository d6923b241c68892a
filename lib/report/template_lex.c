#define _GNU_SOURCE
#include "lib/report/template_lex.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"

#define BLANKS " \t\r\n"

int
lexer_fail(const struct lexer *lexer, struct err *err, const char *fmt, ...)
{
	CLEANUP(cleanup_free) char *text = NULL;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vasprintf(&text, fmt, args);
	va_end(args);
	if (n < 0) {
		text = NULL;
		return err_nomem(err);
	}
	return err_set(err, ERR_CONFIG, "%s:%u: %s", lexer->source,
	    lexer->line, text);
}

static bool
is_blank(char c)
{
	return c != '\0' && strchr(BLANKS, c) != NULL;
}

/* Goes n bytes on, and counts the lines. */
static void
advance(struct lexer *lexer, size_t n)
{
	for (; n != 0; n--)
		if (*lexer->p++ == '\n')
			lexer->line++;
}

static void
skip_blanks(struct lexer *lexer)
{
	while (lexer->p < lexer->end && is_blank(*lexer->p))
		advance(lexer, 1);
}

/* The source ends in a NUL, so looking ahead is always allowed. */
static bool
stands(const struct lexer *lexer, const char *what)
{
	return strncmp(lexer->p, what, strlen(what)) == 0;
}

/* --- between actions ----------------------------------------------------- */

/* "}}", or "-}}" behind a blank: then what follows is trimmed. */
static size_t
end_length(const struct lexer *lexer, bool blank_before)
{
	if (blank_before && stands(lexer, "-}}"))
		return 3;
	return stands(lexer, "}}") ? 2 : 0;
}

static void
end_action(struct lexer *lexer, size_t n)
{
	advance(lexer, n);
	if (n == 3)
		skip_blanks(lexer);
}

/* Behind the opening of a comment. */
static int
skip_comment(struct lexer *lexer, struct err *err)
{
	const char *end = strstr(lexer->p + 2, "*/");
	bool blank;
	size_t n;

	if (end == NULL)
		return lexer_fail(lexer, err, "the comment has no end");
	advance(lexer, (size_t)(end - lexer->p) + 2);
	blank = is_blank(*lexer->p);
	if (blank && strncmp(lexer->p + 1, "-}}", 3) == 0)
		advance(lexer, 1);
	n = end_length(lexer, blank);
	if (n == 0)
		return lexer_fail(lexer, err,
		    "a comment must be alone between {{ and }}");
	end_action(lexer, n);
	return 0;
}

int
lexer_text(struct lexer *lexer, const char **ret, size_t *ret_len,
    bool *ret_more, struct err *err)
{
	const char *from = lexer->p, *open = strstr(from, "{{");
	size_t n = (size_t)((open != NULL ? open : lexer->end) - from);

	*ret = from;
	*ret_len = n;
	*ret_more = open != NULL;
	advance(lexer, n);
	if (open == NULL)
		return 0;
	advance(lexer, 2);
	if (*lexer->p == '-' && is_blank(lexer->p[1])) {
		while (*ret_len != 0 && is_blank(from[*ret_len - 1]))
			(*ret_len)--;
		advance(lexer, 2);
		skip_blanks(lexer);
	}
	if (!stands(lexer, "/*"))
		return 0;
	*ret_more = false;
	return skip_comment(lexer, err);
}

/* --- in an action -------------------------------------------------------- */

static bool
is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_' ||
	    (unsigned char)c >= 0x80;
}

static size_t
name_length(const char *p)
{
	size_t n = 0;

	while (is_name(p[n]))
		n++;
	return n;
}

static int
take(struct lexer *lexer, struct token *token, enum token_kind kind,
    const char *text, size_t n, struct err *err)
{
	token->kind = kind;
	token->text = template_copy(lexer->arena, text, n);
	token->len = n;
	return token->text != NULL ? 0 : err_nomem(err);
}

/* A character by its number, as UTF-8. */
static size_t
encode(unsigned long c, char ret[4])
{
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4, i;
	static const unsigned char heads[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	for (i = n; i-- > 1; c >>= 6)
		ret[i] = (char)(0x80 | (c & 0x3f));
	ret[0] = (char)(heads[n] | c);
	return n;
}

/* Digits of a base at *p, exactly n of them. */
static bool
take_code(const char **p, size_t n, int base, unsigned long *ret)
{
	char digits[9] = "", *end;

	memcpy(digits, *p, strnlen(*p, n));
	if (strlen(digits) != n || !isxdigit((unsigned char)*digits))
		return false;
	*ret = strtoul(digits, &end, base);
	*p += n;
	return *end == '\0';
}

/* What stands behind a backslash; 0: nothing that is known. */
static size_t
unescape(const char **p, char ret[4])
{
	static const char names[] = "abfnrtv\\\"'", values[] =
	    "\a\b\f\n\r\t\v\\\"'";
	const char *name = **p != '\0' ? strchr(names, **p) : NULL;
	unsigned long code = 0;
	bool character = **p == 'u' || **p == 'U', good;

	if (name != NULL) {
		(*p)++;
		ret[0] = values[name - names];
		return 1;
	}
	if (**p >= '0' && **p <= '7') {
		good = take_code(p, 3, 8, &code);
	} else if (**p == 'x' || character) {
		size_t n = **p == 'x' ? 2 : **p == 'u' ? 4 : 8;

		(*p)++;
		good = take_code(p, n, 16, &code);
	} else {
		return 0;
	}
	if (!good || code == 0 || code > (character ? 0x10ffffUL : 0xffUL))
		return 0;
	if (character)
		return encode(code, ret);
	ret[0] = (char)code;
	return 1;
}

static int
take_quoted(struct lexer *lexer, struct token *token, struct err *err)
{
	CLEANUP(str_free) struct str s = STR_INIT;
	const char *p = lexer->p + 1;
	char bytes[4];
	size_t n;

	str_add(&s, "");
	for (; *p != '"'; str_addn(&s, bytes, n)) {
		bytes[0] = *p;
		n = 1;
		if (*p == '\0' || *p == '\n')
			return lexer_fail(lexer, err, "a \" without its end");
		if (*p++ == '\\' && (n = unescape(&p, bytes)) == 0)
			return lexer_fail(lexer, err,
			    "a backslash in \" \" with nothing known behind "
			    "it (write it twice, or use ` `)");
	}
	if (s.failed)
		return err_nomem(err);
	if (!str_is_utf8(s.s))
		return lexer_fail(lexer, err, "a text that is not UTF-8");
	advance(lexer, (size_t)(p + 1 - lexer->p));
	return take(lexer, token, TOKEN_STRING, s.s, s.len, err);
}

static int
take_raw(struct lexer *lexer, struct token *token, struct err *err)
{
	const char *from = lexer->p + 1, *end = strchr(from, '`');

	if (end == NULL)
		return lexer_fail(lexer, err, "a ` without its end");
	advance(lexer, (size_t)(end + 1 - lexer->p));
	return take(lexer, token, TOKEN_STRING, from, (size_t)(end - from),
	    err);
}

/* As much as could be one: what it is worth is seen later. */
static size_t
number_length(const char *p)
{
	size_t n = *p == '-' || *p == '+' ? 1 : 0;
	bool hex = p[n] == '0' && (p[n + 1] == 'x' || p[n + 1] == 'X');

	for (; is_name(p[n]) || p[n] == '.'; n++)
		if (!hex && (p[n] == 'e' || p[n] == 'E') &&
		    (p[n + 1] == '-' || p[n + 1] == '+'))
			n++;
	return n;
}

static int
take_punctuation(struct lexer *lexer, struct token *token, struct err *err)
{
	bool declares = stands(lexer, ":=");
	unsigned char c = (unsigned char)*lexer->p;

	if (!declares && (c == '\0' || strchr("|(),=", c) == NULL))
		return c < 0x20 || c >= 0x7f ?
		    lexer_fail(lexer, err, "unexpected byte 0x%02x", c) :
		    lexer_fail(lexer, err, "unexpected '%c'", c);
	token->kind = TOKEN_PUNCTUATION;
	token->punctuation = (char)c;
	advance(lexer, declares ? 2 : 1);
	return 0;
}

static int
take_any(struct lexer *lexer, struct token *token, struct err *err)
{
	const char *p = lexer->p;
	size_t n = name_length(p + 1);

	if (*p == '"')
		return take_quoted(lexer, token, err);
	if (*p == '`')
		return take_raw(lexer, token, err);
	if (isdigit((unsigned char)*p) || ((*p == '.' || *p == '-' ||
	    *p == '+') && isdigit((unsigned char)p[1]))) {
		lexer->p += number_length(p);
		return take(lexer, token, TOKEN_NUMBER, p,
		    (size_t)(lexer->p - p), err);
	}
	if (*p == '.' || *p == '$') {
		lexer->p += n + 1;
		return take(lexer, token, *p == '$' ? TOKEN_VARIABLE :
		    n != 0 ? TOKEN_FIELD : TOKEN_DOT, p + 1, n, err);
	}
	if (is_name(*p)) {
		lexer->p += n + 1;
		return take(lexer, token, TOKEN_WORD, p, n + 1, err);
	}
	return take_punctuation(lexer, token, err);
}

int
lexer_token(struct lexer *lexer, struct token *ret, struct err *err)
{
	const char *from = lexer->p;
	struct token token = { TOKEN_END, '\0', false, "", 0 };
	size_t n;

	skip_blanks(lexer);
	token.blank_before = lexer->p != from;
	if (lexer->p == lexer->end)
		return lexer_fail(lexer, err, "an action without its }}");
	n = end_length(lexer, token.blank_before);
	if (n != 0)
		end_action(lexer, n);
	else if (take_any(lexer, &token, err) < 0)
		return -1;
	*ret = token;
	return 0;
}
