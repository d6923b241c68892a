/*
 * pack_tar: the fetching thread, and the way of a member from one archive into
 * the other.
 *
 * A name in the stream is its root's name and a rest. The rest is put behind
 * the source's name in our archive, and behind the name that the user knows.
 * Each name is judged by itself, with all directories that it lies in: the
 * stream's order decides nothing.
 */
#define _GNU_SOURCE
#include "lib/stream/pack_tar.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "lib/base/intr.h"
#include "lib/base/tempfile.h"
#include "lib/stream/pack_state.h"
#include "lib/stream/pax.h"
#include "lib/stream/tar_reader.h"

#define BLOCKS 8
#define ACLS 2		/* kinds of them */

struct feed {		/* the fetching thread's, until it is joined */
	pack_tar_fetch_fn *fetch;
	void *cookie;
	struct chan *chan;
	int rc;
	struct err err;
};

struct intake {
	struct pack *pack;
	const struct pack_source *source;
	struct tar_reader *reader;
	struct str root;	/* the stream's name of its root; "": not yet */
	bool is_directory;	/* the root */
	struct str rest;	/* of the name at hand */
	struct str link;	/* where a hard link leads, in our archive */
	struct str link_shown;
	struct str attribute;	/* of the record at hand; or "" */
	bool has_acl[ACLS];	/* the member at hand, already */
	struct str text;	/* of an ACL, or why a link is left out */
};

enum fate {
	TAKEN,
	EXCLUDED,
	UNSEEN		/* in an excluded directory, or our own temporary */
};

static int
outside(const char *name, struct err *err)
{
	return err_set(err, ERR_SOURCE,
	    "a name in its archive leads out of it: '%s'", name);
}

/* The first component of the first name is the root's. */
static bool
is_root(struct intake *in, const char *name, size_t n)
{
	if (in->root.len == 0)
		str_addn(&in->root, name, n);
	return in->root.len == n && memcmp(in->root.s, name, n) == 0;
}

static bool
is(const char *component, size_t n, const char *name)
{
	return n == strlen(name) && memcmp(component, name, n) == 0;
}

/* in->rest is what follows the root's name, without slashes at its ends. */
static int
find_rest(struct intake *in, const char *name, struct err *err)
{
	const char *at = name + strcspn(name, "/");

	in->rest.len = 0;
	str_add(&in->rest, "");
	if (at == name || is(name, (size_t)(at - name), "..") ||
	    !is_root(in, name, (size_t)(at - name)))
		return outside(name, err);
	while (*at != '\0') {
		size_t n = strcspn(++at, "/");

		if (is(at, n, ".."))
			return outside(name, err);
		if (n != 0 && !is(at, n, ".")) {
			str_add(&in->rest, in->rest.len == 0 ? "" : "/");
			str_addn(&in->rest, at, n);
		}
		at += n;
	}
	return in->rest.failed || in->root.failed ? err_nomem(err) : 0;
}

/* Makes path the name of in->rest in our archive, a directory's with a slash at
 * its end. */
static int
set_path(const struct intake *in, struct str *path, bool is_directory,
    struct err *err)
{
	path->len = 0;
	str_add(path, in->source->member);
	if (path->len != 0 && in->rest.len != 0)
		str_add(path, "/");
	str_addn(path, in->rest.s, in->rest.len);
	if (path->len == 0)
		str_add(path, ".");	/* the root of the archive */
	if (is_directory)
		str_add(path, "/");
	return path->failed ? err_nomem(err) : 0;
}

static enum fate
judge_one(const struct intake *in, const char *shown, const char *name,
    bool last, bool is_directory)
{
	if (str_starts(name, TEMPFILE_PREFIX) ||
	    str_starts(name, STAGE_PREFIX))
		return UNSEEN;
	if (exclude_has(in->pack->exclude, shown, is_directory))
		return last ? EXCLUDED : UNSEEN;
	return TAKEN;
}

