/*
 * s3_request: one signed request to S3, tried again where that helps.
 *
 *     struct s3_conn conn = { .client = client };
 *     s3_call(&conn, &request, &answer), s3_expect(&answer), ...
 *     s3_conn_close(&conn)
 *
 * Tried again, with backoff and full jitter, until retry_s have passed since
 * the first failure: no connection, a connection cut off, a stall, and what the
 * server itself calls passing (5xx, 429 whose Retry-After is honoured, SlowDown
 * and its kin). Anything else a server refuses is final. Keys that have run
 * out are fetched again once.
 */
#ifndef LIB_STORE_S3_REQUEST_H
#define LIB_STORE_S3_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/http.h"
#include "lib/base/str.h"
#include "lib/store/s3_credentials.h"
#include "lib/store/s3_xml.h"

struct s3_client {	/* shared by all threads, changed by none */
	char *base;		/* "https://host" */
	char *root;		/* "/bucket", or "" with virtual-host style */
	char *region;
	char *ca_more;		/* or NULL */
	bool insecure;
	double retry_s;		/* 0: nothing is tried again */
	struct s3_credentials *credentials;
};

void s3_client_free(struct s3_client *client);	/* what it holds */

struct s3_conn {	/* of one thread */
	const struct s3_client *client;
	struct http *http;	/* NULL: not connected yet */
};

void s3_conn_close(struct s3_conn *conn);	/* for CLEANUP */

struct s3_request {
	const char *method;
	const char *key;	/* as it is; NULL: the bucket */
	const char *query;	/* encoded, sorted, "a=b&uploads="; NULL */
	const struct strlist *headers;	/* "Name: value"; NULL */
	const char *body;	/* NULL: none */
	uint64_t body_len;
	/* In place of body, as in http.h; then sha256 must be given. */
	int (*read)(void *cookie, uint64_t offset, void *bytes, size_t n,
	    struct err *err);
	bool (*cancelled)(void *cookie);
	void *cookie;
	const char *sha256;	/* of the body, hexadecimal; NULL: computed */
	const char *content_type;	/* with a body */
	uint64_t rate_bytes_s;
	bool is_content;	/* what comes with a 2xx is an object, not
				 * words of the server */
	double stall_s;		/* 0: a minute */
	double retry_s;		/* 0: the client's, else no more than that */
	bool undisturbed;	/* a signal does not end it: for tidying up */
};

struct s3_answer {
	struct http_response response;
	struct s3_error error;	/* its code is "" where all is well */
	unsigned attempts;
};

#define S3_ANSWER_INIT { HTTP_RESPONSE_INIT, S3_ERROR_INIT, 0 }

void s3_answer_free(struct s3_answer *answer);	/* for CLEANUP */

/* s3_call: 0 if there is a final answer, of whatever status. Fails: as
 * http_call and s3_credentials_get. */
MUST_CHECK int s3_call(struct s3_conn *conn, const struct s3_request *request,
    struct s3_answer *ret, struct err *err);

/* s3_ok: a 2xx status, and no <Error> in it. */
bool s3_ok(const struct s3_answer *answer);

/* s3_is: did the server refuse with this code? */
bool s3_is(const struct s3_answer *answer, const char *code);

/* s3_expect: -1 unless s3_ok: ERR_NOTFOUND with 404, ERR_EXISTS with 412,
 * ERR_NOSPACE, else ERR_REFUSED; the server's code and message, and what to do
 * about it where we know. */
MUST_CHECK int s3_expect(const struct s3_answer *answer, struct err *err);

/* s3_run: s3_call and s3_expect, where the answer does not matter else. */
MUST_CHECK int s3_run(struct s3_conn *conn, const struct s3_request *request,
    struct err *err);

/* s3_add_md5: the header Content-MD5 of a small body, which servers want of a
 * list to remove, and of everything that goes into a bucket with Object
 * Lock. */
MUST_CHECK int s3_add_md5(const void *body, size_t n, struct strlist *ret,
    struct err *err);

/* s3_etag: of an answer's header, without quotes, in ret; "" if none. */
#define S3_ETAG_BYTES 72
void s3_etag(const struct s3_answer *answer, char ret[S3_ETAG_BYTES]);

#endif
