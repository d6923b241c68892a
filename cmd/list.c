#define _GNU_SOURCE
#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "lib/run/catalogue_text.h"

struct list_arguments {
	struct strlist jobs;
	const char *store;	/* NULL: every one */
	bool json;
};

static enum exit_status
take(int argc, char **argv, struct list_arguments *ret)
{
	static const struct option options[] = {
		{ "job", required_argument, NULL, 'j' },
		{ "store", required_argument, NULL, 's' },
		{ "json", no_argument, NULL, 'J' },
		{ NULL, 0, NULL, 0 }
	};
	struct err err = ERR_INIT;
	int c;

	while ((c = getopt_long(argc, argv, "j:", options, NULL)) != -1) {
		if (c == 'J')
			ret->json = true;
		else if (c == 's')
			ret->store = optarg;
		else if (c != 'j')
			return cmd_usage("list", "wrong option");
		else if (strlist_add(&ret->jobs, optarg, &err) < 0)
			return cmd_fail(&err);
	}
	if (optind != argc)
		return cmd_usage("list", "unexpected '%s'", argv[optind]);
	return EXIT_DONE;
}

/* Metadata of all that is shown: whether sizes agree is part of it. */
static enum exit_status
list(const struct config *config, const struct list_arguments *arguments)
{
	CLEANUP(catalogue_free) struct catalogue catalogue = CATALOGUE_INIT;
	CLEANUP(cleanup_free) char *text = NULL;
	struct catalogue_filter filter = { arguments->store,
		&arguments->jobs };
	struct err err = ERR_INIT;
	int rc;

	if (catalogue_open(config, &filter, &catalogue, &err) < 0)
		return cmd_fail(&err);
	catalogue_want_all(&catalogue);
	if (catalogue_read(&catalogue, &err) < 0)
		return cmd_fail(&err);
	catalogue_keep_jobs(&catalogue, &arguments->jobs);
	rc = arguments->json ? catalogue_list_json(&catalogue, &text, &err) :
	    catalogue_table(&catalogue, isatty(STDOUT_FILENO) == 1, &text,
	    &err);
	if (rc < 0)
		return cmd_fail(&err);
	if (catalogue.n == 0)
		log_info("there is no archive");
	(void)fputs(text, stdout);
	return catalogue_exit(&catalogue);
}

enum exit_status
cmd_list(const struct cmd_context *context, int argc, char **argv)
{
	CLEANUP(config_free) struct config config = { 0 };
	struct list_arguments arguments = { .jobs = STRLIST_INIT };
	struct err err = ERR_INIT;
	enum exit_status status = take(argc, argv, &arguments);

	if (status == EXIT_DONE)
		status = cmd_load_config(context, &config, &err) < 0 ?
		    cmd_fail(&err) : cmd_flush(list(&config, &arguments));
	strlist_free(&arguments.jobs);
	return status;
}
