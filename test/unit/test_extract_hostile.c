/*
 * extract: whatever an archive says, nothing changes outside of its place.
 *
 * Each test works in a directory with "out", the place, and "outside", which
 * must be the same afterwards, with everything beside it.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "test/unit/extractor.h"
#include "test/unit/packer.h"
#include "test/unit/tree_compare.h"

#define LENGTH(array) (sizeof(array) / sizeof *(array))
#define NEEDS_ROOT() do { if (geteuid() != 0) { skip(); } } while (0)

#define DIRECTORY(path) { PAX_DIRECTORY, path, NULL, NULL }
#define PLAIN(path) { PAX_FILE, path, NULL, "of the archive" }
#define SYMLINK(path, link) { PAX_SYMLINK, path, link, NULL }
#define HARD_LINK(path, link) { PAX_HARD_LINK, path, link, NULL }
#define FIFO(path) { PAX_FIFO, path, NULL, NULL }

#define MEMBERS_MAX 6

struct member_row {
	enum pax_type type;
	const char *path;
	const char *link;
	const char *data;
};

struct row {
	struct member_row members[MEMBERS_MAX];
	const char *expect;	/* in the text of ERR_SOURCE, or problems; ""
				 * for none */
	const char *there;	/* in out afterwards, by a command that prints
				 * nothing where it is so */
};

/* Beside out and outside nothing is there before or afterwards. */
static void
begin(const char *in_out)
{
	packer_must("rm -rf out outside before && mkdir out outside && "
	    "mkdir outside/directory && echo secret >outside/secret && "
	    "chmod 600 outside/secret && ln outside/secret outside/again && "
	    "mkfifo outside/fifo && touch -d @1 outside/directory && "
	    "touch -d @2 outside && cp -a outside before && cd out && %s",
	    in_out);
}

static void
assert_nothing_outside(void)
{
	CLEANUP(cleanup_close) int a = open("before", O_RDONLY);
	CLEANUP(cleanup_close) int b = open("outside", O_RDONLY);
	CLEANUP(str_free) struct str lines = STR_INIT;

	assert_int_equal(tree_compare(a, b, &lines), 0);
	assert_string_equal(lines.s, "");
	packer_prints("ls -A", "before\nout\noutside\n");
}

static void
make(struct str *tar, const struct member_row *members)
{
	size_t i;

	for (i = 0; i < MEMBERS_MAX && members[i].path != NULL; i++)
		tar_member(tar, members[i].type, members[i].path,
		    members[i].link, members[i].data);
	tar_end(tar);
}

static void
run_row(const struct row *row, const char *in_out, bool refused,
    bool overwrite)
{
	CLEANUP(str_free) struct str tar = STR_INIT;
	CLEANUP(extractor_free) struct extractor extractor = {
		.archive = &tar, .dir = "out",
		.settings.overwrite = overwrite };

	begin(in_out);
	make(&tar, row->members);
	if (refused)
		extractor_refuses(&extractor, row->expect);
	else
		extractor_must(&extractor, row->expect);
	assert_nothing_outside();
	if (row->there != NULL)
		packer_must("cd out && %s", row->there);
}

