#define _GNU_SOURCE
#include "lib/report/template.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/report/template_parse.h"
#include "lib/report/template_render.h"
#include "lib/report/template_value.h"

struct templates {
	struct template_arena *arenas;
	struct definition *definitions;	/* those that replace come first */
};

int
templates_new(struct templates **ret, struct err *err)
{
	struct templates *templates = calloc(1, sizeof *templates);

	if (templates == NULL)
		return err_nomem(err);
	*ret = templates;
	return 0;
}

static void
arena_freep(struct template_arena **arena)
{
	if (*arena == NULL)
		return;
	template_arena_free(*arena);
	free(*arena);
	*arena = NULL;
}

void
templates_free(struct templates *templates)
{
	if (templates == NULL)
		return;
	while (templates->arenas != NULL) {
		struct template_arena *arena = templates->arenas;

		templates->arenas = arena->next;
		arena_freep(&arena);
	}
	free(templates);
}

void
templates_freep(struct templates **templates)
{
	templates_free(*templates);
}

const struct definition *
templates_find(const struct templates *templates, const char *name)
{
	const struct definition *definition = templates->definitions;

	while (definition != NULL && strcmp(definition->name, name) != 0)
		definition = definition->next;
	return definition;
}

static struct definition *
reversed(struct definition *definition)
{
	struct definition *before = NULL;

	while (definition != NULL) {
		struct definition *next = definition->next;

		definition->next = before;
		before = definition;
		definition = next;
	}
	return before;
}

/* In the order of the text; blank ones replace nothing, as in Go. */
static void
take_over(struct templates *templates, struct definition *definition)
{
	while (definition != NULL) {
		struct definition *next = definition->next;

		if (!definition->blank ||
		    templates_find(templates, definition->name) == NULL) {
			definition->next = templates->definitions;
			templates->definitions = definition;
		}
		definition = next;
	}
}

int
templates_add(struct templates *templates, const char *name, const char *text,
    size_t len, struct err *err)
{
	CLEANUP(arena_freep) struct template_arena *arena =
	    calloc(1, sizeof *arena);
	struct definition *definitions = NULL;
	char *copy;

	if (arena == NULL)
		return err_nomem(err);
	if (memchr(text, '\0', len) != NULL)
		return err_set(err, ERR_CONFIG, "%s: it has a NUL", name);
	copy = template_copy(arena, text, len);
	if (copy == NULL)
		return err_nomem(err);
	if (!str_is_utf8(copy))
		return err_set(err, ERR_CONFIG, "%s: it is not UTF-8", name);
	if (template_parse(arena, name, copy, len, &definitions, err) < 0)
		return -1;
	take_over(templates, reversed(definitions));
	arena->next = templates->arenas;
	templates->arenas = arena;
	arena = NULL;
	return 0;
}

/* --- directories --------------------------------------------------------- */

/* Editors leave others: .body.tmpl.swp, body.tmpl~. */
static int
is_template(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && strchr(entry->d_name, '.') != NULL &&
	    !str_ends(entry->d_name, "~");
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int
list_directory(const char *directory, struct strlist *ret, struct err *err)
{
	struct dirent **entries = NULL;
	int n = scandir(directory, &entries, is_template, by_name), i, rc = 0;

	if (n < 0)
		return err_sys(err, "cannot read directory '%s'", directory);
	for (i = 0; i < n; i++) {
		if (rc == 0)
			rc = strlist_add(ret, entries[i]->d_name, err);
		free(entries[i]);
	}
	free(entries);
	return rc;
}

/* Directories are passed over: Kubernetes mounts have "..data". */
static int
add_file(struct templates *templates, const char *path, size_t *ret_n,
    struct err *err)
{
	CLEANUP(cleanup_free) char *text = NULL;
	size_t len;

	if (file_is_dir(path))
		return 0;
	if (file_read(path, TEMPLATE_FILE_BYTES, &text, &len, err) < 0)
		return -1;
	(*ret_n)++;
	return templates_add(templates, path, text, len, err);
}

int
templates_add_dir(struct templates *templates, const char *directory,
    struct err *err)
{
	CLEANUP(strlist_free) struct strlist names = STRLIST_INIT;
	size_t i, n = 0;

	if (list_directory(directory, &names, err) < 0)
		return -1;
	for (i = 0; i < names.n; i++) {
		CLEANUP(cleanup_free) char *path = NULL;

		if (file_join(directory, names.v[i], &path, err) < 0 ||
		    add_file(templates, path, &n, err) < 0)
			return -1;
	}
	return n != 0 ? 0 : err_set(err, ERR_CONFIG,
	    "no template in '%s' (a file with a dot in its name)", directory);
}

int
templates_render(const struct templates *templates, const char *name,
    const struct cJSON *data, char **ret, struct err *err)
{
	CLEANUP(cleanup_free) char *text = NULL;
	const struct definition *definition = templates_find(templates, name);

	if (definition == NULL)
		return err_set(err, ERR_CONFIG, "no template '%s'", name);
	if (template_render(templates, definition, data != NULL ? data :
	    value_null, &text, err) < 0)
		return -1;
	return log_mask(text, ret, err);
}
