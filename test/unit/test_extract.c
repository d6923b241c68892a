/*
 * extract: what pack, GNU tar, bsdtar and Python's tarfile have packed comes
 * back as it was.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/intr.h"
#include "test/unit/extractor.h"
#include "test/unit/nasty_tree.h"
#include "test/unit/packer.h"
#include "test/unit/tree_compare.h"

#define LENGTH(array) (sizeof(array) / sizeof *(array))
#define NEEDS_ROOT() do { if (geteuid() != 0) { skip(); } } while (0)

static void
assert_same_paths(const char *source, const char *restored,
    const char *differences)
{
	CLEANUP(cleanup_close) int a = open(source, O_RDONLY | O_DIRECTORY);
	CLEANUP(cleanup_close) int b = open(restored, O_RDONLY | O_DIRECTORY);
	CLEANUP(str_free) struct str lines = STR_INIT;

	assert_true(a >= 0 && b >= 0);
	assert_int_equal(tree_compare(a, b, &lines), 0);
	assert_string_equal(lines.s, differences);
}

static void
what_pack_has_packed_comes_back(void **state)
{
	CLEANUP(packer_free) struct packer packer = { .file = "a.tar" };
	CLEANUP(extractor_free) struct extractor extractor = {
		.file = "a.tar", .dir = "out", .settings.devices = true };

	(void)state;
	NEEDS_ROOT();
	assert_int_equal(nasty_tree_build("tree", true), 0);
	packer_run(&packer, "tree");
	assert_int_equal(packer.rc, 0);
	packer_must("mkdir out");
	extractor_must(&extractor, NULL);
	assert_same_paths("tree", "out/m", "");
	assert_int_equal(extractor.result.seen, packer.results[0].members);
	assert_int_equal(extractor.result.members, packer.results[0].members);
	assert_int_equal(extractor.result.files, packer.results[0].files);
	assert_int_equal(extractor.result.raw_bytes,
	    packer.results[0].raw_bytes);
	assert_int_equal(extractor.result.problems, 0);
}


/* A tree from the nasty one, which this tar can hold: packed by it, out of
 * "tree", it comes back the same. */
static void
check_tar(const char *make_tree, const char *tar)
{
	CLEANUP(extractor_free) struct extractor extractor = {
		.file = "a.tar", .dir = "out", .settings.devices = true };

	packer_must("rm -rf out tree && mkdir out tree && %s && %s", make_tree,
	    tar);
	extractor_must(&extractor, NULL);
	assert_same_paths("tree", "out", "");
}

/* It does not see hard links between special files. */
#define UNLINK "rm -f tree/links/device?* tree/links/fifo?* " \
	"tree/links/other/device* tree/links/other/fifo*"
#define WHOLE_SECONDS "find tree -exec touch -hd @1234567890 {} +"

static void
what_gnu_tar_has_packed_comes_back(void **state)
{
	(void)state;
	NEEDS_ROOT();
	assert_int_equal(nasty_tree_build("nasty", false), 0);
	packer_must("rm nasty/special/socket");
	check_tar("cp -a nasty/. tree; " UNLINK, "tar --format=pax -S --xattrs "
	    "--xattrs-include='*' --acls --numeric-owner -C tree -cf a.tar .");
	check_tar("cp -a nasty/. tree; " UNLINK, "tar --format=pax -S --xattrs "
	    "--xattrs-include='*' --acls --numeric-owner --sparse-version=0.1 "
	    "-C tree -cf a.tar .");
	check_tar("for i in names edges sizes long links holes special owners; "
	    "do cp -a nasty/$i tree; done; " UNLINK "; " WHOLE_SECONDS,
	    "tar --format=gnu -S --numeric-owner -C tree -cf a.tar .");
}

