/*
 * peer: a scripted HTTP server for protocol tests.
 *
 *     peer = peer_start_unix(STEPS(steps)), calls of the code under test,
 *     peer_finish(peer), peer_free(peer)
 *
 * A thread listens, compares each request with its step and plays back that
 * step's answer, byte by byte as given: it may be an error, garbage, cut off,
 * late or missing. A body that comes in chunks is compared with its frames, as
 * in "3\r\nabc\r\n0\r\n\r\n". A client that waits for leave to send its body
 * gets it. One connection is served at a time: to a client that holds several,
 * answer with PEER_CLOSE. Nothing is asserted in the thread: peer_finish fails
 * the test if a request was not the expected one, came unasked, or did not
 * come.
 */
#ifndef TEST_UNIT_PEER_H
#define TEST_UNIT_PEER_H

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/base/str.h"

enum peer_then {	/* after the answer */
	PEER_KEEP,	/* the connection stays for the next request */
	PEER_CLOSE,
	PEER_STALL	/* say nothing until the client goes */
};

struct peer_step {
	const char *request;	/* "GET /path?query": the whole first line
				 * without " HTTP/1.1" */
	const char *header;	/* a line that must be there; NULL: any */
	const char *no_header;	/* the start of one that must not; NULL */
	const char *body;	/* exactly this; NULL: an empty one */
	const char *answer;	/* raw bytes; NULL: none */
	size_t answer_len;	/* 0: strlen(answer) */
	double delay_s;		/* before the answer */
	size_t cut_bytes;	/* of the request that are read before the
				 * connection is closed; 0: all of them */
	enum peer_then then;
};

#define STEPS(array) (array), sizeof (array) / sizeof (array)[0]

/* An answer with its length, for steps. */
#define PEER_ANSWER(status, headers, length, body)			\
	"HTTP/1.1 " status "\r\n" headers "Content-Length: " length	\
	"\r\n\r\n" body

struct peer_io {	/* how bytes come and go: plain, or through TLS */
	void *(*open)(void *context, int fd);	/* NULL: no connection */
	long (*read)(void *connection, void *bytes, size_t n);
	long (*write)(void *connection, const void *bytes, size_t n);
	void (*close)(void *connection);
};

struct peer {
	char dir[64];		/* made for this peer, removed by finish */
	char socket_path[80];	/* unix */
	int port;		/* tcp, on 127.0.0.1 */
	const struct peer_step *steps;
	size_t n_steps;
	atomic_size_t done;	/* steps */
	struct strlist requests;	/* as they came, valid after finish */
	char fault[1024];
	const struct peer_io *io;
	void *io_context;
	int listener;
	atomic_bool stop;
	pthread_t thread;
};

/* The steps must live as long as the process: a test that fails leaves its
 * thread behind. */
struct peer *peer_start_unix(const struct peer_step *steps, size_t n);
struct peer *peer_start_tcp(const struct peer_step *steps, size_t n);
/* peer_finish: stop the thread; fail the test if something was not as in the
 * script. What came can be looked at until peer_free. */
void peer_finish(struct peer *peer);
void peer_free(struct peer *peer);

/*
 * TLS, in peer_tls.c (needs libssl). peer_tls_certs writes ca.pem, cert.pem
 * and key.pem into dir: one self-signed certificate for 127.0.0.1, that is
 * the server's, the client's, and the authority. The peer demands a client
 * certificate, peer_start_https none.
 */
void peer_tls_certs(const char *dir);
struct peer *peer_start_tls(const char *certs_dir,
    const struct peer_step *steps, size_t n);
struct peer *peer_start_https(const char *certs_dir,
    const struct peer_step *steps, size_t n);
void peer_tls_free(struct peer *peer);	/* after peer_finish */

/* For peer_tls.c: listen and start the thread with this way of talking. */
struct peer *peer_listen_tcp(const struct peer_io *io, void *io_context,
    const struct peer_step *steps, size_t n);

#endif
