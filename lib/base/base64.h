/*
 * base64: RFC 4648, with padding.
 */
#ifndef LIB_BASE_BASE64_H
#define LIB_BASE_BASE64_H

#include <stddef.h>

#include "lib/base/err.h"

/* base64_encode: *ret is one line, caller frees. */
MUST_CHECK int base64_encode(const void *bytes, size_t n, char **ret,
    struct err *err);

/* base64_decode: *ret_n bytes, NUL behind them; caller frees; white space
 * between digits is skipped. Fails: ERR_PROTOCOL not base64. */
MUST_CHECK int base64_decode(const char *text, unsigned char **ret,
    size_t *ret_n, struct err *err);

#endif
