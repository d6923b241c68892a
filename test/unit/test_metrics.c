#define _GNU_SOURCE
#include "lib/report/metrics.h"

#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>

#include "build_config.h"
#include "lib/base/str.h"
#include "test/unit/recorder.h"
#include "test/unit/scratch.h"

#define HEAD(name, help)						\
	"# HELP vbackup_" name " " help "\n# TYPE vbackup_" name " gauge\n"
#define RUN_TIME HEAD("last_run_timestamp_seconds", "End of the last run.")
#define SUCCESS_TIME HEAD("last_success_timestamp_seconds",		\
	"End of the last run that made an archive.")
#define STATUS HEAD("last_run_status", "Outcome of the last run: 0 failure, " \
	"1 problems, 2 success.")
#define DURATION HEAD("last_run_duration_seconds",			\
	"How long the last run took.")
#define LOCK_WAIT HEAD("lock_wait_seconds",				\
	"How long the last run waited for another one to finish.")
#define SIZE HEAD("archive_size_bytes", "Size of the last archive.")
#define STOPPED HEAD("containers_stopped",				\
	"Containers and services that the last run stopped.")
#define STOP_ERRORS HEAD("container_stop_errors", "Containers and services " \
	"that the last run could not stop, or not start again.")
#define DOWNTIME HEAD("downtime_seconds",				\
	"From the first stop to the last start of the last run.")
#define ARCHIVES HEAD("storage_archives",				\
	"Archives that are there after pruning.")
#define PRUNED HEAD("storage_pruned", "Archives that the last run removed.")
#define PRUNE_ERRORS HEAD("storage_prune_errors",			\
	"Archives that the last run could not remove.")
#define UPLOAD HEAD("storage_upload_success",				\
	"Whether the last run stored its archive here.")
#define BUILD HEAD("build_info", "Version of vbackup that made the last run.")

/* A run at that time, of n of the jobs one and two, without archives. */
static struct report
fresh(size_t n, time_t finished)
{
	static const char *const names[] = { "one", "two" };
	struct report report;
	struct err err = ERR_INIT;

	assert_int_equal(report_begin(&report, &err), 0);
	if (n != 0)
		assert_int_equal(report_jobs(&report, names, n, &err), 0);
	free(report.host);
	assert_int_equal(str_dup("host", &report.host, &err), 0);
	report.started = 5;
	report.finished = finished;
	report.seconds = 60;
	return report;
}

static void
rename_job(struct report *report, size_t i, const char *name)
{
	struct err err = ERR_INIT;

	free(report->jobs[i].name);
	assert_int_equal(str_dup(name, &report->jobs[i].name, &err), 0);
}

static void
add_store(struct report *report, const char *label)
{
	struct report_job *job = &report->jobs[0];
	struct err err = ERR_INIT;

	assert_int_equal(report_stores(job, 1, &err), 0);
	assert_int_equal(str_dup(label, &job->stores[0].label, &err), 0);
}

static char *
format(const struct report *report, const char *old)
{
	struct err err = ERR_INIT;
	char *text = NULL;

	if (metrics_format(report, old, &text, &err) < 0)
		fail_msg("%s", err.msg);
	return text;
}

/* Fails unless the series has that value; NULL: unless it is not there. */
static void
expect(const char *text, const char *series, const char *value)
{
	CLEANUP(str_free) struct str line = STR_INIT;

	str_addf(&line, "\nvbackup_%s ", series);
	if (value != NULL)
		str_addf(&line, "%s\n", value);
	assert_false(line.failed);
	if ((strstr(text, line.s) != NULL) != (value != NULL))
		fail_msg("'%s' in: %s", line.s + 1, text);
}

