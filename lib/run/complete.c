#include "lib/run/complete.h"

#include <stdlib.h>
#include <string.h>

#include "lib/docker/engine.h"
#include "lib/run/inventory.h"
#include "lib/run/plan.h"
#include "lib/run/store_plan.h"

static int
add_new(struct strlist *to, const char *name, struct err *err)
{
	return strlist_has(to, name) ? 0 : strlist_add(to, name, err);
}

int
complete_jobs(const struct config *config, struct strlist *to,
    struct err *err)
{
	size_t i;

	if (plan_base_is_job(config) &&
	    add_new(to, CONFIG_BASE_JOB, err) < 0)
		return -1;
	for (i = 0; i < config->n_jobs; i++)
		if (add_new(to, config->jobs[i].name, err) < 0)
			return -1;
	return 0;
}

static int
add_stores_of(const struct config *config, const struct options *options,
    struct strlist *to, struct err *err)
{
	CLEANUP(store_plan_list_free) struct store_plan_list plans =
	    STORE_PLAN_LIST_INIT;
	CLEANUP(strlist_free) struct strlist ignored = STRLIST_INIT;
	size_t i;

	if (store_plan_reading(config, options, CONFIG_BASE_JOB, &plans,
	    &ignored, err) < 0)
		return -1;
	for (i = 0; i < plans.n; i++)
		if (add_new(to, plans.v[i].name, err) < 0)
			return -1;
	return 0;
}

int
complete_stores(const struct config *config, struct strlist *to,
    struct err *err)
{
	size_t i;

	if (plan_base_is_job(config) &&
	    add_stores_of(config, &config->base, to, err) < 0)
		return -1;
	for (i = 0; i < config->n_jobs; i++)
		if (add_stores_of(config, &config->jobs[i].options, to,
		    err) < 0)
			return -1;
	return 0;
}

int
complete_archives(const struct config *config,
    const struct catalogue_filter *filter, struct strlist *to,
    struct err *err)
{
	CLEANUP(catalogue_free) struct catalogue catalogue = CATALOGUE_INIT;
	size_t i;

	if (catalogue_open(config, filter, &catalogue, err) < 0)
		return -1;
	for (i = 0; i < catalogue.n; i++)
		if (add_new(to, catalogue.entries[i].name, err) < 0)
			return -1;
	return 0;
}

static bool
forget_bucket(struct options *options)
{
	bool had = options->s3_bucket != NULL;

	free(options->s3_bucket);
	options->s3_bucket = NULL;
	return had;
}

bool
complete_forget_servers(struct config *config)
{
	bool any = forget_bucket(&config->base);
	size_t i, before = config->n_stores;

	for (i = 0; i < config->n_jobs; i++)
		any |= forget_bucket(&config->jobs[i].options);
	config_drop_stores(config, "s3");
	return any || config->n_stores != before;
}

/* *ret: NULL where the settings say that there is none. */
static int
open_engine(const struct config *config, struct engine **ret, struct err *err)
{
	struct engine_settings settings = inventory_docker(&config->base);

	*ret = NULL;
	if (settings.host != NULL && strcmp(settings.host, "none") == 0)
		return 0;
	return engine_open(&settings, ret, err);
}

int
complete_volumes(const struct config *config, struct strlist *to,
    struct err *err)
{
	CLEANUP(engine_freep) struct engine *engine = NULL;
	CLEANUP(volume_list_free) struct volume_list volumes =
	    VOLUME_LIST_INIT;
	size_t i;

	if (open_engine(config, &engine, err) < 0 ||
	    (engine != NULL && engine_volumes(engine, &volumes, err) < 0))
		return -1;
	for (i = 0; i < volumes.n; i++)
		if (add_new(to, volumes.v[i].name, err) < 0)
			return -1;
	return 0;
}

int
complete_containers(const struct config *config, struct strlist *to,
    struct err *err)
{
	CLEANUP(engine_freep) struct engine *engine = NULL;
	CLEANUP(container_list_free) struct container_list containers =
	    CONTAINER_LIST_INIT;
	size_t i;

	if (open_engine(config, &engine, err) < 0 || (engine != NULL &&
	    engine_containers(engine, &containers, err) < 0))
		return -1;
	for (i = 0; i < containers.n; i++)
		if (add_new(to, containers.v[i].name, err) < 0)
			return -1;
	return 0;
}
