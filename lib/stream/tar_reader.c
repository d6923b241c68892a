/*
 * tar_reader: libarchive pulls, and we look at the bytes that it took.
 *
 * While it reads a header, the blocks that it is done with are kept. So when it
 * returns, we have what lies between the position where it began and the one
 * where it stopped: the extended headers, then the member's own.
 */
#define _GNU_SOURCE
#include "lib/stream/tar_reader.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct tape {		/* the stream, as far as libarchive has read it */
	struct chan *in;
	const char *block;	/* the last one, and where it begins */
	size_t n;
	uint64_t begin;
	bool keeping;
	uint64_t from;		/* keep what lies behind this position */
	struct str kept;	/* from there up to the last block */
	bool broken;
	struct err err;		/* why, where it is broken */
};

struct tar_reader {
	struct archive *archive;
	struct archive_entry *entry;	/* NULL: no member was read yet */
	struct tape tape;
	struct str records;
	struct str path, link;		/* as the records have it; or "" */
	struct str sparse_path;
	struct pax_map map;
	size_t cap_map;
};

/* Where the bytes of the member at hand were described. */
struct header {
	const char *at;
	size_t n;
	char type;		/* of the member's own header block */
};

static int
damaged(struct err *err)
{
	return err_set(err, ERR_SOURCE, "its archive is damaged");
}

static int
cut_off(struct err *err)
{
	return err_set(err, ERR_SOURCE, "its archive ends too early");
}

/* What libarchive says of a failure, unless it was the tape's. */
static int
failed(const struct tar_reader *reader, struct err *err)
{
	const char *why = archive_error_string(reader->archive);

	if (reader->tape.broken) {
		*err = reader->tape.err;
		return -1;
	}
	if (archive_errno(reader->archive) == ENOMEM)
		return err_nomem(err);
	if (reader->tape.begin + reader->tape.n == 0)
		return cut_off(err);
	return err_set(err, ERR_SOURCE, "its archive is damaged: %s",
	    why == NULL ? "unknown reason" : why);
}

static int
turn_page(struct tape *tape, struct err *err)
{
	size_t skip = tape->from > tape->begin ?
	    (size_t)(tape->from - tape->begin) : 0;
	const void *bytes;

	if (tape->keeping && skip < tape->n)
		str_addn(&tape->kept, tape->block + skip, tape->n - skip);
	if (tape->kept.failed)
		return err_nomem(err);
	tape->begin += tape->n;
	tape->n = 0;
	if (chan_read(tape->in, &bytes, &tape->n, err) < 0)
		return -1;
	tape->block = bytes;
	return 0;
}

/* libarchive asks for the next block only when it has copied what it needs of
 * the last one. */
static la_ssize_t
read_tape(struct archive *archive, void *cookie, const void **ret)
{
	struct tape *tape = cookie;

	if (turn_page(tape, &tape->err) < 0) {
		tape->broken = true;
		tape->n = 0;
		archive_set_error(archive, EIO, "%s", tape->err.msg);
		return -1;
	}
	*ret = tape->block;
	return (la_ssize_t)tape->n;
}

static uint64_t
position(const struct tar_reader *reader)
{
	return (uint64_t)archive_filter_bytes(reader->archive, 0);
}

/* From the position where keeping began up to where libarchive is now. */
static int
find_kept(struct tar_reader *reader, struct header *ret, struct err *err)
{
	struct tape *tape = &reader->tape;
	uint64_t n = position(reader) - tape->from, skip = 0, rest;

	if (tape->kept.len == 0 && tape->from > tape->begin)
		skip = tape->from - tape->begin;
	rest = n > tape->kept.len ? n - tape->kept.len : 0;
	if (skip + rest > tape->n)
		return damaged(err);
	ret->n = (size_t)n;
	ret->at = tape->block + skip;
	if (tape->kept.len == 0)
		return 0;
	str_addn(&tape->kept, tape->block, (size_t)rest);
	ret->at = tape->kept.s;
	return tape->kept.failed ? err_nomem(err) : 0;
}

static bool
is_zero(const char *bytes, size_t n)
{
	return n == 0 ||
	    (bytes[0] == 0 && memcmp(bytes, bytes + 1, n - 1) == 0);
}

/* libarchive takes a stream that just ends for one that is complete. */
static int
check_end(const struct header *header, struct err *err)
{
	if (header->n < PAX_END_BYTES)
		return cut_off(err);
	return is_zero(header->at, header->n) ? 0 : damaged(err);
}

/* Up to the end, so that whoever writes the stream can end as well. */
static int
drain(struct tape *tape, uint64_t from, struct err *err)
{
	size_t skip = from > tape->begin ? (size_t)(from - tape->begin) : 0;

	while (tape->n != 0) {
		if (!is_zero(tape->block + skip, tape->n - skip))
			return err_set(err, ERR_SOURCE,
			    "its archive goes on behind its end");
		skip = 0;
		if (turn_page(tape, err) < 0)
			return -1;
	}
	return 0;
}

