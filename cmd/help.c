#define _GNU_SOURCE
#include <stdio.h>

#include "cmd/cmd.h"

static void
print_all(void)
{
	const struct cmd_verb *verb;

	(void)printf("usage: vbackup %s COMMAND ...\n\ncommands:\n",
	    cmd_global_arguments);
	for (verb = cmd_verbs; verb->name != NULL; verb++)
		if (!verb->hidden)
			(void)printf("  %-8s %s\n", verb->name, verb->help);
	(void)puts("\nexit status:");
#define EXIT_STATUS(name, number, meaning)				\
	(void)printf("  %d  %s\n", number, meaning);
#include "lib/base/exit_status.def"
#undef EXIT_STATUS
	(void)puts("\nsee vbackup(1), vbackup.conf(5), vbackup-labels(7) and "
	    "vbackup-notify(7)");
}

enum exit_status
cmd_help(const struct cmd_context *context, int argc, char **argv)
{
	const struct cmd_verb *verb;

	(void)context;
	if (argc > 2)
		return cmd_usage("help", "unexpected '%s'", argv[2]);
	if (argc == 1) {
		print_all();
		return cmd_flush(EXIT_DONE);
	}
	verb = cmd_find(argv[1]);
	if (verb == NULL)
		return cmd_usage("help", "unknown command '%s'", argv[1]);
	(void)printf("usage: vbackup %s %s\n\n%s\n", verb->name,
	    verb->arguments, verb->help);
	return cmd_flush(EXIT_DONE);
}
