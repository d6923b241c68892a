/*
 * extract: a member's name is cleaned, its place asked for, and the member put
 * there: a directory by extract_dirs, anything else by extract_entry.
 */
#define _GNU_SOURCE
#include "lib/stream/extract.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/intr.h"
#include "lib/stream/extract_entry.h"
#include "lib/stream/extract_work.h"
#include "lib/stream/walk.h"

#define SHOWN_MAX 400

const char *
extract_shown(struct extract *x, const char *name)
{
	char cut[SHOWN_MAX + 4];

	x->shown.len = 0;
	(void)snprintf(cut, sizeof cut, "%.*s%s", SHOWN_MAX, name,
	    strlen(name) > SHOWN_MAX ? "..." : "");
	str_add(&x->shown, name[0] == '\0' ? "." : cut);
	return x->shown.failed ? "?" : x->shown.s;
}

void
extract_problem(struct extract *x, const char *fmt, ...)
{
	char text[ERR_MSG_BYTES * 2];
	va_list args;

	if (x->result.problems++ >= EXTRACT_PROBLEMS_MAX ||
	    x->settings->problem == NULL)
		return;
	va_start(args, fmt);
	(void)vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	x->settings->problem(x->settings->cookie, text);
}

/* Of the whole file system, not of one name in it. */
static bool
ends_all(int error)
{
	switch (error) {
	case ENOSPC:
	case EDQUOT:
	case ENOMEM:
	case EIO:
	case EROFS:
	case EMFILE:
	case ENFILE:
	case ESTALE:
	case ENOTCONN:
		return true;
	default:
		return false;
	}
}

int
extract_failed(struct extract *x, const char *verb, const char *name,
    struct err *err)
{
	int error = errno;
	const char *shown = extract_shown(x, name);

	errno = error;
	if (ends_all(error))
		return err_sys(err, "cannot %s '%s'", verb, shown);
	if (error == EEXIST)
		extract_problem(x, "'%s' is there already, and is kept",
		    shown);
	else
		extract_problem(x, "cannot %s '%s': %s", verb, shown,
		    strerror(error));
	return 0;
}

