#include "lib/report/template_render.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/report/template.h"
#include "lib/report/template_functions.h"
#include "lib/report/template_value.h"

/* One template at work. The slots follow the numbers of the parser: whichever
 * is read was set before. */
struct frame {
	struct render *render;
	const char *source;
	const cJSON *dot;
	const cJSON *slots[TEMPLATE_SLOTS];
};

struct render {
	const struct templates *templates;
	struct template_scratch scratch;	/* of the nodes at work */
	struct template_scratch kept;	/* of the frames: what a variable was
					 * set to may be the dot as well */
	struct str out;
	unsigned calls;
	bool placed;		/* the error says where it is */
};

static void
render_free(struct render *render)
{
	scratch_cut(&render->scratch, 0);
	free(render->scratch.items);
	scratch_cut(&render->kept, 0);
	free(render->kept.items);
	str_free(&render->out);
}

/* --- values -------------------------------------------------------------- */

static int eval_commands(struct frame *frame, const struct command *command,
    const cJSON **ret, struct err *err);

static const cJSON *
head(struct frame *frame, const struct operand *operand)
{
	switch (operand->kind) {
	case OPERAND_DOT:
		return frame->dot;
	case OPERAND_VARIABLE:
		return frame->slots[operand->slot];
	default:
		return operand->literal;
	}
}

static int
eval_operand(struct frame *frame, const struct operand *operand,
    const cJSON **ret, struct err *err)
{
	const cJSON *value = head(frame, operand);
	const struct field *field;

	if (operand->kind == OPERAND_PIPE &&
	    eval_commands(frame, operand->pipe->commands, &value, err) < 0)
		return -1;
	for (field = operand->fields; field != NULL; field = field->next) {
		if (cJSON_IsNull(value))
			break;
		if (!cJSON_IsObject(value))
			return err_set(err, ERR_CONFIG,
			    "%s has no field '%.64s'", value_kind(value),
			    field->name);
		value = cJSON_GetObjectItemCaseSensitive(value, field->name);
		if (value == NULL)
			value = value_null;
	}
	*ret = value;
	return scratch_work(&frame->render->scratch,
	    1 + value_size(value) / 64, err);
}

static bool
stops(const struct template_function *function, const cJSON *value)
{
	return function->stop != STOP_NEVER &&
	    value_is_true(value) == (function->stop == STOP_TRUE);
}

/* piped: the value of the command before, or NULL. */
static int
eval_call(struct frame *frame, const struct command *command,
    const cJSON *piped, const cJSON **ret, struct err *err)
{
	const struct template_function *function = command->function;
	const struct operand *operand = command->operands;
	const cJSON *args[TEMPLATE_ARGS];
	struct call call = { args, 0, &frame->render->scratch };
	bool stopped = false;

	for (; operand != NULL && !stopped; operand = operand->next) {
		if (eval_operand(frame, operand, &args[call.n], err) < 0)
			return -1;
		stopped = stops(function, args[call.n++]);
	}
	if (piped != NULL && !stopped)
		args[call.n++] = piped;
	return function->run(&call, ret, err) < 0 ?
	    err_add(err, "%s", function->name) : 0;
}

static int
eval_commands(struct frame *frame, const struct command *command,
    const cJSON **ret, struct err *err)
{
	const cJSON *value = NULL;

	for (; command != NULL; command = command->next) {
		int rc = command->function != NULL ?
		    eval_call(frame, command, value, &value, err) :
		    eval_operand(frame, command->operands, &value, err);

		if (rc < 0)
			return -1;
	}
	*ret = value;
	return 0;
}

/* What belongs to the data outlives the frame, and need not be copied. */
static int
set_slot(struct frame *frame, size_t slot, const cJSON *value, struct err *err)
{
	struct render *render = frame->render;

	if (slot == 0)
		return 0;
	frame->slots[slot] = value;
	if (cJSON_IsArray(value) || cJSON_IsObject(value))
		return 0;
	if (scratch_work(&render->scratch, 8 + value_size(value) / 16,
	    err) < 0)
		return -1;
	return scratch_keep(&render->kept, cJSON_Duplicate(value, 0),
	    &frame->slots[slot], err);
}

static int
eval_pipe(struct frame *frame, const struct pipe *pipe, const cJSON **ret,
    struct err *err)
{
	if (eval_commands(frame, pipe->commands, ret, err) < 0)
		return -1;
	return set_slot(frame, pipe->slots[0], *ret, err);
}

/* --- nodes --------------------------------------------------------------- */

static int render_list(struct frame *frame, const struct node *node,
    struct err *err);

static int
put(struct render *render, const char *text, size_t n, struct err *err)
{
	if (n > TEMPLATE_OUTPUT_BYTES - render->out.len)
		return err_set(err, ERR_CONFIG, "more than %u bytes come out",
		    TEMPLATE_OUTPUT_BYTES);
	str_addn(&render->out, text, n);
	return render->out.failed ? err_nomem(err) : 0;
}

static int
render_print(struct frame *frame, const struct node *node, struct err *err)
{
	CLEANUP(str_free) struct str text = STR_INIT;
	const cJSON *value;

	if (eval_pipe(frame, node->pipe, &value, err) < 0)
		return -1;
	if (node->pipe->slots[0] != 0)
		return 0;
	value_add(&text, value);
	if (text.failed)
		return err_nomem(err);
	return text.len == 0 ? 0 : put(frame->render, text.s, text.len, err);
}

