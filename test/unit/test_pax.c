/*
 * pax: every header is taken apart again, byte by byte. That real tars read it
 * is what test_pack shows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/stream/pax.h"

#define LENGTH(array) (sizeof(array) / sizeof *(array))
#define E_ACUTE "\xc3\xa9"

#define TEN "0123456789"
#define FIFTY TEN TEN TEN TEN TEN
#define HUNDRED FIFTY FIFTY

struct blocks {		/* of one member, taken apart */
	char *link;	/* in a K block, or NULL */
	char *path;	/* in an L block, or NULL */
	char *records;	/* of the extended header, or NULL */
	char extended[512];
	char header[512];
	char *map;	/* what follows the header */
	size_t map_len;
};

static void
blocks_free(struct blocks *blocks)
{
	free(blocks->link);
	free(blocks->path);
	free(blocks->records);
	free(blocks->map);
}

static uint64_t
octal(const char *field, size_t width)
{
	char text[16] = "";

	memcpy(text, field, width);
	assert_int_equal(strlen(text), width - 1);
	assert_int_equal(strspn(text, "01234567"), width - 1);
	return strtoull(text, NULL, 8);
}

/* What is so in every header. */
static void
check_header(const char *h)
{
	unsigned sum = 0;
	size_t i;

	assert_memory_equal(h + 257, "ustar\0" "00", 8);
	for (i = 0; i < 512; i++)
		sum += i >= 148 && i < 156 ? ' ' : (unsigned char)h[i];
	assert_int_equal(octal(h + 148, 7), sum);
	assert_int_equal(h[155], ' ');
	for (i = 265; i < 329; i++)
		assert_int_equal(h[i], 0);	/* uname, gname */
	for (i = 500; i < 512; i++)
		assert_int_equal(h[i], 0);
}

/* The data behind a header, with a NUL; moves *at to the next header. */
static char *
data(const struct str *s, size_t *at)
{
	size_t n = (size_t)octal(s->s + *at + 124, 12);
	char *copy = calloc(1, n + 1);
	size_t i;

	assert_non_null(copy);
	assert_true(*at + 512 + n + pax_padding(n) <= s->len);
	memcpy(copy, s->s + *at + 512, n);
	*at += 512 + n;
	for (i = 0; i < pax_padding(n); i++)
		assert_int_equal(s->s[*at + i], 0);
	*at += pax_padding(n);
	return copy;
}

static struct blocks
take_apart(const struct pax_member *member)
{
	struct blocks blocks = { NULL, NULL, NULL, "", "", NULL, 0 };
	CLEANUP(str_free) struct str s = STR_INIT;
	size_t at = 0;
	char type;

	/* Behind something: offsets must not be taken from the beginning. */
	str_addn(&s, "before", 6);
	pax_header(&s, member);
	assert_false(s.failed);
	memmove(s.s, s.s + 6, s.len -= 6);
	assert_int_equal(s.len % 512, 0);
	while (type = s.s[at + 156], check_header(s.s + at),
	    strchr("KLx", type) != NULL) {
		if (type == 'K')
			blocks.link = data(&s, &at);
		if (type == 'L')
			blocks.path = data(&s, &at);
		if (type == 'x') {
			memcpy(blocks.extended, s.s + at, 512);
			blocks.records = data(&s, &at);
		}
	}
	memcpy(blocks.header, s.s + at, 512);
	blocks.map_len = s.len - at - 512;
	blocks.map = malloc(blocks.map_len + 1);
	assert_non_null(blocks.map);
	memcpy(blocks.map, s.s + at + 512, blocks.map_len);
	blocks.map[blocks.map_len] = '\0';
	return blocks;
}

static void
assert_field(const char *field, size_t width, const char *expected)
{
	char text[256] = "";

	memcpy(text, field, width);
	assert_string_equal(text, expected);
}

static void
assert_text(const char *text, const char *expected)
{
	if (expected == NULL)
		assert_null(text);
	else
		assert_string_equal(text == NULL ? "(none)" : text, expected);
}

