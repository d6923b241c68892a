/* The rules of status, with a clock that stands; and what a plugin prints. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "lib/run/status.h"
#include "test/unit/shelf.h"

#define NOW ((time_t)1795186800)	/* 2026-11-20 15:00 in UTC */
#define NEW "db-2026-11-20T03-00-00.tar.gz"
#define OLD "db-2026-11-19T03-00-00.tar.gz"

static struct shelf shelf;
static struct status status;

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
	status_free(&status);
	catalogue_free(&shelf.catalogue);
	return 0;
}

static void
put(size_t store, const char *name, uint64_t bytes)
{
	assert_int_equal(shelf_put(&shelf, store, name, bytes, 1), 0);
}

/* Of one job in all stores, or of all. */
static enum status_state
judge(const char *job, int64_t max_age_s, int64_t size_drop)
{
	CLEANUP(strlist_free) struct strlist jobs = STRLIST_INIT;
	struct status_rules rules = { NOW, max_age_s, size_drop };
	struct err err = ERR_INIT;

	if (job != NULL)
		assert_int_equal(strlist_add(&jobs, job, &err), 0);
	status_free(&status);
	assert_int_equal(status_judge(&shelf.catalogue, &jobs, &rules,
	    &status, &err), 0);
	return status.state;
}

static void
every_job_needs_an_archive_in_every_store(void **state)
{
	(void)state;
	put(0, NEW, 100);
	assert_int_equal(judge("db", 86400, 50), STATUS_CRITICAL);
	assert_int_equal(status.n, 2);
	assert_string_equal(status.rows[0].text, "no archive");
	put(1, NEW, 100);
	assert_int_equal(judge("db", 86400, 50), STATUS_OK);
	assert_int_equal(judge(NULL, 86400, 50), STATUS_CRITICAL);
	assert_int_equal(status.n, 4);
	assert_int_equal(judge("nobody", 86400, 50), STATUS_CRITICAL);
	assert_int_equal(status.n, 1);
	assert_null(status.rows[0].store);
}

static void
an_archive_is_overdue_when_it_is_older_than_it_may_be(void **state)
{
	(void)state;
	put(0, NEW, 100);
	put(1, NEW, 100);
	assert_int_equal(judge("db", 12 * 3600, 50), STATUS_OK);
	assert_int_equal(judge("db", 12 * 3600 - 1, 50), STATUS_CRITICAL);
	assert_non_null(strstr(status.rows[0].text, "overdue"));
}

static void
a_drop_of_more_than_the_percentage_is_a_warning(void **state)
{
	static const struct {
		uint64_t before, now;
		int64_t drop;
		enum status_state state;
	} cases[] = {
		{ 100, 50, 50, STATUS_OK },
		{ 100, 49, 50, STATUS_WARNING },
		{ 101, 50, 50, STATUS_WARNING },	/* of 50.5 */
		{ 101, 51, 50, STATUS_OK },
		{ 100, 100, 0, STATUS_OK },
		{ 100, 99, 0, STATUS_WARNING },
		{ 100, 0, 100, STATUS_OK },
		{ 100, 500, 50, STATUS_OK },
		{ 0, 0, 50, STATUS_OK },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		catalogue_free(&shelf.catalogue);
		shelf_new(&shelf);
		put(0, NEW, cases[i].now);
		put(0, OLD, cases[i].before);
		put(1, NEW, 1);
		assert_int_equal(judge("db", 86400, cases[i].drop),
		    cases[i].state);
	}
}

static void
a_size_that_metadata_denies_is_critical(void **state)
{
	(void)state;
	put(0, NEW, 100);
	put(1, NEW, 100);
	shelf.catalogue.entries[1].check = CATALOGUE_DIFFERS;
	assert_int_equal(judge("db", 86400, 50), STATUS_CRITICAL);
}

static void
a_date_far_in_the_future_is_a_warning(void **state)
{
	(void)state;
	put(0, "db-2026-11-20T16-00-00.tar.gz", 100);
	put(1, NEW, 100);
	assert_int_equal(judge("db", 86400, 50), STATUS_OK);
	put(0, "db-2026-11-20T16-00-01.tar.gz", 100);
	assert_int_equal(judge("db", 86400, 50), STATUS_WARNING);
}

static void
a_store_that_cannot_be_used_is_unknown_and_less_than_a_warning(void **state)
{
	(void)state;
	put(0, NEW, 100);
	shelf.catalogue.stores[1].err = (struct err){ ERR_UNREACHABLE,
		"s3 'b': gone" };
	assert_int_equal(judge("db", 86400, 50), STATUS_UNKNOWN);
	put(0, OLD, 1000);
	assert_int_equal(judge("db", 86400, 50), STATUS_WARNING);
	assert_int_equal(judge("db", 60, 50), STATUS_CRITICAL);
	assert_int_equal(judge("nobody", 60, 50), STATUS_UNKNOWN);
}

