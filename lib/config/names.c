#include "lib/config/names.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/str.h"

/* A job's section takes the keys of this one without its name. */
#define JOB_SECTION "backup"

struct suffix {
	const char *key;
	const char *variable;
};

static const struct suffix suffixes[] = {
	[FORM_VALUE] = { "", "" },
	[FORM_FILE] = { "_file", "_FILE" },
	[FORM_COMMAND] = { "_command", "_COMMAND" },
};

/* --- known names --------------------------------------------------------- */

/* Is text name and suffix? */
static bool
is_joined(const char *text, const char *name, const char *suffix)
{
	size_t n = strlen(name);

	return strncmp(text, name, n) == 0 && strcmp(text + n, suffix) == 0;
}

/* Does key, or in a job "section.key", name this row with this suffix? */
static bool
is_key_of(const struct option_spec *spec, const char *section,
    const char *key, const char *suffix)
{
	size_t n = strlen(spec->section);

	if (section != NULL)
		return strcmp(spec->section, section) == 0 &&
		    is_joined(key, spec->key, suffix);
	if (strcmp(spec->section, JOB_SECTION) == 0 &&
	    is_joined(key, spec->key, suffix))
		return true;
	return strncmp(key, spec->section, n) == 0 && key[n] == '.' &&
	    is_joined(key + n + 1, spec->key, suffix);
}

struct name
names_key(const char *section, const char *key)
{
	int form, id;

	/* A whole name comes before one that only ends like _file. */
	for (form = FORM_VALUE; form <= FORM_COMMAND; form++)
		for (id = 0; id < OPTION_COUNT; id++)
			if (is_key_of(&option_specs[id], section, key,
			    suffixes[form].key))
				return (struct name){ id, (enum form)form,
					false };
	return (struct name){ -1, FORM_VALUE, false };
}

static int
match_variable(int id, int form, const char *variable, struct name *ret,
    struct err *err)
{
	const struct option_spec *spec = &option_specs[id];
	const char *suffix = suffixes[form].variable;
	CLEANUP(cleanup_free) char *env = NULL;
	bool early;

	if (option_env(spec, &env, err) < 0)
		return -1;
	early = spec->env_old != NULL &&
	    is_joined(variable, spec->env_old, suffix);
	if (early || is_joined(variable, env, suffix))
		*ret = (struct name){ id, (enum form)form, early };
	return 0;
}

int
names_variable(const char *variable, struct name *ret, struct err *err)
{
	int form, id;

	*ret = (struct name){ -1, FORM_VALUE, false };
	for (form = FORM_VALUE; form <= FORM_COMMAND; form++)
		for (id = 0; id < OPTION_COUNT && ret->id < 0; id++)
			if (match_variable(id, form, variable, ret, err) < 0)
				return -1;
	return 0;
}

bool
names_has_section(const char *section)
{
	int id;

	for (id = 0; id < OPTION_COUNT; id++)
		if (strcmp(option_specs[id].section, section) == 0)
			return true;
	return false;
}

const char *
names_home(const char *key)
{
	int id;

	for (id = 0; id < OPTION_COUNT; id++)
		if (strcmp(option_specs[id].key, key) == 0)
			return option_specs[id].section;
	return NULL;
}

/* --- near names ---------------------------------------------------------- */

struct search {
	const char *name;
	unsigned best;		/* only what is nearer than this is taken */
	char *found;
};

static struct search
search_begin(const char *name, char found[NAMES_BYTES])
{
	size_t n = strlen(name);
	size_t limit = n / 3 > 3 ? n / 3 : 3;

	found[0] = '\0';
	if (n >= NAMES_BYTES)	/* str_distance gives up there */
		return (struct search){ name, 0, found };
	/* As far away as it is long means that it has nothing in common. */
	return (struct search){ name, (unsigned)(limit < n ? limit + 1 : n),
		found };
}

static void
search_try(struct search *search, const char *candidate)
{
	unsigned distance = str_distance(search->name, candidate);

	if (distance >= search->best)
		return;
	search->best = distance;
	(void)snprintf(search->found, NAMES_BYTES, "%s", candidate);
}

void
names_nearest_key(const char *section, const char *key,
    char ret[NAMES_BYTES])
{
	struct search search = search_begin(key, ret);
	int id;

	for (id = 0; id < OPTION_COUNT; id++) {
		const struct option_spec *spec = &option_specs[id];
		char full[NAMES_BYTES];

		if (section != NULL) {
			if (strcmp(spec->section, section) == 0)
				search_try(&search, spec->key);
			continue;
		}
		if (strcmp(spec->section, JOB_SECTION) == 0)
			search_try(&search, spec->key);
		(void)snprintf(full, sizeof full, "%s.%s", spec->section,
		    spec->key);
		search_try(&search, full);
	}
}

void
names_nearest_section(const char *section, char ret[NAMES_BYTES])
{
	struct search search = search_begin(section, ret);
	int id;

	for (id = 0; id < OPTION_COUNT; id++)
		search_try(&search, option_specs[id].section);
}

int
names_nearest_variable(const char *variable, char ret[NAMES_BYTES],
    struct err *err)
{
	struct search search = search_begin(variable, ret);
	int id;

	for (id = 0; id < OPTION_COUNT; id++) {
		const struct option_spec *spec = &option_specs[id];
		CLEANUP(cleanup_free) char *env = NULL;
		char full[NAMES_BYTES + 10];

		if (option_env(spec, &env, err) < 0)
			return -1;
		search_try(&search, env);
		/* A row that has a name of its own has not this one, too. */
		(void)snprintf(full, sizeof full, "VBACKUP_%s_%s",
		    spec->section, spec->key);
		if (str_distance(variable, full) == 0) {
			(void)snprintf(ret, NAMES_BYTES, "%s", env);
			return 0;
		}
	}
	return 0;
}
