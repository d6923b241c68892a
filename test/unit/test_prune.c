/* prune against a real directory; naming and retention: what it is told. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <sys/mount.h>

#include "lib/base/log.h"
#include "lib/run/naming.h"
#include "lib/run/prune.h"
#include "lib/run/retention.h"
#include "test/unit/scratch.h"

#define META ".metadata.json"

static struct scratch scratch;
static time_t now;	/* 2026-11-20 03:00 in UTC */

static int
make_scratch(void **state)
{
	(void)state;
	assert_int_equal(setenv("TZ", "UTC", 1), 0);
	tzset();
	now = 1795143600;
	scratch_new(&scratch);
	return 0;
}

static int
remove_scratch(void **state)
{
	(void)state;
	scratch_free(&scratch);
	return 0;
}

static void
touch(const char *name, time_t modified)
{
	const struct timespec times[2] = { { modified, 0 }, { modified, 0 } };

	scratch_write(&scratch, name, "x", 1);
	assert_int_equal(utimensat(AT_FDCWD, scratch_path(&scratch, name),
	    times, 0), 0);
}

/* Names separated by blanks, all of today. */
static void
touch_all(const char *names)
{
	CLEANUP(cleanup_free) char *copy = strdup(names);
	char *rest = copy, *word;

	while ((word = strsep(&rest, " ")) != NULL)
		touch(word, now);
}

static void
assert_there(const char *names, bool there)
{
	CLEANUP(cleanup_free) char *copy = strdup(names);
	char *rest = copy, *word;

	while ((word = strsep(&rest, " ")) != NULL)
		if (scratch_has(&scratch, word) != there)
			fail_msg("'%s' %s", word,
			    there ? "is gone" : "is there");
}

static struct store *
open_store(void)
{
	struct store_local_settings settings = { scratch.dir, NULL, 0600 };
	struct err err = ERR_INIT;
	struct store *store = NULL;

	assert_int_equal(store_local_new(&settings, &store, &err), 0);
	return store;
}

static struct job
job_with(const char *pattern, int64_t days)
{
	return (struct job){ .pattern = (char *)(uintptr_t)pattern,
		.retain = { .days = days, .min_keep = 1 } };
}

static void
prune(const struct job *job, const char *protected, bool dry_run,
    struct prune_result *ret)
{
	CLEANUP(store_freep) struct store *store = open_store();
	struct err err = ERR_INIT;

	prune_result_free(ret);
	if (prune_store(job, store, protected, now, dry_run, ret, &err) < 0)
		fail_msg("%s", err.msg);
}

static void
old_archives_go_with_their_metadata(void **state)
{
	CLEANUP(prune_result_free) struct prune_result result =
	    PRUNE_RESULT_INIT;
	struct job job = job_with("app-%F.tar.gz", 7);

	(void)state;
	touch_all("app-2026-11-20.tar.gz app-2026-11-20.tar.gz" META
	    " app-2026-11-14.tar.zst.gpg app-2026-11-12.tar.gz"
	    " app-2026-11-12.tar.gz" META " app-2026-11-11.tgz.gpg"
	    " app-2026-11-10.tar.gz" META);
	prune(&job, "app-2026-11-20.tar.gz", false, &result);
	assert_int_equal(result.candidates, 4);
	assert_int_equal(result.pruned, 2);
	assert_int_equal(result.names.n, 2);
	assert_string_equal(result.names.v[0], "app-2026-11-11.tgz.gpg");
	assert_string_equal(result.names.v[1], "app-2026-11-12.tar.gz");
	assert_int_equal(result.failed.n, 0);
	assert_false(result.guarded);
	assert_there("app-2026-11-12.tar.gz app-2026-11-12.tar.gz" META
	    " app-2026-11-11.tgz.gpg", false);
	/* Metadata without an archive stays as it is. */
	assert_there("app-2026-11-20.tar.gz app-2026-11-20.tar.gz" META
	    " app-2026-11-14.tar.zst.gpg app-2026-11-10.tar.gz" META, true);
	prune(&job, NULL, false, &result);
	assert_int_equal(result.pruned, 0);
}

