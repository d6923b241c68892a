/*
 * pack_tar: what GNU tar restores of our archive is what it put into the
 * stream that we were given; and no stream that is cut, broken or hostile
 * becomes an archive.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <locale.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "test/unit/nasty_tree.h"
#include "test/unit/packer.h"
#include "test/unit/tree_compare.h"

#define LENGTH(array) (sizeof(array) / sizeof *(array))
#define NEEDS_ROOT() do { if (geteuid() != 0) { skip(); } } while (0)

#define GNU_TAR "tar --numeric-owner --xattrs --xattrs-include='*' --acls " \
	"--warning=no-timestamp -p"

static const struct pack_source volume = { NULL, "m", "/volumes/v" };

struct fake {		/* a fetch: pushes a file */
	const char *file;
	size_t limit;		/* 0: all; else so many bytes of it */
	size_t chunk;
	bool fails;		/* at its end */
	bool empty;		/* nothing at all */
	atomic_bool ended;
	struct err err;		/* what its write said */
};

static int
push_file(void *cookie, pack_tar_write_fn *write, void *write_cookie,
    struct err *err)
{
	struct fake *fake = cookie;
	CLEANUP(cleanup_close) int fd = open(fake->file, O_RDONLY | O_CLOEXEC);
	size_t left = fake->empty ? 0 : fake->limit == 0 ? SIZE_MAX :
	    fake->limit;
	char bytes[65536];
	ssize_t n = 1;

	while (left != 0 && n > 0) {
		size_t want = left < fake->chunk ? left : fake->chunk;

		n = read(fd, bytes, want);
		if (n < 0)
			return err_sys(err, "cannot read '%s'", fake->file);
		left -= (size_t)n;
		if (write(write_cookie, bytes, (size_t)n, err) < 0) {
			fake->err = *err;
			atomic_store(&fake->ended, true);
			return -1;
		}
	}
	atomic_store(&fake->ended, true);
	return fake->fails ? err_set(err, ERR_UNREACHABLE, "the Engine is "
	    "gone") : 0;
}

#define FAKE { .file = "in.tar", .chunk = 1000 }
#define PACKER_OF(fake) { .file = "a.tar", .sources = &volume, \
	.n_sources = 1, .fetch = push_file, .fetch_cookie = &(fake) }

static void
run(struct packer *packer)
{
	packer_start(packer);
	packer_join(packer);
}

static void
run_well(struct packer *packer)
{
	run(packer);
	if (packer->rc != 0)
		fail_msg("%s", packer->err.msg);
}

