#define _GNU_SOURCE
#include "lib/stream/extract_entry.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "lib/base/tempfile.h"
#include "lib/stream/extract_content.h"
#include "lib/stream/extract_work.h"

struct entry {		/* of a directory, as it is being made */
	int dir;		/* borrowed */
	const char *name;	/* its own, borrowed */
	char temporary[64];	/* or "" */
	int fd;			/* as extract_meta wants it; -1: not yet */
	bool made;		/* it is there, and is not complete */
};

#define ENTRY_INIT { .dir = -1, .fd = -1 }

static const char *
present_name(const struct entry *entry)
{
	return entry->temporary[0] != '\0' ? entry->temporary : entry->name;
}

static void
entry_abort(struct entry *entry)
{
	if (entry->made)
		(void)unlinkat(entry->dir, present_name(entry), 0);
	cleanup_close(&entry->fd);
}

/* -1 with errno */
static int
use_temporary(struct entry *entry)
{
	uint64_t number;

	if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number)
		return -1;
	(void)snprintf(entry->temporary, sizeof entry->temporary,
	    TEMPFILE_PREFIX "%016" PRIx64, number);
	return 0;
}

static mode_t
type_of(enum pax_type type)
{
	switch (type) {
	case PAX_SYMLINK: return S_IFLNK;
	case PAX_CHAR_DEVICE: return S_IFCHR;
	case PAX_BLOCK_DEVICE: return S_IFBLK;
	case PAX_FIFO: return S_IFIFO;
	default: return S_IFREG;
	}
}