static int
render_choice(struct frame *frame, const struct node *node, struct err *err)
{
	const cJSON *value, *dot = frame->dot;
	bool yes;
	int rc;

	if (eval_pipe(frame, node->pipe, &value, err) < 0)
		return -1;
	yes = value_is_true(value);
	if (yes && node->kind == NODE_WITH)
		frame->dot = value;
	rc = render_list(frame, yes ? node->body : node->otherwise, err);
	frame->dot = dot;
	return rc;
}

static int
by_name(const void *a, const void *b)
{
	const cJSON *const *x = a, *const *y = b;

	return strcmp((*x)->string, (*y)->string);
}

/* The elements of a list or an object, the latter sorted by key. */
static int
elements(const cJSON *value, const cJSON ***ret, size_t *ret_n,
    struct err *err)
{
	const cJSON *element;
	size_t n = 0;

	*ret = calloc((size_t)cJSON_GetArraySize(value) + 1, sizeof **ret);
	if (*ret == NULL)
		return err_nomem(err);
	cJSON_ArrayForEach(element, value)
		(*ret)[n++] = element;
	if (cJSON_IsObject(value))
		qsort(*ret, n, sizeof **ret, by_name);
	*ret_n = n;
	return 0;
}

static int
set_key(struct frame *frame, size_t slot, const cJSON *element, size_t i,
    struct err *err)
{
	struct template_scratch *scratch = &frame->render->scratch;
	const cJSON *key;

	if (slot == 0)
		return 0;
	if (element->string != NULL ? scratch_keep(scratch,
	    cJSON_CreateString(element->string), &key, err) < 0 :
	    scratch_number(scratch, (int64_t)i, &key, err) < 0)
		return -1;
	return set_slot(frame, slot, key, err);
}

static int
render_elements(struct frame *frame, const struct node *node,
    const cJSON *value, struct err *err)
{
	CLEANUP(cleanup_free) const cJSON **element = NULL;
	struct template_scratch *scratch = &frame->render->scratch;
	const cJSON *dot = frame->dot;
	size_t mark = scratch->n, n = 0, i;
	int rc = elements(value, &element, &n, err);

	for (i = 0; i < n && rc == 0; i++) {
		rc = set_key(frame, node->pipe->slots[0], element[i], i, err);
		scratch_cut(scratch, mark);
		if (rc == 0)
			rc = set_slot(frame, node->pipe->slots[1], element[i],
			    err);
		frame->dot = element[i];
		if (rc == 0)
			rc = scratch_work(scratch, 1, err);
		if (rc == 0)
			rc = render_list(frame, node->body, err);
	}
	frame->dot = dot;
	return rc;
}

static int
render_range(struct frame *frame, const struct node *node, struct err *err)
{
	const cJSON *value;

	if (eval_commands(frame, node->pipe->commands, &value, err) < 0)
		return -1;
	if (cJSON_IsNull(value) || ((cJSON_IsArray(value) ||
	    cJSON_IsObject(value)) && value->child == NULL))
		return render_list(frame, node->otherwise, err);
	if (!cJSON_IsArray(value) && !cJSON_IsObject(value))
		return err_set(err, ERR_CONFIG, "range: %s is no list",
		    value_kind(value));
	return render_elements(frame, node, value, err);
}

static int
render_definition(struct render *render, const struct definition *definition,
    const cJSON *data, struct err *err)
{
	struct frame frame = { render, definition->source, data, { data } };
	size_t mark = render->kept.n;

	if (render_list(&frame, definition->body, err) < 0)
		return -1;
	scratch_cut(&render->kept, mark);
	return 0;
}

static int
render_template(struct frame *frame, const struct node *node, struct err *err)
{
	struct render *render = frame->render;
	const struct definition *definition = templates_find(
	    render->templates, node->text);
	const cJSON *value = value_null;

	if (definition == NULL)
		return err_set(err, ERR_CONFIG, "no template '%.64s'",
		    node->text);
	if (render->calls == TEMPLATE_CALLS)
		return err_set(err, ERR_CONFIG, "template '%.64s': templates "
		    "within templates are nested too deep", node->text);
	if (node->pipe != NULL && eval_pipe(frame, node->pipe, &value,
	    err) < 0)
		return -1;
	render->calls++;
	if (render_definition(render, definition, value, err) < 0)
		return -1;
	render->calls--;
	return 0;
}

static int
render_node(struct frame *frame, const struct node *node, struct err *err)
{
	if (scratch_work(&frame->render->scratch, 1, err) < 0)
		return -1;
	switch (node->kind) {
	case NODE_TEXT:
		return put(frame->render, node->text, node->len, err);
	case NODE_PRINT:
		return render_print(frame, node, err);
	case NODE_RANGE:
		return render_range(frame, node, err);
	case NODE_TEMPLATE:
		return render_template(frame, node, err);
	default:
		return render_choice(frame, node, err);
	}
}

/* The innermost node says where the error is. */
static int
render_list(struct frame *frame, const struct node *node, struct err *err)
{
	struct render *render = frame->render;

	for (; node != NULL; node = node->next) {
		size_t mark = render->scratch.n;

		if (render_node(frame, node, err) < 0) {
			if (!render->placed)
				(void)err_add(err, "%s:%u", frame->source,
				    node->line);
			render->placed = true;
			return -1;
		}
		scratch_cut(&render->scratch, mark);
	}
	return 0;
}

int
template_render(const struct templates *templates,
    const struct definition *definition, const struct cJSON *data,
    char **ret, struct err *err)
{
	CLEANUP(render_free) struct render render = { .templates = templates };

	if (render_definition(&render, definition, data, err) < 0)
		return -1;
	return str_take(&render.out, ret, err);
}
