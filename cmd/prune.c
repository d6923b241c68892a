#define _GNU_SOURCE
#include <stdio.h>

#include "cmd/cmd.h"
#include "lib/run/run.h"

static void
tell(void *cookie, const char *place, const char *name)
{
	const struct cmd_context *context = cookie;

	if (!context->quiet)
		(void)printf("%s/%s\n", place, name);
}

enum exit_status
cmd_prune(const struct cmd_context *context, int argc, char **argv)
{
	CLEANUP(config_free) struct config config = { 0 };
	CLEANUP(strlist_free) struct strlist jobs = STRLIST_INIT;
	CLEANUP(report_free) struct report report = { 0 };
	struct err err = ERR_INIT;
	bool dry_run = false;
	enum exit_status status;

	status = cmd_take_jobs(argc, argv, &jobs, &dry_run, NULL);
	if (status != EXIT_DONE)
		return status;
	if (cmd_load_config(context, &config, &err) < 0 ||
	    run_prune(&config, &jobs, dry_run, tell,
	    (void *)(uintptr_t)context, &report, &err) < 0)
		return cmd_fail(&err);
	return cmd_flush(report_exit(&report));
}
