#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/run/heartbeat.h"

#define SHORT_S 0.01
#define LONG_S 3600.0
#define PATIENCE_MS 60000

static char directory[64], path[96];
static int manager = -1;
static char got[8192];

static int
set_up(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	(void)state;
	(void)snprintf(directory, sizeof directory,
	    "/tmp/vbackup-heartbeat-XXXXXX");
	if (mkdtemp(directory) == NULL)
		return -1;
	(void)snprintf(path, sizeof path, "%s/notify", directory);
	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    0);
	return manager < 0 || bind(manager, (struct sockaddr *)&address,
	    sizeof address) < 0 || setenv("NOTIFY_SOCKET", path, 1) < 0;
}

static int
tear_down(void **state)
{
	(void)state;
	cleanup_close(&manager);
	log_close();
	(void)unlink(path);
	return rmdir(directory);
}

/* What comes next, or NULL when nothing came for so long. */
static const char *
hear(int patience_ms)
{
	struct pollfd fd = { .fd = manager, .events = POLLIN };
	ssize_t n;

	if (poll(&fd, 1, patience_ms) != 1)
		return NULL;
	n = recv(manager, got, sizeof got - 1, 0);
	assert_true(n >= 0);
	got[n] = '\0';
	return got;
}

static int
count_threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	const struct dirent *entry;
	int n = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL)
		n += *entry->d_name != '.';
	(void)closedir(dir);
	return n;
}

static void
it_beats_at_once_and_again_until_it_is_stopped(void **state)
{
	CLEANUP(heartbeat_stop) struct heartbeat *heartbeat = NULL;
	struct err err = ERR_INIT;
	int i;

	(void)state;
	assert_int_equal(heartbeat_start(&heartbeat, SHORT_S, &err), 0);
	assert_non_null(heartbeat);
	for (i = 0; i < 5; i++)
		assert_string_equal(hear(PATIENCE_MS), HEARTBEAT_EXTENSION);
	heartbeat_stop(&heartbeat);
	assert_null(heartbeat);
	while (hear(0) != NULL)
		;
	assert_null(hear(10 * (int)(SHORT_S * 1000)));
}

static void
what_is_said_is_sent_without_waiting_for_the_period(void **state)
{
	CLEANUP(heartbeat_stop) struct heartbeat *heartbeat = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(log_secret("hunter2", &err), 0);
	assert_int_equal(heartbeat_start(&heartbeat, LONG_S, &err), 0);
	assert_string_equal(hear(PATIENCE_MS), HEARTBEAT_EXTENSION);
	heartbeat_say(heartbeat, "job %s: packing", "a\nREADY=1");
	assert_string_equal(hear(PATIENCE_MS),
	    "STATUS=job a\\nREADY=1: packing");
	heartbeat_say(heartbeat, "hunter2 %d%%", 50);
	assert_string_equal(hear(PATIENCE_MS), "STATUS=*** 50%");
	assert_null(hear(0));
}

static void
what_was_said_last_is_sent_before_it_stops(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 200; i++) {
		struct heartbeat *heartbeat = NULL;
		struct err err = ERR_INIT;
		char last[sizeof got] = "";

		assert_int_equal(heartbeat_start(&heartbeat, LONG_S, &err), 0);
		heartbeat_say(heartbeat, "first");
		heartbeat_say(heartbeat, "last");
		heartbeat_stop(&heartbeat);
		assert_string_equal(hear(0), HEARTBEAT_EXTENSION);
		while (hear(0) != NULL)
			memcpy(last, got, sizeof last);
		assert_string_equal(last, "STATUS=last");
	}
}

static void
whoever_says_much_does_not_keep_it_from_beating(void **state)
{
	CLEANUP(heartbeat_stop) struct heartbeat *heartbeat = NULL;
	struct err err = ERR_INIT;
	int i, beats = 0;

	(void)state;
	assert_int_equal(heartbeat_start(&heartbeat, SHORT_S, &err), 0);
	for (i = 0; beats < 5; i++) {
		heartbeat_say(heartbeat, "%d", i);
		while (hear(0) != NULL)
			beats += strcmp(got, HEARTBEAT_EXTENSION) == 0;
	}
}

static void
where_nobody_wants_to_be_told_there_is_no_thread(void **state)
{
	static const char *const names[] = { NULL, "", "vsock:2:1", "x" };
	struct heartbeat *heartbeat;
	struct err err = ERR_INIT;
	size_t i;
	int n = count_threads();

	(void)state;
	for (i = 0; i < sizeof names / sizeof *names; i++) {
		(void)unsetenv("NOTIFY_SOCKET");
		if (names[i] != NULL)
			assert_int_equal(setenv("NOTIFY_SOCKET", names[i], 1),
			    0);
		assert_int_equal(heartbeat_start(&heartbeat, SHORT_S, &err),
		    0);
		assert_null(heartbeat);
		assert_int_equal(count_threads(), n);
		heartbeat_say(heartbeat, "x");
		heartbeat_stop(&heartbeat);
	}
	assert_null(hear(0));
}

/* A socket that is gone is no reason for anything. */
static void
it_goes_on_when_the_manager_is_gone(void **state)
{
	CLEANUP(heartbeat_stop) struct heartbeat *heartbeat = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(unlink(path), 0);
	assert_int_equal(heartbeat_start(&heartbeat, SHORT_S, &err), 0);
	assert_non_null(heartbeat);
	heartbeat_say(heartbeat, "x");
	heartbeat_stop(&heartbeat);
	assert_null(hear(0));
}

static volatile sig_atomic_t handled_by_main;
static pid_t main_thread;

static void
handle(int number)
{
	(void)number;
	handled_by_main = gettid() == main_thread ? 1 : -1;
}

/* With the signal blocked here, too, it would be the thread's to handle. */
static void
no_signal_is_handled_in_its_thread(void **state)
{
	struct sigaction action = { .sa_handler = handle }, old;
	CLEANUP(heartbeat_stop) struct heartbeat *heartbeat = NULL;
	struct err err = ERR_INIT;
	sigset_t set, before, now;

	(void)state;
	main_thread = gettid();
	sigemptyset(&action.sa_mask);
	assert_int_equal(sigaction(SIGUSR1, &action, &old), 0);
	assert_int_equal(heartbeat_start(&heartbeat, SHORT_S, &err), 0);
	(void)sigprocmask(SIG_SETMASK, NULL, &now);
	assert_int_equal(sigismember(&now, SIGUSR1), 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	(void)sigprocmask(SIG_BLOCK, &set, &before);
	assert_int_equal(kill(getpid(), SIGUSR1), 0);
	assert_non_null(hear(PATIENCE_MS));
	assert_non_null(hear(PATIENCE_MS));
	assert_int_equal(handled_by_main, 0);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	assert_int_equal(handled_by_main, 1);
	assert_int_equal(sigaction(SIGUSR1, &old, NULL), 0);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	static const struct CMUnitTest tests[] = {
		TEST(it_beats_at_once_and_again_until_it_is_stopped),
		TEST(what_is_said_is_sent_without_waiting_for_the_period),
		TEST(what_was_said_last_is_sent_before_it_stops),
		TEST(whoever_says_much_does_not_keep_it_from_beating),
		TEST(where_nobody_wants_to_be_told_there_is_no_thread),
		TEST(it_goes_on_when_the_manager_is_gone),
		TEST(no_signal_is_handled_in_its_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
