#define _GNU_SOURCE
#include "test/unit/nasty_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

#define E_COMPOSED "\xc3\xa9"
#define E_DECOMPOSED "e\xcc\x81"
#define NO_UTF8 "\xff\xfe"

static int
fail(const char *what, const char *name)
{
	(void)fprintf(stderr, "nasty tree: %s '%s': %s\n", what, name,
	    strerror(errno));
	return -1;
}

static int
make_dir(int at, const char *name)
{
	int fd;

	if (mkdirat(at, name, 0755) < 0 && errno != EEXIST)
		return fail("mkdir", name);
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? fail("open", name) : fd;
}

static int
make_file(int at, const char *name, const void *bytes, size_t n)
{
	CLEANUP(cleanup_close) int fd = openat(at, name,
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd < 0)
		return fail("create", name);
	while (n != 0) {
		ssize_t done = write(fd, bytes, n);

		if (done < 0)
			return fail("write", name);
		bytes = (const char *)bytes + done;
		n -= (size_t)done;
	}
	return 0;
}

/* A file whose content is its own name, so that mixed-up files show. */
static int
make_named(int at, const char *name)
{
	return make_file(at, name, name, strlen(name));
}

static int
make_names(int root)
{
	static const char *const names[] = {
		"new\nline", "newline at the end\n", "tab\tand blanks  ",
		" blank first", "-rf", "--help", "star*?[x]", "back\\slash",
		"quote'\"`", "$(true)", "~", "...", "a:b", "#", "\x01\x7f",
		E_COMPOSED, E_DECOMPOSED, "no utf8 \xff\xfe", "\xc3",
		"surrogate \xed\xa0\x80", "PaxHeaders.0", "@LongLink",
		"GNUSparseFile.0", "key=value", "12 path=x",
	};
	CLEANUP(cleanup_close) int at = make_dir(root, "names");
	char name[256];
	size_t i;

	for (i = 0; i < sizeof names / sizeof names[0]; i++)
		if (at < 0 || make_named(at, names[i]) < 0)
			return -1;
	memset(name, 'n', 255);
	name[255] = '\0';
	if (make_named(at, name) < 0)
		return -1;
	for (i = 0; i < 254; i += 2)
		memcpy(name + i, E_COMPOSED, 2);
	if (make_named(at, name) < 0)
		return -1;
	memset(name, 0xff, 255);
	return make_named(at, name);
}

/* Around the lengths where ustar's fields end: 100, 155 and 256 bytes. */
static int
make_edges(int root)
{
	CLEANUP(cleanup_close) int at = make_dir(root, "edges");
	char name[256];
	size_t n;

	if (at < 0)
		return -1;
	for (n = 80; n < 105; n++) {
		(void)snprintf(name, sizeof name, "%0*zu", (int)n, n);
		if (make_named(at, name) < 0)
			return -1;
		name[0] = 'd';
		if (mkdirat(at, name, 0755) < 0)
			return fail("mkdir", name);
		name[0] = '\xff';
		if (make_named(at, name) < 0)
			return -1;
	}
	for (n = 135; n < 160; n++) {
		CLEANUP(cleanup_close) int dir = -1;

		(void)snprintf(name, sizeof name, "%0*zu", (int)n, n);
		dir = make_dir(at, name);
		(void)snprintf(name, sizeof name, "%0100d", 0);
		if (dir < 0 || make_named(dir, name) < 0 ||
		    make_named(dir, name + 1) < 0)
			return -1;
	}
	return 0;
}

static int
make_sizes(int root)
{
	static const size_t sizes[] = { 0, 1, 511, 512, 513, 1024, 4095, 4096,
		65536, 300000, 1048577 };
	CLEANUP(cleanup_close) int at = make_dir(root, "sizes");
	CLEANUP(cleanup_free) char *bytes = malloc(1048577);
	char name[32];
	size_t i;

	if (at < 0 || bytes == NULL)
		return -1;
	for (i = 0; i < 1048577; i++)
		bytes[i] = (char)(i * 2654435761u >> 24);
	for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		(void)snprintf(name, sizeof name, "%zu", sizes[i]);
		if (make_file(at, name, bytes, sizes[i]) < 0)
			return -1;
	}
	if (mkdirat(at, "empty directory", 0755) < 0)
		return fail("mkdir", "empty directory");
	return 0;
}

