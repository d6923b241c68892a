/*
 * pack: sources that change, break or forbid while they are read. The channel
 * holds two blocks, so that after one was taken the pack stands still within
 * the first large file, and the source can be changed under its hands.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/intr.h"
#include "test/unit/packer.h"

#define LENGTH(array) (sizeof(array) / sizeof *(array))
#define NOBODY 65534

static const struct pack_source t = { "t", "m", "t" };

#define PACKER_OF_T { .file = "a.tar", .sources = &t, .n_sources = 1 }

static void
pause_in_the_first_file(struct packer *packer)
{
	packer_start(packer);
	packer_read(packer, 1);
}

static void
extract(void)
{
	packer_must("rm -rf out && mkdir out && tar -C out -xpf a.tar && "
	    "rm -rf out2 && mkdir out2 && bsdtar -C out2 -xpf a.tar && "
	    "diff -r --no-dereference out out2");
}

static void
a_file_that_grew_is_cut(void **state)
{
	static const char *const events[] = { "GREW t/f: grew while it was " };
	CLEANUP(packer_free) struct packer packer = PACKER_OF_T;

	(void)state;
	packer_must("mkdir t && seq 100000 >t/f && cp t/f copy");
	pause_in_the_first_file(&packer);
	packer_must("echo more >>t/f");
	packer_join(&packer);
	assert_int_equal(packer.rc, 0);
	assert_true(packer_has_only(&packer, events, 1));
	extract();
	packer_must("cmp out/m/f copy");
}

static void
a_file_that_shrank_is_padded(void **state)
{
	static const char *const events[] = { "SHRANK t/f: shrank while " };
	CLEANUP(packer_free) struct packer packer = PACKER_OF_T;

	(void)state;
	packer_must("mkdir t && seq 100000 >t/f && cp t/f copy && "
	    "truncate -s 20001 copy && truncate -r t/f copy");
	pause_in_the_first_file(&packer);
	packer_must("truncate -s 20001 t/f");
	packer_join(&packer);
	assert_int_equal(packer.rc, 0);
	assert_true(packer_has_only(&packer, events, 1));
	extract();
	packer_must("cmp out/m/f copy");
}

/* 100 KiB, a hole, 100 KiB, a hole to 4 MiB. */
#define SPARSE_FILE "mkdir t && yes | head -c 102400 >t/f && " \
	"yes no | head -c 102400 | dd of=t/f bs=1M seek=2 conv=notrunc " \
	"status=none && truncate -s 4M t/f && cp --sparse=always t/f copy"

static void
a_sparse_file_that_grew_is_cut(void **state)
{
	static const char *const events[] = { "GREW t/f: " };
	CLEANUP(packer_free) struct packer packer = PACKER_OF_T;

	(void)state;
	packer_must(SPARSE_FILE);
	pause_in_the_first_file(&packer);
	packer_must("echo more >>t/f");
	packer_join(&packer);
	assert_true(packer_has_only(&packer, events, 1));
	extract();
	packer_must("cmp out/m/f copy && "
	    "test $(du -k out/m/f | cut -f 1) -lt 300");
}

static void
a_sparse_file_that_shrank_is_padded(void **state)
{
	static const struct { const char *cut, *expected; } cases[] = {
		/* In the first segment, in the second, in the last hole. */
		{ "truncate -s 50000 t/f", "truncate -s 50000 copy" },
		{ "truncate -s 2150000 t/f", "truncate -s 2150000 copy" },
		{ "truncate -s 3M t/f", "true" },
	};
	static const char *const events[] = { "SHRANK t/f: " };
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(cases); i++) {
		CLEANUP(packer_free) struct packer packer = PACKER_OF_T;

		packer_must("rm -rf t && " SPARSE_FILE);
		pause_in_the_first_file(&packer);
		packer_must("%s && %s && truncate -s 4M copy", cases[i].cut,
		    cases[i].expected);
		packer_join(&packer);
		assert_true(packer_has_only(&packer, events, 1));
		extract();
		packer_must("cmp out/m/f copy");
	}
}

