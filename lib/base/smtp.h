/*
 * smtp: one mail to a server, by libcurl.
 *
 * Never is a password sent in the clear but to this host itself: not if TLS is
 * not wanted, not if the server does not offer or refuses it. Nor is a mail
 * sent without logging in where that was asked for. A proxy of the environment
 * is not used. The calls may be made by several threads.
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
	const char *host;	/* an IPv6 address in brackets */
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
	double timeout_s;	/* for all of it; more than 0 */
	double after_signal_s;	/* so much is left at most once a signal came
				 * (seen within a second); 0: all */
};

/* smtp_check: ERR_CONFIG a password that would go in the clear, no user to log
 * in with, a hello that is no name, no recipients. Touches nothing; mail and
 * timeout_s need not be set. */
MUST_CHECK int smtp_check(const struct smtp *smtp, struct err *err);

/*
 * smtp_send: the server has taken the mail for all of them.
 *
 * Fails    as smtp_check; ERR_UNREACHABLE no connection, ERR_UNTRUSTED
 *          none that TLS trusts: nobody got the mail; ERR_REFUSED with the
 *          server's words, also if only some recipients were refused (they are
 *          named), or TLS or the way to log in is not offered; ERR_TIMEOUT;
 *          ERR_PROTOCOL not SMTP, or cut off
 */
MUST_CHECK int smtp_send(const struct smtp *smtp, struct err *err);

#endif
