#include "lib/report/notify.h"

#include <stdlib.h>
#include <string.h>

#include "build_config.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/json.h"
#include "lib/base/parallel.h"
#include "lib/config/problems.h"
#include "lib/report/mail.h"
#include "lib/report/template_data.h"

#define NS_PER_S 1e9
/* Where docker-volume-backup's users have theirs. */
#define DIRECTORY_OF_OLD "/etc/dockervolumebackup/notifications.d"

struct opening {
	struct notify *notify;
	struct strlist *problems;
	struct strlist *warnings;
};

/* --- who ----------------------------------------------------------------- */

static int
add_target(struct opening *opening, enum notify_for what, const char *url,
    const char *name, struct err *err)
{
	struct notify *notify = opening->notify;
	struct notify_target target = { .what = what };
	struct notify_target *v;

	if (service_open(url, &target.service, err) < 0)
		return problems_absorb(opening->problems, name, NULL, err);
	v = realloc(notify->v, (notify->n + 1) * sizeof *v);
	if (v != NULL)
		notify->v = v;
	if (v == NULL || str_format(&target.name, err, "%s (%s)", name,
	    target.service.service->scheme) < 0) {
		service_close(&target.service);
		return err_nomem(err);
	}
	v[notify->n++] = target;
	return 0;
}

static void
wipe_list(struct strlist *list)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		str_zero(list->v[i]);
	strlist_free(list);
}

/* A name says where the URL stands, never what it is. */
static int
add_urls(struct opening *opening, enum notify_for what, enum option_id id,
    const char *urls, struct err *err)
{
	const struct option_origin *origin =
	    &opening->notify->options->origin[id];
	CLEANUP(wipe_list) struct strlist list = STRLIST_INIT;
	size_t i;

	if (urls == NULL)
		return 0;
	if (service_urls_split(urls, service_known, &list, err) < 0)
		return problems_absorb(opening->problems, origin->where, NULL,
		    err);
	for (i = 0; i < list.n; i++) {
		CLEANUP(cleanup_free) char *name = NULL;

		if (str_format(&name, err, "%s: URL %zu", origin->where,
		    i + 1) < 0 ||
		    add_target(opening, what, list.v[i], name, err) < 0)
			return -1;
	}
	return 0;
}

static void
free_secret(char **text)
{
	if (*text != NULL)
		str_zero(*text);
	free(*text);
}

static int
add_legacy_mail(struct opening *opening, struct err *err)
{
	const struct options *o = opening->notify->options;
	const char *where = o->origin[OPTION_ID_email_recipient].where;
	CLEANUP(free_secret) char *url = NULL;

	if (o->email_recipient == NULL)
		return 0;
	if (strlist_addf(opening->warnings, err, "%s: mail by EMAIL_* settings "
	    "is deprecated (put an smtp URL into NOTIFICATION_URLS)",
	    where) < 0)
		return -1;
	if (o->email_host == NULL)
		return strlist_addf(opening->problems, err, "%s: there is no "
		    "mail server for it (set EMAIL_SMTP_HOST)", where);
	if (mail_legacy_url(o->email_recipient, o->email_sender,
	    o->email_host, (long)o->email_port, o->email_user,
	    o->email_password, &url, err) < 0)
		return problems_absorb(opening->problems, where, NULL, err);
	return add_target(opening, NOTIFY_FOR_ALL, url, where, err);
}

/* --- how ----------------------------------------------------------------- */

static const char *
find_directory(void)
{
	static const char *const usual[] = { BUILD_TEMPLATE_DIRECTORY,
		DIRECTORY_OF_OLD };
	size_t i;

	for (i = 0; i < sizeof usual / sizeof *usual; i++)
		if (file_is_dir(usual[i]))
			return usual[i];
	return NULL;
}

static int
read_templates(const char *directory, struct templates **ret, struct err *err)
{
	const char *defaults = template_defaults();
	CLEANUP(templates_freep) struct templates *templates = NULL;

	if (templates_new(&templates, err) < 0 ||
	    templates_add(templates, "built-in", defaults, strlen(defaults),
	    err) < 0 || (directory != NULL &&
	    templates_add_dir(templates, directory, err) < 0))
		return -1;
	*ret = templates;
	templates = NULL;
	return 0;
}

/* A directory that nobody named, but that is there, costs no backup whatever is
 * in it. */
static int
open_found_templates(struct opening *opening, const char *directory,
    struct err *err)
{
	struct notify *notify = opening->notify;

	if (read_templates(directory, &notify->templates, err) == 0)
		return 0;
	if (problems_absorb(opening->warnings, "templates that were found",
	    NULL, err) < 0)
		return -1;
	return read_templates(NULL, &notify->templates, err);
}

