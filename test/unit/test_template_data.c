#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/json.h"
#include "lib/base/log.h"
#include "lib/report/template.h"
#include "lib/report/template_data.h"

static const char *const names[] = { "db", "web" };

static int
set_up(void **state)
{
	(void)state;
	setenv("TZ", "UTC0", 1);
	tzset();
	return 0;
}

static struct report
fresh(size_t n)
{
	struct report report;
	struct err err = ERR_INIT;

	assert_int_equal(report_begin(&report, &err), 0);
	assert_int_equal(report_jobs(&report, names, n, &err), 0);
	free(report.host);
	report.host = strdup("box");
	report.started = 1795143600;
	report.finished = 1795143662;
	report.seconds = 62.5;
	return report;
}

static void
fill_job(struct report_job *job, const char *archive)
{
	struct err err = ERR_INIT;

	assert_int_equal(report_stores(job, 2, &err), 0);
	job->stored = true;
	job->archive = strdup(archive);
	job->started = 1795143601;
	job->seconds = 60;
	job->window_s = 35;
	job->size_bytes = 1536;
	job->files = 17;
	job->containers = (struct report_count){ 3, 2, 1 };
	job->services = (struct report_count){ 1, 1, 0 };
	job->stores[0].label = strdup("local '/archive'");
	job->stores[1].label = strdup("s3 'b'");
	job->stores[0].stored = job->stores[1].stored = true;
	job->stores[0].pruning = true;
	job->stores[0].total = 9;
	job->stores[0].pruned = 2;
	job->stores[1].prune_errors = 1;
}

/* A text with actions, or a template's name; {{ define }} as in defaults. */
static char *
render(const struct report *report, const struct options *options,
    const char *text, const char *name)
{
	CLEANUP(templates_freep) struct templates *templates = NULL;
	CLEANUP(json_free) struct cJSON *data = NULL;
	CLEANUP(str_free) struct str whole = STR_INIT;
	struct err err = ERR_INIT;
	char *got = NULL;

	assert_int_equal(templates_new(&templates, &err), 0);
	assert_int_equal(templates_add(templates, "defaults",
	    template_defaults(), strlen(template_defaults()), &err), 0);
	str_addf(&whole, "{{ define \"t\" }}%s{{ end }}", text);
	if (templates_add(templates, "t", whole.s, whole.len, &err) < 0 ||
	    template_data(report, options, &data, &err) < 0 ||
	    templates_render(templates, name, data, &got, &err) < 0)
		fail_msg("%s", err.msg);
	return got;
}

static void
check(const struct report *report, const struct options *options,
    const char *text, const char *wanted)
{
	CLEANUP(cleanup_free) char *got = render(report, options, text, "t");

	assert_string_equal(got, wanted);
}

static void
names_are_those_of_docker_volume_backup(void **state)
{
	struct report report = fresh(2);
	struct err err = ERR_INIT;

	(void)state;
	fill_job(&report.jobs[0], "/archive/db.tar.zst");
	fill_job(&report.jobs[1], "https://h/b/web.tar.zst");
	report.n_containers = 12;
	report.n_services = 4;
	report.lock_wait_s = 0.85;
	assert_int_equal(strlist_add(&report.log, "one", &err), 0);
	assert_int_equal(strlist_add(&report.log, "two", &err), 0);
	check(&report, NULL, "{{ with .Stats }}{{ .StartTime }} "
	    "{{ formatTime .EndTime }} {{ .TookTime }} {{ .LockedTime }} "
	    "{{ .LogOutput }}{{ end }}", "2026-11-20T03:00:00+00:00 "
	    "2026-11-20T03:01:02Z 1m2.5s 850ms one\ntwo\n");
	check(&report, NULL, "{{ .Stats.Containers | toJson }} "
	    "{{ .Stats.Services | toJson }}",
	    "{\"All\":12,\"ToStop\":6,\"Stopped\":4,\"StopErrors\":2} "
	    "{\"All\":4,\"ToScaleDown\":2,\"ScaledDown\":2,"
	    "\"ScaleDownErrors\":0}");
	check(&report, NULL, "{{ toJson .Stats.BackupFile }} "
	    "{{ formatBytesBin .Stats.BackupFile.Size }}",
	    "{\"Name\":\"db.tar.zst\",\"FullPath\":\"/archive/db.tar.zst\","
	    "\"Size\":1536} 1.5 KiB");
	check(&report, NULL, "{{ toJson .Stats.Storages }}",
	    "{\"Local\":{\"Total\":18,\"Pruned\":4,\"PruneErrors\":0},"
	    "\"S3\":{\"Total\":0,\"Pruned\":0,\"PruneErrors\":2}}");
	check(&report, NULL, "[{{ .Error }}] {{ .Outcome }} {{ .ExitStatus }} "
	    "{{ .Host }} {{ .Job }} {{ (index .Report.jobs 1).name }}",
	    "[] success 0 box db, web web");
	report_free(&report);
}

