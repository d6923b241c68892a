/*
 * mail: a message as an Internet mail (RFC 5322, MIME).
 *
 * One text/plain part, UTF-8, base64 in lines of 76; Subject and names in RFC
 * 2047's words where they are not plain ASCII, or long; Date, Message-ID,
 * Auto-Submitted: auto-generated, and X-Priority: 1 for a failure. No header
 * can be injected: titles are one line. Line ends are CRLF. No line has more
 * than 76 characters, but for addresses.
 */
#ifndef LIB_REPORT_MAIL_H
#define LIB_REPORT_MAIL_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/report/message.h"

/* Servers take 10 MB and more, but people read no more than this. */
#define MAIL_BODY_BYTES ((size_t)1 << 20)

#define MAIL_ADDRESS_BYTES 254

struct mail {			/* borrowed; addresses were checked */
	const char *from;	/* an address, user@host; NULL: whoever takes
				 * the mail adds the header */
	const char *from_name;	/* NULL: none */
	const struct strlist *to;
	bool html;		/* beside the text, as multipart/alternative:
				 * the text in <pre>, escaped */
};

/* mail_check_address: ERR_CONFIG unless it can stand in a header, an envelope
 * and a command: user@host or user, ASCII, no blanks, quotes of words (") or
 * control characters, none of ()<>[],;:\ but for an address in brackets as
 * host, no hyphen in front. */
MUST_CHECK int mail_check_address(const char *address, struct err *err);

/* mail_format: *ret is the mail, of at most MAIL_BODY_BYTES of the body (see
 * message_fit); caller frees. */
MUST_CHECK int mail_format(const struct mail *mail,
    const struct message *message, char **ret, struct err *err);

/* mail_legacy_url: docker-volume-backup's EMAIL_* as one smtp URL, everything
 * escaped; caller frees and wipes. recipient: also several, with commas; user
 * and password may be NULL. */
MUST_CHECK int mail_legacy_url(const char *recipient, const char *sender,
    const char *host, long port, const char *user, const char *password,
    char **ret, struct err *err);

#endif
