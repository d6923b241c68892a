/*
 * packer: a pack on a thread of its own, that a test can hold still.
 *
 *     packer_start; packer_read, change the source, ...; packer_join;
 *     look at rc, err, results, events and the file; packer_free
 *
 * The channel is small: after packer_read(p, 1) the pack has filled one block
 * of PACKER_BLOCK bytes and waits when it has filled a second one.
 */
#ifndef TEST_UNIT_PACKER_H
#define TEST_UNIT_PACKER_H

#include <pthread.h>
#include <stddef.h>

#include "lib/base/str.h"
#include "lib/stream/pack.h"
#include "lib/stream/pack_tar.h"

#define PACKER_BLOCK 4096

struct packer {
	/* Set by the test before packer_start. */
	struct pack_settings settings;	/* watch and cookie are ours */
	const struct pack_source *sources;
	size_t n_sources;
	pack_tar_fetch_fn *fetch;	/* NULL: the sources' paths are read */
	void *fetch_cookie;
	const char *file;		/* where the archive goes */

	/* Good after packer_join. */
	int rc;
	struct err err;
	struct pack_result results[4];	/* of each source */
	struct strlist events;		/* "GREW /shown/path: why" */

	pthread_t thread;
	struct chan *chan;
	int fd;
};

void packer_start(struct packer *packer);

/* packer_read: takes at least n bytes out of the channel. */
void packer_read(struct packer *packer, size_t n);
void packer_join(struct packer *packer);
void packer_free(struct packer *packer);	/* for CLEANUP */

/* packer_run: start and join; one source whose member name is "m". */
void packer_run(struct packer *packer, const char *path);

/* packer_has: is there an event whose text begins so? */
bool packer_has(const struct packer *packer, const char *event);

/* packer_has_only: are these n all the events, in any order? */
bool packer_has_only(const struct packer *packer, const char *const *events,
    size_t n);

/* packer_setup, packer_teardown: a scratch directory that is the current one,
 * for cmocka; it is removed with all that is in it. */
int packer_setup(void **state);
int packer_teardown(void **state);

/* packer_must: a command that prints nothing (a warning would be a failure)
 * and exits with 0. packer_prints: one that prints exactly this. */
void packer_must(const char *fmt, ...) PRINTF_LIKE(1, 2);
void packer_prints(const char *command, const char *expected);

/* packer_command: sh -c with nothing but PATH in its environment; its exit
 * status. *ret: what it printed, stderr included. */
int packer_command(const char *command, struct str *ret);

#endif
