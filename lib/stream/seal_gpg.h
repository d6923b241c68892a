/*
 * seal_gpg: what all uses of gpgme have in common.
 *
 * gpgme tells nobody how gpg ended: one that was killed in the middle looks
 * like one that was done. Whoever must know looks for gpg's own last words in
 * the status lines.
 */
#ifndef LIB_STREAM_SEAL_GPG_H
#define LIB_STREAM_SEAL_GPG_H

#include "lib/base/err.h"

struct gpgme_context;

/* seal_gpg_check: is there a gpg? Must come before anything else of gpgme, its
 * data objects included; everything here that makes a context calls it. */
MUST_CHECK int seal_gpg_check(struct err *err);

/* seal_gpg_new: for OpenPGP, in this home directory; NULL: the user's own.
 * Fails: ERR_CONFIG no gpg */
MUST_CHECK int seal_gpg_new(const char *home, struct gpgme_context **ret,
    struct err *err);
void seal_gpg_freep(struct gpgme_context **gpg);	/* for CLEANUP */

/* seal_gpg_fail: fill *err with what was tried, gpgme's words for number (0:
 * none) and the last thing that gpg printed; returns -1. */
int seal_gpg_fail(struct gpgme_context *gpg, unsigned number,
    enum err_kind kind, const char *what, struct err *err);

#endif
