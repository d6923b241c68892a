#define _GNU_SOURCE
#include "lib/stream/repack.h"

#include <string.h>

#include "lib/base/intr.h"
#include "lib/base/str.h"
#include "lib/stream/acl.h"
#include "lib/stream/pax.h"
#include "lib/stream/tar_reader.h"

#define NAME_IN_MESSAGE 200

struct repack {
	const struct repack_settings *settings;
	struct tar_reader *reader;
	struct chan *out;
	struct str name;	/* of the member at hand, plain */
	struct str path;	/* in the new archive */
	struct str link;
	struct str key;		/* of an attribute */
	struct str records;
	struct str header;
	struct repack_result *result;
};

static void
repack_free(struct repack *repack)
{
	tar_reader_free(repack->reader);
	str_free(&repack->name);
	str_free(&repack->path);
	str_free(&repack->link);
	str_free(&repack->key);
	str_free(&repack->records);
	str_free(&repack->header);
}

static void
tell(struct repack *repack, const char *name, const char *why)
{
	CLEANUP(str_free) struct str text = STR_INIT;
	const struct repack_settings *settings = repack->settings;

	repack->result->problems++;
	str_addf(&text, "'%.*s' %s", NAME_IN_MESSAGE, name, why);
	if (settings->problem != NULL)
		settings->problem(settings->cookie, text.failed ? why :
		    text.s);
}

/* --- names --------------------------------------------------------------- */

/* No slash at its ends, no empty component, no ".". */
static int
make_plain(const char *name, struct str *ret, struct err *err)
{
	const char *at = name;

	ret->len = 0;
	str_add(ret, "");
	while (*at != '\0') {
		size_t n = strcspn(at, "/");

		if (n == 2 && at[0] == '.' && at[1] == '.')
			return err_set(err, ERR_SOURCE, "a name in the archive "
			    "leads out of it: '%.*s'", NAME_IN_MESSAGE, name);
		if (n != 0 && !(n == 1 && at[0] == '.')) {
			str_add(ret, ret->len == 0 ? "" : "/");
			str_addn(ret, at, n);
		}
		at += n + (at[n] == '/');
	}
	return ret->failed ? err_nomem(err) : 0;
}

/* *ret is the name in the new archive; *ret_is_in is false if it has none. */
static int
rename_it(const struct repack_settings *settings, const struct str *name,
    struct str *ret, bool *ret_is_in, struct err *err)
{
	size_t n = strlen(settings->member);
	const char *rest = name->s + n;

	*ret_is_in = n == 0 || (strncmp(name->s, settings->member, n) == 0 &&
	    (*rest == '\0' || *rest == '/'));
	if (!*ret_is_in)
		return 0;
	rest += *rest == '/';
	ret->len = 0;
	str_add(ret, settings->as);
	str_add(ret, *rest != '\0' ? "/" : "");
	str_add(ret, rest);
	return ret->failed ? err_nomem(err) : 0;
}

/* --- one member ---------------------------------------------------------- */

/* Others know ACLs only as what the kernel keeps. */
static const struct {
	const char *key;
	const char *attribute;
} acls[] = {
	{ "SCHILY.acl.access", "system.posix_acl_access" },
	{ "SCHILY.acl.default", "system.posix_acl_default" },
};

/* Names are those of another host. */
static bool
find_nobody(const char *name, bool is_group, uint32_t *ret)
{
	(void)name;
	(void)is_group;
	(void)ret;
	return false;
}

/* An access ACL says what the mode is: the tar's reader may have taken the
 * group's entry for the group's bits, which are the mask's. */
static int
copy_acl(struct repack *repack, const struct tar_record *record,
    uint32_t *mode, struct err *err)
{
	CLEANUP(str_free) struct str text = STR_INIT;
	CLEANUP(str_free) struct str value = STR_INIT;
	struct acl_mode acl;
	size_t i;

	for (i = 0; i < sizeof acls / sizeof *acls; i++) {
		if (!tar_record_is(record, acls[i].key))
			continue;
		if (tar_record_text(record, &text, err) < 0)
			return -1;
		acl.kept = *mode & 0707;
		if (!acl_value(&value, text.s, find_nobody, &acl))
			tell(repack, repack->name.s, "has an ACL that cannot "
			    "be read: it is left out");
		else if (!value.failed)
			pax_add_xattr(&repack->records, acls[i].attribute,
			    value.s, value.len);
		if (value.failed)
			return err_nomem(err);
		if (i == 0)
			*mode = (*mode & 07000) | acl.kept;
	}
	return 0;
}

static int
copy_records(struct repack *repack, struct tar_records records,
    uint32_t *mode, struct err *err)
{
	struct tar_record record;

	repack->records.len = 0;
	str_add(&repack->records, "");
	for (;;) {
		if (tar_records_next(&records, &record, err) < 0)
			return -1;
		if (record.key == NULL)
			break;
		tar_record_attribute(&record, &repack->key);
		if (repack->key.len != 0)
			pax_add_xattr(&repack->records, repack->key.s,
			    record.value, record.n);
		else if (copy_acl(repack, &record, mode, err) < 0)
			return -1;
	}
	return repack->records.failed || repack->key.failed ?
	    err_nomem(err) : 0;
}

