/*
 * tar_reader, tar_records: headers wherever the channel's blocks end, and
 * records of any bytes.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/stream/tar_reader.h"
#include "test/unit/packer.h"

#define LENGTH(array) (sizeof(array) / sizeof *(array))
#define TEXT_AND_SIZE(text) { text, sizeof(text) - 1 }

static void *
push(void *cookie)
{
	struct chan *chan = cookie;
	CLEANUP(cleanup_close) int fd = open("in.tar", O_RDONLY | O_CLOEXEC);
	struct err err = ERR_INIT;
	char bytes[4096];
	ssize_t n;

	while ((n = read(fd, bytes, sizeof bytes)) > 0)
		if (chan_write(chan, bytes, (size_t)n, &err) < 0)
			return NULL;
	(void)!chan_finish(chan, &err);
	return NULL;
}

static uint32_t
add_hash(uint32_t hash, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;

	for (; n != 0; n--)
		hash = (hash ^ *p++) * UINT32_C(16777619);
	return hash;
}

/* All that the reader says of a member but its records, which are hashed. */
static void
describe(struct str *s, const struct pax_member *member,
    const struct tar_records *records)
{
	size_t i, n = member->map != NULL ? member->map->n : 0;

	str_addf(s, "%c %s -> %s %o %" PRIu64 " %" PRIu64 " %" PRIu64
	    " %" PRId64 ".%" PRIu32 " %" PRIu32 ",%" PRIu32 " %08" PRIx32,
	    member->type, member->path,
	    member->link != NULL ? member->link : "", member->mode,
	    member->uid, member->gid, member->size, member->mtime_s,
	    member->mtime_ns, member->dev_major, member->dev_minor,
	    add_hash(0, records->at, records->n));
	for (i = 0; i < n; i++)
		str_addf(s, " %" PRIu64 "+%" PRIu64, member->map->v[i].offset,
		    member->map->v[i].bytes);
}

static void
read_all(struct tar_reader *reader, struct str *s, bool with_data)
{
	struct err err = ERR_INIT;

	for (;;) {
		struct tar_records records;
		struct pax_member member;
		uint32_t hash = 0;
		uint64_t offset;
		const void *bytes;
		bool more;
		size_t n = 1;

		if (tar_reader_next(reader, &member, &records, &more,
		    &err) < 0)
			fail_msg("%s", err.msg);
		if (!more)
			return;
		describe(s, &member, &records);
		while (with_data && n != 0) {
			assert_int_equal(tar_reader_data(reader, &bytes, &n,
			    &offset, &err), 0);
			hash = add_hash(hash, bytes, n);
		}
		str_addf(s, " %08" PRIx32 "\n", hash);
	}
}

/* What in.tar holds, read in blocks of so many bytes. */
static void
list(size_t block_bytes, bool with_data, struct str *ret)
{
	CLEANUP(tar_reader_freep) struct tar_reader *reader = NULL;
	CLEANUP(chan_freep) struct chan *chan = NULL;
	struct err err = ERR_INIT;
	pthread_t thread;

	assert_int_equal(chan_new(block_bytes, 2, &chan, &err), 0);
	assert_int_equal(pthread_create(&thread, NULL, push, chan), 0);
	assert_int_equal(tar_reader_new(chan, &reader, &err), 0);
	read_all(reader, ret, with_data);
	assert_int_equal(pthread_join(thread, NULL), 0);
}

static void
make_stream(const char *options)
{
	packer_must("rm -rf v && mkdir v && cd v && n=$(printf '%%0200d' 0) && "
	    "mkdir -p $n/$n/$n && echo x >$n/$n/$n/f && ln -s $n/$n/$n s && "
	    "ln $n/$n/$n/f $n/h && truncate -s 70000 hole && echo y >>hole && "
	    "truncate -s 200000 hole && truncate -s 90000 only && "
	    "seq 3000 >g && mkfifo p && touch -d @-1.5 g && cd .. && "
	    "tar -S %s -cf in.tar v", options);
}

static void
the_size_of_blocks_does_not_matter(void **state)
{
	static const char *const options[] = { "--format=pax", "--format=gnu",
		"--format=pax --sparse-version=0.0",
		"--format=pax --sparse-version=0.1" };
	static const size_t sizes[] = { 512, 1024, 1536, 3584, 65536 };
	size_t i, j, with_data;

	(void)state;
	for (i = 0; i < LENGTH(options); i++) {
		struct str first[2] = { STR_INIT, STR_INIT };

		make_stream(options[i]);
		for (with_data = 0; with_data < 2; with_data++)
			list(TAR_READER_BLOCK_BYTES, with_data,
			    &first[with_data]);
		assert_non_null(strstr(first[1].s, "v/only"));
		for (j = 0; j < 2 * LENGTH(sizes); j++) {
			CLEANUP(str_free) struct str other = STR_INIT;

			list(sizes[j / 2], j % 2, &other);
			assert_string_equal(other.s, first[j % 2].s);
		}
		str_free(&first[0]);
		str_free(&first[1]);
	}
}

