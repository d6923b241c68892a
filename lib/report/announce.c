#define _GNU_SOURCE
#include "lib/report/announce.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/config/problems.h"
#include "lib/report/audience.h"
#include "lib/report/command_hook.h"
#include "lib/report/filter.h"
#include "lib/report/hook.h"
#include "lib/report/metrics.h"
#include "lib/report/notify.h"
#include "lib/report/ping.h"

#define NS_PER_S 1e9
/* A ping server that is slow must not keep the backup waiting. */
#define START_S 10.0
#define CA_BYTES ((size_t)4 << 20)
#define LENGTH(array) (sizeof (array) / sizeof *(array))

static const enum option_id notify_settings[] = {
	OPTION_ID_notification_urls, OPTION_ID_notification_urls_error,
	OPTION_ID_notification_urls_success, OPTION_ID_notification_level,
	OPTION_ID_notification_templates, OPTION_ID_email_recipient,
	OPTION_ID_email_sender, OPTION_ID_email_host, OPTION_ID_email_port,
	OPTION_ID_email_user, OPTION_ID_email_password
};

static const enum option_id ping_settings[] = { OPTION_ID_ping_url,
	OPTION_ID_ping_kind, OPTION_ID_ping_problems };

struct listener {		/* an audience's services */
	struct announce *announce;
	const struct audience *audience;
	struct notify notify;
};

struct pinger {			/* an audience's dead man's switch */
	struct announce *announce;
	const struct audience *audience;
	struct ping ping;	/* url: NULL: it has none */
};

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
	struct audience_list told;
	struct listener *listeners;	/* one for each */
	struct audience_list watched;
	struct pinger *pingers;		/* one for each */
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
open_listeners(struct announce *announce, struct strlist *problems,
    struct strlist *warnings, struct err *err)
{
	struct audience_list *list = &announce->told;
	size_t i;

	if (audience_make(announce->config, notify_settings,
	    LENGTH(notify_settings), list, err) < 0)
		return -1;
	announce->listeners = calloc(list->n, sizeof *announce->listeners);
	if (announce->listeners == NULL)
		return err_nomem(err);
	for (i = 0; i < list->n; i++) {
		struct listener *listener = &announce->listeners[i];

		*listener = (struct listener){ announce, &list->v[i],
			NOTIFY_INIT };
		if (notify_open(list->v[i].options, announce->ca_more,
		    &listener->notify, problems, warnings, err) < 0)
			return -1;
	}
	return 0;
}

static struct ping
ping_of(const struct options *o)
{
	static const enum ping_kind kinds[] = {
		PING_AUTO, PING_HEALTHCHECKS, PING_PLAIN, PING_KUMA
	};

	return (struct ping){ .url = o->ping_url,
		.kind = kinds[o->ping_kind],
		.problems_are_success = o->ping_problems == PING_PROBLEMS_LOG,
		.body_limit = PING_BODY_BYTES };
}

static int
open_pingers(struct announce *announce, struct strlist *problems,
    struct err *err)
{
	struct audience_list *list = &announce->watched;
	size_t i;

	if (audience_make(announce->config, ping_settings,
	    LENGTH(ping_settings), list, err) < 0)
		return -1;
	announce->pingers = calloc(list->n, sizeof *announce->pingers);
	if (announce->pingers == NULL)
		return err_nomem(err);
	for (i = 0; i < list->n; i++) {
		const struct options *o = list->v[i].options;
		struct pinger *pinger = &announce->pingers[i];

		*pinger = (struct pinger){ announce, &list->v[i],
			ping_of(o) };
		if (o->ping_url == NULL || ping_check(&pinger->ping, err) == 0)
			continue;
		pinger->ping.url = NULL;
		if (problems_absorb(problems,
		    o->origin[OPTION_ID_ping_url].where, NULL, err) < 0)
			return -1;
	}
	return 0;
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
	    open_listeners(announce, problems, warnings, err) < 0 ||
	    open_pingers(announce, problems, err) < 0 ||
	    open_metrics(announce, problems, err) < 0)
		return -1;
	*ret = announce;
	announce = NULL;
	return 0;
}

