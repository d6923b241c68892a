#include "lib/stream/gunzip.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

/* Input is const for us; the name would else be a plain pointer's. */
#define ZLIB_CONST
#include <zlib.h>

#define GZIP_ONLY (15 + 16)	/* window bits, as zlib.h has it: with the CRC
				 * and the length behind each member */

struct gunzip {
	z_stream z;
	bool is_open;		/* z is to be ended */
	bool whole;		/* what came so far ends with a member */
};

static void
close_gunzip(struct gunzip *gunzip)
{
	if (gunzip->is_open)
		(void)inflateEnd(&gunzip->z);
}

static int
fail(const struct gunzip *gunzip, int number, bool first, struct err *err)
{
	if (number == Z_MEM_ERROR)
		return err_nomem(err);
	if (!first && gunzip->z.total_out == 0)
		return err_set(err, ERR_SOURCE, "something else follows "
		    "behind its gzip data");
	return err_set(err, ERR_SOURCE, "its gzip data are damaged: %s",
	    gunzip->z.msg != NULL ? gunzip->z.msg : "unknown reason");
}

/* Another member may follow at once. */
static int
begin_member(struct gunzip *gunzip, struct err *err)
{
	gunzip->whole = false;
	if (inflateReset(&gunzip->z) != Z_OK)
		return err_set(err, ERR_SYSTEM, "cannot reset zlib");
	return 0;
}

/* Inflates until the block is used up and nothing more comes of it. */
static int
feed(struct gunzip *gunzip, bool *first, struct chan *out, struct err *err)
{
	z_stream *z = &gunzip->z;
	bool full = false;

	while (z->avail_in != 0 || (full && !gunzip->whole)) {
		size_t room;
		void *to;
		int number;

		if (gunzip->whole && begin_member(gunzip, err) < 0)
			return -1;
		if (chan_room(out, &to, &room, err) < 0)
			return -1;
		if (room > UINT_MAX)
			room = UINT_MAX;
		z->next_out = to;
		z->avail_out = (uInt)room;
		number = inflate(z, Z_NO_FLUSH);
		/* Z_BUF_ERROR: there was nothing left of a full buffer. */
		if (number != Z_OK && number != Z_STREAM_END &&
		    number != Z_BUF_ERROR)
			return fail(gunzip, number, *first, err);
		full = z->avail_out == 0;
		chan_commit(out, room - z->avail_out);
		gunzip->whole = number == Z_STREAM_END;
		*first = *first && !gunzip->whole;
	}
	return 0;
}

int
gunzip_stage(const void *bytes, size_t n, struct chan *in, struct chan *out,
    struct err *err)
{
	CLEANUP(close_gunzip) struct gunzip gunzip = { .is_open = false };
	bool first = true;

	if (inflateInit2(&gunzip.z, GZIP_ONLY) != Z_OK)
		return err_nomem(err);
	gunzip.is_open = true;
	while (n != 0) {
		gunzip.z.next_in = bytes;
		gunzip.z.avail_in = (uInt)n;	/* a channel's block */
		if (feed(&gunzip, &first, out, err) < 0 ||
		    chan_read(in, &bytes, &n, err) < 0)
			return -1;
	}
	if (!gunzip.whole)
		return err_set(err, ERR_SOURCE,
		    "its gzip data end too early");
	return chan_finish(out, err);
}
