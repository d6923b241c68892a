/*
 * extract_entry: a member that is no directory becomes an entry of one.
 *
 * Where nothing may be replaced, it is made under its own name, which must be
 * free. Else it gets a temporary name (tempfile.h's prefix, so that no backup
 * takes one that was left behind) until all of it is there, and is renamed.
 * What this archive has made itself is replaced in any case: of two members
 * with one name the later one counts, as everywhere.
 *
 * A file whose content does not come to its end is removed again.
 */
#ifndef LIB_STREAM_EXTRACT_ENTRY_H
#define LIB_STREAM_EXTRACT_ENTRY_H

#include <stdbool.h>

#include "lib/base/err.h"
#include "lib/stream/pax.h"

struct extract;
struct extract_place;

/* extract_entry_put: the member at hand, whose place is x->place, and meta is
 * read. Fails: as extract_stage */
MUST_CHECK int extract_entry_put(struct extract *x,
    const struct pax_member *member, bool *ret_ok, struct err *err);

/* extract_entry_link: the same for a hard link, that leads to this place, where
 * something must be that this archive has made. Fails: as extract_stage */
MUST_CHECK int extract_entry_link(struct extract *x,
    const struct extract_place *target, bool *ret_ok, struct err *err);

#endif
