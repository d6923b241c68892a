/*
 * s3_temporary: keys that run out, and how peers write them.
 */
#ifndef LIB_STORE_S3_TEMPORARY_H
#define LIB_STORE_S3_TEMPORARY_H

#include <stddef.h>
#include <time.h>

#include "lib/base/err.h"
#include "lib/store/s3_credentials.h"

struct s3_temporary {
	struct s3_keys keys;
	time_t expires;		/* 0: they do not run out */
};

#define S3_TEMPORARY_INIT { S3_KEYS_INIT, 0 }

void s3_temporary_free(struct s3_temporary *temporary);	/* for CLEANUP */

/*
 * s3_temporary_json: what instance metadata and container endpoints answer.
 *
 * Takes    body, len bytes and a NUL
 * Fails    ERR_PROTOCOL not JSON, or a member is missing or malformed;
 *          ERR_REFUSED it says that there are none: with its code and words
 */
MUST_CHECK int s3_temporary_json(const char *body, size_t len,
    struct s3_temporary *ret, struct err *err);

/*
 * s3_temporary_make: from four texts, any of which may be NULL.
 *
 * Gives    *ret: copies; secrets are told to log_secret
 * Fails    ERR_PROTOCOL a key is missing or has a control character, the time
 *          is none
 */
MUST_CHECK int s3_temporary_make(const char *access_key,
    const char *secret_key, const char *session_token, const char *expiration,
    struct s3_temporary *ret, struct err *err);

/* s3_temporary_refused: fill *err with ERR_REFUSED and what a peer says, as
 * far as that is fit to be shown: code and words may be NULL. Returns -1. */
int s3_temporary_refused(const char *code, const char *words,
    struct err *err);

/* s3_temporary_time: RFC 3339, as "2026-11-20T03:00:00Z"; a fraction is
 * dropped. Fails: ERR_PROTOCOL. */
MUST_CHECK int s3_temporary_time(const char *text, time_t *ret,
    struct err *err);

#endif
