#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/config/config.h"
#include "lib/report/announce.h"
#include "lib/report/audience.h"
#include "lib/report/hook.h"
#include "lib/report/service.h"
#include "lib/report/template_data.h"

#define LENGTH(array) (sizeof (array) / sizeof *(array))

/* --- what goes out ------------------------------------------------------- */

static struct strlist sent;	/* "[host outcome]" for each message: those that
				 * follow each other sorted, for they go at
				 * once; "{event command}" */
static struct strlist bodies;
static const char *failing;	/* host that refuses */

static void PRINTF_LIKE(1, 2)
note(const char *fmt, ...)
{
	struct err err = ERR_INIT;
	va_list args;
	char text[256];
	size_t i;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	assert_int_equal(strlist_add(&sent, text, &err), 0);
	for (i = sent.n - 1; i > 0 && sent.v[i][0] == '[' &&
	    sent.v[i - 1][0] == '[' &&
	    strcmp(sent.v[i - 1], sent.v[i]) > 0; i--) {
		char *swap = sent.v[i];

		sent.v[i] = sent.v[i - 1];
		sent.v[i - 1] = swap;
	}
}

int __wrap_service_send(const struct service_target *target,
    const struct message *message, struct courier *courier, struct err *err);
int __wrap_command_hook_run(const char *command, const char *event,
    double timeout_s, const struct report *report, struct err *err);

int
__wrap_service_send(const struct service_target *target,
    const struct message *message, struct courier *courier, struct err *err)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

	assert_true(courier_left_s(courier) > 0);
	pthread_mutex_lock(&mutex);
	note("[%s %s]", target->url.host,
	    outcome_name(message->outcome));
	assert_int_equal(strlist_add(&bodies, message->body, err), 0);
	pthread_mutex_unlock(&mutex);
	return failing != NULL && strcmp(target->url.host, failing) == 0 ?
	    err_set(err, ERR_REFUSED, "no such topic") : 0;
}

int
__wrap_command_hook_run(const char *command, const char *event,
    double timeout_s, const struct report *report, struct err *err)
{
	(void)timeout_s;
	(void)report;
	note("{%s %s}", event, command);
	return strcmp(command, "false") == 0 ?
	    err_set(err, ERR_SYSTEM, "exit status 1") : 0;
}

static void
assert_sent(const char *expected)
{
	char all[2048] = "";
	size_t i, n = 0;

	for (i = 0; i < sent.n; i++)
		n += (size_t)snprintf(all + n, sizeof all - n, "%s",
		    sent.v[i]);
	assert_string_equal(all, expected);
	strlist_free(&sent);
	strlist_free(&bodies);
}

/* --- a configuration and a report ---------------------------------------- */

struct scene {
	struct config config;
	struct report report;
	struct announce *announce;
	struct strlist problems, warnings;
};

static void
read_environment(struct config *ret, const char *const *environment)
{
	struct err err = ERR_INIT;
	struct config_input input = { .environment =
		(char *const *)(uintptr_t)environment };

	assert_int_equal(config_load(&input, ret, &err), 0);
	assert_int_equal(ret->problems.n, 0);
}

/* Three jobs: two of the base, and one of a [job] with its own settings. */
static void
set(struct scene *scene, const char *const *environment)
{
	static const char *const names[] = { "a", "b", "c" };
	struct err err = ERR_INIT;
	size_t i;

	*scene = (struct scene){ .announce = NULL };
	read_environment(&scene->config, environment);
	assert_int_equal(announce_open(&scene->config, &scene->announce,
	    &scene->problems, &scene->warnings, &err), 0);
	assert_int_equal(report_begin(&scene->report, &err), 0);
	assert_int_equal(report_jobs(&scene->report, names, 3, &err), 0);
	for (i = 0; i < 3; i++) {
		scene->report.jobs[i].options = &scene->config.base;
		scene->report.jobs[i].stored = true;
	}
}

