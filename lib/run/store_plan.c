#define _GNU_SOURCE
#include "lib/run/store_plan.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/file.h"
#include "lib/config/problems.h"

#define DEFAULT_DIRECTORY "/archive"
#define NS_PER_S 1e9
#define MIB ((uint64_t)1 << 20)

/* What store_plan_choose is at work on. */
struct choosing {
	const char *job;
	bool only_read;
	struct store_plan_list list;
	struct strlist *problems;
};

static void
store_plan_free(struct store_plan *plan)
{
	free(plan->name);
	free(plan->place);
}

void
store_plan_list_free(struct store_plan_list *list)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		store_plan_free(&list->v[i]);
	free(list->v);
	*list = (struct store_plan_list)STORE_PLAN_LIST_INIT;
}

static int
open_local(const struct store_plan *plan, struct store **ret, struct err *err)
{
	struct store_local_settings settings = {
		.path = plan->place,
		.owner = plan->only_read ? NULL : plan->options->archive_owner,
		.mode = (unsigned)plan->options->archive_mode,
	};

	return store_local_new(&settings, ret, err);
}

static int
open_s3(const struct store_plan *plan, struct store **ret, struct err *err)
{
	static const enum s3_style styles[] = { S3_STYLE_AUTO, S3_STYLE_PATH,
		S3_STYLE_VIRTUAL };	/* as in options.def */
	const struct options *o = plan->options;
	struct store_s3_settings settings = {
		.bucket = o->s3_bucket,
		.path = o->s3_path,
		.endpoint = o->s3_endpoint,
		.proto = o->s3_proto == 0 ? "https" : "http",
		.insecure = o->s3_insecure,
		.ca_cert = o->s3_ca_cert,
		.region = o->s3_region,
		.style = styles[o->s3_style],
		.access_key = o->s3_access_key_id,
		.secret_key = o->s3_secret_access_key,
		.session_token = o->s3_session_token,
		.role_endpoint = o->s3_role_endpoint,
		.storage_class = o->s3_storage_class,
		.encryption = o->s3_encryption,
		.encryption_key = o->s3_encryption_key,
		.metadata = &o->s3_metadata,
		.part_bytes = (uint64_t)o->s3_part_mib * MIB,
		.parallel = (unsigned)o->s3_parallel,
		.rate_bytes_s = (uint64_t)o->s3_rate_limit,
		.retry_s = (double)o->s3_retry_ns / NS_PER_S,
	};

	if (plan->only_read && !plan->patient &&
	    settings.retry_s > STORE_PLAN_READ_RETRY_S)
		settings.retry_s = STORE_PLAN_READ_RETRY_S;
	return store_s3_new(&settings, ret, err);
}

int
store_plan_open(const struct store_plan *plan, struct store **ret,
    struct err *err)
{
	return plan->kind == STORE_KIND_LOCAL ? open_local(plan, ret, err) :
	    open_s3(plan, ret, err);
}

/* docker-volume-backup's names of its backends: those that we lack may stand
 * in the list and mean nothing. */
static bool
is_skipped(const struct options *o, enum store_kind kind)
{
	const char *word = kind == STORE_KIND_LOCAL ? "local" : "s3";
	size_t i;

	for (i = 0; i < o->retention_skip.n; i++)
		if (strcasecmp(o->retention_skip.v[i], word) == 0)
			return true;
	return false;
}

static int
append(struct choosing *c, struct store_plan *plan, struct err *err)
{
	struct store_plan *bigger = realloc(c->list.v,
	    (c->list.n + 1) * sizeof *bigger);

	if (bigger == NULL) {
		store_plan_free(plan);
		return err_nomem(err);
	}
	c->list.v = bigger;
	c->list.v[c->list.n++] = *plan;
	return 0;
}

static int
try(struct choosing *c, const struct store_plan *plan, struct err *err)
{
	CLEANUP(store_freep) struct store *store = NULL;
	size_t i;

	for (i = 0; i < c->list.n; i++)
		if (strcmp(c->list.v[i].place, plan->place) == 0)
			return strlist_addf(c->problems, err, "%s: stores "
			    "'%s' and '%s' are the same place '%s'", c->job,
			    c->list.v[i].name, plan->name, plan->place);
	/* Whether a directory is there does not depend on settings. */
	if ((plan->only_read && plan->kind == STORE_KIND_LOCAL) ||
	    store_plan_open(plan, &store, err) == 0)
		return 0;
	return problems_absorb(c->problems, c->job, plan->name, err);
}

