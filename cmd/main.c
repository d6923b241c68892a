/*
 * vbackup: a table of verbs.
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "lib/base/intr.h"
#include "lib/base/process.h"

const struct cmd_verb cmd_verbs[] = {
	{ "run", "[-j JOB]... [--dry-run | --json]", "Take a backup.",
	    cmd_run },
	{ "prune", "[-j JOB]... [--dry-run]",
	    "Remove old archives by the retention settings.", cmd_prune },
	{ "list", "[--json] [--store NAME] [-j JOB]...",
	    "Print the archives in every store, the newest first.",
	    cmd_list },
	{ "show", "ARCHIVE|latest [--json] [-j JOB]...",
	    "Print what is known of one archive.", cmd_show },
	{ "restore", "[ARCHIVE | latest] (--to DIR | --in-place)\n"
	    "           [--volume NAME[=MEMBER]]... [-j JOB]... "
	    "[--store NAME] [--overwrite]\n"
	    "           [--devices] [--keep-old] [--dry-run] [PATH...]",
	    "Get an archive back.", cmd_restore },
	{ "verify", "[ARCHIVE | latest | --all] [--deep] [-j JOB]... "
	    "[--json]", "Look whether archives are undamaged.", cmd_verify },
	{ "status", "[--max-age DURATION] [--size-drop PERCENT] [-j JOB]... "
	    "[--json]", "Tell a monitoring system whether there are archives, "
	    "new ones.", cmd_status },
	{ "recover", "", "Bring back what a run that was killed had brought to "
	    "rest.", cmd_recover },
	{ "check", "", "Look for problems in settings and labels.",
	    cmd_check },
	{ "dump", "[--show-secrets]",
	    "Print every setting and where it came from.", cmd_dump },
	{ "init", "[FILE]", "Write a commented sample configuration.",
	    cmd_init },
	{ "notify", "TITLE [TEXT]", "Send a message to all services, and say "
	    "how it went.", cmd_notify },
	{ "version", "[--json]", "Print the version.", cmd_version },
	{ "help", "[COMMAND]", "Print this, or what a command takes.",
	    cmd_help },
	{ "complete", "[WORD]...", "Print what the last word may become: for "
	    "shells.", cmd_complete, true },
	{ NULL, NULL, NULL, NULL }
};

enum { OPT_LOG_FORMAT = 256 };

const char cmd_global_arguments[] = "[-c FILE] [-v|-q] "
    "[--log-format text|json] [-C|--no-color]";

const struct option cmd_global_options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "no-color", no_argument, NULL, 'C' },
	{ "log-format", required_argument, NULL, OPT_LOG_FORMAT },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 }
};

struct global {
	struct cmd_context context;
	struct log_settings log;
	const char *verb;	/* that --help or --version stand for */
};

/* 0, or -1 when the usage was printed. */
static int
take_option(struct global *global, int c)
{
	switch (c) {
	case 'c':
		global->context.config_file = optarg;
		return 0;
	case 'v':
		global->log.level = LOG_LEVEL_DEBUG;
		return 0;
	case 'q':
		global->log.level = LOG_LEVEL_WARNING;
		global->log.status = false;
		global->context.quiet = true;
		return 0;
	case 'C':
		global->log.color = false;
		return 0;
	case 'h':
	case 'V':
		global->verb = c == 'h' ? "help" : "version";
		return 0;
	case OPT_LOG_FORMAT:
		if (strcmp(optarg, "json") == 0)
			global->log.format = LOG_FORMAT_JSON;
		else if (strcmp(optarg, "text") != 0)
			break;
		return 0;
	default:
		break;
	}
	(void)cmd_usage(NULL, "wrong option");
	return -1;
}

static int
take_options(struct global *global, int argc, char **argv)
{
	int c;

	/* "+": options behind the verb are the verb's. */
	while ((c = getopt_long(argc, argv, "+c:vqChV",
	    cmd_global_options, NULL)) != -1)
		if (take_option(global, c) < 0)
			return -1;
	return 0;
}

static enum exit_status
dispatch(const struct global *global, int argc, char **argv)
{
	char *alone[] = { (char *)(uintptr_t)global->verb, NULL };
	const struct cmd_verb *verb;

	if (global->verb != NULL) {
		argc = 1;
		argv = alone;
	}
	if (argc == 0)
		return cmd_usage(NULL, "no command");
	verb = cmd_find(argv[0]);
	if (verb == NULL)
		return cmd_usage(NULL, "unknown command '%s'", argv[0]);
	optind = 0;	/* a new getopt for the verb */
	return verb->run(&global->context, argc, argv);
}

int
main(int argc, char **argv)
{
	struct global global = { .log = { LOG_LEVEL_INFO, LOG_FORMAT_TEXT,
		getenv("NO_COLOR") == NULL, true } };
	struct err err = ERR_INIT;
	enum exit_status status;

	if (take_options(&global, argc, argv) < 0)
		return EXIT_CONFIG;
	log_setup(&global.log);
	process_no_core();
	if (intr_install(&err) < 0)
		return (int)cmd_fail(&err);
	status = dispatch(&global, argc - optind, argv + optind);
	log_close();
	return (int)status;
}
