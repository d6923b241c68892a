/*
 * pax: the header blocks of one member of a tar archive.
 *
 * Pure: a description goes in, blocks of 512 bytes come out; no file is
 * touched, no locale asked. After them come the member's data and
 * pax_padding(their length) zero bytes. An archive ends with PAX_END_BYTES
 * zero bytes.
 *
 * Why not a library's writer: the one at hand (libarchive 3.6) loses members
 * and damages times, ACLs and attributes where names are long or not UTF-8.
 *
 * What ustar can say exactly is said in a plain ustar header. Everything else
 * goes before it, in an extended header of POSIX.1-2001 ("pax"): times with a
 * fraction, large numbers, extended attributes, ACLs, sparse maps (GNU.sparse
 * 1.0, the map in front of the data) and long names of ASCII bytes. The one
 * exception are long names with other bytes. A pax record is UTF-8 by
 * definition, and readers convert it into the charset of their locale: bsdtar
 * warns and fails without a locale, and makes composed letters of decomposed
 * ones with one; and GNU tar warns of the record that should stop them
 * (hdrcharset). So such names go into GNU's older LongLink blocks, which
 * every reader takes byte for byte.
 *
 * An ustar header's own name never misleads a reader that knows nothing of all
 * this: a long name becomes LongName.HASH/end-of-name, so that no two members
 * share one, nothing looks like a directory, and no link leads to the wrong
 * file; a sparse one becomes GNUSparseFile.HASH/end-of-name.
 *
 * Readers' limits, seen with GNU tar 1.34 and bsdtar 3.6.2:
 *   - bsdtar reads a time before 1970 with a fraction wrong (-1.5 as -0.5,
 *     -0.5 as 0.5); what we write is what POSIX and GNU tar mean.
 *   - bsdtar reads ids from 2^31 in an ACL as 2^31-1.
 *   - '=' in the name of an attribute is written as %3D, as GNU tar does, and
 *     the '%' of a %3D or %25 as %25; bsdtar does not turn them back.
 *   - libarchive refuses an extended header of more than 1 MiB: see
 *     PAX_PATH_MAX and PAX_RECORDS_MAX.
 */
#ifndef LIB_STREAM_PAX_H
#define LIB_STREAM_PAX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/str.h"

#define PAX_BLOCK_BYTES 512
#define PAX_END_BYTES (2 * PAX_BLOCK_BYTES)

/* The caller keeps to these; together they stay below 1 MiB. */
#define PAX_PATH_MAX ((size_t)256 * 1024)	/* bytes of path, and of link */
#define PAX_RECORDS_MAX ((size_t)384 * 1024)	/* bytes of member->records */

enum pax_type {		/* as in the header */
	PAX_FILE = '0',
	PAX_HARD_LINK = '1',
	PAX_SYMLINK = '2',
	PAX_CHAR_DEVICE = '3',
	PAX_BLOCK_DEVICE = '4',
	PAX_DIRECTORY = '5',
	PAX_FIFO = '6'
};

struct pax_segment {		/* of a sparse file: bytes that are there */
	uint64_t offset;
	uint64_t bytes;
};

struct pax_map {		/* ascending, not touching each other */
	struct pax_segment *v;
	size_t n;		/* 0: nothing but a hole */
};

struct pax_member {
	enum pax_type type;
	const char *path;	/* any bytes, relative; a directory's ends in
				 * a slash */
	const char *link;	/* what a link leads to, any bytes; else NULL */
	uint32_t mode;		/* the lower 12 bits count */
	uint64_t uid, gid;
	uint64_t size;		/* of a file, holes included; else 0 */
	int64_t mtime_s;	/* rounded down, as in struct timespec */
	uint32_t mtime_ns;
	uint32_t dev_major, dev_minor;	/* Linux has 12 and 20 bits */
	const struct str *records;	/* from pax_add_*; NULL: none */
	const struct pax_map *map;	/* NULL: not sparse */
};

/* pax_add_xattr, pax_add_acl: append a record; check records->failed. acl is
 * "access" or "default", text as "user::rwx,user:1000:r-x,...". */
void pax_add_xattr(struct str *records, const char *name, const void *value,
    size_t n);
void pax_add_acl(struct str *records, const char *acl, const char *text);

/* pax_header: append all that precedes the data; check ret->failed. The data
 * are the file's bytes, or of a sparse file its segments one after another. */
void pax_header(struct str *ret, const struct pax_member *member);

/* pax_padding: zero bytes that follow so many bytes of data: 0 to 511. */
size_t pax_padding(uint64_t bytes);

#endif
