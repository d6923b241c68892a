#include "lib/run/restore_look.h"

#include "lib/stream/tar_reader.h"

struct looking {
	struct restore_look *look;
	uint64_t bytes_max;	/* of all files; 0: no limit */
	uint64_t bytes;
};

static int
tell(const struct restore_look *look, const char *name, struct err *err)
{
	CLEANUP(str_free) struct str line = STR_INIT;

	str_add_visible(&line, name);
	if (line.failed)
		return err_nomem(err);
	look->tell(look->cookie, line.s);
	return 0;
}

static int
take_member(struct looking *l, const struct pax_member *member,
    struct err *err)
{
	CLEANUP(cleanup_free) char *name = NULL;
	struct restore_look *look = l->look;
	bool is_file = member->type == PAX_FILE;

	if (restore_name(member->path, &name, err) < 0)
		return -1;
	l->bytes += is_file ? member->size : 0;
	if (l->bytes_max != 0 && l->bytes > l->bytes_max)
		return err_set(err, ERR_SOURCE, "there is more in it than its "
		    "metadata says");
	if (*name == '\0' || !restore_wants_has(look->wants, name))
		return 0;
	look->members++;
	look->files += is_file;
	look->raw_bytes += is_file ? member->size : 0;
	return look->tell != NULL ? tell(look, name, err) : 0;
}

static int
look_sink(void *cookie, struct chan *in, struct err *err)
{
	CLEANUP(tar_reader_freep) struct tar_reader *reader = NULL;
	struct tar_records records;
	struct pax_member member;
	bool more;

	if (tar_reader_new(in, &reader, err) < 0)
		return -1;
	for (;;) {
		if (tar_reader_next(reader, &member, &records, &more,
		    err) < 0)
			return -1;
		if (!more)
			return 0;
		if (take_member(cookie, &member, err) < 0)
			return -1;
	}
}

int
restore_look_at(const struct restore_source *source,
    struct restore_look *look, struct err *err)
{
	struct looking looking = { .look = look, .bytes_max =
	    source->metadata != NULL ? source->metadata->raw_bytes : 0 };

	look->members = look->files = look->raw_bytes = 0;
	return restore_source_read(source, look_sink, &looking, err);
}
