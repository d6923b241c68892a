/*
 * scramble: AES-256 in counter mode with a random key that lives as long as
 * this object: for temporary files that nobody else shall be able to read, also
 * not from a disk that they once lay on. Any part can be turned at any time;
 * turning it again gives it back. Says nothing about who wrote it.
 */
#ifndef LIB_BASE_SCRAMBLE_H
#define LIB_BASE_SCRAMBLE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

struct scramble;

MUST_CHECK int scramble_new(struct scramble **ret, struct err *err);
void scramble_free(struct scramble *scramble);	/* wipes the key */
void scramble_freep(struct scramble **scramble);	/* for CLEANUP */

/* scramble_turn: n bytes, in place, that lie at that offset, a multiple of 16,
 * of the file. From several threads at once. No offset may be used for two
 * different contents. */
MUST_CHECK int scramble_turn(const struct scramble *scramble, uint64_t offset,
    void *bytes, size_t n, struct err *err);

#endif
