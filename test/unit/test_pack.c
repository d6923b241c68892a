/*
 * pack: what GNU tar and bsdtar restore, without a locale, is what was there.
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
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/stream/pax.h"
#include "test/unit/nasty_tree.h"
#include "test/unit/packer.h"
#include "test/unit/tree_compare.h"

#define LENGTH(array) (sizeof(array) / sizeof *(array))

#define GNU_TAR "tar --numeric-owner --xattrs --xattrs-include='*' --acls " \
	"--warning=no-timestamp -p"
#define BSDTAR "bsdtar --numeric-owner --xattrs --acls -p"

static bool
is_root(void)
{
	return geteuid() == 0;
}

#define NEEDS_ROOT() do { if (!is_root()) { skip(); } } while (0)

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The lines, sorted: directories come in any order. */
static void
sort_lines(struct str *lines)
{
	CLEANUP(strlist_free) struct strlist list = STRLIST_INIT;
	struct err err = ERR_INIT;
	char *line, *rest = lines->s;
	size_t i;

	while ((line = strsep(&rest, "\n")) != NULL && rest != NULL)
		assert_int_equal(strlist_add(&list, line, &err), 0);
	if (list.n != 0)
		qsort(list.v, list.n, sizeof *list.v, by_text);
	lines->len = 0;
	str_add(lines, "");
	for (i = 0; i < list.n; i++)
		str_addf(lines, "%s\n", list.v[i]);
}

static void
assert_same(int source, int restored, const char *differences)
{
	CLEANUP(str_free) struct str lines = STR_INIT;

	assert_true(source >= 0 && restored >= 0);
	assert_int_equal(tree_compare(source, restored, &lines), 0);
	sort_lines(&lines);
	assert_string_equal(lines.s, differences);
}

static void
assert_same_paths(const char *source, const char *restored,
    const char *differences)
{
	CLEANUP(cleanup_close) int a = open(source, O_RDONLY | O_DIRECTORY);
	CLEANUP(cleanup_close) int b = open(restored, O_RDONLY | O_DIRECTORY);

	assert_same(a, b, differences);
}

static void
pack_nasty_tree(bool over_path_max)
{
	CLEANUP(packer_free) struct packer packer = { .file = "a.tar" };

	assert_int_equal(nasty_tree_build("tree", over_path_max), 0);
	packer_run(&packer, "tree");
	assert_int_equal(packer.rc, 0);
	assert_int_equal(packer.events.n, 1);
	assert_string_equal(packer.events.v[0],
	    "SOCKET tree/special/socket: is a socket");
	assert_int_equal(packer.results[0].sockets, 1);
}

/* With a locale, readers convert what is said to be UTF-8. */
static const char *const environments[] = { "", "LC_ALL=C.UTF-8 " };

static void
gnu_tar_restores_everything(void **state)
{
	size_t i;

	(void)state;
	NEEDS_ROOT();
	pack_nasty_tree(false);
	for (i = 0; i < LENGTH(environments); i++) {
		packer_must("rm -rf out && mkdir out && %s" GNU_TAR
		    " -C out -xf a.tar", environments[i]);
		assert_same_paths("tree", "out/m", "");
	}
}

/* The limits that pax.h names: what bsdtar's reader makes of them. */
static const char bsdtar_differences[] =
    "acls/high ids: attribute 'system.posix_acl_access' changed\n"
    "attributes/odd 0: attribute 'user.a%3Db' appeared\n"
    "attributes/odd 0: attribute 'user.a=b' is gone\n"
    "attributes/odd 2: attribute 'user.%253D' appeared\n"
    "attributes/odd 2: attribute 'user.%3D' is gone\n"
    "attributes/odd 7: attribute 'user.%3D' appeared\n"
    "attributes/odd 7: attribute 'user.=' is gone\n"
    "times/-0.000000001 link: mtime -1 + 999999999 ns became 0 + 1 ns\n"
    "times/-0.000000001: mtime -1 + 999999999 ns became 0 + 1 ns\n"
    "times/-0.25 link: mtime -1 + 750000000 ns became 0 + 250000000 ns\n"
    "times/-0.25: mtime -1 + 750000000 ns became 0 + 250000000 ns\n"
    "times/-1.5 link: mtime -2 + 500000000 ns became -1 + 500000000 ns\n"
    "times/-1.5: mtime -2 + 500000000 ns became -1 + 500000000 ns\n"
    "times/-2000000000.5 link: mtime -2000000001 + 500000000 ns became "
    "-2000000000 + 500000000 ns\n"
    "times/-2000000000.5: mtime -2000000001 + 500000000 ns became "
    "-2000000000 + 500000000 ns\n";

