#define _GNU_SOURCE
#include "lib/stream/exclude.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/regex.h"

struct exclude {
	struct strlist globs;
	struct regex *regex;	/* NULL: none */
};

int
exclude_new(const struct strlist *globs, const char *regexp,
    struct exclude **ret, struct err *err)
{
	CLEANUP(exclude_freep) struct exclude *exclude =
	    calloc(1, sizeof *exclude);

	if (exclude == NULL)
		return err_nomem(err);
	if (globs != NULL && strlist_copy(globs, &exclude->globs, err) < 0)
		return -1;
	if (regexp != NULL && regexp[0] != '\0' &&
	    regex_new(regexp, &exclude->regex, err) < 0)
		return -1;
	*ret = exclude;
	exclude = NULL;
	return 0;
}

/* Does the glob match the path from one of its components on? */
static bool
matches_end(const char *glob, const char *path)
{
	for (; path != NULL; path = strchr(path, '/')) {
		path += path[0] == '/';
		if (fnmatch(glob, path, FNM_PATHNAME) == 0)
			return true;
	}
	return false;
}

static bool
matches(const char *glob, const char *path)
{
	const char *name = strrchr(path, '/');

	if (strchr(glob, '/') == NULL)
		return fnmatch(glob, name == NULL ? path : name + 1, 0) == 0;
	if (glob[0] == '/')
		return fnmatch(glob, path, FNM_PATHNAME) == 0;
	return matches_end(glob, path);
}

/* A glob with a slash at its end: without it, and for directories. */
static bool
matches_directory(const char *glob, size_t n, const char *path)
{
	char *cut = strndup(glob, n);
	bool result = cut != NULL && matches(cut, path);

	free(cut);
	return result;
}

static bool
globs_have(const struct strlist *globs, const char *path, bool is_directory)
{
	size_t i;

	for (i = 0; i < globs->n; i++) {
		const char *glob = globs->v[i];
		size_t n = strlen(glob);

		if (n > 1 && glob[n - 1] == '/') {
			if (is_directory &&
			    matches_directory(glob, n - 1, path))
				return true;
		} else if (matches(glob, path)) {
			return true;
		}
	}
	return false;
}

bool
exclude_has(struct exclude *exclude, const char *path, bool is_directory)
{
	if (globs_have(&exclude->globs, path, is_directory))
		return true;
	return exclude->regex != NULL &&
	    regex_search(exclude->regex, path) == REGEX_YES;
}

void
exclude_free(struct exclude *exclude)
{
	if (exclude == NULL)
		return;
	strlist_free(&exclude->globs);
	regex_free(exclude->regex);
	free(exclude);
}

void
exclude_freep(struct exclude **exclude)
{
	exclude_free(*exclude);
	*exclude = NULL;
}
