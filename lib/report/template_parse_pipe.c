#define _GNU_SOURCE
#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/report/template_functions.h"
#include "lib/report/template_parse.h"

int
parser_next(struct parser *parser, struct err *err)
{
	return lexer_token(&parser->lexer, &parser->token, err);
}

int
parser_enter(struct parser *parser, struct err *err)
{
	if (parser->depth == TEMPLATE_DEPTH)
		return lexer_fail(&parser->lexer, err, "nested too deep");
	parser->depth++;
	return 0;
}

int
parser_unexpected(struct parser *parser, const char *wanted, struct err *err)
{
	const struct token *token = &parser->token;

	if (token->kind == TOKEN_END)
		return lexer_fail(&parser->lexer, err, "%s is missing before "
		    "}}", wanted);
	if (token->kind == TOKEN_PUNCTUATION)
		return lexer_fail(&parser->lexer, err, "'%s' instead of %s",
		    token->punctuation == ':' ? ":=" :
		    (char[]){ token->punctuation, '\0' }, wanted);
	return lexer_fail(&parser->lexer, err, "'%s%.64s' instead of %s",
	    token->kind == TOKEN_FIELD || token->kind == TOKEN_DOT ? "." :
	    token->kind == TOKEN_VARIABLE ? "$" : "", token->text, wanted);
}

static bool
is_punctuation(const struct parser *parser, char c)
{
	return parser->token.kind == TOKEN_PUNCTUATION &&
	    parser->token.punctuation == c;
}

/* --- literals ------------------------------------------------------------ */

static cJSON *
literal(struct parser *parser, struct operand *operand, int type)
{
	cJSON *item = template_alloc(parser->lexer.arena, sizeof *item);

	if (item != NULL)
		item->type = type;
	operand->kind = OPERAND_LITERAL;
	operand->literal = item;
	return item;
}

static int
parse_string(struct parser *parser, struct operand *operand, struct err *err)
{
	cJSON *item = literal(parser, operand, cJSON_String);

	if (item == NULL)
		return err_nomem(err);
	item->valuestring = (char *)parser->token.text;	/* never changed */
	return 0;
}

static int
bad_number(struct parser *parser, struct err *err)
{
	return lexer_fail(&parser->lexer, err, "'%.64s' is not a number",
	    parser->token.text);
}

/* strtod knows words, and hexadecimal fractions: we do not. */
static bool
is_fraction(const char *text, double *ret)
{
	char *end;

	if (text[strspn(text, "+-.0123456789eE")] != '\0')
		return false;
	*ret = strtod(text, &end);
	return *end == '\0' && isfinite(*ret);
}

static int
parse_number(struct parser *parser, struct operand *operand, struct err *err)
{
	const char *text = parser->token.text, *digits = text +
	    strspn(text, "+-");
	bool hex = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X');
	cJSON *item = literal(parser, operand, cJSON_Number);
	char whole[24], *end;
	long long number;

	if (item == NULL)
		return err_nomem(err);
	errno = 0;
	number = strtoll(text, &end, hex ? 16 : 10);
	if (*end != '\0' || end == text)
		return is_fraction(text, &item->valuedouble) ? 0 :
		    bad_number(parser, err);
	if (errno != 0)
		return bad_number(parser, err);
	item->type = cJSON_Raw;
	(void)snprintf(whole, sizeof whole, "%lld", number);
	item->valuestring = template_copy(parser->lexer.arena, whole,
	    strlen(whole));
	return item->valuestring != NULL ? 0 : err_nomem(err);
}

/* --- operands ------------------------------------------------------------ */

static int
parse_variable(struct parser *parser, size_t *ret, struct err *err)
{
	size_t i;

	/* The latest of a name hides those before it. */
	for (i = parser->n_names; i-- > 0;) {
		if (strcmp(parser->names[i], parser->token.text) == 0) {
			*ret = i;
			return 0;
		}
	}
	return lexer_fail(&parser->lexer, err, "unknown variable '$%.64s'",
	    parser->token.text);
}

static int
parse_word(struct parser *parser, struct operand *operand, struct err *err)
{
	static const struct {
		const char *word;
		int type;
	} constants[] = { { "true", cJSON_True }, { "false", cJSON_False },
		{ "nil", cJSON_NULL } };
	size_t i;

	for (i = 0; i < sizeof constants / sizeof constants[0]; i++)
		if (strcmp(parser->token.text, constants[i].word) == 0)
			return literal(parser, operand, constants[i].type) !=
			    NULL ? 0 : err_nomem(err);
	if (template_function(parser->token.text) != NULL)
		return lexer_fail(&parser->lexer, err, "a function as an "
		    "argument must stand in ( ): '%s'", parser->token.text);
	return lexer_fail(&parser->lexer, err, "unknown function '%.64s'",
	    parser->token.text);
}

