#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "lib/base/tempfile.h"
#include "test/unit/scratch.h"

#define PUBLISHERS 8

static struct scratch scratch;

static int
make_scratch(void **state)
{
	(void)state;
	scratch_new(&scratch);
	return 0;
}

static int
remove_scratch(void **state)
{
	(void)state;
	scratch_free(&scratch);
	return 0;
}

static size_t
sweep(void)
{
	struct err err = ERR_INIT;
	size_t n = 77;

	assert_int_equal(tempfile_sweep(scratch.dir, &n, &err), 0);
	return n;
}

static int
open_with(struct tempfile *tmp, const char *text)
{
	struct err err = ERR_INIT;

	return tempfile_open(tmp, scratch.dir, &err) < 0 ||
	    write(tmp->fd, text, strlen(text)) != (ssize_t)strlen(text) ?
	    -1 : 0;
}

static void
a_file_has_its_name_only_when_it_is_published(void **state)
{
	CLEANUP(tempfile_abort) struct tempfile tmp = TEMPFILE_NONE;
	struct err err = ERR_INIT;
	struct stat st;
	char name[64];

	(void)state;
	assert_int_equal(open_with(&tmp, "text"), 0);
	(void)snprintf(name, sizeof name, "%s", tmp.name);
	assert_memory_equal(name, TEMPFILE_PREFIX, strlen(TEMPFILE_PREFIX));
	assert_true(scratch_has(&scratch, name));
	assert_int_equal(fstat(tmp.fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_false(scratch_has(&scratch, "a"));
	assert_int_equal(tempfile_publish(&tmp, "a", TEMPFILE_NEW, &err), 0);
	assert_int_equal(tmp.fd, -1);
	assert_int_equal(tmp.dirfd, -1);
	assert_false(scratch_has(&scratch, name));
	assert_string_equal(scratch_read(&scratch, "a"), "text");
	tempfile_abort(&tmp);
	assert_true(scratch_has(&scratch, "a"));
}

static void
a_name_that_is_taken_is_left_alone_and_the_file_stays_open(void **state)
{
	CLEANUP(tempfile_abort) struct tempfile tmp = TEMPFILE_NONE;
	struct err err = ERR_INIT;

	(void)state;
	scratch_write(&scratch, "b", "old", 3);
	assert_int_equal(open_with(&tmp, "new"), 0);
	assert_int_equal(tempfile_publish(&tmp, "b", TEMPFILE_NEW, &err), -1);
	assert_int_equal(err.kind, ERR_EXISTS);
	assert_string_equal(scratch_read(&scratch, "b"), "old");
	assert_true(tmp.fd >= 0);
	assert_true(scratch_has(&scratch, tmp.name));
	assert_int_equal(tempfile_publish(&tmp, "b", TEMPFILE_REPLACE, &err),
	    0);
	assert_string_equal(scratch_read(&scratch, "b"), "new");
}

static void
abort_leaves_nothing(void **state)
{
	struct tempfile tmp = TEMPFILE_NONE;
	char name[64];

	(void)state;
	tempfile_abort(&tmp);
	assert_int_equal(open_with(&tmp, "x"), 0);
	(void)snprintf(name, sizeof name, "%s", tmp.name);
	tempfile_abort(&tmp);
	assert_false(scratch_has(&scratch, name));
	assert_int_equal(tmp.fd, -1);
	tempfile_abort(&tmp);
}

static void
a_directory_that_is_not_there_is_an_error(void **state)
{
	CLEANUP(tempfile_abort) struct tempfile tmp = TEMPFILE_NONE;
	struct err err = ERR_INIT;
	size_t n;

	(void)state;
	assert_int_equal(tempfile_open(&tmp,
	    scratch_path(&scratch, "none"), &err), -1);
	assert_int_equal(err.kind, ERR_NOTFOUND);
	assert_int_equal(tempfile_sweep(scratch.path, &n, &err), -1);
	assert_int_equal(err.kind, ERR_NOTFOUND);
}

static void
what_a_killed_process_left_is_swept_and_a_living_one_s_is_not(void **state)
{
	int ends[2], status;
	pid_t pid;
	char c;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		struct tempfile tmp = TEMPFILE_NONE;

		if (open_with(&tmp, "half") < 0 ||
		    write(ends[1], tmp.name, 1) != 1)
			_exit(1);
		for (;;)
			(void)pause();
	}
	assert_int_equal(read(ends[0], &c, 1), 1);
	assert_int_equal(sweep(), 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(sweep(), 1);
	assert_int_equal(sweep(), 0);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

static void
our_own_open_file_is_not_swept(void **state)
{
	CLEANUP(tempfile_abort) struct tempfile tmp = TEMPFILE_NONE;

	(void)state;
	assert_int_equal(open_with(&tmp, "x"), 0);
	assert_int_equal(sweep(), 0);
	assert_true(scratch_has(&scratch, tmp.name));
}

static void
what_is_no_file_of_ours_is_not_swept(void **state)
{
	static const char *const names[] = {
		TEMPFILE_PREFIX "dir", TEMPFILE_PREFIX "link",
		TEMPFILE_PREFIX "fifo", ".vbackup-partial", "vbackup-partial-x",
		"archive.tar.gz",
	};
	char target[600];
	size_t i;

	(void)state;
	(void)snprintf(target, sizeof target, "%s/archive.tar.gz",
	    scratch.dir);
	assert_int_equal(mkdir(scratch_path(&scratch, names[0]), 0755), 0);
	assert_int_equal(symlink(target, scratch_path(&scratch, names[1])),
	    0);
	assert_int_equal(mkfifo(scratch_path(&scratch, names[2]), 0644), 0);
	for (i = 3; i < sizeof names / sizeof names[0]; i++)
		scratch_write(&scratch, names[i], "x", 1);
	assert_int_equal(sweep(), 0);
	for (i = 0; i < sizeof names / sizeof names[0]; i++)
		assert_true(scratch_has(&scratch, names[i]));
}

static void *
publish_in_thread(void *cookie)
{
	CLEANUP(tempfile_abort) struct tempfile tmp = TEMPFILE_NONE;
	struct err err = ERR_INIT;
	int *result = cookie;

	if (open_with(&tmp, "x") < 0)
		*result = ERR_SYSTEM;
	else if (tempfile_publish(&tmp, "race", TEMPFILE_NEW, &err) < 0)
		*result = (int)err.kind;
	return NULL;
}

static void
of_many_who_publish_one_name_one_wins(void **state)
{
	pthread_t threads[PUBLISHERS];
	int results[PUBLISHERS] = { 0 };
	int i, round, won;

	(void)state;
	for (round = 0; round < 20; round++) {
		(void)unlink(scratch_path(&scratch, "race"));
		memset(results, 0, sizeof results);
		for (i = 0; i < PUBLISHERS; i++)
			pthread_create(&threads[i], NULL, publish_in_thread,
			    &results[i]);
		for (won = 0, i = 0; i < PUBLISHERS; i++) {
			pthread_join(threads[i], NULL);
			won += results[i] == ERR_NONE;
			assert_true(results[i] == ERR_NONE ||
			    results[i] == ERR_EXISTS);
		}
		assert_int_equal(won, 1);
	}
}

static atomic_bool stop;

static void *
sweep_in_thread(void *cookie)
{
	struct err err = ERR_INIT;
	size_t n, *sum = cookie;

	while (!atomic_load(&stop))
		if (tempfile_sweep(scratch.dir, &n, &err) == 0)
			*sum += n;
	return NULL;
}

/* The sweeper may catch a file between its making and its lock: then the
 * maker takes another name, and never loses one that it was given. */
static void
a_sweeper_never_takes_a_file_that_was_given_out(void **state)
{
	pthread_t thread;
	size_t swept = 0;
	int i;

	(void)state;
	atomic_store(&stop, false);
	pthread_create(&thread, NULL, sweep_in_thread, &swept);
	for (i = 0; i < 2000; i++) {
		struct tempfile tmp = TEMPFILE_NONE;

		assert_int_equal(open_with(&tmp, "x"), 0);
		assert_true(scratch_has(&scratch, tmp.name));
		tempfile_abort(&tmp);
	}
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
}

/* From now on the flags of renameat2 (and links, if links) are refused, as
 * by a file system that lacks them. */
static int
refuse(bool links)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_linkat, 4, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_renameat2, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, args[4])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 2, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
		BPF_STMT(BPF_RET | BPF_K, links ? SECCOMP_RET_ERRNO | EPERM :
		    SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {
		sizeof filter / sizeof filter[0], filter
	};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0 ?
	    -1 : 0;
}

static int
publish_under_refusal(bool links, bool taken)
{
	struct tempfile tmp = TEMPFILE_NONE;
	struct err err = ERR_INIT;
	int rc;

	if (refuse(links) < 0)
		return 77;
	if (open_with(&tmp, "new") < 0)
		return 1;
	rc = tempfile_publish(&tmp, "fallback", TEMPFILE_NEW, &err);
	tempfile_abort(&tmp);
	if (taken)
		return rc == -1 && err.kind == ERR_EXISTS ? 0 : 2;
	return rc == 0 ? 0 : 3;
}

static void
file_systems_that_lack_renameat2_or_links_serve_too(void **state)
{
	int i, status;
	pid_t pid;

	(void)state;
	for (i = 0; i < 4; i++) {
		bool links = (i & 1) != 0, taken = (i & 2) != 0;

		(void)unlink(scratch_path(&scratch, "fallback"));
		if (taken)
			scratch_write(&scratch, "fallback", "old", 3);
		pid = fork();
		if (pid == 0)
			_exit(publish_under_refusal(links, taken));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		if (WEXITSTATUS(status) == 77)
			skip();
		assert_int_equal(WEXITSTATUS(status), 0);
		assert_string_equal(scratch_read(&scratch, "fallback"),
		    taken ? "old" : "new");
		assert_int_equal(sweep(), 0);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_has_its_name_only_when_it_is_published),
		cmocka_unit_test(
		    a_name_that_is_taken_is_left_alone_and_the_file_stays_open),
		cmocka_unit_test(abort_leaves_nothing),
		cmocka_unit_test(a_directory_that_is_not_there_is_an_error),
		cmocka_unit_test(
		what_a_killed_process_left_is_swept_and_a_living_one_s_is_not),
		cmocka_unit_test(our_own_open_file_is_not_swept),
		cmocka_unit_test(what_is_no_file_of_ours_is_not_swept),
		cmocka_unit_test(of_many_who_publish_one_name_one_wins),
		cmocka_unit_test(
		    a_sweeper_never_takes_a_file_that_was_given_out),
		cmocka_unit_test(
		    file_systems_that_lack_renameat2_or_links_serve_too),
	};

	return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