static void
names_that_lead_out_refuse_the_archive(void **state)
{
	static const struct row rows[] = {
		{ { PLAIN("../outside/evil") }, "leads out", NULL },
		{ { PLAIN("a/../../outside/evil") }, "leads out", NULL },
		{ { DIRECTORY("../") }, "leads out", NULL },
		{ { DIRECTORY("..") }, "leads out", NULL },
		{ { DIRECTORY("a/") , DIRECTORY("a/..") }, "leads out", NULL },
		{ { SYMLINK("../outside/evil", "x") }, "leads out", NULL },
		{ { FIFO("/../outside/evil") }, "leads out", NULL },
		{ { PLAIN("a"), HARD_LINK("../outside/evil", "a") },
		    "leads out", NULL },
		{ { HARD_LINK("a", "../outside/secret") }, "leads out", NULL },
		{ { HARD_LINK("a", "/x/../../outside/secret") }, "leads out",
		    NULL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < 2 * LENGTH(rows); i++)
		run_row(&rows[i / 2], ":", true, i % 2);
}

static void
absolute_names_stay_below(void **state)
{
	static const struct row rows[] = {
		{ { PLAIN("/etc/evil"), PLAIN("//./tmp//evil"),
		    SYMLINK("/s", "/etc"), HARD_LINK("/h", "//etc/evil") }, "",
		    "test -f etc/evil && test -f tmp/evil && test h -ef "
		    "etc/evil" },
		{ { DIRECTORY("/"), DIRECTORY("///backup/"),
		    PLAIN("/backup/x") }, "", "test -f backup/x" },
		{ { PLAIN("/...") }, "", "test -f ..." },
	};
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(rows); i++)
		run_row(&rows[i], ":", false, false);
}

