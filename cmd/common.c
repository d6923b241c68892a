#define _GNU_SOURCE
#include "cmd/cmd.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "build_config.h"
#include "lib/config/problems.h"

extern char **environ;

const struct cmd_verb *
cmd_find(const char *name)
{
	const struct cmd_verb *verb;

	for (verb = cmd_verbs; verb->name != NULL; verb++)
		if (strcmp(verb->name, name) == 0)
			return verb;
	return NULL;
}

enum exit_status
cmd_usage(const char *name, const char *fmt, ...)
{
	const struct cmd_verb *verb = name != NULL ? cmd_find(name) : NULL;
	va_list args;

	(void)fputs("vbackup: ", stderr);
	va_start(args, fmt);
	(void)vfprintf(stderr, fmt, args);
	va_end(args);
	if (verb != NULL)
		(void)fprintf(stderr, "\nusage: vbackup %s %s\n", verb->name,
		    verb->arguments);
	else
		(void)fprintf(stderr, "\nusage: vbackup %s COMMAND ...\n"
		    "       vbackup help\n", cmd_global_arguments);
	return EXIT_CONFIG;
}

enum exit_status
cmd_fail(const struct err *err)
{
	log_error("%s", err->msg);
	return err_exit(err->kind);
}

enum exit_status
cmd_take_jobs(int argc, char **argv, struct strlist *jobs, bool *dry_run,
    bool *json)
{
	static const struct option options[] = {
		{ "job", required_argument, NULL, 'j' },
		{ "dry-run", no_argument, NULL, 'n' },
		{ "json", no_argument, NULL, 'J' },
		{ NULL, 0, NULL, 0 }
	};
	struct err err = ERR_INIT;
	int c;

	while ((c = getopt_long(argc, argv, "j:", options, NULL)) != -1) {
		if (c == 'n')
			*dry_run = true;
		else if (c == 'J' && json != NULL)
			*json = true;
		else if (c != 'j')
			return cmd_usage(argv[0], "wrong option");
		else if (strlist_add(jobs, optarg, &err) < 0)
			return cmd_fail(&err);
	}
	if (optind != argc)
		return cmd_usage(argv[0], "unexpected '%s'", argv[optind]);
	return EXIT_DONE;
}

enum exit_status
cmd_flush(enum exit_status status)
{
	if (fflush(stdout) == 0 && ferror(stdout) == 0)
		return status;
	log_error("cannot write to the standard output");
	return status == EXIT_DONE ? EXIT_FAILED : status;
}

int
cmd_read_config(const struct cmd_context *context, struct config *ret,
    struct err *err)
{
	struct config_input input = {
		.file = context->config_file,
		.environment = environ,
		.no_commands = context->no_commands,
	};

	if (input.file == NULL) {
		input.directory = BUILD_CONFIG_DIRECTORY;
		if (access(BUILD_CONFIG_FILE, F_OK) == 0)
			input.file = BUILD_CONFIG_FILE;
	}
	if (config_load(&input, ret, err) < 0)
		return -1;
	config_forget_secrets();
	if (ret->base.timezone != NULL &&
	    setenv("TZ", ret->base.timezone, 1) < 0)
		return err_nomem(err);
	tzset();
	return 0;
}

int
cmd_load_config(const struct cmd_context *context, struct config *ret,
    struct err *err)
{
	if (cmd_read_config(context, ret, err) < 0)
		return -1;
	return problems_log(&ret->problems, &ret->warnings, err);
}
