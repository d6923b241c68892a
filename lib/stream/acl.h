/*
 * acl: a POSIX ACL as the kernel keeps it, to the text that tar archives hold.
 *
 * Pure. Ids stay numbers: names belong to the host. libacl would look each one
 * up in the host's databases.
 */
#ifndef LIB_STREAM_ACL_H
#define LIB_STREAM_ACL_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/str.h"

/* acl_text: append "user::rw-,user:1000:r--,..." for the value of a
 * system.posix_acl_* attribute. False: that is not one; nothing is appended.
 * Check ret->failed. */
MUST_CHECK bool acl_text(struct str *ret, const void *value, size_t n);

#endif
