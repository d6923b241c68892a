/*
 * seal_traffic: the bytes between two channels and gpg, in either direction.
 *
 *     struct seal_traffic traffic = { .in, .out, .what, .err };
 *     seal_traffic_open, an operation of gpgme that ends in _start with its
 *     two data objects, seal_traffic_run, seal_traffic_close
 *     and around all of it seal_watch_begin, seal_watch_end
 */
#ifndef LIB_STREAM_SEAL_TRAFFIC_H
#define LIB_STREAM_SEAL_TRAFFIC_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/stream/chan.h"
#include "lib/stream/seal_loop.h"

struct gpgme_context;
struct gpgme_data;

struct seal_traffic {
	const char *what;	/* "cannot encrypt", for messages */
	struct chan *in;	/* NULL: a trial, of one block */
	struct chan *out;	/* NULL: a trial */
	const unsigned char *block;	/* n bytes of it are left */
	size_t n;
	struct err *err;

	struct seal_loop loop;
	struct gpgme_data *from;
	struct gpgme_data *to;
	bool at_end;		/* of in */
	bool left_to_gpgme;	/* its turn to find that out */
	bool read_all;		/* it has */
	int rc;			/* -1: a channel failed, with *err */
};

/* seal_traffic_open: *ret is a gpgme_error_t. */
unsigned seal_traffic_open(struct seal_traffic *traffic,
    struct gpgme_context *gpg);
/* seal_traffic_run: what was started, number says how, to its end; cancels it
 * where it does not come to one. Its gpgme_error_t; look at rc first. */
unsigned seal_traffic_run(struct seal_traffic *traffic,
    struct gpgme_context *gpg, unsigned number);
void seal_traffic_close(struct seal_traffic *traffic);	/* for CLEANUP */

/* A thread that passes on from one channel to the other that it was cancelled:
 * gpgme has one thread for both, and while that waits in one of them it would
 * not see the other. */
struct seal_watch {
	struct chan *in;
	struct chan *out;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool over;	/* under the mutex */
	pthread_t thread;
};

MUST_CHECK int seal_watch_begin(struct seal_watch *watch, struct chan *in,
    struct chan *out, struct err *err);
void seal_watch_end(struct seal_watch *watch);

#endif
