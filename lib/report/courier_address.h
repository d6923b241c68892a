/*
 * courier_address: an URL as HTTP needs it, and where a redirect leads. For
 * courier.c only. Errors show no more than scheme, host and port.
 */
#ifndef LIB_REPORT_COURIER_ADDRESS_H
#define LIB_REPORT_COURIER_ADDRESS_H

#include "lib/base/err.h"
#include "lib/report/service_url.h"

struct courier_address {
	struct service_url url;	/* of scheme, user, host, port; no more */
	char *base;		/* "https://host:port", without the user */
	char *path;		/* from its slash on, with the query, without
				 * the fragment; escaped */
};

#define COURIER_ADDRESS_INIT { SERVICE_URL_INIT, NULL, NULL }

void courier_address_free(struct courier_address *address);	/* wipes */

/* courier_address_parse: Fails: ERR_CONFIG not http:// or https://, no host. */
MUST_CHECK int courier_address_parse(const char *text,
    struct courier_address *ret, struct err *err);

/*
 * courier_address_follow: *address becomes what location means there; its user
 * stays.
 *
 * Fails    ERR_REFUSED another host, another port (but from http to https),
 *          from https to http, not an URL
 */
MUST_CHECK int courier_address_follow(struct courier_address *address,
    const char *location, struct err *err);

#endif
