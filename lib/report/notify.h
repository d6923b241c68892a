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

enum notify_for { NOTIFY_FOR_ALL, NOTIFY_FOR_TROUBLE, NOTIFY_FOR_SUCCESS };

struct notify_target {
	enum notify_for what;	/* which of the settings it stands in */
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

/* notify_has: is there anybody to tell? */
bool notify_has(const struct notify *notify, enum notify_for what);

/* notify_message: to those of `what`; each target's err says how it went.
 * Fails: ERR_NOMEM and the like, before anything was sent. */
MUST_CHECK int notify_message(struct notify *notify, enum notify_for what,
    const struct message *message, struct err *err);

/* notify_send: the same with a report. A template that fails is told by
 * hook_failed, and the built-in one is used. */
MUST_CHECK int notify_send(struct notify *notify, enum notify_for what,
    const struct report *view, struct report *report, struct err *err);

#endif
