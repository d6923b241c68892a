#define _GNU_SOURCE
#include "lib/run/select.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/file.h"

void
source_free(struct source *source)
{
	free(source->name);
	free(source->path);
	free(source->member);
	free(source->shown);
	free(source->project);
	*source = (struct source){ 0 };
}

void
source_list_free(struct source_list *list)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		source_free(&list->v[i]);
	free(list->v);
	*list = (struct source_list)SOURCE_LIST_INIT;
}

int
source_list_take(struct source_list *list, struct source *source,
    struct err *err)
{
	struct source *bigger = realloc(list->v,
	    (list->n + 1) * sizeof *bigger);

	if (bigger == NULL) {
		source_free(source);
		return err_nomem(err);
	}
	list->v = bigger;
	list->v[list->n++] = *source;
	*source = (struct source){ 0 };
	return 0;
}

static bool
list_has(const struct source_list *list, enum source_type type,
    const char *path)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		if (list->v[i].type == type &&
		    strcmp(list->v[i].path, path) == 0)
			return true;
	return false;
}

static int
dup_or_null(const char *text, char **ret, struct err *err)
{
	*ret = NULL;
	return text == NULL ? 0 : str_dup(text, ret, err);
}

/* --- labels -------------------------------------------------------------- */

enum enable { ENABLE_UNSAID, ENABLE_YES, ENABLE_NO };

static int
read_enable(const struct strmap *labels, const char *kind, const char *name,
    enum enable *ret, struct strlist *problems, struct err *err)
{
	const char *text = strmap_get(labels, LABEL_ENABLE);

	*ret = ENABLE_UNSAID;
	if (text == NULL || *text == '\0')
		return 0;
	if (strcasecmp(text, "true") == 0)
		*ret = ENABLE_YES;
	else if (strcasecmp(text, "false") == 0)
		*ret = ENABLE_NO;
	else
		return strlist_addf(problems, err, "%s '%s': label %s is "
		    "'%s', neither true nor false", kind, name, LABEL_ENABLE,
		    text);
	return 0;
}

/* One of the comma-separated words of a label, blanks ignored? */
static bool
word_in(const char *words, const char *word)
{
	size_t n = strlen(word);

	while (words != NULL && *words != '\0') {
		size_t len;

		words += strspn(words, ", \t\n");
		len = strcspn(words, ",");
		while (len != 0 && strchr(" \t\n", words[len - 1]) != NULL)
			len--;
		if (len == n && n != 0 && strncmp(words, word, n) == 0)
			return true;
		words += len + strcspn(words + len, ",");
	}
	return false;
}

/* A volume is named in full, or as in the Compose file; a bind mount by its
 * path on either side. */
static bool
mount_named(const struct mount *mount, const struct inventory *inventory,
    const char *words)
{
	const struct volume *volume = inventory_volume(inventory, mount->name);
	const char *compose = volume == NULL ? NULL :
	    strmap_get(&volume->labels, "com.docker.compose.volume");

	return word_in(words, mount->name) ||
	    word_in(words, mount->source) ||
	    word_in(words, mount->destination) ||
	    (compose != NULL && word_in(words, compose));
}

/* Every word of vbackup.volumes must mean something that is mounted. */
static int
check_words(const struct container *container,
    const struct inventory *inventory, const char *words,
    struct strlist *problems, struct err *err)
{
	CLEANUP(cleanup_free) char *copy = NULL;
	char *rest, *word;

	if (str_dup(words, &copy, err) < 0)
		return -1;
	for (rest = copy; (word = strsep(&rest, ",")) != NULL;) {
		bool found = false;
		size_t i;

		word = str_trim(word);
		for (i = 0; i < container->n_mounts; i++)
			found = found || mount_named(&container->mounts[i],
			    inventory, word);
		if (*word != '\0' && !found &&
		    strlist_addf(problems, err, "container '%s': label %s "
		    "names '%s', which it does not mount", container->name,
		    LABEL_VOLUMES, word) < 0)
			return -1;
	}
	return 0;
}

/* --- sources ------------------------------------------------------------- */

static const char *
project_of_volume(const struct volume *volume,
    const struct inventory *inventory)
{
	const char *project = strmap_get(&volume->labels, LABEL_PROJECT);
	size_t i, k;

	for (i = 0; project == NULL && i < inventory->containers.n; i++) {
		const struct container *c = &inventory->containers.v[i];

		for (k = 0; k < c->n_mounts; k++)
			if (strcmp(c->mounts[k].name, volume->name) == 0)
				project = strmap_get(&c->labels,
				    LABEL_PROJECT);
	}
	return project;
}

