#define _GNU_SOURCE
#include "test/unit/mutator.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define PATHS_MAX 2000
#define PATH_BYTES 512

/* What nftw found: it takes no cookie. */
static char paths[PATHS_MAX][PATH_BYTES];
static mode_t types[PATHS_MAX];
static size_t n_paths;

static unsigned
below(struct mutator *mutator, unsigned n)
{
	/* xorshift64*: the same everywhere. */
	uint64_t x = mutator->state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	mutator->state = x;
	return (unsigned)((x * UINT64_C(0x2545f4914f6cdd1d)) >> 33) % n;
}

static int
found(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)type;
	if (ftw->level == 0 || n_paths == PATHS_MAX ||
	    strlen(path) > PATH_BYTES - 64)
		return 0;
	(void)snprintf(paths[n_paths], PATH_BYTES, "%s", path);
	types[n_paths++] = st->st_mode & S_IFMT;
	return 0;
}

/* Something of this type (0: of any) in the tree, or NULL. Ordered by name, so
 * that it does not depend on the file system. */
static const char *
pick(struct mutator *mutator, mode_t type)
{
	const char *best = NULL;
	size_t i, n = 0, at;

	n_paths = 0;
	(void)nftw(mutator->root, found, 16, FTW_PHYS);
	for (i = 0; i < n_paths; i++)
		n += type == 0 || types[i] == type;
	if (n == 0)
		return NULL;
	/* The at-th by name. */
	for (at = below(mutator, (unsigned)n) + 1; at != 0; at--) {
		const char *next = NULL;

		for (i = 0; i < n_paths; i++)
			if ((type == 0 || types[i] == type) &&
			    (best == NULL || strcmp(paths[i], best) > 0) &&
			    (next == NULL || strcmp(paths[i], next) < 0))
				next = paths[i];
		best = next;
	}
	return best;
}

struct picked {
	char path[PATH_BYTES];
};

/* What fails changes nothing, and that is as good. */
static void
may_fail(int rc)
{
	(void)rc;
}

static bool
pick_into(struct mutator *mutator, mode_t type, struct picked *ret)
{
	const char *path = pick(mutator, type);

	if (path == NULL)
		return false;
	if (strlen(path) >= sizeof ret->path)
		return false;
	memcpy(ret->path, path, strlen(path) + 1);
	return true;
}

/* A name in any directory, the root included; often one that is there. */
static void
new_name(struct mutator *mutator, struct picked *ret)
{
	struct picked dir;

	if (below(mutator, 8) == 0 || !pick_into(mutator, S_IFDIR, &dir))
		(void)snprintf(dir.path, sizeof dir.path, "%s",
		    mutator->root);
	if (below(mutator, 2) == 0)
		(void)snprintf(ret->path, sizeof ret->path, "%.400s/f%u",
		    dir.path, below(mutator, 6));
	else
		(void)snprintf(ret->path, sizeof ret->path, "%.400s/new%u",
		    dir.path, mutator->n++);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	(void)remove(path);
	return 0;
}

