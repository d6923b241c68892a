/*
 * repack: a part of an archive, under another name, is what it was; what leads
 * out of that part is told, and a broken archive is none.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/stream/extract.h"
#include "lib/stream/repack.h"
#include "lib/stream/tar_reader.h"
#include "test/unit/nasty_tree.h"
#include "test/unit/packer.h"
#include "test/unit/tree_compare.h"

#define NEEDS_ROOT() do { if (geteuid() != 0) { skip(); } } while (0)

struct way {		/* file ─> repack ─> extract */
	const char *file;
	struct repack_settings settings;
	struct repack_result result;
	struct strlist problems;
	struct chan *in;
	struct chan *out;
	int rc;
	struct err err;
};

static void *
feed(void *cookie)
{
	struct way *way = cookie;
	CLEANUP(cleanup_close) int fd = open(way->file, O_RDONLY | O_CLOEXEC);
	struct err err = ERR_INIT;
	char bytes[65536];
	ssize_t n;

	while ((n = read(fd, bytes, sizeof bytes)) > 0)
		if (chan_write(way->in, bytes, (size_t)n, &err) < 0)
			return NULL;
	(void)!chan_finish(way->in, &err);
	return NULL;
}

static void *
repack(void *cookie)
{
	struct way *way = cookie;

	way->rc = repack_stage(&way->settings, way->in, way->out,
	    &way->result, &way->err);
	if (way->rc < 0) {
		chan_cancel(way->in);
		chan_cancel(way->out);
	}
	return NULL;
}

static void
note_problem(void *cookie, const char *message)
{
	struct way *way = cookie;
	struct err err = ERR_INIT;

	assert_int_equal(strlist_add(&way->problems, message, &err), 0);
}

static int
place(void *cookie, const char *name, struct extract_place *ret,
    struct err *err)
{
	(void)err;
	ret->dir = *(int *)cookie;
	ret->path = name;
	return 0;
}

/* Extracts into `out`, and gives what extract_stage did. */
static int
run(struct way *way, struct err *err)
{
	CLEANUP(cleanup_close) int dir = -1;
	struct extract_settings settings = { .place = place, .cookie = &dir,
		.devices = true };
	struct extract_result result;
	pthread_t threads[2];
	int rc;

	(void)mkdir("out", 0755);
	dir = open("out", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	way->settings.problem = note_problem;
	way->settings.cookie = way;
	assert_int_equal(chan_new(TAR_READER_BLOCK_BYTES, 2, &way->in, err),
	    0);
	assert_int_equal(chan_new(TAR_READER_BLOCK_BYTES, 2, &way->out, err),
	    0);
	assert_int_equal(pthread_create(&threads[0], NULL, feed, way), 0);
	assert_int_equal(pthread_create(&threads[1], NULL, repack, way), 0);
	rc = extract_stage(&settings, way->out, &result, err);
	if (rc < 0)
		chan_cancel(way->out);
	assert_int_equal(pthread_join(threads[1], NULL), 0);
	chan_cancel(way->in);
	assert_int_equal(pthread_join(threads[0], NULL), 0);
	return rc;
}

static void
run_well(struct way *way)
{
	struct err err = ERR_INIT;

	if (run(way, &err) < 0)
		fail_msg("%s", way->rc < 0 ? way->err.msg : err.msg);
	assert_int_equal(way->rc, 0);
}

static void
way_free(struct way *way)
{
	chan_free(way->in);
	chan_free(way->out);
	strlist_free(&way->problems);
}

static void
a_part_is_what_it_was_under_another_name(void **state)
{
	CLEANUP(packer_free) struct packer packer = { .file = "a.tar" };
	CLEANUP(way_free) struct way way = { .file = "a.tar",
		.settings = { .member = "m", .as = "x/y" } };
	CLEANUP(str_free) struct str differences = STR_INIT;
	CLEANUP(cleanup_close) int a = -1;
	CLEANUP(cleanup_close) int b = -1;

	(void)state;
	NEEDS_ROOT();
	assert_int_equal(nasty_tree_build("tree", true), 0);
	packer_run(&packer, "tree");
	assert_int_equal(packer.rc, 0);
	run_well(&way);
	assert_int_equal(way.problems.n, 0);
	assert_int_equal(way.result.members, packer.results[0].members);
	assert_int_equal(way.result.files, packer.results[0].files);
	a = open("tree", O_RDONLY | O_DIRECTORY);
	b = open("out/x/y", O_RDONLY | O_DIRECTORY);
	assert_true(a >= 0 && b >= 0);
	assert_int_equal(tree_compare(a, b, &differences), 0);
	if (differences.len != 0)
		fail_msg("%s", differences.s);
}

static void
only_that_part_is_taken_and_links_into_others_are_told(void **state)
{
	CLEANUP(way_free) struct way way = { .file = "a.tar",
		.settings = { .member = "volumes/a", .as = "volume" } };

	(void)state;
	packer_must("mkdir -p volumes/a/deep volumes/ab volumes/0 && "
	    "echo 1 >volumes/a/x && ln volumes/a/x volumes/a/deep/x && "
	    "echo 2 >volumes/ab/x && echo 3 >volumes/0/x && "
	    "ln volumes/0/x volumes/a/other && "
	    "tar -cf a.tar ./volumes/0 volumes//a volumes/ab");
	run_well(&way);
	packer_prints("cd out && find . -type f | sort",
	    "./volume/deep/x\n./volume/x\n");
	packer_prints("cat out/volume/x; stat -c %h out/volume/x", "1\n2\n");
	assert_int_equal(way.problems.n, 1);
	assert_int_equal(way.result.problems, 1);
	assert_string_equal(way.problems.v[0], "'volumes/a/other' is left out: "
	    "it is a hard link to a file of another source");
}

static void
what_is_broken_or_leads_out_is_refused(void **state)
{
	static const struct {
		const char *command;
		const char *needle;
	} rows[] = {
		{ "mkdir m; echo x >m/x; tar -cPf a.tar m/../m", "leads out" },
		{ "mkdir m; seq 100000 >m/x; tar -cf b.tar m; "
		  "head -c 300000 b.tar >a.tar", "" },
		{ "echo no tar at all >a.tar", "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct way way = { .file = "a.tar", .settings = {
			.member = "m", .as = "m" } };
		struct err err = ERR_INIT;

		packer_must("rm -rf out m; %s", rows[i].command);
		assert_int_equal(run(&way, &err), -1);
		assert_int_equal(way.rc, -1);
		assert_int_equal(way.err.kind, ERR_SOURCE);
		if (strstr(way.err.msg, rows[i].needle) == NULL)
			fail_msg("no '%s' in '%s'", rows[i].needle,
			    way.err.msg);
		way_free(&way);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    a_part_is_what_it_was_under_another_name, packer_setup,
		    packer_teardown),
		cmocka_unit_test_setup_teardown(
		    only_that_part_is_taken_and_links_into_others_are_told,
		    packer_setup, packer_teardown),
		cmocka_unit_test_setup_teardown(
		    what_is_broken_or_leads_out_is_refused, packer_setup,
		    packer_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