/* The same kinds of members again, at the end of a long path. */
static int
make_kinds(int at)
{
	if (make_named(at, "file") < 0 || make_named(at, NO_UTF8) < 0)
		return -1;
	if (symlinkat("file", at, "symlink") < 0 ||
	    linkat(at, "file", at, "hard link", 0) < 0 ||
	    linkat(at, "file", at, "hard link " NO_UTF8, 0) < 0 ||
	    linkat(at, NO_UTF8, at, "hard link to " NO_UTF8, 0) < 0 ||
	    linkat(at, "symlink", at, "hard link to a symlink", 0) < 0 ||
	    mkfifoat(at, "fifo", 0600) < 0 ||
	    mkdirat(at, "directory", 0700) < 0)
		return fail("make", "members of every kind");
	return 0;
}

/* n directories of this name in each other; *ret is the innermost. */
static int
make_nest(int root, const char *top, const char *name, size_t n)
{
	int at = make_dir(root, top);
	size_t i;

	for (i = 0; i < n && at >= 0; i++) {
		int next = make_dir(at, name);

		(void)close(at);
		at = next;
	}
	return at;
}

static int
make_nested_kinds(int root, const char *top, const char *name, size_t n)
{
	CLEANUP(cleanup_close) int at = make_nest(root, top, name, n);

	return at < 0 ? -1 : make_kinds(at);
}

static int
make_long(int root)
{
	char ascii[201], other[201];
	size_t i;

	memset(ascii, 'l', 200);
	for (i = 0; i < 200; i += 2)
		memcpy(other + i, i % 3 == 0 ? E_COMPOSED : NO_UTF8, 2);
	ascii[200] = other[200] = '\0';
	if (make_nested_kinds(root, "long", ascii, 6) < 0 ||
	    make_nested_kinds(root, "long " NO_UTF8, other, 6) < 0)
		return -1;
	return make_nested_kinds(root, "deep", "d", 1000);
}

static int
make_symlinks(int at)
{
	static const char *const targets[] = { "x", ".", "..", "../..",
		"/etc/passwd", "/", "to\na new line", "to " E_DECOMPOSED,
		"to " NO_UTF8, "a//b/", " " };
	static const size_t lengths[] = { 99, 100, 101, 4000 };
	char name[32], target[4001];
	size_t i;

	for (i = 0; i < sizeof targets / sizeof targets[0]; i++) {
		(void)snprintf(name, sizeof name, "symlink %zu", i);
		if (symlinkat(targets[i], at, name) < 0)
			return fail("symlink", name);
	}
	for (i = 0; i < 8; i++) {
		size_t n = lengths[i / 2];

		memset(target, i % 2 == 0 ? 't' : 0xff, n);
		target[n] = '\0';
		(void)snprintf(name, sizeof name, "symlink %zu %s", n,
		    i % 2 == 0 ? "ascii" : "bytes");
		if (symlinkat(target, at, name) < 0)
			return fail("symlink", name);
	}
	return 0;
}

static int
make_hard_links(int at)
{
	static const char *const firsts[] = { "file", "symlink", "fifo",
		"device", "empty" };
	CLEANUP(cleanup_close) int other = make_dir(at, "other");
	char name[32];
	size_t i;

	if (other < 0 || make_named(at, "file") < 0 ||
	    make_file(at, "empty", "", 0) < 0)
		return -1;
	if (symlinkat("file", at, "symlink") < 0 ||
	    mkfifoat(at, "fifo", 0640) < 0 ||
	    mknodat(at, "device", S_IFCHR | 0660, makedev(1, 3)) < 0)
		return fail("make", "special files");
	for (i = 0; i < sizeof firsts / sizeof firsts[0]; i++) {
		(void)snprintf(name, sizeof name, "%s again", firsts[i]);
		if (linkat(at, firsts[i], at, name, 0) < 0 ||
		    linkat(at, firsts[i], other, name, 0) < 0)
			return fail("link", name);
	}
	return 0;
}

static int
make_links(int root)
{
	CLEANUP(cleanup_close) int at = make_dir(root, "links");

	return at < 0 || make_symlinks(at) < 0 ? -1 : make_hard_links(at);
}

struct hole_file {
	const char *name;
	int64_t size;
	int64_t data[4];	/* offsets of what is written, -1: no more */
};