static void
links_of_the_archive_lead_nowhere(void **state)
{
	static const struct row rows[] = {
		{ { SYMLINK("s", "../outside"), PLAIN("s/evil") },
		    "symbolic link", NULL },
		{ { SYMLINK("s", "../outside"), DIRECTORY("s/evil/") },
		    "symbolic link", NULL },
		{ { SYMLINK("s", ".."), PLAIN("s/outside/evil") },
		    "symbolic link", NULL },
		{ { SYMLINK("s", "../outside/directory"), SYMLINK("t", "s"),
		    PLAIN("t/evil") }, "symbolic link", NULL },
		{ { SYMLINK("s", "../outside"), FIFO("s/evil") },
		    "symbolic link", NULL },
		{ { DIRECTORY("d"), SYMLINK("d/s", "../../outside"),
		    PLAIN("d/s/evil") }, "symbolic link", NULL },
		{ { SYMLINK("s", "../outside"), HARD_LINK("h", "s/secret") },
		    "symbolic link", NULL },
		{ { SYMLINK("s", "../outside"), HARD_LINK("h", "s"),
		    PLAIN("h/evil") }, "symbolic link", NULL },
		{ { SYMLINK("s", "."), PLAIN("s/evil") }, "symbolic link",
		    "test ! -e evil" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < 2 * LENGTH(rows); i++)
		run_row(&rows[i / 2], ":", true, i % 2);
}

static void
links_of_the_archive_are_replaced_and_not_followed(void **state)
{
	static const struct row rows[] = {
		{ { SYMLINK("s", "../outside/secret"), PLAIN("s") }, "",
		    "test ! -L s && test -f s" },
		{ { SYMLINK("s", "../outside/secret"), HARD_LINK("h", "s"),
		    PLAIN("h") }, "", "test -L s && test ! -L h" },
		{ { SYMLINK("s", "../outside/new"), PLAIN("s") }, "",
		    "test ! -L s" },
		{ { SYMLINK("s", "../outside"), DIRECTORY("s"),
		    PLAIN("s/secret") }, "",
		    "test ! -L s && test -f s/secret" },
		{ { SYMLINK("s", "../outside/fifo"), PLAIN("f"),
		    HARD_LINK("s", "f") }, "", "test s -ef f" },
		{ { FIFO("p"), PLAIN("p") }, "", "test -f p" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < 2 * LENGTH(rows); i++)
		run_row(&rows[i / 2], ":", false, i % 2);
}

static void
links_that_were_there_are_not_followed(void **state)
{
#define IN_THE_WAY(path) "cannot make '" path "': a part of its name is " \
	"there already, as a symbolic link"
	static const struct row rows[] = {
		{ { PLAIN("s/evil"), PLAIN("good") }, IN_THE_WAY("s/evil"),
		    "test -f good" },
		{ { DIRECTORY("s/evil/") }, IN_THE_WAY("s/evil"), NULL },
		{ { HARD_LINK("h", "s/secret") }, IN_THE_WAY("h"), NULL },
	};
	static const struct row kept[] = {
		{ { DIRECTORY("s"), PLAIN("s/evil") },
		    "'s' is there already, and no directory\n"
		    IN_THE_WAY("s/evil"), "test -L s" },
		{ { PLAIN("f") }, "'f' is there already, and is kept",
		    "test -L f" },
		{ { PLAIN("p") }, "'p' is there already, and is kept",
		    "test -p p" },
		{ { FIFO("f") }, "'f' is there already, and is kept", NULL },
		{ { SYMLINK("f", "x") }, "'f' is there already, and is kept",
		    NULL },
	};
	static const struct row replaced[] = {
		{ { DIRECTORY("s"), PLAIN("s/evil") }, "",
		    "test ! -L s && test -f s/evil" },
		{ { PLAIN("f"), PLAIN("p") }, "",
		    "test ! -L f && test -f f && test -f p" },
	};
	static const char links[] = "ln -s ../outside s && "
	    "ln -s ../outside/secret f && mkfifo p";
	size_t i;

	(void)state;
	for (i = 0; i < 2 * LENGTH(rows); i++)
		run_row(&rows[i / 2], links, false, i % 2);
	for (i = 0; i < LENGTH(kept); i++)
		run_row(&kept[i], links, false, false);
	for (i = 0; i < LENGTH(replaced); i++)
		run_row(&replaced[i], links, false, true);
}

static void
hard_links_lead_to_what_the_archive_has_made(void **state)
{
#define NOT_OURS(path) "cannot make '" path "': it is a hard link to what " \
	"this archive has not made here"
	static const struct row rows[] = {
		{ { HARD_LINK("h", "there") }, NOT_OURS("h"), "test ! -e h" },
		{ { HARD_LINK("h", "gone") }, NOT_OURS("h"), NULL },
		{ { HARD_LINK("h", "no/such/thing") }, NOT_OURS("h"), NULL },
		{ { DIRECTORY("new"), HARD_LINK("h", "new") }, NOT_OURS("h"),
		    NULL },
		{ { HARD_LINK("h", "directory") }, NOT_OURS("h"), NULL },
		{ { HARD_LINK("h", "directory/there") }, NOT_OURS("h"),
		    "test ! -e h" },
		{ { HARD_LINK("h", ".") }, NOT_OURS("h"), NULL },
		{ { PLAIN("f"), HARD_LINK("h", "f"), HARD_LINK("i", "h"),
		    HARD_LINK("i", "f"), HARD_LINK("h", "h") }, "",
		    "test h -ef f && test i -ef f && test ! f -ef there" },
		{ { HARD_LINK("h", "h") }, NOT_OURS("h"), NULL },
	};
	static const struct row kept[] = {
		{ { PLAIN("there"), HARD_LINK("h", "there") },
		    "'there' is there already, and is kept\n" NOT_OURS("h"),
		    "grep -qx before there && test ! -e h" },
		{ { PLAIN("f"), HARD_LINK("there", "f") },
		    "'there' is there already, and is kept",
		    "grep -qx before there" },
	};
	static const char there[] =
	    "echo before >there && mkdir directory && ln there directory";
	size_t i;

	(void)state;
	for (i = 0; i < 2 * LENGTH(rows); i++)
		run_row(&rows[i / 2], there, false, i % 2);
	for (i = 0; i < LENGTH(kept); i++)
		run_row(&kept[i], there, false, false);
}

static void
the_later_of_two_members_counts(void **state)
{
	static const struct row rows[] = {
		{ { PLAIN("a"), SYMLINK("a", "x") }, "", "test -L a" },
		{ { PLAIN("a"), DIRECTORY("a"), PLAIN("a/b") }, "",
		    "test -f a/b" },
		{ { DIRECTORY("a"), PLAIN("a/b"), DIRECTORY("a") }, "",
		    "test -f a/b" },
		{ { DIRECTORY("a"), PLAIN("a") },
		    "'a' is there already, as a directory", "test -d a" },
		{ { DIRECTORY("a"), SYMLINK("a", "../outside"),
		    PLAIN("a/b") }, "'a' is there already, as a directory",
		    "test -f a/b" },
		{ { PLAIN("a"), PLAIN("a/b") }, "cannot make 'a/b': a part "
		    "of its name is there already, as something else than a "
		    "directory", "test -f a" },
		{ { FIFO("p"), PLAIN("p/b"), DIRECTORY("p/c") },
		    "cannot make 'p/b': a part of its name is there already, "
		    "as something else than a directory\n"
		    "cannot make 'p/c': a part of its name is there already, "
		    "as something else than a directory", "test -p p" },
		{ { PLAIN("a"), HARD_LINK("b", "a"), PLAIN("a") }, "",
		    "test ! a -ef b" },
		{ { PLAIN("."), SYMLINK("/", "x"), FIFO("./") },
		    "'.' is no directory, but its place is one\n"
		    "'.' is no directory, but its place is one\n"
		    "'.' is no directory, but its place is one", NULL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < 2 * LENGTH(rows); i++)
		run_row(&rows[i / 2], ":", false, i % 2);
}

static void
repeat(struct str *ret, const char *text, size_t n)
{
	for (; n != 0; n--)
		str_add(ret, text);
}

static void
names_that_are_too_long_are_problems(void **state)
{
	CLEANUP(str_free) struct str name = STR_INIT;
	CLEANUP(str_free) struct str path = STR_INIT;
	CLEANUP(str_free) struct str tar = STR_INIT;
	CLEANUP(extractor_free) struct extractor extractor = {
		.archive = &tar, .dir = "out" };

	(void)state;
	begin(":");
	repeat(&name, "n", 256);
	repeat(&path, "/12345", 60000);
	tar_member(&tar, PAX_FILE, name.s, NULL, "x");
	tar_member(&tar, PAX_SYMLINK, "s", path.s, NULL);
	tar_member(&tar, PAX_FILE, path.s, NULL, "x");
	str_add(&name, "/x");
	tar_member(&tar, PAX_DIRECTORY, name.s, NULL, NULL);
	tar_member(&tar, PAX_FILE, name.s, NULL, "x");
	tar_member(&tar, PAX_HARD_LINK, "h", name.s, NULL);
	tar_member(&tar, PAX_FILE, "good", NULL, "x");
	tar_end(&tar);
	extractor_run(&extractor);
	assert_string_equal(extractor.err.msg, "");
	assert_int_equal(extractor.result.seen, 7);
	assert_int_equal(extractor.result.problems, 6);
	assert_int_equal(extractor.problems.n, 6);
	packer_prints("ls -A out", "good\n");
	assert_nothing_outside();
}

#define DEEP 100000

/* So many directories are much work for a disk. */
static void
any_depth_is_made(void **state)
{
	char dir[] = "/dev/shm/vbackup-test-XXXXXX";
	CLEANUP(str_free) struct str path = STR_INIT;
	CLEANUP(str_free) struct str tar = STR_INIT;
	CLEANUP(extractor_free) struct extractor extractor = {
		.archive = &tar, .dir = dir };

	(void)state;
	if (mkdtemp(dir) == NULL)
		skip();
	repeat(&path, "d/", DEEP);
	str_add(&path, "f");
	tar_member(&tar, PAX_FILE, path.s, NULL, "x");
	tar_member(&tar, PAX_HARD_LINK, "d/d/h", path.s, NULL);
	tar_member(&tar, PAX_DIRECTORY, "d/d/", NULL, NULL);
	tar_end(&tar);
	extractor_run(&extractor);
	packer_must("cd %s && test $(stat -c %%h d/d/h) = 2 && "
	    "test $(stat -c %%Y d/d) = 1000000000; rc=$?; rm -rf %s; exit $rc",
	    dir, dir);
	assert_int_equal(extractor.rc, 0);
	assert_int_equal(extractor.result.members, 3);
	assert_int_equal(extractor.result.problems, 0);
}

static const struct pax_member devices[] = {
	{ .type = PAX_CHAR_DEVICE, .path = "null", .mode = 0666,
	    .dev_major = 1, .dev_minor = 3 },
	{ .type = PAX_BLOCK_DEVICE, .path = "loop", .mode = 0600,
	    .dev_major = 7 },
	{ .type = PAX_CHAR_DEVICE, .path = "high", .mode = 0600,
	    .dev_major = 4096 },
};

static void
devices_are_made_where_that_is_asked_for(void **state)
{
	CLEANUP(str_free) struct str tar = STR_INIT;
	CLEANUP(extractor_free) struct extractor extractor = {
		.archive = &tar, .dir = "out" };
	size_t i;

	(void)state;
	NEEDS_ROOT();
	begin(":");
	for (i = 0; i < LENGTH(devices); i++)
		tar_any(&tar, &devices[i], "", 0);
	tar_end(&tar);
	extractor_must(&extractor, "'null' is a device: it is not made\n"
	    "'loop' is a device: it is not made\n"
	    "'high' is a device: it is not made");
	packer_prints("ls -A out", "");
	extractor.settings.devices = true;
	extractor_must(&extractor, "cannot make 'high': Invalid argument");
	packer_must("test -c out/null && test -b out/loop && "
	    "test ! -e out/high");
	assert_nothing_outside();
}

static void
more_content_than_there_may_be_is_damage(void **state)
{
	CLEANUP(str_free) struct str tar = STR_INIT;
	CLEANUP(extractor_free) struct extractor extractor = {
		.archive = &tar, .dir = "out", .settings.bytes_max = 10 };

	(void)state;
	begin(":");
	tar_member(&tar, PAX_FILE, "a", NULL, "12345");
	tar_member(&tar, PAX_FILE, "b", NULL, "12345");
	tar_member(&tar, PAX_FILE, "c", NULL, "1");
	tar_end(&tar);
	extractor_refuses(&extractor, "more content than the 10 bytes");
	packer_prints("ls -A out", "a\nb\n");
	assert_int_equal(extractor.result.members, 2);
	assert_int_equal(extractor.result.raw_bytes, 10);
	begin(":");
	extractor.settings.bytes_max = 11;
	extractor_must(&extractor, NULL);
	assert_nothing_outside();
}

/* A file system that has no such files refuses this one only. */
static void
a_file_of_2_to_60_bytes_takes_no_room(void **state)
{
	const struct pax_map map = { NULL, 0 };
	const struct pax_member member = { .type = PAX_FILE, .path = "huge",
		.mode = 0644, .size = UINT64_C(1) << 60, .map = &map,
		.uid = geteuid(), .gid = getegid() };
	CLEANUP(str_free) struct str tar = STR_INIT;
	CLEANUP(extractor_free) struct extractor extractor = {
		.archive = &tar, .dir = "out",
		.settings.bytes_max = UINT64_C(1) << 40 };

	(void)state;
	begin(":");
	tar_any(&tar, &member, "", 0);
	tar_member(&tar, PAX_FILE, "good", NULL, "x");
	tar_end(&tar);
	extractor_refuses(&extractor, "more content");
	packer_prints("ls -A out", "");
	extractor.settings.bytes_max = 0;
	extractor_run(&extractor);
	assert_int_equal(extractor.rc, 0);
	assert_int_equal(extractor.result.members +
	    extractor.result.problems, 2);
	packer_must("test -f out/good && test $(du -k out | cut -f1) -lt 100");
	assert_nothing_outside();
}

static void
problems_are_counted_and_the_first_ones_told(void **state)
{
	CLEANUP(str_free) struct str tar = STR_INIT;
	CLEANUP(extractor_free) struct extractor extractor = {
		.archive = &tar, .dir = "out" };
	size_t i;

	(void)state;
	begin("echo before >there");
	for (i = 0; i < 250; i++)
		tar_member(&tar, PAX_FILE, "there", NULL, "x");
	tar_end(&tar);
	extractor_run(&extractor);
	assert_int_equal(extractor.rc, 0);
	assert_int_equal(extractor.result.problems, 250);
	assert_int_equal(extractor.result.members, 0);
	assert_int_equal(extractor.problems.n, EXTRACT_PROBLEMS_MAX);
	packer_prints("cat out/there", "before\n");
}

/* The log makes it good for a terminal. */
static void
a_name_is_told_as_it_is(void **state)
{
	CLEANUP(str_free) struct str tar = STR_INIT;
	CLEANUP(extractor_free) struct extractor extractor = {
		.archive = &tar, .dir = "out" };

	(void)state;
	begin("echo before >\"$(printf 'a\\033\\nb\\\\')\"");
	tar_member(&tar, PAX_FILE, "a\033\nb\\", NULL, "x");
	tar_end(&tar);
	extractor_must(&extractor,
	    "'a\033\nb\\' is there already, and is kept");
}

/* What was begun is taken away, and directories are not left open only to us.*/
static void
an_archive_that_is_cut_leaves_no_half_file(void **state)
{
	CLEANUP(str_free) struct str tar = STR_INIT;
	CLEANUP(extractor_free) struct extractor extractor = {
		.archive = &tar, .dir = "out" };
	size_t overwrite;

	(void)state;
	tar_member(&tar, PAX_DIRECTORY, "d/", NULL, NULL);
	tar_member(&tar, PAX_FILE, "d/whole", NULL, "x");
	tar_member(&tar, PAX_FILE, "d/half", NULL, "12345");
	tar.len -= PAX_BLOCK_BYTES - 3;
	for (overwrite = 0; overwrite < 2; overwrite++) {
		begin(":");
		extractor.settings.overwrite = overwrite;
		extractor_refuses(&extractor, "");
		packer_prints("ls -A out/d", "whole\n");
		packer_prints("stat -c '%a %Y' out/d", "755 1000000000\n");
		assert_nothing_outside();
	}
}

static void
what_is_no_acl_is_a_problem(void **state)
{
	CLEANUP(str_free) struct str tar = STR_INIT, records = STR_INIT;
	const struct pax_member member = { .type = PAX_FILE, .path = "f",
		.mode = 0664, .uid = geteuid(), .gid = getegid(),
		.records = &records };
	CLEANUP(extractor_free) struct extractor extractor = {
		.archive = &tar, .dir = "out" };

	(void)state;
	begin(":");
	pax_add_acl(&records, "access", "user::rw-,user:joe:rwx");
	pax_add_xattr(&records, "system.posix_acl_default", "\2", 1);
	tar_any(&tar, &member, "", 0);
	tar_end(&tar);
	extractor_must(&extractor, "cannot put all of 'f' back: its ACL is "
	    "not understood: user::rw-,user:joe:rwx, its ACL is not "
	    "understood: not an ACL");
	packer_prints("stat -c %a out/f", "604\n");
}

int
main(void)
{
#define TEST(function) \
	cmocka_unit_test_setup_teardown(function, packer_setup, packer_teardown)
	const struct CMUnitTest tests[] = {
		TEST(names_that_lead_out_refuse_the_archive),
		TEST(absolute_names_stay_below),
		TEST(links_of_the_archive_lead_nowhere),
		TEST(links_of_the_archive_are_replaced_and_not_followed),
		TEST(links_that_were_there_are_not_followed),
		TEST(hard_links_lead_to_what_the_archive_has_made),
		TEST(the_later_of_two_members_counts),
		TEST(names_that_are_too_long_are_problems),
		TEST(any_depth_is_made),
		TEST(devices_are_made_where_that_is_asked_for),
		TEST(more_content_than_there_may_be_is_damage),
		TEST(a_file_of_2_to_60_bytes_takes_no_room),
		TEST(problems_are_counted_and_the_first_ones_told),
		TEST(a_name_is_told_as_it_is),
		TEST(an_archive_that_is_cut_leaves_no_half_file),
		TEST(what_is_no_acl_is_a_problem),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
