/*
 * ping: a dead man's switch: who does not hear from us in time, alarms.
 *
 * Kinds:
 *   healthchecks   POST URL/start?rid=ID, then URL?rid=ID for success and
 *                  URL/STATUS?rid=ID for all else, with the tail of the log as
 *                  its body: as many bytes as Ping-Body-Limit in the answer to
 *                  /start says, 10,000 if it said nothing. An ID is the run's.
 *   kuma           GET URL?status=up|down&msg=..&ping=MS at the end (Uptime
 *                  Kuma's push URL; a query that it has is replaced)
 *   plain          GET URL, after a success only
 *   auto           healthchecks for hc-ping.com and for paths with /ping/ in
 *                  them; kuma for paths with /api/push/; else plain
 * %s in an URL is the host's name. Problems (exit 3) count as failure, or, with
 * ping.problems = log, as success: Healthchecks gets a /log before that, with
 * what they are.
 *
 * The body begins with a line "vbackup: success|problems|failure" and the
 * error, if any; a blank line and the log follow. No error message shows more
 * of an URL than scheme, host and port.
 */
#ifndef LIB_REPORT_PING_H
#define LIB_REPORT_PING_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/report/courier.h"
#include "lib/report/report.h"

enum ping_kind { PING_AUTO, PING_HEALTHCHECKS, PING_PLAIN, PING_KUMA };

struct ping {			/* borrowed */
	const char *url;
	enum ping_kind kind;
	bool problems_are_success;
	size_t body_limit;	/* begins as PING_BODY_BYTES; ping_start
				 * changes it */
};

#define PING_BODY_BYTES 10000

/* ping_check: is it an http(s) URL that we can use? ERR_CONFIG without it. */
MUST_CHECK int ping_check(const struct ping *ping, struct err *err);

/* ping_start: nothing for kinds that have no start. Fails: ERR_REFUSED an
 * answer that is no success; as courier_send. ping_end is called all the same,
 * whatever became of it. */
MUST_CHECK int ping_start(struct ping *ping, const struct report *report,
    struct courier *courier, struct err *err);
MUST_CHECK int ping_end(const struct ping *ping, const struct report *report,
    struct courier *courier, struct err *err);

#endif
