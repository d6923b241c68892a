#define _GNU_SOURCE
#include "lib/stream/stage_entry.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* No single write is on its way for longer. */
#define WRITE_LASTS_S 600

bool
stage_entry_is_fresh(const struct stat *st, const struct timespec *now)
{
	const struct timespec *at = &st->st_ctim;

	return at->tv_sec > now->tv_sec - 1 ||
	    (at->tv_sec == now->tv_sec - 1 && at->tv_nsec >= now->tv_nsec);
}

/* With all three flags the pages that are being written already and dirty once
 * more are written again. A search for data takes the lock that ext4 and btrfs
 * hold while they write; others hold it against readers, too. */
static int
wait_for_writers(int fd, struct stat *st, const struct timespec *now)
{
	(void)sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WAIT_BEFORE |
	    SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
	if (st->st_ctim.tv_sec > now->tv_sec - WRITE_LASTS_S)
		(void)lseek(fd, 0, SEEK_DATA);
	return fstat(fd, st);
}

enum member_opened
stage_entry_open(struct stage_entry *entry, int dirfd, const char *name,
    mode_t type, bool follow, bool settle, int *ret_fd)
{
	struct stat *st = &entry->member.st;
	enum member_opened opened;
	struct timespec now;

	/* Before anything is looked at: a page that is written to while the
	 * others go to the disk has a ctime from now on. */
	(void)clock_gettime(CLOCK_REALTIME, &now);
	opened = member_open(&entry->member, dirfd, name, type, follow,
	    ret_fd);
	if (opened != MEMBER_OPENED)
		return opened;
	if (settle && S_ISREG(type) &&
	    wait_for_writers(*ret_fd, st, &now) < 0)
		return MEMBER_UNREADABLE;
	entry->changed = stage_entry_is_fresh(st, &now);
	return MEMBER_OPENED;
}

/* Both are open; the content goes first, because it takes capabilities and
 * times. */
static int
fill(struct stage_entry *entry, int fd, const struct stage_target *to,
    struct err *err)
{
	struct stat before = entry->member.st, after;

	if (stage_content_copy(&entry->content, fd, to->fd, &before,
	    entry->attr.value, sizeof entry->attr.value, err) < 0)
		return -1;
	stage_attr_copy(&entry->attr, fd, &before, to);
	if (fstat(fd, &after) < 0)
		after = (struct stat){ .st_size = before.st_size };
	if (after.st_size != before.st_size ||
	    after.st_ctim.tv_sec != before.st_ctim.tv_sec ||
	    after.st_ctim.tv_nsec != before.st_ctim.tv_nsec)
		entry->changed = true;
	if (entry->content.end == CONTENT_WHOLE &&
	    after.st_size != before.st_size)
		entry->content.end = after.st_size > before.st_size ?
		    CONTENT_GREW : CONTENT_SHRANK;
	return 0;
}

static int
make_file(struct stage_entry *entry, int fd, int dirfd, const char *name,
    struct err *err)
{
	CLEANUP(cleanup_close) int to = openat(dirfd, name,
	    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	struct stage_target target = { dirfd, name, to };

	if (to < 0)
		return err_sys(err, "cannot make the copy");
	return fill(entry, fd, &target, err);
}

/* A symbolic link, a device node or a FIFO; -1 with errno. */
static int
make_node(struct stage_entry *entry, int fd, int dirfd, const char *name)
{
	const struct stat *st = &entry->member.st;
	char *target = entry->attr.value;
	ssize_t n;

	if (!S_ISLNK(st->st_mode))
		return mknodat(dirfd, name, (st->st_mode & S_IFMT) | 0600,
		    st->st_rdev);
	n = readlinkat(fd, "", target, sizeof entry->attr.value - 1);
	if (n < 0) {
		errno = EPERM;		/* not to be had, as a device */
		return -1;
	}
	target[n] = '\0';
	return symlinkat(target, dirfd, name);
}

static int
make_special(struct stage_entry *entry, int fd, int dirfd, const char *name,
    bool *ret_made, struct err *err)
{
	struct stage_target target = { dirfd, name, -1 };
	CLEANUP(cleanup_close) int to = -1;

	if (make_node(entry, fd, dirfd, name) < 0) {
		if (errno != EPERM)
			return err_sys(err, "cannot make the copy");
		str_add(&entry->attr.problem, "cannot be staged: Operation "
		    "not permitted");
		*ret_made = false;
		return 0;
	}
	to = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (to < 0)
		return err_sys(err, "cannot open the copy");
	target.fd = to;
	stage_attr_copy(&entry->attr, fd, &entry->member.st, &target);
	return 0;
}

int
stage_entry_make(struct stage_entry *entry, int fd, int dirfd,
    const char *name, bool *ret_made, struct err *err)
{
	int rc;

	*ret_made = true;
	entry->attr.problem.len = 0;
	entry->content.end = CONTENT_WHOLE;
	entry->content.bytes = 0;
	rc = S_ISREG(entry->member.st.st_mode) ?
	    make_file(entry, fd, dirfd, name, err) :
	    make_special(entry, fd, dirfd, name, ret_made, err);
	if (rc == 0 && entry->attr.problem.failed)
		return err_nomem(err);
	if (rc < 0 && (err->kind == ERR_EXISTS || err->kind == ERR_NOTFOUND))
		err->kind = ERR_SYSTEM;
	return rc;
}

void
stage_entry_free(struct stage_entry *entry)
{
	member_free(&entry->member);
	stage_attr_free(&entry->attr);
	sparse_free(&entry->content.sparse);
}