static void
assert_refused(struct packer *packer, enum err_kind kind, const char *text)
{
	run(packer);
	assert_int_equal(packer->rc, -1);
	assert_int_equal(packer->err.kind, kind);
	if (strstr(packer->err.msg, text) == NULL)
		fail_msg("'%s' is not in '%s'", text, packer->err.msg);
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The differences of two trees, sorted. */
static void
compare(const char *source, const char *restored, struct strlist *ret)
{
	CLEANUP(cleanup_close) int a = open(source, O_RDONLY | O_DIRECTORY);
	CLEANUP(cleanup_close) int b = open(restored, O_RDONLY | O_DIRECTORY);
	CLEANUP(str_free) struct str lines = STR_INIT;
	struct err err = ERR_INIT;
	char *line, *rest;

	assert_true(a >= 0 && b >= 0);
	assert_int_equal(tree_compare(a, b, &lines), 0);
	rest = lines.s;
	while ((line = strsep(&rest, "\n")) != NULL && rest != NULL)
		assert_int_equal(strlist_add(ret, line, &err), 0);
	if (ret->n != 0)
		qsort(ret->v, ret->n, sizeof *ret->v, by_text);
}

static void
pack_nasty_tree(const char *options)
{
	struct fake fake = FAKE;
	CLEANUP(packer_free) struct packer packer = PACKER_OF(fake);

	assert_int_equal(nasty_tree_build("tree", false), 0);
	packer_must("%s --warning=no-file-ignored %s -S -cf in.tar tree",
	    GNU_TAR, options);
	run_well(&packer);
	assert_int_equal(packer.events.n, 0);
	packer_must("mkdir out && " GNU_TAR " -C out -xf a.tar");
}

/* GNU tar writes each name of a device or a FIFO as one of its own. */
static bool
is_beyond_gnu_tar(const char *difference)
{
	return (str_starts(difference, "links/device") ||
	    str_starts(difference, "links/fifo") ||
	    str_starts(difference, "links/other/device ") ||
	    str_starts(difference, "links/other/fifo ")) &&
	    (str_ends(difference, ": links 3 became 1") ||
	    str_ends(difference, ": is a link to something else"));
}

/* What GNU's own format has no place for. */
static bool
is_beyond_gnu_format(const char *difference)
{
	const char *mtime = strstr(difference, ": mtime ");
	long long s, to_s;
	long ns, to_ns;

	if (strstr(difference, ": attribute '") != NULL)
		return str_ends(difference, "' is gone");
	return mtime != NULL && sscanf(mtime, ": mtime %lld + %ld ns became "
	    "%lld + %ld ns", &s, &ns, &to_s, &to_ns) == 4 && s == to_s &&
	    ns != 0 && to_ns == 0;
}

/* How many differences the format explains; any other is a failure. */
static size_t
count_expected(bool gnu_format)
{
	CLEANUP(strlist_free) struct strlist differences = STRLIST_INIT;
	size_t i, expected = 0;

	compare("tree", "out/m", &differences);
	for (i = 0; i < differences.n; i++)
		if (is_beyond_gnu_tar(differences.v[i]) ||
		    (gnu_format && is_beyond_gnu_format(differences.v[i])))
			expected++;
		else
			(void)fprintf(stderr, "%s\n", differences.v[i]);
	assert_int_equal(differences.n, expected);
	return expected;
}

static void
a_pax_stream_loses_nothing(void **state)
{
	(void)state;
	NEEDS_ROOT();
	pack_nasty_tree("--format=pax");
	assert_int_equal(count_expected(false), 10);
}

static void
a_gnu_stream_loses_what_its_format_does(void **state)
{
	(void)state;
	NEEDS_ROOT();
	pack_nasty_tree("--format=gnu --no-xattrs --no-acls");
	assert_true(count_expected(true) > 10);
}

/* in.tar with one file that has these records, from Python: "key=hex ...". */
static void
make_file_with(const char *records)
{
	packer_must("python3 - %s <<'END'\n"
	    "import sys\n"
	    "def header(name, type, size):\n"
	    "    h = bytearray(512)\n"
	    "    h[0:len(name)] = name\n"
	    "    h[100:108] = b'0000644\\0'\n"
	    "    h[108:116] = h[116:124] = b'0000000\\0'\n"
	    "    h[124:136] = b'%%011o\\0' %% size\n"
	    "    h[136:148] = b'00000000000\\0'\n"
	    "    h[148:156] = b' ' * 8\n"
	    "    h[156:157] = type\n"
	    "    h[257:265] = b'ustar\\00000'[:8]\n"
	    "    h[148:155] = b'%%06o\\0' %% sum(h)\n"
	    "    return bytes(h)\n"
	    "records = b''\n"
	    "for record in sys.argv[1:]:\n"
	    "    key, _, value = record.partition('=')\n"
	    "    body = b' %%s=%%s\\n' %% (key.encode(), "
	    "bytes.fromhex(value))\n"
	    "    n = len(body)\n"
	    "    n += len(str(n + len(str(n))))\n"
	    "    records += str(n).encode() + body\n"
	    "pad = bytes(-len(records) %% 512)\n"
	    "open('in.tar', 'wb').write(header(b'x', b'x', len(records)) + "
	    "records + pad + header(b'f', b'0', 0) + bytes(1024))\n"
	    "END", records);
}

/* An ACL of user::rw-, user:1000:r--, group::r--, mask::r--, other::---. */
#define BINARY_ACL "02000000" "01000600ffffffff" "02000400e8030000" \
	"04000400ffffffff" "10000400ffffffff" "20000000ffffffff"
/* user::rw-,user:1000:r--,group::r--,mask::r--,other::--- */
#define TEXT_ACL "757365723a3a72772d2c757365723a313030303a722d2d2c" \
	"67726f75703a3a722d2d2c6d61736b3a3a722d2d2c6f746865723a3a2d2d2d"
#define ACL_LINES "SCHILY.acl.access=user::rw-,user:1000:r--,group::r--," \
	"mask::r--,other::---\n"

static void
an_acl_is_kept_once_however_it_comes(void **state)
{
	static const char *const records[] = {
		"SCHILY.xattr.system.posix_acl_access=" BINARY_ACL,
		"SCHILY.acl.access=" TEXT_ACL,
		"SCHILY.acl.access=" TEXT_ACL
		" SCHILY.xattr.system.posix_acl_access=" BINARY_ACL,
		"SCHILY.xattr.system.posix_acl_access=" BINARY_ACL
		" SCHILY.acl.access=" TEXT_ACL,
		/* An attribute that looks like one: " SCHILY.acl.access=". */
		"SCHILY.xattr.user.x=20534348494c592e61636c2e6163636573733d0a"
		" SCHILY.acl.access=" TEXT_ACL,
	};
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(records); i++) {
		struct fake fake = FAKE;
		CLEANUP(packer_free) struct packer packer = PACKER_OF(fake);

		make_file_with(records[i]);
		run_well(&packer);
		assert_int_equal(packer.events.n, 0);
		packer_prints("grep -a -o 'SCHILY.acl.access=user.*' a.tar",
		    ACL_LINES);
	}
}

