#include "lib/stream/unzstd.h"

#include <stdbool.h>
#include <zstd.h>
#include <zstd_errors.h>

#define WINDOW_LOG_MAX 27	/* 128 MiB, the zstd command's own limit */

static void
free_context(ZSTD_DCtx **context)
{
	(void)ZSTD_freeDCtx(*context);
}

static int
fail(size_t code, bool behind, struct err *err)
{
	if (ZSTD_getErrorCode(code) == ZSTD_error_memory_allocation)
		return err_nomem(err);
	if (behind && ZSTD_getErrorCode(code) == ZSTD_error_prefix_unknown)
		return err_set(err, ERR_SOURCE, "something else follows "
		    "behind its zstd data");
	return err_set(err, ERR_SOURCE, "its zstd data are damaged: %s",
	    ZSTD_getErrorName(code));
}

/* Decompresses until the block is used up and nothing more comes of it.
 * *whole: what came so far ends with a frame. */
static int
feed(ZSTD_DCtx *context, ZSTD_inBuffer *input, bool *whole, bool *behind,
    struct chan *out, struct err *err)
{
	bool full = false;

	/* After a frame's end, a call without input would begin the next. */
	while (input->pos < input->size || (full && !*whole)) {
		ZSTD_outBuffer output = { 0 };
		size_t left;

		if (chan_room(out, &output.dst, &output.size, err) < 0)
			return -1;
		left = ZSTD_decompressStream(context, &output, input);
		if (ZSTD_isError(left))
			return fail(left, *behind, err);
		full = output.pos == output.size;
		chan_commit(out, output.pos);
		*whole = left == 0;
		*behind = *behind || *whole;
	}
	return 0;
}

int
unzstd_stage(const void *bytes, size_t n, struct chan *in, struct chan *out,
    struct err *err)
{
	CLEANUP(free_context) ZSTD_DCtx *context = ZSTD_createDCtx();
	bool whole = false, behind = false;

	if (context == NULL || ZSTD_isError(ZSTD_DCtx_setParameter(context,
	    ZSTD_d_windowLogMax, WINDOW_LOG_MAX)))
		return err_nomem(err);
	while (n != 0) {
		ZSTD_inBuffer input = { bytes, n, 0 };

		if (feed(context, &input, &whole, &behind, out, err) < 0 ||
		    chan_read(in, &bytes, &n, err) < 0)
			return -1;
	}
	if (!whole)
		return err_set(err, ERR_SOURCE,
		    "its zstd data end too early");
	return chan_finish(out, err);
}