/* Octal digits; libarchive has refused other things in these places. */
static bool
read_octal(const char *at, size_t n, uint64_t *ret)
{
	size_t i = 0;

	*ret = 0;
	while (i < n && at[i] == ' ')
		i++;
	for (; i < n && at[i] >= '0' && at[i] <= '7'; i++)
		*ret = *ret * 8 + (uint64_t)(at[i] - '0');
	return i == n || at[i] == ' ' || at[i] == '\0';
}

#define SIZE_AT 124	/* in a header block: the size of what follows */
#define SIZE_BYTES 12
#define TYPE_AT 156

/* Blocks that only say something of the member that follows. */
static bool
is_extension(char type)
{
	return type != '\0' && strchr("xXgLKVA", type) != NULL;
}

/* Gathers the records of all extended headers; header->type is the type of the
 * header behind them. */
static int
read_blocks(struct header *header, struct str *records, struct err *err)
{
	size_t at = 0;

	records->len = 0;
	while (header->n - at >= PAX_BLOCK_BYTES) {
		const char *block = header->at + at;
		uint64_t n;

		header->type = block[TYPE_AT];
		if (!is_extension(header->type))
			return records->failed ? err_nomem(err) : 0;
		at += PAX_BLOCK_BYTES;
		if (!read_octal(block + SIZE_AT, SIZE_BYTES, &n) ||
		    n + pax_padding(n) > header->n - at)
			return damaged(err);
		if (header->type == 'x' || header->type == 'X')
			str_addn(records, header->at + at, (size_t)n);
		at += (size_t)(n + pax_padding(n));
	}
	return damaged(err);
}

static int
read_record(struct tar_reader *reader, const struct tar_record *record,
    struct pax_member *member, struct err *err)
{
	if (tar_record_is(record, "path"))
		return tar_record_text(record, &reader->path, err);
	if (tar_record_is(record, "linkpath"))
		return tar_record_text(record, &reader->link, err);
	if (tar_record_is(record, "GNU.sparse.name"))
		return tar_record_text(record, &reader->sparse_path, err);
	if (tar_record_is(record, "mtime"))
		return tar_record_time(record, &member->mtime_s,
		    &member->mtime_ns, err);
	return 0;
}

/* What the records say better than libarchive. */
static int
read_records(struct tar_reader *reader, struct pax_member *member,
    struct err *err)
{
	struct tar_records rest = { reader->records.s, reader->records.len };
	struct tar_record record;

	reader->path.len = reader->link.len = reader->sparse_path.len = 0;
	do
		if (tar_records_next(&rest, &record, err) < 0 ||
		    (record.key != NULL &&
		    read_record(reader, &record, member, err) < 0))
			return -1;
	while (record.key != NULL);
	if (reader->path.len != 0)
		member->path = reader->path.s;
	if (reader->sparse_path.len != 0)
		member->path = reader->sparse_path.s;
	if (reader->link.len != 0)
		member->link = reader->link.s;
	return 0;
}

static int
set_type(const struct tar_reader *reader, char type, struct pax_member *ret,
    struct err *err)
{
	switch (archive_entry_filetype(reader->entry)) {
	case AE_IFREG: ret->type = PAX_FILE; break;
	case AE_IFDIR: ret->type = PAX_DIRECTORY; break;
	case AE_IFLNK: ret->type = PAX_SYMLINK; break;
	case AE_IFCHR: ret->type = PAX_CHAR_DEVICE; break;
	case AE_IFBLK: ret->type = PAX_BLOCK_DEVICE; break;
	case AE_IFIFO: ret->type = PAX_FIFO; break;
	default:
		if (type != PAX_HARD_LINK)
			return damaged(err);
	}
	if (type != PAX_HARD_LINK)
		return 0;
	ret->type = PAX_HARD_LINK;
	ret->link = archive_entry_hardlink(reader->entry);
	return 0;
}

static int
set_numbers(const struct tar_reader *reader, struct pax_member *ret,
    struct err *err)
{
	struct archive_entry *entry = reader->entry;
	int64_t uid = archive_entry_uid(entry);
	int64_t gid = archive_entry_gid(entry);
	int64_t size = archive_entry_size(entry);

	if (uid < 0 || gid < 0 || size < 0)
		return damaged(err);
	ret->mode = archive_entry_perm(entry);
	ret->uid = (uint64_t)uid;
	ret->gid = (uint64_t)gid;
	ret->size = ret->type == PAX_FILE ? (uint64_t)size : 0;
	ret->mtime_s = archive_entry_mtime(entry);
	ret->mtime_ns = (uint32_t)archive_entry_mtime_nsec(entry);
	ret->dev_major = (uint32_t)archive_entry_rdevmajor(entry);
	ret->dev_minor = (uint32_t)archive_entry_rdevminor(entry);
	return 0;
}

static int
add_segment(struct tar_reader *reader, uint64_t offset, uint64_t bytes,
    struct err *err)
{
	struct pax_map *map = &reader->map;
	size_t cap = reader->cap_map == 0 ? 64 : 2 * reader->cap_map;
	struct pax_segment *v = map->v;