static void
what_is_no_acl_is_told(void **state)
{
	static const char *const events[] = { "UNREADABLE /volumes/v: "
		"attribute 'system.posix_acl_access': not an ACL" };
	struct fake fake = FAKE;
	CLEANUP(packer_free) struct packer packer = PACKER_OF(fake);

	(void)state;
	make_file_with("SCHILY.xattr.system.posix_acl_access=00 "
	    "SCHILY.xattr.system.view=00 SCHILY.xattr.user.y=61");
	run_well(&packer);
	assert_true(packer_has_only(&packer, events, 1));
	packer_prints("grep -a -c 'SCHILY.xattr.user.y=a' a.tar; "
	    "grep -a -c system a.tar; tar -tf a.tar", "1\n0\nm\n");
}

static void
records_with_a_nul_are_refused(void **state)
{
	static const char *const records[] = { "path=66006f",
		"path=66 linkpath=6600", "SCHILY.acl.access=00", "mtime=00",
		"mtime=", "GNU.sparse.name=6600" };
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(records); i++) {
		struct fake fake = FAKE;
		CLEANUP(packer_free) struct packer packer = PACKER_OF(fake);

		make_file_with(records[i]);
		assert_refused(&packer, ERR_SOURCE, "its archive ");
	}
}

/* libarchive would compose letters in one locale, and fail in another. */
static void
names_are_bytes_in_any_locale(void **state)
{
	static const char *const locales[] = { "C", "C.UTF-8" };
	static const char *const formats[] = { "pax", "gnu" };
	size_t i;

	(void)state;
	packer_must("n=$(printf '%%0150d' 0) && "
	    "d=\"$(printf 'e\\314\\201')\" && mkdir -p v/$n/$d && cd v/$n && "
	    "b=\"$(printf '\\377\\376')\" && touch $b && "
	    "touch \"$(printf '\\303\\251')\" && ln -s $d s && "
	    "ln $b $d/link");
	for (i = 0; i < 2 * LENGTH(locales); i++) {
		struct fake fake = FAKE;
		CLEANUP(packer_free) struct packer packer = PACKER_OF(fake);

		assert_non_null(setlocale(LC_ALL, locales[i / 2]));
		packer_must("rm -rf out && mkdir out && "
		    "tar --format=%s -cf in.tar v", formats[i % 2]);
		run_well(&packer);
		(void)setlocale(LC_ALL, "C");
		packer_must("tar -C out -xpf a.tar && diff -r "
		    "--no-dereference v out/m");
	}
}

/* Without maps of holes; the file systems' own are refused by tar. */
static void
a_stream_without_maps_is_written_as_it_is(void **state)
{
	struct fake fake = FAKE;
	CLEANUP(packer_free) struct packer packer = PACKER_OF(fake);

	(void)state;
	packer_must("mkdir v && truncate -s 3000001 v/hole && "
	    "seq 300000 >v/f && : >v/empty && ln v/f v/link && "
	    "tar --format=ustar -cf in.tar v");
	run_well(&packer);
	packer_must("mkdir out && tar -C out -xf a.tar && diff -r v out/m && "
	    "test out/m/f -ef out/m/link");
}

