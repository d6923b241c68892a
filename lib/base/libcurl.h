/*
 * libcurl: what all that use libcurl need: its set-up, once, whom it trusts,
 * and what its failures are. An `easy` is a handle of libcurl, a `code` its
 * CURLcode.
 */
#ifndef LIB_BASE_LIBCURL_H
#define LIB_BASE_LIBCURL_H

#include <stdbool.h>

#include "lib/base/err.h"

/* libcurl_setup: before anything else of libcurl; any number of times, by any
 * thread. Fails: ERR_SYSTEM. */
MUST_CHECK int libcurl_setup(struct err *err);

/*
 * libcurl_join_roots: *ret is PEM text for CURLOPT_CAINFO_BLOB: what libcurl
 * takes for roots by itself, and `more` behind it. Its directory of roots stays
 * in use. Caller frees.
 *
 * Takes    file: in place of libcurl's own; NULL
 * Fails    ERR_NOMEM; as file_read, if file is given
 */
MUST_CHECK int libcurl_join_roots(void *easy, const char *file,
    const char *more, char **ret, struct err *err);

/* libcurl_trust: takes the certificates that these roots vouch for (as above;
 * NULL: libcurl's own; not copied), or any. False: out of memory. */
MUST_CHECK bool libcurl_trust(void *easy, const char *roots, bool insecure);

/* libcurl_kind: of what ended a transfer. Of a timeout: ERR_UNREACHABLE, as
 * long as there was no connection. */
enum err_kind libcurl_kind(void *easy, int code);

/* libcurl_phrase: what a message of that kind begins with, before the peer. */
const char *libcurl_phrase(enum err_kind kind);

#endif
