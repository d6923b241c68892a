/*
 * courier: brings a request to a web service, and tries again.
 *
 * Tried again, up to COURIER_TRIES times in all, with growing pauses: no
 * connection, no answer in time, a cut answer, 429 and 5xx (Retry-After in
 * seconds or as a date is waited for, if there is time); not a certificate that
 * is not trusted. So a message may come twice where an answer was lost: better
 * than not at all. Redirects (up to 5) are followed with the same method and
 * body if they stay on the same host and port or go from http to https on that
 * host; another must not see what is sent, and is an error that names it. All
 * ends at `until_s`. A proxy of the environment is used. No error message shows
 * more of an URL than scheme, host and port.
 *
 * A signal ends no request, but the time left gets short, and pauses end: after
 * one there is one more try.
 */
#ifndef LIB_REPORT_COURIER_H
#define LIB_REPORT_COURIER_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/http.h"

#define COURIER_TRIES 4
#define COURIER_CONNECT_S 10.0
#define COURIER_CALL_S 30.0	/* one try */
#define COURIER_ANSWER_BYTES 65536	/* what is behind them is not read */
/* Once a signal was seen, so much is left at most, of any until_s. */
#define INTR_AFTER_S 5.0

struct courier {		/* may be copied; one thread at a time */
	const char *ca_more;	/* PEM text, beside the system's; NULL */
	double until_s;		/* of clock_mono_s; set nearer by a signal */
	bool hurried;		/* the courier's own: it was set nearer */
};

struct letter {			/* everything borrowed */
	const char *method;	/* NULL: POST */
	const char *url;	/* http:// or https://, escaped; its blanks and
				 * what is not ASCII are escaped here */
	const char *const *headers;	/* "Name: value", NULL-terminated;
					 * NULL: none */
	const char *user;	/* Basic authentication; NULL: that in the URL,
				 * or none */
	const char *password;	/* NULL: "" */
	const char *body;	/* NULL: none */
	size_t body_len;
	const char *content_type;	/* with a body */
	bool insecure;		/* any certificate is good */
};

/*
 * courier_send: *ret is the last answer, of any status but a redirect;
 * http_response_free.
 * Fails    as http_call; ERR_TIMEOUT no time left; ERR_REFUSED a redirect that
 *          is not followed; ERR_CONFIG an URL, a method or a header that cannot
 *          be sent
 */
MUST_CHECK int courier_send(struct courier *courier,
    const struct letter *letter, struct http_response *ret, struct err *err);

/* courier_left_s: how long it may still go on; 0: not at all. The first call
 * after a signal sets until_s nearer. */
double courier_left_s(struct courier *courier);

#endif
