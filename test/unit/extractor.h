/*
 * extractor: extract_stage for tests, out of a file or out of an archive that
 * a test puts together.
 *
 *     CLEANUP(extractor_free) struct extractor extractor = { .file = "a.tar",
 *         .dir = "out" };
 *     extractor_run(&extractor); look at rc, err, result and problems
 */
#ifndef TEST_UNIT_EXTRACTOR_H
#define TEST_UNIT_EXTRACTOR_H

#include "lib/base/str.h"
#include "lib/stream/extract.h"
#include "lib/stream/pax.h"

struct extractor {
	/* Set by the test. place: NULL: everything below dir, under its own
	 * name; problem is ours, and so is cookie where place is NULL. */
	struct extract_settings settings;
	const char *file;		/* the archive */
	const struct str *archive;	/* or this, where file is NULL */
	const char *dir;

	/* Good after extractor_run. */
	int rc;
	struct err err;
	struct extract_result result;
	struct strlist problems;
	int fd;				/* of dir */
};

void extractor_run(struct extractor *extractor);
void extractor_free(struct extractor *extractor);	/* for CLEANUP */

/* extractor_must: it goes well, and these are all the problems; NULL: none. */
void extractor_must(struct extractor *extractor, const char *problem);

/* extractor_refuses: it is ERR_SOURCE, whose text has this in it. */
void extractor_refuses(struct extractor *extractor, const char *text);

/* tar_member, tar_end: append to an archive; a file's size is its data's. */
void tar_member(struct str *tar, enum pax_type type, const char *path,
    const char *link, const char *data);
void tar_any(struct str *tar, const struct pax_member *member,
    const void *data, size_t n);
void tar_end(struct str *tar);

#endif
