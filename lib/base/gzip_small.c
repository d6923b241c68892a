#include "lib/base/gzip_small.h"

#include <libdeflate.h>
#include <stdlib.h>

#define LEVEL 9

static void
free_compressor(struct libdeflate_compressor **compressor)
{
	if (*compressor != NULL)
		libdeflate_free_compressor(*compressor);
}

int
gzip_small(const void *bytes, size_t n, unsigned char **ret, size_t *ret_n,
    struct err *err)
{
	CLEANUP(free_compressor) struct libdeflate_compressor *compressor =
	    libdeflate_alloc_compressor(LEVEL);
	unsigned char *compressed;
	size_t bound;

	if (compressor == NULL)
		return err_nomem(err);
	bound = libdeflate_gzip_compress_bound(compressor, n);
	compressed = malloc(bound);
	if (compressed == NULL)
		return err_nomem(err);
	*ret_n = libdeflate_gzip_compress(compressor, bytes, n, compressed,
	    bound);
	*ret = compressed;
	return 0;
}
