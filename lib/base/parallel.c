#define _GNU_SOURCE
#include "lib/base/parallel.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

#include "lib/base/cleanup.h"

struct worker {
	pthread_t thread;
	bool started;
	void (*work)(void *thing);
	void *thing;
};

static void *
run(void *cookie)
{
	const struct worker *worker = cookie;

	worker->work(worker->thing);
	return NULL;
}

void
parallel_run(void (*work)(void *thing), void *first, size_t element_bytes,
    size_t n)
{
	CLEANUP(cleanup_free) struct worker *workers = n < 2 ? NULL :
	    calloc(n, sizeof *workers);
	sigset_t all, before;
	size_t i;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_BLOCK, &all, &before);
	for (i = 0; workers != NULL && i < n; i++) {
		workers[i].work = work;
		workers[i].thing = (char *)first + i * element_bytes;
		workers[i].started = pthread_create(&workers[i].thread, NULL,
		    run, &workers[i]) == 0;
	}
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	for (i = 0; i < n; i++)
		if (workers == NULL || !workers[i].started)
			work((char *)first + i * element_bytes);
	for (i = 0; workers != NULL && i < n; i++)
		if (workers[i].started)
			(void)pthread_join(workers[i].thread, NULL);
}
