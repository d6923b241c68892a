#include "lib/stream/pax.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct header {		/* POSIX.1-1988, ustar */
	char name[100];
	char mode[8];
	char uid[8];
	char gid[8];
	char size[12];
	char mtime[12];
	char checksum[8];
	char type;
	char link[100];
	char magic[6];
	char version[2];
	char uname[32];		/* empty: names belong to the host */
	char gname[32];
	char dev_major[8];
	char dev_minor[8];
	char prefix[155];
	char unused[12];
};

_Static_assert(sizeof(struct header) == PAX_BLOCK_BYTES, "ustar header");

/* The largest that a field of 8 or 12 bytes holds, in octal with a NUL. */
#define MAX_8 UINT64_C(07777777)
#define MAX_12 UINT64_C(077777777777)

enum place {		/* where a name is told in full */
	IN_HEADER,	/* the ustar header itself */
	IN_RECORD,	/* a pax record */
	IN_LONG		/* a LongLink block */
};

size_t
pax_padding(uint64_t bytes)
{
	return (size_t)(-bytes % PAX_BLOCK_BYTES);
}

static void
add_zeros(struct str *s, size_t n)
{
	static const char zeros[PAX_BLOCK_BYTES];

	str_addn(s, zeros, n);
}

/* A number too large for its field is told by a record; the field then holds
 * the largest it can: an id that a reader ignores must not become root. */
static void
set_octal(char *field, size_t width, uint64_t value)
{
	uint64_t max = width == 8 ? MAX_8 : MAX_12;
	size_t i;

	if (value > max)
		value = max;
	field[width - 1] = '\0';
	for (i = width - 1; i-- > 0; value >>= 3)
		field[i] = (char)('0' + (value & 7));
}

#define SET(field, value) set_octal(field, sizeof(field), value)

static void
seal(struct header *h)
{
	const unsigned char *bytes = (const unsigned char *)h;
	unsigned sum = 0;
	size_t i;

	memcpy(h->magic, "ustar", sizeof h->magic);
	memcpy(h->version, "00", sizeof h->version);
	memset(h->checksum, ' ', sizeof h->checksum);
	for (i = 0; i < sizeof *h; i++)
		sum += bytes[i];
	/* Six digits, a NUL, a blank: the one form that all agree on. */
	set_octal(h->checksum, 7, sum);
}

static void
add_header(struct str *ret, struct header *h)
{
	seal(h);
	str_addn(ret, h, sizeof *h);
}

static size_t
digits(uint64_t n)
{
	size_t count = 1;

	for (; n >= 10; n /= 10)
		count++;
	return count;
}

/* "LENGTH KEY=VALUE\n", where LENGTH counts all of it, itself included. */
static void
add_record(struct str *s, const char *key, const void *value, size_t n)
{
	size_t rest = strlen(key) + n + 3;
	size_t total = rest + digits(rest);
	char length[24];

	total = rest + digits(total);
	(void)snprintf(length, sizeof length, "%zu ", total);
	str_add(s, length);
	str_add(s, key);
	str_addn(s, "=", 1);
	str_addn(s, value, n);
	str_addn(s, "\n", 1);
}

static void
add_text(struct str *s, const char *key, const char *value)
{
	add_record(s, key, value, strlen(value));
}

static void
add_number(struct str *s, const char *key, uint64_t value)
{
	char text[24];

	(void)snprintf(text, sizeof text, "%" PRIu64, value);
	add_text(s, key, text);
}

/* A decimal fraction: half a second before 1970 is -0.5, not -1 + 0.5. */
static void
add_mtime(struct str *s, int64_t seconds, uint32_t ns)
{
	bool negative = seconds < 0;
	uint64_t whole = negative ? -(uint64_t)seconds : (uint64_t)seconds;
	char text[40];
	size_t n;

	if (negative && ns != 0) {
		whole--;
		ns = UINT32_C(1000000000) - ns;
	}
	(void)snprintf(text, sizeof text, "%s%" PRIu64 ".%09" PRIu32,
	    negative ? "-" : "", whole, ns);
	n = strlen(text);
	while (text[n - 1] == '0')
		n--;
	if (text[n - 1] == '.')
		n--;
	add_record(s, "mtime", text, n);
}

/* GNU tar turns %3D and %25 back into '=' and '%'. A '%' that it would leave
 * alone stays as it is, for the readers that turn nothing back. */
