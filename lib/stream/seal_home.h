/*
 * seal_home: a home directory for gpg, of this process alone.
 *
 *     struct seal_home home = SEAL_HOME_NONE;
 *     seal_home_new, gpg, seal_home_was_asked, seal_home_free
 *
 * Mode 0700, in $XDG_RUNTIME_DIR, /run/vbackup or /tmp. Its gpg.conf says how
 * archives are encrypted, and forbids an agent: none is needed, because a
 * passphrase comes to gpg through a named pipe in this directory, never
 * through an argument, the environment or a disk. gpg's agent would also cut
 * passphrases of more than 255 bytes. What a killed process left behind is
 * removed by the next one.
 *
 * For secret keys an agent cannot be done without: a home for those lets gpg
 * start one of its own, which seal_home_free ends.
 */
#ifndef LIB_STREAM_SEAL_HOME_H
#define LIB_STREAM_SEAL_HOME_H

#include <stdbool.h>

#include "lib/base/err.h"

/* With its line end a passphrase fits into a pipe in one piece. */
#define SEAL_HOME_PASSPHRASE_MAX 4095

struct seal_home {
	char *dir;	/* owned */
	int dirfd;	/* holds a flock, so that others know that we live */
	int pipe;	/* both ends of the named pipe; -1: none */
	bool has_agent;	/* gpg may have started one */
};

/* OpenPGP's least and greatest count; gpg would measure out its own with the
 * help of its agent, and end at the greatest on any machine of today. */
#define SEAL_HOME_S2K_LEAST 1024
#define SEAL_HOME_S2K_MOST 65011712

#define SEAL_HOME_NONE { NULL, -1, -1, false }

/*
 * seal_home_new
 * Takes    passphrase: what gpg shall encrypt with, once; NULL: with keys;
 *          s2k_count: how often it is hashed to a key, of the archive's
 *          encryption as often as can be said (SEAL_HOME_S2K_MOST)
 * Fails    ERR_CONFIG the passphrase is empty, of several lines or too long
 */
MUST_CHECK int seal_home_new(const char *passphrase, int s2k_count,
    struct seal_home *ret, struct err *err);
/* seal_home_new_secret: one for secret keys. */
MUST_CHECK int seal_home_new_secret(struct seal_home *ret, struct err *err);
void seal_home_free(struct seal_home *home);	/* usable with CLEANUP */

/* seal_home_was_asked: has gpg read the passphrase? */
bool seal_home_was_asked(const struct seal_home *home);

#endif