static void
what_ustar_can_say_is_one_plain_header(void **state)
{
	static const struct {
		struct pax_member member;
		uint64_t size;
	} cases[] = {
		{ { .type = PAX_FILE, .path = "a/b", .mode = 0100644,
		    .uid = 07777777, .gid = 1, .size = 077777777777,
		    .mtime_s = 077777777777 }, 077777777777 },
		{ { .type = PAX_DIRECTORY, .path = "a/", .mode = 041777 }, 0 },
		{ { .type = PAX_SYMLINK, .path = "l", .link = HUNDRED,
		    .mode = 0120777 }, 0 },
		{ { .type = PAX_HARD_LINK, .path = "h", .link = "a/b",
		    .mode = 0100600 }, 0 },
		{ { .type = PAX_CHAR_DEVICE, .path = "c", .mode = 020660,
		    .dev_major = 4095, .dev_minor = 1048575 }, 0 },
		{ { .type = PAX_BLOCK_DEVICE, .path = "d", .mode = 060600,
		    .dev_major = 7 }, 0 },
		{ { .type = PAX_FIFO, .path = "f", .mode = 010000 }, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(cases); i++) {
		const struct pax_member *m = &cases[i].member;
		CLEANUP(blocks_free) struct blocks b = take_apart(m);

		assert_null(b.link);
		assert_null(b.path);
		assert_null(b.records);
		assert_int_equal(b.map_len, 0);
		assert_field(b.header, 100, m->path);
		assert_int_equal(b.header[156], m->type);
		assert_field(b.header + 157, 100,
		    m->link == NULL ? "" : m->link);
		assert_int_equal(octal(b.header + 100, 8), m->mode & 07777);
		assert_int_equal(octal(b.header + 108, 8), m->uid);
		assert_int_equal(octal(b.header + 116, 8), m->gid);
		assert_int_equal(octal(b.header + 124, 12), cases[i].size);
		assert_int_equal(octal(b.header + 136, 12), m->mtime_s);
		assert_int_equal(octal(b.header + 329, 8), m->dev_major);
		assert_int_equal(octal(b.header + 337, 8), m->dev_minor);
	}
}

static void
numbers_that_do_not_fit_become_records(void **state)
{
	static const struct {
		struct pax_member member;
		const char *records;
		size_t at, width;
	} cases[] = {
		{ { .uid = 010000000 }, "15 uid=2097152\n", 108, 8 },
		{ { .uid = 4294967294 }, "18 uid=4294967294\n", 108, 8 },
		{ { .gid = 3000000000 }, "18 gid=3000000000\n", 116, 8 },
		{ { .size = 0100000000000 }, "19 size=8589934592\n", 124, 12 },
		{ { .mtime_s = 0100000000000 }, "20 mtime=8589934592\n", 136,
		    12 },
		{ { .size = INT64_MAX }, "28 size=9223372036854775807\n", 124,
		    12 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(cases); i++) {
		struct pax_member m = cases[i].member;

		m.type = PAX_FILE;
		m.path = "x";
		CLEANUP(blocks_free) struct blocks b = take_apart(&m);
		assert_text(b.records, cases[i].records);
		assert_int_equal(octal(b.header + cases[i].at,
		    cases[i].width), cases[i].width == 8 ? 07777777 :
		    077777777777);
	}
}

static void
times_are_decimal_fractions(void **state)
{
	static const struct {
		int64_t s;
		uint32_t ns;
		const char *records;
		uint64_t field;
	} cases[] = {
		{ 0, 0, NULL, 0 },
		{ 1700000000, 0, NULL, 1700000000 },
		{ 1700000000, 1, "30 mtime=1700000000.000000001\n",
		    1700000000 },
		{ 1700000000, 500000000, "22 mtime=1700000000.5\n",
		    1700000000 },
		{ 5, 120000000, "14 mtime=5.12\n", 5 },
		{ 0, 999999999, "21 mtime=0.999999999\n", 0 },
		{ -1, 0, "12 mtime=-1\n", 0 },
		{ -10, 0, "13 mtime=-10\n", 0 },
		{ -1, 500000000, "14 mtime=-0.5\n", 0 },
		{ -1, 999999999, "22 mtime=-0.000000001\n", 0 },
		{ -2, 500000000, "14 mtime=-1.5\n", 0 },
		{ -2000000001, 250000000, "24 mtime=-2000000000.75\n", 0 },
		{ INT64_MIN, 0, "30 mtime=-9223372036854775808\n", 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(cases); i++) {
		struct pax_member m = { .type = PAX_FILE, .path = "x",
			.mtime_s = cases[i].s, .mtime_ns = cases[i].ns };
		CLEANUP(blocks_free) struct blocks b = take_apart(&m);

		assert_text(b.records, cases[i].records);
		assert_int_equal(octal(b.header + 136, 12), cases[i].field);
	}
}

static void
the_extended_header_is_named_after_its_member(void **state)
{
	static const struct { const char *path, *name; } cases[] = {
		{ "a/file", "PaxHeaders.0/file" },
		{ "a/directory/", "PaxHeaders.0/directory" },
		{ "./", "PaxHeaders.0/." },
		{ "a/" HUNDRED, "PaxHeaders.0/3456789" TEN TEN TEN TEN TEN TEN
		    TEN TEN },
	};
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(cases); i++) {
		struct pax_member m = { .type = PAX_FILE, .uid = 7, .gid = 8,
			.path = cases[i].path, .mtime_s = 9, .mtime_ns = 1 };
		CLEANUP(blocks_free) struct blocks b = take_apart(&m);

		assert_field(b.extended, 100, cases[i].name);
		assert_int_equal(octal(b.extended + 100, 8), 0600);
		assert_int_equal(octal(b.extended + 108, 8), 7);
		assert_int_equal(octal(b.extended + 116, 8), 8);
		assert_int_equal(octal(b.extended + 136, 12), 9);
	}
}

static void
names_go_where_every_reader_finds_them(void **state)
{
	static const struct {
		const char *path, *name, *prefix, *records, *longname;
	} cases[] = {
		{ "x", "x", "", NULL, NULL },
		{ "./", "./", "", NULL, NULL },
		{ HUNDRED, HUNDRED, "", NULL, NULL },
		{ "a/" HUNDRED, HUNDRED, "a", NULL, NULL },
		/* The longest name that fits, not the shortest. */
		{ "aa/bb/" FIFTY FIFTY, HUNDRED, "aa/bb", NULL, NULL },
		{ FIFTY "/" FIFTY "/" TEN "/" TEN, FIFTY "/" TEN "/" TEN,
		    FIFTY, NULL, NULL },
		{ HUNDRED FIFTY "aaaaa/" HUNDRED, HUNDRED,
		    HUNDRED FIFTY "aaaaa", NULL, NULL },
		{ HUNDRED "/d/", "d/", HUNDRED, NULL, NULL },
		/* Bytes of any kind where they fit. */
		{ E_ACUTE "/\xff" FIFTY "/\xff" FIFTY, "\xff" FIFTY,
		    E_ACUTE "/\xff" FIFTY, NULL, NULL },
		/* One byte too long. */
		{ "a" HUNDRED, "LongName.feea7b558fdc77b4/6789" TEN TEN TEN TEN
		    TEN TEN TEN, "", "111 path=a" HUNDRED "\n", NULL },
		{ HUNDRED "/", "LongName.0/", "", "111 path=" HUNDRED "/\n",
		    NULL },
		{ HUNDRED FIFTY "aaaaaa/" TEN HUNDRED, "LongName.0/", "",
		    "277 path=" HUNDRED FIFTY "aaaaaa/" TEN HUNDRED "\n",
		    NULL },
		/* Not ASCII: never a record. */
		{ "\xff" HUNDRED, "LongName.0/", "", NULL, "\xff" HUNDRED },
		{ HUNDRED HUNDRED HUNDRED "/" E_ACUTE, "LongName.0/" , "",
		    NULL, HUNDRED HUNDRED HUNDRED "/" E_ACUTE },
	};
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(cases); i++) {
		struct pax_member m = { .type = PAX_FILE,
			.path = cases[i].path };
		CLEANUP(blocks_free) struct blocks b = take_apart(&m);

		if (strcmp(cases[i].name, "LongName.0/") == 0)
			assert_memory_equal(b.header, "LongName.", 9);
		else
			assert_field(b.header, 100, cases[i].name);
		assert_field(b.header + 345, 155, cases[i].prefix);
		assert_text(b.records, cases[i].records);
		assert_text(b.path, cases[i].longname);
		assert_null(b.link);
	}
}

static void
stand_ins_are_unique_and_look_like_no_directory(void **state)
{
	struct pax_member one = { .type = PAX_FILE,
		.path = HUNDRED "1/" HUNDRED };
	struct pax_member two = { .type = PAX_FILE,
		.path = HUNDRED "2/" HUNDRED };
	struct pax_member dir = { .type = PAX_DIRECTORY,
		.path = "a" HUNDRED "/" };
	CLEANUP(blocks_free) struct blocks b1 = take_apart(&one);
	CLEANUP(blocks_free) struct blocks b2 = take_apart(&two);
	CLEANUP(blocks_free) struct blocks b3 = take_apart(&dir);

	(void)state;
	one.type = PAX_HARD_LINK;
	one.link = one.path;
	CLEANUP(blocks_free) struct blocks b4 = take_apart(&one);
	/* These two fit into prefix and name after all. */
	assert_field(b1.header + 345, 155, HUNDRED "1");
	assert_field(b2.header + 345, 155, HUNDRED "2");
	one.path = HUNDRED "1" HUNDRED;
	two.path = HUNDRED "2" HUNDRED;
	CLEANUP(blocks_free) struct blocks b5 = take_apart(&one);
	CLEANUP(blocks_free) struct blocks b6 = take_apart(&two);
	assert_memory_not_equal(b5.header, b6.header, 100);
	assert_memory_equal(b5.header + 26, b6.header + 26, 74);
	/* A hard link's target has the stand-in of what it leads to. */
	one.link = one.path;
	CLEANUP(blocks_free) struct blocks b7 = take_apart(&one);
	assert_memory_equal(b7.header + 157, b5.header, 100);
	assert_int_equal(b3.header[99], '9');
	assert_memory_equal(b4.header + 157, "LongName.", 9);
}

static void
link_targets_go_where_every_reader_finds_them(void **state)
{
	static const struct {
		const char *link, *field, *records, *longlink;
	} cases[] = {
		{ "../x", "../x", NULL, NULL },
		{ "\xff", "\xff", NULL, NULL },
		{ HUNDRED, HUNDRED, NULL, NULL },
		{ HUNDRED "/", NULL, "115 linkpath=" HUNDRED "/\n", NULL },
		{ HUNDRED "\xff", NULL, NULL, HUNDRED "\xff" },
	};
	static const enum pax_type types[] = { PAX_SYMLINK, PAX_HARD_LINK };
	size_t i, j;

	(void)state;
	for (i = 0; i < LENGTH(cases); i++) {
		for (j = 0; j < LENGTH(types); j++) {
			struct pax_member m = { .type = types[j], .path = "l",
				.link = cases[i].link };
			CLEANUP(blocks_free) struct blocks b = take_apart(&m);

			if (cases[i].field == NULL)
				assert_memory_equal(b.header + 157,
				    "LongName.", 9);
			else
				assert_field(b.header + 157, 100,
				    cases[i].field);
			assert_text(b.records, cases[i].records);
			assert_text(b.link, cases[i].longlink);
			assert_null(b.path);
		}
	}
}

static void
a_record_counts_its_own_digits(void **state)
{
	size_t n;

	(void)state;
	for (n = 0; n < 11000; n += n > 200 && n < 800 ? 100 : 1) {
		CLEANUP(str_free) struct str s = STR_INIT;
		CLEANUP(cleanup_free) char *value = malloc(n + 1);
		char *end;

		assert_non_null(value);
		memset(value, '\n', n);
		pax_add_xattr(&s, "x", value, n);
		assert_false(s.failed);
		assert_int_equal(strtoull(s.s, &end, 10), s.len);
		assert_memory_equal(end, " SCHILY.xattr.x=", 16);
		assert_int_equal((size_t)(end - s.s) + 16 + n + 1, s.len);
		assert_int_equal(s.s[s.len - 1], '\n');
	}
}

static void
names_of_attributes_survive_the_equals_sign(void **state)
{
	static const struct { const char *name, *records; } cases[] = {
		{ "user.x", "25 SCHILY.xattr.user.x=v\n" },
		{ "user.a=b", "29 SCHILY.xattr.user.a%3Db=v\n" },
		{ "user.=", "27 SCHILY.xattr.user.%3D=v\n" },
		{ "user.50%", "27 SCHILY.xattr.user.50%=v\n" },
		{ "user.%3D", "29 SCHILY.xattr.user.%253D=v\n" },
		{ "user.%25", "29 SCHILY.xattr.user.%2525=v\n" },
		{ "user.%3", "26 SCHILY.xattr.user.%3=v\n" },
		{ "user.a b\nc", "29 SCHILY.xattr.user.a b\nc=v\n" },
		{ "user.\xff", "25 SCHILY.xattr.user.\xff=v\n" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(cases); i++) {
		CLEANUP(str_free) struct str s = STR_INIT;

		pax_add_xattr(&s, cases[i].name, "v", 1);
		assert_string_equal(s.s, cases[i].records);
	}
}

static void
attributes_and_acls_come_last_and_as_they_are(void **state)
{
	CLEANUP(str_free) struct str records = STR_INIT;
	struct pax_member m = { .type = PAX_DIRECTORY, .path = "d/",
		.mtime_s = 1, .mtime_ns = 500000000, .records = &records };

	(void)state;
	CLEANUP(blocks_free) struct blocks none = take_apart(&m);
	assert_text(none.records, "13 mtime=1.5\n");
	pax_add_xattr(&records, "user.b", "\0=\n", 3);
	pax_add_acl(&records, "default", "user::rwx");
	CLEANUP(blocks_free) struct blocks b = take_apart(&m);
	assert_int_equal(octal(b.extended + 124, 12), 13 + 27 + 32);
	assert_memory_equal(b.records, "13 mtime=1.5\n"
	    "27 SCHILY.xattr.user.b=\0=\n\n"
	    "32 SCHILY.acl.default=user::rwx\n", 13 + 27 + 32);
}

#define SPARSE "22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n"

static void
sparse_files_have_their_map_before_their_data(void **state)
{
	static const struct {
		const char *path;
		uint64_t size;
		struct pax_segment v[3];
		size_t n;
		const char *map;
		uint64_t stored;
		const char *records;
		const char *path_block;
	} cases[] = {
		{ "f", 1000, { { 0, 0 } }, 0, "1\n1000\n0\n", 512,
		    "21 GNU.sparse.name=f\n" SPARSE
		    "28 GNU.sparse.realsize=1000\n", NULL },
		{ "f", 1000, { { 0, 10 }, { 900, 100 } }, 2,
		    "2\n0\n10\n900\n100\n", 512 + 110,
		    "21 GNU.sparse.name=f\n" SPARSE
		    "28 GNU.sparse.realsize=1000\n", NULL },
		{ "f", 1000, { { 10, 20 }, { 40, 5 } }, 2,
		    "3\n10\n20\n40\n5\n1000\n0\n", 512 + 25,
		    "21 GNU.sparse.name=f\n" SPARSE
		    "28 GNU.sparse.realsize=1000\n", NULL },
		{ "f", 1ull << 40, { { 0, 1ull << 39 } }, 1,
		    "2\n0\n549755813888\n1099511627776\n0\n",
		    512 + (1ull << 39), "21 GNU.sparse.name=f\n"
		    "21 size=549755814400\n" SPARSE
		    "37 GNU.sparse.realsize=1099511627776\n", NULL },
		{ HUNDRED "x", 7, { { 0, 0 } }, 0, "1\n7\n0\n", 512,
		    "122 GNU.sparse.name=" HUNDRED "x\n" SPARSE
		    "25 GNU.sparse.realsize=7\n", NULL },
		{ "\xff", 7, { { 0, 0 } }, 0, "1\n7\n0\n", 512,
		    SPARSE "25 GNU.sparse.realsize=7\n", NULL },
		{ HUNDRED "\xff", 7, { { 0, 0 } }, 0, "1\n7\n0\n", 512,
		    SPARSE "25 GNU.sparse.realsize=7\n", HUNDRED "\xff" },
	};
	size_t i, j;

	(void)state;
	for (i = 0; i < LENGTH(cases); i++) {
		struct pax_segment v[3];
		struct pax_map map = { v, cases[i].n };
		struct pax_member m = { .type = PAX_FILE, .map = &map,
			.path = cases[i].path, .size = cases[i].size };

		memcpy(v, cases[i].v, sizeof v);
		CLEANUP(blocks_free) struct blocks b = take_apart(&m);
		assert_text(b.records, cases[i].records);
		assert_text(b.path, cases[i].path_block);
		assert_int_equal(b.map_len, 512);
		assert_string_equal(b.map, cases[i].map);
		for (j = strlen(b.map); j < 512; j++)
			assert_int_equal(b.map[j], 0);
		assert_int_equal(octal(b.header + 124, 12),
		    cases[i].stored > 077777777777 ? 077777777777 :
		    cases[i].stored);
		if (cases[i].records[0] == '2' && cases[i].records[3] == 'G' &&
		    strstr(cases[i].records, ".name") != NULL)
			assert_memory_equal(b.header, "GNUSparseFile.", 14);
	}
}

static void
a_long_map_is_padded_to_a_block(void **state)
{
	static struct pax_segment v[300];
	struct pax_map map = { v, 0 };
	struct pax_member m = { .type = PAX_FILE, .path = "f", .map = &map,
		.size = 1000000 };

	(void)state;
	for (map.n = 0; map.n < LENGTH(v); map.n++) {
		uint64_t sum = map.n * 100;

		CLEANUP(blocks_free) struct blocks b = take_apart(&m);
		assert_int_equal(b.map_len % 512, 0);
		assert_true(b.map_len - strlen(b.map) < 512);
		assert_int_equal(octal(b.header + 124, 12), b.map_len + sum);
		v[map.n] = (struct pax_segment){ map.n * 1000, 100 };
	}
}

static void
padding_fills_the_last_block(void **state)
{
	static const struct { uint64_t n; size_t padding; } cases[] = {
		{ 0, 0 }, { 1, 511 }, { 511, 1 }, { 512, 0 }, { 513, 511 },
		{ UINT64_C(1) << 40, 0 }, { (UINT64_C(1) << 40) + 1, 511 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(cases); i++)
		assert_int_equal(pax_padding(cases[i].n), cases[i].padding);
}

static void
a_failed_text_stays_failed(void **state)
{
	struct str s = { NULL, 0, 0, 600, false };
	struct str records = { NULL, 0, 0, 10, false };
	struct pax_member m = { .type = PAX_FILE, .path = HUNDRED HUNDRED
	    HUNDRED, .mtime_ns = 1 };

	(void)state;
	pax_header(&s, &m);
	assert_true(s.failed);
	str_free(&s);
	pax_add_xattr(&records, "user.x", "value", 5);
	assert_true(records.failed);
	str_free(&records);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_ustar_can_say_is_one_plain_header),
		cmocka_unit_test(numbers_that_do_not_fit_become_records),
		cmocka_unit_test(times_are_decimal_fractions),
		cmocka_unit_test(the_extended_header_is_named_after_its_member),
		cmocka_unit_test(names_go_where_every_reader_finds_them),
		cmocka_unit_test(
		    stand_ins_are_unique_and_look_like_no_directory),
		cmocka_unit_test(link_targets_go_where_every_reader_finds_them),
		cmocka_unit_test(a_record_counts_its_own_digits),
		cmocka_unit_test(names_of_attributes_survive_the_equals_sign),
		cmocka_unit_test(attributes_and_acls_come_last_and_as_they_are),
		cmocka_unit_test(sparse_files_have_their_map_before_their_data),
		cmocka_unit_test(a_long_map_is_padded_to_a_block),
		cmocka_unit_test(padding_fills_the_last_block),
		cmocka_unit_test(a_failed_text_stays_failed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
