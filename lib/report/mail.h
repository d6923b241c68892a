/*
 * mail: a message as an Internet mail (RFC 5322, MIME).
 *
 * One text/plain part, UTF-8, base64 in lines of 76; Subject and names in RFC
 * 2047's words where they are not ASCII; Date, Message-ID, Auto-Submitted:
 * auto-generated, and X-Priority: 1 for a failure. No header can be injected:
 * titles are one line. Line ends are CRLF.
 */
#ifndef LIB_REPORT_MAIL_H
#define LIB_REPORT_MAIL_H

#include <stdbool.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/report/message.h"

struct mail {			/* borrowed */
	const char *from;	/* an address, user@host */
	const char *from_name;	/* NULL: none */
	const struct strlist *to;
	bool html;		/* beside the text, as multipart/alternative:
				 * the text in <pre>, escaped */
};

/* mail_check_address: ERR_CONFIG unless it can stand in a header and an
 * envelope: user@host or user, no blanks, quotes, control characters, <>,;. */
MUST_CHECK int mail_check_address(const char *address, struct err *err);

/* mail_format: *ret is the mail; caller frees. */
MUST_CHECK int mail_format(const struct mail *mail,
    const struct message *message, char **ret, struct err *err);

/* mail_legacy_url: docker-volume-backup's EMAIL_* as one smtp URL, everything
 * escaped; caller frees and wipes. user and password may be NULL. */
MUST_CHECK int mail_legacy_url(const char *recipient, const char *sender,
    const char *host, long port, const char *user, const char *password,
    char **ret, struct err *err);

#endif
