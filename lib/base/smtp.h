/*
 * smtp: one mail to a server, by libcurl.
 *
 * Never is a password sent in the clear but to this host itself. A signal
 * shortens what is left, as everywhere (see the caller's timeout).
 */
#ifndef LIB_BASE_SMTP_H
#define LIB_BASE_SMTP_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

enum smtp_tls {
	SMTP_TLS_NONE,		/* never */
	SMTP_TLS_TRY,		/* STARTTLS if it is offered */
	SMTP_TLS_STARTTLS,	/* or nothing */
	SMTP_TLS_IMPLICIT	/* from the first byte on */
};

enum smtp_auth { SMTP_AUTH_NONE, SMTP_AUTH_PLAIN, SMTP_AUTH_LOGIN,
	SMTP_AUTH_CRAM_MD5, SMTP_AUTH_XOAUTH2 };

struct smtp {			/* everything borrowed */
	const char *host;
	unsigned port;
	enum smtp_tls tls;	/* TRY becomes STARTTLS where a password goes
				 * to another host; NONE is refused then */
	bool insecure;		/* any certificate is good */
	const char *ca_more;	/* PEM text, beside the system's; NULL */
	enum smtp_auth auth;
	const char *user;
	const char *password;
	const char *hello;	/* name of the client */
	const char *from;	/* addresses alone */
	const struct strlist *to;	/* one that is refused keeps none of the
					 * others from getting it */
	const char *mail;	/* header and body, CRLF line ends */
	size_t mail_len;
	double timeout_s;
};

/* smtp_send: Fails: ERR_UNREACHABLE, ERR_TIMEOUT, ERR_REFUSED with the
 * server's words, also when any recipient was refused; ERR_CONFIG a password
 * that would go in the clear. */
MUST_CHECK int smtp_send(const struct smtp *smtp, struct err *err);

#endif