static int
put_padding(struct repack *repack, uint64_t bytes, struct err *err)
{
	static const char zeros[PAX_BLOCK_BYTES];

	return chan_write(repack->out, zeros, pax_padding(bytes), err);
}

/* What the header says is what the reader gives, or an error of its own. */
static int
put_content(struct repack *repack, const struct pax_member *head,
    struct err *err)
{
	uint64_t promised = head->size, sum = 0, offset;
	const void *bytes;
	size_t n, i;

	if (head->map != NULL)
		for (i = 0, promised = 0; i < head->map->n; i++)
			promised += head->map->v[i].bytes;
	for (;;) {
		if (intr_check(err) < 0 || tar_reader_data(repack->reader,
		    &bytes, &n, &offset, err) < 0)
			return -1;
		if (n == 0)
			break;
		sum += n;
		if (sum > promised)
			break;
		if (chan_write(repack->out, bytes, n, err) < 0)
			return -1;
	}
	if (sum != promised)
		return err_set(err, ERR_SOURCE, "the archive is damaged: '%.*s'"
		    " has another length than it says", NAME_IN_MESSAGE,
		    repack->name.s);
	repack->result->files++;
	repack->result->raw_bytes += head->size;
	return put_padding(repack, promised, err);
}

static int
put_member(struct repack *repack, const struct pax_member *from,
    struct tar_records records, struct err *err)
{
	struct pax_member head = *from;

	if (head.type == PAX_DIRECTORY)
		str_add(&repack->path, "/");
	if (repack->path.failed)
		return err_nomem(err);
	if (copy_records(repack, records, &head.mode, err) < 0)
		return -1;
	head.path = repack->path.s;
	if (head.type == PAX_HARD_LINK)
		head.link = repack->link.s;
	else
		head.records = &repack->records;
	repack->header.len = 0;
	pax_header(&repack->header, &head);
	if (repack->header.failed)
		return err_nomem(err);
	if (chan_write(repack->out, repack->header.s, repack->header.len,
	    err) < 0)
		return -1;
	repack->result->members++;
	return head.type == PAX_FILE ? put_content(repack, &head, err) : 0;
}

/* NULL, or why it cannot be in the new archive. */
static int
find_obstacle(struct repack *repack, const struct pax_member *head,
    const char **ret, struct err *err)
{
	CLEANUP(str_free) struct str plain = STR_INIT;
	bool is_in = true;

	*ret = NULL;
	if (head->type == PAX_HARD_LINK && (make_plain(head->link, &plain,
	    err) < 0 || rename_it(repack->settings, &plain, &repack->link,
	    &is_in, err) < 0))
		return -1;
	if (!is_in)
		*ret = "is left out: it is a hard link to a file of another "
		    "source";
	else if (repack->path.len >= PAX_PATH_MAX - 1 ||
	    repack->link.len >= PAX_PATH_MAX)
		*ret = "is left out: its path is too long";
	return 0;
}

static int
see_member(struct repack *repack, const struct pax_member *head,
    struct tar_records records, struct err *err)
{
	const char *obstacle;
	bool is_in;

	repack->link.len = 0;
	if (make_plain(head->path, &repack->name, err) < 0 ||
	    rename_it(repack->settings, &repack->name, &repack->path, &is_in,
	    err) < 0)
		return -1;
	if (!is_in)
		return 0;
	if (find_obstacle(repack, head, &obstacle, err) < 0)
		return -1;
	if (obstacle == NULL)
		return put_member(repack, head, records, err);
	tell(repack, repack->name.s, obstacle);
	return 0;
}

/* --- the whole ----------------------------------------------------------- */

static int
put_end(struct repack *repack, struct err *err)
{
	static const char zeros[PAX_END_BYTES];

	if (chan_write(repack->out, zeros, sizeof zeros, err) < 0)
		return -1;
	return chan_finish(repack->out, err);
}

int
repack_stage(const struct repack_settings *settings, struct chan *in,
    struct chan *out, struct repack_result *ret, struct err *err)
{
	CLEANUP(repack_free) struct repack repack = { .settings = settings,
		.out = out, .result = ret };
	struct tar_records records;
	struct pax_member head;
	bool more;

	*ret = (struct repack_result){ 0 };
	if (tar_reader_new(in, &repack.reader, err) < 0)
		return -1;
	for (;;) {
		if (intr_check(err) < 0 || tar_reader_next(repack.reader,
		    &head, &records, &more, err) < 0)
			return -1;
		if (!more)
			break;
		if (see_member(&repack, &head, records, err) < 0)
			return -1;
	}
	return put_end(&repack, err);
}
