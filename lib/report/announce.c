#define _GNU_SOURCE
#include "lib/report/announce.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/config/problems.h"
#include "lib/report/command_hook.h"
#include "lib/report/filter.h"
#include "lib/report/hook.h"
#include "lib/report/listeners.h"
#include "lib/report/metrics.h"
#include "lib/report/pingers.h"

#define NS_PER_S 1e9
/* A ping server that is slow must not keep the backup waiting. */
#define START_S 10.0
#define CA_BYTES ((size_t)4 << 20)

struct command {		/* borrowed */
	const char *text;	/* NULL: none */
	const char *event;
	const char *name;
	enum hook_when when;
	int64_t timeout_ns;
};

enum command_id { COMMAND_START, COMMAND_SUCCESS, COMMAND_PROBLEM,
	COMMAND_ERROR, COMMAND_ALWAYS, COMMANDS };

struct announce {
	const struct config *config;
	struct command commands[COMMANDS];
	struct listeners listeners;
	struct pingers pingers;
	struct filter *filter;
	bool push;		/* the Pushgateway's URL is good */
	char *ca_more;		/* NULL: none */
};

static const struct options *
base(const struct announce *announce)
{
	return &announce->config->base;
}

static struct courier
courier(const struct announce *announce, double longest_s)
{
	double timeout_s =
	    (double)base(announce)->notification_timeout_ns / NS_PER_S;

	return (struct courier){ .ca_more = announce->ca_more,
		.until_s = clock_mono_s() +
		(timeout_s < longest_s ? timeout_s : longest_s) };
}

/* --- commands ------------------------------------------------------------ */

static void
run_command(void *cookie, struct report *report)
{
	const struct command *command = cookie;
	struct err err = ERR_INIT;

	if (command_hook_run(command->text, command->event,
	    (double)command->timeout_ns / NS_PER_S, report, &err) < 0)
		hook_failed(report, command->name, &err);
}

static void
fill_commands(struct announce *announce)
{
	const struct options *o = base(announce);
	const struct command commands[] = {
		[COMMAND_START] = { o->on_start, "start", "hooks.on_start",
		    HOOK_ALWAYS, o->hook_timeout_ns },
		[COMMAND_SUCCESS] = { o->on_success, "success",
		    "hooks.on_success", HOOK_ON_SUCCESS, o->hook_timeout_ns },
		[COMMAND_PROBLEM] = { o->on_problem, "problem",
		    "hooks.on_problem", HOOK_ON_PROBLEMS, o->hook_timeout_ns },
		[COMMAND_ERROR] = { o->on_error, "error", "hooks.on_error",
		    HOOK_ON_FAILURE, o->hook_timeout_ns },
		[COMMAND_ALWAYS] = { o->on_end, "always", "hooks.always",
		    HOOK_ALWAYS, o->hook_timeout_ns },
	};

	(void)memcpy(announce->commands, commands, sizeof commands);
}

/* --- the settings -------------------------------------------------------- */

static int
read_ca(struct announce *announce, struct strlist *problems, struct err *err)
{
	const char *path = base(announce)->notification_ca_cert;

	if (path == NULL || file_read(path, CA_BYTES, &announce->ca_more,
	    NULL, err) == 0)
		return 0;
	return problems_absorb(problems, base(announce)->
	    origin[OPTION_ID_notification_ca_cert].where, NULL, err);
}

/* Only what is reported is filtered: an expression that is wrong must not let
 * through what it was meant for. */
static int
open_filter(struct announce *announce, struct strlist *problems,
    struct err *err)
{
	static char *all[] = { (char *)(uintptr_t)"" };
	const struct strlist everything = { all, 1 };

	if (filter_new(&base(announce)->notification_filter,
	    &announce->filter, err) == 0)
		return 0;
	if (problems_absorb(problems, base(announce)->
	    origin[OPTION_ID_notification_filter].where, NULL, err) < 0)
		return -1;
	return filter_new(&everything, &announce->filter, err);
}

static int
open_metrics(struct announce *announce, struct strlist *problems,
    struct err *err)
{
	const struct options *o = base(announce);

	if (o->metrics_textfile != NULL &&
	    metrics_check_file(o->metrics_textfile, err) < 0 &&
	    problems_absorb(problems,
	    o->origin[OPTION_ID_metrics_textfile].where, NULL, err) < 0)
		return -1;
	if (o->metrics_pushgateway == NULL)
		return 0;
	announce->push = metrics_check_push(o->metrics_pushgateway, err) == 0;
	return announce->push ? 0 : problems_absorb(problems,
	    o->origin[OPTION_ID_metrics_pushgateway].where, NULL, err);
}

int
announce_open(const struct config *config, struct announce **ret,
    struct strlist *problems, struct strlist *warnings, struct err *err)
{
	CLEANUP(announce_closep) struct announce *announce =
	    calloc(1, sizeof *announce);

	if (announce == NULL)
		return err_nomem(err);
	announce->config = config;
	fill_commands(announce);
	if (read_ca(announce, problems, err) < 0 ||
	    open_filter(announce, problems, err) < 0 ||
	    listeners_open(config, announce->ca_more, &announce->listeners,
	    problems, warnings, err) < 0 ||
	    pingers_open(config, &announce->pingers, problems, err) < 0 ||
	    open_metrics(announce, problems, err) < 0)
		return -1;
	*ret = announce;
	announce = NULL;
	return 0;
}

void
announce_close(struct announce *announce)
{
	if (announce == NULL)
		return;
	listeners_close(&announce->listeners);
	pingers_close(&announce->pingers);
	filter_free(announce->filter);
	free(announce->ca_more);
	free(announce);
}