static void
members_are_counted_as_of_a_directory(void **state)
{
	struct fake fake = FAKE;
	CLEANUP(packer_free) struct packer packer = PACKER_OF(fake);
	struct progress progress = { 0 };

	(void)state;
	packer_must("mkdir -p v/a/b && cd v && printf 12345 >f && "
	    "printf 123 >a/g && ln f a/b/hard && ln -s x sym && mkfifo p && "
	    "cd .. && tar -cf in.tar v");
	packer.settings.progress = &progress;
	run_well(&packer);
	assert_int_equal(packer.results[0].members, 8);
	assert_int_equal(packer.results[0].files, 2);
	assert_int_equal(packer.results[0].raw_bytes, 8);
	assert_int_equal(packer.results[0].excluded, 0);
	assert_int_equal(progress.members, 8);
	assert_int_equal(progress.raw_bytes, 8);
	packer_prints("tar -tf a.tar | wc -l; bsdtar -tf a.tar | wc -l",
	    "8\n8\n");
}

static void
an_empty_volume_is_its_root(void **state)
{
	struct fake fake = FAKE;
	CLEANUP(packer_free) struct packer packer = PACKER_OF(fake);

	(void)state;
	packer_must("mkdir -m 711 v && tar -cf in.tar v");
	run_well(&packer);
	assert_int_equal(packer.results[0].members, 1);
	assert_int_equal(packer.results[0].files, 0);
	packer_must("mkdir out && tar -C out -xpf a.tar");
	packer_prints("tar -tf a.tar; stat -c %a out/m; ls out/m", "m/\n711\n");
}

static void
a_source_may_be_one_file(void **state)
{
	struct fake fake = FAKE;
	CLEANUP(packer_free) struct packer packer = PACKER_OF(fake);

	(void)state;
	packer_must("echo text >file && tar -cf in.tar file");
	run_well(&packer);
	packer_prints("tar -tf a.tar; tar -Oxf a.tar", "m\ntext\n");
}

static void
the_root_of_the_archive_is_dot_slash(void **state)
{
	static const struct pack_source root = { NULL, "", "/" };
	struct fake fake = FAKE;
	CLEANUP(packer_free) struct packer packer = PACKER_OF(fake);

	(void)state;
	packer.sources = &root;
	packer_must("mkdir -p v/d && : >v/d/f && ln v/d/f v/d/g && "
	    "tar --sort=name -C v -cf in.tar .");
	run_well(&packer);
	packer_prints("tar -tf a.tar && mkdir out && tar -C out -xf a.tar && "
	    "stat -c %h out/d/f", "./\nd/\nd/f\nd/g\n2\n");
}

static void
what_is_excluded_is_left_out_with_what_is_below(void **state)
{
	struct fake fake = FAKE;
	CLEANUP(packer_free) struct packer packer = PACKER_OF(fake);
	CLEANUP(strlist_free) struct strlist globs = STRLIST_INIT;
	struct err err = ERR_INIT;

	(void)state;
	packer_must("mkdir -p v/cache/deep v/keep/cache v/re/x && "
	    "touch v/a.log v/keep/a.log v/keep/f v/cache/f v/re/x/y && "
	    "mkdir v/.vbackup-partial-x && touch v/.vbackup-partial-x/y "
	    "v/keep/.vbackup-partial-z && tar -cf in.tar v");
	assert_int_equal(strlist_add(&globs, "/volumes/v/cache/", &err), 0);
	assert_int_equal(strlist_add(&globs, "*.log", &err), 0);
	assert_int_equal(strlist_add(&globs, "v", &err), 0);
	packer.settings.exclude = &globs;
	packer.settings.exclude_regexp = "^/volumes/v/re$|^/volumes/v$";
	run_well(&packer);
	assert_int_equal(packer.results[0].excluded, 4);
	assert_int_equal(packer.results[0].members, 4);
	assert_int_equal(packer.events.n, 0);
	packer_prints("tar -tf a.tar | sort",
	    "m/\nm/keep/\nm/keep/cache/\nm/keep/f\n");
}

