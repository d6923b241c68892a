#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/journal.h"

#define HUGE_BYTES ((size_t)4 << 20)
#define LENGTH(array) (sizeof(array) / sizeof *(array))

static char directory[64], path[96];
static int reader = -1;
static char *got;		/* the last entry */
static size_t got_n;
static int seals;		/* of the memory file it came in, or -1 */

static int
set_up(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	(void)state;
	(void)snprintf(directory, sizeof directory,
	    "/tmp/vbackup-journal-XXXXXX");
	if (mkdtemp(directory) == NULL)
		return -1;
	(void)snprintf(path, sizeof path, "%s/socket", directory);
	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	got = malloc(HUGE_BYTES * 2);
	reader = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	return got == NULL || reader < 0 ||
	    bind(reader, (struct sockaddr *)&address, sizeof address) < 0 ||
	    unsetenv("JOURNAL_STREAM") < 0;
}

static int
tear_down(void **state)
{
	(void)state;
	free(got);
	cleanup_close(&reader);
	(void)unlink(path);
	return rmdir(directory);
}

static void
read_sealed(int fd)
{
	struct stat st;

	seals = fcntl(fd, F_GET_SEALS);
	assert_int_equal(fstat(fd, &st), 0);
	assert_true((size_t)st.st_size <= HUGE_BYTES * 2);
	got_n = (size_t)st.st_size;
	assert_int_equal(pread(fd, got, got_n, 0), st.st_size);
}

/* The next entry, out of a datagram or the memory file that one carries;
 * false if there is none. */
static bool
receive(void)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec bytes = { got, HUGE_BYTES * 2 };
	struct msghdr message = { .msg_iov = &bytes, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof control };
	const struct cmsghdr *header;
	ssize_t n = recvmsg(reader, &message, MSG_CMSG_CLOEXEC);
	int fd;

	if (n < 0)
		return false;
	seals = -1;
	got_n = (size_t)n;
	header = CMSG_FIRSTHDR(&message);
	if (header == NULL)
		return true;
	assert_int_equal(n, 0);
	assert_int_equal(header->cmsg_type, SCM_RIGHTS);
	assert_int_equal(header->cmsg_len, CMSG_LEN(sizeof fd));
	memcpy(&fd, CMSG_DATA(header), sizeof fd);
	read_sealed(fd);
	cleanup_close(&fd);
	return true;
}

static void
fields_arrive_as_one_datagram(void **state)
{
	static const struct {
		struct journal_field fields[3];
		size_t n;
		const char *bytes;
		size_t bytes_n;
	} cases[] = {
#define BYTES(text) text, sizeof text - 1
		{ { { "MESSAGE", "hello" } }, 1, BYTES("MESSAGE=hello\n") },
		{ { { "MESSAGE", "" } }, 1, BYTES("MESSAGE=\n") },
		{ { { "MESSAGE", "a=b" }, { "PRIORITY", "6" },
		    { "VBACKUP_JOB", "\xff\x01 db" } }, 3,
		  BYTES("MESSAGE=a=b\nPRIORITY=6\nVBACKUP_JOB=\xff\x01 db\n") },
		{ { { "MESSAGE", "two\nlines" }, { "PRIORITY", "3" } }, 2,
		  BYTES("MESSAGE\n\x09\0\0\0\0\0\0\0two\nlines\n"
		    "PRIORITY=3\n") },
		{ { { "A", "\n" } }, 1, BYTES("A\n\x01\0\0\0\0\0\0\0\n\n") },
#undef BYTES
	};
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(cases); i++) {
		assert_true(journal_send(path, cases[i].fields, cases[i].n));
		assert_true(receive());
		assert_int_equal(seals, -1);
		assert_int_equal(got_n, cases[i].bytes_n);
		assert_memory_equal(got, cases[i].bytes, got_n);
		assert_false(receive());
	}
}