static void
what_is_foreign_stays_and_does_not_count(void **state)
{
	static const char foreign[] = "app-web-2020-01-01.tar.gz"
	    " app2-2020-01-01.tar.gz xapp-2020-01-01.tar.gz"
	    " app-2020-01-01.tar.gz.bak app-2020-01-32.tar.gz app-notes.txt"
	    " app-2020-01-01.tar.xz .app-2020-01-01.tar.gz"
	    " app-2020-01-01.sql dir/app-2020-01-01.tar.gz";
	CLEANUP(prune_result_free) struct prune_result result =
	    PRUNE_RESULT_INIT;
	struct job job = job_with("app-%F.tar.gz", 7);

	(void)state;
	job.latest = (char *)(uintptr_t)"app-2020-02-02.tar.gz";
	assert_int_equal(mkdir(scratch_path(&scratch, "dir"), 0755), 0);
	assert_int_equal(mkdir(scratch_path(&scratch,
	    "app-2020-01-03.tar.gz"), 0755), 0);
	touch_all(foreign);
	touch_all("app-2020-01-02.tar.gz app-2026-11-20.tar.gz");
	assert_int_equal(symlink("app-2026-11-20.tar.gz",
	    scratch_path(&scratch, "app-2020-02-02.tar.gz")), 0);
	assert_int_equal(symlink("app-2026-11-20.tar.gz",
	    scratch_path(&scratch, "app-2020-02-03.tar.gz")), 0);
	prune(&job, NULL, false, &result);
	assert_int_equal(result.candidates, 2);
	assert_int_equal(result.pruned, 1);
	assert_there("app-2020-01-02.tar.gz", false);
	assert_there(foreign, true);
	assert_there("app-2026-11-20.tar.gz app-2020-02-02.tar.gz"
	    " app-2020-02-03.tar.gz app-2020-01-03.tar.gz", true);
}

static void
a_prefix_is_taken_literally(void **state)
{
	CLEANUP(prune_result_free) struct prune_result result =
	    PRUNE_RESULT_INIT;
	struct job job = job_with("a[p]*-%F.tar", 7);

	(void)state;
	job.prune_prefix = (char *)(uintptr_t)"a[p]*-";
	/* By the name where it tells, whatever the store says. */
	touch("a[p]*-2026-11-19.tar", 0);
	touch("a[p]*-2026-11-01.tar", now);
	/* By the store otherwise. */
	touch("a[p]*-old.sql", now - 8 * 86400);
	touch("a[p]*-new.sql", now - 6 * 86400);
	touch("a[p]*-old.sql" META, now);
	touch("ap-2020-01-01.tar", 0);
	touch("apx-2020-01-01.tar", 0);
	prune(&job, NULL, false, &result);
	assert_int_equal(result.candidates, 4);
	assert_int_equal(result.pruned, 2);
	assert_there("a[p]*-2026-11-01.tar a[p]*-old.sql a[p]*-old.sql" META,
	    false);
	assert_there("a[p]*-2026-11-19.tar a[p]*-new.sql ap-2020-01-01.tar"
	    " apx-2020-01-01.tar", true);
}

static void
a_prefix_leaves_other_archives_of_the_job_alone(void **state)
{
	CLEANUP(prune_result_free) struct prune_result result =
	    PRUNE_RESULT_INIT;
	struct job job = job_with("app-%F.tar", 7);

	(void)state;
	job.prune_prefix = (char *)(uintptr_t)"app-2026-1";
	touch_all("app-2020-01-01.tar app-2026-10-01.tar app-2026-11-20.tar");
	prune(&job, NULL, false, &result);
	assert_int_equal(result.candidates, 2);
	assert_there("app-2026-10-01.tar", false);
	assert_there("app-2020-01-01.tar app-2026-11-20.tar", true);
}

