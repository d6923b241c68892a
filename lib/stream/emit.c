#define _GNU_SOURCE
#include "lib/stream/emit.h"

#include <stdbool.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "lib/stream/content.h"
#include "lib/stream/pax.h"

static enum pax_type
type_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR: return PAX_DIRECTORY;
	case S_IFLNK: return PAX_SYMLINK;
	case S_IFCHR: return PAX_CHAR_DEVICE;
	case S_IFBLK: return PAX_BLOCK_DEVICE;
	case S_IFIFO: return PAX_FIFO;
	default: return PAX_FILE;
	}
}

int
emit_header(struct emit *emit, const struct pax_member *head, struct err *err)
{
	emit->header.len = 0;
	pax_header(&emit->header, head);
	if (emit->header.failed)
		return err_nomem(err);
	if (chan_write(emit->out, emit->header.s, emit->header.len, err) < 0)
		return -1;
	emit->result.members++;
	if (emit->progress != NULL)
		atomic_fetch_add_explicit(&emit->progress->members, 1,
		    memory_order_relaxed);
	return 0;
}

static void
tell(const struct emit *emit, enum pack_event event, const char *why)
{
	emit->tell(emit->cookie, event, why);
}

static int
put_content(struct emit *emit, int fd, const struct pax_member *head,
    struct err *err)
{
	struct content content = { .out = emit->out,
		.progress = emit->progress };

	if (content_copy(&content, fd, head->size, head->map, err) < 0)
		return -1;
	emit->result.files++;
	emit->result.raw_bytes += head->size;
	switch (content.end) {
	case CONTENT_WHOLE:
		break;
	case CONTENT_GREW:
		tell(emit, PACK_GREW, "grew while it was read");
		break;
	case CONTENT_SHRANK:
		tell(emit, PACK_SHRANK, "shrank while it was read");
		break;
	case CONTENT_UNREADABLE:
		tell(emit, PACK_UNREADABLE, strerror(content.error));
		break;
	}
	return 0;
}

/* Fewer blocks than bytes: holes, or a file system that compresses. */
static int
find_holes(struct emit *emit, int fd, const struct stat *st,
    struct pax_member *head, struct err *err)
{
	bool sparse = false;

	if ((uint64_t)st->st_blocks * 512 < head->size &&
	    sparse_read(&emit->sparse, fd, head->size, &sparse, err) < 0)
		return -1;
	if (sparse)
		head->map = &emit->sparse.map;
	return 0;
}

static bool
has_links(const struct stat *st)
{
	return st->st_nlink > 1 && !S_ISDIR(st->st_mode);
}

/* The first, or only, name of a file. */
static int
put_first(struct emit *emit, const struct member *member, int fd,
    struct pax_member *head, struct err *err)
{
	const struct stat *st = &member->st;

	head->records = &member->records;
	if (head->type == PAX_SYMLINK)
		head->link = member->target.s;
	if (head->type == PAX_FILE) {
		head->size = (uint64_t)st->st_size;
		if (find_holes(emit, fd, st, head, err) < 0)
			return -1;
	}
	/* The link counts only once its first name is in the stream. */
	if (emit_header(emit, head, err) < 0 || (has_links(st) &&
	    links_add(&emit->links, st, head->path, err) < 0))
		return -1;
	if (head->type == PAX_FILE)
		return put_content(emit, fd, head, err);
	return 0;
}

/* Another name: owner, mode and time are said again, for readers that apply
 * them; attributes and bytes are not. */
static int
put_link(struct emit *emit, const struct stat *st, const char *first,
    struct pax_member *head, struct err *err)
{
	head->type = PAX_HARD_LINK;
	head->link = first;
	if (emit_header(emit, head, err) < 0)
		return -1;
	links_met(&emit->links, st);
	return 0;
}

int
emit_member(struct emit *emit, struct member *member, int fd,
    const char *path, struct err *err)
{
	const struct stat *st = &member->st;
	struct pax_member head = {
		.type = type_of(st->st_mode),
		.path = path,
		.mode = st->st_mode,
		.uid = st->st_uid,
		.gid = st->st_gid,
		.mtime_s = st->st_mtim.tv_sec,
		.mtime_ns = (uint32_t)st->st_mtim.tv_nsec,
		.dev_major = major(st->st_rdev),
		.dev_minor = minor(st->st_rdev),
	};
	const char *first = has_links(st) ?
	    links_find(&emit->links, st) : NULL;
	struct err why = ERR_INIT;

	if (first != NULL)
		return put_link(emit, st, first, &head, err);
	if (member_read(member, fd, &why) < 0) {
		if (why.kind == ERR_NOMEM)
			return err_nomem(err);
		tell(emit, PACK_UNREADABLE, why.msg);
		return 0;
	}
	if (member->problem.len != 0)
		tell(emit, PACK_UNREADABLE, member->problem.s);
	return put_first(emit, member, fd, &head, err);
}

void
emit_free(struct emit *emit)
{
	links_free(&emit->links);
	sparse_free(&emit->sparse);
	str_free(&emit->header);
}
