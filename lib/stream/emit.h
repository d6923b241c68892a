/*
 * emit: one opened file becomes one member of the stream.
 *
 * Its header, or a hard link where the archive has the file already, then its
 * bytes. Lives as long as the archive: the hard links are remembered across
 * sources.
 */
#ifndef LIB_STREAM_EMIT_H
#define LIB_STREAM_EMIT_H

#include "lib/base/str.h"
#include "lib/stream/chan.h"
#include "lib/stream/links.h"
#include "lib/stream/member.h"
#include "lib/stream/pack.h"
#include "lib/stream/progress.h"
#include "lib/stream/sparse.h"

struct emit {
	struct chan *out;
	struct progress *progress;	/* NULL: nobody cares */
	/* Something happened to the member at hand. */
	void (*tell)(void *cookie, enum pack_event event, const char *why);
	void *cookie;

	struct pack_result result;	/* members, files, raw_bytes: summed
					 * up until the caller clears it */
	struct links links;
	struct sparse sparse;
	struct str header;
};

/* emit_member: member was opened as fd by member_open and is no socket; path
 * is its name in the archive, a directory's with a slash at its end. -1 means
 * that the stream is over; a member that is left out is only told. */
MUST_CHECK int emit_member(struct emit *emit, struct member *member, int fd,
    const char *path, struct err *err);

/* emit_header: a header that the caller made, counted as a member; its bytes
 * and their padding are the caller's to write. */
MUST_CHECK int emit_header(struct emit *emit, const struct pax_member *head,
    struct err *err);
void emit_free(struct emit *emit);

#endif