static void
a_name_that_does_not_tell_the_day_has_the_age_of_its_file(void **state)
{
	CLEANUP(prune_result_free) struct prune_result result =
	    PRUNE_RESULT_INIT;
	struct job job = job_with("app-%a.tar", 3);

	(void)state;
	touch("app-Mon.tar", now - 4 * 86400);
	touch("app-Wed.tar", now - 2 * 86400);
	touch("app-Fri.tar", now);
	prune(&job, "app-Fri.tar", false, &result);
	assert_int_equal(result.candidates, 3);
	assert_there("app-Mon.tar", false);
	assert_there("app-Wed.tar app-Fri.tar", true);
}

static void
the_guard_keeps_everything_and_warns_twice(void **state)
{
	CLEANUP(prune_result_free) struct prune_result result =
	    PRUNE_RESULT_INIT;
	struct log_settings settings = { .level = LOG_LEVEL_INFO };
	struct job job = job_with("app-%F.tar", 7);
	int saved = dup(STDERR_FILENO);
	const char *text, *p;
	size_t lines = 0;

	(void)state;
	touch_all("app-2020-01-01.tar app-2020-01-02.tar foreign");
	log_setup(&settings);
	assert_non_null(freopen(scratch_path(&scratch, ".log"), "w", stderr));
	prune(&job, NULL, false, &result);
	(void)fflush(stderr);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	(void)close(saved);
	assert_true(result.guarded);
	assert_int_equal(result.candidates, 2);
	assert_int_equal(result.pruned, 0);
	assert_there("app-2020-01-01.tar app-2020-01-02.tar", true);
	text = scratch_read(&scratch, ".log");
	for (p = text; (p = strchr(p, '\n')) != NULL; p++)
		lines++;
	assert_int_equal(lines, 2);
	assert_non_null(strstr(text, "no archive is removed"));
}

static void
the_archive_of_this_run_stays(void **state)
{
	CLEANUP(prune_result_free) struct prune_result result =
	    PRUNE_RESULT_INIT;
	struct job job = job_with("app-%F.tar", -1);

	(void)state;
	/* A clock that was wrong once: the newest by name is another one. */
	job.retain.has_keep = true;
	job.retain.last = 1;
	touch_all("app-2030-01-01.tar app-2026-11-20.tar app-2026-11-19.tar");
	prune(&job, "app-2026-11-20.tar", false, &result);
	assert_int_equal(result.candidates, 3);
	assert_int_equal(result.pruned, 1);
	assert_there("app-2026-11-19.tar", false);
	assert_there("app-2030-01-01.tar app-2026-11-20.tar", true);
}

static void
a_dry_run_only_tells(void **state)
{
	CLEANUP(prune_result_free) struct prune_result result =
	    PRUNE_RESULT_INIT;
	struct job job = job_with("app-%F.tar", 7);

	(void)state;
	touch_all("app-2026-11-20.tar app-2020-01-01.tar app-2020-01-01.tar"
	    META);
	prune(&job, NULL, true, &result);
	assert_int_equal(result.candidates, 2);
	assert_int_equal(result.pruned, 0);
	assert_int_equal(result.names.n, 1);
	assert_string_equal(result.names.v[0], "app-2020-01-01.tar");
	assert_there("app-2020-01-01.tar app-2020-01-01.tar" META, true);
}

static void
without_a_policy_nothing_is_even_looked_at(void **state)
{
	CLEANUP(prune_result_free) struct prune_result result =
	    PRUNE_RESULT_INIT;
	CLEANUP(store_freep) struct store *store = open_store();
	struct job job = job_with("app-%F.tar", -1);
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(rmdir(scratch.dir), 0);
	assert_int_equal(prune_store(&job, store, NULL, now, false, &result,
	    &err), 0);
	assert_int_equal(result.candidates, 0);
	job.retain.days = 1;
	assert_int_equal(prune_store(&job, store, NULL, now, false, &result,
	    &err), -1);
	assert_int_equal(err.kind, ERR_NOTFOUND);
}