static void
a_run_becomes_this_text(void **state)
{
	CLEANUP(report_free) struct report report = fresh(2, 1700000000);
	CLEANUP(cleanup_free) char *text = NULL;
	struct report_job *job = &report.jobs[0];

	(void)state;
	add_store(&report, "local '/archive'");
	job->stores[0].stored = job->stores[0].pruning = job->stored = true;
	job->stores[0].total = 7;
	job->stores[0].pruned = 2;
	job->stores[0].prune_errors = 1;
	job->size_bytes = UINT64_C(18446744073709551615);
	job->seconds = 1.23456;
	job->window_s = 0.5;
	job->containers = (struct report_count){ 9, 3, 1 };
	job->services = (struct report_count){ 9, 4, 2 };
	report.lock_wait_s = 1e6;
	text = format(&report, NULL);
	assert_string_equal(text,
	    RUN_TIME
	    "vbackup_last_run_timestamp_seconds{backup_job=\"one\"} "
	    "1700000000\n"
	    "vbackup_last_run_timestamp_seconds{backup_job=\"two\"} "
	    "1700000000\n"
	    SUCCESS_TIME
	    "vbackup_last_success_timestamp_seconds{backup_job=\"one\"} "
	    "1700000000\n"
	    STATUS
	    "vbackup_last_run_status{backup_job=\"one\"} 2\n"
	    "vbackup_last_run_status{backup_job=\"two\"} 0\n"
	    DURATION
	    "vbackup_last_run_duration_seconds{backup_job=\"one\"} 1.235\n"
	    "vbackup_last_run_duration_seconds{backup_job=\"two\"} 0\n"
	    LOCK_WAIT
	    "vbackup_lock_wait_seconds{backup_job=\"one\"} 1000000.000\n"
	    "vbackup_lock_wait_seconds{backup_job=\"two\"} 1000000.000\n"
	    SIZE
	    "vbackup_archive_size_bytes{backup_job=\"one\"} "
	    "18446744073709551615\n"
	    STOPPED
	    "vbackup_containers_stopped{backup_job=\"one\"} 7\n"
	    "vbackup_containers_stopped{backup_job=\"two\"} 0\n"
	    STOP_ERRORS
	    "vbackup_container_stop_errors{backup_job=\"one\"} 3\n"
	    "vbackup_container_stop_errors{backup_job=\"two\"} 0\n"
	    DOWNTIME
	    "vbackup_downtime_seconds{backup_job=\"one\"} 0.500\n"
	    "vbackup_downtime_seconds{backup_job=\"two\"} 0\n"
	    ARCHIVES
	    "vbackup_storage_archives{backup_job=\"one\","
	    "storage=\"local '/archive'\"} 5\n"
	    PRUNED
	    "vbackup_storage_pruned{backup_job=\"one\","
	    "storage=\"local '/archive'\"} 2\n"
	    PRUNE_ERRORS
	    "vbackup_storage_prune_errors{backup_job=\"one\","
	    "storage=\"local '/archive'\"} 1\n"
	    UPLOAD
	    "vbackup_storage_upload_success{backup_job=\"one\","
	    "storage=\"local '/archive'\"} 1\n"
	    BUILD
	    "vbackup_build_info{backup_job=\"one\",version=\""
	    BUILD_VERSION "\"} 1\n"
	    "vbackup_build_info{backup_job=\"two\",version=\""
	    BUILD_VERSION "\"} 1\n");
}

static void
problems_of_a_job_and_lost_hooks_are_status_1(void **state)
{
	CLEANUP(report_free) struct report report = fresh(2, 9);
	CLEANUP(cleanup_free) char *problem = NULL;
	CLEANUP(cleanup_free) char *hook = NULL;
	struct err err = ERR_INIT;

	(void)state;
	report.jobs[0].stored = report.jobs[1].stored = true;
	report_problem(&report.jobs[1], "a file");
	problem = format(&report, NULL);
	expect(problem, "last_run_status{backup_job=\"one\"}", "2");
	expect(problem, "last_run_status{backup_job=\"two\"}", "1");
	assert_int_equal(strlist_add(&report.untold, "a hook", &err), 0);
	hook = format(&report, NULL);
	expect(hook, "last_run_status{backup_job=\"one\"}", "1");
}

static void
the_last_success_stays_while_the_job_fails(void **state)
{
	CLEANUP(report_free) struct report good = fresh(2, 100);
	CLEANUP(report_free) struct report bad = fresh(2, 200);
	CLEANUP(cleanup_free) char *first = NULL;
	CLEANUP(cleanup_free) char *second = NULL;
	CLEANUP(cleanup_free) char *third = NULL;

	(void)state;
	add_store(&good, "s");
	good.jobs[0].stored = good.jobs[1].stored = true;
	good.jobs[0].stores[0].pruning = good.jobs[0].stores[0].stored = true;
	good.jobs[0].size_bytes = 17;
	add_store(&bad, "s");
	bad.jobs[1].stored = true;
	first = format(&good, NULL);
	second = format(&bad, first);
	third = format(&bad, second);
	assert_string_equal(second, third);
	expect(third, "last_success_timestamp_seconds{backup_job=\"one\"}",
	    "100");
	expect(third, "archive_size_bytes{backup_job=\"one\"}", "17");
	expect(third, "last_run_timestamp_seconds{backup_job=\"one\"}", "200");
	expect(third, "last_run_status{backup_job=\"one\"}", "0");
	expect(third, "last_success_timestamp_seconds{backup_job=\"two\"}",
	    "200");
	expect(third, "storage_upload_success{backup_job=\"one\","
	    "storage=\"s\"}", "0");
	expect(third, "storage_archives{backup_job=\"one\",storage=\"s\"}",
	    NULL);
}

