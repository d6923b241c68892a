#define _GNU_SOURCE
#include "lib/stream/acl.h"

#include <endian.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* linux/posix_acl_xattr.h: a version, then entries; little endian. */
#define VERSION 2

struct entry {
	uint16_t tag;
	uint16_t perm;
	uint32_t id;
};

#define USER_OBJ 0x01		/* the owner */
#define GROUP_OBJ 0x04		/* the owning group */
#define MASK 0x10
#define OTHER 0x20
#define NO_ID UINT32_MAX

static const struct {
	uint16_t tag;
	const char *name;
	bool has_id;
} kinds[] = {
	{ USER_OBJ, "user", false },
	{ 0x02, "user", true },
	{ GROUP_OBJ, "group", false },
	{ 0x08, "group", true },
	{ MASK, "mask", false },
	{ OTHER, "other", false },
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

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

struct field {
	const char *at;
	size_t n;
};

#define FIELDS 4	/* what, whom, what they may, whom by number */

/* An entry's parts; false: they are too many. */
static bool
split(const char *at, size_t n, struct field fields[FIELDS], size_t *ret_n)
{
	const char *end = at + n, *stop;

	for (*ret_n = 0; *ret_n < FIELDS; at = stop + 1) {
		stop = memchr(at, ':', (size_t)(end - at));
		if (stop == NULL)
			stop = end;
		fields[*ret_n].at = at;
		fields[(*ret_n)++].n = (size_t)(stop - at);
		if (stop == end)
			return true;
	}
	return false;
}

/* *ret is NO_ID where the field is empty. */
static bool
parse_id(const struct field *field, uint32_t *ret)
{
	uint64_t id = 0;
	size_t i;

	*ret = NO_ID;
	for (i = 0; i < field->n; i++) {
		if (field->at[i] < '0' || field->at[i] > '9' || i == 10)
			return false;
		id = id * 10 + (uint64_t)(field->at[i] - '0');
	}
	if (id >= NO_ID)
		return false;
	if (field->n != 0)
		*ret = (uint32_t)id;
	return true;
}

static bool
parse_perm(const struct field *field, uint16_t *ret)
{
	static const char letters[] = "rwx";
	size_t i;

	*ret = 0;
	if (field->n != 3)
		return false;
	for (i = 0; i < 3; i++) {
		if (field->at[i] == letters[i])
			*ret |= (uint16_t)(4 >> i);
		else if (field->at[i] != '-')
			return false;
	}
	return true;
}

static bool
find_tag(const struct field *name, bool has_id, uint16_t *ret)
{
	size_t i;

	for (i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (kinds[i].has_id == has_id &&
		    strlen(kinds[i].name) == name->n &&
		    memcmp(kinds[i].name, name->at, name->n) == 0) {
			*ret = kinds[i].tag;
			return true;
		}
	return false;
}

static bool
find_id(const struct field *what, const struct field *whom, acl_find_fn *find,
    uint32_t *ret)
{
	char name[ACL_NAME_MAX + 1];

	if (whom->n > ACL_NAME_MAX)
		return false;
	memcpy(name, whom->at, whom->n);
	name[whom->n] = '\0';
	return find(name, what->at[0] == 'g', ret) && *ret != NO_ID;
}

static bool
parse_entry(const char *at, size_t n, acl_find_fn *find, struct entry *ret)
{
	struct field fields[FIELDS];
	size_t n_fields;

	if (!split(at, n, fields, &n_fields) || n_fields < 3 ||
	    !parse_perm(&fields[2], &ret->perm))
		return false;
	if (!parse_id(&fields[n_fields == 4 ? 3 : 1], &ret->id) &&
	    (n_fields == 4 || !find_id(&fields[0], &fields[1], find,
	    &ret->id)))
		return false;
	return find_tag(&fields[0], ret->id != NO_ID, &ret->tag) &&
	    (fields[1].n != 0) == (ret->id != NO_ID);
}

/* The kernel wants them so. */
static int
by_tag(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->tag != y->tag)
		return x->tag < y->tag ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static mode_t
with_group(mode_t mode, mode_t perm)
{
	return (mode & ~(mode_t)070) | perm << 3;
}

/* The group's bits of a mode are the mask's where there is one, which comes
 * behind the group's own. */
static void
add_to_mode(const struct entry *entry, struct acl_mode *mode)
{
	mode_t perm = entry->perm;

	if (entry->tag == USER_OBJ) {
		mode->kept = mode->lost = perm << 6;
	} else if (entry->tag == GROUP_OBJ) {
		mode->kept = with_group(mode->kept, perm);
		mode->lost = with_group(mode->lost, perm);
	} else if (entry->tag == MASK) {
		mode->kept = with_group(mode->kept, perm);
		mode->lost &= ~(mode_t)070 | perm << 3;
	} else if (entry->tag == OTHER) {
		mode->kept |= perm;
		mode->lost |= perm;
	}
}

/* Entries as the machine has them, one after the other. */
static bool
parse(struct str *ret, const char *text, acl_find_fn *find)
{
	struct entry entry;

	while (*text != '\0') {
		size_t all = strcspn(text, ",\n"), n = strcspn(text, ",\n#");
		const char *at = text;

		text += all + (text[all] != '\0');
		for (; n != 0 && is_blank(*at); n--)
			at++;
		while (n != 0 && is_blank(at[n - 1]))
			n--;
		if (n == 0)
			continue;
		if (!parse_entry(at, n, find, &entry))
			return false;
		str_addn(ret, &entry, sizeof entry);
	}
	return ret->len != 0;
}

bool
acl_value(struct str *ret, const char *text, acl_find_fn *find,
    struct acl_mode *ret_mode)
{
	CLEANUP(str_free) struct str entries = STR_INIT;
	const uint32_t version = htole32(VERSION);
	size_t at;

	if (!parse(&entries, text, find))
		return false;
	ret->failed = ret->failed || entries.failed;
	if (entries.failed)
		return true;
	qsort(entries.s, entries.len / sizeof(struct entry),
	    sizeof(struct entry), by_tag);
	*ret_mode = (struct acl_mode){ 0, 0 };
	str_addn(ret, &version, sizeof version);
	for (at = 0; at < entries.len; at += sizeof(struct entry)) {
		struct entry entry;

		memcpy(&entry, entries.s + at, sizeof entry);
		add_to_mode(&entry, ret_mode);
		entry.tag = htole16(entry.tag);
		entry.perm = htole16(entry.perm);
		entry.id = htole32(entry.id);
		str_addn(ret, &entry, sizeof entry);
	}
	return true;
}
