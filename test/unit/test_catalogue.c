/* What names and metadata tell of archives; order, search, tables. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "lib/run/catalogue_text.h"
#include "test/unit/shelf.h"

#define STORED ((time_t)1000000000)
#define MADE ((time_t)1795143600)	/* 2026-11-20 03:00 in UTC */
#define DB "db-2026-11-20T03-00-00.tar.gz"

static struct shelf shelf;

static int
make(void **state)
{
	(void)state;
	assert_int_equal(setenv("TZ", "UTC", 1), 0);
	tzset();
	shelf_new(&shelf);
	return 0;
}

static int
drop(void **state)
{
	(void)state;
	catalogue_free(&shelf.catalogue);
	return 0;
}

static void
put(size_t store, const char *name)
{
	assert_int_equal(shelf_put(&shelf, store, name, 17, STORED), 0);
}

static void
learn(struct catalogue_entry *entry, const char *text)
{
	struct err err = ERR_INIT;

	if (catalogue_learn(entry, text, strlen(text), &err) < 0)
		fail_msg("%s", err.msg);
}

static void
a_name_tells_job_time_seal_and_compression(void **state)
{
	static const struct {
		const char *name;
		const char *job;
		time_t time;
		enum catalogue_seal seal;
		const char *compression;
	} cases[] = {
		{ DB, "db", MADE, CATALOGUE_PLAIN, "gzip" },
		{ "db-2026-11-20T03-00-00.tar.zst.gpg", "db", MADE,
			CATALOGUE_OPENPGP, "zstd" },
		{ "web-2026-11-20T03-00-00.tar", "web", MADE,
			CATALOGUE_PLAIN, "none" },
		{ "backup-2026-11-20T03-00-00.tar.gz", NULL, MADE,
			CATALOGUE_PLAIN, "gzip" },
		{ "backup-2026-11-20T03-00-00.tar.zst.age", NULL, MADE,
			CATALOGUE_AGE, "zstd" },
		{ "db-2026-11-20T03-00-00.tgz.age", "db", MADE,
			CATALOGUE_AGE, "gzip" },
		{ "photos.tgz", NULL, STORED, CATALOGUE_PLAIN, "gzip" },
		{ "db-2026-13-20T03-00-00.tar.gz", NULL, STORED,
			CATALOGUE_PLAIN, "gzip" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct catalogue_entry *e;

		put(0, cases[i].name);
		e = catalogue_find(&shelf.catalogue, cases[i].name);
		assert_non_null(e);
		assert_int_equal(e->time, cases[i].time);
		assert_int_equal(e->seal, cases[i].seal);
		assert_string_equal(e->compression, cases[i].compression);
		assert_int_equal(e->bytes, 17);
		assert_false(e->has_metadata);
		if (cases[i].job == NULL)
			assert_null(e->job);
		else
			assert_string_equal(e->job, cases[i].job);
	}
}

static void
what_is_no_archive_is_left_out(void **state)
{
	static const char *const names[] = { "notes.txt", ".hidden.tar.gz",
		DB ".metadata.json", "tar.gz", "x.gpg", "x.age",
		"vbackup.conf", "x.tar.bz2" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof names / sizeof names[0]; i++)
		put(0, names[i]);
	assert_int_equal(shelf.catalogue.n, 0);
}

static void
whatever_has_metadata_is_an_archive(void **state)
{
	char name[] = "odd", metadata[] = "odd.metadata.json";
	struct store_entry files[] = { { name, 5, STORED },
		{ metadata, 7, STORED } };
	struct store_list list = { files, 2 };
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(catalogue_take(&shelf.catalogue, 0, &list, &err), 0);
	assert_int_equal(shelf.catalogue.n, 1);
	assert_true(shelf.catalogue.entries[0].has_metadata);
	assert_null(shelf.catalogue.entries[0].compression);
}

static void
metadata_alone_is_an_archive_that_is_missing_if_asked_for(void **state)
{
	char orphan[] = "web-2026-01-02T03-04-05.tar.gz.metadata.json";
	char hidden[] = ".x.metadata.json", bare[] = ".metadata.json";
	char whole[] = DB, beside[] = DB ".metadata.json";
	struct store_entry files[] = { { bare, 7, STORED },
		{ hidden, 7, STORED }, { whole, 5, STORED },
		{ beside, 7, STORED }, { orphan, 7, STORED } };
	struct store_list list = { files, 5 };
	struct catalogue_entry *e;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(catalogue_take(&shelf.catalogue, 0, &list, &err), 0);
	assert_int_equal(shelf.catalogue.n, 1);
	assert_false(shelf.catalogue.entries[0].missing);
	shelf.catalogue.take_missing = true;
	assert_int_equal(catalogue_take(&shelf.catalogue, 1, &list, &err), 0);
	assert_int_equal(shelf.catalogue.n, 3);
	e = &shelf.catalogue.entries[2];
	assert_string_equal(e->name, "web-2026-01-02T03-04-05.tar.gz");
	assert_true(e->missing && e->has_metadata);
	assert_int_equal(e->bytes, 0);
	assert_string_equal(e->job, "web");
	assert_int_equal(e->time_from, CATALOGUE_BY_NAME);
}

static void
a_job_that_splits_may_have_made_what_no_other_did(void **state)
{
	struct catalogue *c = &shelf.catalogue;
	struct catalogue_entry *e;

	(void)state;
	put(0, DB);
	e = &c->entries[0];
	assert_ptr_equal(catalogue_job_of(c, e), &c->jobs[0]);
	learn(e, "{\"version\":1,\"name\":\"x\",\"job\":\"mail\"}");
	assert_null(catalogue_job_of(c, e));
	c->jobs[1].split = true;
	assert_ptr_equal(catalogue_job_of(c, e), &c->jobs[1]);
}

static void
metadata_wins(void **state)
{
	struct catalogue_entry *e;

	(void)state;
	put(0, DB);
	e = &shelf.catalogue.entries[0];
	learn(e, "{\"version\":1,\"name\":\"x\",\"job\":\"mail\","
	    "\"started\":\"2026-11-20T04:00:00+00:00\",\"size_bytes\":17,"
	    "\"compression\":\"zstd\",\"encryption\":\"openpgp-symmetric\"}");
	assert_string_equal(e->job, "mail");
	assert_int_equal(e->time, MADE + 3600);
	assert_int_equal(e->time_from, CATALOGUE_BY_METADATA);
	assert_string_equal(e->compression, "zstd");
	assert_int_equal(e->seal, CATALOGUE_OPENPGP);
	assert_int_equal(e->check, CATALOGUE_AGREES);
	learn(e, "{\"version\":1,\"name\":\"x\",\"size_bytes\":18}");
	assert_int_equal(e->check, CATALOGUE_DIFFERS);
	assert_string_equal(e->job, "mail");
}

static void
metadata_that_makes_no_sense_changes_nothing(void **state)
{
	static const char *const texts[] = { "", "{", "[]",
		"{\"version\":2,\"name\":\"x\"}",
		"{\"version\":1,\"name\":\"x\",\"job\":5}" };
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	put(0, DB);
	for (i = 0; i < sizeof texts / sizeof texts[0]; i++)
		assert_int_equal(catalogue_learn(&shelf.catalogue.entries[0],
		    texts[i], strlen(texts[i]), &err), -1);
	assert_string_equal(shelf.catalogue.entries[0].job, "db");
	assert_int_equal(shelf.catalogue.entries[0].time, MADE);
}

static void
the_newest_is_first_then_by_name_and_store(void **state)
{
	static const struct {
		const char *name;
		size_t store;
	} order[] = {
		{ "web-2026-11-21T03-00-00.tar.gz", 0 },
		{ DB, 0 }, { DB, 1 },
		{ "web-2026-11-20T03-00-00.tar.gz", 1 },
		{ "old.tar", 0 },
	};
	size_t i;

	(void)state;
	put(0, "old.tar");
	put(1, "web-2026-11-20T03-00-00.tar.gz");
	put(1, DB);
	put(0, "web-2026-11-21T03-00-00.tar.gz");
	put(0, DB);
	for (i = 0; i < sizeof order / sizeof order[0]; i++) {
		assert_string_equal(shelf.catalogue.entries[i].name,
		    order[i].name);
		assert_int_equal(shelf.catalogue.entries[i].store,
		    order[i].store);
	}
}

static void
an_archive_is_found_by_name_or_path_in_the_first_store(void **state)
{
	const struct catalogue *c = &shelf.catalogue;

	(void)state;
	put(1, DB);
	put(0, DB);
	assert_int_equal(catalogue_find(c, DB)->store, 0);
	assert_ptr_equal(catalogue_find(c, "/a/" DB), catalogue_find(c, DB));
	assert_null(catalogue_find(c, "db"));
	assert_null(catalogue_find(c, ""));
}

static void
the_latest_is_no_foreign_file(void **state)
{
	(void)state;
	assert_null(catalogue_latest(&shelf.catalogue));
	assert_int_equal(shelf_put(&shelf, 0, "photos.tar", 1, MADE + 9), 0);
	assert_null(catalogue_latest(&shelf.catalogue));
	put(1, DB);
	assert_string_equal(catalogue_latest(&shelf.catalogue)->name, DB);
}

static void
near_names_are_few_and_the_nearest_is_first(void **state)
{
	const char *near[CATALOGUE_NEAREST];

	(void)state;
	put(0, DB);
	put(1, DB);
	put(0, "db-2026-11-20T03-00-01.tar.gz");
	put(0, "db-2026-11-21T04-00-01.tar.gz");
	put(0, "db-2026-11-22T05-00-01.tar.gz");
	put(0, "photos.tar");
	assert_int_equal(catalogue_nearest(&shelf.catalogue,
	    "db-2026-11-20T03-00-0.tar.gz", near), 3);
	assert_true(strcmp(near[0], DB) == 0 ||
	    strcmp(near[1], DB) == 0);
	assert_string_not_equal(near[0], near[1]);
	assert_int_equal(catalogue_nearest(&shelf.catalogue, "hotos", near),
	    1);
	assert_int_equal(catalogue_nearest(&shelf.catalogue,
	    "nothing like it", near), 0);
}

static void
other_jobs_are_dropped(void **state)
{
	CLEANUP(strlist_free) struct strlist jobs = STRLIST_INIT;
	struct err err = ERR_INIT;

	(void)state;
	put(0, DB);
	put(0, "web-2026-11-20T03-00-00.tar.gz");
	put(0, "photos.tar");
	catalogue_keep_jobs(&shelf.catalogue, &jobs);
	assert_int_equal(shelf.catalogue.n, 3);
	assert_int_equal(strlist_add(&jobs, "web", &err), 0);
	catalogue_keep_jobs(&shelf.catalogue, &jobs);
	assert_int_equal(shelf.catalogue.n, 1);
	assert_string_equal(shelf.catalogue.entries[0].job, "web");
}

static void
a_store_that_fails_is_a_problem_and_all_of_them_a_failure(void **state)
{
	struct err gone = { ERR_UNREACHABLE, "gone" };

	(void)state;
	assert_int_equal(catalogue_exit(&shelf.catalogue), EXIT_DONE);
	shelf.catalogue.stores[1].err = gone;
	assert_int_equal(catalogue_exit(&shelf.catalogue), EXIT_PROBLEMS);
	shelf.catalogue.stores[0].err = gone;
	assert_int_equal(catalogue_exit(&shelf.catalogue), EXIT_FAILED);
}

static void
a_table_is_aligned_and_shows_no_control_characters(void **state)
{
	CLEANUP(cleanup_free) char *text = NULL;
	CLEANUP(cleanup_free) char *empty = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(catalogue_table(&shelf.catalogue, true, &empty,
	    &err), 0);
	assert_string_equal(empty, "");
	put(0, DB);
	put(1, "\033[2J.tar.gz.gpg");
	assert_int_equal(catalogue_table(&shelf.catalogue, true, &text, &err),
	    0);
	assert_string_equal(text,
	    "TIME                       JOB  SIZE  STORE    SEALED   "
	    "CHECKED    NAME\n"
	    "2026-11-20T03:00:00+00:00  db   17 B  archive  none     "
	    "unchecked  " DB "\n"
	    "2001-09-09T01:46:40+00:00  -    17 B  s3       openpgp  "
	    "unchecked  \\x1b[2J.tar.gz.gpg\n");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, make, drop)
	const struct CMUnitTest tests[] = {
		TEST(a_name_tells_job_time_seal_and_compression),
		TEST(what_is_no_archive_is_left_out),
		TEST(whatever_has_metadata_is_an_archive),
		TEST(metadata_alone_is_an_archive_that_is_missing_if_asked_for),
		TEST(a_job_that_splits_may_have_made_what_no_other_did),
		TEST(metadata_wins),
		TEST(metadata_that_makes_no_sense_changes_nothing),
		TEST(the_newest_is_first_then_by_name_and_store),
		TEST(an_archive_is_found_by_name_or_path_in_the_first_store),
		TEST(the_latest_is_no_foreign_file),
		TEST(near_names_are_few_and_the_nearest_is_first),
		TEST(other_jobs_are_dropped),
		TEST(a_store_that_fails_is_a_problem_and_all_of_them_a_failure),
		TEST(a_table_is_aligned_and_shows_no_control_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