/* The last job's settings are these. */
static void
give_job(struct scene *scene, const char *const *environment)
{
	struct config other;
	struct err err = ERR_INIT;

	read_environment(&other, environment);
	scene->config.jobs = calloc(1, sizeof *scene->config.jobs);
	assert_non_null(scene->config.jobs);
	assert_int_equal(str_dup("c", &scene->config.jobs[0].name, &err), 0);
	assert_int_equal(options_copy(&other.base,
	    &scene->config.jobs[0].options, &err), 0);
	scene->config.n_jobs = 1;
	config_free(&other);
	scene->report.jobs[2].options = &scene->config.jobs[0].options;
	announce_close(scene->announce);
	assert_int_equal(announce_open(&scene->config, &scene->announce,
	    &scene->problems, &scene->warnings, &err), 0);
}

static void
strike(struct scene *scene)
{
	announce_close(scene->announce);
	report_free(&scene->report);
	config_free(&scene->config);
	strlist_free(&scene->problems);
	strlist_free(&scene->warnings);
	failing = NULL;
}

static void
end(struct scene *scene)
{
	report_end(&scene->report);
	announce_end(scene->announce, &scene->report);
}

/* --- hooks --------------------------------------------------------------- */

static void
note_hook(void *cookie, struct report *report)
{
	(void)report;
	note("%s", (const char *)cookie);
}

static void
fail_hook(void *cookie, struct report *report)
{
	struct err err = ERR_INIT;

	note_hook(cookie, report);
	(void)err_set(&err, ERR_REFUSED, "no");
	hook_failed(report, "it", &err);
}

static void
hooks_run_by_level_and_in_order_and_all_of_them(void **state)
{
	struct hooks hooks = HOOKS_INIT;
	struct report report;
	struct err err = ERR_INIT;
	const struct hook list[] = {
		{ HOOK_INFO, HOOK_ALWAYS, note_hook, "i" },
		{ HOOK_ERROR, HOOK_ALWAYS, note_hook, "e" },
		{ HOOK_PLUMBING, HOOK_ALWAYS, fail_hook, "p" },
		{ HOOK_PLUMBING, HOOK_ON_SUCCESS, note_hook, "s" },
		{ HOOK_INFO, HOOK_ON_SUCCESS, note_hook, "S" },
		{ HOOK_PLUMBING, HOOK_ON_PROBLEMS, note_hook, "q" },
		{ HOOK_PLUMBING, HOOK_ON_FAILURE, note_hook, "f" },
	};
	size_t i;

	(void)state;
	assert_int_equal(report_begin(&report, &err), 0);
	for (i = 0; i < LENGTH(list); i++)
		assert_int_equal(hooks_add(&hooks, &list[i], &err), 0);
	/* The first one that fails makes problems of a success. */
	hooks_run(&hooks, &report);
	assert_sent("pqei");
	assert_int_equal(report_exit(&report), EXIT_PROBLEMS);
	assert_string_equal(report_error(&report), "it: no");
	hooks_free(&hooks);
	report_free(&report);
}

/* --- who is told --------------------------------------------------------- */

