/*
 * s3_credentials: who we are to AWS.
 *
 * Static keys, or a role: web identity (AWS_WEB_IDENTITY_TOKEN_FILE,
 * AWS_ROLE_ARN, AWS_ROLE_SESSION_NAME; STS at the role endpoint, else
 * Amazon's), container credentials (the variables
 * AWS_CONTAINER_CREDENTIALS_RELATIVE_URI / _FULL_URI with
 * AWS_CONTAINER_AUTHORIZATION_TOKEN / _FILE), else instance metadata at the
 * role endpoint (v2 by a session token, v1 where it has none); in this order,
 * as AWS's own tools. Temporary keys are fetched again before they run out,
 * also in the middle of a long upload.
 */
#ifndef LIB_STORE_S3_CREDENTIALS_H
#define LIB_STORE_S3_CREDENTIALS_H

#include "lib/base/err.h"

struct s3_credentials;

struct s3_credentials_settings {	/* borrowed during _new only */
	const char *access_key;		/* both or neither */
	const char *secret_key;
	const char *session_token;
	const char *role_endpoint;	/* URL; NULL */
	const char *region;		/* for STS */
	const char *(*lookup)(const char *variable);	/* getenv, or a test's */
};

struct s3_keys {	/* copies; s3_keys_free wipes them */
	char *access_key;
	char *secret_key;
	char *session_token;	/* or NULL */
};

#define S3_KEYS_INIT { NULL, NULL, NULL }

/* Asks nobody yet. Fails: ERR_CONFIG half a pair; neither keys nor a role; an
 * address or a token file of a role that cannot be used. */
MUST_CHECK int s3_credentials_new(const struct s3_credentials_settings *,
    struct s3_credentials **ret, struct err *err);
void s3_credentials_free(struct s3_credentials *credentials);

/* s3_credentials_get: keys that are good for five more minutes at least, if
 * that can be had. Thread-safe. Secrets are told to log_secret.
 * Fails: ERR_UNREACHABLE (also for an answer of 429 or 5xx), ERR_TIMEOUT,
 * ERR_REFUSED, ERR_PROTOCOL, ERR_INTERRUPTED, ERR_SYSTEM (a token file) */
MUST_CHECK int s3_credentials_get(struct s3_credentials *credentials,
    struct s3_keys *ret, struct err *err);
void s3_keys_free(struct s3_keys *keys);	/* for CLEANUP */

#endif