static void
spans_are_printed_as_go_does(void **state)
{
	static const struct {
		double seconds;
		const char *text;
	} cases[] = {
		{ 0, "0s" }, { -1, "0s" }, { 0.001, "1ms" }, { 0.85, "850ms" },
		{ 1, "1s" }, { 1.5, "1.5s" }, { 2.503, "2.503s" },
		{ 59.9996, "1m0s" }, { 60, "1m0s" }, { 62.5, "1m2.5s" },
		{ 3605, "1h0m5s" }, { 90061.25, "25h1m1.25s" },
		{ 2.01, "2.01s" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct report report = fresh(0);

		report.seconds = cases[i].seconds;
		check(&report, NULL, "{{ .Stats.TookTime }}", cases[i].text);
		report_free(&report);
	}
}

static void
settings_are_there_but_no_secret(void **state)
{
	struct report report = fresh(0);
	struct options options;
	struct err err = ERR_INIT;
	int id;

	(void)state;
	assert_int_equal(options_init(&options, &err), 0);
	for (id = 0; id < OPTION_COUNT; id++)
		if (option_specs[id].type == OPTION_SECRET)
			assert_int_equal(options_set(&options,
			    (enum option_id)id, "never shown", ORIGIN_FILE,
			    "f:1", &err), 0);
	assert_int_equal(options_set(&options, OPTION_ID_notification_templates,
	    "/never shown/\xff", ORIGIN_FILE, "f:1", &err), 0);
	check(&report, &options, "{{ .Config.NotificationLevel }} "
	    "{{ .Config.EmailSmtpPort }} "
	    "{{ .Config.VbackupNotificationTemplates }}",
	    "error 587 /***/?");
	check(&report, &options, "[{{ .Config.AwsSecretAccessKey }}"
	    "{{ .Config.NotificationUrls }}{{ .Config.EmailSmtpHost }}]"
	    "{{ eq .Config.EmailSmtpHost \"\" }}", "[]true");
	log_close();	/* nothing is hidden by the mask from here on */
	check(&report, &options, "{{ range .Config }}"
	    "{{ if eq (print .) \"never shown\" }}!{{ end }}{{ end }}", "");
	check(&report, NULL, "{{ toJson .Config }}", "{}");
	options_free(&options);
	report_free(&report);
}

static void
bools_are_bools(void **state)
{
	struct report report = fresh(0);
	struct options options;
	struct err err = ERR_INIT;
	size_t n = 0;
	int id;

	(void)state;
	assert_int_equal(options_init(&options, &err), 0);
	for (id = 0; id < OPTION_COUNT; id++) {
		if (option_specs[id].type != OPTION_BOOL)
			continue;
		n++;
		assert_int_equal(options_set(&options, (enum option_id)id,
		    n % 2 == 0 ? "yes" : "no", ORIGIN_FILE, "f:1", &err), 0);
	}
	{
		CLEANUP(cleanup_free) char *got = render(&report, &options,
		    "{{ range .Config }}{{ if eq . true }}y{{ else if eq . "
		    "false }}n{{ end }}{{ end }}", "t");
		size_t yes = 0, no = 0, i;

		for (i = 0; got[i] != '\0'; i++)
			*(got[i] == 'y' ? &yes : &no) += 1;
		assert_true(n > 0);
		assert_int_equal(yes, n / 2);
		assert_int_equal(no, n - n / 2);
	}
	options_free(&options);
	report_free(&report);
}

static void
check_default(const struct report *report, const char *name,
    const char *wanted)
{
	CLEANUP(cleanup_free) char *got = render(report, NULL, "", name);

	assert_string_equal(got, wanted);
}

static void
a_success_is_told_briefly(void **state)
{
	struct report report = fresh(1);
	struct err err = ERR_INIT;

	(void)state;
	fill_job(&report.jobs[0], "/archive/db.tar.zst");
	assert_int_equal(strlist_add(&report.log, "a line", &err), 0);
	check_default(&report, "title_success",
	    "vbackup on box: success (db)");
	check_default(&report, "body_success",
	    "The backup is done.\n"
	    "\n"
	    "db: success\n"
	    "  /archive/db.tar.zst\n"
	    "  1.5 KiB of 17 files in 1m00s\n"
	    "  stopped for 35.0s\n"
	    "  local '/archive': stored, 7 archives, 2 pruned\n"
	    "  s3 'b': stored, 1 not pruned\n"
	    "\n"
	    "a line\n");
	report_free(&report);
}

static void
problems_are_listed_with_their_job(void **state)
{
	struct report report = fresh(2);
	struct err err = ERR_INIT;

	(void)state;
	fill_job(&report.jobs[0], "/archive/db.tar.zst");
	fill_job(&report.jobs[1], "/archive/web.tar.zst");
	report.jobs[1].window_s = 0;
	report.jobs[1].files = 1;
	report.jobs[1].stores[0].total = 3;
	report.jobs[1].n_stores = 1;
	report_problem(&report.jobs[1], "a file changed");
	report.jobs[1].n_problems = 101;
	free(report.jobs[1].stores[1].label);
	assert_int_equal(strlist_add(&report.untold, "a hook failed", &err),
	    0);
	check_default(&report, "title_failure",
	    "vbackup on box: problems (db, web)");
	check_default(&report, "body_failure",
	    "The backup is done, with problems.\n"
	    "a hook failed\n"
	    "\n"
	    "db: success\n"
	    "  /archive/db.tar.zst\n"
	    "  1.5 KiB of 17 files in 1m00s\n"
	    "  stopped for 35.0s\n"
	    "  local '/archive': stored, 7 archives, 2 pruned\n"
	    "  s3 'b': stored, 1 not pruned\n"
	    "\n"
	    "web: problems\n"
	    "  /archive/web.tar.zst\n"
	    "  1.5 KiB of 1 file in 1m00s\n"
	    "  local '/archive': stored, 1 archive, 2 pruned\n"
	    "  problem: a file changed\n"
	    "  and 101 problems in all");
	report_free(&report);
}

static void
a_failure_says_why_first(void **state)
{
	struct report report = fresh(0);
	struct err err = ERR_INIT;

	(void)state;
	(void)err_set(&report.err, ERR_UNREACHABLE, "no answer from Docker");
	report.at_rest = true;
	assert_int_equal(strlist_add(&report.warnings, "early name", &err),
	    0);
	check_default(&report, "title_failure", "vbackup on box: failure");
	check_default(&report, "body_failure",
	    "The backup failed.\n"
	    "What was stopped does not run again: see to it.\n"
	    "no answer from Docker\n"
	    "warning: early name");
	report_free(&report);
}

static void
a_long_title_does_without_names(void **state)
{
	struct report report = fresh(2);

	(void)state;
	free(report.jobs[1].name);
	report.jobs[1].name = strdup("a-name-that-alone-would-fill-the-whole-"
	    "of-the-title-of-a-message");
	check_default(&report, "title_failure", "vbackup on box: failure");
	report_free(&report);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_those_of_docker_volume_backup),
		cmocka_unit_test(spans_are_printed_as_go_does),
		cmocka_unit_test(settings_are_there_but_no_secret),
		cmocka_unit_test(bools_are_bools),
		cmocka_unit_test(a_success_is_told_briefly),
		cmocka_unit_test(problems_are_listed_with_their_job),
		cmocka_unit_test(a_failure_says_why_first),
		cmocka_unit_test(a_long_title_does_without_names),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
