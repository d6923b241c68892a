/*
 * http_sign: AWS Signature Version 4 of one request, in headers. For
 * http_setup.c only.
 *
 * Written here because libcurl's own (7.88) sorts whole header lines in place
 * of names, so that x-amz-meta-a and x-amz-meta-a-b give a wrong signature, and
 * because each of its versions treats path and query in another way.
 */
#ifndef LIB_BASE_HTTP_SIGN_H
#define LIB_BASE_HTTP_SIGN_H

#include <time.h>

#include "lib/base/err.h"
#include "lib/base/http.h"
#include "lib/base/str.h"

/*
 * http_sign: add what signs the request to its headers.
 *
 * Takes    request: whose aws is set; its query, if any, is sorted by name, and
 *          each name has a "="; base: of the endpoint; now (UTC epoch);
 *          headers: every line of the caller's that is sent, among them
 *          x-amz-content-sha256
 * Gives    x-amz-date and Authorization, appended to headers
 * Fails    ERR_NOMEM; ERR_SYSTEM without x-amz-content-sha256
 * Source   "Authenticating Requests (AWS Signature Version 4)" of Amazon S3
 */
MUST_CHECK int http_sign(const struct http_request *request, const char *base,
    time_t now, struct strlist *headers, struct err *err);

#endif
