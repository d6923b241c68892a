#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/run/lock.h"
#include "test/unit/kill_at.h"

static char directory[] = "/tmp/vbackup-test-lock.XXXXXX";

static int
make_directory(void **state)
{
	(void)state;
	return mkdtemp(directory) == NULL ? -1 : 0;
}

static int
remove_directory(void **state)
{
	char path[64];

	(void)state;
	(void)snprintf(path, sizeof path, "%s/deep/vbackup.lock", directory);
	(void)unlink(path);
	(void)snprintf(path, sizeof path, "%s/deep", directory);
	(void)rmdir(path);
	return rmdir(directory);
}

static const char *
deep(void)
{
	static char path[64];

	(void)snprintf(path, sizeof path, "%s/deep", directory);
	return path;
}

/* A process that holds the lock until it is killed. */
static pid_t
holder(void)
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct lock lock = LOCK_NONE;
		struct err err = ERR_INIT;

		if (lock_take(&lock, deep(), 0, &err) < 0)
			_exit(1);
		(void)!write(ready[1], "", 1);
		for (;;)
			pause();
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	(void)close(ready[0]);
	(void)close(ready[1]);
	return pid;
}

static void
a_lock_that_is_held_times_out_and_names_its_owner(void **state)
{
	struct lock lock = LOCK_NONE;
	struct err err = ERR_INIT;
	pid_t pid = holder();
	char owner[32];

	(void)state;
	(void)snprintf(owner, sizeof owner, "process %ld", (long)pid);
	assert_int_equal(lock_take(&lock, deep(), 0.3, &err), -1);
	assert_int_equal(err.kind, ERR_LOCKED);
	assert_non_null(strstr(err.msg, owner));
	assert_int_equal(lock.fd, -1);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

static void
the_kernel_frees_the_lock_of_a_process_that_was_killed(void **state)
{
	struct lock lock = LOCK_NONE;
	struct err err = ERR_INIT;
	pid_t pid = holder();

	(void)state;
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	assert_int_equal(lock_take(&lock, deep(), 0, &err), 0);
	lock_release(&lock);
	assert_int_equal(lock.fd, -1);
	assert_int_equal(lock_take(&lock, deep(), 0, &err), 0);
	lock_release(&lock);
}

static void
a_directory_that_cannot_be_made_is_named(void **state)
{
	struct lock lock = LOCK_NONE;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(lock_take(&lock, "/dev/null/x", 0, &err), -1);
	assert_int_equal(err.kind, ERR_SYSTEM);
	assert_non_null(strstr(err.msg, "/dev/null"));
}

#define CONTENT_MAX 8192

static int
open_file(int flags)
{
	char path[128];
	int fd;

	(void)mkdir(deep(), 0755);
	(void)snprintf(path, sizeof path, "%s/vbackup.lock", deep());
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | flags, 0600);
	assert_true(fd >= 0);
	return fd;
}

static void
put(const char *bytes, size_t n)
{
	int fd = open_file(O_TRUNC);

	assert_int_equal(write(fd, bytes, n), n);
	(void)close(fd);
}

static size_t
get(char ret[CONTENT_MAX])
{
	int fd = open_file(0);
	ssize_t n = read(fd, ret, CONTENT_MAX - 1);

	assert_true(n >= 0);
	(void)close(fd);
	ret[n] = '\0';
	return (size_t)n;
}

static int
take_and_release(void *data)
{
	struct lock lock = LOCK_NONE;
	struct err err = ERR_INIT;

	(void)data;
	if (lock_take(&lock, deep(), 0, &err) < 0)
		return 1;
	lock_release(&lock);
	return 0;
}

#define ENTRIES "{\"undo\":\"start\",\"id\":\"a\"}\n{\"undo\":\"x\"}\n{\"cu"