static void
jobs_that_this_run_was_not_about_stay_as_they_were(void **state)
{
	CLEANUP(report_free) struct report both = fresh(2, 100);
	CLEANUP(report_free) struct report one = fresh(1, 200);
	CLEANUP(cleanup_free) char *first = NULL;
	CLEANUP(cleanup_free) char *second = NULL;

	(void)state;
	rename_job(&both, 1, "a\"\\\n\xc3\xa4{}, ");
	both.jobs[1].stored = true;
	both.jobs[1].seconds = 0.001;
	one.jobs[0].stored = true;
	first = format(&both, NULL);
	second = format(&one, first);
	expect(second, "last_run_timestamp_seconds{backup_job="
	    "\"a\\\"\\\\\\n\xc3\xa4{}, \"}", "100");
	expect(second, "last_run_duration_seconds{backup_job="
	    "\"a\\\"\\\\\\n\xc3\xa4{}, \"}", "0.001");
	expect(second, "build_info{backup_job=\"a\\\"\\\\\\n\xc3\xa4{}, \","
	    "version=\"" BUILD_VERSION "\"}", "1");
	expect(second, "last_run_timestamp_seconds{backup_job=\"one\"}",
	    "200");
}

static void
all_have_failed_where_the_run_knew_no_jobs(void **state)
{
	CLEANUP(report_free) struct report good = fresh(2, 100);
	CLEANUP(report_free) struct report bad = fresh(0, 200);
	CLEANUP(cleanup_free) char *first = NULL;
	CLEANUP(cleanup_free) char *second = NULL;
	CLEANUP(cleanup_free) char *none = NULL;

	(void)state;
	add_store(&good, "s");
	good.jobs[0].stored = true;
	good.jobs[0].containers.stopped = 3;
	err_set(&bad.err, ERR_LOCKED, "another run holds the lock");
	bad.lock_wait_s = 60;
	first = format(&good, NULL);
	second = format(&bad, first);
	expect(second, "last_run_timestamp_seconds{backup_job=\"one\"}",
	    "200");
	expect(second, "last_success_timestamp_seconds{backup_job=\"one\"}",
	    "100");
	expect(second, "last_run_status{backup_job=\"one\"}", "0");
	expect(second, "last_run_status{backup_job=\"two\"}", "0");
	expect(second, "last_run_duration_seconds{backup_job=\"two\"}",
	    "60.000");
	expect(second, "lock_wait_seconds{backup_job=\"one\"}", "60.000");
	expect(second, "containers_stopped{backup_job=\"one\"}", "0");
	assert_null(strstr(second, "storage"));
	none = format(&bad, NULL);
	assert_string_equal(none, "");
}

