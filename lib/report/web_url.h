/*
 * web_url: an http(s) URL of the settings, in the parts that requests are made
 * of: what stands behind its path goes between path and query, and who calls
 * goes into a header. The services' own URLs are of another grammar, which
 * service_url.h reads.
 *
 * Path and query stay percent-encoded as they are; the fragment is dropped.
 * Such URLs are secrets: no message shows more than base.
 */
#ifndef LIB_REPORT_WEB_URL_H
#define LIB_REPORT_WEB_URL_H

#include <stdbool.h>

#include "lib/base/err.h"

struct web_url {		/* everything owned */
	char *base;		/* "https://host:port", lower-case scheme */
	bool tls;		/* https */
	char *host;		/* of base, case kept; in its brackets */
	unsigned port;		/* of base, or the scheme's own */
	char *user;		/* decoded; NULL: no user information */
	char *password;		/* decoded; NULL: none */
	char *path;		/* "" or "/a/b" */
	char *query;		/* without its ?; NULL: none */
};

/* web_url_parse: Fails: ERR_CONFIG "the URL ...", without any part of it:
 * another scheme, no host, a port that is none, a blank, a control character
 * or a byte that must be percent-encoded. The password, and what may be a token
 * in user, path and query, is told to log_secret. */
MUST_CHECK int web_url_parse(const char *text, struct web_url *ret,
    struct err *err);

/* web_url_parse_loose: the same for texts that come from others: behind the
 * host, what must be percent-encoded is, instead of being refused. Nothing is
 * told to log_secret: what is sent may be in it. */
MUST_CHECK int web_url_parse_loose(const char *text, struct web_url *ret,
    struct err *err);

/* web_url_resolve: what reference means in from, by RFC 3986, 5.2, but that dot
 * segments are left for the server. No user information comes from from. Fails:
 * as web_url_parse_loose. */
MUST_CHECK int web_url_resolve(const struct web_url *from,
    const char *reference, struct web_url *ret, struct err *err);
void web_url_free(struct web_url *url);		/* wipes; for CLEANUP */

/* web_url_make: *ret is "BASE PATH more ? QUERY & query". more is "" or begins
 * with a slash, and takes the place of slashes at the end of the path; NULL:
 * the path stays as it is. query NULL: no more of it. Caller frees. */
MUST_CHECK int web_url_make(const struct web_url *url, const char *more,
    const char *query, char **ret, struct err *err);

/* web_url_wipe: for CLEANUP of what was made. */
void web_url_wipe(char **text);

#endif
