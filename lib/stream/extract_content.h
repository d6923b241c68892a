/*
 * extract_content: the bytes of one member into a file; holes stay holes.
 */
#ifndef LIB_STREAM_EXTRACT_CONTENT_H
#define LIB_STREAM_EXTRACT_CONTENT_H

#include <stdbool.h>

#include "lib/base/err.h"
#include "lib/stream/pax.h"

struct extract;

/* extract_content_put: exactly as many as the member's header promised, into a
 * new file. Fails: as extract_stage */
MUST_CHECK int extract_content_put(struct extract *x,
    const struct pax_member *member, int fd, bool *ret_ok, struct err *err);

#endif
