#define _GNU_SOURCE
#include "test/unit/smtp_peer.h"

#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test/unit/peer.h"

#define TICK_MS 20

/* The first fault is the one that explains the others. */
static void PRINTF_LIKE(2, 3)
set_fault(struct smtp_peer *peer, const char *fmt, ...)
{
	va_list args;

	if (peer->fault[0] != '\0')
		return;
	va_start(args, fmt);
	(void)vsnprintf(peer->fault, sizeof peer->fault, fmt, args);
	va_end(args);
}

static bool
wait_readable(struct smtp_peer *peer, int fd)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };

	while (!peer->stop)
		if (poll(&pollfd, 1, TICK_MS) > 0)
			return true;
	return false;
}

static bool
read_byte(struct smtp_peer *peer, char *ret)
{
	if (peer->ssl != NULL)
		return (SSL_pending(peer->ssl) > 0 ||
		    wait_readable(peer, peer->fd)) &&
		    SSL_read(peer->ssl, ret, 1) == 1;
	return wait_readable(peer, peer->fd) &&
	    recv(peer->fd, ret, 1, 0) == 1;
}

static void
write_all(struct smtp_peer *peer, const char *bytes)
{
	size_t n = strlen(bytes);

	if (peer->ssl != NULL)
		(void)SSL_write(peer->ssl, bytes, (int)n);
	else	/* the client may have seen enough */
		(void)!send(peer->fd, bytes, n, MSG_NOSIGNAL);
}

/* One line and its CRLF; false if the client went. */
static bool
read_line(struct smtp_peer *peer, struct str *ret)
{
	char c;

	while (!(ret->len >= 2 && str_ends(ret->s, "\r\n"))) {
		if (!read_byte(peer, &c))
			return false;
		if (c == '\0')
			set_fault(peer, "a NUL byte");
		str_addn(ret, &c, 1);
	}
	return true;
}

static bool
read_mail(struct smtp_peer *peer)
{
	while (true) {
		CLEANUP(str_free) struct str line = STR_INIT;

		if (!read_line(peer, &line))
			return false;
		if (strcmp(line.s, ".\r\n") == 0)
			return true;
		str_add(&peer->mail, line.s);
	}
}

static bool
begin_tls(struct smtp_peer *peer)
{
	peer->ssl = SSL_new(peer->context);
	return peer->ssl != NULL && SSL_set_fd(peer->ssl, peer->fd) == 1 &&
	    SSL_accept(peer->ssl) == 1;
}

/* What the client says, and whether it is what the step wants. */
static bool
hear(struct smtp_peer *peer, const struct smtp_peer_step *step)
{
	CLEANUP(str_free) struct str line = STR_INIT;

	if (strcmp(step->line, SMTP_PEER_MAIL) == 0)
		return read_mail(peer);
	if (!read_line(peer, &line)) {
		if (step->or_goes)
			peer->done++;
		else
			set_fault(peer, "the client went, no '%s'",
			    step->line);
		return false;
	}
	line.s[line.len - 2] = '\0';
	if (strcmp(line.s, step->line) == 0)
		return true;
	set_fault(peer, "expected '%s' and got '%s'", step->line, line.s);
	return false;
}

/* False when the connection is over. */
static bool
serve_step(struct smtp_peer *peer)
{
	const struct smtp_peer_step *step = &peer->steps[peer->done];
	char c;

	if (step->line != NULL && !hear(peer, step))
		return false;
	peer->done++;
	if (step->answer != NULL)
		write_all(peer, step->answer);
	while (step->then == SMTP_PEER_STALL && read_byte(peer, &c))
		;
	/* A client that trusts nobody ends it here, which is no fault. */
	return step->then == SMTP_PEER_TLS ? begin_tls(peer) :
	    step->then == SMTP_PEER_ON;
}

static void
serve_connection(struct smtp_peer *peer)
{
	CLEANUP(str_free) struct str rest = STR_INIT;
	bool on = true;

	if (peer->done == peer->n_steps) {
		set_fault(peer, "a connection that nobody expects");
		return;
	}
	if (peer->implicit && !begin_tls(peer))
		return;
	while (on && peer->done < peer->n_steps)
		on = serve_step(peer);
	if (on && read_line(peer, &rest))
		set_fault(peer, "unasked for: '%s'", rest.s);
}

static void *
serve(void *data)
{
	struct smtp_peer *peer = data;

	while (wait_readable(peer, peer->listener)) {
		peer->fd = accept(peer->listener, NULL, NULL);
		if (peer->fd < 0)
			continue;
		serve_connection(peer);
		SSL_free(peer->ssl);
		peer->ssl = NULL;
		(void)close(peer->fd);
	}
	return NULL;
}

static void *
make_context(const char *dir)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	char path[256];

	assert_non_null(context);
	(void)snprintf(path, sizeof path, "%s/cert.pem", dir);
	assert_int_equal(SSL_CTX_use_certificate_file(context, path,
	    SSL_FILETYPE_PEM), 1);
	(void)snprintf(path, sizeof path, "%s/key.pem", dir);
	assert_int_equal(SSL_CTX_use_PrivateKey_file(context, path,
	    SSL_FILETYPE_PEM), 1);
	return context;
}

struct smtp_peer *
smtp_peer_start(const struct smtp_peer_step *steps, size_t n,
    const char *certs_dir, bool implicit)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr = { .s_addr = htonl(INADDR_LOOPBACK) }
	};
	socklen_t len = sizeof address;
	struct smtp_peer *peer = calloc(1, sizeof *peer);

	assert_non_null(peer);
	peer->steps = steps;
	peer->n_steps = n;
	peer->implicit = implicit;
	if (certs_dir != NULL)
		peer->context = make_context(certs_dir);
	peer->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(peer->listener >= 0);
	assert_int_equal(bind(peer->listener, (struct sockaddr *)&address,
	    len), 0);
	assert_int_equal(listen(peer->listener, 8), 0);
	assert_int_equal(getsockname(peer->listener,
	    (struct sockaddr *)&address, &len), 0);
	peer->port = ntohs(address.sin_port);
	assert_int_equal(pthread_create(&peer->thread, NULL, serve, peer), 0);
	return peer;
}

void
smtp_peer_finish(struct smtp_peer *peer)
{
	peer->stop = true;
	assert_int_equal(pthread_join(peer->thread, NULL), 0);
	(void)close(peer->listener);
	if (peer->fault[0] != '\0')
		fail_msg("step %zu: %s", peer->done, peer->fault);
	if (peer->done != peer->n_steps)
		fail_msg("only %zu of %zu steps were come to", peer->done,
		    peer->n_steps);
}

void
smtp_peer_free(struct smtp_peer *peer)
{
	SSL_CTX_free(peer->context);
	str_free(&peer->mail);
	free(peer);
}
