/*
 * restore_wants: which members of an archive are wanted. Pure.
 *
 *     restore_wants_parse, restore_wants_in (is it the right archive?),
 *     restore_wants_know, restore_wants_has of each name, restore_wants_check,
 *     restore_wants_free
 *
 * A volume is below "volumes/NAME", or where "NAME=MEMBER" says. An archive
 * without metadata may be docker-volume-backup's: then it may also be below
 * "backup/NAME".
 */
#ifndef LIB_RUN_RESTORE_WANTS_H
#define LIB_RUN_RESTORE_WANTS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/store/metadata.h"

struct restore_want {
	char *volume;	/* its name; NULL: a path was named */
	char *member;	/* "volumes/db"; "": everything */
	char *foreign;	/* "backup/db"; NULL */
	bool found;
};

struct restore_wants {
	struct restore_want *v;
	size_t n;	/* 0: everything is wanted */
	bool maybe_foreign;
};

#define RESTORE_WANTS_INIT { NULL, 0, false }

/* restore_wants_parse: from "NAME" and "NAME=MEMBER", and from paths. Fails:
 * ERR_USAGE a name is empty, has "..", or a volume is named twice */
MUST_CHECK int restore_wants_parse(const struct strlist *volumes,
    const struct strlist *paths, struct restore_wants *ret, struct err *err);
void restore_wants_free(struct restore_wants *wants);	/* for CLEANUP */

/* restore_wants_in: does this archive have all volumes that are wanted? *ret is
 * the first that it lacks; NULL. */
bool restore_wants_in(const struct restore_wants *wants,
    const struct metadata *metadata, const struct restore_want **ret);

/* restore_wants_know: the archive at hand; NULL: it has no metadata. Nothing of
 * it was found so far. Fails: ERR_NOTFOUND it lacks a volume, the message says
 * which ones it has */
MUST_CHECK int restore_wants_know(struct restore_wants *wants,
    const struct metadata *metadata, struct err *err);

/* restore_wants_has: is this member wanted? name as extract.h has it. */
bool restore_wants_has(struct restore_wants *wants, const char *name);

/* restore_wants_check: at the end. Fails: ERR_NOTFOUND there was nothing of
 * some that are wanted, named */
MUST_CHECK int restore_wants_check(const struct restore_wants *wants,
    struct err *err);

/* restore_wants_member: where the volume is in the archive at hand. */
const char *restore_wants_member(const struct restore_wants *wants,
    const struct restore_want *want);

/* restore_name: a member's name or a path as extract.h has it: no slash at
 * either end, no empty or "." components. Caller frees. Fails: ERR_SOURCE ".."
 */
MUST_CHECK int restore_name(const char *path, char **ret, struct err *err);

/* restore_source_member: where a source's content is in its archive; caller
 * frees. */
MUST_CHECK int restore_source_member(const struct metadata_source *source,
    char **ret, struct err *err);

#endif
