#define _GNU_SOURCE
#include "lib/stream/compress.h"

#include <sched.h>
#include <unistd.h>

#include "lib/stream/gzip.h"
#include "lib/stream/zstd.h"

#define THREADS_MAX 256

/* The cores that this process may use, which may be fewer than there are. */
static int
count_cores(void)
{
	cpu_set_t set;
	long n;

	if (sched_getaffinity(0, sizeof set, &set) == 0)
		return CPU_COUNT(&set);
	n = sysconf(_SC_NPROCESSORS_ONLN);
	return n < 1 ? 1 : n > THREADS_MAX ? THREADS_MAX : (int)n;
}

int
compress_stage(const struct compress_settings *settings, struct chan *in,
    struct chan *out, struct err *err)
{
	int threads = settings->threads > 0 ? settings->threads :
	    count_cores();

	if (threads > THREADS_MAX)
		threads = THREADS_MAX;
	switch (settings->kind) {
	case COMPRESSION_GZIP:
		return gzip_stage(settings->level, threads, in, out, err);
	case COMPRESSION_ZSTD:
		return zstd_stage(settings->level, threads, in, out, err);
	case COMPRESSION_NONE:
		break;
	}
	return err_set(err, ERR_SYSTEM, "no compression was asked for");
}
