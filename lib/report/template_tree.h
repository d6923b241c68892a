/*
 * template_tree: what a template's text becomes. Only for template*.c.
 *
 * Everything that one text was parsed into lies in one arena, and is freed with
 * it. Variables are numbered when they are parsed: a number is a slot in the
 * frame of the template that is rendered; slot 0 is $.
 */
#ifndef LIB_REPORT_TEMPLATE_TREE_H
#define LIB_REPORT_TEMPLATE_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"

#define TEMPLATE_DEPTH 32	/* of blocks and of ( ), of each template */
#define TEMPLATE_CALLS 32	/* of {{ template }} */
#define TEMPLATE_SLOTS 32
#define TEMPLATE_ARGS 32

struct cJSON;
struct template_function;

struct template_arena {
	struct template_room *rooms;
	struct template_arena *next;	/* for whoever has several */
};

/* template_alloc: zeroed; NULL: out of memory. */
void *template_alloc(struct template_arena *arena, size_t bytes);
char *template_copy(struct template_arena *arena, const char *text, size_t n);
void template_arena_free(struct template_arena *arena);	/* what it holds */

struct field {			/* .name */
	const char *name;
	struct field *next;
};

enum operand_kind { OPERAND_DOT, OPERAND_VARIABLE, OPERAND_LITERAL,
	OPERAND_PIPE };

struct operand {
	enum operand_kind kind;
	size_t slot;			/* VARIABLE */
	const struct cJSON *literal;	/* LITERAL */
	struct pipe *pipe;		/* PIPE: in ( ) */
	struct field *fields;		/* of that */
	struct operand *next;
};

/* A function with its arguments, or a single operand. */
struct command {
	const struct template_function *function;	/* or NULL */
	struct operand *operands;
	struct command *next;		/* what the value is piped into */
};

struct pipe {
	size_t slots[2];	/* what it sets; 0: nothing. The second one only
				 * for a range: it is the element's then */
	struct command *commands;
};

enum node_kind { NODE_TEXT, NODE_PRINT, NODE_IF, NODE_WITH, NODE_RANGE,
	NODE_TEMPLATE };

struct node {
	enum node_kind kind;
	unsigned line;
	const char *text;	/* TEXT; of TEMPLATE the name */
	size_t len;		/* of TEXT */
	struct pipe *pipe;	/* NULL: TEXT, or TEMPLATE without a value */
	struct node *body;
	struct node *otherwise;	/* behind {{ else }} */
	struct node *next;
};

struct definition {
	const char *name;
	const char *source;	/* for messages */
	struct node *body;
	bool blank;		/* prints nothing but blanks */
	struct definition *next;	/* found before */
};

#endif