/* Both names are of one file, whose bytes came with the one left out. */
static void
a_link_to_what_was_left_out_is_told(void **state)
{
	static const char *const events[] = {
		"UNREADABLE /volumes/v/z: is a hard link to "
		"'/volumes/v/cache/f', which is left out",
		"UNREADABLE /volumes/v/y: is a hard link to "
		"'/volumes/v/a.log', which is left out" };
	struct fake fake = FAKE;
	CLEANUP(packer_free) struct packer packer = PACKER_OF(fake);
	CLEANUP(strlist_free) struct strlist globs = STRLIST_INIT;
	struct err err = ERR_INIT;

	(void)state;
	packer_must("mkdir -p v/cache && echo 1 >v/cache/f && "
	    "ln v/cache/f v/z && echo 2 >v/a.log && ln v/a.log v/y && "
	    "echo 3 >v/b && ln v/b v/x && tar --sort=name -cf in.tar v");
	assert_int_equal(strlist_add(&globs, "cache", &err), 0);
	assert_int_equal(strlist_add(&globs, "*.log", &err), 0);
	packer.settings.exclude = &globs;
	run_well(&packer);
	assert_true(packer_has_only(&packer, events, 2));
	packer_prints("tar -tf a.tar", "m/\nm/b\nm/x\n");
	packer_must("mkdir out && tar -C out -xf a.tar");
}

static void
sources_of_both_kinds_follow_each_other(void **state)
{
	static const struct pack_source sources[] = {
		{ NULL, "one", "/volumes/one" },
		{ NULL, "two", "/volumes/two" } };
	struct fake fake = FAKE;
	CLEANUP(packer_free) struct packer packer = PACKER_OF(fake);

	(void)state;
	packer.sources = sources;
	packer.n_sources = 2;
	packer_must("mkdir v && echo x >v/f && ln v/f v/g && "
	    "tar --sort=name -cf in.tar v");
	run_well(&packer);
	assert_int_equal(packer.results[1].members, 3);
	packer_must("mkdir out && tar -C out -xf a.tar && diff -r v out/one "
	    "&& diff -r v out/two && test out/two/f -ef out/two/g");
}

/* At every block, but not behind the blocks that end it; and within some. */
static void
a_stream_that_ends_early_is_an_error(void **state)
{
	size_t limit, end;
	CLEANUP(str_free) struct str size = STR_INIT;

	(void)state;
	packer_must("mkdir v && head -c 1500 /dev/zero >v/zeros && "
	    "head -c 1400 /dev/urandom >v/f && ln -s x v/y && "
	    "tar --sort=name --format=pax -b 1 -cf in.tar v");
	assert_int_equal(packer_command("stat -c %s in.tar", &size), 0);
	end = strtoul(size.s, NULL, 10);
	assert_int_equal(end % 512, 0);
	for (limit = 0; limit < end; limit += 512 - limit % 512) {
		struct fake fake = FAKE;
		CLEANUP(packer_free) struct packer packer = PACKER_OF(fake);
		CLEANUP(packer_free) struct packer other = PACKER_OF(fake);

		fake.limit = limit;
		fake.empty = limit == 0;
		assert_refused(&packer, ERR_SOURCE, "'/volumes/v': its "
		    "archive ");
		fake.limit = limit + 77;
		fake.empty = false;
		assert_refused(&other, ERR_SOURCE, "'/volumes/v': its archive "
		    );
	}
}

/* A file of zeros at the end of a cut stream looks like an end. */
static void
zeros_of_a_file_do_not_end_a_stream(void **state)
{
	struct fake fake = FAKE;
	CLEANUP(packer_free) struct packer packer = PACKER_OF(fake);

	(void)state;
	packer_must("head -c 2048 /dev/zero >v && tar -b 1 -cf in.tar v");
	fake.limit = 512 + 2048;
	assert_refused(&packer, ERR_SOURCE, "ends too early");
}

