/*
 * stage_content: the bytes of one regular file into another one.
 *
 * The file systems share the extents where they can (FICLONE); else the kernel
 * copies (copy_file_range), else we do. Holes stay holes. What comes out has
 * the size that it was given, as in an archive: cut where the file grew, a
 * hole where there is nothing to read.
 */
#ifndef LIB_STREAM_STAGE_CONTENT_H
#define LIB_STREAM_STAGE_CONTENT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "lib/base/err.h"
#include "lib/stream/content.h"
#include "lib/stream/sparse.h"

struct stage_content {
	struct sparse sparse;
	enum content_end end;
	int error;		/* an errno, for CONTENT_UNREADABLE */
	uint64_t bytes;		/* copied or shared */
};

/* stage_content_copy: from is open for reading and has been found as *st says;
 * to is a new and empty file, open for writing; the buffer of n bytes is used
 * where the kernel does not copy. Sets end, error and bytes. Fails, naming no
 * file: ERR_NOSPACE, ERR_SYSTEM, ERR_NOMEM, ERR_INTERRUPTED. */
MUST_CHECK int stage_content_copy(struct stage_content *content, int from,
    int to, const struct stat *st, void *buffer, size_t n, struct err *err);

#endif