/* Makes shown the name of in->rest that the user knows, and judges it as the
 * walk of a directory would: from the root on. */
static int
judge(const struct intake *in, struct str *shown, bool is_directory,
    enum fate *ret, struct err *err)
{
	const char *at = in->rest.s;

	*ret = TAKEN;
	shown->len = 0;
	str_add(shown, in->source->shown);
	while (*at != '\0') {
		size_t n = strcspn(at, "/");
		bool last = at[n] == '\0';

		if (shown->s == NULL || !str_ends(shown->s, "/"))
			str_add(shown, "/");
		str_addn(shown, at, n);
		if (shown->failed)
			return err_nomem(err);
		if (*ret == TAKEN)
			*ret = judge_one(in, shown->s, at, last,
			    !last || is_directory);
		at += n + !last;
	}
	return shown->failed ? err_nomem(err) : 0;
}

/* *ret_obstacle is set where the file that it leads to is left out. */
static int
map_link(struct intake *in, const char *name, const char **ret_obstacle,
    struct err *err)
{
	enum fate fate;

	if (find_rest(in, name, err) < 0 ||
	    judge(in, &in->link_shown, false, &fate, err) < 0 ||
	    set_path(in, &in->link, false, err) < 0)
		return -1;
	if (in->rest.len == 0)
		return outside(name, err);
	if (fate == TAKEN && in->link.len < PAX_PATH_MAX)
		return 0;
	in->text.len = 0;
	str_addf(&in->text, "is a hard link to '%s', which is left out",
	    in->link_shown.s);
	*ret_obstacle = in->text.s;
	return in->text.failed ? err_nomem(err) : 0;
}

/* Both kinds of ACL, and both ways to write one; some tars write both. */
static const struct {
	const char *acl;	/* for pax_add_acl */
	const char *key;	/* of a record: its text */
	const char *attribute;	/* as the kernel has it */
} acls[ACLS] = {
	{ "access", "SCHILY.acl.access", "system.posix_acl_access" },
	{ "default", "SCHILY.acl.default", "system.posix_acl_default" },
};

/* Takes ACLs, the first of each kind. *ret: it was one. */
static int
add_acl(struct intake *in, const struct tar_record *record, bool *ret,
    struct err *err)
{
	bool text, binary;
	size_t i;

	*ret = false;
	for (i = 0; i < ACLS && !*ret; i++) {
		text = tar_record_is(record, acls[i].key);
		binary = strcmp(in->attribute.s, acls[i].attribute) == 0;
		*ret = text || binary;
		if (!*ret || in->has_acl[i])
			continue;
		in->has_acl[i] = true;
		if (text && tar_record_text(record, &in->text, err) < 0)
			return -1;
		if (text)
			member_add_acl(&in->pack->member, acls[i].acl,
			    in->text.s);
		else
			member_add_attribute(&in->pack->member,
			    in->attribute.s, record->value, record->n);
	}
	return 0;
}

static int
add_record(struct intake *in, const struct tar_record *record,
    struct err *err)
{
	bool is_acl;

	tar_record_attribute(record, &in->attribute);
	if (in->attribute.failed)
		return err_nomem(err);
	if (add_acl(in, record, &is_acl, err) < 0)
		return -1;
	if (!is_acl && in->attribute.len != 0)
		member_add_attribute(&in->pack->member, in->attribute.s,
		    record->value, record->n);
	return 0;
}

static int
add_records(struct intake *in, struct tar_records records, struct err *err)
{
	struct member *member = &in->pack->member;
	struct tar_record record;

	member_clear(member);
	memset(in->has_acl, 0, sizeof in->has_acl);
	for (;;) {
		if (tar_records_next(&records, &record, err) < 0)
			return -1;
		if (record.key == NULL)
			break;
		if (add_record(in, &record, err) < 0)
			return -1;
	}
	if (member->records.failed || member->problem.failed)
		return err_nomem(err);
	if (member->problem.len != 0)
		pack_tell(in->pack, PACK_UNREADABLE, member->problem.s);
	return 0;
}

