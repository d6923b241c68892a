#include "lib/config/stores.h"

#include <stdlib.h>
#include <string.h>

/* --- places -------------------------------------------------------------- */

static bool
is_archive(const char *kind)
{
	return strcmp(kind, "archive") == 0;
}

/* Does it say where it is? */
static bool
has_place(const char *kind, const struct options *options)
{
	return is_archive(kind) ? options->archive_path != NULL :
	    options->s3_bucket != NULL;
}

/* Cuts slashes, which do not count, off both ends. */
static const char *
cut_slashes(const char *text, size_t *ret_n)
{
	size_t n;

	text += strspn(text, "/");
	n = strlen(text);
	while (n != 0 && text[n - 1] == '/')
		n--;
	*ret_n = n;
	return text;
}

static bool
is_same_text(const char *a, const char *b)
{
	size_t n, m;

	a = cut_slashes(a != NULL ? a : "", &n);
	b = cut_slashes(b != NULL ? b : "", &m);
	return n == m && strncmp(a, b, n) == 0;
}

/* One server may have two names: that cannot be seen here. */
static bool
is_same_place(const char *kind, const struct options *a,
    const struct options *b)
{
	if (!has_place(kind, a) || !has_place(kind, b))
		return false;
	if (is_archive(kind))
		return is_same_text(a->archive_path, b->archive_path);
	return is_same_text(a->s3_bucket, b->s3_bucket) &&
	    is_same_text(a->s3_path, b->s3_path) &&
	    is_same_text(a->s3_endpoint, b->s3_endpoint);
}

/* --- stores -------------------------------------------------------------- */

/* What sets a store of this kind apart from others. */
static const char *
place_keys(const char *kind)
{
	return is_archive(kind) ? "path" : "bucket, path or endpoint";
}

static int
check_place(struct config *config, const struct config_store *store,
    struct err *err)
{
	const struct config_store *twin;
	const char *kind = store->kind;

	if (!has_place(kind, &store->options))
		return strlist_addf(&config->problems, err, "%s: [%s %s] has "
		    "no %s", store->where, kind, store->name,
		    is_archive(kind) ? "path" : "bucket");
	if (is_same_place(kind, &store->options, &config->base))
		return strlist_addf(&config->problems, err, "%s: [%s %s] is "
		    "in the same place as [%s] (it needs a %s of its own)",
		    store->where, kind, store->name, kind, place_keys(kind));
	for (twin = config->stores; twin != store; twin++)
		if (strcmp(twin->kind, kind) == 0 &&
		    is_same_place(kind, &store->options, &twin->options))
			return strlist_addf(&config->problems, err, "%s: "
			    "[%s %s] is in the same place as [%s %s] (it "
			    "needs a %s of its own)", store->where, kind,
			    store->name, kind, twin->name, place_keys(kind));
	return 0;
}

/* A directory is never taken over from the plain section. A bucket is: another
 * path or endpoint makes another place of it, and check_place sees to it. */
static int
copy_base(const struct config *config, const char *kind, struct options *ret,
    struct err *err)
{
	if (options_copy(&config->base, ret, err) < 0)
		return -1;
	return !is_archive(kind) ? 0 : options_set(ret,
	    OPTION_ID_archive_path, "", ORIGIN_DEFAULT, NULL, err);
}

static int
make_store(struct config *config, const struct load_part *from,
    struct config_store *ret, struct err *err)
{
	size_t n_problems = config->problems.n;

	ret->kind = from->kind;
	if (str_dup(from->name, &ret->name, err) < 0 ||
	    str_dup(from->where, &ret->where, err) < 0 ||
	    copy_base(config, from->kind, &ret->options, err) < 0 ||
	    layer_apply(&from->layer, !config->no_commands, &ret->options,
	    &config->problems,
	    err) < 0)
		return -1;
	/* A key that could not be read may have been its place. */
	return config->problems.n != n_problems ? 0 :
	    check_place(config, ret, err);
}

int
stores_make(struct config *config, const struct load_parts *parts,
    struct err *err)
{
	const struct load_part *from;
	size_t n = 0;

	for (from = parts->first; from != NULL; from = from->next)
		n++;
	if (n == 0)
		return 0;
	config->stores = calloc(n, sizeof *config->stores);
	if (config->stores == NULL)
		return err_nomem(err);
	/* Counted before it is made, so that config_free frees a half one. */
	for (from = parts->first; from != NULL; from = from->next)
		if (make_store(config, from,
		    &config->stores[config->n_stores++], err) < 0)
			return -1;
	return 0;
}
