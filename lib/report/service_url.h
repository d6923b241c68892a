/*
 * service_url: the URLs that name a service and its settings, as shoutrrr
 * has them: SCHEME[+PLUS]://[USER[:PASSWORD]@]HOST[:PORT][/PATH][?QUERY][#F].
 *
 * Read as Go's net/url does: the fragment is cut off first, then the scheme,
 * the query, the authority up to the next slash. User information ends at the
 * last @, the user at the first colon. What is percent-encoded is decoded; a +
 * is a blank in the query only. Pure: nothing is looked up.
 *
 * Such an URL is full of secrets: no error message shows more of it than its
 * scheme.
 */
#ifndef LIB_REPORT_SERVICE_URL_H
#define LIB_REPORT_SERVICE_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

struct service_url {		/* everything decoded and owned */
	char *scheme;		/* lower case */
	char *plus;		/* behind a +, lower case; NULL: none */
	char *user;		/* NULL: no user information */
	char *password;		/* NULL: no colon in it */
	char *host;		/* case kept; "" if there is none; an IPv6
				 * address in its brackets */
	unsigned port;		/* 0: none */
	char *path;		/* "" or from its first slash on */
	struct strlist segments;	/* of the path, split before decoding;
					 * empty ones left out */
	struct strmap query;	/* the first value of each key; a pair with a
				 * bare ; in it is dropped */
	char *fragment;		/* NULL: none */
};

#define SERVICE_URL_INIT { NULL, NULL, NULL, NULL, NULL, 0, NULL,	\
    STRLIST_INIT, STRMAP_INIT, NULL }
#define SERVICE_URL_KEYS 256	/* in a query */

/*
 * service_url_parse: *ret: service_url_free; untouched after a failure.
 *
 * Fails    ERR_CONFIG, saying what is wrong with which part ("the port is not
 *          a number from 1 to 65535"), without that part: a text without
 *          SCHEME://; control characters, encoded ones too (but newline and
 *          tab in a value of the query); a bad percent-encoding; decoded bytes
 *          that are not UTF-8; a host with a blank or with what ends one
 *          (/ ? # @ \ : and the like); too many keys
 */
MUST_CHECK int service_url_parse(const char *text, struct service_url *ret,
    struct err *err);
void service_url_free(struct service_url *url);	/* wipes; for CLEANUP */

/*
 * service_urls_split: a list of URLs, each to be parsed.
 *
 * A newline separates; so does a comma, if behind it (and blanks and other
 * commas) stands a known scheme, perhaps with +PLUS, and "://", or the end of
 * the line: others belong to the URL, as in "to=a@x,slack+tag@y". Blanks at
 * both ends are cut, empty elements dropped. known is asked with a name that is
 * not NUL-terminated, any case.
 */
MUST_CHECK int service_urls_split(const char *text,
    bool (*known)(const char *scheme, size_t n), struct strlist *ret,
    struct err *err);

#endif
