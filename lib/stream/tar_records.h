/*
 * tar_records: the extended header of a member, as somebody else wrote it.
 *
 * Pure; the counterpart of what pax.h writes. A record is "LENGTH KEY=VALUE\n",
 * where LENGTH counts all of it; a value is any bytes. Read here and not by
 * libarchive, because that converts names into the charset of a locale, reads
 * a time before 1970 with a fraction wrong (-1.5 as -0.5, -0.5 as 0.5), looks
 * the ids in an ACL up, and leaves an attribute's "%3D" as it is.
 */
#ifndef LIB_STREAM_TAR_RECORDS_H
#define LIB_STREAM_TAR_RECORDS_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

struct tar_records {	/* what is left of them; the bytes are borrowed */
	const char *at;
	size_t n;
};

struct tar_record {	/* points into them */
	const char *key;	/* not NUL-terminated, holds no NUL and no '=';
				 * NULL: there was no further record */
	size_t key_n;
	const char *value;
	size_t n;
};

/* tar_records_next: takes one off. Fails: ERR_SOURCE it is malformed. */
MUST_CHECK int tar_records_next(struct tar_records *records,
    struct tar_record *ret, struct err *err);

/* tar_record_text: *ret is the value. Fails: ERR_SOURCE, it holds a NUL. */
MUST_CHECK int tar_record_text(const struct tar_record *record,
    struct str *ret, struct err *err);

/* tar_record_time: "-1.5" is *ret_s -2 and *ret_ns 500000000, as in struct
 * timespec; what is smaller than 1 ns is cut off. Fails: ERR_SOURCE. */
MUST_CHECK int tar_record_time(const struct tar_record *record, int64_t *ret_s,
    uint32_t *ret_ns, struct err *err);

/* tar_record_is: is this its key? */
bool tar_record_is(const struct tar_record *record, const char *key);

/* tar_record_attribute: if it is SCHILY.xattr.NAME, *ret is the NAME, with %3D
 * and %25 turned back; else it is empty. Check ret->failed. */
void tar_record_attribute(const struct tar_record *record, struct str *ret);

#endif
