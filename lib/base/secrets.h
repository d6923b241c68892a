/*
 * secrets: values that nobody shall read, and texts without them.
 *
 * Process-wide, and not thread-safe: log, whose functions everybody else
 * calls, holds its mutex.
 */
#ifndef LIB_BASE_SECRETS_H
#define LIB_BASE_SECRETS_H

#include "lib/base/err.h"
#include "lib/base/str.h"

/* secrets_add: hide this value from now on, unless it has less than 4
 * bytes. */
MUST_CHECK int secrets_add(const char *value, struct err *err);

/* secrets_add_masked: append text to *s, with *** for each secret; of two that
 * begin at the same place the longer one. A secret is one also as an URL, JSON
 * or base64 have it: a server's words may be what it was sent. Of base64 go the
 * digits that are the secret's alone, if there are 8 at least. */
void secrets_add_masked(struct str *s, const char *text);

/* secrets_forget: overwrite and forget all. */
void secrets_forget(void);

#endif