static void
records_are_taken_apart(void **state)
{
	static const char bytes[] = "6 a=b\n11 k=\0\n=\xff\n\n7 k.l=\n";
	struct tar_records rest = { bytes, sizeof bytes - 1 };
	struct tar_record record;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(tar_records_next(&rest, &record, &err), 0);
	assert_true(tar_record_is(&record, "a"));
	assert_false(tar_record_is(&record, "aa"));
	assert_int_equal(record.n, 1);
	assert_memory_equal(record.value, "b", 1);
	assert_int_equal(tar_records_next(&rest, &record, &err), 0);
	assert_true(tar_record_is(&record, "k"));
	assert_int_equal(record.n, 5);
	assert_memory_equal(record.value, "\0\n=\xff\n", 5);
	assert_int_equal(tar_records_next(&rest, &record, &err), 0);
	assert_true(tar_record_is(&record, "k.l"));
	assert_int_equal(record.n, 0);
	assert_int_equal(tar_records_next(&rest, &record, &err), 0);
	assert_null(record.key);
}

static void
malformed_records_are_refused(void **state)
{
	static const struct { const char *bytes; size_t n; } cases[] = {
		TEXT_AND_SIZE("5 a=b\n"), TEXT_AND_SIZE("7 a=b\n"),
		TEXT_AND_SIZE("a=b\n"), TEXT_AND_SIZE(" 6 a=b\n"),
		TEXT_AND_SIZE("6\ta=b\n"), TEXT_AND_SIZE("-6 a=b\n"),
		TEXT_AND_SIZE("6 a=bc"), TEXT_AND_SIZE("5 =b\n"),
		TEXT_AND_SIZE("5 ab\n"), TEXT_AND_SIZE("2 \n"),
		TEXT_AND_SIZE("3 \n"), TEXT_AND_SIZE("0 "),
		TEXT_AND_SIZE("1\n"), TEXT_AND_SIZE("\0"),
		TEXT_AND_SIZE("7 a\0=b\n"), TEXT_AND_SIZE("4 a\n=b\n"),
		TEXT_AND_SIZE("18446744073709551622 a=b\n"),
		TEXT_AND_SIZE("999999999999999999 a=b\n"),
	};
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(cases); i++) {
		struct tar_records rest = { cases[i].bytes, cases[i].n };
		struct err err = ERR_INIT;
		struct tar_record record;

		assert_int_equal(tar_records_next(&rest, &record, &err), -1);
		assert_int_equal(err.kind, ERR_SOURCE);
	}
}

static void
times_are_rounded_down(void **state)
{
	static const struct { const char *text; int rc; int64_t s;
	    uint32_t ns; } cases[] = {
		{ "0", 0, 0, 0 }, { "1.5", 0, 1, 500000000 },
		{ "-1.5", 0, -2, 500000000 }, { "-0.5", 0, -1, 500000000 },
		{ "-0.000000001", 0, -1, 999999999 }, { "-3", 0, -3, 0 },
		{ "-3.0", 0, -3, 0 }, { "7.", 0, 7, 0 },
		{ "1.1234567899", 0, 1, 123456789 },
		{ "999999999999999999.1", 0, INT64_C(999999999999999999),
		    100000000 },
		{ "", -1, 0, 0 }, { "-", -1, 0, 0 }, { ".5", -1, 0, 0 },
		{ "1e5", -1, 0, 0 }, { "1.x", -1, 0, 0 }, { "+1", -1, 0, 0 },
		{ "--1", -1, 0, 0 }, { "1.-5", -1, 0, 0 },
		{ "9999999999999999999", -1, 0, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(cases); i++) {
		struct tar_record record = { "mtime", 5, cases[i].text,
			strlen(cases[i].text) };
		struct err err = ERR_INIT;
		int64_t s = 0;
		uint32_t ns = 0;

		assert_int_equal(tar_record_time(&record, &s, &ns, &err),
		    cases[i].rc);
		if (cases[i].rc == 0) {
			assert_int_equal(s, cases[i].s);
			assert_int_equal(ns, cases[i].ns);
		}
	}
}

static void
names_of_attributes_are_turned_back(void **state)
{
	static const struct { const char *key, *name; } cases[] = {
		{ "SCHILY.xattr.user.x", "user.x" },
		{ "SCHILY.xattr.user.a%3Db", "user.a=b" },
		{ "SCHILY.xattr.user.%253D", "user.%3D" },
		{ "SCHILY.xattr.user.%3d%2%", "user.%3d%2%" },
		{ "SCHILY.xattr.", "" }, { "SCHILY.acl.access", "" },
		{ "path", "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(cases); i++) {
		CLEANUP(str_free) struct str name = STR_INIT;
		struct tar_record record = { cases[i].key,
			strlen(cases[i].key), "", 0 };

		tar_record_attribute(&record, &name);
		assert_string_equal(name.s, cases[i].name);
	}
}

int
main(void)
{
#define TEST(function) \
	cmocka_unit_test_setup_teardown(function, packer_setup, packer_teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_size_of_blocks_does_not_matter),
		cmocka_unit_test(records_are_taken_apart),
		cmocka_unit_test(malformed_records_are_refused),
		cmocka_unit_test(times_are_rounded_down),
		cmocka_unit_test(names_of_attributes_are_turned_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