static void
bsdtar_restores_everything_but_what_it_misreads(void **state)
{
	size_t i;

	(void)state;
	NEEDS_ROOT();
	pack_nasty_tree(false);
	for (i = 0; i < LENGTH(environments); i++) {
		packer_must("rm -rf out && mkdir out && %s" BSDTAR
		    " -C out -xf a.tar", environments[i]);
		assert_same_paths("tree", "out/m", bsdtar_differences);
	}
}

/* So many directories of this name in each other, then one more. */
static int
open_nest(const char *top, const char *name, size_t depth)
{
	int at = open(top, O_RDONLY | O_DIRECTORY);
	size_t i;

	for (i = 0; i < depth && at >= 0; i++) {
		int next = openat(at, name, O_RDONLY | O_DIRECTORY);

		(void)close(at);
		at = next;
	}
	return at;
}

/* No reader opens such paths: it is made to cut off their first 21 names. */
static void
paths_over_path_max_are_kept(void **state)
{
	static const char *const tars[] = { GNU_TAR, BSDTAR };
	char name[256];
	size_t i;

	(void)state;
	NEEDS_ROOT();
	pack_nasty_tree(true);
	memset(name, 'o', 255);
	name[255] = '\0';
	for (i = 0; i < LENGTH(tars); i++) {
		CLEANUP(cleanup_close) int source = -1;
		CLEANUP(cleanup_close) int restored = -1;

		packer_must("mkdir out && %s -C out -xf a.tar "
		    "--strip-components=21 m/over", tars[i]);
		source = open_nest("tree/over", name, 20);
		restored = open_nest("out", name, 1);
		assert_same(source, restored, "");
		packer_must("rm -r out");
	}
}

static void
append_longest(struct str *archive, char filling)
{
	CLEANUP(str_free) struct str records = STR_INIT;
	CLEANUP(cleanup_free) char *path = malloc(PAX_PATH_MAX);
	CLEANUP(cleanup_free) char *link = malloc(PAX_PATH_MAX);
	CLEANUP(cleanup_free) char *value = calloc(1, 60000);
	struct pax_member member = { .type = PAX_HARD_LINK, .path = path,
		.link = link, .records = &records, .mtime_ns = 1 };

	assert_true(path != NULL && link != NULL && value != NULL);
	memset(path, filling, PAX_PATH_MAX - 1);
	memset(link, filling, PAX_PATH_MAX - 1);
	path[PAX_PATH_MAX - 1] = link[PAX_PATH_MAX - 1] = '\0';
	while (records.len + 60064 < PAX_RECORDS_MAX)
		pax_add_xattr(&records, "user.x", value, 60000);
	pax_header(archive, &member);
}

static void
the_longest_headers_are_read(void **state)
{
	CLEANUP(str_free) struct str archive = STR_INIT;
	static const char end[PAX_END_BYTES];
	CLEANUP(cleanup_close) int fd = open("a.tar", O_WRONLY | O_CREAT, 0600);
	struct err err = ERR_INIT;

	(void)state;
	append_longest(&archive, 'x');
	append_longest(&archive, '\xff');
	str_addn(&archive, end, sizeof end);
	assert_false(archive.failed);
	assert_int_equal(file_write_fd(fd, "a.tar", archive.s, archive.len,
	    &err), 0);
	packer_prints("tar --quoting-style=literal -tf a.tar | wc -c && "
	    "bsdtar -tf a.tar | head -n 1 | wc -c && "
	    "bsdtar -tf a.tar | wc -l", "524288\n262144\n2\n");
}

