#include "lib/report/template_parse.h"

#include <string.h>

/* What ended a list of nodes. */
enum ender { ENDER_FILE, ENDER_END, ENDER_ELSE, ENDER_ELSE_IF,
	ENDER_ELSE_WITH };

struct list {			/* nodes as they come */
	struct node *first;
	struct node **next;
	enum ender ender;
};

static int parse_list(struct parser *parser, bool top, struct list *ret,
    struct err *err);

static int
add_node(struct parser *parser, struct list *list, enum node_kind kind,
    struct node **ret, struct err *err)
{
	struct node *node = template_alloc(parser->lexer.arena, sizeof *node);

	if (node == NULL)
		return err_nomem(err);
	node->kind = kind;
	node->line = parser->lexer.line;
	*list->next = node;
	list->next = &node->next;
	*ret = node;
	return 0;
}

static bool
is_word(const struct parser *parser, const char *word)
{
	return parser->token.kind == TOKEN_WORD &&
	    strcmp(parser->token.text, word) == 0;
}

static int
expect_end(struct parser *parser, struct err *err)
{
	if (parser_next(parser, err) < 0)
		return -1;
	return parser->token.kind == TOKEN_END ? 0 :
	    parser_unexpected(parser, "}}", err);
}

/* --- blocks -------------------------------------------------------------- */

static int
no_end(struct parser *parser, unsigned line, struct err *err)
{
	return lexer_fail(&parser->lexer, err,
	    "no {{ end }} for the block of line %u", line);
}

static int parse_block(struct parser *parser, struct list *list,
    enum node_kind kind, struct err *err);

/* Behind {{ else, up to the {{ end }} of it all. */
static int
parse_otherwise(struct parser *parser, struct node *node, enum ender ender,
    struct err *err)
{
	struct list list = { NULL, &list.first, ENDER_END };

	if (ender == ENDER_ELSE) {
		if (parse_list(parser, false, &list, err) < 0)
			return -1;
		if (list.ender == ENDER_FILE)
			return no_end(parser, node->line, err);
		if (list.ender != ENDER_END)
			return lexer_fail(&parser->lexer, err,
			    "a second {{ else }} for the block of line %u",
			    node->line);
	} else if (parse_block(parser, &list, ender == ENDER_ELSE_IF ?
	    NODE_IF : NODE_WITH, err) < 0) {
		return -1;
	}
	node->otherwise = list.first;
	return 0;
}

/* {{ if, {{ with, {{ range: the keyword is looked at. */
static int
parse_block(struct parser *parser, struct list *list, enum node_kind kind,
    struct err *err)
{
	struct list body = { NULL, &body.first, ENDER_END };
	size_t names = parser->n_names, own;
	struct node *node = NULL;

	if (parser_enter(parser, err) < 0 ||
	    add_node(parser, list, kind, &node, err) < 0 ||
	    parser_next(parser, err) < 0 ||
	    parser_pipe(parser, kind == NODE_RANGE, &node->pipe, err) < 0)
		return -1;
	own = parser->n_names;
	if (parse_list(parser, false, &body, err) < 0)
		return -1;
	if (body.ender == ENDER_FILE)
		return no_end(parser, node->line, err);
	node->body = body.first;
	parser->n_names = own;
	if (body.ender != ENDER_END &&
	    parse_otherwise(parser, node, body.ender, err) < 0)
		return -1;
	parser->n_names = names;
	parser->depth--;
	return 0;
}

/* {{ template "name" value }} */
static int
parse_template(struct parser *parser, struct list *list, struct err *err)
{
	struct node *node = NULL;

	if (add_node(parser, list, NODE_TEMPLATE, &node, err) < 0 ||
	    parser_next(parser, err) < 0)
		return -1;
	if (parser->token.kind != TOKEN_STRING)
		return parser_unexpected(parser, "a name in \" \"", err);
	node->text = parser->token.text;
	if (parser_next(parser, err) < 0)
		return -1;
	return parser->token.kind == TOKEN_END ? 0 :
	    parser_pipe(parser, false, &node->pipe, err);
}

/* --- definitions --------------------------------------------------------- */

static bool
is_blank(const struct node *node)
{
	for (; node != NULL; node = node->next)
		if (node->kind != NODE_TEXT ||
		    strspn(node->text, " \t\r\n") != node->len)
			return false;
	return true;
}

/* A definition knows no variables of the text around it. */
static int
parse_body(struct parser *parser, unsigned line, struct node **ret,
    struct err *err)
{
	struct list body = { NULL, &body.first, ENDER_END };
	const char *names[TEMPLATE_SLOTS];
	size_t n_names = parser->n_names;