/* Without a locale it cannot read all of the names. */
static void
what_bsdtar_has_packed_comes_back(void **state)
{
	(void)state;
	NEEDS_ROOT();
	assert_int_equal(nasty_tree_build("nasty", false), 0);
	packer_must("rm nasty/special/socket");
	check_tar("for i in acls sizes special; do cp -a nasty/$i tree; done; "
	    "cp -a nasty/links/other tree; mkdir tree/attributes && cd "
	    "nasty/attributes && cp -a file directory program fifo "
	    "../../tree/attributes; cd ../..; rm tree/special/?? "
	    "tree/acls/high* 2>/dev/null; touch -d @1.5 tree/sizes",
	    "bsdtar --format pax --acls --xattrs --numeric-owner -C tree "
	    "-cf a.tar . 2>log");
}

/* Slashes at the beginning, as docker-volume-backup has them. */
static const char python[] =
    "import os, sys, tarfile\n"
    "t = tarfile.open('a.tar', 'w', format=getattr(tarfile, sys.argv[1]))\n"
    "def add(path):\n"
    "    i = t.gettarinfo(path)\n"
    "    i.name = '/backup/' + path\n"
    "    if i.islnk(): i.linkname = '/backup/' + i.linkname\n"
    "    if i.isreg(): t.addfile(i, open(path, 'rb'))\n"
    "    else: t.addfile(i)\n"
    "for top, dirs, files in os.walk('tree'):\n"
    "    add(top)\n"
    "    for f in files: add(os.path.join(top, f))\n"
    "    for d in dirs:\n"
    "        d = os.path.join(top, d)\n"
    "        if os.path.islink(d): add(d)\n"
    "t.close()\n";

