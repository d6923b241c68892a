#include "lib/config/variables.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/file.h"
#include "lib/config/envfile.h"
#include "lib/config/foreign.h"
#include "lib/config/problems.h"

/* A variable, on its way into a layer. */
struct given {
	const char *name;
	const char *value;
	const char *where;	/* name, or "path:line" */
	const char *prefix;	/* "", "path:line: " or "credential " */
};

static bool
is_ours(const char *name)
{
	return str_starts(name, "VBACKUP_") || str_starts(name, "BACKUP_");
}

static int
take_foreign(struct load *load, const struct given *given,
    const struct foreign *foreign, struct err *err)
{
	if (foreign->verdict == FOREIGN_IGNORE || *given->value == '\0')
		return 0;
	return strlist_addf(&load->config->problems, err, "%s%s: %s in this "
	    "version (unset it to go on without)", given->prefix, given->name,
	    foreign->reason);
}

/* An unknown VBACKUP_ is always wrong; an unknown BACKUP_, which others may
 * use, only if it looks like one of ours. */
static int
take_unknown(struct load *load, const struct given *given, struct err *err)
{
	struct config *config = load->config;
	char near[NAMES_BYTES];

	if (names_nearest_variable(given->name, near, err) < 0)
		return -1;
	if (*near != '\0')
		return strlist_addf(&config->problems, err, "%s%s: unknown "
		    "variable (did you mean %s?)", given->prefix, given->name,
		    near);
	return strlist_addf(str_starts(given->name, "VBACKUP_") ?
	    &config->problems : &config->warnings, err,
	    "%s%s: unknown variable", given->prefix, given->name);
}

static int
judge_name(struct load *load, struct name name, const struct given *given,
    struct err *err)
{
	if (!name.early || *given->value == '\0')
		return 0;
	return strlist_addf(&load->config->warnings, err, "%s%s: an early "
	    "name, now it is %s", given->prefix, given->name,
	    option_specs[name.id].env);
}

static int
take_setting(struct load *load, struct layer *layer, struct name name,
    const struct given *given, struct err *err)
{
	if (judge_name(load, name, given, err) < 0)
		return -1;
	return layer_add(layer, name, given->name, given->where, given->value,
	    &load->config->problems, err);
}

static int
take(struct load *load, struct layer *layer, const struct given *given,
    struct err *err)
{
	const struct foreign *foreign = foreign_find(given->name);
	struct name name;

	if (names_variable(given->name, &name, err) < 0)
		return -1;
	/* TZ_COMMAND and the like are no concern of ours. */
	if (name.id >= 0 && (name.form != FORM_COMMAND ||
	    option_specs[name.id].type == OPTION_SECRET ||
	    is_ours(given->name)))
		return take_setting(load, layer, name, given, err);
	if (foreign != NULL)
		return take_foreign(load, given, foreign, err);
	return is_ours(given->name) ? take_unknown(load, given, err) : 0;
}

/* --- where they come from ------------------------------------------------ */

int
variables_read(struct load *load, struct err *err)
{
	char *const *e;

	load->variables.kind = ORIGIN_ENVIRONMENT;
	load->variables.variables = true;
	for (e = load->environment; e != NULL && *e != NULL; e++) {
		const char *equals = strchr(*e, '=');
		CLEANUP(cleanup_free) char *name = NULL;
		struct given given;

		if (equals == NULL)
			continue;
		if (str_format(&name, err, "%.*s", (int)(equals - *e),
		    *e) < 0)
			return -1;
		given = (struct given){ name, equals + 1, name, "" };
		if (take(load, &load->variables, &given, err) < 0)
			return -1;
	}
	return 0;
}

static const char *
find_variable(char *const *environment, const char *name)
{
	size_t n = strlen(name);
	char *const *e;

	for (e = environment; e != NULL && *e != NULL; e++)
		if (strncmp(*e, name, n) == 0 && (*e)[n] == '=')
			return *e + n + 1;
	return NULL;
}

/* The file is read when the layer is applied, as with _FILE. A name that ends
 * like that would say the same twice: passed over, a secret would be missing,
 * and nobody told. */
static int
take_credential(struct load *load, const char *path, const char *variable,
    struct err *err)
{
	const struct given given = { variable, path, path, "credential " };
	struct strlist *problems = &load->config->problems;
	struct name name;

	if (names_variable(variable, &name, err) < 0)
		return -1;
	if (name.id < 0)
		return str_starts(variable, "VBACKUP_") ?
		    take_unknown(load, &given, err) : 0;
	if (name.form != FORM_VALUE)
		return strlist_addf(problems, err, "%s%s: a credential is "
		    "called as the variable, without _FILE or _COMMAND",
		    given.prefix, variable);
	name.form = FORM_CREDENTIAL;
	if (judge_name(load, name, &given, err) < 0)
		return -1;
	/* Its path says all: that is how it is written, and where. */
	return layer_add(&load->variables, name, path, path, path, problems,
	    err);
}

int
variables_read_credentials(struct load *load, struct err *err)
{
	CLEANUP(strlist_free) struct strlist names = STRLIST_INIT;
	const char *directory = find_variable(load->environment,
	    "CREDENTIALS_DIRECTORY");
	size_t i;

	if (directory == NULL || *directory == '\0')
		return 0;
	if (file_list(directory, &names, err) < 0)
		return err->kind == ERR_NOTFOUND ? 0 : problems_absorb(
		    &load->config->problems, "CREDENTIALS_DIRECTORY", NULL,
		    err);
	for (i = 0; i < names.n; i++) {
		CLEANUP(cleanup_free) char *path = NULL;

		if (file_join(directory, names.v[i], &path, err) < 0 ||
		    take_credential(load, path, names.v[i], err) < 0)
			return -1;
	}
	return 0;
}

static int
take_file(struct load *load, struct layer *layer, const char *path,
    const struct envfile *file, struct err *err)
{
	size_t i;

	for (i = 0; i < file->n; i++) {
		const struct envfile_variable *v = &file->v[i];
		CLEANUP(cleanup_free) char *where = NULL;
		CLEANUP(cleanup_free) char *prefix = NULL;
		struct given given;

		if (str_format(&where, err, "%s:%u", path, v->line) < 0 ||
		    str_format(&prefix, err, "%s: ", where) < 0)
			return -1;
		given = (struct given){ v->name, v->value, where, prefix };
		if (take(load, layer, &given, err) < 0)
			return -1;
	}
	return 0;
}

static void
free_secret(char **text)
{
	str_zero(*text);
	free(*text);
}

int
variables_read_file(struct load *load, const char *path, const char *job,
    struct err *err)
{
	CLEANUP(envfile_free) struct envfile file = ENVFILE_INIT;
	CLEANUP(free_secret) char *text = NULL;
	struct strlist *problems = &load->config->problems;
	struct layer *layer;
	size_t n;

	if (file_read(path, LOAD_FILE_BYTES, &text, &n, err) < 0)
		return problems_absorb(problems, NULL, NULL, err);
	if (load_job(load, job, path, &layer, err) < 0)
		return -1;
	if (layer == NULL)
		return 0;
	layer->variables = true;
	if (envfile_parse(text, n, path, load->environment, &file, problems,
	    err) < 0)
		return -1;
	return take_file(load, layer, path, &file, err);
}