static void
add_attribute_name(struct str *key, const char *name)
{
	for (; *name != '\0'; name++) {
		if (*name == '=')
			str_add(key, "%3D");
		else if (str_starts(name, "%3D") || str_starts(name, "%25"))
			str_add(key, "%25");
		else
			str_addn(key, name, 1);
	}
}

void
pax_add_xattr(struct str *records, const char *name, const void *value,
    size_t n)
{
	CLEANUP(str_free) struct str key = STR_INIT;

	str_add(&key, "SCHILY.xattr.");
	add_attribute_name(&key, name);
	if (key.failed)
		records->failed = true;
	else
		add_record(records, key.s, value, n);
}

void
pax_add_acl(struct str *records, const char *acl, const char *text)
{
	char key[32];

	(void)snprintf(key, sizeof key, "SCHILY.acl.%s", acl);
	add_text(records, key, text);
}

static bool
is_ascii(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text >= 0x80)
			return false;
	return true;
}

/* The last bytes of a name's last component, without a slash at its end. */
static void
add_end(char *field, size_t room, const char *path)
{
	size_t end = strlen(path), begin;

	while (end != 0 && path[end - 1] == '/')
		end--;
	begin = end;
	while (begin != 0 && path[begin - 1] != '/' && end - begin < room)
		begin--;
	memcpy(field, path + begin, end - begin);
}

/* A stand-in for a name, of at most 100 bytes: see pax.h. The hash is FNV-1a.*/
static void
set_stand_in(char field[100], const char *what, const char *path)
{
	uint64_t hash = UINT64_C(14695981039346656037);
	char text[64];
	const char *p;
	size_t n;

	for (p = path; *p != '\0'; p++)
		hash = (hash ^ (unsigned char)*p) * UINT64_C(1099511628211);
	(void)snprintf(text, sizeof text, "%s.%016" PRIx64 "/", what, hash);
	n = strlen(text);
	memcpy(field, text, n);
	add_end(field + n, 100 - n, path);
}

/* ustar's two fields: prefix, a slash that is not stored, name. */
static bool
set_name(struct header *h, const char *path)
{
	size_t n = strlen(path);
	const char *slash;

	if (n <= sizeof h->name) {
		memcpy(h->name, path, n);
		return true;
	}
	slash = strchr(path + n - sizeof h->name - 1, '/');
	if (slash == NULL || slash == path || slash[1] == '\0' ||
	    (size_t)(slash - path) > sizeof h->prefix)
		return false;
	memcpy(h->prefix, path, (size_t)(slash - path));
	memcpy(h->name, slash + 1, strlen(slash + 1));
	return true;
}

static enum place
place_path(struct header *h, const struct pax_member *member)
{
	bool ascii = is_ascii(member->path);

	if (member->map != NULL && ascii) {
		set_stand_in(h->name, "GNUSparseFile", member->path);
		return IN_RECORD;
	}
	if (set_name(h, member->path))
		return IN_HEADER;
	set_stand_in(h->name, "LongName", member->path);
	return ascii ? IN_RECORD : IN_LONG;
}

static enum place
place_link(struct header *h, const char *link)
{
	size_t n = link == NULL ? 0 : strlen(link);

	if (n <= sizeof h->link) {
		if (n != 0)
			memcpy(h->link, link, n);
		return IN_HEADER;
	}
	/* The same as the stand-in of the member that it may lead to. */
	set_stand_in(h->link, "LongName", link);
	return is_ascii(link) ? IN_RECORD : IN_LONG;
}

/* GNU's block for a name ('L') or a link's target ('K') of any length. */
static void
add_long(struct str *ret, char type, const char *text)
{
	struct header h = { .name = "././@LongLink", .type = type };
	size_t n = strlen(text) + 1;

	SET(h.mode, 0644);
	SET(h.uid, 0);
	SET(h.gid, 0);
	SET(h.size, n);
	SET(h.mtime, 0);
	add_header(ret, &h);
	str_addn(ret, text, n);
	add_zeros(ret, pax_padding(n));
}

/* The map ends with an empty segment where the file ends with a hole: it is
 * what makes GNU tar give the file its size. */
static bool
ends_with_hole(const struct pax_member *member)
{
	const struct pax_map *map = member->map;

	return map->n == 0 || map->v[map->n - 1].offset +
	    map->v[map->n - 1].bytes < member->size;
}

