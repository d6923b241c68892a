/*
 * acl: a POSIX ACL as the kernel keeps it, to the text that tar archives hold,
 * and back.
 *
 * Pure. Ids stay numbers: names belong to the host. libacl would look each one
 * up in the host's databases, and does so for GNU tar: what it writes has names
 * wherever there are some, and only then they have to be looked up again.
 */
#ifndef LIB_STREAM_ACL_H
#define LIB_STREAM_ACL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/str.h"

/* acl_text: append "user::rw-,user:1000:r--,..." for the value of a
 * system.posix_acl_* attribute. False: that is not one; nothing is appended.
 * Check ret->failed. */
MUST_CHECK bool acl_text(struct str *ret, const void *value, size_t n);

struct acl_mode {	/* the permissions (9 bits) of a file */
	mode_t kept;		/* with this access ACL */
	mode_t lost;		/* that cannot have it: its group may do
				 * what the ACL lets it, nothing more */
};

#define ACL_NAME_MAX 255	/* bytes of a name */

/* Gives the number of a user's or a group's name; false: there is none. */
typedef bool acl_find_fn(const char *name, bool is_group, uint32_t *ret);

/*
 * acl_value: append the attribute's value for a text; as others write it, too:
 * entries in lines or in any order, comments, a number behind a name
 * ("user:joe:rw-:1000"). Only for a name without a number find is asked.
 *
 * False    it is none, or has a name that find does not know; nothing is
 *          appended
 */
MUST_CHECK bool acl_value(struct str *ret, const char *text,
    acl_find_fn *find, struct acl_mode *ret_mode);

#endif