static void
what_follows_the_end_must_be_zeros(void **state)
{
	struct fake fake = FAKE;
	CLEANUP(packer_free) struct packer packer = PACKER_OF(fake);
	CLEANUP(packer_free) struct packer more = PACKER_OF(fake);

	(void)state;
	packer_must("mkdir v && tar -b 1 -cf in.tar v && "
	    "head -c 2000000 /dev/zero >>in.tar");
	run_well(&packer);
	packer_must("echo x >>in.tar");
	assert_refused(&more, ERR_SOURCE, "goes on behind its end");
}

static void
a_fetch_that_fails_says_why(void **state)
{
	static const size_t limits[] = { 0, 100, 3000, 1000000 };
	size_t i;

	(void)state;
	packer_must("mkdir v && head -c 500000 /dev/urandom >v/f && "
	    "tar -cf in.tar v");
	for (i = 0; i < LENGTH(limits); i++) {
		struct fake fake = FAKE;
		CLEANUP(packer_free) struct packer packer = PACKER_OF(fake);

		fake.limit = limits[i];
		fake.empty = limits[i] == 0;
		fake.fails = true;
		assert_refused(&packer, ERR_UNREACHABLE,
		    "cannot read '/volumes/v': the Engine is gone");
		assert_true(fake.ended);
	}
}

static void
a_consumer_that_is_gone_ends_the_fetch(void **state)
{
	struct fake fake = FAKE;
	CLEANUP(packer_free) struct packer packer = PACKER_OF(fake);

	(void)state;
	packer_must("mkdir v && head -c 20000000 /dev/zero >v/f && "
	    "tar -cf in.tar v");
	packer_start(&packer);
	packer_read(&packer, 1);
	chan_cancel(packer.chan);
	packer_join(&packer);
	assert_int_equal(packer.rc, -1);
	assert_int_equal(packer.err.kind, ERR_STREAM);
	assert_true(fake.ended);
	assert_int_equal(fake.err.kind, ERR_STREAM);
}

static void
a_bad_stream_ends_the_fetch(void **state)
{
	struct fake fake = FAKE;
	CLEANUP(packer_free) struct packer packer = PACKER_OF(fake);

	(void)state;
	packer_must("head -c 20000000 /dev/urandom >in.tar");
	assert_refused(&packer, ERR_SOURCE, "is damaged");
	assert_true(fake.ended);
	assert_int_equal(fake.err.kind, ERR_STREAM);
}

/* in.tar with members of these names, links as NAME=TARGET, from Python. */
static void
make_stream(const char *names)
{
	packer_must("python3 - %s <<'END'\n"
	    "import io, sys, tarfile\n"
	    "t = tarfile.open('in.tar', 'w', format=tarfile.PAX_FORMAT)\n"
	    "for name in sys.argv[1:]:\n"
	    "    name, _, link = name.partition('=')\n"
	    "    i = tarfile.TarInfo(name.rstrip('/') or '/')\n"
	    "    i.type = (tarfile.LNKTYPE if link else tarfile.DIRTYPE\n"
	    "        if name.endswith('/') else tarfile.REGTYPE)\n"
	    "    i.linkname = link\n"
	    "    i.size = 0 if i.type != tarfile.REGTYPE else 3\n"
	    "    t.addfile(i, io.BytesIO(b'abc'))\n"
	    "t.close()\n"
	    "END", names);
}