/* The name that comes first when t is read, "." and ".." aside. */
static void
first_name(char *ret, size_t n)
{
	DIR *dir = opendir("t");
	const struct dirent *entry;

	assert_non_null(dir);
	do
		entry = readdir(dir);
	while (entry != NULL && entry->d_name[0] == '.');
	assert_non_null(entry);
	(void)snprintf(ret, n, "%s", entry->d_name);
	(void)closedir(dir);
}

/* Makes a large file in t whose name is such that it is read first. */
static void
make_first(void)
{
	char name[256], first[256];
	int i;

	for (i = 0; i < 2000; i++) {
		int fd;

		(void)snprintf(name, sizeof name, "t/large%d", i);
		fd = open(name, O_WRONLY | O_CREAT, 0644);
		assert_true(fd >= 0);
		assert_int_equal(posix_fallocate(fd, 0, 1 << 20), 0);
		assert_int_equal(close(fd), 0);
		first_name(first, sizeof first);
		if (strcmp(first, name + 2) == 0)
			return;
		assert_int_equal(unlink(name), 0);
	}
	fail_msg("no name is first");
}

static void
what_changed_between_listing_and_opening_is_told(void **state)
{
	static const char *const events[] = {
		"VANISHED t/deleted: ", "VANISHED t/deleted dir: ",
		"VANISHED t/deleted link: ",
		"REPLACED t/file to dir: ", "REPLACED t/file to link: ",
		"REPLACED t/file to fifo: ", "REPLACED t/file to socket: ",
		"REPLACED t/file to device: ",
		"REPLACED t/dir to file: ", "REPLACED t/dir to link: ",
		"REPLACED t/link to file: ", "REPLACED t/fifo to file: ",
	};
	CLEANUP(packer_free) struct packer packer = PACKER_OF_T;

	(void)state;
	if (geteuid() != 0)
		skip();
	packer_must("mkdir t && cd t && touch deleted 'file to dir' "
	    "'file to link' 'file to fifo' 'file to socket' 'file to device' "
	    "'file to file' && mkdir 'deleted dir' 'dir to file' "
	    "'dir to link' && ln -s x 'link to file' && "
	    "ln -s x 'deleted link' && mkfifo 'fifo to file'");
	make_first();
	pause_in_the_first_file(&packer);
	packer_must("cd t && rm -r deleted* *to* && mkdir 'file to dir' && "
	    "ln -s deleted 'file to link' && mkfifo 'file to fifo' && "
	    "mknod 'file to device' c 1 3 && touch 'dir to file' "
	    "'link to file' 'fifo to file' && ln -s / 'dir to link' && "
	    "echo new >'file to file' && python3 -c '"
	    "import socket as s; s.socket(s.AF_UNIX).bind(\"file to socket\")"
	    "'");
	packer_join(&packer);
	assert_int_equal(packer.rc, 0);
	assert_true(packer_has_only(&packer, events, LENGTH(events)));
	extract();
	packer_prints("cd out/m && rm large* && ls && cat *",
	    "file to file\nnew\n");
}

static void
a_directory_that_is_removed_or_moved_breaks_nothing(void **state)
{
	CLEANUP(packer_free) struct packer removed = PACKER_OF_T;
	CLEANUP(packer_free) struct packer moved = PACKER_OF_T;
	static const char *const events[] = { "VANISHED t/x: " };

	(void)state;
	packer_must("mkdir t && touch t/x");
	make_first();
	pause_in_the_first_file(&removed);
	packer_must("mv t away && cp -a away t && rm -r away");
	packer_join(&removed);
	assert_int_equal(removed.rc, 0);
	assert_true(packer_has_only(&removed, events, 1));
	pause_in_the_first_file(&moved);
	packer_must("mv t away");
	packer_join(&moved);
	assert_int_equal(moved.rc, 0);
	assert_true(packer_has_only(&moved, NULL, 0));
	extract();
	packer_must("diff -r away out/m");
}