static void
what_is_too_large_for_a_datagram_comes_as_a_sealed_file(void **state)
{
	char *huge = malloc(HUGE_BYTES + 1);
	struct journal_field fields[] = { { "MESSAGE", huge },
		{ "PRIORITY", "6" } };
	/* 4 MiB in 64 bits, the lowest byte first. */
	static const char head[] = "MESSAGE\n\0\0\x40\0\0\0\0";
	static const char tail[] = "\nPRIORITY=6\n";
	const size_t n_head = sizeof head, n_tail = sizeof tail - 1;

	(void)state;
	memset(huge, 'x', HUGE_BYTES);
	huge[HUGE_BYTES / 2] = '\n';
	huge[HUGE_BYTES] = '\0';
	assert_true(journal_send(path, fields, 2));
	assert_true(receive());
	assert_int_equal(seals & (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE |
	    F_SEAL_SEAL), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE |
	    F_SEAL_SEAL);
	assert_int_equal(got_n, n_head + HUGE_BYTES + n_tail);
	assert_memory_equal(got, head, n_head);
	assert_memory_equal(got + n_head, huge, HUGE_BYTES);
	assert_memory_equal(got + got_n - n_tail, tail, n_tail);
	assert_false(receive());
	free(huge);
}

static void
where_no_journal_is_nothing_was_sent(void **state)
{
	static const struct journal_field field = { "MESSAGE", "x" };
	char longest[300];
	const char *const paths[] = { "", "/nobody/is/here", "/dev/null",
		longest, directory };
	size_t i;

	(void)state;
	memset(longest, 'x', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	for (i = 0; i < LENGTH(paths); i++)
		assert_false(journal_send(paths[i], &field, 1));
	assert_false(journal_send(path, NULL, 0));
	cleanup_close(&reader);
	reader = -1;
	assert_false(journal_send(path, &field, 1));
}

/* Would wait for ever if it were not for its time limit. */
static void
a_journal_that_does_not_read_is_given_up(void **state)
{
	static const struct journal_field field = { "MESSAGE", "x" };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	CLEANUP(cleanup_close) int fd = socket(AF_UNIX,
	    SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	(void)state;
	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address,
	    sizeof address), 0);
	while (send(fd, "x", 1, 0) == 1)
		;
	assert_int_equal(errno, EAGAIN);
	alarm(60);
	assert_false(journal_send(path, &field, 1));
	alarm(0);
}

static void
descriptors_do_not_stay_open(void **state)
{
	static const struct journal_field field = { "MESSAGE", "x" };
	int before = open("/dev/null", O_RDONLY | O_CLOEXEC), after;

	(void)state;
	assert_int_equal(close(before), 0);
	assert_true(journal_send(path, &field, 1));
	assert_false(journal_send("/nobody/is/here", &field, 1));
	after = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(close(after), 0);
	assert_int_equal(before, after);
}

static void
stderr_is_the_journals_if_device_and_inode_are(void **state)
{
	char same[64], other[64], more[66];
	struct stat st;
	struct {
		const char *stream;
		bool ours;
	} cases[] = {
		{ NULL, false }, { "", false }, { ":", false },
		{ "0:0", false }, { "x", false }, { same, true },
		{ other, false }, { more, false },
	};
	size_t i;

	(void)state;
	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	(void)snprintf(same, sizeof same, "%ju:%ju", (uintmax_t)st.st_dev,
	    (uintmax_t)st.st_ino);
	(void)snprintf(other, sizeof other, "%ju:%ju", (uintmax_t)st.st_dev,
	    (uintmax_t)st.st_ino + 1);
	(void)snprintf(more, sizeof more, "%s0", same);
	for (i = 0; i < LENGTH(cases); i++) {
		(void)unsetenv("JOURNAL_STREAM");
		if (cases[i].stream != NULL)
			assert_int_equal(setenv("JOURNAL_STREAM",
			    cases[i].stream, 1), 0);
		assert_int_equal(journal_is_ours(), cases[i].ours);
	}
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	static const struct CMUnitTest tests[] = {
		TEST(fields_arrive_as_one_datagram),
		TEST(what_is_too_large_for_a_datagram_comes_as_a_sealed_file),
		TEST(where_no_journal_is_nothing_was_sent),
		TEST(a_journal_that_does_not_read_is_given_up),
		TEST(descriptors_do_not_stay_open),
		TEST(stderr_is_the_journals_if_device_and_inode_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
