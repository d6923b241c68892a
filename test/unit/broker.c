#define _GNU_SOURCE
#include "test/unit/broker.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TICK_MS 20

static bool
wait_readable(struct broker *broker, int fd)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };

	while (!broker->stop)
		if (poll(&pollfd, 1, TICK_MS) > 0)
			return true;
	return false;
}

/* Some bytes; false: the client went. */
static bool
take(struct broker *broker, int fd)
{
	char chunk[4096];
	ssize_t n;

	if (!wait_readable(broker, fd))
		return false;
	n = recv(fd, chunk, sizeof chunk, 0);
	if (n > 0)
		str_addn(&broker->got, chunk, (size_t)n);
	return n > 0;
}

static void
serve_one(struct broker *broker, int fd, const struct broker_step *step)
{
	if (!take(broker, fd))
		return;
	if (step->answer != NULL)
		(void)send(fd, step->answer, step->answer_len, MSG_NOSIGNAL);
	if (step->answer != NULL || step->stall)
		while (take(broker, fd))
			;
}

static void *
serve(void *data)
{
	struct broker *broker = data;

	while (wait_readable(broker, broker->listener)) {
		int fd = accept(broker->listener, NULL, NULL);
		size_t i = broker->served;

		if (fd >= 0 && i < broker->n_steps)
			serve_one(broker, fd, &broker->steps[i]);
		if (fd >= 0)
			(void)close(fd);
		broker->served++;
	}
	return NULL;
}

void
broker_start(struct broker *broker, const struct broker_step *steps, size_t n)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr = { .s_addr = htonl(INADDR_LOOPBACK) }
	};
	socklen_t len = sizeof address;

	memset(broker, 0, sizeof *broker);
	broker->steps = steps;
	broker->n_steps = n;
	broker->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(broker->listener >= 0);
	assert_int_equal(bind(broker->listener, (struct sockaddr *)&address,
	    sizeof address), 0);
	assert_int_equal(listen(broker->listener, 8), 0);
	assert_int_equal(getsockname(broker->listener,
	    (struct sockaddr *)&address, &len), 0);
	broker->port = ntohs(address.sin_port);
	assert_int_equal(pthread_create(&broker->thread, NULL, serve, broker),
	    0);
}

void
broker_stop(struct broker *broker)
{
	/* What the client sent last may still be on its way. */
	for (int i = 0; i < 100 && broker->served < broker->n_steps; i++)
		(void)poll(NULL, 0, TICK_MS);
	broker->stop = true;
	assert_int_equal(pthread_join(broker->thread, NULL), 0);
	(void)close(broker->listener);
	assert_int_equal(broker->served, broker->n_steps);
	assert_false(broker->got.failed);
}

/* --- packets ------------------------------------------------------------- */

struct bytes {
	const unsigned char *p;
	size_t n;
};

static struct bytes
cut(struct bytes *from, size_t n)
{
	struct bytes head = { from->p, n };

	assert_true(from->n >= n);
	from->p += n;
	from->n -= n;
	return head;
}

/* A packet whose first byte is this; gives what is behind its length. */
static struct bytes
packet(struct bytes *from, unsigned char first)
{
	size_t n = 0, shift = 0;
	unsigned char c;

	assert_int_equal(cut(from, 1).p[0], first);
	do {
		c = cut(from, 1).p[0];
		n |= (size_t)(c & 0x7f) << shift;
		shift += 7;
	} while ((c & 0x80) != 0);
	return cut(from, n);
}

static void
expect_text(struct bytes *from, const char *text)
{
	struct bytes len = cut(from, 2), is;

	is = cut(from, (size_t)len.p[0] << 8 | len.p[1]);
	assert_int_equal(is.n, strlen(text));
	assert_memory_equal(is.p, text, is.n);
}

static void
expect_connect(struct bytes connect, const char *user, const char *password)
{
	unsigned flags = 2U | (user != NULL ? 0x80U : 0) |
	    (password != NULL ? 0x40U : 0);
	struct bytes len;

	expect_text(&connect, "MQTT");
	assert_int_equal(cut(&connect, 1).p[0], 4);	/* 3.1.1 */
	assert_int_equal(cut(&connect, 1).p[0], flags);
	(void)cut(&connect, 2);		/* how long it keeps alive */
	len = cut(&connect, 2);		/* name of the client */
	assert_true(len.p[1] != 0);
	(void)cut(&connect, (size_t)len.p[0] << 8 | len.p[1]);
	if (user != NULL)
		expect_text(&connect, user);
	if (password != NULL)
		expect_text(&connect, password);
	assert_int_equal(connect.n, 0);
}

void
broker_published(const struct broker *broker, const char *user,
    const char *password, const char *topic, char **ret, size_t *ret_n)
{
	struct bytes rest = { (const unsigned char *)broker->got.s,
		broker->got.len };
	struct bytes publish;

	expect_connect(packet(&rest, 0x10), user, password);
	publish = packet(&rest, 0x30);
	expect_text(&publish, topic);
	*ret = calloc(1, publish.n + 1);
	assert_non_null(*ret);
	memcpy(*ret, publish.p, publish.n);
	*ret_n = publish.n;
	assert_int_equal(packet(&rest, 0xe0).n, 0);
	assert_int_equal(rest.n, 0);
}
