/*
 * putback: volumes and directories get the content of an archive in place of
 * their own, whole or not at all.
 *
 *     putback_new        looks, touches nothing; problems, and what would be
 *                        done (putback_text)
 *     putback_prepare    missing volumes are made; beside each volume or
 *                        directory, on the same file system, an empty one
 *     extract_stage with putback_place as its `place`, through the caller's
 *                        own reflow; everybody still runs
 *     putback_commit     everybody who uses them comes to rest; old and new
 *                        are exchanged by one rename each; everybody is back
 *     putback_free       what was not committed is removed, volumes that were
 *                        made for it too
 *
 * So the window is as long as a stop, a rename and a start, and an archive that
 * turns out to be damaged has cost nobody anything. Whatever kills us, a volume
 * is the old one or the new one, and never half of it: the rename is
 * RENAME_EXCHANGE, and what lies beside afterwards is never needed. It has a
 * name of ours, and is removed by the next one who finds it and sees that
 * nobody is at work (the lock is ours). Who is at rest stands in the ledger,
 * and the guardian brings them back, as in a run.
 *
 * A volume that is no directory of this host (another Engine's, a driver's that
 * mounts it while it is used) is written through the Engine's archive endpoint
 * of a helper container, while its users rest: the archive is read once more
 * for each. Nothing can be exchanged or removed there: so it must be empty,
 * unless overwrite says that files may be replaced and others stay. That the
 * archive is whole is known by then: extract_stage has read it.
 *
 * What the archive has nothing of (because it was excluded, say) is not there
 * afterwards, but in what is kept.
 */
#ifndef LIB_RUN_PUTBACK_H
#define LIB_RUN_PUTBACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/run/inventory.h"
#include "lib/run/lock.h"
#include "lib/store/metadata.h"
#include "lib/stream/chan.h"
#include "lib/stream/extract.h"

struct putback_want {		/* borrowed until putback_free */
	const char *volume;	/* its name; NULL: a directory */
	const char *path;	/* of a directory, absolute; else NULL */
	const char *member;	/* its root in the archive: "volumes/db" */
	const struct metadata_source *source;	/* what a missing volume is
						 * made of; NULL: not known */
};

struct putback_settings {	/* borrowed until putback_free */
	const struct options *options;
	const struct inventory *inventory;
	const struct lock *lock;	/* NULL: nothing will be committed */
	/* Directories that keep archives: what holds one of them is not
	 * exchanged. NULL: none */
	const struct strlist *stores;
	bool keep_old;		/* beside it, under a name that is told */
	bool overwrite;		/* see above */
	/* A sentence for the user: what was put back, what was kept where.
	 * NULL: nobody. */
	void (*tell)(void *cookie, const char *message);
	/* Runs the whole archive once more into this sink, as reflow does. For
	 * volumes behind the Engine. */
	int (*stream)(void *cookie, int (*sink)(void *sink_cookie,
	    struct chan *in, struct err *err), void *sink_cookie,
	    struct err *err);
	void *cookie;
};

struct putback;

/* putback_new. Gives *ret, also where there are problems, which are appended:
 * an unknown volume of which nothing is known, options that metadata masks, a
 * volume of our own container, one that is not empty, a mount point, users that
 * cannot be brought to rest and back (--rm, paused), places that lie in one
 * another. A volume behind the Engine is looked into by a helper container,
 * which is removed. Fails: the Engine does not answer, ERR_NOMEM */
MUST_CHECK int putback_new(const struct putback_settings *settings,
    const struct putback_want *wants, size_t n, struct putback **ret,
    struct strlist *problems, struct err *err);
void putback_free(struct putback *putback);
void putback_freep(struct putback **putback);	/* for CLEANUP */

/* putback_text: what would be done, a line each; caller frees. */
MUST_CHECK int putback_text(const struct putback *putback, char **ret,
    struct err *err);

/* putback_prepare. Fails: as the Engine does; ERR_SYSTEM, ERR_NOSPACE. What was
 * made is undone by putback_free. */
MUST_CHECK int putback_prepare(struct putback *putback, struct err *err);

/* putback_place: an extract_settings' place; cookie is the struct putback. What
 * belongs to none of the wants is not wanted. */
int putback_place(void *putback, const char *name, struct extract_place *ret,
    struct err *err);

struct putback_result {
	size_t problems;	/* who did not come back to run, old content
				 * that could not be removed, members that
				 * cannot go through the Engine; logged */
	uint64_t members;	/* that went through the Engine */
	uint64_t files;
	uint64_t raw_bytes;
};

/*
 * putback_commit: a want of which the archive had nothing is an error before
 * anything is touched. Who uses them is asked anew: he may have come meanwhile.
 *
 * Gives    *ret, also on failure
 * Fails    before the first exchange: everything is as it was, and everybody
 *          is back (or is told not to be). Once the first was exchanged the
 *          others follow; what fails then is named, exchanged back where that
 *          can be done, and an error
 */
MUST_CHECK int putback_commit(struct putback *putback,
    struct putback_result *ret, struct err *err);

#endif
