/*
 * s3_settings: what the settings of an S3 store come to. For s3.c only.
 */
#ifndef LIB_STORE_S3_SETTINGS_H
#define LIB_STORE_S3_SETTINGS_H

#include "lib/base/err.h"
#include "lib/store/s3_store.h"

/* s3_settings_take: fills in all that *ret holds, but its operations; the label
 * first. What was filled in before a failure stays there, to be freed with it.
 * Fails: ERR_CONFIG, as store_s3_new. */
MUST_CHECK int s3_settings_take(const struct store_s3_settings *settings,
    struct store_s3 *ret, struct err *err);

#endif
