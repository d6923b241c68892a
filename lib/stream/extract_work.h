/*
 * extract_work: what an extraction remembers. Only for extract*.c.
 *
 * Whatever may fail for one member and leave the others alone gives *ret_ok
 * false and has told the problem then; -1 is for what ends all.
 */
#ifndef LIB_STREAM_EXTRACT_WORK_H
#define LIB_STREAM_EXTRACT_WORK_H

#include <stdbool.h>

#include "lib/base/str.h"
#include "lib/stream/extract.h"
#include "lib/stream/extract_dirs.h"
#include "lib/stream/extract_made.h"
#include "lib/stream/extract_meta.h"
#include "lib/stream/tar_reader.h"

struct extract {
	const struct extract_settings *settings;
	struct extract_result result;
	struct tar_reader *reader;
	uint64_t bytes;			/* of content that was asked for */
	struct extract_made made;
	struct extract_dirs dirs;
	struct extract_meta meta;	/* of the member at hand */
	struct str name;		/* its own, cleaned */
	struct str link;		/* where its hard link leads, cleaned */
	struct extract_place place;	/* where it goes to; path is target.s */
	struct str target;
	struct str shown;		/* see extract_shown */
};

/* extract_shown: a name for a message, not too long; as it is, for the log
 * makes it visible. Valid until the next call. */
const char *extract_shown(struct extract *x, const char *name);

/* extract_problem: something could not be put back; the rest goes on. Names in
 * it come from extract_shown. */
void extract_problem(struct extract *x, const char *fmt, ...)
    PRINTF_LIKE(2, 3);

/* extract_failed: something has set errno: "cannot VERB 'NAME': why". -1: it
 * ends all, as disks do that are full or broken; else it is a problem. */
MUST_CHECK int extract_failed(struct extract *x, const char *verb,
    const char *name, struct err *err);

/* extract_blocked: this entry of a directory is in the way of the member: no
 * directory, though names go on below it. As a problem, or -1 where it may be
 * a symbolic link of this very archive. */
MUST_CHECK int extract_blocked(struct extract *x, int dir, const char *entry,
    struct err *err);

#endif
