/*
 * notify: one audience's services, and what they are told.
 *
 *     notify_open         parse everything: touches nothing
 *     notify_send         a report, as the templates say, or
 *     notify_message      a title and a text
 *     notify_close
 *
 * All services are sent to at once, each in a thread of its own, so that one
 * that does not answer keeps no other waiting.
 */
#ifndef LIB_REPORT_NOTIFY_H
#define LIB_REPORT_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/config/options.h"
#include "lib/report/message.h"
#include "lib/report/report.h"
#include "lib/report/service.h"
#include "lib/report/template.h"

enum notify_for {		/* a set of them is an unsigned */
	NOTIFY_FOR_ALL = 1,
	NOTIFY_FOR_TROUBLE = 2,
	NOTIFY_FOR_SUCCESS = 4
};

struct notify_target {
	enum notify_for what;	/* which of the settings it stands in */
	const struct message *message;	/* while it is sent */
	struct courier courier;
	char *name;		/* "notification.urls 2 (discord)" */
	struct service_target service;
	struct err err;		/* of the last message */
};

struct notify {
	const struct options *options;	/* borrowed */
	struct notify_target *v;
	size_t n;
	struct templates *templates;	/* NULL: they are not as they should
					 * be; the defaults are used */
	const char *ca_more;		/* see courier.h; borrowed */
	struct err template_err;	/* of the last notify_send: the built-in
					 * ones were used instead */
};

#define NOTIFY_INIT { .n = 0 }

/*
 * notify_open: all services of these settings, EMAIL_* too.
 *
 * Gives    *ret: what is good, also if there are problems; notify_close.
 *          problems and warnings are appended to; neither shows a secret
 * Fails    ERR_NOMEM only
 */
MUST_CHECK int notify_open(const struct options *options,
    const char *ca_more, struct notify *ret, struct strlist *problems,
    struct strlist *warnings, struct err *err);
void notify_close(struct notify *notify);	/* for CLEANUP */

/* notify_has: is there anybody of these to tell? */
bool notify_has(const struct notify *notify, unsigned whom);

/* notify_message: to these; each target's err says how it went. */
void notify_message(struct notify *notify, unsigned whom,
    const struct message *message);

/* notify_send: the same with a report. Fails: ERR_NOMEM and the like, before
 * anything was sent. */
MUST_CHECK int notify_send(struct notify *notify, unsigned whom,
    const struct report *view, struct err *err);

#endif