static int parse_commands(struct parser *parser, struct command **ret,
    struct err *err);

/* Behind the (, up to the ). */
static int
parse_nested(struct parser *parser, struct operand *operand, struct err *err)
{
	operand->kind = OPERAND_PIPE;
	operand->pipe = template_alloc(parser->lexer.arena,
	    sizeof *operand->pipe);
	if (operand->pipe == NULL)
		return err_nomem(err);
	if (parser_enter(parser, err) < 0 || parser_next(parser, err) < 0 ||
	    parse_commands(parser, &operand->pipe->commands, err) < 0)
		return -1;
	parser->depth--;
	return is_punctuation(parser, ')') ? 0 :
	    parser_unexpected(parser, ")", err);
}

static int
add_field(struct parser *parser, struct operand *operand, struct err *err)
{
	struct field *field = template_alloc(parser->lexer.arena,
	    sizeof *field), **end = &operand->fields;

	if (field == NULL)
		return err_nomem(err);
	field->name = parser->token.text;
	while (*end != NULL)
		end = &(*end)->next;
	*end = field;
	return 0;
}

/* What is looked at, without fields behind it. */
static int
parse_head(struct parser *parser, struct operand *operand, struct err *err)
{
	switch (parser->token.kind) {
	case TOKEN_DOT:
		return 0;
	case TOKEN_FIELD:
		return add_field(parser, operand, err);
	case TOKEN_VARIABLE:
		operand->kind = OPERAND_VARIABLE;
		return parse_variable(parser, &operand->slot, err);
	case TOKEN_STRING:
		return parse_string(parser, operand, err);
	case TOKEN_NUMBER:
		return parse_number(parser, operand, err);
	case TOKEN_WORD:
		return parse_word(parser, operand, err);
	default:
		return is_punctuation(parser, '(') ?
		    parse_nested(parser, operand, err) :
		    parser_unexpected(parser, "a value", err);
	}
}

/* Up to the token behind it. */
static int
parse_operand(struct parser *parser, struct operand **ret, struct err *err)
{
	struct operand *operand = template_alloc(parser->lexer.arena,
	    sizeof *operand);

	if (operand == NULL)
		return err_nomem(err);
	*ret = operand;
	operand->kind = OPERAND_DOT;
	if (parse_head(parser, operand, err) < 0 ||
	    parser_next(parser, err) < 0)
		return -1;
	while (parser->token.kind == TOKEN_FIELD &&
	    !parser->token.blank_before) {
		if (operand->kind == OPERAND_LITERAL)
			return lexer_fail(&parser->lexer, err,
			    "a constant has no field '%.64s'",
			    parser->token.text);
		if (add_field(parser, operand, err) < 0 ||
		    parser_next(parser, err) < 0)
			return -1;
	}
	return 0;
}

/* --- commands ------------------------------------------------------------ */

static bool
is_at_end(const struct parser *parser)
{
	return parser->token.kind == TOKEN_END || is_punctuation(parser, '|') ||
	    is_punctuation(parser, ')');
}

static int
check_count(struct parser *parser, const struct command *command, size_t n,
    struct err *err)
{
	const struct template_function *function = command->function;

	if (function == NULL && n != 1)
		return lexer_fail(&parser->lexer, err,
		    "only functions take arguments, and values that are piped");
	if (function != NULL && n < function->min)
		return lexer_fail(&parser->lexer, err, "%s needs at least %zu "
		    "argument%s", function->name, function->min,
		    function->min == 1 ? "" : "s");
	if (function != NULL && n > function->max)
		return lexer_fail(&parser->lexer, err, "%s takes at most %zu "
		    "argument%s", function->name, function->max,
		    function->max == 1 ? "" : "s");
	return 0;
}

/* A function, if one stands there, with what is behind it. */
static int
parse_command(struct parser *parser, bool piped, struct command **ret,
    struct err *err)
{
	struct command *command = template_alloc(parser->lexer.arena,
	    sizeof *command);
	struct operand **next;
	size_t n = piped ? 1 : 0;