/* Nothing can be unlinked that something is mounted on. */
static void
what_cannot_be_removed_is_told_and_keeps_its_metadata(void **state)
{
	CLEANUP(prune_result_free) struct prune_result result =
	    PRUNE_RESULT_INIT;
	struct job job = job_with("app-%F.tar", 7);
	char path[600];

	(void)state;
	touch_all("app-2020-01-01.tar app-2020-01-01.tar" META
	    " app-2020-01-02.tar app-2020-01-02.tar" META
	    " app-2026-11-20.tar");
	(void)snprintf(path, sizeof path, "%s", scratch_path(&scratch,
	    "app-2020-01-01.tar"));
	if (geteuid() != 0 || mount(path, path, NULL, MS_BIND, NULL) < 0)
		skip();
	prune(&job, NULL, false, &result);
	assert_int_equal(umount2(path, MNT_DETACH), 0);
	assert_int_equal(result.candidates, 3);
	assert_int_equal(result.pruned, 1);
	assert_int_equal(result.failed.n, 1);
	assert_string_equal(result.failed.v[0],
	    "'app-2020-01-01.tar': Device or resource busy");
	assert_there("app-2020-01-01.tar app-2020-01-01.tar" META, true);
	assert_there("app-2020-01-02.tar app-2020-01-02.tar" META, false);
}

static void
hundreds_are_thinned_out(void **state)
{
	CLEANUP(prune_result_free) struct prune_result result =
	    PRUNE_RESULT_INIT;
	struct job job = job_with("app-%FT%H.tar", -1);
	struct err err = ERR_INIT;
	time_t t;

	(void)state;
	job.retain.has_keep = true;
	job.retain.hourly = 24;
	job.retain.daily = 7;
	for (t = now - 20 * 86400; t <= now; t += 3600) {
		CLEANUP(cleanup_free) char *name = NULL;
		char text[32];
		struct tm tm;

		assert_non_null(gmtime_r(&t, &tm));
		assert_true(strftime(text, sizeof text, "app-%FT%H.tar",
		    &tm) != 0);
		touch(text, now);
		assert_int_equal(str_format(&name, &err, "%s" META, text), 0);
		touch(name, now);
	}
	prune(&job, NULL, false, &result);
	assert_int_equal(result.candidates, 481);
	/* 24 hours, in two days, and the ends of five more days. */
	assert_int_equal(result.candidates - result.pruned, 24 + 5);
	prune(&job, NULL, false, &result);
	assert_int_equal(result.candidates, 29);
	assert_int_equal(result.pruned, 0);
}

/* --- from the options ---------------------------------------------------- */

static void
choose(struct options *options, struct retain_policy *ret,
    struct strlist *problems)
{
	struct job job = { .name = (char *)(uintptr_t)"j",
		.options = options };
	struct err err = ERR_INIT;

	assert_int_equal(retention_choose(&job, problems, &err), 0);
	*ret = job.retain;
}

static void
set(struct options *options, enum option_id id, const char *text)
{
	struct err err = ERR_INIT;

	if (options_set(options, id, text, ORIGIN_ENVIRONMENT, "it", &err) < 0)
		fail_msg("%s", err.msg);
}

static void
options_make_a_policy(void **state)
{
	CLEANUP(strlist_free) struct strlist problems = STRLIST_INIT;
	CLEANUP(options_free) struct options options = { 0 };
	struct retain_policy policy;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(options_init(&options, &err), 0);
	choose(&options, &policy, &problems);
	assert_false(retain_is_on(&policy));
	assert_int_equal(policy.days, -1);
	assert_int_equal(policy.leeway_s, 60);
	assert_int_equal(policy.min_keep, 1);
	set(&options, OPTION_ID_retention_days, "-5");
	choose(&options, &policy, &problems);
	assert_int_equal(policy.days, -1);
	set(&options, OPTION_ID_retention_days, "7");
	set(&options, OPTION_ID_retention_leeway_ns, "2h");
	set(&options, OPTION_ID_retention_keep, "last=3, within=90d");
	set(&options, OPTION_ID_retention_skip, "S3,local,WebDAV,GoogleDrive");
	choose(&options, &policy, &problems);
	assert_true(policy.days == 7 && policy.leeway_s == 7200);
	assert_true(policy.last == 3 && policy.within_days == 90);
	assert_int_equal(problems.n, 0);
}

