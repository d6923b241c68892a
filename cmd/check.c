#define _GNU_SOURCE
#include <stdio.h>

#include "cmd/cmd.h"
#include "lib/config/problems.h"
#include "lib/run/run.h"

/* All problems at once, those of the settings and those that only the plan
 * shows. The plan is looked at even if settings are wrong. */
enum exit_status
cmd_check(const struct cmd_context *context, int argc, char **argv)
{
	CLEANUP(config_free) struct config config = { 0 };
	struct strlist no_jobs = STRLIST_INIT;
	struct err err = ERR_INIT, engine_err = ERR_INIT;
	int rc;

	if (argc != 1)
		return cmd_usage("check", "unexpected '%s'", argv[1]);
	if (cmd_read_config(context, &config, &err) < 0)
		return cmd_fail(&err);
	rc = run_check(&config, &no_jobs, &config.problems, &config.warnings,
	    NULL, &engine_err);
	if (problems_log(&config.problems, &config.warnings, &err) < 0) {
		if (rc < 0)
			log_error("%s", engine_err.msg);
		return cmd_fail(&err);
	}
	if (rc < 0)
		return cmd_fail(&engine_err);
	if (!context->quiet)
		(void)puts("no problems");
	return cmd_flush(EXIT_DONE);
}