/* Each line alone, and whether it is one of ours. */
static void
lines_that_are_not_ours_are_dropped(void **state)
{
	static const struct {
		const char *line;
		bool ours;
	} cases[] = {
		{ "vbackup_last_run_status{backup_job=\"x\"} 2", true },
		{ "vbackup_last_run_status{backup_job=\"\"} 2.5", true },
		{ "vbackup_build_info{backup_job=\"x\",version=\"0\"} 1",
		  true },
		{ "vbackup_storage_pruned{backup_job=\"x\",storage=\"\"} 0",
		  true },
		{ "", false },
		{ "# HELP vbackup_last_run_status something", false },
		{ "node_load1 0.5", false },
		{ "vbackup_last_run_status 2", false },
		{ "vbackup_last_run_status{} 2", false },
		{ "vbackup_last_run_statu{backup_job=\"x\"} 2", false },
		{ "vbackup_last_run_status2{backup_job=\"x\"} 2", false },
		{ " vbackup_last_run_status{backup_job=\"x\"} 2", false },
		{ "vbackup_last_run_status{backup_job=\"x\"}2", false },
		{ "vbackup_last_run_status{backup_job=\"x\"} ", false },
		{ "vbackup_last_run_status{backup_job=\"x\"}", false },
		{ "vbackup_last_run_status{backup_job=\"x\"} 2\r", false },
		{ "vbackup_last_run_status{backup_job=\"x\"} 2 1700000000000",
		  false },
		{ "vbackup_last_run_status{backup_job=\"x\"} NaN", false },
		{ "vbackup_last_run_status{backup_job=\"x\"} -1", false },
		{ "vbackup_last_run_status{backup_job=\"x\"} 1e3", false },
		{ "vbackup_last_run_status{backup_job=\"x\"} 1.", false },
		{ "vbackup_last_run_status{backup_job=\"x\"} .5", false },
		{ "vbackup_last_run_status{backup_job=\"x\"} 1.2.3", false },
		{ "vbackup_last_run_status{backup_job=\"x\"} "
		  "1234567890123456789012345678901", true },
		{ "vbackup_last_run_status{backup_job=\"x\"} "
		  "12345678901234567890123456789012", false },
		{ "vbackup_last_run_status{backup_job=\"x", false },
		{ "vbackup_last_run_status{backup_job=\"x\\", false },
		{ "vbackup_last_run_status{backup_job=\"x\\t\"} 1", false },
		{ "vbackup_last_run_status{backup_job=\"\xff\"} 1", false },
		{ "vbackup_last_run_status{backup_job=\"\x01\"} 1", false },
		{ "vbackup_last_run_status{backup_job=\"x\",more=\"y\"} 1",
		  false },
		{ "vbackup_last_run_status{job=\"x\"} 1", false },
		{ "vbackup_build_info{backup_job=\"x\"} 1", false },
		{ "vbackup_build_info{backup_job=\"x\",storage=\"0\"} 1",
		  false },
		{ "vbackup_storage_pruned{storage=\"s\",backup_job=\"x\"} 1",
		  false },
		{ "vbackup_storage_pruned{backup_job=\"x\",storage=\"\xc3\"} 1",
		  false },
	};
	CLEANUP(report_free) struct report report = fresh(1, 200);
	CLEANUP(cleanup_free) char *without = format(&report, NULL);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CLEANUP(cleanup_free) char *with = format(&report,
		    cases[i].line);

		if ((strcmp(with, without) != 0) != cases[i].ours)
			fail_msg("'%s': %s", cases[i].line, with);
		if (cases[i].ours)
			assert_non_null(strstr(with, cases[i].line));
	}
}

static void
what_is_there_twice_is_printed_once(void **state)
{
	static const char old[] =
	    "vbackup_last_run_status{backup_job=\"x\"} 1\n"
	    "vbackup_last_success_timestamp_seconds{backup_job=\"one\"} 50\n"
	    "vbackup_last_run_status{backup_job=\"x\"} 2\n";
	CLEANUP(report_free) struct report report = fresh(1, 200);
	CLEANUP(cleanup_free) char *text = NULL;

	(void)state;
	report.jobs[0].stored = true;
	text = format(&report, old);
	expect(text, "last_run_status{backup_job=\"x\"}", "1");
	assert_null(strstr(text, "\"x\"} 2"));
	expect(text, "last_success_timestamp_seconds{backup_job=\"one\"}",
	    "200");
	assert_null(strstr(text, "} 50\n"));
}

static void
texts_that_are_no_utf8_do_not_spoil_the_file(void **state)
{
	CLEANUP(report_free) struct report report = fresh(1, -1);
	CLEANUP(cleanup_free) char *text = NULL;
	CLEANUP(cleanup_free) char *again = NULL;

	(void)state;
	rename_job(&report, 0, "\xff\x01\r\t");
	add_store(&report, "\xc3\x28");
	report.jobs[0].seconds = -1;
	report.jobs[0].window_s = 1e300;
	text = format(&report, NULL);
	assert_true(str_is_utf8(text));
	expect(text, "last_run_timestamp_seconds{backup_job=\"???\t\"}", "0");
	expect(text, "last_run_duration_seconds{backup_job=\"???\t\"}", "0");
	expect(text, "downtime_seconds{backup_job=\"???\t\"}", "0");
	expect(text, "storage_upload_success{backup_job=\"???\t\","
	    "storage=\"?(\"}", "0");
	again = format(&report, text);
	assert_string_equal(text, again);
}

