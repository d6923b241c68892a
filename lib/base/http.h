/*
 * http: one request, one answer. The only file that knows libcurl.
 *
 *     http_new, http_call ..., http_free
 *
 * A struct http keeps its connection between calls and belongs to one thread
 * at a time. Bodies are held in memory and bounded. Redirects are not
 * followed. An answer of any status is a success here: what a status means is
 * for the caller to say. Every call has two deadlines: for the connection, and
 * for the whole call, so that a peer that sends nothing is not waited for.
 */
#ifndef LIB_BASE_HTTP_H
#define LIB_BASE_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"

struct http;

struct http_endpoint {
	const char *base;	/* "http://host:port", no slash at its end */
	const char *unix_socket;	/* path, or NULL */
	const char *ca_file;	/* PEM, NULL: the system's */
	const char *cert_file;	/* client's, PEM; NULL: none */
	const char *key_file;
	bool insecure;		/* do not verify the server's certificate */
	bool no_proxy;		/* proxies of the environment do not apply (to a
				 * unix socket they never do) */
	double connect_timeout_s;	/* TLS included; 0: libcurl's 300 s */
};

struct http_request {
	const char *method;	/* "GET", "POST", ... */
	const char *path;	/* with query; appended to base as it is */
	const char *body;	/* NULL: none */
	size_t body_len;
	const char *content_type;	/* with a body; NULL: application/json */
	double timeout_s;	/* for the whole call; 0: none */
	bool interruptible;	/* a signal (intr.h) ends it */
	size_t max_body;	/* of the answer; 0: 64 MiB */
};

struct http_response {
	long status;
	char *body;		/* NUL-terminated, never NULL after success */
	size_t body_len;
	char api_version[16];	/* header Api-Version, or "" */
};

#define HTTP_RESPONSE_INIT { 0, NULL, 0, "" }

MUST_CHECK int http_new(const struct http_endpoint *endpoint,
    struct http **ret, struct err *err);
void http_free(struct http *http);

/* Fails: ERR_UNREACHABLE no connection, or none that TLS trusts; ERR_TIMEOUT;
 * ERR_INTERRUPTED; ERR_PROTOCOL not HTTP, too large, cut off; ERR_CONFIG a
 * malformed address, a certificate file that is none. The message names the
 * address without the request's path, which may be a secret. */
MUST_CHECK int http_call(struct http *http, const struct http_request *request,
    struct http_response *ret, struct err *err);
void http_response_free(struct http_response *response);	/* for CLEANUP */

/* http_escape: percent-encode one path segment or query value; caller frees. */
MUST_CHECK int http_escape(const char *text, char **ret, struct err *err);

#endif
