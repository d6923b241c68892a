/*
 * s3_sts: the answers of AWS's Security Token Service, which are XML. Knows
 * expat.
 */
#ifndef LIB_STORE_S3_STS_H
#define LIB_STORE_S3_STS_H

#include <stddef.h>

#include "lib/base/err.h"
#include "lib/store/s3_temporary.h"

/*
 * s3_sts_read: the keys in an AssumeRoleWithWebIdentityResponse.
 *
 * Fails    ERR_REFUSED it is an ErrorResponse: with its code and words;
 *          ERR_PROTOCOL not XML, with a document type, or without keys
 */
MUST_CHECK int s3_sts_read(const char *body, size_t len,
    struct s3_temporary *ret, struct err *err);

#endif
