#include "lib/config/options.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "lib/config/value.h"

const struct option_spec option_specs[OPTION_COUNT] = {
#define OPTION(name, kind, ...) \
	{ .member = #name, .type = OPTION_##kind, \
	  .offset = offsetof(struct options, name), __VA_ARGS__ },
#include OPTIONS_DEF
#undef OPTION
};

/* What stands for no value: NULL, no elements, the first choice, 0. */
static const union value nothing;

static void *
member(const struct options *options, const struct option_spec *spec)
{
	return (char *)options + spec->offset;
}

static bool
is_string(const struct option_spec *spec)
{
	return spec->type == OPTION_STRING || spec->type == OPTION_SECRET;
}

static void
free_value(struct options *options, const struct option_spec *spec)
{
	if (spec->type == OPTION_LIST) {
		strlist_free(member(options, spec));
	} else if (is_string(spec)) {
		char **string = member(options, spec);

		str_zero(*string);
		free(*string);
		*string = NULL;
	}
}

/* Puts a value, which the member owns from now on, in place of the old. */
static void
put_value(struct options *options, const struct option_spec *spec,
    const void *value)
{
	static const size_t bytes[] = {
		[OPTION_STRING] = sizeof nothing.string,
		[OPTION_SECRET] = sizeof nothing.string,
		[OPTION_BOOL] = sizeof nothing.boolean,
		[OPTION_INT] = sizeof nothing.number,
		[OPTION_DURATION] = sizeof nothing.number,
		[OPTION_SIZE] = sizeof nothing.number,
		[OPTION_MODE] = sizeof nothing.number,
		[OPTION_CHOICE] = sizeof nothing.choice,
		[OPTION_LIST] = sizeof nothing.list,
	};

	free_value(options, spec);
	memcpy(member(options, spec), value, bytes[spec->type]);
}

static void
put_origin(struct options *options, enum option_id id,
    enum option_origin_kind kind, char *where)
{
	free(options->origin[id].where);
	options->origin[id].kind = kind;
	options->origin[id].where = where;
}

static int
reset(struct options *options, enum option_id id, struct err *err)
{
	const struct option_spec *spec = &option_specs[id];
	union value value = nothing;

	if (spec->def != NULL && value_parse(spec, spec->def, &value, err) < 0)
		return err_add(err, "default of %s.%s", spec->section,
		    spec->key);
	put_value(options, spec, &value);
	put_origin(options, id, ORIGIN_DEFAULT, NULL);
	return 0;
}

int
options_init(struct options *ret, struct err *err)
{
	int id;

	memset(ret, 0, sizeof *ret);
	for (id = 0; id < OPTION_COUNT; id++) {
		if (reset(ret, (enum option_id)id, err) < 0) {
			options_free(ret);
			return -1;
		}
	}
	return 0;
}

void
options_free(struct options *options)
{
	int id;

	for (id = 0; id < OPTION_COUNT; id++) {
		free_value(options, &option_specs[id]);
		free(options->origin[id].where);
	}
	memset(options, 0, sizeof *options);
}

static int
copy_one(const struct options *options, enum option_id id,
    struct options *ret, struct err *err)
{
	const struct option_spec *spec = &option_specs[id];
	const struct option_origin *origin = &options->origin[id];

	if (origin->where != NULL &&
	    str_dup(origin->where, &ret->origin[id].where, err) < 0)
		return -1;
	ret->origin[id].kind = origin->kind;
	if (spec->type == OPTION_LIST)
		return strlist_copy(member(options, spec), member(ret, spec),
		    err);
	if (is_string(spec)) {
		char *const *string = member(options, spec);

		return *string == NULL ? 0 :
		    str_dup(*string, member(ret, spec), err);
	}
	put_value(ret, spec, member(options, spec));
	return 0;
}

int
options_copy(const struct options *options, struct options *ret,
    struct err *err)
{
	int id;

	memset(ret, 0, sizeof *ret);
	for (id = 0; id < OPTION_COUNT; id++) {
		if (copy_one(options, (enum option_id)id, ret, err) < 0) {
			options_free(ret);
			return -1;
		}
	}
	return 0;
}

int
options_set(struct options *options, enum option_id id, const char *text,
    enum option_origin_kind kind, const char *where, struct err *err)
{
	const struct option_spec *spec = &option_specs[id];
	CLEANUP(cleanup_free) char *where_copy = NULL;
	union value value = nothing;

	if (value_is_empty(spec, text)) {
		if (spec->type == OPTION_SECRET)
			return err_set(err, ERR_CONFIG,
			    "a secret must not be empty");
		return reset(options, id, err);
	}
	if (where != NULL && str_dup(where, &where_copy, err) < 0)
		return -1;
	if (value_parse(spec, text, &value, err) < 0)
		return -1;
	put_value(options, spec, &value);
	put_origin(options, id, kind, where_copy);
	where_copy = NULL;
	return 0;
}

int
options_text(const struct options *options, enum option_id id,
    bool show_secrets, char **ret, struct err *err)
{
	const struct option_spec *spec = &option_specs[id];

	return value_text(spec, member(options, spec), show_secrets, ret, err);
}

bool
options_is_set(const struct options *options, enum option_id id)
{
	return options->origin[id].kind != ORIGIN_DEFAULT;
}

int
option_env(const struct option_spec *spec, char **ret, struct err *err)
{
	char *p;

	if (spec->env != NULL)
		return str_dup(spec->env, ret, err);
	if (str_format(ret, err, "VBACKUP_%s_%s", spec->section,
	    spec->key) < 0)
		return -1;
	for (p = *ret; *p != '\0'; p++)
		*p = (char)toupper((unsigned char)*p);
	return 0;
}

int
option_find(const char *section, const char *key)
{
	int id;

	for (id = 0; id < OPTION_COUNT; id++)
		if (strcmp(option_specs[id].section, section) == 0 &&
		    strcmp(option_specs[id].key, key) == 0)
			return id;
	return -1;
}
