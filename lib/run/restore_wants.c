#include "lib/run/restore_wants.h"

#include <stdlib.h>
#include <string.h>

#define VOLUMES "volumes/"	/* as pack has it, */
#define FOREIGN "backup/"	/* and docker-volume-backup */
#define NAMED_MAX 10		/* of what there is, in a message */

void
restore_wants_free(struct restore_wants *wants)
{
	size_t i;

	for (i = 0; i < wants->n; i++) {
		free(wants->v[i].volume);
		free(wants->v[i].member);
		free(wants->v[i].foreign);
	}
	free(wants->v);
	*wants = (struct restore_wants)RESTORE_WANTS_INIT;
}

/* --- names --------------------------------------------------------------- */

int
restore_name(const char *path, char **ret, struct err *err)
{
	CLEANUP(str_free) struct str name = STR_INIT;
	const char *at = path;

	while (*(at += strspn(at, "/")) != '\0') {
		size_t n = strcspn(at, "/");

		if (n == 2 && at[0] == '.' && at[1] == '.')
			return err_set(err, ERR_SOURCE, "'%s' has a '..' in "
			    "it", path);
		if (n != 1 || at[0] != '.') {
			str_add(&name, name.len != 0 ? "/" : "");
			str_addn(&name, at, n);
		}
		at += n;
	}
	return str_take(&name, ret, err);
}

/* Is name that member, or below it? */
static bool
is_in(const char *name, const char *member)
{
	size_t n = strlen(member);

	return n == 0 || (strncmp(name, member, n) == 0 &&
	    (name[n] == '\0' || name[n] == '/'));
}

int
restore_source_member(const struct metadata_source *source, char **ret,
    struct err *err)
{
	if (source->name != NULL)
		return str_format(ret, err, VOLUMES "%s", source->name);
	return restore_name(source->path != NULL ? source->path : "", ret,
	    err);
}

/* --- what was asked for -------------------------------------------------- */

static int
wrong(const char *what, struct err *err)
{
	if (err->kind == ERR_SOURCE)
		err->kind = ERR_USAGE;
	return err_add(err, "%s", what);
}

static int
parse_volume(const char *text, struct restore_want *ret, struct err *err)
{
	const char *equals = strchr(text, '=');
	size_t n = equals != NULL ? (size_t)(equals - text) : strlen(text);

	if (n == 0 || memchr(text, '/', n) != NULL)
		return err_set(err, ERR_USAGE, "--volume: '%s' begins with "
		    "no volume's name", text);
	if (str_format(&ret->volume, err, "%.*s", (int)n, text) < 0)
		return -1;
	if (equals != NULL)
		return restore_name(equals + 1, &ret->member, err) < 0 ?
		    wrong("--volume", err) : 0;
	if (str_format(&ret->member, err, VOLUMES "%s", ret->volume) < 0)
		return -1;
	return str_format(&ret->foreign, err, FOREIGN "%s", ret->volume);
}

static int
parse_path(const char *text, struct restore_want *ret, struct err *err)
{
	if (*text == '\0')
		return err_set(err, ERR_USAGE, "a path is empty");
	return restore_name(text, &ret->member, err) < 0 ?
	    wrong("path", err) : 0;
}

static int
check_twice(const struct restore_wants *wants, const char *volume,
    struct err *err)
{
	size_t i;

	for (i = 0; volume != NULL && i + 1 < wants->n; i++)
		if (strcmp(wants->v[i].volume, volume) == 0)
			return err_set(err, ERR_USAGE, "--volume '%s' is "
			    "given twice", volume);
	return 0;
}

