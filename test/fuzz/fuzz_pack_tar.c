/*
 * libFuzzer target: a tar stream that somebody else wrote, through pack_tar.
 * What comes out is read and thrown away, on a thread of its own.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/stream/pack_tar.h"
#include "test/fuzz/tar_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	uint8_t *data;
	size_t size;
};

static int
fetch(void *cookie, pack_tar_write_fn *write, void *write_cookie,
    struct err *err)
{
	const struct input *input = cookie;

	return write(write_cookie, input->data, input->size, err);
}

static void *
drain(void *cookie)
{
	struct err err = ERR_INIT;
	const void *bytes;
	size_t n = 1;

	while (n != 0)
		if (chan_read(cookie, &bytes, &n, &err) < 0)
			break;
	return NULL;
}

static void
run(struct input *input, struct chan *chan)
{
	static const struct pack_source source = { NULL, "m", "/m" };
	const struct pack_settings settings = { .exclude_regexp = "x/y" };
	struct pack *pack = NULL;
	struct pack_result result;
	struct err err = ERR_INIT;

	if (pack_new(&settings, chan, &pack, &err) < 0)
		abort();
	if (pack_tar(pack, &source, fetch, input, &result, &err) < 0 &&
	    (err.kind != ERR_SOURCE || err.msg[0] == '\0'))
		abort();
	pack_free(pack);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { malloc(size + 1), size };
	struct chan *chan = NULL;
	struct err err = ERR_INIT;
	pthread_t thread;

	if (input.data == NULL || chan_new(65536, 4, &chan, &err) < 0)
		abort();
	memcpy(input.data, data, size);
	tar_set_checksums(input.data, size);
	if (pthread_create(&thread, NULL, drain, chan) == 0) {
		run(&input, chan);
		chan_cancel(chan);
		(void)pthread_join(thread, NULL);
	}
	chan_free(chan);
	free(input.data);
	return 0;
}
