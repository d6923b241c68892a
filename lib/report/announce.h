/*
 * announce: everybody who is told of a run: commands, pings, metrics, services.
 *
 *     announce_open       parse all settings; problems are told
 *     announce_start      the run begins
 *     announce_end        it is over; once
 *     announce_close
 *
 * At the end hooks run by level (hook.h): as plumbing first the commands, then
 * metrics and pings; then, as error hooks, the services that are told of
 * trouble; then, as info hooks, those that are told of successes. Nothing here
 * ever keeps a backup from being made, and no failure is worse than exit 3.
 */
#ifndef LIB_REPORT_ANNOUNCE_H
#define LIB_REPORT_ANNOUNCE_H

#include "lib/base/err.h"
#include "lib/config/config.h"
#include "lib/report/report.h"

struct announce;
struct filter;

/*
 * announce_open: Gives *ret, also where there are problems: what is good is
 * used. config and report are borrowed; report's jobs may still be unknown.
 * problems and warnings are appended to.
 * Fails    ERR_NOMEM only
 */
MUST_CHECK int announce_open(const struct config *config,
    struct announce **ret, struct strlist *problems, struct strlist *warnings,
    struct err *err);
void announce_close(struct announce *announce);
void announce_closep(struct announce **announce);	/* for CLEANUP */

/* announce_filter: what must not leave the host; borrowed. */
struct filter *announce_filter(const struct announce *announce);

/* announce_start: the jobs are known. What fails is told by hook_failed. */
void announce_start(struct announce *announce, struct report *report);

/* announce_end: after report_end. */
void announce_end(struct announce *announce, struct report *report);

/* announce_tell: a title and a text to all services there are; told is called
 * with each one's name and what kept it (ERR_NONE: it went well). Fails:
 * ERR_CONFIG there is none. */
MUST_CHECK int announce_tell(struct announce *announce, const char *title,
    const char *text, void (*told)(void *cookie, const char *name,
    const struct err *why), void *cookie, struct err *err);

#endif
