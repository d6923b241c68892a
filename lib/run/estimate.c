#define _GNU_SOURCE
#include "lib/run/estimate.h"

#include <errno.h>
#include <fts.h>
#include <sys/stat.h>

#include "lib/base/intr.h"

#define BLOCK_BYTES 512		/* of st_blocks */

static uint64_t
bytes_of(const struct stat *st)
{
	uint64_t allocated = (uint64_t)st->st_blocks * BLOCK_BYTES;
	uint64_t size = (uint64_t)st->st_size;

	if (!S_ISREG(st->st_mode))
		return 0;
	return allocated < size ? allocated : size;
}

static int
add_tree(char *path, uint64_t *bytes, struct err *err)
{
	char *paths[] = { path, NULL };
	FTS *walk = fts_open(paths,
	    FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, NULL);
	const FTSENT *entry;
	int rc = 0;

	if (walk == NULL)
		return err_sys(err, "cannot walk '%s'", path);
	while (rc == 0 && (entry = fts_read(walk)) != NULL) {
		if (entry->fts_info == FTS_F)
			*bytes += bytes_of(entry->fts_statp);
		rc = intr_check(err);
	}
	(void)fts_close(walk);
	return rc;
}

int
estimate_raw(const struct source_list *sources, uint64_t *ret_bytes,
    struct err *err)
{
	uint64_t bytes = 0;
	size_t i;

	for (i = 0; i < sources->n; i++)
		if (add_tree(sources->v[i].path, &bytes, err) < 0)
			return -1;
	*ret_bytes = bytes;
	return 0;
}

uint64_t
estimate_need(uint64_t raw_bytes, enum compression compression)
{
	return compression == COMPRESSION_NONE ? raw_bytes : raw_bytes / 10;
}
