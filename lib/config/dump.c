#include "lib/config/config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/config/ini.h"

struct dump {
	bool show_secrets;
	struct str text;
};

static void
free_secret(char **text)
{
	str_zero(*text);
	free(*text);
}

static void
add_origin(const struct option_origin *origin, struct str *ret)
{
	if (origin->kind == ORIGIN_DEFAULT) {
		str_add(ret, "# default\n");
		return;
	}
	str_add(ret, "# from ");
	str_add_visible(ret, origin->where != NULL ? origin->where : "?");
	str_add(ret, "\n");
}

/* What may be shown of a value; *ret_whole: all of it. */
static int
visible_text(const struct dump *dump, const struct options *options,
    enum option_id id, char **ret, bool *ret_whole, struct err *err)
{
	CLEANUP(free_secret) char *text = NULL;

	if (options_text(options, id, true, &text, err) < 0)
		return -1;
	if (text == NULL)
		return str_dup("", ret, err);
	if (dump->show_secrets)
		return str_dup(text, ret, err);
	/* A secret may be hidden in another value, such as an address. */
	if (option_specs[id].type == OPTION_SECRET ?
	    str_dup("***", ret, err) < 0 : log_mask(text, ret, err) < 0)
		return -1;
	*ret_whole = strcmp(text, *ret) == 0;
	return 0;
}

/* What is not set is a comment, so that reading it back does not set it. In a
 * job a setting without a value takes the base's away. */
static int
add_setting(struct dump *dump, const struct options *options,
    enum option_id id, const char *key, bool live, struct err *err)
{
	CLEANUP(free_secret) char *text = NULL;
	bool whole = true;

	if (visible_text(dump, options, id, &text, &whole, err) < 0)
		return -1;
	add_origin(&options->origin[id], &dump->text);
	inifile_write(key, text, live && whole ? "" : "# ", &dump->text);
	return 0;
}

static int
add_section(struct dump *dump, const struct options *options,
    const char *section, struct err *err)
{
	int id;

	str_addf(&dump->text, "\n[%s]\n", section);
	for (id = 0; id < OPTION_COUNT; id++)
		if (strcmp(option_specs[id].section, section) == 0 &&
		    add_setting(dump, options, (enum option_id)id,
		    option_specs[id].key,
		    options_is_set(options, (enum option_id)id), err) < 0)
			return -1;
	return 0;
}

static bool
has_same_origin(const struct option_origin *a, const struct option_origin *b)
{
	if (a->where == NULL || b->where == NULL)
		return a->where == b->where && a->kind == b->kind;
	return a->kind == b->kind && strcmp(a->where, b->where) == 0;
}

/* A setting of [KIND NAME], where keys of bare_section stand bare. */
static int
add_own_setting(struct dump *dump, const struct options *options,
    enum option_id id, const char *bare_section, struct err *err)
{
	const struct option_spec *spec = &option_specs[id];
	bool bare = strcmp(spec->section, bare_section) == 0;
	CLEANUP(cleanup_free) char *key = NULL;

	if (str_format(&key, err, "%s%s%s", bare ? "" : spec->section,
	    bare ? "" : ".", spec->key) < 0)
		return -1;
	if (options_is_set(options, id))
		return add_setting(dump, options, id, key, true, err);
	str_addf(&dump->text, "# taken away here\n%s =\n", key);
	return 0;
}

/* What options have that the base has not; of one section, or NULL: of all. */
static int
add_own_settings(struct dump *dump, const struct options *base,
    const struct options *options, const char *section, struct err *err)
{
	int id;

	for (id = 0; id < OPTION_COUNT; id++) {
		if (has_same_origin(&base->origin[id], &options->origin[id]) ||
		    (section != NULL &&
		    strcmp(option_specs[id].section, section) != 0))
			continue;
		if (add_own_setting(dump, options, (enum option_id)id,
		    section != NULL ? section : "backup", err) < 0)
			return -1;
	}
	return 0;
}

static void
add_own_head(struct dump *dump, const char *where, const char *kind,
    const char *name)
{
	str_add(&dump->text, "\n# from ");
	str_add_visible(&dump->text, where);
	str_addf(&dump->text, "\n[%s %s]\n", kind, name);
}

static int
add_stores_and_jobs(struct dump *dump, const struct config *config,
    struct err *err)
{
	const struct options *base = &config->base;
	size_t i;

	for (i = 0; i < config->n_stores; i++) {
		const struct config_store *store = &config->stores[i];

		add_own_head(dump, store->where, store->kind, store->name);
		if (add_own_settings(dump, base, &store->options, store->kind,
		    err) < 0)
			return -1;
	}
	for (i = 0; i < config->n_jobs; i++) {
		const struct config_job *job = &config->jobs[i];

		add_own_head(dump, job->where, "job", job->name);
		if (add_own_settings(dump, base, &job->options, NULL,
		    err) < 0)
			return -1;
	}
	return 0;
}

static bool
is_new_section(int id)
{
	int i;

	for (i = 0; i < id; i++)
		if (strcmp(option_specs[i].section,
		    option_specs[id].section) == 0)
			return false;
	return true;
}

static int
add_all(struct dump *dump, const struct config *config, struct err *err)
{
	int id;

	str_add(&dump->text, "# What vbackup reads from its files and from the "
	    "environment.\n");
	for (id = 0; id < OPTION_COUNT; id++)
		if (is_new_section(id) && add_section(dump, &config->base,
		    option_specs[id].section, err) < 0)
			return -1;
	return add_stores_and_jobs(dump, config, err);
}

int
config_dump(const struct config *config, bool show_secrets, char **ret,
    struct err *err)
{
	struct dump dump = { show_secrets, STR_INIT };

	if (add_all(&dump, config, err) < 0) {
		str_wipe(&dump.text);
		return -1;
	}
	return str_take(&dump.text, ret, err);
}