static void
a_path_that_no_reader_takes_is_left_out(void **state)
{
	static const size_t depth = PAX_PATH_MAX / 256 + 10;
	CLEANUP(packer_free) struct packer packer = { .file = "a.tar" };
	CLEANUP(cleanup_close) int at = -1;
	char name[256];
	size_t i;

	(void)state;
	memset(name, 'p', 255);
	name[255] = '\0';
	packer_must("mkdir t && touch t/f");
	at = open("t", O_RDONLY | O_DIRECTORY);
	for (i = 0; i < depth; i++) {
		int next;

		assert_int_equal(mkdirat(at, name, 0755), 0);
		next = openat(at, name, O_RDONLY | O_DIRECTORY);
		(void)close(at);
		at = next;
	}
	packer_run(&packer, "t");
	assert_int_equal(packer.rc, 0);
	if (packer.events.n == 1 &&
	    strstr(packer.events.v[0], "Too many open files") != NULL)
		skip();
	assert_int_equal(packer.events.n, 1);
	assert_non_null(strstr(packer.events.v[0], ": its path is too long"));
	packer_prints("test $(tar -tf a.tar | wc -l) = "
	    "$(bsdtar -tf a.tar | wc -l) && tar -tf a.tar m/f", "m/f\n");
}

/* Ten attributes of 60000 bytes: some file systems take them. */
static bool
make_large_attributes(const char *path)
{
	CLEANUP(cleanup_free) char *value = calloc(1, 60000);
	CLEANUP(cleanup_close) int fd = open(path, O_WRONLY | O_CREAT, 0600);
	char name[32];
	size_t i;

	for (i = 0; i < 10; i++) {
		(void)snprintf(name, sizeof name, "user.n%zu", i);
		if (value == NULL ||
		    fsetxattr(fd, name, value, 60000, 0) < 0)
			return false;
	}
	return true;
}

static void
attributes_that_no_reader_takes_are_left_out(void **state)
{
	static const char file[] = "/dev/shm/vbackup-test-attributes";
	CLEANUP(packer_free) struct packer packer = { .file = "a.tar" };
	static const char *const events[] = { "UNREADABLE "
		"/dev/shm/vbackup-test-attributes: attribute 'user.n" };
	bool made = make_large_attributes(file);

	(void)state;
	if (made)
		packer_run(&packer, file);
	assert_int_equal(unlink(file), 0);
	if (!made)
		skip();
	assert_int_equal(packer.rc, 0);
	assert_true(packer_has_only(&packer, events, 1));
	assert_non_null(strstr(packer.events.v[0],
	    "': more attributes than fit, attribute '"));
	packer_prints("tar -tf a.tar; bsdtar -tf a.tar", "m\nm\n");
}

static void
a_reader_lists_as_many_members_as_were_counted(void **state)
{
	CLEANUP(packer_free) struct packer packer = { .file = "a.tar" };
	struct progress progress = { 0 };
	char expected[32];

	(void)state;
	packer_must("mkdir -p t/a/b && cd t && printf 12345 >f && "
	    "printf 123 >a/g && ln f a/b/hard && ln -s x sym && mkfifo p");
	packer.settings.progress = &progress;
	packer_run(&packer, "t");
	assert_int_equal(packer.rc, 0);
	assert_int_equal(packer.results[0].members, 8);
	assert_int_equal(packer.results[0].files, 2);
	assert_int_equal(packer.results[0].raw_bytes, 8);
	assert_int_equal(packer.results[0].excluded, 0);
	assert_int_equal(packer.results[0].sockets, 0);
	assert_int_equal(progress.members, 8);
	assert_int_equal(progress.raw_bytes, 8);
	(void)snprintf(expected, sizeof expected, "%d\n%d\n", 8, 8);
	packer_prints("tar -tf a.tar | wc -l; bsdtar -tf a.tar | wc -l",
	    expected);
}

