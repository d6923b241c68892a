#include "lib/config/load.h"

#include <stdlib.h>
#include <string.h>

#include "lib/config/problems.h"

static bool
is_good_name(const char *name)
{
	const char *p;

	for (p = name; *p != '\0'; p++)
		if (*p == '/' || (unsigned char)*p < 0x20 || *p == 0x7f)
			return false;
	return p != name;
}

static struct load_part *
find_part(const struct load_parts *parts, const char *kind, const char *name)
{
	struct load_part *part = parts->first;

	while (part != NULL && (strcmp(part->kind, kind) != 0 ||
	    strcmp(part->name, name) != 0))
		part = part->next;
	return part;
}

static void
free_part(struct load_part *part)
{
	free(part->name);
	free(part->where);
	layer_free(&part->layer);
	free(part);
}

static void
free_parts(struct load_parts *parts)
{
	struct load_part *part, *next;

	for (part = parts->first; part != NULL; part = next) {
		next = part->next;
		free_part(part);
	}
	parts->first = parts->last = NULL;
}

static int
add_part(struct load_parts *parts, const char *kind, const char *name,
    const char *where, struct layer **ret, struct err *err)
{
	struct load_part *part = calloc(1, sizeof *part);

	if (part == NULL)
		return err_nomem(err);
	part->kind = kind;
	part->layer = (struct layer)LAYER_INIT;
	if (str_dup(name, &part->name, err) < 0 ||
	    str_dup(where, &part->where, err) < 0) {
		free_part(part);
		return -1;
	}
	if (parts->last != NULL)
		parts->last->next = part;
	else
		parts->first = part;
	parts->last = part;
	*ret = &part->layer;
	return 0;
}

int
load_job(struct load *load, const char *name, const char *where,
    struct layer **ret, struct err *err)
{
	const struct load_part *twin = find_part(&load->jobs, "job", name);

	*ret = NULL;
	if (!is_good_name(name))
		return strlist_addf(&load->config->problems, err, "%s: '%s' "
		    "cannot be a job's name (it needs one, without a slash)",
		    where, name);
	if (twin != NULL)
		return strlist_addf(&load->config->problems, err, "%s: there "
		    "is a job '%s' already (at %s)", where, name,
		    twin->where);
	if (add_part(&load->jobs, "job", name, where, ret, err) < 0)
		return -1;
	(*ret)->job = true;
	return 0;
}

const char *
load_store_kind(const char *section)
{
	static const char *const kinds[] = { "archive", "s3" };
	size_t i;

	for (i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(section, kinds[i]) == 0)
			return kinds[i];
	return NULL;
}

int
load_store(struct load *load, const char *kind, const char *name,
    const char *where, struct layer **ret, struct err *err)
{
	const struct load_part *twin = find_part(&load->stores, kind, name);

	*ret = NULL;
	if (!is_good_name(name))
		return strlist_addf(&load->config->problems, err, "%s: '%s' "
		    "cannot be a store's name (there must be no slash in it)",
		    where, name);
	if (twin != NULL)
		return strlist_addf(&load->config->problems, err, "%s: there "
		    "is a store [%s %s] already (at %s)", where, kind, name,
		    twin->where);
	return add_part(&load->stores, kind, name, where, ret, err);
}

void
load_free(struct load *load)
{
	free_parts(&load->jobs);
	free_parts(&load->stores);
	layer_free(&load->base);
	layer_free(&load->variables);
}