static int
open_templates(struct opening *opening, struct err *err)
{
	struct notify *notify = opening->notify;
	const char *directory = notify->options->notification_templates;

	if (directory == NULL && notify->n == 0)
		return 0;	/* for nobody */
	if (directory == NULL)
		return open_found_templates(opening, find_directory(), err);
	if (read_templates(directory, &notify->templates, err) < 0)
		return problems_absorb(opening->problems,
		    "notification.templates", NULL, err);
	return 0;
}

int
notify_open(const struct options *options, const char *ca_more,
    struct notify *ret, struct strlist *problems, struct strlist *warnings,
    struct err *err)
{
	CLEANUP(notify_close) struct notify notify = { .options = options,
		.ca_more = ca_more };
	struct opening opening = { &notify, problems, warnings };

	if (add_urls(&opening, NOTIFY_FOR_ALL, OPTION_ID_notification_urls,
	    options->notification_urls, err) < 0 ||
	    add_urls(&opening, NOTIFY_FOR_TROUBLE,
	    OPTION_ID_notification_urls_error,
	    options->notification_urls_error, err) < 0 ||
	    add_urls(&opening, NOTIFY_FOR_SUCCESS,
	    OPTION_ID_notification_urls_success,
	    options->notification_urls_success, err) < 0 ||
	    add_legacy_mail(&opening, err) < 0 ||
	    open_templates(&opening, err) < 0)
		return -1;
	*ret = notify;
	notify = (struct notify)NOTIFY_INIT;
	return 0;
}

void
notify_close(struct notify *notify)
{
	size_t i;

	for (i = 0; i < notify->n; i++) {
		service_close(&notify->v[i].service);
		free(notify->v[i].name);
	}
	free(notify->v);
	templates_free(notify->templates);
	*notify = (struct notify)NOTIFY_INIT;
}

bool
notify_has(const struct notify *notify, unsigned whom)
{
	size_t i;

	for (i = 0; i < notify->n; i++)
		if ((notify->v[i].what & whom) != 0)
			return true;
	return false;
}

/* --- what ---------------------------------------------------------------- */

static void
send_one(void *thing)
{
	struct notify_target *target = thing;
	struct err err = ERR_INIT;

	if (target->message == NULL)
		return;
	target->err = service_send(&target->service, target->message,
	    &target->courier, &err) < 0 ? err : (struct err)ERR_INIT;
}

void
notify_message(struct notify *notify, unsigned whom,
    const struct message *message)
{
	const struct courier courier = { .ca_more = notify->ca_more,
		.until_s = clock_mono_s() +
		(double)notify->options->notification_timeout_ns / NS_PER_S };
	size_t i;

	for (i = 0; i < notify->n; i++) {
		notify->v[i].message =
		    (notify->v[i].what & whom) != 0 ? message : NULL;
		notify->v[i].courier = courier;
	}
	parallel_run(send_one, notify->v, sizeof *notify->v, notify->n);
}

struct texts {
	char *title;
	char *body;
};

static void
texts_free(struct texts *texts)
{
	free(texts->title);
	free(texts->body);
	*texts = (struct texts){ NULL, NULL };
}

static int
render(const struct templates *templates, enum outcome outcome,
    const struct cJSON *data, struct texts *ret, struct err *err)
{
	bool good = outcome == OUTCOME_SUCCESS;
	CLEANUP(texts_free) struct texts texts = { NULL, NULL };
	CLEANUP(cleanup_free) char *title = NULL;
	CLEANUP(cleanup_free) char *body = NULL;

	if (templates_render(templates, good ? "title_success" :
	    "title_failure", data, &title, err) < 0 ||
	    templates_render(templates, good ? "body_success" :
	    "body_failure", data, &body, err) < 0 ||
	    message_line(title, &texts.title, err) < 0 ||
	    message_utf8(body, &texts.body, err) < 0)
		return -1;
	*ret = texts;
	texts = (struct texts){ NULL, NULL };
	return 0;
}

/* Who is to be told is told, whatever became of the templates. */
static int
compose(struct notify *notify, const struct report *view, struct texts *ret,
    struct err *err)
{
	CLEANUP(templates_freep) struct templates *defaults = NULL;
	CLEANUP(json_free) struct cJSON *data = NULL;
	enum outcome outcome = report_outcome(view);

	notify->template_err = (struct err)ERR_INIT;
	if (template_data(view, notify->options, &data, err) < 0)
		return -1;
	if (notify->templates != NULL && render(notify->templates, outcome,
	    data, ret, &notify->template_err) == 0)
		return 0;
	return read_templates(NULL, &defaults, err) < 0 ? -1 :
	    render(defaults, outcome, data, ret, err);
}

int
notify_send(struct notify *notify, unsigned whom, const struct report *view,
    struct err *err)
{
	CLEANUP(texts_free) struct texts texts = { NULL, NULL };
	struct message message = { .outcome = report_outcome(view),
		.host = view->host, .time = view->finished };

	if (compose(notify, view, &texts, err) < 0)
		return -1;
	message.title = texts.title;
	message.body = *texts.body != '\0' ? texts.body : texts.title;
	notify_message(notify, whom, &message);
	return 0;
}
