#include "lib/stream/walk.h"

#include <string.h>

bool
walk_leads_out(const char *path)
{
	if (*path == '/')
		return true;
	while (*path != '\0') {
		size_t n = strcspn(path, "/");

		if (n == 2 && path[0] == '.' && path[1] == '.')
			return true;
		path += n;
		path += strspn(path, "/");
	}
	return false;
}

static int
read_content(struct tar_reader *reader, struct err *err)
{
	const void *bytes;
	uint64_t offset;
	size_t n;

	do
		if (tar_reader_data(reader, &bytes, &n, &offset, err) < 0)
			return -1;
	while (n != 0);
	return 0;
}

int
walk_stage(struct chan *in, struct progress *progress,
    struct walk_result *ret, struct err *err)
{
	CLEANUP(tar_reader_freep) struct tar_reader *reader = NULL;
	struct walk_result result = { 0 };
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
			break;
		result.members++;
		if (progress != NULL)
			atomic_fetch_add(&progress->members, 1);
		result.outside += walk_leads_out(member.path +
		    strspn(member.path, "/"));
		if (member.type != PAX_FILE)
			continue;
		result.files++;
		result.raw_bytes += member.size;
		if (read_content(reader, err) < 0)
			return -1;
	}
	*ret = result;
	return 0;
}