void
announce_closep(struct announce **announce)
{
	announce_close(*announce);
	*announce = NULL;
}

/* --- metrics and pings --------------------------------------------------- */

static void
write_textfile(void *cookie, struct report *report)
{
	const struct announce *announce = cookie;
	struct err err = ERR_INIT;

	if (metrics_write(report, base(announce)->metrics_textfile, &err) < 0)
		hook_failed(report, "metrics.textfile", &err);
}

/* Of a run that did not come to its jobs, all jobs that are known by name. */
static void
push(void *cookie, struct report *report)
{
	const struct announce *announce = cookie;
	const struct config *config = announce->config;
	CLEANUP(cleanup_free) const char **names = calloc(config->n_jobs + 1,
	    sizeof *names);
	struct courier mailman = courier(announce, INFINITY);
	struct err err = ERR_INIT;
	size_t i, n = 0;

	for (i = 0; names != NULL && i < config->n_jobs; i++)
		names[n++] = config->jobs[i].name;
	if (names != NULL && n == 0)
		names[n++] = CONFIG_BASE_JOB;
	if (metrics_push(report, base(announce)->metrics_pushgateway, names,
	    n, &mailman, &err) < 0)
		hook_failed(report, "metrics.pushgateway", &err);
}

static void
ping_over(void *cookie, struct report *report)
{
	struct announce *announce = cookie;
	const struct courier mailman = courier(announce, INFINITY);

	pingers_ping(&announce->pingers, PINGERS_END, &mailman, report);
}

/* --- services ------------------------------------------------------------ */

static void
tell_trouble(void *cookie, struct report *report)
{
	struct announce *announce = cookie;

	listeners_of_trouble(&announce->listeners, report);
}

static void
tell_success(void *cookie, struct report *report)
{
	struct announce *announce = cookie;

	listeners_of_success(&announce->listeners, report);
}

/* --- when ---------------------------------------------------------------- */

struct filter *
announce_filter(const struct announce *announce)
{
	return announce->filter;
}

/* Before anybody sees it; what is added later passes hook_failed. */
static void
pass_filter(const struct announce *announce, struct report *report)
{
	struct err err = ERR_INIT;

	report->filter = announce->filter;
	if (filter_report(announce->filter, report, &err) == 0)
		return;
	report_conceal(report);
	hook_failed(report, "notification.filter", &err);
}

static void
find_audiences(struct announce *announce, const struct report *report)
{
	listeners_know(&announce->listeners, report);
	pingers_know(&announce->pingers, report);
}

void
announce_start(struct announce *announce, struct report *report)
{
	struct courier mailman;

	pass_filter(announce, report);
	find_audiences(announce, report);
	if (announce->commands[COMMAND_START].text != NULL)
		run_command(&announce->commands[COMMAND_START], report);
	mailman = courier(announce, START_S);
	pingers_ping(&announce->pingers, PINGERS_START, &mailman, report);
}

static int
add(struct hooks *hooks, enum hook_level level, enum hook_when when,
    void (*run)(void *, struct report *), void *cookie, struct err *err)
{
	const struct hook hook = { level, when, run, cookie };

	return hooks_add(hooks, &hook, err);
}

static int
add_all(struct hooks *hooks, struct announce *announce, struct err *err)
{
	const struct options *o = base(announce);
	size_t i;

	for (i = COMMAND_START + 1; i < COMMANDS; i++) {
		struct command *command = &announce->commands[i];

		if (command->text != NULL && add(hooks, HOOK_PLUMBING,
		    command->when, run_command, command, err) < 0)
			return -1;
	}
	if (o->metrics_textfile != NULL && add(hooks, HOOK_PLUMBING,
	    HOOK_ALWAYS, write_textfile, announce, err) < 0)
		return -1;
	if (announce->push && add(hooks, HOOK_PLUMBING, HOOK_ALWAYS, push,
	    announce, err) < 0)
		return -1;
	if (add(hooks, HOOK_PLUMBING, HOOK_ALWAYS, ping_over, announce,
	    err) < 0 ||
	    add(hooks, HOOK_ERROR, HOOK_ALWAYS, tell_trouble, announce,
	    err) < 0)
		return -1;
	return add(hooks, HOOK_INFO, HOOK_ALWAYS, tell_success, announce,
	    err);
}

void
announce_end(struct announce *announce, struct report *report)
{
	CLEANUP(hooks_free) struct hooks hooks = HOOKS_INIT;
	struct err err = ERR_INIT;

	pass_filter(announce, report);
	find_audiences(announce, report);
	if (add_all(&hooks, announce, &err) < 0)
		hook_failed(report, "hooks", &err);
	hooks_run(&hooks, report);
	report->filter = NULL;	/* it goes with announce */
}

int
announce_tell(struct announce *announce, const char *title, const char *text,
    void (*told)(void *cookie, const char *name, const struct err *why),
    void *cookie, struct err *err)
{
	CLEANUP(cleanup_free) char *line = NULL;
	CLEANUP(cleanup_free) char *body = NULL;
	char host[256] = "";
	struct message message = { .outcome = OUTCOME_SUCCESS, .host = host,
		.time = clock_now() };

	(void)gethostname(host, sizeof host - 1);
	if (message_line(title, &line, err) < 0 ||
	    message_utf8(text, &body, err) < 0)
		return -1;
	if (*line == '\0' || *body == '\0')
		return err_set(err, ERR_USAGE, "an empty message is none");
	message.title = line;
	message.body = body;
	if (listeners_message(&announce->listeners, &message, told, cookie) ==
	    0)
		return err_set(err, ERR_CONFIG,
		    "there is nobody to tell (set NOTIFICATION_URLS)");
	return 0;
}