static void
what_pythons_tarfile_has_packed_comes_back(void **state)
{
	static const char *const formats[] = { "PAX_FORMAT", "GNU_FORMAT" };
	CLEANUP(cleanup_close) int fd = open("pack.py",
	    O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	CLEANUP(extractor_free) struct extractor extractor = {
		.file = "a.tar", .dir = "out" };
	size_t i;

	(void)state;
	assert_int_equal(write(fd, python, strlen(python)), strlen(python));
	packer_must("mkdir -p tree/d/e tree/$(printf '%%0150d' 0) && cd tree "
	    "&& echo x >d/f && ln d/f d/e/h && ln -s /etc s && ln -s d t && "
	    "ln -s x $(printf '%%0150d' 0)/s && mkfifo p && chmod 1750 d && "
	    "echo y >\"$(printf '\\303\\251')\" && chmod 4711 d/f && cd .. && "
	    WHOLE_SECONDS);
	for (i = 0; i < LENGTH(formats); i++) {
		packer_must("rm -rf out && mkdir out && "
		    "/usr/bin/python3 pack.py %s", formats[i]);
		extractor_must(&extractor, NULL);
		assert_same_paths("tree", "out/backup/tree", "");
	}
}

static void
members_may_come_in_any_order(void **state)
{
	(void)state;
	check_tar("mkdir -p tree/a/b/c tree/d && echo x >tree/a/b/c/f && "
	    "echo y >tree/a/z && ln tree/a/z tree/d/z && "
	    "chmod 750 tree/a tree/d && chmod 700 tree/a/b && "
	    "find tree -exec touch -hd @1234567890.5 {} +",
	    "(cd tree && find . -depth) >list && tar --format=pax "
	    "--no-recursion -C tree -cf a.tar -T list");
	packer_must("cat >list <<E\n./d\n./a\n./a/b/c/f\n./d/z\n./a/b/c\n"
	    "./a/z\n./a/b\n./\nE");
	check_tar("mkdir -p tree/a/b/c tree/d && echo x >tree/a/b/c/f && "
	    "echo y >tree/a/z && ln tree/a/z tree/d/z && "
	    "chmod 750 tree/a tree/d && chmod 700 tree/a/b && "
	    "find tree -exec touch -hd @1234567890.5 {} +",
	    "tar --format=pax --no-recursion -C tree -cf a.tar -T list");
}

/* Two places, and what is not wanted. */
static int
place_apart(void *cookie, const char *name, struct extract_place *ret,
    struct err *err)
{
	const int *places = cookie;

	if (strcmp(name, "fail") == 0)
		return err_set(err, ERR_NOTFOUND, "no place for it");
	ret->dir = -1;
	if (str_starts(name, "a/"))
		*ret = (struct extract_place){ places[0], name + 2 };
	else if (strcmp(name, "b") == 0)
		*ret = (struct extract_place){ places[1], "" };
	else if (str_starts(name, "b/"))
		*ret = (struct extract_place){ places[1], name + 2 };
	return 0;
}

static struct strlist told;

static void
hear(void *cookie, const char *message)
{
	struct err err = ERR_INIT;

	(void)cookie;
	assert_int_equal(strlist_add(&told, message, &err), 0);
}

static void
each_member_goes_to_its_own_place(void **state)
{
	CLEANUP(str_free) struct str tar = STR_INIT;
	int places[2];
	struct progress progress = { 0 };
	CLEANUP(extractor_free) struct extractor extractor = {
		.archive = &tar, .dir = ".", .settings = {
		.place = place_apart, .problem = hear, .cookie = places,
		.progress = &progress } };

	(void)state;
	packer_must("mkdir A B && chmod 700 B");
	places[0] = open("A", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	places[1] = open("B", O_PATH | O_DIRECTORY | O_CLOEXEC);
	tar_member(&tar, PAX_DIRECTORY, "b/", NULL, NULL);
	tar_member(&tar, PAX_FILE, "a/f", NULL, "content");
	tar_member(&tar, PAX_FILE, "c/f", NULL, "not wanted");
	tar_member(&tar, PAX_HARD_LINK, "b/f", "a/f", NULL);
	tar_member(&tar, PAX_HARD_LINK, "b/g", "c/f", NULL);
	tar_member(&tar, PAX_HARD_LINK, "c/g", "a/f", NULL);
	tar_member(&tar, PAX_FILE, "b/h/i", NULL, "12");
	tar_end(&tar);
	extractor_must(&extractor, NULL);
	assert_int_equal(told.n, 1);
	assert_string_equal(told.v[0], "cannot make 'b/g': it is a hard link "
	    "to a member that is not wanted");
	strlist_free(&told);
	packer_prints("find A B | sort", "A\nA/f\nB\nB/f\nB/h\nB/h/i\n");
	packer_prints("stat -c '%a %Y %h' B A/f", "755 1000000000 3\n"
	    "644 1000000000 2\n");
	assert_int_equal(extractor.result.seen, 7);
	assert_int_equal(extractor.result.members, 4);
	assert_int_equal(extractor.result.files, 2);
	assert_int_equal(extractor.result.raw_bytes, 9);
	assert_int_equal(extractor.result.problems, 1);
	assert_int_equal(progress.members, 4);
	assert_int_equal(progress.raw_bytes, 9);
	tar.len = 0;
	tar_member(&tar, PAX_FILE, "fail", NULL, "");
	tar_end(&tar);
	extractor_run(&extractor);
	assert_int_equal(extractor.rc, -1);
	assert_int_equal(extractor.err.kind, ERR_NOTFOUND);
	assert_string_equal(extractor.err.msg, "no place for it");
	(void)close(places[0]);
	(void)close(places[1]);
}

static void
make_small(struct str *tar)
{
	tar_member(tar, PAX_DIRECTORY, "d/", NULL, NULL);
	tar_member(tar, PAX_FILE, "d/f", NULL, "new");
	tar_member(tar, PAX_HARD_LINK, "d/h", "d/f", NULL);
	tar_member(tar, PAX_SYMLINK, "d/s", "new", NULL);
	tar_member(tar, PAX_FILE, "d/g", NULL, "new");
	tar_end(tar);
}

/* d/f has another name outside of what is extracted. */
static const char before[] = "rm -rf out && mkdir -p out/d && cd out && "
    "printf old >d/f && ln d/f also && printf old >d/mine && "
    "ln -s old d/s && touch -d @5 d/mine && chmod 700 d && touch -d @5 d";

static void
nothing_is_replaced_unless_that_is_asked_for(void **state)
{
	CLEANUP(str_free) struct str tar = STR_INIT;
	CLEANUP(extractor_free) struct extractor extractor = {
		.archive = &tar, .dir = "out" };

	(void)state;
	make_small(&tar);
	packer_must("%s", before);
	extractor_must(&extractor,
	    "'d' is there already: its owner and mode are kept\n"
	    "'d/f' is there already, and is kept\n"
	    "cannot make 'd/h': it is a hard link to what this archive has "
	    "not made here\n"
	    "'d/s' is there already, and is kept");
	assert_int_equal(extractor.result.members, 1);
	packer_prints("cd out && cat also d/f d/g d/mine && readlink d/s && "
	    "ls -A d && stat -c %a d", "oldoldnewoldold\nf\ng\nmine\ns\n700\n");
	packer_must("test $(stat -c %%Y out/d) -gt 1000000000");
}

static void
what_is_there_is_replaced_if_that_is_asked_for(void **state)
{
	CLEANUP(str_free) struct str tar = STR_INIT;
	CLEANUP(extractor_free) struct extractor extractor = {
		.archive = &tar, .dir = "out", .settings.overwrite = true };

	(void)state;
	make_small(&tar);
	packer_must("%s", before);
	extractor_must(&extractor, NULL);
	assert_int_equal(extractor.result.members, 5);
	packer_prints("cd out && cat also d/f d/g d/mine && readlink d/s && "
	    "ls -A d && stat -c '%a %Y %h' d/f && stat -c '%a %Y' d d/mine && "
	    "stat -c %h also", "oldnewnewoldnew\nf\ng\nh\nmine\ns\n"
	    "644 1000000000 2\n755 1000000000\n644 5\n1\n");
}

static void
a_directory_that_is_entered_again_keeps_its_times(void **state)
{
	CLEANUP(str_free) struct str tar = STR_INIT;
	CLEANUP(extractor_free) struct extractor extractor = {
		.archive = &tar, .dir = "out" };

	(void)state;
	packer_must("mkdir -p out/there/sub && touch -d @5 out/there");
	tar_member(&tar, PAX_DIRECTORY, "./", NULL, NULL);
	tar_member(&tar, PAX_DIRECTORY, "a/", NULL, NULL);
	tar_member(&tar, PAX_DIRECTORY, "b/", NULL, NULL);
	tar_member(&tar, PAX_FILE, "a/f", NULL, "x");
	tar_member(&tar, PAX_FILE, "there/f", NULL, "x");
	tar_member(&tar, PAX_HARD_LINK, "b/c/d/f", "a/f", NULL);
	tar_member(&tar, PAX_SYMLINK, "a/s", "x", NULL);
	tar_member(&tar, PAX_FILE, "f", NULL, "x");
	tar_end(&tar);
	extractor_must(&extractor, NULL);
	packer_prints("stat -c '%n %Y' out out/a out/b", "out 1000000000\n"
	    "out/a 1000000000\nout/b 1000000000\n");
	/* This one is no member, and has changed. */
	packer_must("test $(stat -c %%Y out/there) -gt 1000000000");
}

static void
what_a_directory_hands_down_is_not_kept(void **state)
{
	CLEANUP(str_free) struct str tar = STR_INIT, records = STR_INIT;
	const struct pax_member with = { .type = PAX_DIRECTORY, .path = "d",
		.mode = 0750, .records = &records };
	CLEANUP(extractor_free) struct extractor extractor = {
		.archive = &tar, .dir = "out" };

	(void)state;
	NEEDS_ROOT();
	packer_must("mkdir out && setfacl -m d:u:7:rwx out");
	pax_add_acl(&records, "default",
	    "user::rwx,user:9:rwx,group::r-x,mask::rwx,other::---");
	tar_any(&tar, &with, "", 0);
	tar_member(&tar, PAX_FILE, "d/f", NULL, "x");
	tar_member(&tar, PAX_DIRECTORY, "d/e", NULL, NULL);
	tar_member(&tar, PAX_FILE, "f", NULL, "x");
	tar_member(&tar, PAX_FIFO, "p", NULL, NULL);
	tar_member(&tar, PAX_SYMLINK, "s", "x", NULL);
	tar_end(&tar);
	extractor_must(&extractor, NULL);
	packer_prints("getfacl -pnsR --omit-header out/d out/f out/p",
	    "user::rwx\ngroup::r-x\nother::---\ndefault:user::rwx\n"
	    "default:user:9:rwx\ndefault:group::r-x\ndefault:mask::rwx\n"
	    "default:other::---\n\n");
	packer_prints("stat -c %a out/d out/d/f out/d/e out/f out/p",
	    "750\n644\n755\n644\n644\n");
}

/* In a child that is nobody; 0 is what it should give. */
static void
as_nobody(int (*function)(void))
{
	int status;
	pid_t pid;

	packer_must("chmod 755 . && mkdir out && chown 65534:65534 out && "
	    "chmod 644 a.tar");
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (setgroups(0, NULL) < 0 || setgid(65534) < 0 ||
		    setuid(65534) < 0)
			_exit(100);
		_exit(function());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int
extract_plainly(void)
{
	CLEANUP(extractor_free) struct extractor extractor = {
		.file = "a.tar", .dir = "out" };
	size_t i;

	extractor_run(&extractor);
	for (i = 0; i < extractor.problems.n; i++)
		(void)fprintf(stderr, "%s\n", extractor.problems.v[i]);
	if (extractor.rc < 0)
		(void)fprintf(stderr, "%s\n", extractor.err.msg);
	return extractor.rc < 0 ? 1 : extractor.result.problems != 0;
}

static void
without_root_there_are_the_files_but_not_the_owners(void **state)
{
	(void)state;
	NEEDS_ROOT();
	packer_must("mkdir -p t/a t/b t/c/d && echo x >t/a/f && echo x >t/b/f "
	    "&& echo x >t/c/d/f && echo x >t/c/mine && ln t/a/f t/b/h && "
	    "ln t/a/f t/a/h && ln -s x t/s && chown 5:7 t/a/f && "
	    "chown -h 5:7 t/s && chown 65534:65534 t/c/mine && "
	    "chmod 6755 t/a/f t/c/mine && chmod 0 t/b/f && chmod 555 t/a && "
	    "chmod 0 t/c/d && chmod 2755 t/c && setfattr -n user.x -v y t/a/f "
	    "&& find t -exec touch -hd @1234567890.5 {} + && "
	    "tar --format=pax --xattrs --numeric-owner -C t --no-recursion "
	    "-cf a.tar ./ ./a ./a/f ./b ./b/h ./b/f ./a/h ./c ./c/d ./c/mine "
	    "./c/d/f ./s");
	as_nobody(extract_plainly);
	packer_prints("cd out && stat -c '%n %a %u %h' a a/f b/f c c/d c/d/f "
	    "c/mine s", "a 555 65534 2\na/f 755 65534 3\nb/f 0 65534 1\n"
	    "c 2755 65534 3\nc/d 0 65534 2\nc/d/f 644 65534 1\n"
	    "c/mine 6755 65534 1\ns 777 65534 1\n");
	packer_prints("find out ! -newermt @1234567890.4 -o -newermt "
	    "@1234567890.6", "");
	packer_prints("getfattr --only-values -n user.x out/a/f", "y");
}

static int
extract_nothing(void)
{
	CLEANUP(extractor_free) struct extractor extractor = {
		.file = "a.tar", .dir = "out", .settings.devices = true };

	extractor_run(&extractor);
	if (extractor.rc < 0 || extractor.problems.n != 1)
		return 1;
	return strcmp(extractor.problems.v[0],
	    "cannot make 'null': Operation not permitted");
}

static void
without_root_a_device_is_a_problem(void **state)
{
	(void)state;
	NEEDS_ROOT();
	packer_must("mkdir t && mknod t/null c 1 3 && echo x >t/x && "
	    "tar -C t -cf a.tar null x");
	as_nobody(extract_nothing);
	packer_prints("ls -A out", "x\n");
}

static int
extract_after_a_signal(void)
{
	CLEANUP(extractor_free) struct extractor extractor = {
		.file = "a.tar", .dir = "out" };
	struct err err = ERR_INIT;

	if (intr_install(&err) < 0 || raise(SIGTERM) != 0)
		return 2;
	extractor_run(&extractor);
	return extractor.rc == 0 || extractor.err.kind != ERR_INTERRUPTED;
}

static void
a_signal_ends_it(void **state)
{
	(void)state;
	NEEDS_ROOT();
	packer_must("echo x >x && tar -cf a.tar x");
	as_nobody(extract_after_a_signal);
	packer_prints("ls -A out", "");
}

/* On a file system of so many bytes; it is unmounted again. */
static void
expect_on(const char *options, struct extractor *extractor)
{
	CLEANUP(str_free) struct str out = STR_INIT;
	char text[128];

	(void)snprintf(text, sizeof text,
	    "mkdir -p out && mount -t tmpfs -o %s none out", options);
	if (packer_command(text, &out) != 0)
		skip();
	extractor_run(extractor);
	packer_must("find out -type f | sort >left; umount out");
}

static void
a_full_disk_ends_it(void **state)
{
	CLEANUP(extractor_free) struct extractor extractor = {
		.file = "a.tar", .dir = "out" };

	(void)state;
	NEEDS_ROOT();
	packer_must("echo x >a && head -c 3000000 /dev/zero >b && "
	    "tar -cf a.tar a b a");
	expect_on("size=1m", &extractor);
	assert_int_equal(extractor.rc, -1);
	assert_int_equal(extractor.err.kind, ERR_NOSPACE);
	packer_prints("cat left", "out/a\n");
	expect_on("nr_inodes=2", &extractor);
	assert_int_equal(extractor.rc, -1);
	assert_int_equal(extractor.err.kind, ERR_NOSPACE);
}

static void
a_disk_that_may_not_be_written_ends_it(void **state)
{
	CLEANUP(extractor_free) struct extractor extractor = {
		.file = "a.tar", .dir = "out" };

	(void)state;
	NEEDS_ROOT();
	packer_must("echo x >a && tar -cf a.tar a");
	expect_on("ro", &extractor);
	assert_int_equal(extractor.rc, -1);
	assert_int_equal(extractor.err.kind, ERR_SYSTEM);
}

int
main(void)
{
#define TEST(function) \
	cmocka_unit_test_setup_teardown(function, packer_setup, packer_teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_pack_has_packed_comes_back),
		TEST(what_gnu_tar_has_packed_comes_back),
		TEST(what_bsdtar_has_packed_comes_back),
		TEST(what_pythons_tarfile_has_packed_comes_back),
		TEST(members_may_come_in_any_order),
		TEST(each_member_goes_to_its_own_place),
		TEST(nothing_is_replaced_unless_that_is_asked_for),
		TEST(what_is_there_is_replaced_if_that_is_asked_for),
		TEST(a_directory_that_is_entered_again_keeps_its_times),
		TEST(what_a_directory_hands_down_is_not_kept),
		TEST(without_root_there_are_the_files_but_not_the_owners),
		TEST(without_root_a_device_is_a_problem),
		TEST(a_signal_ends_it),
		TEST(a_full_disk_ends_it),
		TEST(a_disk_that_may_not_be_written_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
