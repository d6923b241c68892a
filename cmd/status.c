#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd/cmd.h"
#include "lib/base/clock.h"
#include "lib/run/status.h"

#define NS_PER_S 1000000000
#define MAX_AGE_S (26 * 3600)
#define SIZE_DROP 50

struct status_arguments {
	struct strlist jobs;
	struct status_rules rules;
	bool json;
};

/* The one verb with statuses of its own: those of monitoring plugins. What
 * main makes its exit status of is only the number. */
static enum exit_status
exit_as(enum status_state state)
{
	return (enum exit_status)state;
}

/* What a store answers may have anything in it. */
static enum exit_status
print(enum status_state state, const char *text)
{
	CLEANUP(cleanup_free) char *masked = NULL;
	struct err err = ERR_INIT;

	if (text == NULL || log_mask(text, &masked, &err) < 0) {
		(void)fputs("UNKNOWN - out of memory\n", stdout);
		return exit_as(STATUS_UNKNOWN);
	}
	(void)fputs(masked, stdout);
	return exit_as(state);
}

/* A plugin says on its standard output why it cannot tell. */
static enum exit_status
unknown(const char *text)
{
	CLEANUP(cleanup_free) char *line = NULL;
	struct err err = ERR_INIT;

	return print(STATUS_UNKNOWN, status_line(STATUS_UNKNOWN, text, &line,
	    &err) == 0 ? line : NULL);
}

static enum exit_status
fail(const struct err *err)
{
	(void)cmd_fail(err);
	return unknown(err->msg);
}

static int
take_percent(const char *text, int64_t *ret, struct err *err)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || n < 0 || n > 100)
		return err_set(err, ERR_USAGE, "'%s' is no percentage from 0 "
		    "to 100", text);
	*ret = n;
	return 0;
}

static int
take_one(int c, struct status_arguments *ret, struct err *err)
{
	int64_t ns;

	switch (c) {
	case 'j':
		return strlist_add(&ret->jobs, optarg, err);
	case 'J':
		ret->json = true;
		return 0;
	case 'a':
		if (clock_parse_duration(optarg, &ns, err) < 0)
			return -1;
		ret->rules.max_age_s = ns / NS_PER_S;
		return 0;
	case 'd':
		return take_percent(optarg, &ret->rules.size_drop, err);
	default:
		return err_set(err, ERR_USAGE, "wrong option");
	}
}

static int
take(int argc, char **argv, struct status_arguments *ret, struct err *err)
{
	static const struct option options[] = {
		{ "job", required_argument, NULL, 'j' },
		{ "max-age", required_argument, NULL, 'a' },
		{ "size-drop", required_argument, NULL, 'd' },
		{ "json", no_argument, NULL, 'J' },
		{ NULL, 0, NULL, 0 }
	};
	int c;

	while ((c = getopt_long(argc, argv, "j:", options, NULL)) != -1)
		if (take_one(c, ret, err) < 0)
			return -1;
	if (optind != argc)
		return err_set(err, ERR_USAGE, "unexpected '%s'",
		    argv[optind]);
	return 0;
}

static enum exit_status
judge(const struct config *config, const struct status_arguments *arguments)
{
	CLEANUP(catalogue_free) struct catalogue catalogue = CATALOGUE_INIT;
	CLEANUP(status_free) struct status status = STATUS_INIT;
	CLEANUP(cleanup_free) char *text = NULL;
	struct catalogue_filter filter = { NULL, &arguments->jobs };
	struct err err = ERR_INIT;

	if (catalogue_open(config, &filter, &catalogue, &err) < 0 ||
	    catalogue_settle(&catalogue, STATUS_DEPTH, &err) < 0 ||
	    status_judge(&catalogue, &arguments->jobs, &arguments->rules,
	    &status, &err) < 0 ||
	    (arguments->json ? status_json(&status, &text, &err) :
	    status_text(&status, &text, &err)) < 0)
		return fail(&err);
	return print(status.state, text);
}

enum exit_status
cmd_status(const struct cmd_context *context, int argc, char **argv)
{
	CLEANUP(config_free) struct config config = { 0 };
	struct status_arguments arguments = { .jobs = STRLIST_INIT,
		.rules = { clock_now(), MAX_AGE_S, SIZE_DROP } };
	struct err err = ERR_INIT;
	enum exit_status status;

	if (take(argc, argv, &arguments, &err) < 0) {
		(void)cmd_usage("status", "%s", err.msg);
		status = unknown(err.msg);
	} else if (cmd_load_config(context, &config, &err) < 0) {
		status = fail(&err);
	} else {
		status = judge(&config, &arguments);
	}
	strlist_free(&arguments.jobs);
	return cmd_flush(EXIT_DONE) == EXIT_DONE ? status :
	    exit_as(STATUS_UNKNOWN);
}