static int
make_sparse(int at, const struct hole_file *file)
{
	CLEANUP(cleanup_close) int fd = openat(at, file->name,
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	size_t i, n = strlen(file->name);

	if (fd < 0 || ftruncate(fd, file->size) < 0)
		return fail("create", file->name);
	for (i = 0; i < 4 && file->data[i] >= 0; i++) {
		if ((int64_t)n > file->size - file->data[i])
			n = (size_t)(file->size - file->data[i]);
		if (pwrite(fd, file->name, n, file->data[i]) < 0)
			return fail("write", file->name);
	}
	return 0;
}

static int
make_many_segments(int at, size_t n)
{
	CLEANUP(cleanup_close) int fd = openat(at, "segments",
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	size_t i;

	for (i = 0; fd >= 0 && i < n; i++)
		if (pwrite(fd, &i, sizeof i, (off_t)(i * 12288)) < 0)
			return fail("write", "segments");
	return fd < 0 ? fail("create", "segments") : 0;
}

/* Names of 300 bytes that differ in their last ones only. */
static int
make_long_sparse(int root)
{
	static const char *const ends[] = { "ONE", "TWO", "ONE\xff",
		"TWO\xff", E_COMPOSED, E_DECOMPOSED };
	CLEANUP(cleanup_close) int at = -1;
	char name[256];
	size_t i;

	memset(name, 'a', 150);
	name[150] = '\0';
	at = make_dir(root, name);
	for (i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		struct hole_file file = { name, 500000, { 100000, -1 } };

		memset(name, 'b', 150);
		memcpy(name + 150, ends[i], strlen(ends[i]) + 1);
		if (at < 0 || make_sparse(at, &file) < 0)
			return -1;
	}
	return 0;
}

static int
make_holes(int root)
{
	static const struct hole_file files[] = {
		{ "at the start", 1000000, { 999000, -1 } },
		{ "at the end", 1000000, { 0, -1 } },
		{ "at both ends", 1000001, { 500000, -1 } },
		{ "in the middle", 200000, { 0, 199000, -1 } },
		{ "nothing else", 1000000, { -1 } },
		{ "10 GiB", INT64_C(10) << 30, { 0, 5000000000,
		    (INT64_C(10) << 30) - 7, -1 } },
		{ "1 TiB", INT64_C(1) << 40, { INT64_C(1) << 39, -1 } },
		{ "one byte more than a hole", 65537, { 65536, -1 } },
		{ E_DECOMPOSED, 300000, { 100000, -1 } },
		{ NO_UTF8, 300000, { 200000, -1 } },
		{ "new\nline", 300000, { 200000, -1 } },
	};
	CLEANUP(cleanup_close) int at = make_dir(root, "holes");
	size_t i;

	for (i = 0; i < sizeof files / sizeof files[0]; i++)
		if (at < 0 || make_sparse(at, &files[i]) < 0)
			return -1;
	if (linkat(at, NO_UTF8, at, "hard link to a sparse file", 0) < 0)
		return fail("link", "to a sparse file");
	if (make_many_segments(at, 3000) < 0)
		return -1;
	return make_long_sparse(at);
}

static int
set_time(int at, const char *name, int64_t s, long ns)
{
	struct timespec times[2] = { { s, ns }, { s, ns } };

	if (utimensat(at, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return fail("set time of", name);
	return 0;
}

static int
make_times(int root)
{
	static const struct { const char *name; int64_t s; long ns; } times[] =
	{
		{ "-1.5", -2, 500000000 }, { "-0.25", -1, 750000000 },
		{ "-0.000000001", -1, 999999999 }, { "-1", -1, 0 },
		{ "-2000000000.5", -2000000001, 500000000 },
		{ "0", 0, 0 }, { "0.5", 0, 500000000 },
		{ "1.000000001", 1, 1 }, { "999999999.9", 999999999,
		    900000000 }, { "2^31", INT64_C(1) << 31, 7 },
		{ "2^33-1", (INT64_C(1) << 33) - 1, 0 },
		{ "2^33", INT64_C(1) << 33, 0 },
		{ "15000000000.123456789", 15000000000, 123456789 },
	};
	CLEANUP(cleanup_close) int at = make_dir(root, "times");
	char name[64];
	size_t i;

	for (i = 0; i < sizeof times / sizeof times[0]; i++) {
		if (at < 0 || make_named(at, times[i].name) < 0 ||
		    set_time(at, times[i].name, times[i].s, times[i].ns) < 0)
			return -1;
		(void)snprintf(name, sizeof name, "%s link", times[i].name);
		if (symlinkat("x", at, name) < 0)
			return fail("symlink", name);
		if (set_time(at, name, times[i].s, times[i].ns) < 0)
			return -1;
	}
	if (mkdirat(at, "directory", 0755) < 0 ||
	    symlinkat("x", at, "directory/x") < 0)
		return fail("make", "directory");
	return set_time(at, "directory", 1000000000, 123456789);
}

static int
make_owners(int root)
{
	static const uint32_t ids[] = { 1, 65534, (1u << 21) - 1, 1u << 21,
		(1u << 31) - 1, 1u << 31, UINT32_MAX - 1 };
	static const mode_t modes[] = { 0, 0200, 0444, 0777, 04755, 02711,
		06777, 01777, 07777 };
	CLEANUP(cleanup_close) int at = make_dir(root, "owners");
	char name[32];
	size_t i;

	for (i = 0; i < sizeof ids / sizeof ids[0]; i++) {
		(void)snprintf(name, sizeof name, "%u", ids[i]);
		if (at < 0 || make_named(at, name) < 0 ||
		    fchownat(at, name, ids[i], UINT32_MAX - ids[i], 0) < 0 ||
		    fchmodat(at, name, 06755, 0) < 0)
			return fail("own", name);
		(void)snprintf(name, sizeof name, "%u link", ids[i]);
		if (symlinkat("x", at, name) < 0 || fchownat(at, name,
		    ids[i], ids[i], AT_SYMLINK_NOFOLLOW) < 0)
			return fail("own", name);
	}
	for (i = 0; i < sizeof modes / sizeof modes[0]; i++) {
		(void)snprintf(name, sizeof name, "mode %04o", modes[i]);
		if (make_named(at, name) < 0 ||
		    fchmodat(at, name, modes[i], 0) < 0)
			return fail("chmod", name);
		(void)snprintf(name, sizeof name, "dir %04o", modes[i]);
		if (mkdirat(at, name, 0) < 0 ||
		    fchmodat(at, name, modes[i], 0) < 0)
			return fail("chmod", name);
	}
	return 0;
}

static int
set_attribute(int at, const char *name, const char *attribute,
    const void *value, size_t n)
{
	char path[64];
	CLEANUP(cleanup_close) int fd = openat(at, name,
	    O_PATH | O_NOFOLLOW | O_CLOEXEC);

	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (fd < 0 || setxattr(path, attribute, value, n, 0) < 0)
		return fail("set attribute of", name);
	return 0;
}

static int
make_attributes(int root)
{
	/* linux/capability.h, revision 2: cap_net_raw+ep. */
	static const unsigned char capability[20] = { 1, 0, 0, 2, 0, 0x20 };
	static const char binary[] = "\0\n=\xff 12 path=x\n\0";
	static const char selinux[] = "system_u:object_r:var_t:s0";
	static const char *const odd[] = { "user.a=b", "user.100%",
		"user.%3D", "user.a b", "user.a\nb", "user. ", "user.\xff\xfe",
		"user.=" };
	CLEANUP(cleanup_close) int at = make_dir(root, "attributes");
	char big[3000], name[32];
	size_t i;

	memset(big, 0xa5, sizeof big);
	if (at < 0 || make_named(at, "file") < 0 ||
	    make_named(at, "program") < 0)
		return -1;
	if (mkdirat(at, "directory", 0755) < 0 ||
	    symlinkat("x", at, "symlink") < 0 || mkfifoat(at, "fifo", 0600) < 0)
		return fail("make", "members for attributes");
	if (set_attribute(at, "file", "user.binary", binary,
	    sizeof binary) < 0 ||
	    set_attribute(at, "file", "user.empty", "", 0) < 0 ||
	    set_attribute(at, "file", "user.big", big, sizeof big) < 0 ||
	    set_attribute(at, "file", "trusted.overlay.opaque", "y", 1) < 0 ||
	    set_attribute(at, "file", "security.selinux", selinux,
	    sizeof selinux) < 0 ||
	    set_attribute(at, "directory", "user.x", "directory", 9) < 0 ||
	    set_attribute(at, "symlink", "trusted.x", "symlink", 7) < 0 ||
	    set_attribute(at, "fifo", "trusted.x", "fifo", 4) < 0 ||
	    set_attribute(at, "program", "security.capability", capability,
	    sizeof capability) < 0)
		return -1;
	for (i = 0; i < sizeof odd / sizeof odd[0]; i++) {
		(void)snprintf(name, sizeof name, "odd %zu", i);
		if (make_named(at, name) < 0 ||
		    set_attribute(at, name, odd[i], odd[i], 7) < 0)
			return -1;
	}
	return 0;
}

struct acl_entry {
	uint16_t tag, perm;
	uint32_t id;
};

#define ACL_MAX 8

static int
set_acl(int at, const char *name, const char *kind,
    const struct acl_entry *entries, size_t n)
{
	char attribute[64];
	struct {
		uint32_t version;
		struct acl_entry entries[ACL_MAX];
	} acl = { .version = 2 };

	memcpy(acl.entries, entries, n * sizeof entries[0]);
	(void)snprintf(attribute, sizeof attribute, "system.posix_acl_%s",
	    kind);
	return set_attribute(at, name, attribute, &acl,
	    sizeof acl.version + n * sizeof entries[0]);
}

static int
make_acls(int root)
{
	static const struct acl_entry plain[] = { { 1, 7, ~0u },
		{ 2, 5, 1000 }, { 2, 0, 70000 }, { 4, 5, ~0u },
		{ 8, 6, 3000000 }, { 16, 7, ~0u }, { 32, 1, ~0u } };
	static const struct acl_entry high[] = { { 1, 6, ~0u },
		{ 2, 4, 1u << 31 }, { 4, 4, ~0u }, { 8, 2, UINT32_MAX - 1 },
		{ 16, 6, ~0u }, { 32, 0, ~0u } };
	static const struct acl_entry least[] = { { 1, 7, ~0u },
		{ 4, 5, ~0u }, { 32, 0, ~0u } };
	CLEANUP(cleanup_close) int at = make_dir(root, "acls");

	if (at < 0 || make_named(at, "file") < 0 ||
	    make_named(at, "high ids") < 0)
		return -1;
	if (mkdirat(at, "directory", 0755) < 0 ||
	    mkdirat(at, "default only", 0755) < 0 ||
	    mkfifoat(at, "fifo", 0600) < 0)
		return fail("make", "members for ACLs");
	if (set_acl(at, "file", "access", plain, 7) < 0 ||
	    set_acl(at, "high ids", "access", high, 6) < 0 ||
	    set_acl(at, "fifo", "access", plain, 7) < 0 ||
	    set_acl(at, "directory", "access", plain, 7) < 0 ||
	    set_acl(at, "directory", "default", plain, 7) < 0 ||
	    set_acl(at, "default only", "default", least, 3) < 0)
		return -1;
	if (mkdirat(at, "directory/made under a default", 0755) < 0)
		return fail("mkdir", "made under a default");
	return make_named(at, "directory/too");
}

static int
make_special(int root)
{
	static const struct { const char *name; mode_t type; unsigned major,
	    minor; } nodes[] = {
		{ "null", S_IFCHR, 1, 3 }, { "loop", S_IFBLK, 7, 0 },
		{ "largest", S_IFCHR, 4095, 1048575 },
		{ "fifo", S_IFIFO, 0, 0 }, { NO_UTF8, S_IFCHR, 1, 5 },
	};
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	CLEANUP(cleanup_close) int at = make_dir(root, "special");
	CLEANUP(cleanup_close) int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	size_t i;

	for (i = 0; i < sizeof nodes / sizeof nodes[0]; i++)
		if (at < 0 || mknodat(at, nodes[i].name, nodes[i].type | 0640,
		    makedev(nodes[i].major, nodes[i].minor)) < 0)
			return fail("mknod", nodes[i].name);
	(void)snprintf(address.sun_path, sizeof address.sun_path,
	    "/proc/self/fd/%d/socket", at);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&address,
	    sizeof address) < 0)
		return fail("bind", "socket");
	return 0;
}

int
nasty_tree_build(const char *dir, bool over_path_max)
{
	CLEANUP(cleanup_close) int root = make_dir(AT_FDCWD, dir);
	mode_t mask = umask(0);
	char name[256];
	int rc;

	memset(name, 'o', 255);
	name[255] = '\0';
	rc = root < 0 || make_names(root) < 0 || make_edges(root) < 0 ||
	    make_sizes(root) < 0 || make_long(root) < 0 ||
	    make_links(root) < 0 || make_holes(root) < 0 ||
	    make_times(root) < 0 || make_owners(root) < 0 ||
	    make_attributes(root) < 0 || make_acls(root) < 0 ||
	    make_special(root) < 0 ? -1 : 0;
	if (rc == 0 && over_path_max)
		rc = make_nested_kinds(root, "over", name, 20);
	(void)umask(mask);
	return rc == 0 ? set_time(root, ".", 1234567890, 987654321) : -1;
}
