#define _GNU_SOURCE
#include "lib/stream/stage_table.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#define FIRST_CAP ((size_t)4096)
#define FORGOTTEN 2		/* a kind that no file has; 0 is a free slot */
#define FILE_NAME "table"	/* of our file, as long as it has one */

/* Sums modulo the prime 2^61 - 1: with a random key two texts of n bytes meet
 * with a probability of n / 2^61, whoever chose them. */
#define PRIME ((UINT64_C(1) << 61) - 1)

static uint64_t
multiply(uint64_t a, uint64_t b)
{
	__extension__ unsigned __int128 product = (unsigned __int128)a * b;
	uint64_t sum = (uint64_t)(product & PRIME) + (uint64_t)(product >> 61);

	return sum >= PRIME ? sum - PRIME : sum;
}

uint64_t
stage_table_hash(const struct stage_table *table, uint64_t prefix,
    const char *text)
{
	uint64_t hash = prefix;

	for (; *text != '\0'; text++)
		hash = (multiply(hash, table->key) + (unsigned char)*text) %
		    PRIME;
	return hash;
}

/* An unlinked file of zeros, all of it reserved. */
static int
make_file(int dirfd, size_t bytes, int *ret, struct err *err)
{
	CLEANUP(cleanup_close) int fd = openat(dirfd, FILE_NAME,
	    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0 || unlinkat(dirfd, FILE_NAME, 0) < 0)
		return err_sys(err, "cannot make the table of staged files");
	do
		errno = posix_fallocate(fd, 0, (off_t)bytes);
	while (errno == EINTR);
	if (errno != 0)
		return err_sys(err, "cannot make the table of staged files");
	*ret = fd;
	fd = -1;
	return 0;
}

static int
map(int dirfd, size_t cap, struct stage_record **ret, struct err *err)
{
	CLEANUP(cleanup_close) int fd = -1;
	void *v;

	if (make_file(dirfd, cap * sizeof **ret, &fd, err) < 0)
		return -1;
	v = mmap(NULL, cap * sizeof **ret, PROT_READ | PROT_WRITE, MAP_SHARED,
	    fd, 0);
	if (v == MAP_FAILED)
		return err_sys(err, "cannot map the table of staged files");
	*ret = v;
	return 0;
}

int
stage_table_open(struct stage_table *table, int dirfd, struct err *err)
{
	*table = (struct stage_table){ .dirfd = dirfd };
	if (getrandom(&table->key, sizeof table->key, 0) !=
	    (ssize_t)sizeof table->key)
		return err_sys(err, "cannot get random bytes");
	table->key = table->key % (PRIME - 256) + 256;
	if (map(dirfd, FIRST_CAP, &table->v, err) < 0)
		return -1;
	table->cap = FIRST_CAP;
	return 0;
}

void
stage_table_close(struct stage_table *table)
{
	if (table->v != NULL)
		(void)munmap(table->v, table->cap * sizeof *table->v);
	*table = (struct stage_table)STAGE_TABLE_NONE;
}

/* The slot with this hash, or the free one where it would be. */
static struct stage_record *
slot(struct stage_record *v, size_t cap, uint64_t hash)
{
	uint64_t spread = hash * UINT64_C(0x9e3779b97f4a7c15);
	size_t i = (size_t)(spread >> 20) & (cap - 1);

	while (v[i].kind != 0 && v[i].hash != hash)
		i = (i + 1) & (cap - 1);
	return &v[i];
}

struct stage_record *
stage_table_find(const struct stage_table *table, uint64_t hash)
{
	struct stage_record *record = slot(table->v, table->cap, hash);

	return record->kind == 0 || record->kind == FORGOTTEN ? NULL : record;
}

static int
grow(struct stage_table *table, struct err *err)
{
	size_t cap = 2 * table->cap, i;
	struct stage_record *v;

	if (map(table->dirfd, cap, &v, err) < 0)
		return -1;
	for (i = 0; i < table->cap; i++)
		if (table->v[i].kind != 0)
			*slot(v, cap, table->v[i].hash) = table->v[i];
	(void)munmap(table->v, table->cap * sizeof *v);
	table->v = v;
	table->cap = cap;
	return 0;
}

int
stage_table_put(struct stage_table *table, const struct stage_record *record,
    struct err *err)
{
	struct stage_record *to = slot(table->v, table->cap, record->hash);

	if (to->kind == 0) {
		if (table->n >= table->cap / 4 * 3) {
			if (grow(table, err) < 0)
				return -1;
			to = slot(table->v, table->cap, record->hash);
		}
		table->n++;
	}
	*to = *record;
	return 0;
}

struct stage_record
stage_record_of(uint64_t hash, const struct stat *st, bool dirty,
    uint16_t round)
{
	return (struct stage_record){
		.hash = hash,
		.ino = st->st_ino,
		.ctime_ns = (uint64_t)st->st_ctim.tv_sec * 1000000000 +
		    (uint64_t)st->st_ctim.tv_nsec,
		.size = (uint64_t)st->st_size,
		/* Linux has 32 bits of it, the upper ones only for show. */
		.dev = (uint32_t)(st->st_dev ^ st->st_dev >> 32),
		.kind = (uint16_t)((st->st_mode & S_IFMT) |
		    (dirty ? STAGE_DIRTY : 0)),
		.round = round,
	};
}

bool
stage_record_same(const struct stage_record *record, const struct stat *st)
{
	struct stage_record other = stage_record_of(record->hash, st, false,
	    0);

	return record->ino == other.ino &&
	    record->ctime_ns == other.ctime_ns &&
	    record->size == other.size && record->dev == other.dev &&
	    (record->kind & S_IFMT) == other.kind;
}

void
stage_record_forget(struct stage_record *record)
{
	record->kind = FORGOTTEN;
}
