#define _GNU_SOURCE
#include "lib/config/config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/config/load.h"
#include "lib/config/problems.h"
#include "lib/config/sections.h"
#include "lib/config/stores.h"
#include "lib/config/variables.h"

static void
free_job(struct config_job *job)
{
	free(job->name);
	free(job->where);
	options_free(&job->options);
}

static void
free_store(struct config_store *store)
{
	free(store->name);
	free(store->where);
	options_free(&store->options);
}

void
config_drop_stores(struct config *config, const char *kind)
{
	size_t i, kept = 0;

	for (i = 0; i < config->n_stores; i++)
		if (strcmp(config->stores[i].kind, kind) == 0)
			free_store(&config->stores[i]);
		else
			config->stores[kept++] = config->stores[i];
	config->n_stores = kept;
}

void
config_free(struct config *config)
{
	size_t i;

	options_free(&config->base);
	for (i = 0; i < config->n_jobs; i++)
		free_job(&config->jobs[i]);
	free(config->jobs);
	config->jobs = NULL;
	config->n_jobs = 0;
	for (i = 0; i < config->n_stores; i++)
		free_store(&config->stores[i]);
	free(config->stores);
	config->stores = NULL;
	config->n_stores = 0;
	strlist_free(&config->problems);
	strlist_free(&config->warnings);
}

/* --- conf.d -------------------------------------------------------------- */

static int
read_member(struct load *load, const char *directory, const char *name,
    struct err *err)
{
	CLEANUP(cleanup_free) char *path = NULL;
	CLEANUP(cleanup_free) char *job = NULL;
	bool ini = str_ends(name, ".conf");

	if (file_join(directory, name, &path, err) < 0)
		return -1;
	if (file_is_dir(path) || str_ends(name, "~"))
		return 0;
	if (!ini && !str_ends(name, ".env"))
		return strlist_addf(&load->config->warnings, err, "%s: not "
		    "read, because it ends neither in .conf nor in .env",
		    path);
	if (str_dup(name, &job, err) < 0)
		return -1;
	*strrchr(job, '.') = '\0';
	return ini ? sections_read(load, path, job, err) :
	    variables_read_file(load, path, job, err);
}

static int
read_directory(struct load *load, const char *directory, struct err *err)
{
	CLEANUP(strlist_free) struct strlist names = STRLIST_INIT;
	size_t i;

	if (file_list(directory, &names, err) < 0)
		return err->kind == ERR_NOTFOUND ? 0 : problems_absorb(
		    &load->config->problems, NULL, NULL, err);
	for (i = 0; i < names.n; i++)
		if (read_member(load, directory, names.v[i], err) < 0)
			return -1;
	return 0;
}

/* --- options ------------------------------------------------------------- */

static bool
is_set_here(const struct config_job *job, const struct options *base,
    enum option_id id)
{
	const char *where = base->origin[id].where;

	return options_is_set(&job->options, id) && (where == NULL ||
	    strcmp(where, job->options.origin[id].where) != 0);
}

/* A job that says what it backs up gets nothing else from the base. */
static int
narrow_sources(struct config_job *job, const struct options *base,
    struct err *err)
{
	bool sources = is_set_here(job, base, OPTION_ID_sources);
	bool volumes = is_set_here(job, base, OPTION_ID_volumes);

	if (sources && !volumes)
		return options_set(&job->options, OPTION_ID_volumes, "none",
		    ORIGIN_FILE, job->where, err);
	if (volumes && !sources)
		return options_set(&job->options, OPTION_ID_sources, "",
		    ORIGIN_FILE, job->where, err);
	return 0;
}

static int
make_job(struct config *config, const struct load_part *from,
    struct config_job *ret, struct err *err)
{
	if (str_dup(from->name, &ret->name, err) < 0 ||
	    str_dup(from->where, &ret->where, err) < 0 ||
	    options_copy(&config->base, &ret->options, err) < 0 ||
	    layer_apply(&from->layer, !config->no_commands, &ret->options,
	    &config->problems, err) < 0)
		return -1;
	return narrow_sources(ret, &config->base, err);
}

static int
make_jobs(struct config *config, const struct load *load, struct err *err)
{
	const struct load_part *from;
	size_t n = 0;

	for (from = load->jobs.first; from != NULL; from = from->next)
		n++;
	if (n == 0)
		return 0;
	config->jobs = calloc(n, sizeof *config->jobs);
	if (config->jobs == NULL)
		return err_nomem(err);
	/* Counted before it is made, so that config_free frees a half one. */
	for (from = load->jobs.first; from != NULL; from = from->next)
		if (make_job(config, from, &config->jobs[config->n_jobs++],
		    err) < 0)
			return -1;
	return 0;
}

static int
read_all(struct load *load, const struct config_input *input, struct err *err)
{
	struct config *config = load->config;

	if (options_init(&config->base, err) < 0)
		return -1;
	if (input->file != NULL &&
	    sections_read(load, input->file, NULL, err) < 0)
		return -1;
	if (input->directory != NULL &&
	    read_directory(load, input->directory, err) < 0)
		return -1;
	if (variables_read(load, err) < 0 ||
	    variables_read_credentials(load, err) < 0 ||
	    layer_apply(&load->base, !config->no_commands, &config->base,
	    &config->problems, err) < 0 ||
	    layer_apply(&load->variables, !config->no_commands, &config->base,
	    &config->problems, err) < 0)
		return -1;
	if (stores_make(config, &load->stores, err) < 0)
		return -1;
	return make_jobs(config, load, err);
}

int
config_load(const struct config_input *input, struct config *ret,
    struct err *err)
{
	CLEANUP(load_free) struct load load = { .config = ret,
		.environment = input->environment, .base = LAYER_INIT,
		.variables = LAYER_INIT };

	memset(ret, 0, sizeof *ret);
	ret->no_commands = input->no_commands;
	if (read_all(&load, input, err) < 0) {
		config_free(ret);
		return -1;
	}
	return 0;
}

/* Also where /proc/PID/environ shows it, of us and of whoever we fork. */
static void
forget_variable(const char *name)
{
	size_t n = strlen(name);
	char **e;

	for (e = environ; e != NULL && *e != NULL; e++)
		if (strncmp(*e, name, n) == 0 && (*e)[n] == '=')
			str_zero(*e + n + 1);
	(void)unsetenv(name);
}

void
config_forget_secrets(void)
{
	size_t i;

	for (i = 0; i < OPTION_COUNT; i++) {
		CLEANUP(cleanup_free) char *name = NULL;
		struct err ignored = ERR_INIT;

		if (option_specs[i].type == OPTION_SECRET &&
		    option_env(&option_specs[i], &name, &ignored) == 0)
			forget_variable(name);
	}
}