static int
add_volume(const struct volume *volume, const struct inventory *inventory,
    struct source_list *list, struct err *err)
{
	struct source source = { .type = SOURCE_VOLUME, .volume = volume };

	if (list_has(list, SOURCE_VOLUME, volume->mountpoint))
		return 0;
	if (str_dup(volume->name, &source.name, err) < 0 ||
	    str_dup(volume->mountpoint, &source.path, err) < 0 ||
	    str_format(&source.member, err, "volumes/%s", volume->name) < 0 ||
	    str_format(&source.shown, err, "/volumes/%s", volume->name) < 0 ||
	    dup_or_null(project_of_volume(volume, inventory),
	    &source.project, err) < 0) {
		source_free(&source);
		return -1;
	}
	return source_list_take(list, &source, err);
}

/* Without the slashes at its end; "/" becomes "". */
static int
add_directory(const char *path, const char *project, struct source_list *list,
    struct err *err)
{
	struct source source = { .type = SOURCE_DIRECTORY };
	size_t n = strlen(path);

	while (n != 0 && path[n - 1] == '/')
		n--;
	if (str_format(&source.path, err, "%.*s", n != 0 ? (int)n : 1,
	    n != 0 ? path : "/") < 0 ||
	    str_dup(n != 0 ? source.path + 1 : "", &source.member, err) < 0 ||
	    str_format(&source.shown, err, "%.*s", (int)n, path) < 0 ||
	    dup_or_null(project, &source.project, err) < 0) {
		source_free(&source);
		return -1;
	}
	if (list_has(list, SOURCE_DIRECTORY, source.path)) {
		source_free(&source);
		return 0;
	}
	return source_list_take(list, &source, err);
}

static int
add_bind(const struct mount *mount, const struct container *container,
    struct source_list *list, struct err *err)
{
	struct stat st;

	/* Sockets and devices are plumbing, not data. */
	if (stat(mount->source, &st) == 0 && !S_ISDIR(st.st_mode) &&
	    !S_ISREG(st.st_mode))
		return 0;
	return add_directory(mount->source,
	    strmap_get(&container->labels, LABEL_PROJECT), list, err);
}

static int
add_mounts(const struct container *container, const struct options *o,
    const struct inventory *inventory, struct source_list *list,
    struct strlist *problems, struct err *err)
{
	const char *words = strmap_get(&container->labels, LABEL_VOLUMES);
	size_t i;

	if (words != NULL && *words != '\0' &&
	    check_words(container, inventory, words, problems, err) < 0)
		return -1;
	for (i = 0; i < container->n_mounts; i++) {
		const struct mount *mount = &container->mounts[i];
		const struct volume *volume =
		    inventory_volume(inventory, mount->name);
		enum enable enable = ENABLE_UNSAID;
		int rc = 0;

		if (words != NULL && *words != '\0' &&
		    !mount_named(mount, inventory, words))
			continue;
		if (volume != NULL && read_enable(&volume->labels, "volume",
		    volume->name, &enable, problems, err) < 0)
			return -1;
		if (strcmp(mount->type, "volume") == 0 && volume != NULL &&
		    enable != ENABLE_NO)
			rc = add_volume(volume, inventory, list, err);
		else if (strcmp(mount->type, "bind") == 0 && o->bind_mounts)
			rc = add_bind(mount, container, list, err);
		if (rc < 0)
			return -1;
	}
	return 0;
}

static int
add_labelled(const struct options *o, const struct inventory *inventory,
    struct source_list *list, struct strlist *problems, struct err *err)
{
	enum enable enable;
	size_t i;

	for (i = 0; i < inventory->containers.n; i++) {
		const struct container *c = &inventory->containers.v[i];

		if (read_enable(&c->labels, "container", c->name, &enable,
		    problems, err) < 0)
			return -1;
		if (enable == ENABLE_YES &&
		    add_mounts(c, o, inventory, list, problems, err) < 0)
			return -1;
	}
	for (i = 0; i < inventory->volumes.n; i++) {
		const struct volume *v = &inventory->volumes.v[i];

		if (read_enable(&v->labels, "volume", v->name, &enable,
		    problems, err) < 0)
			return -1;
		if (enable == ENABLE_YES &&
		    add_volume(v, inventory, list, err) < 0)
			return -1;
	}
	return 0;
}

static bool
label_is(const struct strmap *labels, const char *value)
{
	const char *text = strmap_get(labels, LABEL_ENABLE);

	return text != NULL && strcasecmp(text, value) == 0;
}

