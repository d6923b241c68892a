/*
 * store_plan: which stores a job has.
 *
 * The plain ones, [archive] with a path (or /archive where that directory
 * exists) and [s3] with a bucket, from the job's own options; and beside them
 * every named one, [archive NAME] and [s3 NAME].
 */
#ifndef LIB_RUN_STORE_PLAN_H
#define LIB_RUN_STORE_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/config/config.h"
#include "lib/store/store.h"

enum store_kind { STORE_KIND_LOCAL, STORE_KIND_S3 };

struct store_plan {
	enum store_kind kind;
	char *name;		/* "archive", "s3", or that of its section */
	char *place;		/* "/archive", "s3://bucket/path": no two of a
				 * job are the same */
	const struct options *options;	/* in the configuration */
	bool prune;
	bool only_read;		/* see store_plan_reading */
	bool patient;		/* nevertheless it tries again as long as the
				 * settings say */
};

struct store_plan_list {
	struct store_plan *v;
	size_t n;
};

#define STORE_PLAN_LIST_INIT { NULL, 0 }

/*
 * store_plan_choose: all stores of a job; opens each for a trial, which asks
 * nobody, so that what is wrong with its settings is known.
 *
 * Takes    config and options (of the job), borrowed as long as the list
 * Gives    *ret; what is wrong is appended to problems, with job before it
 * Fails    ERR_NOMEM only
 */
MUST_CHECK int store_plan_choose(const struct config *config,
    const struct options *options, const char *job,
    struct store_plan_list *ret, struct strlist *problems, struct err *err);

/* Nobody who only looks waits longer than this for a server. */
#define STORE_PLAN_READ_RETRY_S 10.0

/* store_plan_reading: the same stores for somebody who reads what is in them
 * and writes nothing. A directory that is not there is no problem: it is in the
 * list, and opening it fails. Opened, they do not ask who owns new files, a name
 * that another host may not know, and try again for STORE_PLAN_READ_RETRY_S at
 * most. */
MUST_CHECK int store_plan_reading(const struct config *config,
    const struct options *options, const char *job,
    struct store_plan_list *ret, struct strlist *problems, struct err *err);
void store_plan_list_free(struct store_plan_list *list);

/* store_plan_open: the store itself. */
MUST_CHECK int store_plan_open(const struct store_plan *plan,
    struct store **ret, struct err *err);

#endif