static void
parents_come_before_their_children_and_depth_first(void **state)
{
	CLEANUP(packer_free) struct packer packer = { .file = "a.tar" };

	(void)state;
	packer_must("mkdir -p t/a/b/c t/d/e && touch t/a/f t/a/b/f t/d/f");
	packer_run(&packer, "t");
	/* Once another directory was begun, none comes back. */
	packer_prints("tar -tf a.tar | sed -n 's,^m/\\([ad]\\)/.*,\\1,p' | "
	    "uniq | wc -l", "2\n");
	packer_prints("tar -tf a.tar | head -n 1", "m/\n");
	packer_must("mkdir out && tar -C out -xf a.tar && "
	    "diff -r t out/m && test out/m/a -nt /etc/hostname");
}

static void
the_root_of_the_archive_is_dot_slash(void **state)
{
	static const struct pack_source source = { "t", "", "/" };
	CLEANUP(packer_free) struct packer packer = { .file = "a.tar",
		.sources = &source, .n_sources = 1 };

	(void)state;
	packer_must("mkdir -p t/d && touch t/d/f && ln t/d/f t/d/g && "
	    "chmod 711 t && python3 -c '"
	    "import socket; socket.socket(socket.AF_UNIX).bind(\"t/s\")'");
	packer_start(&packer);
	packer_join(&packer);
	assert_int_equal(packer.rc, 0);
	assert_true(packer_has(&packer, "SOCKET /s:"));
	packer_prints("tar -tf a.tar | head -n 2", "./\nd/\n");
	packer_must("mkdir out && bsdtar -C out -xpf a.tar");
	packer_prints("stat -c %a out; ls out/d", "711\nf\ng\n");
}

static void
a_source_may_be_a_file_or_a_symbolic_link(void **state)
{
	static const struct pack_source sources[] = {
		{ "file", "a/file", "/srv/file" },
		{ "link to file", "b/file", "/srv/link" },
		{ "link to directory", "c", "/srv/directory" },
	};
	CLEANUP(packer_free) struct packer packer = { .file = "a.tar",
		.sources = sources, .n_sources = 3 };

	(void)state;
	packer_must("printf text >file && mkdir d && printf x >d/x && "
	    "ln -s file 'link to file' && ln -s d 'link to directory'");
	packer_start(&packer);
	packer_join(&packer);
	assert_int_equal(packer.rc, 0);
	assert_int_equal(packer.results[0].members, 1);
	assert_int_equal(packer.results[2].members, 2);
	packer_must("mkdir out && tar -C out -xf a.tar && "
	    "cmp file out/a/file && cmp file out/b/file && diff -r d out/c");
}

static void
hard_links_are_kept_across_sources(void **state)
{
	static const struct pack_source sources[] = {
		{ "one", "one", "/one" }, { "two", "two", "/two" } };
	CLEANUP(packer_free) struct packer packer = { .file = "a.tar",
		.sources = sources, .n_sources = 2 };

	(void)state;
	packer_must("mkdir one two && printf text >one/f && ln one/f two/g && "
	    "ln -s one/f one/s && ln -P one/s two/s");
	packer_start(&packer);
	packer_join(&packer);
	assert_int_equal(packer.results[1].files, 0);
	packer_must("mkdir out && tar -C out -xf a.tar && "
	    "test out/one/f -ef out/two/g && test -L out/two/s");
	packer_prints("stat -c %h out/one/f out/two/s", "2\n2\n");
}

