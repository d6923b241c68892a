#define _GNU_SOURCE
#include <stdio.h>

#include "cmd/cmd.h"
#include "lib/config/problems.h"
#include "lib/report/announce.h"

#define TEXT "A message that was sent by hand, to see that it arrives."

struct outcome_count {
	size_t failed;
};

/* A line for each service, on stdout: the result that was asked for. */
static void
told(void *cookie, const char *name, const struct err *why)
{
	struct outcome_count *count = cookie;
	CLEANUP(cleanup_free) char *masked = NULL;
	struct err err = ERR_INIT;

	if (why->kind == ERR_NONE) {
		(void)printf("%s: sent\n", name);
		return;
	}
	count->failed++;
	(void)printf("%s: not sent: %s\n", name,
	    log_mask(why->msg, &masked, &err) < 0 ? "out of memory" : masked);
}

enum exit_status
cmd_notify(const struct cmd_context *context, int argc, char **argv)
{
	CLEANUP(config_free) struct config config = { 0 };
	CLEANUP(announce_closep) struct announce *announce = NULL;
	struct outcome_count count = { 0 };
	struct err err = ERR_INIT;

	if (argc < 2 || argc > 3)
		return cmd_usage("notify", argc < 2 ? "no title" :
		    "unexpected '%s'", argv[argc < 2 ? 0 : 3]);
	if (cmd_read_config(context, &config, &err) < 0 ||
	    announce_open(&config, &announce, &config.problems,
	    &config.warnings, &err) < 0 ||
	    problems_log(&config.problems, &config.warnings, &err) < 0 ||
	    announce_tell(announce, argv[1], argc == 3 ? argv[2] : TEXT,
	    told, &count, &err) < 0)
		return cmd_fail(&err);
	return cmd_flush(count.failed == 0 ? EXIT_DONE : EXIT_FAILED);
}