static void
what_cannot_be_is_a_problem(void **state)
{
	CLEANUP(strlist_free) struct strlist problems = STRLIST_INIT;
	CLEANUP(options_free) struct options options = { 0 };
	struct retain_policy policy;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(options_init(&options, &err), 0);
	set(&options, OPTION_ID_retention_keep, "last=3,dayly=2");
	set(&options, OPTION_ID_retention_skip, "s3,tape");
	choose(&options, &policy, &problems);
	assert_int_equal(problems.n, 2);
	assert_non_null(strstr(problems.v[0], "retention.keep"));
	assert_non_null(strstr(problems.v[0], "'dayly=2' is unknown"));
	assert_non_null(strstr(problems.v[1], "'tape' is not a kind"));
}

/* *ret_prefix: what names to prune begin with, or NULL; caller frees. */
static void
name_job(struct options *options, char **ret_prefix,
    struct strlist *problems)
{
	CLEANUP(strlist_free) struct strlist warnings = STRLIST_INIT;
	struct job job = { .name = (char *)(uintptr_t)"j",
		.options = options };
	struct err err = ERR_INIT;

	assert_int_equal(naming_choose(&job, now, problems, &warnings, &err),
	    0);
	assert_string_equal(job.pattern, "j-%F.tar.gz");
	assert_string_equal(job.archive_name, "j-2026-11-20.tar.gz");
	free(job.pattern);
	free(job.archive_name);
	free(job.latest);
	*ret_prefix = job.prune_prefix;
}

static void
a_prefix_is_expanded_and_stays_in_the_directory(void **state)
{
	static const struct {
		const char *text;
		const char *expand;
		const char *prefix;	/* NULL: a problem */
	} cases[] = {
		{ "app-", "false", "app-" },
		{ "$A-*", "false", "$A-*" },
		{ "$A-%F", "true", "app-%F" },
		{ "$B", "true", NULL },
		{ "sub/app-", "false", NULL },
	};
	size_t i;

	(void)state;
	assert_int_equal(setenv("A", "app", 1), 0);
	assert_int_equal(unsetenv("B"), 0);
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CLEANUP(strlist_free) struct strlist problems = STRLIST_INIT;
		CLEANUP(options_free) struct options options = { 0 };
		CLEANUP(cleanup_free) char *prefix = NULL;
		struct err err = ERR_INIT;

		assert_int_equal(options_init(&options, &err), 0);
		set(&options, OPTION_ID_filename,
		    "{{ .Job }}-%F.{{ .Extension }}");
		set(&options, OPTION_ID_filename_expand, cases[i].expand);
		set(&options, OPTION_ID_retention_prefix, cases[i].text);
		name_job(&options, &prefix, &problems);
		assert_int_equal(problems.n, cases[i].prefix == NULL);
		if (cases[i].prefix != NULL)
			assert_string_equal(prefix, cases[i].prefix);
		else
			assert_non_null(strstr(problems.v[0],
			    "retention.prefix"));
	}
}

int
main(void)
{
#define TEST(name)							\
	cmocka_unit_test_setup_teardown(name, make_scratch, remove_scratch)
	static const struct CMUnitTest tests[] = {
		TEST(old_archives_go_with_their_metadata),
		TEST(what_is_foreign_stays_and_does_not_count),
		TEST(a_prefix_is_taken_literally),
		TEST(a_prefix_leaves_other_archives_of_the_job_alone),
		TEST(a_name_that_does_not_tell_the_day_has_the_age_of_its_file),
		TEST(the_guard_keeps_everything_and_warns_twice),
		TEST(the_archive_of_this_run_stays),
		TEST(a_dry_run_only_tells),
		TEST(without_a_policy_nothing_is_even_looked_at),
		TEST(what_cannot_be_removed_is_told_and_keeps_its_metadata),
		TEST(hundreds_are_thinned_out),
		TEST(options_make_a_policy),
		TEST(what_cannot_be_is_a_problem),
		TEST(a_prefix_is_expanded_and_stays_in_the_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