static void
excluded_directories_are_left_out_with_what_is_below(void **state)
{
	static const struct pack_source source = { "t", "m", "/srv/t" };
	CLEANUP(packer_free) struct packer packer = { .file = "a.tar",
		.sources = &source, .n_sources = 1 };
	CLEANUP(strlist_free) struct strlist globs = STRLIST_INIT;
	struct err err = ERR_INIT;

	(void)state;
	packer_must("mkdir -p t/cache/deep t/keep/cache t/re/x && "
	    "touch t/a.log t/keep/a.log t/keep/f t/cache/f t/re/x/y");
	assert_int_equal(strlist_add(&globs, "/srv/t/cache", &err), 0);
	assert_int_equal(strlist_add(&globs, "*.log", &err), 0);
	assert_int_equal(strlist_add(&globs, "t", &err), 0);
	packer.settings.exclude = &globs;
	packer.settings.exclude_regexp = "^/srv/t/re$|^/srv/t$";
	packer_start(&packer);
	packer_join(&packer);
	assert_int_equal(packer.rc, 0);
	assert_int_equal(packer.results[0].excluded, 4);
	assert_int_equal(packer.events.n, 0);
	packer_prints("tar -tf a.tar | sort",
	    "m/\nm/keep/\nm/keep/cache/\nm/keep/f\n");
}

static void
a_bad_expression_is_a_configuration_error(void **state)
{
	const struct pack_settings good = { .exclude_regexp = "^/x" };
	CLEANUP(packer_free) struct packer packer = { .file = "a.tar",
		.settings = { .exclude_regexp = "[" } };
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(pack_check(&packer.settings, &err), -1);
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_non_null(strstr(err.msg, "at offset 1"));
	assert_int_equal(pack_check(&good, &err), 0);
	packer_run(&packer, "/");
	assert_int_equal(packer.rc, -1);
	assert_int_equal(packer.err.kind, ERR_CONFIG);
}

static void
the_directories_of_stores_are_left_out_by_identity(void **state)
{
	CLEANUP(packer_free) struct packer packer = { .file = "a.tar" };
	CLEANUP(strlist_free) struct strlist left_out = STRLIST_INIT;
	static const char *const events[] = {
		"LEFT_OUT t/archive: keeps archives" };
	struct err err = ERR_INIT;

	(void)state;
	packer_must("mkdir -p t/archive/deep t/other/archive && touch t/f && "
	    "ln -s t/archive elsewhere");
	assert_int_equal(strlist_add(&left_out, "elsewhere", &err), 0);
	assert_int_equal(strlist_add(&left_out, "/not/there", &err), 0);
	packer.settings.left_out = &left_out;
	packer_run(&packer, "t");
	assert_true(packer_has_only(&packer, events, 1));
	packer_prints("tar -tf a.tar | sort",
	    "m/\nm/f\nm/other/\nm/other/archive/\n");
}

static void
reading_leaves_access_times_alone(void **state)
{
	CLEANUP(packer_free) struct packer packer = { .file = "a.tar" };

	(void)state;
	packer_must("mkdir -p t/d && printf x >t/d/f && "
	    "touch -a -d @1 t/d/f t/d t");
	packer_run(&packer, "t");
	packer_prints("stat -c %X t/d/f t/d t", "1\n1\n1\n");
}

int
main(void)
{
#define TEST(function) \
	cmocka_unit_test_setup_teardown(function, packer_setup, packer_teardown)
	const struct CMUnitTest tests[] = {
		TEST(gnu_tar_restores_everything),
		TEST(bsdtar_restores_everything_but_what_it_misreads),
		TEST(paths_over_path_max_are_kept),
		TEST(the_longest_headers_are_read),
		TEST(a_path_that_no_reader_takes_is_left_out),
		TEST(attributes_that_no_reader_takes_are_left_out),
		TEST(a_reader_lists_as_many_members_as_were_counted),
		TEST(parents_come_before_their_children_and_depth_first),
		TEST(the_root_of_the_archive_is_dot_slash),
		TEST(a_source_may_be_a_file_or_a_symbolic_link),
		TEST(hard_links_are_kept_across_sources),
		TEST(excluded_directories_are_left_out_with_what_is_below),
		TEST(a_bad_expression_is_a_configuration_error),
		TEST(the_directories_of_stores_are_left_out_by_identity),
		TEST(reading_leaves_access_times_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
