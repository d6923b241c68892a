/*
 * template_functions: what a template can call. Only for template*.c.
 *
 * Values are cJSON items. Lists and objects are always those of the data; a
 * function gives one of its arguments, a part of the data, or a new text,
 * number or bool. New ones belong to the scratch, until it is cut back.
 */
#ifndef LIB_REPORT_TEMPLATE_FUNCTIONS_H
#define LIB_REPORT_TEMPLATE_FUNCTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

struct cJSON;

/* What one rendering may cost: nodes, operands, and bytes by the 64. */
#define TEMPLATE_WORK (4u << 20)

struct template_scratch {
	struct cJSON **items;
	size_t n;
	size_t work;		/* done */
};

/* scratch_cut: back to its first n items. */
void scratch_cut(struct template_scratch *scratch, size_t n);
/* scratch_keep: item NULL is out of memory. */
MUST_CHECK int scratch_keep(struct template_scratch *scratch,
    struct cJSON *item, const struct cJSON **ret, struct err *err);
/* scratch_text: takes what s has. Fails: ERR_CONFIG it is too long. */
MUST_CHECK int scratch_text(struct template_scratch *scratch, struct str *s,
    const struct cJSON **ret, struct err *err);
MUST_CHECK int scratch_number(struct template_scratch *scratch, int64_t number,
    const struct cJSON **ret, struct err *err);
/* scratch_work: ERR_CONFIG too much was done. */
MUST_CHECK int scratch_work(struct template_scratch *scratch, size_t n,
    struct err *err);

struct call {
	const struct cJSON *const *args;
	size_t n;
	struct template_scratch *scratch;
};

enum call_stop { STOP_NEVER, STOP_EMPTY, STOP_TRUE };	/* at which argument
							 * the rest is not
							 * looked at */

struct template_function {
	const char *name;
	size_t min, max;	/* arguments */
	enum call_stop stop;
	/* Messages begin with what is wrong, not with the name. */
	int (*run)(const struct call *call, const struct cJSON **ret,
	    struct err *err);
};

/* template_function: of a name, or NULL. */
const struct template_function *template_function(const char *name);

/* template_printf: printf's own file. */
int template_printf(const struct call *call, const struct cJSON **ret,
    struct err *err);

#endif
