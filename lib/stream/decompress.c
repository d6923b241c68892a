#include "lib/stream/decompress.h"

#include <string.h>

#include "lib/stream/gunzip.h"
#include "lib/stream/unzstd.h"

enum compression
decompress_kind(const void *bytes, size_t n)
{
	static const unsigned char gzip[] = { 0x1f, 0x8b, 0x08 };
	static const unsigned char zstd[] = { 0x28, 0xb5, 0x2f, 0xfd };

	if (n >= sizeof gzip && memcmp(bytes, gzip, sizeof gzip) == 0)
		return COMPRESSION_GZIP;
	if (n >= sizeof zstd && memcmp(bytes, zstd, sizeof zstd) == 0)
		return COMPRESSION_ZSTD;
	return COMPRESSION_NONE;
}

static int
pass_on(const void *bytes, size_t n, struct chan *in, struct chan *out,
    struct err *err)
{
	while (n != 0)
		if (chan_write(out, bytes, n, err) < 0 ||
		    chan_read(in, &bytes, &n, err) < 0)
			return -1;
	return chan_finish(out, err);
}

int
decompress_stage(const struct decompress_settings *settings, struct chan *in,
    struct chan *out, struct err *err)
{
	enum compression kind = settings->kind;
	const void *bytes;
	size_t n;

	if (chan_read(in, &bytes, &n, err) < 0)
		return -1;
	if (settings->detect)
		kind = decompress_kind(bytes, n);
	switch (kind) {
	case COMPRESSION_GZIP:
		return gunzip_stage(bytes, n, in, out, err);
	case COMPRESSION_ZSTD:
		return unzstd_stage(bytes, n, in, out, err);
	case COMPRESSION_NONE:
		break;
	}
	return pass_on(bytes, n, in, out, err);
}