static void
the_worst_is_ranked_as_the_plugins_do(void **state)
{
	static const enum status_state order[] = { STATUS_OK, STATUS_UNKNOWN,
		STATUS_WARNING, STATUS_CRITICAL };
	size_t i, k;

	(void)state;
	for (i = 0; i < 4; i++)
		for (k = 0; k < 4; k++)
			assert_int_equal(status_worst(order[i], order[k]),
			    order[i > k ? i : k]);
}

static void
jobs_that_labels_make_are_those_that_were_found(void **state)
{
	(void)state;
	shelf.catalogue.n_jobs = 1;		/* db alone, split */
	shelf.catalogue.jobs[0].split = true;
	shelf.catalogue.stores[0].n_jobs = 1;
	shelf.catalogue.stores[1].n_jobs = 0;
	assert_int_equal(judge(NULL, 86400, 50), STATUS_CRITICAL);
	assert_string_equal(status.rows[0].job, "db");
	put(0, "shop-2026-11-20T03-00-00.tar.gz", 5);
	shelf.catalogue.entries[0].job = strdup("shop");
	shelf.catalogue.entries[0].time = NOW - 5;
	assert_int_equal(judge(NULL, 86400, 50), STATUS_OK);
	assert_int_equal(status.n, 1);
	assert_string_equal(status.rows[0].job, "shop");
	assert_int_equal(judge("shop", 86400, 50), STATUS_OK);
	shelf.catalogue.n_jobs = 2;
}

static void
a_plugin_prints_one_line_and_one_for_each_row(void **state)
{
	CLEANUP(cleanup_free) char *text = NULL;
	struct err err = ERR_INIT;

	(void)state;
	put(0, NEW, 2048);
	put(0, OLD, 2049);
	put(1, NEW, 2048);
	assert_int_equal(judge("db", 93600, 50), STATUS_OK);
	assert_int_equal(status_text(&status, &text, &err), 0);
	assert_string_equal(text,
	    "OK - 2 of 2 up to date, at most 12h00m old |"
	    " 'db archive age'=43200s;;93600;0"
	    " 'db archive size'=2048B;1025:;;0"
	    " 'db s3 age'=43200s;;93600;0 'db s3 size'=2048B;;;0\n"
	    "OK - db in archive: 12h00m old, 2.0 KiB\n"
	    "OK - db in s3: 12h00m old, 2.0 KiB\n");
}

static void
nothing_breaks_the_grammar(void **state)
{
	CLEANUP(cleanup_free) char *text = NULL;
	CLEANUP(cleanup_free) char *line = NULL;
	struct err err = ERR_INIT;
	const char *nl;

	(void)state;
	free(shelf.catalogue.jobs[0].name);
	shelf.catalogue.jobs[0].name = strdup("it's=a|b\nc");
	put(0, NEW, 1);
	put(1, NEW, 1);
	assert_int_equal(judge("it's=a|b\nc", 93600, 50), STATUS_OK);
	assert_int_equal(status_text(&status, &text, &err), 0);
	nl = strchr(text, '\n');
	assert_non_null(strstr(text, "'it''s_a/b\\nc archive age'="));
	assert_ptr_equal(strchr(text, '|'), strrchr(text, '|'));
	assert_true(strchr(text, '|') < nl);
	assert_int_equal(status_line(STATUS_UNKNOWN, "a|b\nc", &line, &err),
	    0);
	assert_string_equal(line, "UNKNOWN - a/b\\nc\n");
}

static void
stores_of_one_name_are_told_apart_by_their_place(void **state)
{
	CLEANUP(cleanup_free) char *text = NULL;
	struct err err = ERR_INIT;

	(void)state;
	shelf.plans[1].name = shelf.plans[0].name;
	put(0, NEW, 1);
	put(1, NEW, 1);
	assert_int_equal(judge("db", 93600, 50), STATUS_OK);
	assert_int_equal(status_text(&status, &text, &err), 0);
	assert_non_null(strstr(text, "'db /a age'="));
	assert_non_null(strstr(text, "'db s3://b age'="));
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, make, drop)
	const struct CMUnitTest tests[] = {
		TEST(every_job_needs_an_archive_in_every_store),
		TEST(an_archive_is_overdue_when_it_is_older_than_it_may_be),
		TEST(a_drop_of_more_than_the_percentage_is_a_warning),
		TEST(a_size_that_metadata_denies_is_critical),
		TEST(a_date_far_in_the_future_is_a_warning),
		TEST(a_store_that_cannot_be_used_is_unknown_and_less_than_a_warning),
		TEST(the_worst_is_ranked_as_the_plugins_do),
		TEST(jobs_that_labels_make_are_those_that_were_found),
		TEST(a_plugin_prints_one_line_and_one_for_each_row),
		TEST(nothing_breaks_the_grammar),
		TEST(stores_of_one_name_are_told_apart_by_their_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
