/*
 * template_parse: from a text to the trees of what it defines. Only for
 * template*.c.
 */
#ifndef LIB_REPORT_TEMPLATE_PARSE_H
#define LIB_REPORT_TEMPLATE_PARSE_H

#include "lib/base/err.h"
#include "lib/report/template_lex.h"
#include "lib/report/template_tree.h"

struct parser {
	struct lexer lexer;
	struct token token;		/* the one that is looked at */
	const char *names[TEMPLATE_SLOTS];	/* of variables, by slot */
	size_t n_names;
	unsigned depth;
	struct definition *definitions;	/* the last one first */
};

/*
 * template_parse: text is NUL-terminated and len bytes long; it need not
 * outlive the call.
 * Gives    *ret: in the arena, the last one first; NULL: it defines nothing
 * Fails    ERR_CONFIG "NAME:LINE: ..."
 */
MUST_CHECK int template_parse(struct template_arena *arena, const char *name,
    const char *text, size_t len, struct definition **ret, struct err *err);

/* --- template_parse_pipe.c ----------------------------------------------- */

/* parser_next: look at the next token. */
MUST_CHECK int parser_next(struct parser *parser, struct err *err);

/* parser_enter: one deeper; ERR_CONFIG too deep. parser->depth-- leaves. */
MUST_CHECK int parser_enter(struct parser *parser, struct err *err);

/* parser_unexpected: says what is looked at, and what was wanted; -1. */
int parser_unexpected(struct parser *parser, const char *wanted,
    struct err *err);

/* parser_pipe: from the token that is looked at up to the end of the action,
 * which is looked at then. range: may set two variables. */
MUST_CHECK int parser_pipe(struct parser *parser, bool range,
    struct pipe **ret, struct err *err);

#endif
