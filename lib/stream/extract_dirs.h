/*
 * extract_dirs: the directories between a place and the member at hand.
 *
 * A stack: the place's own directory, and one level for each component below
 * it, each opened from the one before without following links. It is left from
 * its top as far as the next member does not need it; and only then a
 * directory gets its owner, its mode and its times, for what is made in it
 * would take them. Until then one that we made for a member is open to nobody
 * else. One that is no member, but has some in it, is made as mkdir -p would.
 *
 * One that was left and is entered once more has its times back afterwards; one
 * that was there before, and is no member, gets new times as usual.
 *
 * However deep it is, DIRS_OPEN_MAX descriptors are open at most: levels below
 * those are opened again by way of "..", and must be what they were. Memory:
 * some 100 bytes a level.
 */
#ifndef LIB_STREAM_EXTRACT_DIRS_H
#define LIB_STREAM_EXTRACT_DIRS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/stream/extract_meta.h"

#define DIRS_OPEN_MAX 64

struct extract;
struct stat;

enum level_end {		/* what it gets when it is left */
	LEVEL_NOTHING,
	LEVEL_TIMES,		/* those that it had */
	LEVEL_MODE,		/* its mode, too */
	LEVEL_STATE		/* all that the member says */
};

struct extract_level {
	int fd;			/* -1: closed for now */
	dev_t dev;
	ino_t ino;
	size_t path_len;	/* of the stack's path, up to here */
	enum level_end end;
	struct extract_state state;
	bool inherits;		/* what is made in it gets ACLs */
};

struct extract_dirs {
	int place;		/* whose directory this is; -1: none yet */
	struct str path;	/* of the uppermost level, below the place */
	struct extract_level *levels;
	size_t n;
	size_t cap;
	size_t n_open;		/* the uppermost ones */
};

#define EXTRACT_DIRS_INIT { .place = -1 }

/* extract_dirs_enter: makes the directory of this path (its first n bytes)
 * below the place the uppermost one, and what is missing of it.
 * Fails: ERR_SOURCE a symbolic link is in the way; ERR_NOSPACE, ERR_SYSTEM,
 * ERR_NOMEM */
MUST_CHECK int extract_dirs_enter(struct extract *x, int place,
    const char *path, size_t n, bool *ret_ok, struct err *err);

/* extract_dirs_top: the uppermost level; valid until the next call. */
struct extract_level *extract_dirs_top(struct extract *x);

/* extract_dirs_put: the member at hand is a directory, whose place is x->place;
 * *ret_ok is false where it was there before and is left as it was. Fails: as
 * extract_dirs_enter */
MUST_CHECK int extract_dirs_put(struct extract *x, bool *ret_ok,
    struct err *err);

/* extract_dirs_find: opens (O_PATH) a directory that is there, and leaves all
 * levels as they are; the caller closes *ret, which is -1 where there is none.
 * Fails: as extract_dirs_enter */
MUST_CHECK int extract_dirs_find(struct extract *x, int place,
    const char *path, size_t n, int *ret, bool *ret_ok, struct err *err);

/* extract_dirs_leave: all of them. */
MUST_CHECK int extract_dirs_leave(struct extract *x, struct err *err);
void extract_dirs_free(struct extract_dirs *dirs);

#endif
