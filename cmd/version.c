#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "build_config.h"
#include "cmd/cmd.h"

enum exit_status
cmd_version(const struct cmd_context *context, int argc, char **argv)
{
	bool json = argc == 2 && strcmp(argv[1], "--json") == 0;

	(void)context;
	if (argc > 2 || (argc == 2 && !json))
		return cmd_usage("version", "unexpected '%s'", argv[1]);
	(void)printf(json ? "{\"name\":\"vbackup\",\"version\":\"%s\"}\n" :
	    "vbackup %s\n", BUILD_VERSION);
	return cmd_flush(EXIT_DONE);
}
