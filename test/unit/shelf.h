/*
 * shelf: a catalogue by hand: stores without a place, jobs without a
 * configuration.
 *
 *     struct shelf shelf = { .store_name = { "archive", "s3" }, ... };
 *     shelf_new(&shelf); catalogue_take(&shelf.catalogue, ...); shelf_free
 */
#ifndef TEST_UNIT_SHELF_H
#define TEST_UNIT_SHELF_H

#include <stdlib.h>
#include <string.h>

#include "lib/run/catalogue.h"
#include "lib/store/name.h"

#define SHELF_STORES 2
#define SHELF_JOBS 2

struct shelf {
	struct catalogue catalogue;
	struct store_plan plans[SHELF_STORES];
};

/* Two jobs, db and web, named NAME-%Y-%m-%dT%H-%M-%S, in two stores. */
static inline void
shelf_new(struct shelf *shelf)
{
	static const char *const jobs[SHELF_JOBS] = { "db", "web" };
	static char *const names[SHELF_STORES] = { "archive", "s3" };
	static char *const places[SHELF_STORES] = { "/a", "s3://b" };
	struct catalogue *c = &shelf->catalogue;
	size_t i, k;

	*c = (struct catalogue)CATALOGUE_INIT;
	c->jobs = calloc(SHELF_JOBS, sizeof *c->jobs);
	c->stores = calloc(SHELF_STORES, sizeof *c->stores);
	if (c->jobs == NULL || c->stores == NULL)
		abort();
	for (i = 0; i < SHELF_JOBS; i++) {
		struct err err = ERR_INIT;
		struct catalogue_job *job = &c->jobs[c->n_jobs++];

		job->name = strdup(jobs[i]);
		job->tells_day = true;
		if (str_format(&job->pattern, &err, "%s-%%Y-%%m-%%dT%%H-%%M-"
		    "%%S.tar.gz", jobs[i]) < 0)
			abort();
	}
	for (i = 0; i < SHELF_STORES; i++) {
		struct catalogue_store *store = &c->stores[c->n_stores++];

		shelf->plans[i] = (struct store_plan){ .name = names[i],
			.place = places[i] };
		store->plan = &shelf->plans[i];
		store->jobs = calloc(SHELF_JOBS, sizeof *store->jobs);
		if (store->jobs == NULL)
			abort();
		for (k = 0; k < SHELF_JOBS; k++)
			store->jobs[store->n_jobs++] = k;
	}
}

/* A file of so many bytes, stored at that time. */
static inline int
shelf_put(struct shelf *shelf, size_t store, const char *name,
    uint64_t bytes, time_t modified)
{
	char copy[256];
	struct store_entry entry = { copy, bytes, modified };
	struct store_list list = { &entry, 1 };
	struct err err = ERR_INIT;
	int rc;

	if (strlen(name) >= sizeof copy)
		abort();
	memcpy(copy, name, strlen(name) + 1);
	rc = catalogue_take(&shelf->catalogue, store, &list, &err);
	catalogue_sort(&shelf->catalogue);
	return rc;
}

#endif
