#define _GNU_SOURCE
#include <stdio.h>

#include "cmd/cmd.h"
#include "lib/run/recover.h"

/* Settings that are wrong are no reason to leave anything down: they are
 * logged, and the rest of them is used. */
static void
log_problems(const struct config *config)
{
	size_t i;

	for (i = 0; i < config->problems.n; i++)
		log_warning("%s", config->problems.v[i]);
}

enum exit_status
cmd_recover(const struct cmd_context *context, int argc, char **argv)
{
	CLEANUP(config_free) struct config config = { 0 };
	struct err err = ERR_INIT;
	size_t n = 0;

	if (argc != 1)
		return cmd_usage("recover", "unexpected '%s'", argv[1]);
	if (cmd_read_config(context, &config, &err) < 0)
		return cmd_fail(&err);
	log_problems(&config);
	if (recover_run(&config, &n, &err) < 0)
		return cmd_fail(&err);
	if (!context->quiet)
		(void)printf("brought back: %zu\n", n);
	return cmd_flush(EXIT_DONE);
}
