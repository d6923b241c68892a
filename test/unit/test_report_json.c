#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "build_config.h"
#include "lib/base/json.h"
#include "lib/base/log.h"
#include "lib/report/report_json.h"

static int
set_up(void **state)
{
	(void)state;
	setenv("TZ", "UTC0", 1);
	tzset();
	return 0;
}

/* Everything that changes is set to what does not. */
static struct report
fresh(const char *const *names, size_t n)
{
	struct report report;
	struct err err = ERR_INIT;

	assert_int_equal(report_begin(&report, &err), 0);
	assert_int_equal(report_jobs(&report, names, n, &err), 0);
	memcpy(report.id, "00000000-0000-4000-8000-000000000001",
	    sizeof report.id);
	free(report.host);
	report.host = strdup("box");
	report.started = 1795143600;
	report.finished = 1795143662;
	report.seconds = 62.5004;
	return report;
}

/* As the document, without what stands before "outcome". */
static void
check(const struct report *report, const char *wanted)
{
	CLEANUP(cleanup_free) char *text = NULL;
	CLEANUP(json_free) struct cJSON *again = NULL;
	struct err err = ERR_INIT;
	const char *head = "{\"version\":1,\"vbackup\":\"" BUILD_VERSION
	    "\",\"id\":\"00000000-0000-4000-8000-000000000001\",";

	assert_int_equal(report_json_text(report, &text, &err), 0);
	assert_true(str_starts(text, head));
	assert_string_equal(text + strlen(head), wanted);
	text[strlen(text) - 1] = '\0';
	assert_int_equal(json_parse(text, strlen(text), "it", &again, &err),
	    0);
}

static void
fill_job(struct report_job *job)
{
	struct err err = ERR_INIT;

	assert_int_equal(report_stores(job, 2, &err), 0);
	job->stored = true;
	job->archive = strdup("/archive/db.tar.zst");
	job->started = 1795143601;
	job->seconds = 60.1;
	job->window_s = 0.0004;
	job->size_bytes = UINT64_C(9007199254740993);
	job->raw_bytes = UINT64_C(1000000000000000);
	job->files = 17;
	job->containers = (struct report_count){ 3, 2, 1 };
	job->services = (struct report_count){ 1, 1, 0 };
	job->stores[0].label = strdup("local '/archive'");
	job->stores[0].stored = true;
	job->stores[0].verify = job->stores[0].verified = true;
	job->stores[0].pruning = true;
	job->stores[0].total = 9;
	job->stores[0].pruned = 2;
	job->stores[0].prune_errors = 1;
	job->stores[1].label = strdup("s3 'b'");
	(void)err_set(&job->stores[1].err, ERR_REFUSED, "s3 'b': no");
	report_problem(job, "not stored: s3 'b': no");
}

static void
a_report_becomes_a_document(void **state)
{
	static const char *const names[] = { "db", "web" };
	struct report report = fresh(names, 2);
	struct err err = ERR_INIT;

	(void)state;
	fill_job(&report.jobs[0]);
	report.n_containers = 12;
	report.n_services = 4;
	report.lock_wait_s = 0.25;
	assert_int_equal(strlist_add(&report.untold, "hook failed", &err), 0);
	assert_int_equal(strlist_add(&report.warnings, "early name", &err),
	    0);
	assert_int_equal(strlist_add(&report.log, "one", &err), 0);
	assert_int_equal(strlist_add(&report.log, "two", &err), 0);
	check(&report, "\"host\":\"box\",\"outcome\":\"failure\","
	    "\"exit_status\":1,\"started\":\"2026-11-20T03:00:00+00:00\","
	    "\"finished\":\"2026-11-20T03:01:02+00:00\",\"seconds\":62.5,"
	    "\"lock_wait_seconds\":0.25,\"interrupted\":false,"
	    "\"at_rest\":false,\"error\":\"the job was not begun\","
	    "\"errors\":[\"db: s3 'b': no\",\"web: the job was not begun\"],"
	    "\"problems\":[\"hook failed\"],\"warnings\":[\"early name\"],"
	    "\"containers\":{\"all\":12,\"to_stop\":3,\"stopped\":2,"
	    "\"errors\":1},\"services\":{\"all\":4,\"to_stop\":1,"
	    "\"stopped\":1,\"errors\":0},\"jobs\":[{\"name\":\"db\","
	    "\"outcome\":\"problems\",\"error\":null,"
	    "\"archive\":\"/archive/db.tar.zst\","
	    "\"started\":\"2026-11-20T03:00:01+00:00\",\"seconds\":60.1,"
	    "\"window_seconds\":0,\"size_bytes\":9007199254740993,"
	    "\"raw_bytes\":1000000000000000,\"files\":17,"
	    "\"containers\":{\"to_stop\":3,\"stopped\":2,\"errors\":1},"
	    "\"services\":{\"to_stop\":1,\"stopped\":1,\"errors\":0},"
	    "\"problems\":[\"not stored: s3 'b': no\"],\"problems_count\":1,"
	    "\"stores\":[{\"label\":\"local '/archive'\",\"stored\":true,"
	    "\"verified\":true,"
	    "\"error\":null,\"archives\":7,\"pruned\":2,\"prune_errors\":1},"
	    "{\"label\":\"s3 'b'\",\"stored\":false,\"verified\":null,"
	    "\"error\":\"s3 'b': no\","
	    "\"archives\":null,\"pruned\":0,\"prune_errors\":0}]},"
	    "{\"name\":\"web\",\"outcome\":\"failure\","
	    "\"error\":\"the job was not begun\",\"archive\":null,"
	    "\"started\":null,\"seconds\":0,\"window_seconds\":0,"
	    "\"size_bytes\":0,\"raw_bytes\":0,\"files\":0,"
	    "\"containers\":{\"to_stop\":0,\"stopped\":0,\"errors\":0},"
	    "\"services\":{\"to_stop\":0,\"stopped\":0,\"errors\":0},"
	    "\"problems\":[],\"problems_count\":0,\"stores\":[]}],"
	    "\"log\":[\"one\",\"two\"]}\n");
	report_free(&report);
}