int
restore_wants_parse(const struct strlist *volumes,
    const struct strlist *paths, struct restore_wants *ret, struct err *err)
{
	size_t i;

	*ret = (struct restore_wants)RESTORE_WANTS_INIT;
	ret->v = calloc(volumes->n + paths->n + 1, sizeof *ret->v);
	if (ret->v == NULL)
		return err_nomem(err);
	for (i = 0; i < volumes->n; i++)
		if (parse_volume(volumes->v[i], &ret->v[ret->n++], err) < 0 ||
		    check_twice(ret, ret->v[i].volume, err) < 0)
			return -1;
	for (i = 0; i < paths->n; i++)
		if (parse_path(paths->v[i], &ret->v[ret->n++], err) < 0)
			return -1;
	return 0;
}

/* --- and what there is --------------------------------------------------- */

/* A volume, or part of a volume or of a directory. */
static bool
is_in_archive(const struct restore_want *want,
    const struct metadata *metadata)
{
	struct err ignored = ERR_INIT;
	bool found = false;
	size_t i;

	for (i = 0; i < metadata->n_sources && !found; i++) {
		CLEANUP(cleanup_free) char *member = NULL;

		found = restore_source_member(&metadata->sources[i], &member,
		    &ignored) == 0 && is_in(want->member, member);
	}
	return found;
}

bool
restore_wants_in(const struct restore_wants *wants,
    const struct metadata *metadata, const struct restore_want **ret)
{
	size_t i;

	*ret = NULL;
	for (i = 0; i < wants->n && *ret == NULL; i++)
		if (wants->v[i].volume != NULL &&
		    !is_in_archive(&wants->v[i], metadata))
			*ret = &wants->v[i];
	return *ret == NULL;
}

static int
lacks(const struct restore_want *want, const struct metadata *metadata,
    struct err *err)
{
	CLEANUP(str_free) struct str volumes = STR_INIT;
	size_t n = 0, i;

	for (i = 0; i < metadata->n_sources && n < NAMED_MAX; i++)
		if (metadata->sources[i].name != NULL)
			str_addf(&volumes, "%s'%s'", n++ != 0 ? ", " : "",
			    metadata->sources[i].name);
	return err_set(err, ERR_NOTFOUND, "the archive has no volume '%s'%s%s "
	    "(it has %s)", want->volume, want->foreign == NULL ? " as " : "",
	    want->foreign == NULL ? want->member : "", n != 0 &&
	    !volumes.failed ? volumes.s : "none");
}

int
restore_wants_know(struct restore_wants *wants,
    const struct metadata *metadata, struct err *err)
{
	const struct restore_want *missing;
	size_t i;

	for (i = 0; i < wants->n; i++)
		wants->v[i].found = false;
	wants->maybe_foreign = metadata == NULL;
	return metadata == NULL ||
	    restore_wants_in(wants, metadata, &missing) ? 0 :
	    lacks(missing, metadata, err);
}

bool
restore_wants_has(struct restore_wants *wants, const char *name)
{
	bool has = wants->n == 0;
	size_t i;

	for (i = 0; i < wants->n; i++) {
		struct restore_want *want = &wants->v[i];

		if (!is_in(name, want->member) && (!wants->maybe_foreign ||
		    want->foreign == NULL || !is_in(name, want->foreign)))
			continue;
		want->found = true;
		has = true;
	}
	return has;
}

int
restore_wants_check(const struct restore_wants *wants, struct err *err)
{
	CLEANUP(str_free) struct str missing = STR_INIT;
	size_t i;

	for (i = 0; i < wants->n; i++) {
		const struct restore_want *want = &wants->v[i];

		if (!want->found)
			str_addf(&missing, "%s%s'%s'", missing.len != 0 ?
			    ", " : "", want->foreign != NULL ? "volume " : "",
			    want->foreign != NULL ? want->volume :
			    want->member);
	}
	if (missing.failed)
		return err_nomem(err);
	return missing.len == 0 ? 0 : err_set(err, ERR_NOTFOUND,
	    "the archive has nothing of %s", missing.s);
}

const char *
restore_wants_member(const struct restore_wants *wants,
    const struct restore_want *want)
{
	return wants->maybe_foreign && want->foreign != NULL ?
	    want->foreign : want->member;
}
