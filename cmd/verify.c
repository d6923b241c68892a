#define _GNU_SOURCE
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "lib/run/verify.h"

struct request {
	struct verify_settings settings;
	struct strlist jobs;
	bool json;
	bool quiet;
};

static void
tell(void *cookie, const struct verify_one *one)
{
	const struct request *request = cookie;

	if (one->state == VERIFY_GONE)
		log_warning("%s", one->err.msg);
	else if (one->state != VERIFY_GOOD)
		log_error("%s", one->err.msg);
	if (!request->quiet && !request->json && one->archive != NULL)
		(void)printf("%s: %s: %s\n", one->store, one->archive,
		    verify_state_name(one->state));
}

static enum exit_status
take_arguments(int argc, char **argv, struct request *request)
{
	static const struct option options[] = {
		{ "job", required_argument, NULL, 'j' },
		{ "all", no_argument, NULL, 'a' },
		{ "deep", no_argument, NULL, 'd' },
		{ "json", no_argument, NULL, 'J' },
		{ NULL, 0, NULL, 0 }
	};
	struct verify_settings *settings = &request->settings;
	struct err err = ERR_INIT;
	int c;

	while ((c = getopt_long(argc, argv, "j:", options, NULL)) != -1) {
		if (c == 'a')
			settings->all = true;
		else if (c == 'd')
			settings->deep = true;
		else if (c == 'J')
			request->json = true;
		else if (c != 'j')
			return cmd_usage(argv[0], "wrong option");
		else if (strlist_add(&request->jobs, optarg, &err) < 0)
			return cmd_fail(&err);
	}
	if (optind + 1 < argc)
		return cmd_usage(argv[0], "unexpected '%s'", argv[optind + 1]);
	if (optind < argc && settings->all)
		return cmd_usage(argv[0], "--all goes without a name");
	if (optind < argc && strcmp(argv[optind], "latest") != 0)
		settings->archive = argv[optind];
	return EXIT_DONE;
}

/* What was removed meanwhile is no failure, unless nothing else was there. */
static enum exit_status
status_of(const struct verify_result *result)
{
	bool any = false;
	size_t i;

	for (i = 0; i < result->n; i++) {
		if (result->v[i].state == VERIFY_DAMAGED ||
		    result->v[i].state == VERIFY_UNREACHED)
			return EXIT_FAILED;
		any = any || result->v[i].state == VERIFY_GOOD;
	}
	return any ? EXIT_DONE : EXIT_FAILED;
}

static enum exit_status
verify(const struct config *config, struct request *request)
{
	CLEANUP(verify_result_free) struct verify_result result =
	    VERIFY_RESULT_INIT;
	CLEANUP(cleanup_free) char *text = NULL;
	struct err err = ERR_INIT;

	request->settings.jobs = &request->jobs;
	request->settings.tell = tell;
	request->settings.cookie = request;
	if (verify_run(config, &request->settings, &result, &err) < 0 ||
	    (request->json && verify_json(&result, &text, &err) < 0))
		return cmd_fail(&err);
	if (text != NULL)
		(void)fputs(text, stdout);
	return cmd_flush(status_of(&result));
}

enum exit_status
cmd_verify(const struct cmd_context *context, int argc, char **argv)
{
	CLEANUP(config_free) struct config config = { 0 };
	struct request request = { .quiet = context->quiet };
	struct err err = ERR_INIT;
	enum exit_status status;

	status = take_arguments(argc, argv, &request);
	if (status == EXIT_DONE)
		status = cmd_load_config(context, &config, &err) < 0 ?
		    cmd_fail(&err) : verify(&config, &request);
	strlist_free(&request.jobs);
	return status;
}
