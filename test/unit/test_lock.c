#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/run/lock.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_lock_that_is_held_times_out_and_names_its_owner),
		cmocka_unit_test(
		    the_kernel_frees_the_lock_of_a_process_that_was_killed),
		cmocka_unit_test(a_directory_that_cannot_be_made_is_named),
	};

	return cmocka_run_group_tests(tests, make_directory,
	    remove_directory);
}