static void
links_never_lead_to_a_member_that_was_left_out(void **state)
{
	CLEANUP(packer_free) struct packer packer = PACKER_OF_T;
	char large[256], first[256];

	(void)state;
	packer_must("mkdir t && echo text >t/a && ln t/a t/b && ln t/a t/c");
	first_name(first, sizeof first);
	make_first();
	first_name(large, sizeof large);
	pause_in_the_first_file(&packer);
	packer_must("rm t/%s", first);
	packer_join(&packer);
	assert_int_equal(packer.events.n, 1);
	assert_int_equal(packer.results[0].files, 2);
	assert_int_equal(packer.results[0].members, 4);
	extract();
	packer_must("rm out/m/%s && cat out/m/* | sort -u | cmp - "
	    "/proc/self/fd/3 3<<E\ntext\nE", large);
	packer_prints("stat -c %h out/m/*", "2\n2\n");
}

static void
a_file_that_cannot_be_read_to_its_end_is_padded(void **state)
{
	static const struct pack_source source = { "/sys/class/net/lo/speed",
		"speed", "/shown" };
	static const char *const events[] = {
		"UNREADABLE /shown: Invalid argument" };
	CLEANUP(packer_free) struct packer packer = { .file = "a.tar",
		.sources = &source, .n_sources = 1 };

	(void)state;
	if (access(source.path, R_OK) != 0)
		skip();
	packer_start(&packer);
	packer_join(&packer);
	assert_int_equal(packer.rc, 0);
	assert_true(packer_has_only(&packer, events, 1));
	packer_prints("tar -xOf a.tar | tr -d '\\0' | wc -c; "
	    "tar -xOf a.tar | wc -c", "0\n4096\n");
}

static void
what_may_not_be_read_is_left_out(void **state)
{
	static const char *const events[] = {
		"UNREADABLE t/file: Permission denied",
		"UNREADABLE t/dir: Permission denied",
	};
	CLEANUP(packer_free) struct packer packer = PACKER_OF_T;

	(void)state;
	if (geteuid() != 0)
		skip();
	/* The rest is root's, too: it cannot be read without access time. */
	packer_must("mkdir -p t/dir t/open && chmod 755 . && touch t/file "
	    "t/open/f && ln -s x t/link && chmod 0 t/file t/dir && "
	    "install -m 666 /dev/null a.tar");
	assert_int_equal(seteuid(NOBODY), 0);
	packer_start(&packer);
	packer_join(&packer);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(packer.rc, 0);
	assert_true(packer_has_only(&packer, events, 2));
	packer_prints("tar -tf a.tar | sort",
	    "m/\nm/link\nm/open/\nm/open/f\n");
}

static void
a_root_that_cannot_be_read_ends_the_stream(void **state)
{
	static const struct { const char *command, *message; } cases[] = {
		{ "true", "cannot read 't': No such file or directory" },
		{ "ln -s t t", "cannot read 't': Too many levels of symbolic "
		    "links" },
		{ "mkdir -m 0 t", "cannot read 't': Permission denied" },
	};
	size_t i;

	(void)state;
	if (geteuid() != 0)
		skip();
	packer_must("install -m 666 /dev/null a.tar && chmod 755 .");
	for (i = 0; i < LENGTH(cases); i++) {
		CLEANUP(packer_free) struct packer packer = PACKER_OF_T;

		packer_must("rm -rf t && %s", cases[i].command);
		assert_int_equal(seteuid(NOBODY), 0);
		packer_start(&packer);
		packer_join(&packer);
		assert_int_equal(seteuid(0), 0);
		assert_int_equal(packer.rc, -1);
		assert_int_equal(packer.err.kind, ERR_SOURCE);
		assert_string_equal(packer.err.msg, cases[i].message);
	}
}

static void
a_cancelled_channel_ends_the_stream(void **state)
{
	CLEANUP(packer_free) struct packer packer = PACKER_OF_T;

	(void)state;
	packer_must("mkdir t && seq 100000 >t/f");
	pause_in_the_first_file(&packer);
	chan_cancel(packer.chan);
	packer_join(&packer);
	assert_int_equal(packer.rc, -1);
	assert_int_equal(packer.err.kind, ERR_STREAM);
}

/* Runs a check in a process of its own, for what cannot be undone; 0 is good,
 * other numbers tell what was wrong. */