static void
what_is_behind_the_first_line_stays(void **state)
{
	static const struct {
		const char *first;
		int pid;	/* does ours fit into it? */
	} rows[] = {
		{ "4194304        \n", true }, { "4194304\n", true },
		{ "1                                                \n", true },
		{ "not a number at all, and longer than ours\n", true },
		{ "1\n", false }, { "\n", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const size_t n = strlen(rows[i].first);
		char text[CONTENT_MAX];

		(void)snprintf(text, sizeof text, "%s%s", rows[i].first,
		    ENTRIES);
		put(text, strlen(text));
		assert_int_equal(take_and_release(NULL), 0);
		(void)get(text);
		assert_string_equal(text + n, ENTRIES);
		assert_int_equal(strchr(text, '\n') - text, n - 1);
		assert_int_equal(strtol(text, NULL, 10),
		    rows[i].pid ? getpid() : 0);
	}
}

static void
a_file_without_entries_gets_a_line_of_our_length(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
	} rows[] = {
		{ "", 0 }, { "1\n", 2 }, { "12", 2 }, { "\n", 1 },
		{ "12             \n", 16 }, { "12                  \n", 21 },
		{ "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 18 },
		{ "{\"undo\":\"start\",\"id\":\"cut in the first line\"", 44 },
	};
	char expected[64], text[CONTENT_MAX];
	size_t i;

	(void)state;
	(void)snprintf(expected, sizeof expected, "%-15ld\n", (long)getpid());
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		put(rows[i].bytes, rows[i].n);
		assert_int_equal(take_and_release(NULL), 0);
		assert_int_equal(get(text), LOCK_LINE_BYTES);
		assert_string_equal(text, expected);
	}
}

static void
the_age_of_the_entries_stays(void **state)
{
	const struct timespec times[2] = { { .tv_sec = 1000000 },
		{ .tv_sec = 1000000, .tv_nsec = 5 } };
	struct stat st;
	int fd = open_file(O_TRUNC);

	(void)state;
	assert_int_equal(write(fd, "1234\n" ENTRIES, 5 + strlen(ENTRIES)),
	    5 + strlen(ENTRIES));
	assert_int_equal(futimens(fd, times), 0);
	assert_int_equal(take_and_release(NULL), 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mtim.tv_sec, 1000000);
	assert_int_equal(st.st_mtim.tv_nsec, 5);
	(void)close(fd);
}

static void
killed_at_any_moment_it_leaves_the_entries_whole(void **state)
{
	static const char first[] = "1234           \n";
	char text[CONTENT_MAX];
	int stop = 0;

	(void)state;
	if (!kill_at_works())
		skip();
	put("1234           \n" ENTRIES, sizeof first - 1 + strlen(ENTRIES));
	for (; kill_at(take_and_release, NULL, stop); stop++) {
		(void)get(text);
		assert_string_equal(text + sizeof first - 1, ENTRIES);
		assert_int_equal(text[sizeof first - 2], '\n');
		assert_true(strtol(text, NULL, 10) > 0);
	}
	assert_true(stop > 10);
}

static void
killed_at_any_moment_it_leaves_a_lock_that_can_be_taken(void **state)
{
	char text[CONTENT_MAX];
	bool killed = true;
	int stop;

	(void)state;
	if (!kill_at_works())
		skip();
	for (stop = 0; killed; stop++) {
		put("1\n", 2);
		killed = kill_at(take_and_release, NULL, stop);
		assert_int_equal(take_and_release(NULL), 0);
		assert_int_equal(get(text), LOCK_LINE_BYTES);
	}
	assert_true(stop > 10);
}

static void
a_release_frees_it_also_from_children_that_share_it(void **state)
{
	struct lock lock = LOCK_NONE;
	struct err err = ERR_INIT;
	pid_t pid;

	(void)state;
	assert_int_equal(lock_take(&lock, deep(), 0, &err), 0);
	pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	lock_release(&lock);
	assert_int_equal(lock_take(&lock, deep(), 0, &err), 0);
	lock_release(&lock);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_lock_that_is_held_times_out_and_names_its_owner),
		cmocka_unit_test(
		    the_kernel_frees_the_lock_of_a_process_that_was_killed),
		cmocka_unit_test(a_directory_that_cannot_be_made_is_named),
		cmocka_unit_test(what_is_behind_the_first_line_stays),
		cmocka_unit_test(
		    a_file_without_entries_gets_a_line_of_our_length),
		cmocka_unit_test(the_age_of_the_entries_stays),
		cmocka_unit_test(
		    killed_at_any_moment_it_leaves_the_entries_whole),
		cmocka_unit_test(
		    killed_at_any_moment_it_leaves_a_lock_that_can_be_taken),
		cmocka_unit_test(
		    a_release_frees_it_also_from_children_that_share_it),
	};

	return cmocka_run_group_tests(tests, make_directory,
	    remove_directory);
}
