#define _GNU_SOURCE
#include "test/unit/peer.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define TICK_MS 20
#define REQUEST_MAX ((size_t)1 << 20)

/* The first fault is the one that explains the others. */
static void PRINTF_LIKE(2, 3)
set_fault(struct peer *peer, const char *fmt, ...)
{
	va_list args;

	if (peer->fault[0] != '\0')
		return;
	va_start(args, fmt);
	(void)vsnprintf(peer->fault, sizeof peer->fault, fmt, args);
	va_end(args);
}

static bool
wait_readable(struct peer *peer, int fd)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };

	while (!peer->stop)
		if (poll(&pollfd, 1, TICK_MS) > 0)
			return true;
	return false;
}

static void
pause_s(const struct peer *peer, double seconds)
{
	for (; seconds > 0 && !peer->stop; seconds -= TICK_MS / 1e3)
		(void)poll(NULL, 0, TICK_MS);
}

static size_t
content_length(const char *request)
{
	const char *line = strcasestr(request, "\r\nContent-Length:");

	return line != NULL ? strtoul(line + 17, NULL, 10) : 0;
}

static bool
has_header(const char *request, const char *start, bool whole)
{
	const char *end = strstr(request, "\r\n\r\n"), *line = request;
	const size_t n = strlen(start);

	while ((line = strstr(line, "\r\n")) != NULL && line < end) {
		line += 2;
		if (strncasecmp(line, start, n) == 0 &&
		    (!whole || line[n] == '\r'))
			return true;
	}
	return false;
}

/* How long the request is, once its head is there. A client that waits for
 * leave to send the body is given it. */
static size_t
whole_length(struct peer *peer, void *connection, const char *request)
{
	static const char leave[] = "HTTP/1.1 100 Continue\r\n\r\n";
	const char *end = strstr(request, "\r\n\r\n");

	if (end == NULL)
		return SIZE_MAX;
	if (has_header(request, "Expect: 100-continue", true) &&
	    end[4] == '\0')
		(void)peer->io->write(connection, leave, sizeof leave - 1);
	return (size_t)(end + 4 - request) + content_length(request);
}

/* A body in chunks ends with an empty one. */
static bool
is_whole(const struct str *request, size_t need)
{
	if (need != SIZE_MAX &&
	    has_header(request->s, "Transfer-Encoding: chunked", true))
		return str_ends(request->s, "\r\n0\r\n\r\n");
	return request->len >= need;
}

/* One request, head and body, or its first max bytes; false if the client
 * went. */
static bool
read_request(struct peer *peer, int fd, void *connection, size_t max,
    struct str *ret)
{
	char chunk[16384];
	size_t need = SIZE_MAX;

	while (!is_whole(ret, need) && ret->len < max) {
		long n;

		if (!wait_readable(peer, fd))
			return false;
		n = peer->io->read(connection, chunk, sizeof chunk);
		if (n <= 0)
			return false;
		str_addn(ret, chunk, (size_t)n);
		if (need == SIZE_MAX)
			need = whole_length(peer, connection, ret->s);
	}
	return true;
}

static bool
compare(struct peer *peer, const struct peer_step *step, const char *request)
{
	const char *body = strstr(request, "\r\n\r\n") + 4;
	const size_t n = strlen(step->request);

	if (strncmp(request, step->request, n) != 0 ||
	    !str_starts(request + n, " HTTP/1.1\r\n"))
		set_fault(peer, "expected '%s' and got:\n%s", step->request,
		    request);
	else if (step->header != NULL &&
	    !has_header(request, step->header, true))
		set_fault(peer, "no header '%s' in:\n%s", step->header,
		    request);
	else if (step->no_header != NULL &&
	    has_header(request, step->no_header, false))
		set_fault(peer, "unwanted '%s' in:\n%s", step->no_header,
		    request);
	else if (step->cut_bytes == 0 &&
	    strcmp(step->body != NULL ? step->body : "", body) != 0)
		set_fault(peer, "another body in:\n%s", request);
	else
		return true;
	return false;
}

static void
write_all(struct peer *peer, void *connection, const char *bytes, size_t n)
{
	while (n != 0) {
		long written = peer->io->write(connection, bytes, n);

		if (written <= 0)
			return;	/* the client may have seen enough */
		bytes += written;
		n -= (size_t)written;
	}
}

static void
stall(struct peer *peer, int fd, void *connection)
{
	char chunk[256];

	while (wait_readable(peer, fd) &&
	    peer->io->read(connection, chunk, sizeof chunk) > 0)
		;
}