int
extract_blocked(struct extract *x, int dir, const char *entry, struct err *err)
{
	const char *shown = extract_shown(x, x->name.s);
	struct stat st;

	if (fstatat(dir, entry, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return extract_failed(x, "make", x->name.s, err);
	if (S_ISLNK(st.st_mode) && (x->made.full ||
	    extract_made_has(&x->made, &st)))
		return err_set(err, ERR_SOURCE, "its archive leads out by a "
		    "symbolic link: '%s'", shown);
	extract_problem(x, "cannot make '%s': a part of its name is there "
	    "already, as %s", shown, S_ISLNK(st.st_mode) ?
	    "a symbolic link" : "something else than a directory");
	return 0;
}

static bool
is(const char *component, size_t n, const char *name)
{
	return n == strlen(name) && memcmp(component, name, n) == 0;
}

static int
clean(struct extract *x, const char *name, struct str *ret, struct err *err)
{
	const char *at = name;

	ret->len = 0;
	str_add(ret, "");
	while (*at != '\0') {
		size_t n = strcspn(at, "/");

		if (is(at, n, ".."))
			return err_set(err, ERR_SOURCE, "a name in its "
			    "archive leads out of it: '%s'",
			    extract_shown(x, name));
		if (n != 0 && !is(at, n, ".")) {
			str_add(ret, ret->len == 0 ? "" : "/");
			str_addn(ret, at, n);
		}
		at += n;
		at += strspn(at, "/");
	}
	return ret->failed ? err_nomem(err) : 0;
}

static int
ask_place(struct extract *x, const char *name, struct extract_place *ret,
    struct err *err)
{
	*ret = (struct extract_place){ -1, "" };
	if (x->settings->place(x->settings->cookie, name, ret, err) < 0)
		return -1;
	if (ret->dir >= 0 && walk_leads_out(ret->path))
		return err_set(err, ERR_SOURCE, "the place of '%s' is no "
		    "place below a directory", extract_shown(x, name));
	return 0;
}

/* A limit is for content with its holes: so it is counted when archives are
 * made. */
static int
count_bytes(struct extract *x, const struct pax_member *member,
    struct err *err)
{
	uint64_t max = x->settings->bytes_max;

	if (max != 0 && member->size > max - x->bytes)
		return err_set(err, ERR_SOURCE, "its archive has more content "
		    "than the %" PRIu64 " bytes that belong to it", max);
	if (member->size > UINT64_MAX - x->bytes)
		return err_set(err, ERR_SOURCE, "its archive is damaged");
	x->bytes += member->size;
	return 0;
}

static void
count_made(struct extract *x, const struct pax_member *member)
{
	x->result.members++;
	if (x->settings->progress != NULL)
		atomic_fetch_add_explicit(&x->settings->progress->members, 1,
		    memory_order_relaxed);
	if (member->type != PAX_FILE)
		return;
	x->result.files++;
	x->result.raw_bytes += member->size;
}

static int
put_link(struct extract *x, bool *ret_ok, struct err *err)
{
	struct extract_place target;

	if (ask_place(x, x->link.s, &target, err) < 0)
		return -1;
	if (target.dir >= 0)
		return extract_entry_link(x, &target, ret_ok, err);
	*ret_ok = false;
	extract_problem(x, "cannot make '%s': it is a hard link to a member "
	    "that is not wanted", extract_shown(x, x->name.s));
	return 0;
}

static int
put(struct extract *x, const struct pax_member *member,
    struct tar_records records, struct err *err)
{
	bool ok = false;
	int rc;

	if (member->type == PAX_HARD_LINK) {
		rc = put_link(x, &ok, err);
	} else {
		if (count_bytes(x, member, err) < 0 ||
		    extract_meta_read(&x->meta, member, records, err) < 0)
			return -1;
		rc = member->type == PAX_DIRECTORY ?
		    extract_dirs_put(x, &ok, err) :
		    extract_entry_put(x, member, &ok, err);
	}
	if (rc == 0 && ok)
		count_made(x, member);
	return rc;
}

static bool
is_too_long(struct extract *x)
{
	if (x->name.len < PAX_PATH_MAX && x->target.len < PAX_PATH_MAX)
		return false;
	extract_problem(x, "cannot make '%s': its name is too long",
	    extract_shown(x, x->name.s));
	return true;
}

static int
see_member(struct extract *x, const struct pax_member *member,
    struct tar_records records, struct err *err)
{
	x->result.seen++;
	if (clean(x, member->path, &x->name, err) < 0 ||
	    (member->type == PAX_HARD_LINK &&
	    clean(x, member->link, &x->link, err) < 0) ||
	    ask_place(x, x->name.s, &x->place, err) < 0)
		return -1;
	if (x->place.dir < 0)
		return 0;
	/* The next question takes the answer away. */
	x->target.len = 0;
	str_add(&x->target, x->place.path);
	if (x->target.failed)
		return err_nomem(err);
	x->place.path = x->target.s;
	return is_too_long(x) ? 0 : put(x, member, records, err);
}

static int
see_all(struct extract *x, struct err *err)
{
	struct tar_records records;
	struct pax_member member;
	bool more;

	for (;;) {
		if (intr_check(err) < 0 || tar_reader_next(x->reader, &member,
		    &records, &more, err) < 0)
			return -1;
		if (!more)
			return 0;
		if (see_member(x, &member, records, err) < 0)
			return -1;
	}
}

static void
extract_end(struct extract *x)
{
	tar_reader_free(x->reader);
	extract_dirs_free(&x->dirs);
	extract_made_free(&x->made);
	extract_meta_free(&x->meta);
	str_free(&x->name);
	str_free(&x->link);
	str_free(&x->target);
	str_free(&x->shown);
}

/* However it ends, directories are not left as they are while we work. */
int
extract_stage(const struct extract_settings *settings, struct chan *in,
    struct extract_result *ret, struct err *err)
{
	CLEANUP(extract_end) struct extract x = { .settings = settings,
		.dirs = EXTRACT_DIRS_INIT };
	struct err other = ERR_INIT;
	int rc = -1;

	if (tar_reader_new(in, &x.reader, err) == 0)
		rc = see_all(&x, err);
	if (extract_dirs_leave(&x, rc < 0 ? &other : err) < 0)
		rc = -1;
	*ret = x.result;
	return rc;
}