static void
remove_all(const char *path)
{
	(void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* n random bytes into a file, at an offset; nothing of it is left out: what
 * fails because another thread was faster is a change less. */
static void
write_some(struct mutator *mutator, const char *path, int flags, off_t offset,
    size_t n)
{
	int fd = open(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | flags, 0644);
	char bytes[4096];
	size_t i;

	if (fd < 0)
		return;
	if (n > sizeof bytes)
		n = sizeof bytes;
	for (i = 0; i < n; i++)
		bytes[i] = (char)('a' + below(mutator, 26));
	(void)!pwrite(fd, bytes, n, offset);
	(void)close(fd);
}

static void
rewrite(struct mutator *mutator, const char *path)
{
	struct timespec times[2];
	struct stat st;

	if (lstat(path, &st) < 0 || st.st_size == 0)
		return;
	write_some(mutator, path, 0,
	    (off_t)below(mutator, (unsigned)st.st_size), 1);
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	if (below(mutator, 4) != 0)
		(void)utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW);
}

static void
exchange(struct mutator *mutator, mode_t type)
{
	struct picked a, b;

	if (pick_into(mutator, type, &a) && pick_into(mutator, type, &b))
		(void)renameat2(AT_FDCWD, a.path, AT_FDCWD, b.path,
		    RENAME_EXCHANGE);
}

static void
move(struct mutator *mutator, mode_t type)
{
	struct picked from, to;

	if (!pick_into(mutator, type, &from))
		return;
	new_name(mutator, &to);
	(void)rename(from.path, to.path);
}

/* A copy of what it is, under its name: a hard link less. */
static void
break_link(struct mutator *mutator)
{
	struct picked file, copy;
	char bytes[8192];
	ssize_t n;
	int fd;

	if (!pick_into(mutator, S_IFREG, &file))
		return;
	fd = open(file.path, O_RDONLY | O_NOFOLLOW);
	n = fd < 0 ? -1 : read(fd, bytes, sizeof bytes);
	(void)snprintf(copy.path, sizeof copy.path, "%s.copy",
	    mutator->root);
	if (fd >= 0)
		(void)close(fd);
	fd = open(copy.path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (n >= 0 && fd >= 0 && write(fd, bytes, (size_t)n) == n)
		(void)rename(copy.path, file.path);
	if (fd >= 0)
		(void)close(fd);
}

static void
link_another(struct mutator *mutator)
{
	struct picked from, to;

	if (!pick_into(mutator, below(mutator, 6) == 0 ? S_IFLNK : S_IFREG,
	    &from))
		return;
	new_name(mutator, &to);
	if (below(mutator, 2) == 0)
		(void)unlink(to.path);
	may_fail(linkat(AT_FDCWD, from.path, AT_FDCWD, to.path, 0));
}

static void
file_to_directory(struct mutator *mutator)
{
	struct picked file, inner;

	if (!pick_into(mutator, S_IFREG, &file) || unlink(file.path) < 0 ||
	    mkdir(file.path, 0755) < 0)
		return;
	(void)snprintf(inner.path, sizeof inner.path, "%.400s/f1", file.path);
	write_some(mutator, inner.path, O_CREAT, 0, 100);
}

static void
directory_to_file(struct mutator *mutator)
{
	struct picked dir;

	if (!pick_into(mutator, S_IFDIR, &dir))
		return;
	remove_all(dir.path);
	write_some(mutator, dir.path, O_CREAT, 0, 100);
}

static void
make_symlink(struct mutator *mutator)
{
	struct picked path;
	char target[32];

	if (below(mutator, 2) == 0 || !pick_into(mutator, S_IFLNK, &path))
		new_name(mutator, &path);
	(void)unlink(path.path);
	(void)snprintf(target, sizeof target, "target%u",
	    below(mutator, 1000));
	may_fail(symlink(target, path.path));
}

static void
change_attribute(struct mutator *mutator, const char *path)
{
	char name[32];
	unsigned value = below(mutator, 1000);

	(void)snprintf(name, sizeof name, "%s.a%u",
	    below(mutator, 2) == 0 ? "user" : "trusted", below(mutator, 3));
	if (below(mutator, 3) == 0)
		(void)lremovexattr(path, name);
	else
		(void)lsetxattr(path, name, &value, sizeof value, 0);
}

/* user::rwx, user:1000:rwx, group::r-x, mask::rwx, other::r-x */
static void
change_acl(struct mutator *mutator, const char *path)
{
	unsigned char acl[] = { 2, 0, 0, 0, 1, 0, 7, 0, 255, 255, 255, 255, 2,
		0, 7, 0, 0xe8, 3, 0, 0, 4, 0, 5, 0, 255, 255, 255, 255, 16, 0,
		7, 0, 255, 255, 255, 255, 32, 0, 5, 0, 255, 255, 255, 255 };
	const char *name = below(mutator, 2) == 0 ?
	    "system.posix_acl_access" : "system.posix_acl_default";

	acl[14] = (unsigned char)below(mutator, 8);
	if (below(mutator, 3) == 0)
		(void)lremovexattr(path, name);
	else
		(void)lsetxattr(path, name, acl, sizeof acl, 0);
}

static void
change_time(struct mutator *mutator, const char *path)
{
	struct timespec times[2] = { { 0, UTIME_OMIT },
		{ below(mutator, 2000000000), below(mutator, 1000000000) } };

	(void)utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW);
}

static void
change_owner(struct mutator *mutator, const char *path)
{
	may_fail(lchown(path, below(mutator, 3), below(mutator, 70000)));
}

static void
change_mode(struct mutator *mutator, const char *path)
{
	struct stat st;

	if (lstat(path, &st) == 0 && !S_ISLNK(st.st_mode))
		may_fail(fchmodat(AT_FDCWD, path, below(mutator, 010000), 0));
}

static void
make_something(struct mutator *mutator)
{
	struct picked path;

	new_name(mutator, &path);
	switch (below(mutator, 4)) {
	case 0:
		(void)mkdir(path.path, 0755);
		break;
	case 1:
		(void)mkfifo(path.path, 0640);
		break;
	default:
		write_some(mutator, path.path, O_CREAT | O_TRUNC, 0,
		    below(mutator, 3000));
		break;
	}
}

static void
remove_something(struct mutator *mutator)
{
	struct picked path;

	if (!pick_into(mutator, below(mutator, 6) == 0 ? S_IFDIR : S_IFREG,
	    &path))
		return;
	remove_all(path.path);
	/* Its inode is likely to be used again. */
	if (below(mutator, 2) == 0)
		write_some(mutator, path.path, O_CREAT, 0, 100);
}

static void
truncate_something(struct mutator *mutator)
{
	struct picked path;

	if (pick_into(mutator, S_IFREG, &path))
		may_fail(truncate(path.path, (off_t)below(mutator, 100000)));
}

static void
change_contents(struct mutator *mutator)
{
	struct picked path;

	if (pick_into(mutator, S_IFREG, &path))
		rewrite(mutator, path.path);
}

static void
change_metadata(struct mutator *mutator)
{
	static void (*const changes[])(struct mutator *, const char *) = {
		change_attribute, change_acl, change_time, change_owner,
		change_mode };
	struct picked path;

	/* The root, too. */
	if (below(mutator, 20) == 0 || !pick_into(mutator, 0, &path))
		(void)snprintf(path.path, sizeof path.path, "%s",
		    mutator->root);
	changes[below(mutator, 5)](mutator, path.path);
}

static void
move_file(struct mutator *mutator)
{
	move(mutator, S_IFREG);
}

static void
move_directory(struct mutator *mutator)
{
	move(mutator, S_IFDIR);
}

static void
exchange_files(struct mutator *mutator)
{
	exchange(mutator, S_IFREG);
}

static void
exchange_directories(struct mutator *mutator)
{
	exchange(mutator, S_IFDIR);
}

static void
exchange_anything(struct mutator *mutator)
{
	exchange(mutator, 0);
}

void
mutator_mutate(struct mutator *mutator)
{
	static void (*const changes[])(struct mutator *) = {
		make_something, make_something, make_something,
		remove_something, truncate_something, change_contents,
		change_contents, change_metadata, change_metadata,
		change_metadata, move_file, move_directory, exchange_files,
		exchange_directories, exchange_anything, link_another,
		link_another, break_link, file_to_directory,
		directory_to_file, make_symlink };

	changes[below(mutator, sizeof changes / sizeof changes[0])](mutator);
}

/* 12 directories of 6 files each with equal names, sizes and times. */
void
mutator_build(struct mutator *mutator, unsigned seed, size_t number)
{
	static const struct timespec times[2] = { { 1000, 0 }, { 1000, 0 } };
	char path[PATH_BYTES];
	unsigned i, k;

	*mutator = (struct mutator){ .seed = seed,
		.state = (seed + UINT64_C(1)) * UINT64_C(0x9e3779b97f4a7c15) };
	(void)snprintf(mutator->root, sizeof mutator->root, "tree%zu",
	    number);
	(void)mkdir(mutator->root, 0755);
	for (i = 0; i < 12; i++) {
		(void)snprintf(path, sizeof path, "%s/d%u", mutator->root,
		    i / 3);
		(void)mkdir(path, 0755);
		(void)snprintf(path, sizeof path, "%s/d%u/e%u", mutator->root,
		    i / 3, i % 3);
		(void)mkdir(path, 0755);
		for (k = 0; k < 6; k++) {
			(void)snprintf(path, sizeof path, "%s/d%u/e%u/f%u",
			    mutator->root, i / 3, i % 3, k);
			write_some(mutator, path, O_CREAT, 0, 100);
			(void)utimensat(AT_FDCWD, path, times, 0);
		}
	}
	for (i = 0; i < 10; i++)
		link_another(mutator);
	make_symlink(mutator);
}