/* One request and its answer; false when the connection is over. */
static bool
serve_step(struct peer *peer, int fd, void *connection)
{
	CLEANUP(str_free) struct str request = STR_INIT;
	struct err err = ERR_INIT;
	const struct peer_step *step = peer->done < peer->n_steps ?
	    &peer->steps[peer->done] : NULL;

	if (!read_request(peer, fd, connection, step != NULL &&
	    step->cut_bytes != 0 ? step->cut_bytes : REQUEST_MAX, &request))
		return false;
	if (strlist_add(&peer->requests, request.s, &err) < 0)
		set_fault(peer, "%s", err.msg);
	if (step == NULL) {
		set_fault(peer, "unasked for:\n%s", request.s);
		return false;
	}
	peer->done++;
	if (!compare(peer, step, request.s) || step->cut_bytes != 0)
		return false;
	pause_s(peer, step->delay_s);
	if (step->answer != NULL)
		write_all(peer, connection, step->answer,
		    step->answer_len != 0 ? step->answer_len :
		    strlen(step->answer));
	if (step->then == PEER_STALL)
		stall(peer, fd, connection);
	return step->then == PEER_KEEP;
}

static void *
serve(void *data)
{
	struct peer *peer = data;

	while (wait_readable(peer, peer->listener)) {
		int fd = accept(peer->listener, NULL, NULL);
		void *connection;

		if (fd < 0)
			continue;
		connection = peer->io->open(peer->io_context, fd);
		if (connection != NULL) {
			while (serve_step(peer, fd, connection))
				;
			peer->io->close(connection);
		}
		(void)close(fd);
	}
	return NULL;
}

static void *
plain_open(void *context, int fd)
{
	int *connection = malloc(sizeof *connection);

	(void)context;
	if (connection != NULL)
		*connection = fd;
	return connection;
}

static long
plain_read(void *connection, void *bytes, size_t n)
{
	return recv(*(int *)connection, bytes, n, 0);
}

static long
plain_write(void *connection, const void *bytes, size_t n)
{
	return send(*(int *)connection, bytes, n, MSG_NOSIGNAL);
}

static void
plain_close(void *connection)
{
	free(connection);
}

static const struct peer_io plain = {
	plain_open, plain_read, plain_write, plain_close
};

static struct peer *
make(const struct peer_io *io, void *io_context,
    const struct peer_step *steps, size_t n)
{
	struct peer *peer = calloc(1, sizeof *peer);

	assert_non_null(peer);
	peer->io = io;
	peer->io_context = io_context;
	peer->steps = steps;
	peer->n_steps = n;
	return peer;
}

static void
start(struct peer *peer, int family, const struct sockaddr *address,
    socklen_t address_len)
{
	peer->listener = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(peer->listener >= 0);
	assert_int_equal(bind(peer->listener, address, address_len), 0);
	assert_int_equal(listen(peer->listener, 8), 0);
	assert_int_equal(pthread_create(&peer->thread, NULL, serve, peer), 0);
}

struct peer *
peer_start_unix(const struct peer_step *steps, size_t n)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct peer *peer = make(&plain, NULL, steps, n);

	(void)snprintf(peer->dir, sizeof peer->dir,
	    "/tmp/vbackup-peer.XXXXXX");
	assert_non_null(mkdtemp(peer->dir));
	(void)snprintf(peer->socket_path, sizeof peer->socket_path, "%s/s",
	    peer->dir);
	memcpy(address.sun_path, peer->socket_path, sizeof peer->socket_path);
	start(peer, AF_UNIX, (struct sockaddr *)&address, sizeof address);
	return peer;
}

struct peer *
peer_listen_tcp(const struct peer_io *io, void *io_context,
    const struct peer_step *steps, size_t n)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr = { .s_addr = htonl(INADDR_LOOPBACK) }
	};
	socklen_t len = sizeof address;
	struct peer *peer = make(io, io_context, steps, n);

	start(peer, AF_INET, (struct sockaddr *)&address, len);
	assert_int_equal(getsockname(peer->listener,
	    (struct sockaddr *)&address, &len), 0);
	peer->port = ntohs(address.sin_port);
	return peer;
}

struct peer *
peer_start_tcp(const struct peer_step *steps, size_t n)
{
	return peer_listen_tcp(&plain, NULL, steps, n);
}

void
peer_finish(struct peer *peer)
{
	peer->stop = true;
	assert_int_equal(pthread_join(peer->thread, NULL), 0);
	(void)close(peer->listener);
	if (peer->dir[0] != '\0') {
		(void)unlink(peer->socket_path);
		(void)rmdir(peer->dir);
	}
	if (peer->fault[0] != '\0')
		fail_msg("step %zu: %s", (size_t)peer->done, peer->fault);
	if (peer->done != peer->n_steps)
		fail_msg("only %zu of %zu steps were asked for, not '%s'",
		    (size_t)peer->done, peer->n_steps,
		    peer->steps[peer->done].request);
}

void
peer_free(struct peer *peer)
{
	strlist_free(&peer->requests);
	free(peer);
}
