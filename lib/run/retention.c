#include "lib/run/retention.h"

#include <stdbool.h>
#include <strings.h>

#include "lib/config/problems.h"

#define NS_PER_S 1000000000

/* docker-volume-backup knows them all: a setting that came from there may name
 * one that is not here, and then skips nothing. */
static bool
is_kind(const char *word)
{
	static const char *const kinds[] = { "s3", "local", "webdav", "ssh",
		"azure", "dropbox", "googledrive" };
	size_t i;

	for (i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (strcasecmp(word, kinds[i]) == 0)
			return true;
	return false;
}

static int
check_skip(const struct job *job, struct strlist *problems, struct err *err)
{
	const struct strlist *skip = &job->options->retention_skip;
	size_t i;

	for (i = 0; i < skip->n; i++)
		if (!is_kind(skip->v[i]) &&
		    strlist_addf(problems, err, "%s: retention.skip: '%s' is "
		    "not a kind of store (there are s3 and local)", job->name,
		    skip->v[i]) < 0)
			return -1;
	return 0;
}

int
retention_choose(struct job *job, struct strlist *problems, struct err *err)
{
	const struct options *o = job->options;

	job->retain = (struct retain_policy){
		.days = o->retention_days < 0 ? -1 : o->retention_days,
		.leeway_s = o->retention_leeway_ns / NS_PER_S,
		.min_keep = o->retention_min_keep,
	};
	if (retain_parse_keep(&o->retention_keep, &job->retain, err) < 0 &&
	    problems_absorb(problems, job->name, "retention.keep", err) < 0)
		return -1;
	return check_skip(job, problems, err);
}
