/*
 * tempfile: a file that appears under its name only when it is complete.
 *
 *     CLEANUP(tempfile_abort) struct tempfile tmp = TEMPFILE_NONE;
 *     tempfile_open(&tmp, dir, err), write to tmp.fd,
 *     tempfile_publish(&tmp, name, TEMPFILE_NEW, err)
 *
 * The temporary name is hidden, begins with TEMPFILE_PREFIX, lies in the same
 * directory and holds a flock as long as its owner lives: so what a killed run
 * left behind can be told from what another run is writing, and tempfile_sweep
 * removes it. Mode 0600 until told otherwise.
 */
#ifndef LIB_BASE_TEMPFILE_H
#define LIB_BASE_TEMPFILE_H

#include <stddef.h>

#include "lib/base/err.h"

#define TEMPFILE_PREFIX ".vbackup-partial-"

struct tempfile {
	int dirfd;	/* owned */
	int fd;		/* owned, open for reading and writing */
	char *dir;	/* owned, for messages */
	char name[64];	/* in dir */
};

#define TEMPFILE_NONE { -1, -1, NULL, "" }

enum tempfile_publish {
	TEMPFILE_NEW,		/* a file of that name must not be there */
	TEMPFILE_REPLACE	/* replaces it atomically */
};

MUST_CHECK int tempfile_open(struct tempfile *ret, const char *dir,
    struct err *err);

/* tempfile_publish: fsync, rename to name in the same directory, fsync of the
 * directory, close. ERR_EXISTS with TEMPFILE_NEW when the name is taken: the
 * other file is untouched and the temporary one still open. */
MUST_CHECK int tempfile_publish(struct tempfile *tmp, const char *name,
    enum tempfile_publish how, struct err *err);

/* tempfile_abort: remove and close; does nothing after publish. */
void tempfile_abort(struct tempfile *tmp);

/* tempfile_sweep: remove what dead processes left in dir; *ret_n files. */
MUST_CHECK int tempfile_sweep(const char *dir, size_t *ret_n, struct err *err);

#endif