	if (map->n == reader->cap_map) {
		v = realloc(v, cap * sizeof *v);
		if (v == NULL)
			return err_nomem(err);
		map->v = v;
		reader->cap_map = cap;
	}
	v[map->n++] = (struct pax_segment){ offset, bytes };
	return 0;
}

/* A file that is one hole has a segment of no bytes at its end. */
static int
set_map(struct tar_reader *reader, struct pax_member *ret, struct err *err)
{
	int64_t offset, bytes;

	if (ret->type != PAX_FILE || archive_entry_sparse_reset(
	    reader->entry) == 0)
		return 0;
	reader->map.n = 0;
	while (archive_entry_sparse_next(reader->entry, &offset, &bytes) ==
	    ARCHIVE_OK)
		if (bytes != 0 && add_segment(reader, (uint64_t)offset,
		    (uint64_t)bytes, err) < 0)
			return -1;
	ret->map = &reader->map;
	return 0;
}

static int
describe(struct tar_reader *reader, struct header *header,
    struct pax_member *ret, struct err *err)
{
	if (read_blocks(header, &reader->records, err) < 0)
		return -1;
	*ret = (struct pax_member){
		.path = archive_entry_pathname(reader->entry),
		.link = archive_entry_symlink(reader->entry),
	};
	if (set_type(reader, header->type, ret, err) < 0 ||
	    set_numbers(reader, ret, err) < 0 ||
	    set_map(reader, ret, err) < 0 ||
	    read_records(reader, ret, err) < 0)
		return -1;
	if (ret->path == NULL || (ret->link == NULL &&
	    (ret->type == PAX_SYMLINK || ret->type == PAX_HARD_LINK)))
		return damaged(err);
	return 0;
}

/* Whatever libarchive leaves unread is passed over before the next header is
 * read, so that it is not kept. */
static int
pass_over(struct tar_reader *reader, struct err *err)
{
	if (reader->entry == NULL ||
	    archive_read_data_skip(reader->archive) == ARCHIVE_OK)
		return 0;
	return failed(reader, err);
}

int
tar_reader_next(struct tar_reader *reader, struct pax_member *ret,
    struct tar_records *ret_records, bool *ret_more, struct err *err)
{
	struct tape *tape = &reader->tape;
	struct header header = { 0 };
	int rc;

	if (pass_over(reader, err) < 0)
		return -1;
	tape->from = position(reader);
	tape->kept.len = 0;
	tape->keeping = true;
	rc = archive_read_next_header(reader->archive, &reader->entry);
	tape->keeping = false;
	/* A warning is a name that is not of the locale's charset: those are
	 * taken as they are. */
	if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN && rc != ARCHIVE_EOF)
		return failed(reader, err);
	if (find_kept(reader, &header, err) < 0)
		return -1;
	*ret_more = rc != ARCHIVE_EOF;
	if (rc == ARCHIVE_EOF)
		return check_end(&header, err) < 0 ? -1 :
		    drain(tape, position(reader), err);
	if (describe(reader, &header, ret, err) < 0)
		return -1;
	*ret_records = (struct tar_records){ reader->records.s,
		reader->records.len };
	return 0;
}

int
tar_reader_data(struct tar_reader *reader, const void **ret, size_t *ret_n,
    uint64_t *ret_offset, struct err *err)
{
	int64_t offset;
	int rc;

	do
		rc = archive_read_data_block(reader->archive, ret, ret_n,
		    &offset);
	while (rc == ARCHIVE_OK && *ret_n == 0);
	if (rc == ARCHIVE_EOF) {
		*ret_n = 0;
		return 0;
	}
	*ret_offset = (uint64_t)offset;
	return rc == ARCHIVE_OK ? 0 : failed(reader, err);
}

int
tar_reader_new(struct chan *in, struct tar_reader **ret, struct err *err)
{
	CLEANUP(tar_reader_freep) struct tar_reader *reader =
	    calloc(1, sizeof *reader);

	if (reader == NULL)
		return err_nomem(err);
	reader->tape.in = in;
	reader->tape.keeping = true;	/* opening reads the first block */
	reader->archive = archive_read_new();
	if (reader->archive == NULL)
		return err_nomem(err);
	if (archive_read_support_format_tar(reader->archive) != ARCHIVE_OK ||
	    archive_read_open(reader->archive, &reader->tape, NULL, read_tape,
	    NULL) != ARCHIVE_OK)
		return failed(reader, err);
	*ret = reader;
	reader = NULL;
	return 0;
}

void
tar_reader_free(struct tar_reader *reader)
{
	if (reader == NULL)
		return;
	(void)archive_read_free(reader->archive);
	str_free(&reader->tape.kept);
	str_free(&reader->records);
	str_free(&reader->path);
	str_free(&reader->link);
	str_free(&reader->sparse_path);
	free(reader->map.v);
	free(reader);
}

void
tar_reader_freep(struct tar_reader **reader)
{
	tar_reader_free(*reader);
	*reader = NULL;
}