/* Is a volume only used by containers that want to be left out? */
static bool
left_out_by_container(const struct volume *volume,
    const struct inventory *inventory)
{
	bool out = false, in = false;
	size_t i, k;

	for (i = 0; i < inventory->containers.n; i++) {
		const struct container *c = &inventory->containers.v[i];

		for (k = 0; k < c->n_mounts; k++) {
			if (strcmp(c->mounts[k].name, volume->name) != 0)
				continue;
			out = out || label_is(&c->labels, "false");
			in = in || label_is(&c->labels, "true");
		}
	}
	return out && !in;
}

static int
add_all(const struct options *o, const struct inventory *inventory,
    struct source_list *list, struct strlist *problems, struct err *err)
{
	size_t i;

	/* The labelled first: they may bring bind mounts, and label checks. */
	if (add_labelled(o, inventory, list, problems, err) < 0)
		return -1;
	for (i = 0; i < inventory->volumes.n; i++) {
		const struct volume *v = &inventory->volumes.v[i];

		if (!label_is(&v->labels, "false") &&
		    !left_out_by_container(v, inventory) &&
		    add_volume(v, inventory, list, err) < 0)
			return -1;
	}
	return 0;
}

static int
add_named(const char *name, const struct inventory *inventory,
    struct source_list *list, struct strlist *problems, struct err *err)
{
	const struct volume *volume = inventory_volume(inventory, name);

	if (inventory->engine == NULL)
		return strlist_addf(problems, err, "backup.volumes: there is "
		    "no Docker Engine to look for volume '%s'", name);
	if (volume == NULL)
		return strlist_addf(problems, err, "backup.volumes: there is "
		    "no volume '%s'", name);
	if (label_is(&volume->labels, "false"))
		return strlist_addf(problems, err, "backup.volumes: names "
		    "volume '%s', whose label %s is false", name,
		    LABEL_ENABLE);
	return add_volume(volume, inventory, list, err);
}

static int
add_volumes(const struct options *o, const struct inventory *inventory,
    struct source_list *list, struct strlist *problems, struct err *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < o->volumes.n; i++) {
		const char *word = o->volumes.v[i];

		if (strcmp(word, "none") == 0) {
			if (o->volumes.n != 1)
				rc = strlist_addf(problems, err,
				    "backup.volumes: 'none' stands beside "
				    "others");
		} else if (strcmp(word, "labelled") == 0) {
			rc = add_labelled(o, inventory, list, problems, err);
		} else if (strcmp(word, "all") == 0) {
			rc = inventory->engine != NULL ?
			    add_all(o, inventory, list, problems, err) :
			    strlist_addf(problems, err, "backup.volumes is "
			    "'all', but there is no Docker Engine");
		} else {
			rc = add_named(word, inventory, list, problems, err);
		}
	}
	return rc;
}

static int
add_configured(const char *path, struct source_list *list,
    struct strlist *problems, struct err *err)
{
	struct stat st;

	if (*path != '/')
		return strlist_addf(problems, err, "backup.sources: '%s' is "
		    "not an absolute path", path);
	if (stat(path, &st) < 0)
		return strlist_addf(problems, err, "backup.sources: '%s': %s",
		    path, strerror(errno));
	return add_directory(path, NULL, list, err);
}

static int
add_directories(const struct options *o, struct source_list *list,
    struct strlist *problems, struct err *err)
{
	size_t i;

	for (i = 0; i < o->sources.n; i++)
		if (add_configured(o->sources.v[i], list, problems, err) < 0)
			return -1;
	if (o->sources.n == 0 && !options_is_set(o, OPTION_ID_volumes) &&
	    file_is_dir("/backup"))
		return add_directory("/backup", NULL, list, err);
	return 0;
}

int
select_sources(const struct options *options,
    const struct inventory *inventory, struct source_list *ret,
    struct strlist *problems, struct err *err)
{
	if (add_volumes(options, inventory, ret, problems, err) < 0)
		return -1;
	return add_directories(options, ret, problems, err);
}

/* --- who uses what ------------------------------------------------------- */

bool
select_uses(const struct mount *mounts, size_t n, const struct source *source)
{
	CLEANUP(cleanup_free) char *real = realpath(source->path, NULL);
	const char *path = real != NULL ? real : source->path;
	size_t i;

	for (i = 0; i < n; i++) {
		const struct mount *mount = &mounts[i];

		if (source->type == SOURCE_VOLUME &&
		    strcmp(mount->name, source->name) == 0)
			return true;
		if (*mount->source == '/' &&
		    (file_is_in(mount->source, path) || file_is_in(path, mount->source)))
			return true;
	}
	return false;
}