	if (command == NULL)
		return err_nomem(err);
	*ret = command;
	if (parser->token.kind == TOKEN_WORD)
		command->function = template_function(parser->token.text);
	if (command->function != NULL && parser_next(parser, err) < 0)
		return -1;
	if (command->function == NULL && is_at_end(parser))
		return parser_unexpected(parser, "a value", err);
	for (next = &command->operands; !is_at_end(parser);
	    next = &(*next)->next, n++) {
		if ((next != &command->operands ||
		    command->function != NULL) &&
		    !parser->token.blank_before && !is_punctuation(parser, '('))
			return parser_unexpected(parser, "a blank", err);
		if (parse_operand(parser, next, err) < 0)
			return -1;
	}
	return check_count(parser, command, n, err);
}

static int
parse_commands(struct parser *parser, struct command **ret, struct err *err)
{
	struct command **next = ret;
	bool piped = false;

	for (;;) {
		if (parse_command(parser, piped, next, err) < 0)
			return -1;
		if (!is_punctuation(parser, '|'))
			return 0;
		if (parser_next(parser, err) < 0)
			return -1;
		next = &(*next)->next;
		piped = true;
	}
}

/* --- variables ----------------------------------------------------------- */

static int
declare(struct parser *parser, const char *name, size_t *ret, struct err *err)
{
	if (*name == '\0')
		return lexer_fail(&parser->lexer, err, "$ cannot be set");
	if (parser->n_names == TEMPLATE_SLOTS)
		return lexer_fail(&parser->lexer, err,
		    "more than %d variables at once", TEMPLATE_SLOTS - 1);
	*ret = parser->n_names;
	parser->names[parser->n_names++] = name;
	return 0;
}

static int
assign(struct parser *parser, const char *name, size_t *ret, struct err *err)
{
	struct token token = { TOKEN_VARIABLE, '\0', false, name, 0 };

	if (*name == '\0')
		return lexer_fail(&parser->lexer, err, "$ cannot be set");
	parser->token = token;
	return parse_variable(parser, ret, err);
}

/* "$x :=", "$x =", for a range "$i, $e :=", too: or nothing, if the variable
 * that is looked at is just a value. A value that is declared is not known in
 * its own pipeline: so the names stay unknown here. */
static int
parse_targets(struct parser *parser, bool range, const char *names[2],
    bool *ret_declares, struct err *err)
{
	struct parser before = *parser;

	names[0] = parser->token.text;
	if (parser_next(parser, err) < 0)
		return -1;
	if (range && is_punctuation(parser, ',')) {
		if (parser_next(parser, err) < 0)
			return -1;
		if (parser->token.kind != TOKEN_VARIABLE)
			return parser_unexpected(parser, "a variable", err);
		names[1] = parser->token.text;
		if (parser_next(parser, err) < 0)
			return -1;
		if (!is_punctuation(parser, ':') &&
		    !is_punctuation(parser, '='))
			return parser_unexpected(parser, ":=", err);
	}
	if (!is_punctuation(parser, ':') && !is_punctuation(parser, '=')) {
		*parser = before;
		names[0] = NULL;
		return 0;
	}
	*ret_declares = is_punctuation(parser, ':');
	return parser_next(parser, err);
}

/* A single one of a range is the element's. */
static int
set_slots(struct parser *parser, struct pipe *pipe, bool range,
    const char *const names[2], bool declares, struct err *err)
{
	int (*set)(struct parser *, const char *, size_t *, struct err *) =
	    declares ? declare : assign;
	bool alone = range && names[1] == NULL;

	if (names[0] != NULL && set(parser, names[0],
	    &pipe->slots[alone ? 1 : 0], err) < 0)
		return -1;
	return names[1] == NULL ? 0 :
	    set(parser, names[1], &pipe->slots[1], err);
}

int
parser_pipe(struct parser *parser, bool range, struct pipe **ret,
    struct err *err)
{
	struct pipe *pipe = template_alloc(parser->lexer.arena, sizeof *pipe);
	const char *names[2] = { NULL, NULL };
	bool declares = false;
	struct token end;

	if (pipe == NULL)
		return err_nomem(err);
	if (parser->token.kind == TOKEN_VARIABLE &&
	    parse_targets(parser, range, names, &declares, err) < 0)
		return -1;
	if (parse_commands(parser, &pipe->commands, err) < 0)
		return -1;
	end = parser->token;
	if (end.kind != TOKEN_END)
		return parser_unexpected(parser, "}}", err);
	if (set_slots(parser, pipe, range, names, declares, err) < 0)
		return -1;
	parser->token = end;
	*ret = pipe;
	return 0;
}
