#define _GNU_SOURCE
#include "lib/base/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/str.h"

bool
journal_is_ours(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char actual[64];
	struct stat st;

	if (stream == NULL || fstat(STDERR_FILENO, &st) < 0)
		return false;
	(void)snprintf(actual, sizeof actual, "%ju:%ju", (uintmax_t)st.st_dev,
	    (uintmax_t)st.st_ino);
	return strcmp(stream, actual) == 0;
}

/* systemd's "Native Journal Protocol": a value with a newline in it has its
 * length before it, 64 bits, the lowest byte first. */
static void
add_field(struct str *entry, const struct journal_field *field)
{
	uint64_t n = strlen(field->value);
	unsigned char length[8];
	size_t i;

	str_add(entry, field->name);
	if (strchr(field->value, '\n') == NULL) {
		str_add(entry, "=");
	} else {
		for (i = 0; i < sizeof length; i++)
			length[i] = (unsigned char)(n >> 8 * i);
		str_add(entry, "\n");
		str_addn(entry, length, sizeof length);
	}
	str_add(entry, field->value);
	str_add(entry, "\n");
}

static int
open_socket(const char *path)
{
	static const struct timeval soon = { .tv_sec = 1 };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	CLEANUP(cleanup_close) int fd = -1;
	int ret;

	if (strlen(path) >= sizeof address.sun_path)
		return -1;
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address,
	    sizeof address) < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof soon);
	ret = fd;
	fd = -1;
	return ret;
}

/* The journal takes a memory file only if nobody can change it any more. */
static int
seal_entry(const struct str *entry)
{
	struct err ignored = ERR_INIT;
	CLEANUP(cleanup_close) int fd = memfd_create("journal-entry",
	    MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int ret;

	if (fd < 0 ||
	    file_write_fd(fd, "entry", entry->s, entry->len, &ignored) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE |
	    F_SEAL_SEAL) < 0)
		return -1;
	ret = fd;
	fd = -1;
	return ret;
}

/* An empty datagram that carries the descriptor. */
static bool
send_descriptor(int to, int fd)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr message = { .msg_control = &control,
		.msg_controllen = sizeof control };
	struct cmsghdr *header;

	memset(&control, 0, sizeof control);
	header = CMSG_FIRSTHDR(&message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(header), &fd, sizeof fd);
	return sendmsg(to, &message, MSG_NOSIGNAL) == 0;
}

bool
journal_send(const char *path, const struct journal_field *fields, size_t n)
{
	CLEANUP(str_free) struct str entry = STR_INIT;
	CLEANUP(cleanup_close) int to = -1;
	CLEANUP(cleanup_close) int sealed = -1;
	size_t i;

	for (i = 0; i < n; i++)
		add_field(&entry, &fields[i]);
	if (entry.failed || entry.len == 0)
		return false;
	to = open_socket(path);
	if (to < 0)
		return false;
	if (send(to, entry.s, entry.len, MSG_NOSIGNAL) >= 0)
		return true;
	if (errno != EMSGSIZE && errno != ENOBUFS)
		return false;
	sealed = seal_entry(&entry);
	return sealed >= 0 && send_descriptor(to, sealed);
}