static int
put_bytes(const struct intake *in, const void *bytes, size_t n,
    struct err *err)
{
	struct emit *emit = &in->pack->emit;

	if (intr_check(err) < 0 || chan_write(emit->out, bytes, n, err) < 0)
		return -1;
	if (emit->progress != NULL)
		atomic_fetch_add_explicit(&emit->progress->raw_bytes, n,
		    memory_order_relaxed);
	return 0;
}

static int
put_padding(const struct intake *in, const struct pax_map *map,
    struct err *err)
{
	static const char zeros[PAX_BLOCK_BYTES];
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < map->n; i++)
		sum += map->v[i].bytes;
	return chan_write(in->pack->emit.out, zeros, pax_padding(sum), err);
}

/* The reader must give exactly the bytes that the header promised. */
static int
put_segments(const struct intake *in, const struct pax_map *map,
    struct err *err)
{
	uint64_t offset = 0, done = 0;
	const void *bytes;
	size_t n, i = 0;

	for (;;) {
		if (tar_reader_data(in->reader, &bytes, &n, &offset, err) < 0)
			return -1;
		if (n == 0)
			break;
		if (i == map->n || offset != map->v[i].offset + done ||
		    n > map->v[i].bytes - done)
			return err_set(err, ERR_SOURCE,
			    "its archive has bytes out of place");
		if (put_bytes(in, bytes, n, err) < 0)
			return -1;
		done += n;
		if (done == map->v[i].bytes) {
			done = 0;
			i++;
		}
	}
	if (i != map->n)
		return err_set(err, ERR_SOURCE, "its archive lacks bytes");
	return put_padding(in, map, err);
}

static int
put_content(const struct intake *in, const struct pax_member *head,
    struct err *err)
{
	struct pax_segment whole = { 0, head->size };
	const struct pax_map plain = { &whole, head->size != 0 };
	struct pack_result *result = &in->pack->emit.result;

	if (put_segments(in, head->map != NULL ? head->map : &plain, err) < 0)
		return -1;
	result->files++;
	result->raw_bytes += head->size;
	return 0;
}

static int
put_member(struct intake *in, struct pax_member *head,
    struct tar_records records, struct err *err)
{
	struct pack *pack = in->pack;

	head->path = pack->path.s;
	if (head->type != PAX_HARD_LINK) {
		if (add_records(in, records, err) < 0)
			return -1;
		head->records = &pack->member.records;
	}
	if (emit_header(&pack->emit, head, err) < 0)
		return -1;
	return head->type == PAX_FILE ? put_content(in, head, err) : 0;
}

/* Why a member cannot be written, or NULL; a hard link is mapped. */
static int
find_obstacle(struct intake *in, struct pax_member *head, const char **ret,
    struct err *err)
{
	*ret = NULL;
	if (in->pack->path.len >= PAX_PATH_MAX) {
		*ret = "its path is too long";
	} else if (head->type == PAX_HARD_LINK) {
		if (map_link(in, head->link, ret, err) < 0)
			return -1;
		head->link = in->link.s;
	} else if (head->type == PAX_SYMLINK &&
	    strlen(head->link) >= PAX_PATH_MAX) {
		*ret = "its target is too long";
	}
	return 0;
}

/* The root comes first and once; only a directory has something below it. */
static int
check_order(struct intake *in, const struct pax_member *head, bool first,
    struct err *err)
{
	if (first != (in->rest.len == 0) || (!first && !in->is_directory) ||
	    (first && head->type == PAX_HARD_LINK))
		return err_set(err, ERR_SOURCE, "its archive is not one "
		    "directory or file: '%s' does not belong there",
		    head->path);
	if (first)
		in->is_directory = head->type == PAX_DIRECTORY;
	return 0;
}

