#include "lib/docker/engine_frames.h"

#include <string.h>

#define STREAM_LAST 3	/* 0 input, 1 output, 2 error, 3 the Engine itself */

static int
read_head(struct frames *frames, struct err *err)
{
	const unsigned char *head = frames->head;

	if (head[0] > STREAM_LAST || (head[1] | head[2] | head[3]) != 0)
		return err_set(err, ERR_PROTOCOL, "malformed answer to "
		    "POST /exec/ID/start: no frame begins with %02x%02x%02x"
		    "%02x", head[0], head[1], head[2], head[3]);
	frames->left = (uint32_t)head[4] << 24 | (uint32_t)head[5] << 16 |
	    (uint32_t)head[6] << 8 | head[7];
	return 0;
}

static size_t
take_head(struct frames *frames, const unsigned char *p, size_t n)
{
	const size_t lacks = sizeof frames->head - frames->have;

	if (n > lacks)
		n = lacks;
	memcpy(frames->head + frames->have, p, n);
	frames->have += n;
	return n;
}

int
frames_feed(struct frames *frames, const void *bytes, size_t n,
    struct err *err)
{
	const unsigned char *p = bytes;
	size_t taken;

	for (; n != 0; p += taken, n -= taken) {
		if (frames->left == 0) {
			taken = take_head(frames, p, n);
			if (frames->have < sizeof frames->head)
				continue;
			frames->have = 0;
			if (read_head(frames, err) < 0)
				return -1;
			continue;
		}
		taken = n < frames->left ? n : frames->left;
		frames->left -= (uint32_t)taken;
		if (frames->output(frames->cookie, p, taken, err) < 0)
			return -1;
	}
	return 0;
}

bool
frames_whole(const struct frames *frames)
{
	return frames->have == 0 && frames->left == 0;
}