/* Opens what was made without one, and what must be what we made. */
static int
open_made(struct entry *entry, mode_t type)
{
	struct stat st;

	entry->made = true;
	entry->fd = openat(entry->dir, present_name(entry),
	    O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (entry->fd < 0 || fstat(entry->fd, &st) < 0)
		return -1;
	errno = ESTALE;
	return (st.st_mode & S_IFMT) == type ? 0 : -1;
}

/* Under its present name. -1 with errno */
static int
create(struct entry *entry, const struct pax_member *member)
{
	const char *name = present_name(entry);
	mode_t type = type_of(member->type);
	int rc;

	if (type == S_IFREG) {
		entry->fd = openat(entry->dir, name, O_WRONLY | O_CREAT |
		    O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		entry->made = entry->fd >= 0;
		return entry->made ? 0 : -1;
	}
	if (type == S_IFLNK)
		rc = symlinkat(member->link, entry->dir, name);
	else
		rc = mknodat(entry->dir, name, type | 0600,
		    makedev(member->dev_major, member->dev_minor));
	return rc < 0 ? -1 : open_made(entry, type);
}

static int
taken(struct extract *x, bool *ret_ok)
{
	*ret_ok = false;
	extract_problem(x, "'%s' is there already, and is kept",
	    extract_shown(x, x->name.s));
	return 0;
}

/* May what is there be replaced? Then there will be a temporary name. */
static int
find_way(struct extract *x, struct entry *entry, bool *ret_ok, struct err *err)
{
	struct stat st;
	int rc = fstatat(entry->dir, entry->name, &st, AT_SYMLINK_NOFOLLOW);

	*ret_ok = true;
	if (rc < 0 && errno != ENOENT) {
		*ret_ok = false;
		return extract_failed(x, "make", x->name.s, err);
	}
	if (rc == 0 && S_ISDIR(st.st_mode)) {
		*ret_ok = false;
		extract_problem(x, "'%s' is there already, as a directory",
		    extract_shown(x, x->name.s));
		return 0;
	}
	if (!x->settings->overwrite &&
	    (rc < 0 || !extract_made_has(&x->made, &st)))
		return rc < 0 ? 0 : taken(x, ret_ok);
	return use_temporary(entry) < 0 ?
	    err_sys(err, "cannot get random bytes") : 0;
}

/* Where it goes: its directory is the uppermost level. */
static int
find_entry(struct extract *x, struct entry *entry, bool *ret_ok,
    struct err *err)
{
	const char *path = x->place.path, *slash = strrchr(path, '/');

	if (extract_dirs_enter(x, x->place.dir, path,
	    slash == NULL ? 0 : (size_t)(slash - path), ret_ok, err) < 0)
		return -1;
	if (!*ret_ok)
		return 0;
	entry->dir = extract_dirs_top(x)->fd;
	entry->name = slash == NULL ? path : slash + 1;
	if (entry->name[0] != '\0')
		return find_way(x, entry, ret_ok, err);
	*ret_ok = false;
	extract_problem(x, "'%s' is no directory, but its place is one",
	    extract_shown(x, x->name.s));
	return 0;
}

/* A problem is told before anything is made. */
static bool
is_possible(struct extract *x, const struct pax_member *member)
{
	if (x->settings->devices || (member->type != PAX_CHAR_DEVICE &&
	    member->type != PAX_BLOCK_DEVICE))
		return true;
	extract_problem(x, "'%s' is a device: it is not made",
	    extract_shown(x, x->name.s));
	return false;
}

static int
put_meta(struct extract *x, struct entry *entry, mode_t type,
    struct stat *ret_st, struct err *err)
{
	struct extract_meta *meta = &x->meta;
	struct str *problem = &meta->problem;

	extract_meta_owner(&meta->state, entry->fd, problem);
	if (extract_dirs_top(x)->inherits)
		extract_meta_drop(entry->fd, type, problem);
	extract_meta_attributes(meta, entry->fd, type);
	extract_meta_state(&meta->state, entry->fd, type, problem, ret_st);
	if (problem->failed)
		return err_nomem(err);
	if (problem->len != 0)
		extract_problem(x, "cannot put all of '%s' back: %s",
		    extract_shown(x, x->name.s), problem->s);
	return 0;
}

/* Under its own name; it is there for good. */
static int
publish(struct extract *x, struct entry *entry, const struct stat *st,
    bool *ret_ok, struct err *err)
{
	if (entry->temporary[0] != '\0' && renameat(entry->dir,
	    entry->temporary, entry->dir, entry->name) < 0) {
		*ret_ok = false;
		return extract_failed(x, "replace", x->name.s, err);
	}
	entry->made = false;
	extract_made_add(&x->made, st);
	return 0;
}

int
extract_entry_put(struct extract *x, const struct pax_member *member,
    bool *ret_ok, struct err *err)
{
	CLEANUP(entry_abort) struct entry entry = ENTRY_INIT;
	struct stat st;

	*ret_ok = is_possible(x, member);
	if (!*ret_ok)
		return 0;
	if (find_entry(x, &entry, ret_ok, err) < 0)
		return -1;
	if (*ret_ok && create(&entry, member) < 0) {
		*ret_ok = false;
		return extract_failed(x, "make", x->name.s, err);
	}
	if (*ret_ok && member->type == PAX_FILE &&
	    extract_content_put(x, member, entry.fd, ret_ok, err) < 0)
		return -1;
	if (!*ret_ok)
		return 0;
	if (put_meta(x, &entry, type_of(member->type), &st, err) < 0)
		return -1;
	return publish(x, &entry, &st, ret_ok, err);
}

struct target {		/* of a hard link */
	int dir;		/* -1: there is none */
	const char *name;
	struct stat st;
};

static void
target_close(struct target *target)
{
	cleanup_close(&target->dir);
}

static int
not_ours(struct extract *x, bool *ret_ok)
{
	*ret_ok = false;
	extract_problem(x, "cannot make '%s': it is a hard link to what this "
	    "archive has not made here", extract_shown(x, x->name.s));
	return 0;
}

static int
find_target(struct extract *x, const struct extract_place *place,
    struct target *ret, bool *ret_ok, struct err *err)
{
	const char *slash = strrchr(place->path, '/');

	ret->name = slash == NULL ? place->path : slash + 1;
	if (extract_dirs_find(x, place->dir, place->path, slash == NULL ? 0 :
	    (size_t)(slash - place->path), &ret->dir, ret_ok, err) < 0)
		return -1;
	if (!*ret_ok)
		return 0;
	if (ret->dir < 0 || ret->name[0] == '\0' ||
	    fstatat(ret->dir, ret->name, &ret->st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    S_ISDIR(ret->st.st_mode) || !extract_made_has(&x->made, &ret->st))
		return not_ours(x, ret_ok);
	return 0;
}

static bool
is_target(const struct entry *entry, const char *name,
    const struct target *target)
{
	struct stat st;

	return fstatat(entry->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_dev == target->st.st_dev && st.st_ino == target->st.st_ino;
}

/* Names may be moved under our hands: so what we linked to is looked at. */
static int
link_entry(struct extract *x, struct entry *entry,
    const struct target *target, bool *ret_ok, struct err *err)
{
	*ret_ok = false;
	if (linkat(target->dir, target->name, entry->dir, present_name(entry),
	    0) < 0)
		return extract_failed(x, "make", x->name.s, err);
	entry->made = true;
	if (!is_target(entry, present_name(entry), target))
		return not_ours(x, ret_ok);
	*ret_ok = true;
	return publish(x, entry, &target->st, ret_ok, err);
}

int
extract_entry_link(struct extract *x, const struct extract_place *place,
    bool *ret_ok, struct err *err)
{
	CLEANUP(target_close) struct target target = { .dir = -1 };
	CLEANUP(entry_abort) struct entry entry = ENTRY_INIT;

	if (find_entry(x, &entry, ret_ok, err) < 0)
		return -1;
	if (*ret_ok && find_target(x, place, &target, ret_ok, err) < 0)
		return -1;
	/* Two names of one file are not renamed over each other. */
	if (!*ret_ok || is_target(&entry, entry.name, &target))
		return 0;
	return link_entry(x, &entry, &target, ret_ok, err);
}
