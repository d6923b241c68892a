/*
 * pingers: the dead man's switches that are told of a run, by audiences.
 *
 *     pingers_open, pingers_know, pingers_ping at the start and at the end,
 *     pingers_close
 */
#ifndef LIB_REPORT_PINGERS_H
#define LIB_REPORT_PINGERS_H

#include "lib/base/err.h"
#include "lib/config/config.h"
#include "lib/report/audience.h"
#include "lib/report/courier.h"
#include "lib/report/report.h"

struct pinger;

struct pingers {
	struct audience_list audiences;
	struct pinger *v;	/* one for each of them */
};

#define PINGERS_INIT { AUDIENCE_LIST_INIT, NULL }

enum pingers_when { PINGERS_START, PINGERS_END };

/* pingers_open: config is borrowed until pingers_close, which is due whatever
 * this returns. What is good is used; problems are appended to. Fails:
 * ERR_NOMEM only */
MUST_CHECK int pingers_open(const struct config *config, struct pingers *ret,
    struct strlist *problems, struct err *err);
void pingers_close(struct pingers *pingers);

void pingers_know(struct pingers *pingers, const struct report *report);

/* pingers_ping: all of them, at once: who does not answer keeps no other
 * waiting. courier: how long, and whom to trust. What fails is a problem of
 * the audience's jobs (audience_failed). */
void pingers_ping(struct pingers *pingers, enum pingers_when when,
    const struct courier *courier, struct report *report);

#endif