static int
add(struct choosing *c, struct store_plan *plan, const char *name,
    struct err *err)
{
	plan->only_read = c->only_read;
	if (str_dup(name, &plan->name, err) < 0 || try(c, plan, err) < 0) {
		store_plan_free(plan);
		return -1;
	}
	return append(c, plan, err);
}

static int
add_local(struct choosing *c, const struct options *o, const char *name,
    const char *path, struct err *err)
{
	struct store_plan plan = { .kind = STORE_KIND_LOCAL, .options = o,
		.prune = o->archive_prune && !is_skipped(o, STORE_KIND_LOCAL)
	};

	if (*path != '/')
		return strlist_addf(c->problems, err, "%s: archive.path: '%s' "
		    "is not an absolute path", c->job, path);
	if (!c->only_read && !file_is_dir(path))
		return strlist_addf(c->problems, err, "%s: archive.path: '%s' "
		    "is not a directory", c->job, path);
	/* As the file system calls it: no two names for one place. */
	plan.place = realpath(path, NULL);
	if (plan.place == NULL && c->only_read)
		plan.place = strdup(path);
	if (plan.place == NULL)
		return err_nomem(err);
	return add(c, &plan, name, err);
}

static int
add_s3(struct choosing *c, const struct options *o, const char *name,
    struct err *err)
{
	const char *path = o->s3_path != NULL ? o->s3_path : "";
	size_t n;
	struct store_plan plan = { .kind = STORE_KIND_S3, .options = o,
		.prune = o->s3_prune && !is_skipped(o, STORE_KIND_S3) };

	path += strspn(path, "/");
	for (n = strlen(path); n != 0 && path[n - 1] == '/';)
		n--;
	if (str_format(&plan.place, err, "s3://%s%s%s%s%.*s",
	    o->s3_endpoint != NULL ? o->s3_endpoint : "",
	    o->s3_endpoint != NULL ? "/" : "", o->s3_bucket,
	    n != 0 ? "/" : "", (int)n, path) < 0)
		return -1;
	return add(c, &plan, name, err);
}

static int
add_plain(struct choosing *c, const struct options *o, struct err *err)
{
	const char *path = o->archive_path;

	if (path == NULL && file_is_dir(DEFAULT_DIRECTORY))
		path = DEFAULT_DIRECTORY;
	if (path != NULL && add_local(c, o, "archive", path, err) < 0)
		return -1;
	if (o->s3_bucket != NULL)
		return add_s3(c, o, "s3", err);
	return 0;
}

static int
add_named(struct choosing *c, const struct config_store *store,
    struct err *err)
{
	if (strcmp(store->kind, "s3") == 0)
		return add_s3(c, &store->options, store->name, err);
	return add_local(c, &store->options, store->name,
	    store->options.archive_path, err);
}

static int
choose(const struct config *config, const struct options *options,
    struct choosing *c, struct store_plan_list *ret, struct err *err)
{
	size_t before = c->problems->n, i;
	int rc = add_plain(c, options, err);

	for (i = 0; rc == 0 && i < config->n_stores; i++)
		rc = add_named(c, &config->stores[i], err);
	if (rc == 0 && c->list.n == 0 && c->problems->n == before)
		rc = strlist_addf(c->problems, err, "%s: there is no store "
		    "(set archive.path or s3.bucket, or make the directory "
		    DEFAULT_DIRECTORY ")", c->job);
	if (rc < 0)
		store_plan_list_free(&c->list);
	else
		*ret = c->list;
	return rc;
}

int
store_plan_choose(const struct config *config, const struct options *options,
    const char *job, struct store_plan_list *ret, struct strlist *problems,
    struct err *err)
{
	struct choosing c = { .job = job, .list = STORE_PLAN_LIST_INIT,
		.problems = problems };

	return choose(config, options, &c, ret, err);
}

int
store_plan_reading(const struct config *config, const struct options *options,
    const char *job, struct store_plan_list *ret, struct strlist *problems,
    struct err *err)
{
	struct choosing c = { .job = job, .only_read = true,
		.list = STORE_PLAN_LIST_INIT, .problems = problems };

	return choose(config, options, &c, ret, err);
}
