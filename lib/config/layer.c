#define _GNU_SOURCE
#include "lib/config/layer.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/base64.h"
#include "lib/base/file.h"
#include "lib/base/spawn.h"
#include "lib/config/problems.h"

/* Of a value that a file holds or a command prints. */
#define VALUE_BYTES_MAX ((size_t)1 << 20)
#define COMMAND_TIMEOUT_S 30.0
#define BASE64_LINE 76

static void
free_setting(struct setting *setting)
{
	free(setting->written);
	free(setting->where);
	str_wipe(&setting->text);
}

void
layer_free(struct layer *layer)
{
	size_t i;

	for (i = 0; i < layer->n; i++)
		free_setting(&layer->v[i]);
	free(layer->v);
	layer->v = NULL;
	layer->n = layer->open = 0;
}

void
layer_close(struct layer *layer)
{
	layer->open = layer->n;
}

/* --- collecting ---------------------------------------------------------- */

/* Room for n settings and one more; doubles, so it is rarely work. */
static int
grow(struct layer *layer, struct err *err)
{
	struct setting *bigger;

	if ((layer->n & (layer->n - 1)) != 0)
		return 0;
	bigger = realloc(layer->v, (layer->n * 2 + 1) * sizeof *bigger);
	if (bigger == NULL)
		return err_nomem(err);
	layer->v = bigger;
	return 0;
}

static int
append(struct layer *layer, struct name name, const char *written,
    const char *where, const char *text, struct err *err)
{
	struct setting setting = { name, NULL, NULL, STR_INIT,
		*text != '\0' };

	str_add(&setting.text, text);
	if (setting.text.failed)
		err_nomem(err);
	if (setting.text.failed || grow(layer, err) < 0 ||
	    str_dup(written, &setting.written, err) < 0 ||
	    str_dup(where, &setting.where, err) < 0) {
		free_setting(&setting);
		return -1;
	}
	layer->open = layer->n;
	layer->v[layer->n++] = setting;
	return 0;
}

static bool
is_secret(struct name name)
{
	return option_specs[name.id].type == OPTION_SECRET;
}

/* The same setting in the same form; layer->n if it was not given yet. */
static size_t
find_same(const struct layer *layer, struct name name)
{
	size_t i;

	for (i = 0; i < layer->n; i++)
		if (layer->v[i].name.id == name.id &&
		    layer->v[i].name.form == name.form &&
		    layer->v[i].name.early == name.early)
			break;
	return i;
}

static int
add_again(struct layer *layer, size_t first, const char *written,
    const char *where, const char *text, struct strlist *problems,
    struct err *err)
{
	struct setting *setting = &layer->v[first];

	if (layer->variables)	/* as getenv(3): the first one counts */
		return 0;
	if (setting->name.form == FORM_VALUE &&
	    (option_specs[setting->name.id].flags & OPTION_REPEATS) != 0) {
		layer->open = first;
		layer_continue(layer, text);
		return 0;
	}
	return strlist_addf(problems, err, "%s: '%s' is set twice (first at "
	    "%s)", where, written, setting->where);
}

int
layer_add(struct layer *layer, struct name name, const char *written,
    const char *where, const char *text, struct strlist *problems,
    struct err *err)
{
	size_t same = find_same(layer, name);

	layer_close(layer);
	if (layer->variables && *text == '\0' && !is_secret(name))
		return 0;
	if (layer->job &&
	    (option_specs[name.id].flags & OPTION_RUN_WIDE) != 0)
		return strlist_addf(problems, err, "%s: '%s' holds for the "
		    "whole run and cannot be set for one job", where, written);
	if (name.form == FORM_COMMAND && !is_secret(name))
		return strlist_addf(problems, err, "%s: '%s' is of no use: "
		    "only a secret may be given by a command", where, written);
	if (same < layer->n)
		return add_again(layer, same, written, where, text, problems,
		    err);
	return append(layer, name, written, where, text, err);
}

void
layer_continue(struct layer *layer, const char *text)
{
	struct setting *setting;

	if (layer->open == layer->n)
		return;
	setting = &layer->v[layer->open];
	if (setting->begun)
		str_add(&setting->text, "\n");
	str_add(&setting->text, text);
	setting->begun = true;
}

/* --- applying ------------------------------------------------------------ */

static void
free_secret(char **text)
{
	str_zero(*text);
	free(*text);
}

static void
cut_newlines(char *text)
{
	size_t n = strlen(text);

	while (n != 0 && text[n - 1] == '\n') {
		n--;
		if (n != 0 && text[n - 1] == '\r')
			n--;
	}
	text[n] = '\0';
}

