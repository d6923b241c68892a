/*
 * listeners: the services that are told of a run, by audiences.
 *
 *     listeners_open         parse all settings; problems are told
 *     listeners_know         the jobs are known
 *     listeners_of_trouble   those that are told of trouble; once
 *     listeners_of_success   then those that are told of successes
 *     listeners_close
 *
 * What fails is a problem of the audience's jobs (audience_failed).
 */
#ifndef LIB_REPORT_LISTENERS_H
#define LIB_REPORT_LISTENERS_H

#include "lib/base/err.h"
#include "lib/config/config.h"
#include "lib/report/audience.h"
#include "lib/report/message.h"
#include "lib/report/report.h"

struct listener;

struct listeners {
	struct audience_list audiences;
	struct listener *v;	/* one for each of them */
};

#define LISTENERS_INIT { AUDIENCE_LIST_INIT, NULL }

/* listeners_open: config and ca_more (PEM, or NULL) are borrowed until
 * listeners_close, which is due whatever this returns. What is good is used;
 * problems and warnings are appended to. Fails: ERR_NOMEM only */
MUST_CHECK int listeners_open(const struct config *config, const char *ca_more,
    struct listeners *ret, struct strlist *problems, struct strlist *warnings,
    struct err *err);
void listeners_close(struct listeners *listeners);

void listeners_know(struct listeners *listeners, const struct report *report);

/* listeners_of_trouble: from here on the outcome stands, for each audience:
 * none who tells changes what is told. */
void listeners_of_trouble(struct listeners *listeners, struct report *report);

/* listeners_of_success: and those who want trouble, of who could not be
 * told. */
void listeners_of_success(struct listeners *listeners, struct report *report);

/* listeners_message: this message to all services there are; told is called
 * with each one's name and what kept it. Gives how many there are. */
size_t listeners_message(struct listeners *listeners,
    const struct message *message,
    void (*told)(void *cookie, const char *name, const struct err *why),
    void *cookie);

#endif
