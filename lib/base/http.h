/*
 * http: one request, one answer. Only the files http*.c know libcurl.
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
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

struct http;

struct http_endpoint {
	const char *base;	/* "http://host:port", no slash at its end */
	const char *unix_socket;	/* path, or NULL */
	const char *ca_file;	/* PEM, instead of the system's; NULL */
	const char *ca_more;	/* PEM text, beside the system's; NULL */
	const char *cert_file;	/* client's, PEM; NULL: none */
	const char *key_file;
	bool insecure;		/* do not verify the server's certificate */
	bool no_proxy;		/* proxies of the environment do not apply (to a
				 * unix socket they never do) */
	double connect_timeout_s;	/* TLS included; 0: libcurl's 300 s */
};

/* Signs the request with AWS Signature Version 4, payload included: the caller
 * puts x-amz-content-sha256 (and x-amz-security-token) into headers. */
struct http_aws {
	const char *access_key;
	const char *secret_key;
	const char *region;
	const char *service;	/* "s3" */
};

struct http_request {
	const char *method;	/* "GET", "POST", ... */
	const char *path;	/* with query; appended to base as it is. Where
				 * signed: base has no path, and the query is
				 * sorted by name, each name with a "=" */
	const char *const *headers;	/* "Name: value", NULL-terminated; NULL:
					 * none of the caller's */
	const char *body;	/* NULL: none */
	size_t body_len;
	/* In place of body: body_len bytes are asked for piece by piece, from
	 * the start again if libcurl must rewind. */
	int (*read)(void *cookie, uint64_t offset, void *bytes, size_t n,
	    struct err *err);
	/* In place of these, where nobody knows how many bytes there will be:
	 * up to n of them, *ret_n is 0 at the end. They are sent in chunks, and
	 * asked for once. It may wait; who waits with it looks at signals. */
	int (*pull)(void *cookie, void *bytes, size_t n, size_t *ret_n,
	    struct err *err);
	/* In place of a body in the response: what comes with a 2xx status.
	 * Each call -1 ends the request with that error. */
	int (*write)(void *cookie, const void *bytes, size_t n,
	    struct err *err);
	void *cookie;		/* of read, pull and write */
	const char *content_type;	/* with a body; NULL: application/json */
	const struct http_aws *aws;	/* NULL: not signed */
	double timeout_s;	/* for the whole call; 0: none */
	double stall_s;		/* ends a call that moves no byte for so long;
				 * 0: none */
	uint64_t rate_bytes_s;	/* sends no faster; 0: no limit */
	bool interruptible;	/* a signal (intr.h) ends it */
	/* Asked now and then from the calling thread; true ends the request
	 * with ERR_INTERRUPTED. NULL: nobody is. */
	bool (*cancelled)(void *cookie);
	size_t max_body;	/* of the answer; 0: 64 MiB */
	bool cut_body;		/* what is behind max_body is no error: it is
				 * not read, and the answer is what was */
};

struct http_response {
	long status;
	char *body;		/* NUL-terminated, never NULL after success */
	size_t body_len;
	struct strmap headers;	/* names in lower case; the last of a name; none
				 * over 8 KiB */
};

#define HTTP_RESPONSE_INIT { 0, NULL, 0, STRMAP_INIT }

MUST_CHECK int http_new(const struct http_endpoint *endpoint,
    struct http **ret, struct err *err);
void http_free(struct http *http);

/* Fails: ERR_UNREACHABLE no connection; ERR_UNTRUSTED none that TLS trusts: no
 * use in another try; ERR_TIMEOUT; ERR_INTERRUPTED; ERR_PROTOCOL not HTTP, too
 * large, cut off; ERR_CONFIG a malformed address, a certificate file that is
 * none. The message names the address without the request's path, which may be
 * a secret. */
MUST_CHECK int http_call(struct http *http, const struct http_request *request,
    struct http_response *ret, struct err *err);
void http_response_free(struct http_response *response);	/* for CLEANUP */

/* http_escape: percent-encode one path segment or query value; caller frees. */
MUST_CHECK int http_escape(const char *text, char **ret, struct err *err);

#endif
