/*
 * restore_look: read an archive to its end, and touch nothing: for a dry run,
 * and before anything is replaced.
 */
#ifndef LIB_RUN_RESTORE_LOOK_H
#define LIB_RUN_RESTORE_LOOK_H

#include <stdint.h>

#include "lib/run/restore_source.h"
#include "lib/run/restore_wants.h"

struct restore_look {		/* borrowed */
	struct restore_wants *wants;
	/* Each wanted member, on one line; on another thread. NULL: nobody is
	 * told. */
	void (*tell)(void *cookie, const char *line);
	void *cookie;
	/* What was seen of what is wanted; also on failure. */
	uint64_t members;
	uint64_t files;
	uint64_t raw_bytes;
};

/* restore_look_at. Fails: as restore_source_read; ERR_SOURCE a name wants out,
 * or there is more in it than its metadata says */
MUST_CHECK int restore_look_at(const struct restore_source *source,
    struct restore_look *look, struct err *err);

#endif
