/*
 * libcurl: what all that use libcurl need: its set-up, once, and its roots.
 */
#ifndef LIB_BASE_LIBCURL_H
#define LIB_BASE_LIBCURL_H

#include "lib/base/err.h"

/* libcurl_setup: before anything else of libcurl; any number of times, by any
 * thread. Fails: ERR_SYSTEM. */
MUST_CHECK int libcurl_setup(struct err *err);

/*
 * libcurl_join_roots: *ret is PEM text for CURLOPT_CAINFO_BLOB: what libcurl
 * takes for roots by itself, and `more` behind it. Its directory of roots stays
 * in use. Caller frees.
 *
 * Takes    easy: a libcurl handle; file: in place of libcurl's own; NULL
 * Fails    ERR_NOMEM; as file_read, if file is given
 */
MUST_CHECK int libcurl_join_roots(void *easy, const char *file,
    const char *more, char **ret, struct err *err);

#endif