	memcpy(names, parser->names, sizeof names);
	parser->n_names = 1;
	if (parse_list(parser, false, &body, err) < 0)
		return -1;
	if (body.ender == ENDER_FILE)
		return no_end(parser, line, err);
	if (body.ender != ENDER_END)
		return lexer_fail(&parser->lexer, err,
		    "{{ else }} in the definition of line %u", line);
	memcpy(parser->names, names, sizeof names);
	parser->n_names = n_names;
	*ret = body.first;
	return 0;
}

static int
parse_define(struct parser *parser, bool top, struct err *err)
{
	struct definition *definition = template_alloc(parser->lexer.arena,
	    sizeof *definition);
	unsigned line = parser->lexer.line;

	if (definition == NULL)
		return err_nomem(err);
	if (!top)
		return lexer_fail(&parser->lexer, err,
		    "{{ define }} within another block");
	if (parser_next(parser, err) < 0)
		return -1;
	if (parser->token.kind != TOKEN_STRING)
		return parser_unexpected(parser, "a name in \" \"", err);
	definition->name = parser->token.text;
	definition->source = parser->lexer.source;
	if (expect_end(parser, err) < 0 ||
	    parse_body(parser, line, &definition->body, err) < 0)
		return -1;
	definition->blank = is_blank(definition->body);
	definition->next = parser->definitions;
	parser->definitions = definition;
	return 0;
}

/* --- lists --------------------------------------------------------------- */

/* {{ end or {{ else is looked at. */
static int
parse_ender(struct parser *parser, bool top, enum ender *ret, struct err *err)
{
	bool end = is_word(parser, "end");

	if (top)
		return lexer_fail(&parser->lexer, err,
		    "{{ %s }} without a block", end ? "end" : "else");
	if (parser_next(parser, err) < 0)
		return -1;
	if (parser->token.kind == TOKEN_END)
		*ret = end ? ENDER_END : ENDER_ELSE;
	else if (!end && is_word(parser, "if"))
		*ret = ENDER_ELSE_IF;
	else if (!end && is_word(parser, "with"))
		*ret = ENDER_ELSE_WITH;
	else
		return parser_unexpected(parser, "}}", err);
	return 0;
}

/* Its first token is looked at. */
static int
parse_action(struct parser *parser, bool top, struct list *list,
    struct err *err)
{
	struct node *node = NULL;

	if (is_word(parser, "if"))
		return parse_block(parser, list, NODE_IF, err);
	if (is_word(parser, "with"))
		return parse_block(parser, list, NODE_WITH, err);
	if (is_word(parser, "range"))
		return parse_block(parser, list, NODE_RANGE, err);
	if (is_word(parser, "template"))
		return parse_template(parser, list, err);
	if (is_word(parser, "define"))
		return parse_define(parser, top, err);
	if (add_node(parser, list, NODE_PRINT, &node, err) < 0)
		return -1;
	return parser_pipe(parser, false, &node->pipe, err);
}

static int
parse_text(struct parser *parser, struct list *list, bool *ret_more,
    struct err *err)
{
	const char *text;
	struct node *node = NULL;
	size_t n;

	if (lexer_text(&parser->lexer, &text, &n, ret_more, err) < 0)
		return -1;
	if (n == 0)
		return 0;
	if (add_node(parser, list, NODE_TEXT, &node, err) < 0)
		return -1;
	node->text = template_copy(parser->lexer.arena, text, n);
	node->len = n;
	return node->text != NULL ? 0 : err_nomem(err);
}

static int
parse_list(struct parser *parser, bool top, struct list *ret, struct err *err)
{
	bool more;

	ret->ender = ENDER_FILE;
	for (;;) {
		if (parse_text(parser, ret, &more, err) < 0)
			return -1;
		if (!more && parser->lexer.p == parser->lexer.end)
			return 0;
		if (!more)	/* a comment */
			continue;
		if (parser_next(parser, err) < 0)
			return -1;
		if (is_word(parser, "end") || is_word(parser, "else"))
			return parse_ender(parser, top, &ret->ender, err);
		if (parse_action(parser, top, ret, err) < 0)
			return -1;
	}
}

int
template_parse(struct template_arena *arena, const char *name,
    const char *text, size_t len, struct definition **ret, struct err *err)
{
	struct parser parser = { .names = { "" }, .n_names = 1 };
	struct list list = { NULL, &list.first, ENDER_FILE };
	char *source = template_copy(arena, name, strlen(name));

	if (source == NULL)
		return err_nomem(err);
	parser.lexer = (struct lexer){ source, text, text + len, 1, arena };
	if (parse_list(&parser, true, &list, err) < 0)
		return -1;
	*ret = parser.definitions;
	return 0;
}
