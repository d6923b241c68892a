/*
 * template_lex: what stands between {{ and }}, word by word.
 */
#ifndef LIB_REPORT_TEMPLATE_LEX_H
#define LIB_REPORT_TEMPLATE_LEX_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/report/template_tree.h"

enum token_kind {
	TOKEN_END,		/* of the action: }}, or blank, minus and }} */
	TOKEN_WORD,		/* if, range, eq, true */
	TOKEN_FIELD,		/* .Name; text without its dot */
	TOKEN_DOT,		/* . */
	TOKEN_VARIABLE,		/* $, $name; text without the dollar */
	TOKEN_STRING,		/* text is its value */
	TOKEN_NUMBER,		/* text is as it stands there */
	TOKEN_PUNCTUATION	/* | ( ) , = and := (which is ':') */
};

struct token {
	enum token_kind kind;
	char punctuation;
	bool blank_before;
	const char *text;	/* in the arena */
	size_t len;
};

struct lexer {
	const char *source;	/* for messages */
	const char *p;
	const char *end;
	unsigned line;
	struct template_arena *arena;
};

/* lexer_fail: "SOURCE:LINE: ..."; ERR_CONFIG. */
int lexer_fail(const struct lexer *lexer, struct err *err, const char *fmt,
    ...) PRINTF_LIKE(3, 4);

/*
 * lexer_text: plain text up to the next action or the end, without what trim
 * markers take away; comments are passed over. p is then behind the {{, or at
 * the end.
 * Gives    *ret, *ret_len: borrowed from the source; *ret_more: an action
 *          follows. A comment ends a text: another one may follow it.
 */
MUST_CHECK int lexer_text(struct lexer *lexer, const char **ret,
    size_t *ret_len, bool *ret_more, struct err *err);

/* lexer_token: the next one of an action. */
MUST_CHECK int lexer_token(struct lexer *lexer, struct token *ret,
    struct err *err);

#endif
