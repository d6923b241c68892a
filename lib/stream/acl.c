#define _GNU_SOURCE
#include "lib/stream/acl.h"

#include <endian.h>
#include <inttypes.h>
#include <stdint.h>
#include <string.h>

/* linux/posix_acl_xattr.h: a version, then entries; little endian. */
#define VERSION 2

struct entry {
	uint16_t tag;
	uint16_t perm;
	uint32_t id;
};

static const struct {
	uint16_t tag;
	const char *name;
	bool has_id;
} kinds[] = {
	{ 0x01, "user", false },	/* the owner */
	{ 0x02, "user", true },
	{ 0x04, "group", false },	/* the owning group */
	{ 0x08, "group", true },
	{ 0x10, "mask", false },
	{ 0x20, "other", false },
};

static bool
add_entry(struct str *ret, const struct entry *entry)
{
	unsigned perm = le16toh(entry->perm);
	size_t i = 0;

	while (kinds[i].tag != le16toh(entry->tag))
		if (++i == sizeof kinds / sizeof kinds[0])
			return false;
	str_addf(ret, "%s:", kinds[i].name);
	if (kinds[i].has_id)
		str_addf(ret, "%" PRIu32, le32toh(entry->id));
	str_addf(ret, ":%c%c%c", perm & 4 ? 'r' : '-', perm & 2 ? 'w' : '-',
	    perm & 1 ? 'x' : '-');
	return true;
}

bool
acl_text(struct str *ret, const void *value, size_t n)
{
	const char *p = value;
	size_t before = ret->len, at;
	struct entry entry;
	uint32_t version;

	if (n <= sizeof version || (n - sizeof version) % sizeof entry != 0)
		return false;
	memcpy(&version, p, sizeof version);
	if (le32toh(version) != VERSION)
		return false;
	for (at = sizeof version; at < n; at += sizeof entry) {
		if (at != sizeof version)
			str_add(ret, ",");
		memcpy(&entry, p + at, sizeof entry);
		if (!add_entry(ret, &entry)) {
			ret->len = before;
			return false;
		}
	}
	return true;
}
