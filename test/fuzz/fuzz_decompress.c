/*
 * libFuzzer target: what somebody else compressed. The first byte says as what
 * it is read, and in blocks of which size it comes. Whatever it is, it ends
 * with all of it or with a damage that is named, and so much only is read of a
 * bomb.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#include "lib/stream/decompress.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define READ_MAX ((size_t)8 << 20)

struct line {
	const uint8_t *data;
	size_t size;
	struct chan *in;
	struct chan *out;
};

static void *
feed(void *cookie)
{
	struct line *line = cookie;
	struct err err = ERR_INIT;

	if (chan_write(line->in, line->data, line->size, &err) == 0)
		(void)!chan_finish(line->in, &err);
	return NULL;
}

static void *
drain(void *cookie)
{
	struct line *line = cookie;
	struct err err = ERR_INIT;
	const void *bytes;
	size_t n = 1, sum = 0;

	while (n != 0 && sum < READ_MAX &&
	    chan_read(line->out, &bytes, &n, &err) == 0)
		sum += n;
	chan_cancel(line->out);
	chan_cancel(line->in);
	return NULL;
}

static void
run(struct line *line, uint8_t first)
{
	const struct decompress_settings settings = {
		.detect = (first & 3) == 3, .kind = first & 3 };
	struct err err = ERR_INIT;
	pthread_t feeder, drainer;

	if (pthread_create(&feeder, NULL, feed, line) != 0 ||
	    pthread_create(&drainer, NULL, drain, line) != 0)
		abort();
	if (decompress_stage(&settings, line->in, line->out, &err) < 0 &&
	    err.kind != ERR_SOURCE && err.kind != ERR_STREAM &&
	    err.kind != ERR_NOMEM)
		abort();
	chan_cancel(line->in);
	chan_cancel(line->out);
	(void)pthread_join(feeder, NULL);
	(void)pthread_join(drainer, NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct line line = { data + 1, size - 1, NULL, NULL };
	struct err err = ERR_INIT;

	if (size == 0)
		return 0;
	if (chan_new((size_t)1 << (data[0] >> 4), 4, &line.in, &err) < 0 ||
	    chan_new(4096, 4, &line.out, &err) < 0)
		abort();
	run(&line, data[0]);
	chan_free(line.in);
	chan_free(line.out);
	return 0;
}