static uint64_t
map_bytes(const struct pax_member *member)
{
	const struct pax_map *map = member->map;
	bool hole = ends_with_hole(member);
	uint64_t n = digits(map->n + hole) + 1;
	size_t i;

	for (i = 0; i < map->n; i++)
		n += digits(map->v[i].offset) + digits(map->v[i].bytes) + 2;
	if (hole)
		n += digits(member->size) + 3;
	return n;
}

static void
add_map(struct str *ret, const struct pax_member *member)
{
	const struct pax_map *map = member->map;
	bool hole = ends_with_hole(member);
	char text[64];
	size_t i;

	(void)snprintf(text, sizeof text, "%zu\n", map->n + hole);
	str_add(ret, text);
	for (i = 0; i < map->n; i++) {
		(void)snprintf(text, sizeof text, "%" PRIu64 "\n%" PRIu64 "\n",
		    map->v[i].offset, map->v[i].bytes);
		str_add(ret, text);
	}
	if (hole) {
		(void)snprintf(text, sizeof text, "%" PRIu64 "\n0\n",
		    member->size);
		str_add(ret, text);
	}
	add_zeros(ret, pax_padding(map_bytes(member)));
}

/* Bytes between this member's header and the next one's, without padding. */
static uint64_t
stored_bytes(const struct pax_member *member)
{
	uint64_t n;
	size_t i;

	if (member->map == NULL)
		return member->size;
	n = map_bytes(member);
	n += pax_padding(n);
	for (i = 0; i < member->map->n; i++)
		n += member->map->v[i].bytes;
	return n;
}

static void
add_records(struct str *s, const struct pax_member *member, enum place path,
    enum place link)
{
	uint64_t stored = stored_bytes(member);

	if (path == IN_RECORD)
		add_text(s, member->map != NULL ? "GNU.sparse.name" : "path",
		    member->path);
	if (link == IN_RECORD)
		add_text(s, "linkpath", member->link);
	if (stored > MAX_12)
		add_number(s, "size", stored);
	if (member->uid > MAX_8)
		add_number(s, "uid", member->uid);
	if (member->gid > MAX_8)
		add_number(s, "gid", member->gid);
	if (member->mtime_ns != 0 || member->mtime_s < 0 ||
	    (uint64_t)member->mtime_s > MAX_12)
		add_mtime(s, member->mtime_s, member->mtime_ns);
	if (member->map != NULL) {
		add_text(s, "GNU.sparse.major", "1");
		add_text(s, "GNU.sparse.minor", "0");
		add_number(s, "GNU.sparse.realsize", member->size);
	}
	if (member->records != NULL && member->records->len != 0)
		str_addn(s, member->records->s, member->records->len);
}

static void
set_numbers(struct header *h, const struct pax_member *member)
{
	SET(h->mode, member->mode & 07777);
	SET(h->uid, member->uid);
	SET(h->gid, member->gid);
	SET(h->mtime, member->mtime_s < 0 ? 0 : (uint64_t)member->mtime_s);
	SET(h->dev_major, member->dev_major);
	SET(h->dev_minor, member->dev_minor);
}

/* The records are appended behind room for their header, which is filled in
 * when their length is known, or taken back when there are none. */
static void
add_extended(struct str *ret, const struct pax_member *member,
    enum place path, enum place link)
{
	static const char directory[] = "PaxHeaders.0/";
	struct header h = { .name = "", .type = 'x' };
	size_t at = ret->len, n;

	add_zeros(ret, sizeof h);
	add_records(ret, member, path, link);
	if (ret->failed)
		return;
	n = ret->len - at - sizeof h;
	if (n == 0) {
		ret->len = at;
		return;
	}
	set_numbers(&h, member);
	SET(h.mode, 0600);
	SET(h.size, n);
	memcpy(h.name, directory, sizeof directory - 1);
	add_end(h.name + sizeof directory - 1,
	    sizeof h.name - (sizeof directory - 1), member->path);
	seal(&h);
	memcpy(ret->s + at, &h, sizeof h);
	add_zeros(ret, pax_padding(n));
}

void
pax_header(struct str *ret, const struct pax_member *member)
{
	struct header h = { .name = "", .type = (char)member->type };
	enum place path = place_path(&h, member);
	enum place link = place_link(&h, member->link);

	if (link == IN_LONG)
		add_long(ret, 'K', member->link);
	if (path == IN_LONG)
		add_long(ret, 'L', member->path);
	add_extended(ret, member, path, link);
	set_numbers(&h, member);
	SET(h.size, stored_bytes(member));
	add_header(ret, &h);
	if (member->map != NULL)
		add_map(ret, member);
}