static void
names_that_lead_out_are_refused(void **state)
{
	static const struct { const char *names, *named; } cases[] = {
		{ "v/ v/a v/../b", "'v/../b'" },
		{ "v/ v/a v/..", "'v/..'" },
		{ "v/ v/a ../b", "'../b'" },
		{ ".. ../a", "'..'" },
		{ "v/ /v/b", "'/v/b'" },
		{ "/ /etc/", "'/'" },
		{ "v/ w/a", "'w/a'" },
		{ "v/ vv/a", "'vv/a'" },
		{ "v/ ./v/a", "'./v/a'" },
		{ "v/ v/a v/b=../a", "'../a'" },
		{ "v/ v/a v/b=/etc/passwd", "'/etc/passwd'" },
		{ "v/ v/a v/b=w/a", "'w/a'" },
		{ "v/ v/a v/b=v/", "'v/'" },
		{ "v/ v/a v", "'v'" },
		{ "v v/a", "'v/a'" },
		{ "v v", "'v'" },
		{ "v/a v/", "'v/a'" },
		{ "v=v/a", "'v'" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(cases); i++) {
		struct fake fake = FAKE;
		CLEANUP(packer_free) struct packer packer = PACKER_OF(fake);

		make_stream(cases[i].names);
		assert_refused(&packer, ERR_SOURCE, cases[i].named);
	}
}

static void
odd_names_are_made_plain(void **state)
{
	struct fake fake = FAKE;
	CLEANUP(packer_free) struct packer packer = PACKER_OF(fake);

	(void)state;
	make_stream("v/ v//a v/./b v/.../ v/..c v/d//=v/./a v/e=v//b");
	run_well(&packer);
	assert_int_equal(packer.events.n, 0);
	packer_prints("tar -tf a.tar; mkdir out && tar -C out -xf a.tar && "
	    "stat -c %h out/m/a", "m/\nm/a\nm/b\nm/.../\nm/..c\nm/d\nm/e\n"
	    "2\n");
}

static void
what_is_no_tar_is_refused(void **state)
{
	static const char *const commands[] = {
		"head -c 5000 /dev/zero >in.tar",
		"head -c 1024 /dev/zero >in.tar",
		"echo '<html>' >in.tar",
		"mkdir -p v && tar -cf - v | gzip >in.tar",
		"printf 070701%5000d 0 >in.tar",
	};
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(commands); i++) {
		struct fake fake = FAKE;
		CLEANUP(packer_free) struct packer packer = PACKER_OF(fake);

		packer_must("%s", commands[i]);
		assert_refused(&packer, ERR_SOURCE, "its archive ");
	}
}

/* One bit of each header, one after the other; the bytes of files are not
 * protected by anything. */
static void
damaged_headers_are_refused(void **state)
{
	CLEANUP(cleanup_free) char *bytes = NULL;
	struct err err = ERR_INIT;
	size_t n, at;

	(void)state;
	packer_must("mkdir v && : >v/a && ln -s x v/b && mkdir v/c && "
	    "tar --format=ustar -b 1 -cf in.tar v");
	assert_int_equal(file_read("in.tar", 1 << 20, &bytes, &n, &err), 0);
	assert_int_equal(n, 4 * 512 + 1024);
	for (at = 0; at < n; at += 37) {
		struct fake fake = FAKE;
		CLEANUP(packer_free) struct packer packer = PACKER_OF(fake);
		CLEANUP(cleanup_close) int fd = open("in.tar", O_WRONLY);

		bytes[at] ^= 2;
		assert_int_equal(pwrite(fd, bytes, n, 0), n);
		bytes[at] ^= 2;
		assert_refused(&packer, ERR_SOURCE, "its archive ");
	}
}

int
main(void)
{
#define TEST(function) \
	cmocka_unit_test_setup_teardown(function, packer_setup, packer_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_pax_stream_loses_nothing),
		TEST(a_gnu_stream_loses_what_its_format_does),
		TEST(an_acl_is_kept_once_however_it_comes),
		TEST(what_is_no_acl_is_told),
		TEST(records_with_a_nul_are_refused),
		TEST(names_are_bytes_in_any_locale),
		TEST(a_stream_without_maps_is_written_as_it_is),
		TEST(members_are_counted_as_of_a_directory),
		TEST(an_empty_volume_is_its_root),
		TEST(a_source_may_be_one_file),
		TEST(the_root_of_the_archive_is_dot_slash),
		TEST(what_is_excluded_is_left_out_with_what_is_below),
		TEST(a_link_to_what_was_left_out_is_told),
		TEST(sources_of_both_kinds_follow_each_other),
		TEST(a_stream_that_ends_early_is_an_error),
		TEST(zeros_of_a_file_do_not_end_a_stream),
		TEST(what_follows_the_end_must_be_zeros),
		TEST(a_fetch_that_fails_says_why),
		TEST(a_consumer_that_is_gone_ends_the_fetch),
		TEST(a_bad_stream_ends_the_fetch),
		TEST(names_that_lead_out_are_refused),
		TEST(odd_names_are_made_plain),
		TEST(what_is_no_tar_is_refused),
		TEST(damaged_headers_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
