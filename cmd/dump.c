#define _GNU_SOURCE
#include <getopt.h>
#include <stdio.h>

#include "cmd/cmd.h"

enum { OPT_SHOW_SECRETS = 256 };

static const struct option long_options[] = {
	{ "show-secrets", no_argument, NULL, OPT_SHOW_SECRETS },
	{ NULL, 0, NULL, 0 }
};

enum exit_status
cmd_dump(const struct cmd_context *context, int argc, char **argv)
{
	CLEANUP(config_free) struct config config = { 0 };
	CLEANUP(cleanup_free) char *text = NULL;
	struct err err = ERR_INIT;
	bool show_secrets = false;
	int c;

	while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (c != OPT_SHOW_SECRETS)
			return cmd_usage("dump", "wrong option");
		show_secrets = true;
	}
	if (optind != argc)
		return cmd_usage("dump", "unexpected '%s'", argv[optind]);
	if (cmd_load_config(context, &config, &err) < 0 ||
	    config_dump(&config, show_secrets, &text, &err) < 0)
		return cmd_fail(&err);
	(void)fputs(text, stdout);
	return cmd_flush(EXIT_DONE);
}