void
announce_close(struct announce *announce)
{
	size_t i;

	if (announce == NULL)
		return;
	for (i = 0; announce->listeners != NULL && i < announce->told.n; i++)
		notify_close(&announce->listeners[i].notify);
	free(announce->listeners);
	free(announce->pingers);
	audience_free(&announce->told);
	audience_free(&announce->watched);
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
	const struct pinger *pinger = cookie;
	const struct report view = audience_view(pinger->audience, report);
	struct courier mailman = courier(pinger->announce, INFINITY);
	struct err err = ERR_INIT;

	if (ping_end(&pinger->ping, &view, &mailman, &err) < 0)
		hook_failed(report, "ping.url", &err);
}

static void
ping_begin(struct pinger *pinger, struct report *report)
{
	const struct report view = audience_view(pinger->audience, report);
	struct courier mailman = courier(pinger->announce, START_S);
	struct err err = ERR_INIT;

	if (ping_start(&pinger->ping, &view, &mailman, &err) < 0)
		hook_failed(report, "ping.url", &err);
}

/* --- services ------------------------------------------------------------ */

static void
tell(struct listener *listener, enum notify_for what, struct report *report)
{
	struct notify *notify = &listener->notify;
	const struct report view = audience_view(listener->audience, report);
	struct err err = ERR_INIT;
	size_t i;

	if (notify_send(notify, what, &view, report, &err) < 0) {
		hook_failed(report, "notification", &err);
		return;
	}
	for (i = 0; i < notify->n; i++)
		if (notify->v[i].what == what &&
		    notify->v[i].err.kind != ERR_NONE)
			hook_failed(report, notify->v[i].name,
			    &notify->v[i].err);
}

static void
tell_all(void *cookie, struct report *report)
{
	tell(cookie, NOTIFY_FOR_ALL, report);
}

static void
tell_trouble(void *cookie, struct report *report)
{
	tell(cookie, NOTIFY_FOR_TROUBLE, report);
}

static void
tell_success(void *cookie, struct report *report)
{
	tell(cookie, NOTIFY_FOR_SUCCESS, report);
}

/* --- when ---------------------------------------------------------------- */

struct filter *
announce_filter(const struct announce *announce)
{
	return announce->filter;
}

struct due {
	struct hooks hooks;
	struct report *report;
};

static void
add(struct due *due, enum hook_level level, enum hook_when when,
    const struct audience *audience, void (*run)(void *, struct report *),
    void *cookie)
{
	const struct hook hook = { level, when, audience, run, cookie };
	struct err err = ERR_INIT;

	if (hooks_add(&due->hooks, &hook, &err) < 0)
		hook_failed(due->report, "hooks", &err);
}

static void
add_listener(struct due *due, struct listener *listener)
{
	const struct audience *audience = listener->audience;
	const struct notify *notify = &listener->notify;

	if (!audience_concerns(audience, due->report))
		return;
	if (notify_has(notify, NOTIFY_FOR_ALL))
		add(due, HOOK_ERROR, HOOK_ON_TROUBLE, audience, tell_all,
		    listener);
	if (notify_has(notify, NOTIFY_FOR_TROUBLE))
		add(due, HOOK_ERROR, HOOK_ON_TROUBLE, audience, tell_trouble,
		    listener);
	if (notify_has(notify, NOTIFY_FOR_ALL) &&
	    audience->options->notification_level == NOTIFY_INFO)
		add(due, HOOK_INFO, HOOK_ON_SUCCESS, audience, tell_all,
		    listener);
	/* Whoever asks for successes alone need not ask for a level, too. */
	if (notify_has(notify, NOTIFY_FOR_SUCCESS))
		add(due, HOOK_INFO, HOOK_ON_SUCCESS, audience, tell_success,
		    listener);
}

