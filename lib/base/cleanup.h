/*
 * cleanup: undo on the way down.
 *
 * CLEANUP(fn) marks an automatic variable: fn(&variable) runs when it leaves
 * its scope. Such a variable is initialised where it is declared. fn only
 * undoes; whatever can fail and matters (fsync, close, rename) is called and
 * checked in ordinary code before.
 */
#ifndef LIB_BASE_CLEANUP_H
#define LIB_BASE_CLEANUP_H

#define CLEANUP(fn) __attribute__((cleanup(fn)))
#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(at, first) __attribute__((format(printf, at, first)))

/* cleanup_free: for a char *, or any other pointer that malloc gave. */
void cleanup_free(void *pointer_to_pointer);

/* cleanup_close: for an int fd; closes it unless it is negative. */
void cleanup_close(int *fd);

/* cleanup_fclose: for a FILE *; closes it unless it is NULL. */
#include <stdio.h>
void cleanup_fclose(FILE **file);

#endif
