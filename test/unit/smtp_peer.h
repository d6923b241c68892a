/*
 * smtp_peer: a scripted SMTP server for protocol tests.
 *
 *     peer = smtp_peer_start(SMTP_STEPS(steps), NULL, false), calls of the code
 *     under test, smtp_peer_finish(peer), smtp_peer_free(peer)
 *
 * A thread serves one connection after the other from one script: each step
 * waits for one line (or none: the greeting), compares it, and answers. A step
 * whose line is SMTP_PEER_MAIL takes everything up to the line with a dot.
 * A client may go at the end of the script only, or where it is to close, stall
 * or begin TLS. Nothing is asserted in the thread: finish fails the test if
 * something was not as in the script.
 */
#ifndef TEST_UNIT_SMTP_PEER_H
#define TEST_UNIT_SMTP_PEER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/base/str.h"

#define SMTP_PEER_MAIL "\n"

enum smtp_peer_then {
	SMTP_PEER_ON,		/* to the next step */
	SMTP_PEER_TLS,		/* and from now on by TLS */
	SMTP_PEER_CLOSE,
	SMTP_PEER_STALL		/* say nothing until the client goes */
};

struct smtp_peer_step {
	const char *line;	/* without CRLF; NULL: the connection's start */
	const char *answer;	/* raw bytes; NULL: none */
	enum smtp_peer_then then;
	bool or_goes;		/* the client may also go without a word */
};

#define SMTP_STEPS(array) (array), sizeof (array) / sizeof (array)[0]

struct smtp_peer {
	int port;		/* on 127.0.0.1 */
	bool implicit;		/* TLS from the first byte on */
	const struct smtp_peer_step *steps;
	size_t n_steps;
	size_t done;
	struct str mail;	/* as it came, dots doubled; after finish */
	char fault[1024];
	void *context;		/* of TLS; NULL: none */
	void *ssl;
	int fd;
	int listener;
	atomic_bool stop;
	pthread_t thread;
};

/* certs_dir: see peer.h; NULL: no TLS. The steps must live as long as the
 * process. */
struct smtp_peer *smtp_peer_start(const struct smtp_peer_step *steps,
    size_t n, const char *certs_dir, bool implicit);
void smtp_peer_finish(struct smtp_peer *peer);
void smtp_peer_free(struct smtp_peer *peer);

#endif