static void
add_plumbing(struct due *due, struct announce *announce)
{
	size_t i;

	for (i = COMMAND_START + 1; i < COMMANDS; i++)
		if (announce->commands[i].text != NULL)
			add(due, HOOK_PLUMBING, announce->commands[i].when,
			    NULL, run_command, &announce->commands[i]);
	if (base(announce)->metrics_textfile != NULL)
		add(due, HOOK_PLUMBING, HOOK_ALWAYS, NULL, write_textfile,
		    announce);
	if (announce->push)
		add(due, HOOK_PLUMBING, HOOK_ALWAYS, NULL, push, announce);
	for (i = 0; i < announce->watched.n; i++) {
		struct pinger *pinger = &announce->pingers[i];

		if (pinger->ping.url != NULL &&
		    audience_concerns(pinger->audience, due->report))
			add(due, HOOK_PLUMBING, HOOK_ALWAYS, NULL, ping_over,
			    pinger);
	}
}

/* Before anybody sees it; what is added later passes hook_failed. */
static void
pass_filter(const struct announce *announce, struct report *report)
{
	struct err err = ERR_INIT;

	report->filter = announce->filter;
	if (filter_report(announce->filter, report, &err) < 0)
		hook_failed(report, "notification.filter", &err);
}

/* Who cannot be sorted out is told of everything. */
static void
find_audiences(struct announce *announce, struct report *report)
{
	struct err err = ERR_INIT;

	if (audience_fill(&announce->told, report, &err) < 0 ||
	    audience_fill(&announce->watched, report, &err) < 0)
		hook_failed(report, "notification", &err);
}

void
announce_start(struct announce *announce, struct report *report)
{
	size_t i;

	pass_filter(announce, report);
	find_audiences(announce, report);
	if (announce->commands[COMMAND_START].text != NULL)
		run_command(&announce->commands[COMMAND_START], report);
	for (i = 0; i < announce->watched.n; i++)
		if (announce->pingers[i].ping.url != NULL &&
		    announce->watched.v[i].n_jobs != 0)
			ping_begin(&announce->pingers[i], report);
}

void
announce_end(struct announce *announce, struct report *report)
{
	struct due due = { HOOKS_INIT, report };
	size_t i;

	pass_filter(announce, report);
	find_audiences(announce, report);
	add_plumbing(&due, announce);
	for (i = 0; i < announce->told.n; i++)
		add_listener(&due, &announce->listeners[i]);
	hooks_run(&due.hooks, report);
	hooks_free(&due.hooks);
	report->filter = NULL;	/* it goes with announce */
}

int
announce_tell(struct announce *announce, const char *title, const char *text,
    void (*told)(void *cookie, const char *name, const struct err *why),
    void *cookie, struct err *err)
{
	static const enum notify_for all[] = { NOTIFY_FOR_ALL,
		NOTIFY_FOR_TROUBLE, NOTIFY_FOR_SUCCESS };
	CLEANUP(cleanup_free) char *line = NULL;
	CLEANUP(cleanup_free) char *body = NULL;
	char host[256] = "";
	struct message message = { .outcome = OUTCOME_SUCCESS, .host = host,
		.time = clock_now() };
	size_t n = 0, i, k;

	(void)gethostname(host, sizeof host - 1);
	if (message_line(title, &line, err) < 0 ||
	    message_utf8(text, &body, err) < 0)
		return -1;
	if (*line == '\0' || *body == '\0')
		return err_set(err, ERR_USAGE, "an empty message is none");
	message.title = line;
	message.body = body;
	for (i = 0; i < announce->told.n; i++) {
		struct notify *notify = &announce->listeners[i].notify;

		for (k = 0; k < LENGTH(all); k++)
			if (notify_message(notify, all[k], &message, err) < 0)
				return -1;
		for (k = 0; k < notify->n; k++, n++)
			told(cookie, notify->v[k].name, &notify->v[k].err);
	}
	return n != 0 ? 0 : err_set(err, ERR_CONFIG,
	    "there is nobody to tell (set NOTIFICATION_URLS)");
}
