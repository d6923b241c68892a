#define _GNU_SOURCE
#include "lib/stream/exclude.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* Some milliseconds. Not compiled to machine code: a hardened unit forbids
 * memory that is writable and executable. */
#define MATCH_LIMIT 100000
#define HEAP_LIMIT_KIB 20000

/* As the expressions of Go that users bring along: the text is UTF-8, but a
 * name that is not is searched all the same, and $ is the end, not a newline
 * before it. */
#define COMPILE_OPTIONS \
	(PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_DOLLAR_ENDONLY)

struct exclude {
	struct strlist globs;
	pcre2_code *code;	/* NULL: no expression */
	pcre2_match_data *data;
	pcre2_match_context *context;
};

static int
compile(struct exclude *exclude, const char *regexp, struct err *err)
{
	PCRE2_UCHAR why[256];
	PCRE2_SIZE offset;
	int code;

	exclude->code = pcre2_compile((PCRE2_SPTR)regexp,
	    PCRE2_ZERO_TERMINATED, COMPILE_OPTIONS, &code, &offset, NULL);
	if (exclude->code == NULL) {
		(void)pcre2_get_error_message(code, why, sizeof why);
		return err_set(err, ERR_CONFIG, "exclude_regexp '%s' is not a "
		    "regular expression: %s at offset %zu", regexp,
		    (const char *)why, (size_t)offset);
	}
	exclude->data = pcre2_match_data_create(1, NULL);
	exclude->context = pcre2_match_context_create(NULL);
	if (exclude->data == NULL || exclude->context == NULL)
		return err_nomem(err);
	(void)pcre2_set_match_limit(exclude->context, MATCH_LIMIT);
	(void)pcre2_set_heap_limit(exclude->context, HEAP_LIMIT_KIB);
	return 0;
}

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
	    compile(exclude, regexp, err) < 0)
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
	return exclude->code != NULL && pcre2_match(exclude->code,
	    (PCRE2_SPTR)path, strlen(path), 0, 0, exclude->data,
	    exclude->context) >= 0;
}

void
exclude_free(struct exclude *exclude)
{
	if (exclude == NULL)
		return;
	strlist_free(&exclude->globs);
	pcre2_code_free(exclude->code);
	pcre2_match_data_free(exclude->data);
	pcre2_match_context_free(exclude->context);
	free(exclude);
}

void
exclude_freep(struct exclude **exclude)
{
	exclude_free(*exclude);
	*exclude = NULL;
}