static void
in_a_child(int (*check)(void))
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(check());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int
interrupt(void)
{
	struct packer packer = PACKER_OF_T;
	struct err err = ERR_INIT;

	if (intr_install(&err) < 0)
		return 1;
	pause_in_the_first_file(&packer);
	(void)raise(SIGTERM);
	packer_join(&packer);
	if (packer.rc != -1 || packer.err.kind != ERR_INTERRUPTED)
		return 2;
	packer_free(&packer);
	return 0;
}

static void
a_signal_ends_the_stream(void **state)
{
	(void)state;
	packer_must("mkdir t && seq 100000 >t/f");
	in_a_child(interrupt);
}

static int
run_out_of_descriptors(void)
{
	static const struct rlimit limit = { 30, 30 };
	struct packer packer = PACKER_OF_T;

	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 1;
	packer_start(&packer);
	packer_join(&packer);
	if (packer.rc != 0 || packer.events.n == 0 ||
	    strstr(packer.events.v[0], ": Too many open files") == NULL ||
	    !str_starts(packer.events.v[0], "UNREADABLE t/"))
		return 2;
	/* Of two branches, both are packed as far as that goes. */
	if (packer.events.n != 2 || packer.results[0].members < 30)
		return 3;
	packer_free(&packer);
	return 0;
}

static int
raise_the_limit(void)
{
	static const struct rlimit limit = { 30, 500 };
	struct packer packer = PACKER_OF_T;

	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 1;
	packer_start(&packer);
	packer_join(&packer);
	if (packer.rc != 0 || packer.events.n != 0 ||
	    packer.results[0].members != 204)
		return 2;
	packer_free(&packer);
	return 0;
}

static void
a_tree_deeper_than_descriptors_loses_only_its_depth(void **state)
{
	(void)state;
	packer_must("for t in t/a t/b; do mkdir -p "
	    "$t/$(seq -s / 100) && touch $t/f; done && rm t/a/f");
	in_a_child(run_out_of_descriptors);
	extract();
	packer_must("cmp t/b/f out/m/b/f");
	in_a_child(raise_the_limit);
	extract();
	packer_must("diff -r t out/m");
}

static int lease_fd;

static void
give_up_lease(int number)
{
	(void)number;
	(void)fcntl(lease_fd, F_SETLEASE, F_UNLCK);
}

static void
hold_lease(int ready)
{
	lease_fd = open("t/f", O_RDWR);
	(void)signal(SIGIO, give_up_lease);
	if (fcntl(lease_fd, F_SETLEASE, F_WRLCK) < 0)
		_exit(1);
	(void)!write(ready, "", 1);
	for (;;)
		(void)pause();
}

static void
a_file_server_gets_time_to_give_up_its_lease(void **state)
{
	CLEANUP(packer_free) struct packer packer = PACKER_OF_T;
	int fds[2];
	char byte;
	pid_t pid;

	(void)state;
	packer_must("mkdir t && echo text >t/f");
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		hold_lease(fds[1]);
	(void)close(fds[1]);
	if (read(fds[0], &byte, 1) != 1)
		skip();			/* no leases on this file system */
	packer_start(&packer);
	packer_join(&packer);
	(void)close(fds[0]);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	assert_true(packer_has_only(&packer, NULL, 0));
	packer_prints("tar -xOf a.tar m/f", "text\n");
}

int
main(void)
{
#define TEST(function) \
	cmocka_unit_test_setup_teardown(function, packer_setup, packer_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_file_that_grew_is_cut),
		TEST(a_file_that_shrank_is_padded),
		TEST(a_sparse_file_that_grew_is_cut),
		TEST(a_sparse_file_that_shrank_is_padded),
		TEST(what_changed_between_listing_and_opening_is_told),
		TEST(a_directory_that_is_removed_or_moved_breaks_nothing),
		TEST(links_never_lead_to_a_member_that_was_left_out),
		TEST(a_file_that_cannot_be_read_to_its_end_is_padded),
		TEST(what_may_not_be_read_is_left_out),
		TEST(a_root_that_cannot_be_read_ends_the_stream),
		TEST(a_cancelled_channel_ends_the_stream),
		TEST(a_signal_ends_the_stream),
		TEST(a_tree_deeper_than_descriptors_loses_only_its_depth),
		TEST(a_file_server_gets_time_to_give_up_its_lease),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
