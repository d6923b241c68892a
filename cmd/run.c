#define _GNU_SOURCE
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd/cmd.h"
#include "lib/config/problems.h"
#include "lib/run/run.h"

enum { OPT_DRY_RUN = 256 };

static const struct option long_options[] = {
	{ "job", required_argument, NULL, 'j' },
	{ "dry-run", no_argument, NULL, OPT_DRY_RUN },
	{ NULL, 0, NULL, 0 }
};

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

static enum exit_status
execute(const struct config *config, const struct strlist *jobs, bool quiet)
{
	CLEANUP(report_free) struct report report = { 0 };
	struct err err = ERR_INIT;
	size_t i;

	if (run_execute(config, jobs, &report, &err) < 0)
		return cmd_fail(&err);
	for (i = 0; !quiet && i < report.n_jobs; i++)
		if (report.jobs[i].stored)
			(void)printf("%s\n", report.jobs[i].archive);
	return report_exit(&report);
}

enum exit_status
cmd_run(const struct cmd_context *context, int argc, char **argv)
{
	CLEANUP(config_free) struct config config = { 0 };
	CLEANUP(strlist_free) struct strlist jobs = STRLIST_INIT;
	struct err err = ERR_INIT;
	bool dry = false;
	int c;

	while ((c = getopt_long(argc, argv, "j:", long_options, NULL)) != -1) {
		if (c == OPT_DRY_RUN)
			dry = true;
		else if (c != 'j')
			return cmd_usage("run", "wrong option");
		else if (strlist_add(&jobs, optarg, &err) < 0)
			return cmd_fail(&err);
	}
	if (optind != argc)
		return cmd_usage("run", "unexpected '%s'", argv[optind]);
	if (cmd_load_config(context, &config, &err) < 0)
		return cmd_fail(&err);
	return cmd_flush(dry ? dry_run(&config, &jobs) :
	    execute(&config, &jobs, context->quiet));
}
