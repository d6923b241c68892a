#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/systemd.h"

static char directory[64], path[96];
static int manager = -1;
static char got[8192];

static int
set_up(void **state)
{
	(void)state;
	(void)snprintf(directory, sizeof directory,
	    "/tmp/vbackup-systemd-XXXXXX");
	if (mkdtemp(directory) == NULL)
		return -1;
	(void)snprintf(path, sizeof path, "%s/notify", directory);
	return unsetenv("NOTIFY_SOCKET");
}

static int
tear_down(void **state)
{
	(void)state;
	cleanup_close(&manager);
	manager = -1;
	log_close();
	(void)unlink(path);
	return rmdir(directory);
}

/* name: as in NOTIFY_SOCKET. */
static void
listen_at(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
	    strlen(name));

	memcpy(address.sun_path, name, strlen(name));
	if (*name == '@')
		address.sun_path[0] = '\0';
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    0);
	assert_true(manager >= 0);
	assert_int_equal(bind(manager, (struct sockaddr *)&address, n), 0);
	assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
}

/* What has come, or NULL. A datagram is there once it was sent. */
static const char *
heard(void)
{
	ssize_t n = recv(manager, got, sizeof got - 1, 0);

	if (n < 0)
		return NULL;
	got[n] = '\0';
	return got;
}

static void
a_state_arrives_at_a_path(void **state)
{
	(void)state;
	listen_at(path);
	assert_true(systemd_is_there());
	systemd_notify("STATUS=x\nEXTEND_TIMEOUT_USEC=5");
	assert_string_equal(heard(), "STATUS=x\nEXTEND_TIMEOUT_USEC=5");
	assert_null(heard());
}

static void
a_state_arrives_at_an_abstract_name(void **state)
{
	char name[64];

	(void)state;
	(void)snprintf(name, sizeof name, "@vbackup-test-%ld", (long)getpid());
	listen_at(name);
	assert_true(systemd_is_there());
	systemd_notify("READY=1");
	assert_string_equal(heard(), "READY=1");
}

static void
an_abstract_name_of_the_greatest_length_is_reached(void **state)
{
	char name[sizeof ((struct sockaddr_un *)0)->sun_path];
	int n;

	(void)state;
	n = snprintf(name, sizeof name, "@vbackup-test-%ld-", (long)getpid());
	memset(name + n, 'x', sizeof name - 1 - (size_t)n);
	name[sizeof name - 1] = '\0';
	assert_int_equal(strlen(name), sizeof name - 1);
	listen_at(name);
	systemd_notify("READY=1");
	assert_string_equal(heard(), "READY=1");
}

/* Nothing to see but that it comes back, and (with ASan) reads nothing else. */
static void
where_nobody_is_nothing_happens(void **state)
{
	char longest[300];
	const struct {
		const char *name;
		bool there;
	} cases[] = {
		{ NULL, false },
		{ "", false },
		{ "/", false },
		{ "@", false },
		{ "relative/path", false },
		{ "vsock:2:1234", false },
		{ longest, false },
		{ "/nobody/is/here", true },
		{ "@vbackup-test-nobody", true },
		{ "/dev/null", true },
	};
	size_t i;

	(void)state;
	memset(longest, 'x', sizeof longest - 1);
	longest[0] = '/';
	longest[sizeof longest - 1] = '\0';
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		(void)unsetenv("NOTIFY_SOCKET");
		if (cases[i].name != NULL)
			assert_int_equal(setenv("NOTIFY_SOCKET",
			    cases[i].name, 1), 0);
		assert_int_equal(systemd_is_there(), cases[i].there);
		systemd_notify("STATUS=x");
		systemd_status("x");
	}
}

/* Fill the manager's queue; the number of datagrams in it. */
static int
fill_queue(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	CLEANUP(cleanup_close) int fd = socket(AF_UNIX,
	    SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int n = 0;

	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address,
	    sizeof address), 0);
	while (send(fd, "x", 1, 0) == 1)
		n++;
	assert_int_equal(errno, EAGAIN);
	return n;
}

/* Would wait for ever if it were not for its time limit. */
static void
one_who_does_not_listen_holds_nobody_up(void **state)
{
	int n;

	(void)state;
	listen_at(path);
	n = fill_queue();
	assert_true(n > 0);
	alarm(60);
	systemd_notify("STATUS=x");
	alarm(0);
	while (heard() != NULL)
		n--;
	assert_int_equal(n, 0);
}

static void
a_status_is_one_line_without_secrets(void **state)
{
	static const struct {
		const char *text, *sent;
	} cases[] = {
		{ "", "STATUS=" },
		{ "job db: packing", "STATUS=job db: packing" },
		{ "a\nREADY=1", "STATUS=a\\nREADY=1" },
		{ "\xff\x1b[1m\xc3\xa4", "STATUS=\\xff\\x1b[1m\xc3\xa4" },
		{ "with hunter2.", "STATUS=with ***." },
		{ "100%s", "STATUS=100%s" },
	};
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	assert_int_equal(log_secret("hunter2", &err), 0);
	listen_at(path);
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		systemd_status("%s", cases[i].text);
		assert_string_equal(heard(), cases[i].sent);
	}
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	static const struct CMUnitTest tests[] = {
		TEST(a_state_arrives_at_a_path),
		TEST(a_state_arrives_at_an_abstract_name),
		TEST(an_abstract_name_of_the_greatest_length_is_reached),
		TEST(where_nobody_is_nothing_happens),
		TEST(one_who_does_not_listen_holds_nobody_up),
		TEST(a_status_is_one_line_without_secrets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
