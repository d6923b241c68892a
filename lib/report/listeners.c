#include "lib/report/listeners.h"

#include <stdlib.h>

#include "lib/base/parallel.h"
#include "lib/report/notify.h"

#define LENGTH(array) (sizeof (array) / sizeof *(array))

static const enum option_id notify_settings[] = {
	OPTION_ID_notification_urls, OPTION_ID_notification_urls_error,
	OPTION_ID_notification_urls_success, OPTION_ID_notification_level,
	OPTION_ID_notification_templates, OPTION_ID_email_recipient,
	OPTION_ID_email_sender, OPTION_ID_email_host, OPTION_ID_email_port,
	OPTION_ID_email_user, OPTION_ID_email_password
};

struct listener {		/* an audience's services */
	struct audience *audience;
	struct notify notify;
	enum outcome outcome;	/* before anybody was told */
	unsigned whom;		/* of this round; 0: nobody */
	struct report view;
	struct err err;
};

int
listeners_open(const struct config *config, const char *ca_more,
    struct listeners *ret, struct strlist *problems, struct strlist *warnings,
    struct err *err)
{
	struct audience_list *list = &ret->audiences;
	size_t i;

	if (audience_make(config, notify_settings,
	    LENGTH(notify_settings), list, err) < 0)
		return -1;
	ret->v = calloc(list->n, sizeof *ret->v);
	if (ret->v == NULL)
		return err_nomem(err);
	for (i = 0; i < list->n; i++) {
		struct listener *listener = &ret->v[i];

		listener->audience = &list->v[i];
		if (notify_open(list->v[i].options, ca_more,
		    &listener->notify, problems, warnings, err) < 0)
			return -1;
	}
	return 0;
}

void
listeners_close(struct listeners *listeners)
{
	size_t i;

	for (i = 0; listeners->v != NULL && i < listeners->audiences.n; i++)
		notify_close(&listeners->v[i].notify);
	free(listeners->v);
	audience_free(&listeners->audiences);
}

void
listeners_know(struct listeners *listeners, const struct report *report)
{
	audience_fill(&listeners->audiences, report);
}

/* --- who is told in which round ------------------------------------------ */

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
tell_round(struct listeners *listeners, struct report *report,
    unsigned (*whom)(const struct listener *listener))
{
	size_t i;

	for (i = 0; i < listeners->audiences.n; i++) {
		struct listener *listener = &listeners->v[i];

		listener->view = audience_view(listener->audience, report);
		listener->whom = audience_concerns(listener->audience,
		    report) ? whom(listener) : 0;
		if (!notify_has(&listener->notify, listener->whom))
			listener->whom = 0;
	}
	parallel_run(tell_one, listeners->v,
	    sizeof *listeners->v, listeners->audiences.n);
	for (i = 0; i < listeners->audiences.n; i++)
		if (listeners->v[i].whom != 0)
			judge_listener(&listeners->v[i], report);
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

void
listeners_of_trouble(struct listeners *listeners, struct report *report)
{
	size_t i;

	for (i = 0; i < listeners->audiences.n; i++) {
		struct listener *listener = &listeners->v[i];
		const struct report view = audience_view(listener->audience,
		    report);

		listener->outcome = report_outcome(&view);
	}
	tell_round(listeners, report, of_trouble);
}

void
listeners_of_success(struct listeners *listeners, struct report *report)
{
	tell_round(listeners, report, of_success);
	tell_round(listeners, report, of_late_trouble);
}

size_t
listeners_message(struct listeners *listeners, const struct message *message,
    void (*told)(void *cookie, const char *name, const struct err *why),
    void *cookie)
{
	size_t n = 0, i, k;

	for (i = 0; i < listeners->audiences.n; i++) {
		struct notify *notify = &listeners->v[i].notify;

		notify_message(notify, NOTIFY_FOR_ALL | NOTIFY_FOR_TROUBLE |
		    NOTIFY_FOR_SUCCESS, message);
		for (k = 0; k < notify->n; k++, n++)
			told(cookie, notify->v[k].name, &notify->v[k].err);
	}
	return n;
}
