/*
 * s3_role: who gives us the keys of a role, and how they are asked.
 *
 *     s3_role_choose, s3_role_fetch ..., s3_role_free
 *
 * For s3_credentials.c, which keeps what is fetched. As with AWS's own tools,
 * web identity comes before container credentials, and those before instance
 * metadata.
 */
#ifndef LIB_STORE_S3_ROLE_H
#define LIB_STORE_S3_ROLE_H

#include "lib/base/err.h"
#include "lib/store/s3_credentials.h"
#include "lib/store/s3_temporary.h"

enum s3_role_kind { S3_ROLE_WEB_IDENTITY, S3_ROLE_CONTAINER,
	S3_ROLE_INSTANCE };

struct s3_role {
	enum s3_role_kind kind;
	char *base;		/* "https://host:port" */
	char *path;		/* what is asked for there; the container's is
				 * a secret. INSTANCE: "", or what all paths
				 * begin with */
	char *token;		/* CONTAINER; NULL: none, or a file */
	char *token_file;	/* CONTAINER: or NULL; WEB_IDENTITY */
	char *role_arn;		/* WEB_IDENTITY; NULL: the token tells */
	char *session_name;	/* WEB_IDENTITY */
};

#define S3_ROLE_INIT { S3_ROLE_INSTANCE, NULL, NULL, NULL, NULL, NULL, NULL }

/*
 * s3_role_choose: from the variables and the role endpoint; asks nobody.
 *
 * Fails    ERR_NOTFOUND there is no role; ERR_CONFIG a token file that cannot
 *          be read, an address that is none, or one that keys must not be
 *          fetched from: plain http is for hosts that AWS's tools trust only
 *          (loopback, 169.254.170.2 and .23, fd00:ec2::23)
 */
MUST_CHECK int s3_role_choose(const struct s3_credentials_settings *settings,
    struct s3_role *ret, struct err *err);

/*
 * s3_role_fetch: ask for keys, for ten seconds at most.
 *
 * Promise  a token file is read at each call
 * Fails    ERR_UNREACHABLE also for a peer that cannot just now (429, 5xx);
 *          ERR_TIMEOUT, ERR_INTERRUPTED; ERR_REFUSED also for keys that have
 *          run out; ERR_PROTOCOL; ERR_SYSTEM a token file cannot be read
 */
MUST_CHECK int s3_role_fetch(const struct s3_role *role,
    struct s3_temporary *ret, struct err *err);
void s3_role_free(struct s3_role *role);	/* for CLEANUP */

/* s3_role_read_token: the content of a token file without the blanks around
 * it; caller wipes and frees; log_secret is told. Fails: ERR_CONFIG. */
MUST_CHECK int s3_role_read_token(const char *path, char **ret,
    struct err *err);

#endif