/* In lines, because dump writes it, and a long line could not be read back. */
static int
encode(const char *bytes, size_t n, char **ret, struct err *err)
{
	CLEANUP(cleanup_free) char *digits = NULL;
	CLEANUP(str_free) struct str text = STR_INIT;
	const char *p;

	if (base64_encode(bytes, n, &digits, err) < 0)
		return -1;
	str_add(&text, "base64:");
	for (p = digits; *p != '\0'; p += strnlen(p, BASE64_LINE)) {
		str_add(&text, "\n");
		str_addn(&text, p, strnlen(p, BASE64_LINE));
	}
	return str_take(&text, ret, err);
}

static int
read_file(const char *path, bool binary, char **ret, struct err *err)
{
	CLEANUP(free_secret) char *text = NULL;
	size_t n;

	if (file_read(path, VALUE_BYTES_MAX, &text, &n, err) < 0)
		return -1;
	if (binary && (strlen(text) != n || !str_is_utf8(text)))
		return encode(text, n, ret, err);
	if (strlen(text) != n)
		return err_set(err, ERR_CONFIG, "'%s' has a NUL byte", path);
	cut_newlines(text);
	*ret = text;
	text = NULL;
	return 0;
}

static int
read_command(const char *command, char **ret, struct err *err)
{
	if (spawn_capture(command, COMMAND_TIMEOUT_S, VALUE_BYTES_MAX, ret,
	    err) < 0)
		return -1;
	cut_newlines(*ret);
	return 0;
}

static int
read_value(const struct setting *setting, char **ret, struct err *err)
{
	if (setting->text.failed)
		return err_nomem(err);
	if (setting->name.form == FORM_VALUE || setting->text.len == 0)
		return str_dup(setting->text.s, ret, err);
	if (setting->name.form != FORM_COMMAND)
		return read_file(setting->text.s,
		    (option_specs[setting->name.id].flags & OPTION_BINARY) != 0,
		    ret, err);
	return read_command(setting->text.s, ret, err);
}

static int
apply_one(const struct layer *layer, const struct setting *setting,
    struct options *options, struct err *err)
{
	CLEANUP(free_secret) char *text = NULL;

	if (read_value(setting, &text, err) < 0)
		return -1;
	/* Nothing in a file means as little as nothing in a variable. */
	if (*text == '\0' && !is_secret(setting->name) &&
	    (layer->variables || setting->name.form != FORM_VALUE))
		return 0;
	return options_set(options, (enum option_id)setting->name.id, text,
	    layer->kind, setting->where, err);
}

/* The setting before this one that gives the same, or NULL. */
static const struct setting *
find_rival(const struct layer *layer, const struct setting *setting)
{
	const struct setting *s;

	for (s = layer->v; s != setting; s++)
		if (s->name.id == setting->name.id)
			return s;
	return NULL;
}

/* Two forms of one setting, or a variable and its early name. */
static int
judge_rivals(const struct setting *a, const struct setting *b,
    const char *what, struct strlist *problems, struct err *err)
{
	bool same_form = a->name.form == b->name.form;

	if (same_form && a->text.s != NULL && b->text.s != NULL &&
	    strcmp(a->text.s, b->text.s) == 0)
		return 0;
	return strlist_addf(problems, err, "%s%s%s: the same setting is given "
	    "by '%s'%s%s%s%s", b->where, what != NULL ? ": " : "",
	    what != NULL ? what : "", a->written,
	    what != NULL ? " at " : "", what != NULL ? a->where : "",
	    same_form ? ", with another value" : "",
	    same_form ? "" : " (only one of them may be there)");
}

int
layer_apply(const struct layer *layer, bool commands, struct options *options,
    struct strlist *problems, struct err *err)
{
	size_t i;

	for (i = 0; i < layer->n; i++) {
		const struct setting *setting = &layer->v[i];
		const struct setting *rival = find_rival(layer, setting);
		const char *what = strcmp(setting->where,
		    setting->written) != 0 ? setting->written : NULL;

		if (rival != NULL) {
			if (judge_rivals(rival, setting, what, problems,
			    err) < 0)
				return -1;
		} else if (setting->name.form == FORM_COMMAND && !commands) {
			continue;
		} else if (apply_one(layer, setting, options, err) < 0 &&
		    problems_absorb(problems, setting->where, what, err) < 0) {
			return -1;
		}
	}
	return 0;
}
