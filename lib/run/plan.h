/*
 * plan: from options, labels and what there is, to jobs. Touches nothing.
 *
 *     plan_make, look at problems, run the jobs, plan_free
 *
 * Everything that can be known to be wrong before anything is stopped is a
 * problem here (exit 2): no selection, a source that is missing, an unknown
 * volume, labels that contradict each other, no store, two jobs that would
 * give the same archive, a pattern that does not compile.
 *
 * Which container or service is brought to rest for which job: one labelled
 * with the job's stop value, if it uses one of the job's sources (mounts the
 * volume, or a directory in or around it), or if it uses no source of any job:
 * then it was labelled for somebody else's sake, and rests for the jobs with
 * sources of its Compose project or stack, or for all where there is none.
 * The same holds for whose lifecycle commands are run for which job.
 *
 * What is read in a window: the sources that those use who rest in it. If one
 * of them uses none of the job's sources, all of them. There is one window, or
 * one for each group that hangs together by the sources they use.
 */
#ifndef LIB_RUN_PLAN_H
#define LIB_RUN_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/config/config.h"
#include "lib/docker/lifecycle.h"
#include "lib/docker/quiesce.h"
#include "lib/run/inventory.h"
#include "lib/store/retain.h"
#include "lib/run/store_plan.h"
#include "lib/stream/compress.h"
#include "lib/stream/seal.h"

enum source_type { SOURCE_DIRECTORY, SOURCE_VOLUME };

struct source {
	enum source_type type;
	char *name;		/* a volume's; NULL for a directory */
	char *path;		/* absolute: what is read */
	char *member;		/* its root in the archive, relative */
	char *shown;		/* its root for patterns and messages */
	char *project;		/* Compose project it belongs to, or NULL */
	const struct volume *volume;	/* in the inventory, or NULL */
	bool quiesced;		/* is read in a window */
	bool through_engine;	/* see reach.h */
	const struct container *through;	/* in the inventory; NULL: a
						 * helper container */
};

struct source_list {
	struct source *v;
	size_t n;
};

#define SOURCE_LIST_INIT { NULL, 0 }

struct job_window {
	struct quiesce_target *targets;	/* their containers and services are in
					 * the inventory */
	size_t n_targets;
	size_t n_sources;		/* read in it; may be 0 */
};

struct job {
	char *name;
	const struct options *options;	/* in the configuration */
	struct source_list sources;	/* those of each window first */
	struct job_window *windows;
	size_t n_windows;
	char *helper_image;	/* for volumes that no container has; NULL */
	struct lifecycle lifecycle;	/* commands in containers */
	enum compression compression;
	char *pattern;		/* that archive_name was made from, by time */
	char *archive_name;
	bool name_has_time;	/* then it is never replaced */
	struct store_plan_list stores;
	struct seal *seal;	/* NULL: not encrypted */
	char *latest;		/* name of the symlink, or NULL */
	struct retain_policy retain;
	char *prune_prefix;	/* of the names to prune, or NULL: pattern */
};

struct plan {
	struct job *jobs;
	size_t n_jobs;
};

/*
 * plan_make: all jobs of a run.
 *
 * Takes    config and inventory, borrowed until plan_free; now: the time that
 *          names are made from; problems and warnings are appended to
 * Gives    *ret, also when there are problems
 * Fails    ERR_NOMEM only
 */
MUST_CHECK int plan_make(const struct config *config,
    const struct inventory *inventory, time_t now, struct plan *ret,
    struct strlist *problems, struct strlist *warnings, struct err *err);
void plan_free(struct plan *plan);	/* for CLEANUP */

/* plan_base_is_job: do the plain settings make a job? Jobs of their own do
 * without it, unless these name something to back up. */
bool plan_base_is_job(const struct config *config);

/* plan_find: the job of that name, or NULL. */
struct job *plan_find(const struct plan *plan, const char *name);

/* plan_narrow: keep only the named jobs; an unknown name is a problem. */
MUST_CHECK int plan_narrow(struct plan *plan, const struct strlist *names,
    struct strlist *problems, struct err *err);

/* plan_text: what --dry-run prints; caller frees. */
MUST_CHECK int plan_text(const struct plan *plan, char **ret,
    struct err *err);

#endif