static int
see_member(struct intake *in, struct pax_member *head,
    struct tar_records records, struct err *err)
{
	bool first = in->root.len == 0, is_dir = head->type == PAX_DIRECTORY;
	struct pack *pack = in->pack;
	const char *obstacle;
	enum fate fate;

	if (find_rest(in, head->path, err) < 0 ||
	    check_order(in, head, first, err) < 0 ||
	    judge(in, &pack->shown, is_dir, &fate, err) < 0)
		return -1;
	if (fate != TAKEN) {
		pack->emit.result.excluded += fate == EXCLUDED;
		return 0;
	}
	if (set_path(in, &pack->path, is_dir, err) < 0 ||
	    find_obstacle(in, head, &obstacle, err) < 0)
		return -1;
	if (obstacle != NULL) {
		pack_tell(pack, PACK_UNREADABLE, obstacle);
		return 0;
	}
	return put_member(in, head, records, err);
}

static int
take_in(struct intake *in, struct chan *chan, struct err *err)
{
	struct tar_records records;
	struct pax_member head;
	bool more = true;

	if (tar_reader_new(chan, &in->reader, err) < 0)
		return -1;
	for (;;) {
		if (intr_check(err) < 0 || tar_reader_next(in->reader, &head,
		    &records, &more, err) < 0)
			return -1;
		if (!more)
			break;
		if (see_member(in, &head, records, err) < 0)
			return -1;
	}
	if (in->root.len == 0)
		return err_set(err, ERR_SOURCE, "its archive is empty");
	return 0;
}

static void
intake_free(struct intake *in)
{
	tar_reader_free(in->reader);
	str_free(&in->root);
	str_free(&in->rest);
	str_free(&in->link);
	str_free(&in->link_shown);
	str_free(&in->attribute);
	str_free(&in->text);
}

static int
feed_write(void *cookie, const void *bytes, size_t n, struct err *err)
{
	struct feed *feed = cookie;

	return chan_write(feed->chan, bytes, n, err);
}

static void *
feed_thread(void *cookie)
{
	struct feed *feed = cookie;

	feed->rc = feed->fetch(feed->cookie, feed_write, feed, &feed->err);
	if (feed->rc == 0)
		feed->rc = chan_finish(feed->chan, &feed->err);
	if (feed->rc < 0)
		chan_cancel(feed->chan);
	return NULL;
}

/* Whichever side fails first ends the other by cancelling the channel between
 * them, so the other's error is ERR_STREAM. */
static int
run(struct intake *in, struct feed *feed, struct err *err)
{
	pthread_t thread;
	int rc = pthread_create(&thread, NULL, feed_thread, feed);

	if (rc != 0) {
		errno = rc;
		return err_sys(err, "cannot start a thread");
	}
	rc = take_in(in, feed->chan, err);
	if (rc < 0)
		chan_cancel(feed->chan);
	(void)pthread_join(thread, NULL);
	if (rc < 0 && err->kind == ERR_STREAM && feed->rc < 0 &&
	    feed->err.kind != ERR_STREAM && feed->err.kind != ERR_NONE)
		*err = feed->err;
	return rc;
}

int
pack_tar(struct pack *pack, const struct pack_source *source,
    pack_tar_fetch_fn *fetch, void *cookie, struct pack_result *ret,
    struct err *err)
{
	CLEANUP(intake_free) struct intake in = { .pack = pack,
		.source = source };
	CLEANUP(chan_freep) struct chan *chan = NULL;
	struct feed feed = { .fetch = fetch, .cookie = cookie };
	int rc;

	*ret = (struct pack_result){ 0 };
	if (pack_begin(pack, source, err) < 0 ||
	    chan_new(TAR_READER_BLOCK_BYTES, BLOCKS, &chan, err) < 0)
		return -1;
	feed.chan = chan;
	rc = run(&in, &feed, err);
	*ret = pack->emit.result;
	if (rc < 0 && err->kind != ERR_STREAM && err->kind != ERR_INTERRUPTED)
		return err_add(err, "cannot read '%s'", source->shown);
	return rc;
}
