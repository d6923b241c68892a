/*
 * stage_table: what was seen of each entry that was staged.
 *
 * One record of 40 bytes for each path, in a hash table in an unlinked file
 * that is mapped: it is the page cache's memory, not ours, and its blocks are
 * reserved before they are written, so that a full disk is an error and no
 * SIGBUS. At most 3/4 of the slots are used: 53 to 107 bytes a path.
 *
 * A path is known by its hash alone. Two paths with one hash share a record,
 * the later one's; the other then finds a record of another inode, counts as
 * changed, and is copied once too often. No record ever says that an entry is
 * staged unless device, inode, type, size and ctime are those of the record.
 * The hash is keyed at random, so that nobody can choose names that collide.
 */
#ifndef LIB_STREAM_STAGE_TABLE_H
#define LIB_STREAM_STAGE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "lib/base/err.h"

struct stage_record {
	uint64_t hash;
	uint64_t ino;
	uint64_t ctime_ns;	/* since the epoch, modulo 2^64 */
	uint64_t size;
	uint32_t dev;
	uint16_t kind;		/* the type of st_mode, and STAGE_DIRTY */
	uint16_t round;		/* of the walk that met it last */
};

#define STAGE_DIRTY 1		/* the copy may be older than the entry */

struct stage_table {
	int dirfd;		/* borrowed: where its files are made */
	struct stage_record *v;
	size_t cap;		/* a power of 2 */
	size_t n;
	uint64_t key;
};

#define STAGE_TABLE_NONE { -1, NULL, 0, 0, 0 }

MUST_CHECK int stage_table_open(struct stage_table *table, int dirfd,
    struct err *err);
void stage_table_close(struct stage_table *table);

/* stage_table_hash: of what prefix is the hash of, and then text; 0 is the
 * hash of "". */
uint64_t stage_table_hash(const struct stage_table *table, uint64_t prefix,
    const char *text);

/* stage_table_find: NULL if there is none; valid until stage_table_put. */
struct stage_record *stage_table_find(const struct stage_table *table,
    uint64_t hash);

/* stage_table_put: copies *record; replaces one with its hash. Fails:
 * ERR_NOSPACE, ERR_SYSTEM, ERR_NOMEM. */
MUST_CHECK int stage_table_put(struct stage_table *table,
    const struct stage_record *record, struct err *err);

struct stage_record stage_record_of(uint64_t hash, const struct stat *st,
    bool dirty, uint16_t round);

/* stage_record_same: was it this file, in this state? Dirty or not. */
bool stage_record_same(const struct stage_record *record,
    const struct stat *st);

/* stage_record_forget: what it tells of is staged no more. */
void stage_record_forget(struct stage_record *record);

#endif
