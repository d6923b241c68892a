/*
 * parallel: the same for several things at once, each in a thread of its own.
 */
#ifndef LIB_BASE_PARALLEL_H
#define LIB_BASE_PARALLEL_H

#include <stddef.h>

/* parallel_run: work for each of n things, element_bytes apart from first on;
 * returns when all are done. Signals go to the threads that were there before.
 * Where there is no thread, or no memory, one thing is done after the other. */
void parallel_run(void (*work)(void *thing), void *first,
    size_t element_bytes, size_t n);

#endif