#define NO_COUNTS "{\"all\":0,\"to_stop\":0,\"stopped\":0,\"errors\":0}"

static void
a_run_without_jobs_says_why(void **state)
{
	struct report report = fresh(NULL, 0);
	struct err err = ERR_INIT;

	(void)state;
	(void)err_set(&report.err, ERR_CONFIG, "2 problems");
	assert_int_equal(strlist_add(&report.settings, "a: bad", &err), 0);
	assert_int_equal(strlist_add(&report.settings, "b: bad", &err), 0);
	assert_int_equal(strlist_add(&report.settings, "b: bad", &err), 0);
	report.started = 0;
	check(&report, "\"host\":\"box\",\"outcome\":\"failure\","
	    "\"exit_status\":2,\"started\":null,"
	    "\"finished\":\"2026-11-20T03:01:02+00:00\","
	    "\"seconds\":62.5,\"lock_wait_seconds\":0,\"interrupted\":false,"
	    "\"at_rest\":false,\"error\":\"2 problems\","
	    "\"errors\":[\"2 problems\",\"a: bad\",\"b: bad\"],"
	    "\"problems\":[],\"warnings\":[],\"containers\":" NO_COUNTS ","
	    "\"services\":" NO_COUNTS ",\"jobs\":[],\"log\":[]}\n");
	report_free(&report);
}

static void
spans_that_are_none_are_zero(void **state)
{
	static const struct {
		double seconds;
		const char *text;
	} cases[] = {
		{ 0, "\"seconds\":0," }, { -1, "\"seconds\":0," },
		{ (double)NAN, "\"seconds\":0," },
		{ -(double)INFINITY, "\"seconds\":0," },
		{ (double)INFINITY, "\"seconds\":1000000000000," },
		{ 1e300, "\"seconds\":1000000000000," },
		{ 0.0005, "\"seconds\":0.001," },
		{ 1.2000000476837158, "\"seconds\":1.2," },
		{ 100, "\"seconds\":100," },
		{ 1234567.891, "\"seconds\":1234567.891," },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CLEANUP(cleanup_free) char *text = NULL;
		struct report report = fresh(NULL, 0);
		struct err err = ERR_INIT;

		report.seconds = cases[i].seconds;
		assert_int_equal(report_json_text(&report, &text, &err), 0);
		assert_non_null(strstr(text, cases[i].text));
		report_free(&report);
	}
}

static void
texts_are_masked_and_are_utf8(void **state)
{
	static const char *const names[] = { "n\xff\xc3\xa4\x01" };
	CLEANUP(cleanup_free) char *text = NULL;
	struct report report = fresh(names, 1);
	struct report_job *job = &report.jobs[0];
	struct err err = ERR_INIT;
	const char *p;
	size_t masked = 0;

	(void)state;
	assert_int_equal(log_secret("s\xff" "cret\"", &err), 0);
	(void)err_set(&report.err, ERR_SYSTEM, "1 s\xff" "cret\"");
	(void)err_set(&job->err, ERR_SYSTEM, "2 s\xff" "cret\"");
	assert_int_equal(report_stores(job, 1, &err), 0);
	(void)err_set(&job->stores[0].err, ERR_SYSTEM, "3 s\xff" "cret\"");
	job->stores[0].label = strdup("s3 's\xff" "cret\"'");
	job->archive = strdup("https://h/s\xff" "cret\"/x");
	report_problem(job, "4 s\xff" "cret\"");
	assert_int_equal(strlist_add(&report.log, "s\xff" "cret\"", &err), 0);
	assert_int_equal(strlist_add(&report.log, "\"\\\n\t", &err), 0);
	assert_int_equal(strlist_add(&report.warnings, "s\xff" "cret\"",
	    &err), 0);
	assert_int_equal(report_json_text(&report, &text, &err), 0);
	assert_null(strstr(text, "cret"));
	assert_true(str_is_utf8(text));
	assert_non_null(strstr(text, "\"name\":\"n?\xc3\xa4?\""));
	assert_non_null(strstr(text, "\"\\\"\\\\\\n\\t\""));
	for (p = text; (p = strstr(p, "***")) != NULL; p += 3)
		masked++;
	/* The errors stand in the list as well. */
	assert_int_equal(masked, 2 + 2 + 2 + 1 + 1 + 1 + 1 + 1);
	log_close();
	report_free(&report);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_report_becomes_a_document),
		cmocka_unit_test(a_run_without_jobs_says_why),
		cmocka_unit_test(spans_that_are_none_are_zero),
		cmocka_unit_test(texts_are_masked_and_are_utf8),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
