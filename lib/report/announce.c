#define _GNU_SOURCE
#include "lib/report/announce.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/parallel.h"
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
	struct audience *audience;
	struct notify notify;
	enum outcome outcome;	/* before anybody was told */
	unsigned whom;		/* of this round; 0: nobody */
	struct report view;
	struct err err;
};

struct pinger {			/* an audience's dead man's switch */
	struct audience *audience;
	struct ping ping;	/* url: NULL: it has none */
	bool due;		/* in this round */
	struct courier courier;
	struct report view;
	struct err err;
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

		listener->audience = &list->v[i];
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

		pinger->audience = &list->v[i];
		pinger->ping = ping_of(o);
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
ping_begin_one(void *thing)
{
	struct pinger *pinger = thing;

	if (pinger->due && ping_start(&pinger->ping, &pinger->view,
	    &pinger->courier, &pinger->err) == 0)
		pinger->err = (struct err)ERR_INIT;
}

static void
ping_end_one(void *thing)
{
	struct pinger *pinger = thing;

	if (pinger->due && ping_end(&pinger->ping, &pinger->view,
	    &pinger->courier, &pinger->err) == 0)
		pinger->err = (struct err)ERR_INIT;
}

/* All at once: who does not answer keeps no other waiting. */
static void
ping_all(struct announce *announce, void (*ping)(void *thing),
    double longest_s, struct report *report)
{
	const struct courier mailman = courier(announce, longest_s);
	size_t i;

	for (i = 0; i < announce->watched.n; i++) {
		struct pinger *pinger = &announce->pingers[i];

		pinger->due = pinger->ping.url != NULL &&
		    audience_concerns(pinger->audience, report);
		pinger->courier = mailman;
		pinger->view = audience_view(pinger->audience, report);
		pinger->err = (struct err)ERR_INIT;
	}
	parallel_run(ping, announce->pingers, sizeof *announce->pingers,
	    announce->watched.n);
	for (i = 0; i < announce->watched.n; i++)
		if (announce->pingers[i].err.kind != ERR_NONE)
			audience_failed(announce->pingers[i].audience, report,
			    "ping.url", &announce->pingers[i].err);
}

static void
ping_over(void *cookie, struct report *report)
{
	ping_all(cookie, ping_end_one, INFINITY, report);
}

/* --- services ------------------------------------------------------------ */

static void
tell_one(void *thing)
{
	struct listener *listener = thing;

	listener->err = (struct err)ERR_INIT;
	if (listener->whom != 0)
		(void)!notify_send(&listener->notify, listener->whom,
		    &listener->view, &listener->err);
}

static void
judge_listener(const struct listener *listener, struct report *report)
{
	const struct notify *notify = &listener->notify;
	size_t i;

	if (listener->err.kind != ERR_NONE) {
		audience_failed(listener->audience, report, "notification",
		    &listener->err);
		return;
	}
	if (notify->template_err.kind != ERR_NONE)
		audience_failed(listener->audience, report,
		    "notification.templates", &notify->template_err);
	for (i = 0; i < notify->n; i++)
		if (notify->v[i].message != NULL &&
		    notify->v[i].err.kind != ERR_NONE)
			audience_failed(listener->audience, report,
			    notify->v[i].name, &notify->v[i].err);
}

/* Who is to be told in a round, of these listeners; what they are told is the
 * same for all rounds but for who could not be told in those before. */
static void
tell_round(struct announce *announce, struct report *report,
    unsigned (*whom)(const struct listener *listener))
{
	size_t i;

	for (i = 0; i < announce->told.n; i++) {
		struct listener *listener = &announce->listeners[i];

		listener->view = audience_view(listener->audience, report);
		listener->whom = audience_concerns(listener->audience,
		    report) ? whom(listener) : 0;
		if (!notify_has(&listener->notify, listener->whom))
			listener->whom = 0;
	}
	parallel_run(tell_one, announce->listeners,
	    sizeof *announce->listeners, announce->told.n);
	for (i = 0; i < announce->told.n; i++)
		if (announce->listeners[i].whom != 0)
			judge_listener(&announce->listeners[i], report);
}

static bool
hears_successes(const struct listener *listener)
{
	return listener->audience->options->notification_level == NOTIFY_INFO;
}

static unsigned
of_trouble(const struct listener *listener)
{
	return listener->outcome == OUTCOME_SUCCESS ? 0 :
	    NOTIFY_FOR_ALL | NOTIFY_FOR_TROUBLE;
}

/* Whoever asks for successes alone need not ask for a level, too. */
static unsigned
of_success(const struct listener *listener)
{
	return listener->outcome != OUTCOME_SUCCESS ? 0 : NOTIFY_FOR_SUCCESS |
	    (hears_successes(listener) ? NOTIFY_FOR_ALL : 0);
}

/* That somebody could not be told of a success is trouble; who was told of the
 * success is not told twice. */
static unsigned
of_late_trouble(const struct listener *listener)
{
	return listener->outcome != OUTCOME_SUCCESS ||
	    report_outcome(&listener->view) == OUTCOME_SUCCESS ? 0 :
	    NOTIFY_FOR_TROUBLE |
	    (hears_successes(listener) ? 0 : NOTIFY_FOR_ALL);
}

/* From here on the outcome stands: none who tells changes what is told. */
static void
tell_trouble(void *cookie, struct report *report)
{
	struct announce *announce = cookie;
	size_t i;

	for (i = 0; i < announce->told.n; i++) {
		struct listener *listener = &announce->listeners[i];
		const struct report view = audience_view(listener->audience,
		    report);

		listener->outcome = report_outcome(&view);
	}
	tell_round(announce, report, of_trouble);
}

static void
tell_success(void *cookie, struct report *report)
{
	tell_round(cookie, report, of_success);
	tell_round(cookie, report, of_late_trouble);
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
	audience_fill(&announce->told, report);
	audience_fill(&announce->watched, report);
}

void
announce_start(struct announce *announce, struct report *report)
{
	pass_filter(announce, report);
	find_audiences(announce, report);
	if (announce->commands[COMMAND_START].text != NULL)
		run_command(&announce->commands[COMMAND_START], report);
	ping_all(announce, ping_begin_one, START_S, report);
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

		notify_message(notify, NOTIFY_FOR_ALL | NOTIFY_FOR_TROUBLE |
		    NOTIFY_FOR_SUCCESS, &message);
		for (k = 0; k < notify->n; k++, n++)
			told(cookie, notify->v[k].name, &notify->v[k].err);
	}
	return n != 0 ? 0 : err_set(err, ERR_CONFIG,
	    "there is nobody to tell (set NOTIFICATION_URLS)");
}
