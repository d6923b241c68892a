#define _GNU_SOURCE
#include "lib/run/naming.h"

#include <stdlib.h>
#include <string.h>

#include "lib/config/problems.h"
#include "lib/store/name.h"

struct naming {
	time_t now;
	struct strlist *warnings;
};

static const char *
environment(const char *variable)
{
	return getenv(variable);
}

static int
expand(const struct options *o, const char *text, char **ret,
    struct err *err)
{
	if (o->filename_expand)
		return name_expand(text, environment, ret, err);
	return str_dup(text, ret, err);
}

/* Which compression, and the warnings that go with it. */
static int
choose_compression(struct naming *n, struct job *job, const char *filename,
    const char **ret_extension, struct err *err)
{
	static const struct {
		const char *word;
		enum compression kind;
		const char *extension;
	} kinds[] = {
		[COMPRESS_GZ] = { "gz", COMPRESSION_GZIP, "tar.gz" },
		[COMPRESS_ZST] = { "zst", COMPRESSION_ZSTD, "tar.zst" },
		[COMPRESS_NONE] = { "none", COMPRESSION_NONE, "tar" },
	};
	const char *said = name_suffix_compression(filename);
	int chosen = job->options->compression, i;

	for (i = COMPRESS_GZ; said != NULL && i <= COMPRESS_NONE; i++)
		if (chosen == COMPRESS_AUTO &&
		    strcmp(said, kinds[i].word) == 0)
			chosen = i;
	if (chosen == COMPRESS_AUTO)
		chosen = COMPRESS_GZ;
	job->compression = kinds[chosen].kind;
	*ret_extension = kinds[chosen].extension;
	if (said != NULL && strcmp(said, kinds[chosen].word) != 0)
		return strlist_addf(n->warnings, err, "%s: filename "
		    "'%s' says %s, but backup.compression is %s, which wins",
		    job->name, filename, said, kinds[chosen].word);
	return 0;
}

/* Only the part behind the last slash counts, as it always did. */
static int
cut_to_base(struct naming *n, const struct job *job, char *pattern,
    struct err *err)
{
	const char *slash = strrchr(pattern, '/');

	if (slash == NULL)
		return 0;
	memmove(pattern, slash + 1, strlen(slash + 1) + 1);
	return strlist_addf(n->warnings, err, "%s: filename is cut to "
	    "'%s', what is behind its last slash", job->name, pattern);
}

/* What comes out of gpg says so. */
static int
add_suffix(struct job *job, struct err *err)
{
	CLEANUP(cleanup_free) char *plain = job->archive_name;

	job->archive_name = NULL;
	return str_format(&job->archive_name, err, "%s%s", plain,
	    NAME_SEALED_SUFFIX);
}

static int
make_name(struct naming *n, struct job *job, struct err *err)
{
	CLEANUP(cleanup_free) char *expanded = NULL;
	struct name_values values = { .job = job->name };

	if (expand(job->options, job->options->filename, &expanded, err) < 0 ||
	    choose_compression(n, job, expanded, &values.extension, err) < 0 ||
	    name_template(expanded, &values, &job->pattern, err) < 0 ||
	    cut_to_base(n, job, job->pattern, err) < 0 ||
	    name_format(job->pattern, n->now, &job->archive_name, err) < 0)
		return -1;
	job->name_has_time = name_has_time(job->pattern);
	if (job->seal != NULL)
		return add_suffix(job, err);
	return 0;
}

static int
make_latest(struct job *job, struct err *err)
{
	const struct options *o = job->options;

	if (o->latest_symlink == NULL)
		return 0;
	if (expand(o, o->latest_symlink, &job->latest, err) < 0)
		return -1;
	if (*job->latest == '\0' || strchr(job->latest, '/') != NULL ||
	    *job->latest == '.')
		return err_set(err, ERR_CONFIG, "backup.latest_symlink: '%s' "
		    "is not a plain file name", job->latest);
	return 0;
}

static int
make_prune_prefix(struct job *job, struct err *err)
{
	const struct options *o = job->options;

	if (o->retention_prefix == NULL)
		return 0;
	if (expand(o, o->retention_prefix, &job->prune_prefix, err) < 0)
		return -1;
	/* Else nothing would ever be pruned, and nobody would know. */
	if (*job->prune_prefix == '\0' ||
	    strchr(job->prune_prefix, '/') != NULL)
		return err_set(err, ERR_CONFIG, "retention.prefix: '%s' is "
		    "not what the name of a file can begin with",
		    job->prune_prefix);
	return 0;
}

int
naming_choose(struct job *job, time_t now, struct strlist *problems,
    struct strlist *warnings, struct err *err)
{
	struct naming naming = { now, warnings };

	if (make_name(&naming, job, err) < 0 &&
	    problems_absorb(problems, job->name, NULL, err) < 0)
		return -1;
	if (make_latest(job, err) < 0 &&
	    problems_absorb(problems, job->name, NULL, err) < 0)
		return -1;
	if (make_prune_prefix(job, err) < 0)
		return problems_absorb(problems, job->name, NULL, err);
	return 0;
}