static void
a_success_is_told_at_level_info_only(void **state)
{
	static const char *const errors[] = {
		"NOTIFICATION_URLS=ntfy://one/t", NULL };
	static const char *const infos[] = {
		"NOTIFICATION_URLS=ntfy://one/t", "NOTIFICATION_LEVEL=info",
		NULL };
	static const char *const apart[] = {
		"NOTIFICATION_URLS_ERROR=ntfy://bad/t",
		"NOTIFICATION_URLS_SUCCESS=ntfy://good/t", NULL };
	static const struct {
		const char *const *environment;
		const char *success, *problems, *failure;
	} rows[] = {
		{ errors, "", "[one problems]", "[one failure]" },
		{ infos, "[one success]", "[one problems]",
		    "[one failure]" },
		{ apart, "[good success]", "[bad problems]",
		    "[bad failure]" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(rows); i++) {
		struct scene scene;

		set(&scene, rows[i].environment);
		end(&scene);
		assert_sent(rows[i].success);
		report_problem(&scene.report.jobs[1], "x");
		end(&scene);
		assert_sent(rows[i].problems);
		scene.report.jobs[0].stored = false;
		end(&scene);
		assert_sent(rows[i].failure);
		strike(&scene);
	}
}

static void
jobs_with_urls_of_their_own_are_told_there(void **state)
{
	static const char *const base[] = {
		"NOTIFICATION_URLS=ntfy://base/t", "NOTIFICATION_LEVEL=info",
		NULL };
	static const char *const own[] = {
		"NOTIFICATION_URLS=ntfy://own/t", NULL };
	struct scene scene;
	struct err err = ERR_INIT;

	(void)state;
	set(&scene, base);
	give_job(&scene, own);
	end(&scene);
	assert_sent("[base success]");
	scene.report.jobs[2].stored = false;
	(void)err_set(&scene.report.jobs[2].err, ERR_SOURCE, "gone");
	end(&scene);
	assert_sent("[base success][own failure]");
	/* Of what failed before there were jobs, everybody is told. */
	scene.report.n_jobs = 0;
	(void)err_set(&scene.report.err, ERR_LOCKED, "locked");
	end(&scene);
	assert_int_equal(bodies.n, 2);
	assert_non_null(strstr(bodies.v[0], "locked"));
	assert_sent("[base failure][own failure]");
	scene.report.n_jobs = 3;
	(void)err;
	strike(&scene);
}

static void
who_cannot_be_told_makes_problems_and_keeps_no_other(void **state)
{
	static const char *const urls[] = { "NOTIFICATION_URLS="
		"ntfy://one/t,ntfy://two/t", "NOTIFICATION_LEVEL=info", NULL };
	struct scene scene;

	(void)state;
	set(&scene, urls);
	failing = "one";
	end(&scene);
	assert_sent("[one success][two success]");
	assert_int_equal(report_exit(&scene.report), EXIT_PROBLEMS);
	assert_string_equal(report_error(&scene.report), "NOTIFICATION_URLS: "
	    "URL 1 (ntfy): no such topic");
	strike(&scene);
}

static void
what_cannot_be_told_is_trouble_for_others(void **state)
{
	static const char *const urls[] = {
		"NOTIFICATION_URLS=ntfy://all/t", "NOTIFICATION_LEVEL=info",
		"NOTIFICATION_URLS_SUCCESS=ntfy://good/t",
		"NOTIFICATION_URLS_ERROR=ntfy://bad/t", NULL };
	static const char *const quiet[] = {
		"NOTIFICATION_URLS=ntfy://all/t",
		"NOTIFICATION_URLS_SUCCESS=ntfy://good/t", NULL };
	struct scene scene;

	(void)state;
	set(&scene, urls);
	failing = "all";
	end(&scene);
	assert_sent("[all success][bad problems][good success]");
	strike(&scene);
	set(&scene, quiet);
	failing = "good";
	end(&scene);
	assert_sent("[all problems][good success]");
	strike(&scene);
}

static void
one_audience_s_trouble_is_not_another_s(void **state)
{
	static const char *const base[] = {
		"NOTIFICATION_URLS=ntfy://base/t", "NOTIFICATION_LEVEL=info",
		"VBACKUP_HOOKS_ALWAYS=false", NULL };
	static const char *const own[] = {
		"NOTIFICATION_URLS=ntfy://own/t", "NOTIFICATION_LEVEL=info",
		NULL };
	static const char *const other[] = {
		"NOTIFICATION_URLS=ntfy://base/t", "NOTIFICATION_LEVEL=info",
		NULL };
	struct scene scene;

	(void)state;
	set(&scene, base);
	give_job(&scene, own);
	/* A command of the run is everybody's. */
	end(&scene);
	assert_sent("{always false}[base problems][own problems]");
	strike(&scene);
	set(&scene, own);
	give_job(&scene, other);
	failing = "base";
	end(&scene);
	assert_string_equal(report_error(&scene.report), "NOTIFICATION_URLS: "
	    "URL 1 (ntfy): no such topic");
	assert_int_equal(scene.report.jobs[0].n_problems, 0);
	assert_int_equal(scene.report.jobs[2].n_problems, 1);
	assert_sent("[base success][own success]");
	failing = NULL;
	scene.report.jobs[2].n_problems = 0;
	strlist_free(&scene.report.jobs[2].problems);
	/* So is a signal that came when its archive was stored. */
	scene.report.interrupted = true;
	scene.report.jobs[2].interrupted = true;
	scene.report.jobs[2].stored = false;
	end(&scene);
	assert_sent("[base failure][own success]");
	strike(&scene);
}

static void
commands_are_run_by_outcome_and_before_anybody_is_told(void **state)
{
	static const char *const environment[] = {
		"VBACKUP_HOOKS_ON_START=start", "VBACKUP_HOOKS_ON_SUCCESS=good",
		"VBACKUP_HOOKS_ON_PROBLEM=soso", "VBACKUP_HOOKS_ON_ERROR=bad",
		"VBACKUP_HOOKS_ALWAYS=any", "NOTIFICATION_URLS=ntfy://h/t",
		NULL };
	static const char *const failing_start[] = {
		"VBACKUP_HOOKS_ON_START=false", NULL };
	struct scene scene;

	(void)state;
	set(&scene, environment);
	announce_start(scene.announce, &scene.report);
	assert_sent("{start start}");
	end(&scene);
	assert_sent("{success good}{always any}");
	report_problem(&scene.report.jobs[1], "x");
	end(&scene);
	assert_sent("{problem soso}{always any}[h problems]");
	scene.report.jobs[1].stored = false;
	end(&scene);
	assert_sent("{error bad}{always any}[h failure]");
	strike(&scene);
	set(&scene, failing_start);
	announce_start(scene.announce, &scene.report);
	assert_sent("{start false}");
	assert_string_equal(report_error(&scene.report), "hooks.on_start: "
	    "exit status 1");
	strike(&scene);
}

/* --- settings ------------------------------------------------------------ */

static void
what_is_wrong_is_said_without_the_url(void **state)
{
	static const struct {
		const char *environment[3];
		const char *problem;
	} rows[] = {
		{ { "NOTIFICATION_URLS=ntfy://h/t,carrier-pigeon://sesame",
		    NULL }, "NOTIFICATION_URLS: URL 1: " },
		{ { "NOTIFICATION_URLS_ERROR=ntfy://h/t\nsesame:x", NULL },
		    "NOTIFICATION_URLS_ERROR: URL 2: " },
		{ { "VBACKUP_PING_URL=ftp://h/sesame", NULL },
		    "VBACKUP_PING_URL: " },
		{ { "VBACKUP_METRICS_PUSHGATEWAY=sesame", NULL },
		    "VBACKUP_METRICS_PUSHGATEWAY: " },
		{ { "VBACKUP_METRICS_TEXTFILE=/tmp/x.txt", NULL },
		    "VBACKUP_METRICS_TEXTFILE: " },
		{ { "VBACKUP_NOTIFICATION_FILTER=a(b", NULL },
		    "VBACKUP_NOTIFICATION_FILTER: " },
		{ { "VBACKUP_NOTIFICATION_CA_CERT=/nowhere", NULL },
		    "VBACKUP_NOTIFICATION_CA_CERT: " },
		{ { "VBACKUP_NOTIFICATION_TEMPLATES=/nowhere", NULL },
		    "notification.templates: " },
		{ { "EMAIL_NOTIFICATION_RECIPIENT=me@x", NULL },
		    "EMAIL_NOTIFICATION_RECIPIENT: there is no mail server" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(rows); i++) {
		struct scene scene;

		set(&scene, rows[i].environment);
		assert_int_equal(scene.problems.n, 1);
		assert_memory_equal(scene.problems.v[0], rows[i].problem,
		    strlen(rows[i].problem));
		assert_null(strstr(scene.problems.v[0], "sesame"));
		strike(&scene);
	}
}

static void
old_mail_settings_are_one_mail_and_a_warning(void **state)
{
	static const char *const environment[] = {
		"EMAIL_NOTIFICATION_RECIPIENT=me@x", "EMAIL_SMTP_HOST=mail.x",
		"EMAIL_SMTP_USERNAME=u", "EMAIL_SMTP_PASSWORD=p@:/ss", NULL };
	struct scene scene;

	(void)state;
	set(&scene, environment);
	assert_int_equal(scene.problems.n, 0);
	assert_int_equal(scene.warnings.n, 1);
	assert_non_null(strstr(scene.warnings.v[0], "deprecated"));
	scene.report.jobs[0].stored = false;
	end(&scene);
	assert_sent("[mail.x failure]");
	strike(&scene);
}

static void
a_filter_that_is_wrong_lets_nothing_through(void **state)
{
	static const char *const environment[] = {
		"VBACKUP_NOTIFICATION_FILTER=a(b",
		"NOTIFICATION_URLS=ntfy://h/t", NULL };
	struct scene scene;
	struct err err = ERR_INIT;

	(void)state;
	set(&scene, environment);
	scene.report.n_jobs = 0;
	(void)err_set(&scene.report.err, ERR_CONFIG, "open-sesame");
	assert_int_equal(strlist_add(&scene.report.log, "open-sesame", &err),
	    0);
	end(&scene);
	assert_int_equal(bodies.n, 1);
	assert_null(strstr(bodies.v[0], "sesame"));
	assert_sent("[h failure]");
	scene.report.n_jobs = 3;
	strike(&scene);
}

static void
keep_told(void *cookie, const char *name, const struct err *why)
{
	(void)cookie;
	note("<%s: %s>", name, why->msg);
}

static void
a_message_by_hand_goes_to_all(void **state)
{
	static const char *const environment[] = {
		"NOTIFICATION_URLS=ntfy://one/t",
		"NOTIFICATION_URLS_ERROR=ntfy://two/t", NULL };
	static const char *const nobody[] = { NULL };
	struct scene scene;
	struct err err = ERR_INIT;

	(void)state;
	set(&scene, environment);
	failing = "two";
	assert_int_equal(announce_tell(scene.announce, "T\r\nX: y", "B",
	    keep_told, NULL, &err), 0);
	assert_sent("[one success][two success]"
	    "<NOTIFICATION_URLS: URL 1 (ntfy): >"
	    "<NOTIFICATION_URLS_ERROR: URL 1 (ntfy): no such topic>");
	assert_int_equal(announce_tell(scene.announce, " \n", "B", keep_told,
	    NULL, &err), -1);
	assert_int_equal(err.kind, ERR_USAGE);
	strike(&scene);
	set(&scene, nobody);
	assert_int_equal(announce_tell(scene.announce, "T", "B", keep_told,
	    NULL, &err), -1);
	assert_int_equal(err.kind, ERR_CONFIG);
	strike(&scene);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    hooks_run_by_level_and_in_order_and_all_of_them),
		cmocka_unit_test(a_success_is_told_at_level_info_only),
		cmocka_unit_test(jobs_with_urls_of_their_own_are_told_there),
		cmocka_unit_test(
		    who_cannot_be_told_makes_problems_and_keeps_no_other),
		cmocka_unit_test(what_cannot_be_told_is_trouble_for_others),
		cmocka_unit_test(one_audience_s_trouble_is_not_another_s),
		cmocka_unit_test(
		    commands_are_run_by_outcome_and_before_anybody_is_told),
		cmocka_unit_test(what_is_wrong_is_said_without_the_url),
		cmocka_unit_test(old_mail_settings_are_one_mail_and_a_warning),
		cmocka_unit_test(a_filter_that_is_wrong_lets_nothing_through),
		cmocka_unit_test(a_message_by_hand_goes_to_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
