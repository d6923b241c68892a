/*
 * gzip_small: what fits into memory, compressed at once, as one gzip member.
 */
#ifndef LIB_BASE_GZIP_SMALL_H
#define LIB_BASE_GZIP_SMALL_H

#include <stddef.h>

#include "lib/base/err.h"

/* gzip_small: *ret is *ret_n bytes, caller frees. */
MUST_CHECK int gzip_small(const void *bytes, size_t n, unsigned char **ret,
    size_t *ret_n, struct err *err);

#endif