/* --- the file ------------------------------------------------------------ */

static void
a_file_is_replaced_and_all_may_read_it(void **state)
{
	CLEANUP(report_free) struct report good = fresh(1, 100);
	CLEANUP(report_free) struct report bad = fresh(1, 200);
	CLEANUP(scratch_free) struct scratch scratch = { "", "" };
	struct err err = ERR_INIT;
	struct stat st;

	(void)state;
	scratch_new(&scratch);
	good.jobs[0].stored = true;
	scratch_write(&scratch, "x.prom", "foreign 1\n\0\1\n", 13);
	assert_int_equal(metrics_write(&good, scratch_path(&scratch, "x.prom"),
	    &err), 0);
	assert_int_equal(stat(scratch_path(&scratch, "x.prom"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_null(strstr(scratch_read(&scratch, "x.prom"), "foreign"));
	assert_int_equal(metrics_write(&bad, scratch_path(&scratch, "x.prom"),
	    &err), 0);
	expect(scratch_read(&scratch, "x.prom"),
	    "last_success_timestamp_seconds{backup_job=\"one\"}", "100");
	expect(scratch_read(&scratch, "x.prom"),
	    "last_run_timestamp_seconds{backup_job=\"one\"}", "200");
}

static void
only_names_that_the_collector_reads_are_taken(void **state)
{
	static const char *const names[] = { "", "x", "x.prom.tmp", ".prom",
		"x.prom/", "x.PROM" };
	CLEANUP(report_free) struct report report = fresh(1, 100);
	CLEANUP(scratch_free) struct scratch scratch = { "", "" };
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	scratch_new(&scratch);
	for (i = 0; i < sizeof names / sizeof names[0]; i++) {
		const char *path = scratch_path(&scratch, names[i]);

		assert_int_equal(metrics_check_file(path, &err), -1);
		assert_int_equal(err.kind, ERR_CONFIG);
		assert_int_equal(metrics_write(&report, path, &err), -1);
		assert_int_equal(err.kind, ERR_CONFIG);
	}
	assert_int_equal(metrics_check_file("x.prom", &err), 0);
	assert_int_equal(metrics_check_file("/x.prom", &err), 0);
}

static void
what_is_no_plain_file_stays_and_is_an_error(void **state)
{
	CLEANUP(report_free) struct report report = fresh(1, 100);
	CLEANUP(scratch_free) struct scratch scratch = { "", "" };
	struct err err = ERR_INIT;
	char target[600];
	struct stat st;

	(void)state;
	scratch_new(&scratch);
	scratch_write(&scratch, "target", "precious", 8);
	(void)strcpy(target, scratch_path(&scratch, "target"));
	assert_int_equal(symlink(target, scratch_path(&scratch, "l.prom")), 0);
	assert_int_equal(metrics_write(&report, scratch.path, &err), -1);
	assert_non_null(strstr(err.msg, "is not a regular file"));
	assert_string_equal(scratch_read(&scratch, "target"), "precious");
	assert_int_equal(mkfifo(scratch_path(&scratch, "f.prom"), 0600), 0);
	assert_int_equal(metrics_write(&report, scratch.path, &err), -1);
	assert_non_null(strstr(err.msg, "is not a regular file"));
	assert_int_equal(mkdir(scratch_path(&scratch, "d.prom"), 0700), 0);
	assert_int_equal(metrics_write(&report, scratch.path, &err), -1);
	assert_int_equal(lstat(scratch_path(&scratch, "d.prom"), &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(metrics_write(&report, scratch_path(&scratch,
	    "missing/x.prom"), &err), -1);
	assert_int_equal(err.kind, ERR_NOTFOUND);
}

static void
a_file_that_is_too_large_is_an_error(void **state)
{
	CLEANUP(report_free) struct report report = fresh(1, 100);
	CLEANUP(scratch_free) struct scratch scratch = { "", "" };
	struct err err = ERR_INIT;
	struct stat st;

	(void)state;
	scratch_new(&scratch);
	scratch_write(&scratch, "x.prom", "", 0);
	assert_int_equal(truncate(scratch_path(&scratch, "x.prom"),
	    METRICS_FILE_BYTES + 1), 0);
	assert_int_equal(metrics_write(&report, scratch.path, &err), -1);
	assert_non_null(strstr(err.msg, "more than"));
	assert_int_equal(stat(scratch.path, &st), 0);
	assert_int_equal(st.st_size, METRICS_FILE_BYTES + 1);
	assert_int_equal(truncate(scratch.path, METRICS_FILE_BYTES), 0);
	assert_int_equal(metrics_write(&report, scratch.path, &err), 0);
}

/* Whoever comes second waits: its own series come beside those of the first,
 * not in their place. */
static void
writers_at_the_same_time_lose_nothing(void **state)
{
	CLEANUP(report_free) struct report report = fresh(1, 100);
	CLEANUP(scratch_free) struct scratch scratch = { "", "" };
	struct err err = ERR_INIT;
	char name[16];
	int i, status, rc = 0;

	(void)state;
	scratch_new(&scratch);
	(void)scratch_path(&scratch, "x.prom");
	for (i = 0; i < 4; i++)
		if (fork() == 0) {
			(void)snprintf(name, sizeof name, "job%d", i);
			rename_job(&report, 0, name);
			_exit(metrics_write(&report, scratch.path, &err) < 0);
		}
	while (wait(&status) > 0)
		rc |= status;
	assert_int_equal(rc, 0);
	for (i = 0; i < 4; i++) {
		CLEANUP(str_free) struct str series = STR_INIT;

		str_addf(&series, "last_run_status{backup_job=\"job%d\"}", i);
		expect(scratch_read(&scratch, "x.prom"), series.s, "0");
	}
}

static void
a_directory_that_somebody_locks_for_good_is_written_to(void **state)
{
	CLEANUP(report_free) struct report report = fresh(1, 100);
	CLEANUP(scratch_free) struct scratch scratch = { "", "" };
	struct err err = ERR_INIT;
	int fd;

	(void)state;
	scratch_new(&scratch);
	fd = open(scratch.dir, O_RDONLY | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(metrics_write(&report, scratch_path(&scratch,
	    "x.prom"), &err), 0);
	assert_int_equal(close(fd), 0);
	assert_true(scratch_has(&scratch, "x.prom"));
}

/* --- the Pushgateway ----------------------------------------------------- */

static const char *const setting_names[] = { "one", "two", "three" };

static int
push(const struct report *report, const char *url, struct err *err)
{
	struct courier courier = { .until_s = 1e9 };

	return metrics_push(report, url, setting_names, 3, &courier, err);
}

static void
each_job_is_pushed_by_itself(void **state)
{
	static const struct recorder_answer answers[] = { { .status = 200 },
		{ .status = 202 } };
	CLEANUP(report_free) struct report report = fresh(2, 100);
	struct err err = ERR_INIT;
	const char *second;

	(void)state;
	report.jobs[1].stored = true;
	recorder_start(RECORDER_ANSWERS(answers));
	assert_int_equal(push(&report, "http://u:p@h:9091/sub/?token=x", &err),
	    0);
	assert_true(str_starts(recorder_letter(0), "POST http://h:9091/sub/"
	    "metrics/job/vbackup/instance/host/backup_job/one?token=x\n"
	    "basic u:p\n"
	    "type text/plain; version=0.0.4; charset=utf-8\n\n" RUN_TIME
	    "vbackup_last_run_timestamp_seconds{backup_job=\"one\"} 100\n"
	    STATUS));
	second = recorder_letter(1);
	assert_true(str_starts(second, "POST http://h:9091/sub/metrics/job/"
	    "vbackup/instance/host/backup_job/two?token=x\nbasic u:p\n"));
	assert_null(strstr(second, "backup_job=\"one\""));
	expect(second, "last_success_timestamp_seconds{backup_job=\"two\"}",
	    "100");
	recorder_end();
}

static void
a_run_without_jobs_is_pushed_for_those_of_the_settings(void **state)
{
	static const struct recorder_answer answers[] = { { .status = 200 },
		{ .status = 200 }, { .status = 200 } };
	CLEANUP(report_free) struct report report = fresh(0, 100);
	struct err err = ERR_INIT;

	(void)state;
	err_set(&report.err, ERR_CONFIG, "wrong");
	recorder_start(RECORDER_ANSWERS(answers));
	assert_int_equal(push(&report, "http://h", &err), 0);
	expect(recorder_letter(2), "last_run_status{backup_job=\"three\"}",
	    "0");
	assert_null(strstr(recorder_text(), "last_success"));
	recorder_end();
}

static void
names_that_are_no_segment_are_encoded(void **state)
{
	static const struct {
		const char *name, *segment;
	} cases[] = {
		{ "a b", "backup_job/a%20b\n" },
		{ "a?#%", "backup_job/a%3F%23%25\n" },
		{ "\xc3\xa4\xff", "backup_job/%C3%A4%3F\n" },
		{ "", "backup_job@base64/=\n" },
		{ "a/b", "backup_job@base64/YS9i\n" },
		{ "/", "backup_job@base64/Lw==\n" },
		{ "..", "backup_job@base64/Li4=\n" },
		{ "?\?\?/>>>", "backup_job@base64/Pz8_Lz4-Pg==\n" },
	};
	static const struct recorder_answer answers[] = { { .status = 200 } };
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CLEANUP(report_free) struct report report = fresh(1, 100);

		rename_job(&report, 0, cases[i].name);
		free(report.host);
		assert_int_equal(str_dup("", &report.host, &err), 0);
		recorder_start(RECORDER_ANSWERS(answers));
		assert_int_equal(push(&report, "http://h/", &err), 0);
		assert_true(str_starts(recorder_letter(0), "POST http://h/"
		    "metrics/job/vbackup/instance@base64/=/backup_job"));
		if (strstr(recorder_letter(0), cases[i].segment) == NULL)
			fail_msg("%s", recorder_letter(0));
		recorder_end();
	}
}

static void
a_refusal_says_why_and_the_next_job_is_tried(void **state)
{
	static const struct {
		struct recorder_answer answers[2];
		size_t n;
		const char *message;
	} cases[] = {
		{ { { .status = 400, .body = "text format\nparsing error\n" },
		  { .status = 200 } }, 2,
		  "pushgateway: 'https://h:1' refused them: text format "
		  "parsing error" },
		{ { { .status = 400, .body = "first" }, { .status = 500 } }, 2,
		  "pushgateway: 'https://h:1' refused them: first" },
		{ { { .status = 200 }, { .status = 404, .body = "secret" } }, 2,
		  "pushgateway: 'https://h:1' answered with status 404" },
		{ { { .status = 301 }, { .kind = ERR_TIMEOUT } }, 2,
		  "pushgateway: 'https://h:1' answered with status 301" },
		{ { { .kind = ERR_UNREACHABLE } }, 1,
		  "pushgateway: scripted" },
	};
	CLEANUP(report_free) struct report report = fresh(2, 100);
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		recorder_start(cases[i].answers, cases[i].n);
		assert_int_equal(push(&report, "https://u:secret@h:1/secret",
		    &err), -1);
		assert_string_equal(err.msg, cases[i].message);
		recorder_end();
	}
	recorder_start(NULL, 0);
	assert_int_equal(push(&report, "secret", &err), -1);
	assert_int_equal(metrics_check_push("secret", &err), -1);
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_null(strstr(err.msg, "secret"));
	assert_int_equal(metrics_check_push("http://h:9091", &err), 0);
	recorder_end();
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_run_becomes_this_text),
		cmocka_unit_test(problems_of_a_job_and_lost_hooks_are_status_1),
		cmocka_unit_test(the_last_success_stays_while_the_job_fails),
		cmocka_unit_test(
		    jobs_that_this_run_was_not_about_stay_as_they_were),
		cmocka_unit_test(all_have_failed_where_the_run_knew_no_jobs),
		cmocka_unit_test(lines_that_are_not_ours_are_dropped),
		cmocka_unit_test(what_is_there_twice_is_printed_once),
		cmocka_unit_test(texts_that_are_no_utf8_do_not_spoil_the_file),
		cmocka_unit_test(a_file_is_replaced_and_all_may_read_it),
		cmocka_unit_test(only_names_that_the_collector_reads_are_taken),
		cmocka_unit_test(what_is_no_plain_file_stays_and_is_an_error),
		cmocka_unit_test(a_file_that_is_too_large_is_an_error),
		cmocka_unit_test(writers_at_the_same_time_lose_nothing),
		cmocka_unit_test(
		    a_directory_that_somebody_locks_for_good_is_written_to),
		cmocka_unit_test(each_job_is_pushed_by_itself),
		cmocka_unit_test(
		    a_run_without_jobs_is_pushed_for_those_of_the_settings),
		cmocka_unit_test(names_that_are_no_segment_are_encoded),
		cmocka_unit_test(a_refusal_says_why_and_the_next_job_is_tried),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
