#define _GNU_SOURCE
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cmd/ask.h"
#include "cmd/cmd.h"
#include "lib/run/restore.h"

struct request {
	struct restore_settings settings;
	struct strlist jobs;
	struct strlist volumes;
	struct strlist paths;
	bool in_place;
	bool quiet;
};

static void
request_free(struct request *request)
{
	strlist_free(&request->jobs);
	strlist_free(&request->volumes);
	strlist_free(&request->paths);
}

/* A dry run is for its lines. */
static void
tell(void *cookie, const char *line)
{
	const struct request *request = cookie;

	if (!request->quiet || request->settings.dry_run)
		(void)puts(line);
}

/* --- arguments ----------------------------------------------------------- */

enum { OPT_TO = 256, OPT_IN_PLACE, OPT_VOLUME, OPT_STORE, OPT_OVERWRITE,
	OPT_DEVICES, OPT_KEEP_OLD, OPT_DRY_RUN };

static const struct option options[] = {
	{ "to", required_argument, NULL, OPT_TO },
	{ "in-place", no_argument, NULL, OPT_IN_PLACE },
	{ "volume", required_argument, NULL, OPT_VOLUME },
	{ "job", required_argument, NULL, 'j' },
	{ "store", required_argument, NULL, OPT_STORE },
	{ "overwrite", no_argument, NULL, OPT_OVERWRITE },
	{ "devices", no_argument, NULL, OPT_DEVICES },
	{ "keep-old", no_argument, NULL, OPT_KEEP_OLD },
	{ "dry-run", no_argument, NULL, OPT_DRY_RUN },
	{ NULL, 0, NULL, 0 }
};

static void
take_switch(int c, struct request *request)
{
	struct restore_settings *settings = &request->settings;

	if (c == OPT_TO)
		settings->to = optarg;
	else if (c == OPT_STORE)
		settings->store = optarg;
	else if (c == OPT_IN_PLACE)
		request->in_place = true;
	else if (c == OPT_OVERWRITE)
		settings->overwrite = true;
	else if (c == OPT_DEVICES)
		settings->devices = true;
	else if (c == OPT_KEEP_OLD)
		settings->keep_old = true;
	else
		settings->dry_run = true;
}

static enum exit_status
take_options(int argc, char **argv, struct request *request)
{
	struct err err = ERR_INIT;
	int c;

	while ((c = getopt_long(argc, argv, "j:", options, NULL)) != -1) {
		if (c == '?')
			return cmd_usage(argv[0], "wrong option");
		if (c != 'j' && c != OPT_VOLUME)
			take_switch(c, request);
		else if (strlist_add(c == 'j' ? &request->jobs :
		    &request->volumes, optarg, &err) < 0)
			return cmd_fail(&err);
	}
	return EXIT_DONE;
}

static enum exit_status
check(const struct request *request, const char *verb)
{
	const struct restore_settings *settings = &request->settings;

	if (settings->to == NULL && !request->in_place)
		return cmd_usage(verb, "where to? (--to DIR, or --in-place)");
	if (settings->to != NULL && request->in_place)
		return cmd_usage(verb, "--to and --in-place exclude each "
		    "other");
	if (settings->to != NULL && *settings->to == '\0')
		return cmd_usage(verb, "--to names no directory");
	if (request->in_place && request->paths.n != 0)
		return cmd_usage(verb, "--in-place takes no path, only whole "
		    "volumes and directories: '%s' (--to DIR takes it)",
		    request->paths.v[0]);
	if (settings->keep_old && !request->in_place)
		return cmd_usage(verb, "--keep-old goes with --in-place only");
	return EXIT_DONE;
}

static enum exit_status
take_arguments(int argc, char **argv, struct request *request)
{
	enum exit_status status = take_options(argc, argv, request);
	struct err err = ERR_INIT;
	int i;

	if (status != EXIT_DONE)
		return status;
	if (optind < argc && strcmp(argv[optind], "latest") != 0)
		request->settings.archive = argv[optind];
	for (i = optind + 1; i < argc; i++)
		if (strlist_add(&request->paths, argv[i], &err) < 0)
			return cmd_fail(&err);
	return check(request, argv[0]);
}

/* --- the verb ------------------------------------------------------------ */

static enum exit_status
restore(const struct config *config, struct request *request)
{
	CLEANUP(restore_result_free) struct restore_result result =
	    RESTORE_RESULT_INIT;
	struct restore_settings *settings = &request->settings;
	struct err err = ERR_INIT;

	settings->jobs = &request->jobs;
	settings->volumes = &request->volumes;
	settings->paths = &request->paths;
	settings->tell = tell;
	settings->ask = ask_possible() ? ask_secret : NULL;
	settings->cookie = request;
	if (restore_run(config, settings, &result, &err) < 0)
		return cmd_fail(&err);
	return result.problems != 0 ? EXIT_PROBLEMS : EXIT_DONE;
}

enum exit_status
cmd_restore(const struct cmd_context *context, int argc, char **argv)
{
	CLEANUP(config_free) struct config config = { 0 };
	CLEANUP(request_free) struct request request = {
		.quiet = context->quiet };
	struct err err = ERR_INIT;
	enum exit_status status = take_arguments(argc, argv, &request);

	if (status != EXIT_DONE)
		return status;
	if (cmd_load_config(context, &config, &err) < 0)
		return cmd_fail(&err);
	return cmd_flush(restore(&config, &request));
}
