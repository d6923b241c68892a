#define _GNU_SOURCE
#include <stdio.h>

#include "cmd/cmd.h"
#include "lib/config/problems.h"
#include "lib/report/hook.h"
#include "lib/report/report_json.h"
#include "lib/run/run.h"

static enum exit_status
dry_run(const struct config *config, const struct strlist *jobs)
{
	CLEANUP(strlist_free) struct strlist problems = STRLIST_INIT;
	CLEANUP(strlist_free) struct strlist warnings = STRLIST_INIT;
	CLEANUP(cleanup_free) char *text = NULL;
	struct err err = ERR_INIT;

	if (run_check(config, jobs, &problems, &warnings, &text, &err) < 0 ||
	    problems_log(&problems, &warnings, &err) < 0)
		return cmd_fail(&err);
	(void)fputs(text, stdout);
	return EXIT_DONE;
}

/* Settings that are wrong are looked at by run_execute: those who are told of a
 * run are told of them, too. */
static enum exit_status
execute(const struct config *config, const struct strlist *jobs, bool quiet,
    bool json)
{
	CLEANUP(report_free) struct report report = { 0 };
	CLEANUP(cleanup_free) char *text = NULL;
	struct err err = ERR_INIT;
	size_t i;

	if (run_execute(config, jobs, &report, &err) < 0)
		return cmd_fail(&err);
	if (json && report_json_text(&report, &text, &err) < 0)
		hook_failed(&report, "--json", &err);
	if (text != NULL)
		(void)fputs(text, stdout);
	for (i = 0; !quiet && !json && i < report.n_jobs; i++)
		if (report.jobs[i].archive != NULL)
			(void)printf("%s\n", report.jobs[i].archive);
	return report_exit(&report);
}

enum exit_status
cmd_run(const struct cmd_context *context, int argc, char **argv)
{
	CLEANUP(config_free) struct config config = { 0 };
	CLEANUP(strlist_free) struct strlist jobs = STRLIST_INIT;
	struct err err = ERR_INIT;
	bool dry = false, json = false;
	enum exit_status status;

	status = cmd_take_jobs(argc, argv, &jobs, &dry, &json);
	if (status != EXIT_DONE)
		return status;
	if (dry && json)
		return cmd_usage("run", "--json does not go with --dry-run");
	if ((dry ? cmd_load_config(context, &config, &err) :
	    cmd_read_config(context, &config, &err)) < 0)
		return cmd_fail(&err);
	return cmd_flush(dry ? dry_run(&config, &jobs) :
	    execute(&config, &jobs, context->quiet, json));
}
