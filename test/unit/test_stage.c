/*
 * stage: after an update the copy is what the source is, whatever happened in
 * between, and what did not happen is not copied again.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/intr.h"
#include "lib/stream/stage.h"
#include "lib/stream/stage_level.h"
#include "test/unit/mutator.h"
#include "test/unit/nasty_tree.h"
#include "test/unit/packer.h"
#include "test/unit/tree_compare.h"

#define LENGTH(array) (sizeof(array) / sizeof *(array))
#define NOBODY 65534
#define SHM "/dev/shm"

#define NEEDS_ROOT() do { if (geteuid() != 0) { skip(); } } while (0)

/* One stage of one source, and all that it told. */
struct staging {
	struct stage_settings settings;
	struct stage *stage;
	size_t index;
	struct stage_result copied, updated;
	struct strlist events;
	struct err err;
};

static void
watch(void *cookie, enum pack_event event, const char *path, const char *why)
{
	static const char *const names[] = { [PACK_GREW] = "GREW",
		[PACK_SHRANK] = "SHRANK", [PACK_VANISHED] = "VANISHED",
		[PACK_REPLACED] = "REPLACED",
		[PACK_UNREADABLE] = "UNREADABLE", [PACK_SOCKET] = "SOCKET",
		[PACK_LEFT_OUT] = "LEFT_OUT" };
	struct staging *staging = cookie;
	struct err err = ERR_INIT;

	(void)!strlist_addf(&staging->events, &err, "%s %s: %s", names[event],
	    path, why);
}

static void
staging_free(struct staging *staging)
{
	stage_free(staging->stage);
	strlist_free(&staging->events);
}

static int
try_new(struct staging *staging)
{
	if (staging->settings.directory == NULL)
		staging->settings.directory = ".";
	staging->settings.watch = watch;
	staging->settings.cookie = staging;
	return stage_new(&staging->settings, &staging->stage, &staging->err);
}

static int
try_copy(struct staging *staging, const char *source)
{
	return stage_copy(staging->stage, source, source, &staging->index,
	    &staging->copied, &staging->err);
}

static int
try_update(struct staging *staging)
{
	return stage_update(staging->stage, staging->index, &staging->updated,
	    &staging->err);
}

static void
must(const struct staging *staging, int rc)
{
	if (rc < 0)
		fail_msg("%s", staging->err.msg);
}

static void
copy(struct staging *staging, const char *source)
{
	must(staging, try_new(staging));
	must(staging, try_copy(staging, source));
	assert_int_equal(staging->events.n, 0);
}

static void
update(struct staging *staging)
{
	strlist_free(&staging->events);
	must(staging, try_update(staging));
}

static void
assert_events(const struct staging *staging, const char *const *events,
    size_t n)
{
	size_t i;

	for (i = 0; i < staging->events.n; i++)
		if (i >= n || strncmp(staging->events.v[i], events[i],
		    strlen(events[i])) != 0)
			fail_msg("event: %s", staging->events.v[i]);
	assert_int_equal(staging->events.n, n);
}

static void
assert_copy_is(const struct staging *staging, const char *source)
{
	CLEANUP(str_free) struct str lines = STR_INIT;
	CLEANUP(cleanup_close) int a = open(source, O_RDONLY | O_DIRECTORY);
	CLEANUP(cleanup_close) int b = open(stage_path(staging->stage,
	    staging->index), O_RDONLY | O_DIRECTORY);

	assert_true(a >= 0 && b >= 0);
	assert_int_equal(tree_compare(a, b, &lines), 0);
	assert_string_equal(lines.s, "");
}

/* A path in the copy; valid until the next call. */
static const char *
in_copy(const struct staging *staging, const char *name)
{
	static char path[512];

	(void)snprintf(path, sizeof path, "%s/%s", stage_path(staging->stage,
	    staging->index), name);
	return path;
}

static void
assert_text(const struct staging *staging, const char *name, const char *text)
{
	CLEANUP(cleanup_close) int fd = open(in_copy(staging, name), O_RDONLY);
	char got[256];
	ssize_t n = read(fd, got, sizeof got - 1);

	assert_true(n >= 0);
	got[n] = '\0';
	assert_string_equal(got, text);
}

/* From here on what happened before is over a second old. */
static void
let_settle(void)
{
	static const struct timespec pause = { 1, 100000000 };

	assert_int_equal(nanosleep(&pause, NULL), 0);
}

/* Is this a file system on which unchanged files are known? Else nothing is
 * ever unchanged, and tests of that are pointless. */
static bool
keeps_change_times(void)
{
	CLEANUP(cleanup_close) int fd = open(".", O_RDONLY | O_DIRECTORY);

	return stage_level_trusts(fd);
}

#define NEEDS_CHANGE_TIMES() \
	do { if (!keeps_change_times()) { skip(); } } while (0)

static void
a_nasty_tree_is_copied_whole_and_only_once(void **state)
{
	static const char *const events[] = {
		"SOCKET tree/special/socket: is a socket" };
	CLEANUP(staging_free) struct staging staging = { 0 };

	(void)state;
	NEEDS_ROOT();
	NEEDS_CHANGE_TIMES();
	assert_int_equal(nasty_tree_build("tree", true), 0);
	let_settle();
	copy(&staging, "tree");
	assert_copy_is(&staging, "tree");
	update(&staging);
	assert_events(&staging, events, 1);
	assert_copy_is(&staging, "tree");
	assert_int_equal(staging.updated.copied, 0);
	assert_int_equal(staging.updated.removed, 0);
	assert_int_equal(staging.updated.entries, staging.copied.entries);
}

static void
a_nasty_tree_that_is_new_is_copied_again_into_itself(void **state)
{
	CLEANUP(staging_free) struct staging staging = { 0 };

	(void)state;
	NEEDS_ROOT();
	assert_int_equal(nasty_tree_build("tree", false), 0);
	/* Nothing can be trusted: all of it is replaced. */
	packer_must("find tree -exec touch -h -r tree {} +");
	copy(&staging, "tree");
	update(&staging);
	assert_int_equal(staging.events.n, 1);
	assert_true(staging.updated.copied > 0);
	assert_copy_is(&staging, "tree");
	update(&staging);
	assert_copy_is(&staging, "tree");
}

static bool
has_other_file_system(void)
{
	struct stat here, there;

	return access(SHM, W_OK) == 0 && stat(".", &here) == 0 &&
	    stat(SHM, &there) == 0 && here.st_dev != there.st_dev;
}

static void
another_file_system_gets_the_same_copy(void **state)
{
	CLEANUP(staging_free) struct staging staging = {
		.settings.directory = SHM };

	(void)state;
	NEEDS_ROOT();
	if (!has_other_file_system())
		skip();
	assert_int_equal(nasty_tree_build("tree", false), 0);
	/* What tmpfs does not take, or only in newer kernels. */
	packer_must("rm -r tree/attributes");
	copy(&staging, "tree");
	update(&staging);
	assert_int_equal(staging.events.n, 1);
	assert_copy_is(&staging, "tree");
}

static void
become(uid_t uid)
{
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(setegid(uid), 0);
	assert_int_equal(seteuid(uid), 0);
}

static int
teardown(void **state)
{
	become(0);
	return packer_teardown(state);
}

static unsigned
new_seed(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (unsigned)now.tv_nsec ^ (unsigned)now.tv_sec;
}

#define SEEDS 12
#define MUTATIONS 40

static void
update_after(struct staging *staging, struct mutator *mutator, size_t n)
{
	print_message("%s: seed %u, then %zu mutations\n", mutator->root,
	    mutator->seed, n);
	while (n-- != 0)
		mutator_mutate(mutator);
	update(staging);
	assert_events(staging, NULL, 0);
	assert_copy_is(staging, mutator->root);
}

static void
any_sequence_of_changes_is_followed(void **state)
{
	struct staging staging[SEEDS] = { { { 0 } } };
	struct mutator mutators[SEEDS];
	unsigned seed = new_seed();
	size_t i;

	(void)state;
	NEEDS_ROOT();
	for (i = 0; i < SEEDS; i++)
		mutator_build(&mutators[i], i < 4 ? (unsigned)i : seed++, i);
	let_settle();
	for (i = 0; i < SEEDS; i++)
		copy(&staging[i], mutators[i].root);
	for (i = 0; i < SEEDS; i++) {
		update_after(&staging[i], &mutators[i], i % 4 == 0 ? 1 :
		    MUTATIONS);
		/* Then once more, on what the update left. */
		update_after(&staging[i], &mutators[i], MUTATIONS);
		staging_free(&staging[i]);
	}
}

struct changer {
	struct mutator mutator;
	atomic_bool over;
	pthread_t thread;
};

static void *
change(void *cookie)
{
	struct changer *changer = cookie;

	while (!atomic_load(&changer->over))
		mutator_mutate(&changer->mutator);
	return NULL;
}

static void
a_source_may_change_while_it_is_copied(void **state)
{
	unsigned seed = new_seed();
	int i;

	(void)state;
	NEEDS_ROOT();
	for (i = 0; i < 12; i++) {
		CLEANUP(staging_free) struct staging staging = { 0 };
		struct changer changer = { .over = false };

		mutator_build(&changer.mutator, seed + (unsigned)i,
		    (size_t)i);
		print_message("%s: seed %u\n", changer.mutator.root,
		    changer.mutator.seed);
		assert_int_equal(pthread_create(&changer.thread, NULL, change,
		    &changer), 0);
		copy(&staging, changer.mutator.root);
		atomic_store(&changer.over, true);
		assert_int_equal(pthread_join(changer.thread, NULL), 0);
		update(&staging);
		assert_events(&staging, NULL, 0);
		assert_copy_is(&staging, changer.mutator.root);
	}
}

static void
a_rewrite_that_hides_behind_size_and_time_is_seen(void **state)
{
	CLEANUP(staging_free) struct staging staging = { 0 };

	(void)state;
	NEEDS_CHANGE_TIMES();
	packer_must("mkdir t && printf one >t/f && printf same >t/same && "
	    "touch -d @1000 t/f t");
	let_settle();
	copy(&staging, "t");
	packer_must("printf two | dd of=t/f conv=notrunc status=none && "
	    "touch -d @1000 t/f");
	update(&staging);
	assert_text(&staging, "f", "two");
	assert_int_equal(staging.updated.copied, 1);
	assert_int_equal(staging.updated.bytes, 3);
	assert_copy_is(&staging, "t");
}

static void
two_directories_that_were_swapped_are_seen(void **state)
{
	CLEANUP(staging_free) struct staging staging = { 0 };

	(void)state;
	packer_must("mkdir -p t/a/x t/b/x && printf one >t/a/x/f && "
	    "printf two >t/b/x/f && find t -exec touch -d @1000 {} +");
	let_settle();
	copy(&staging, "t");
	packer_must("mv t/a t/c && mv t/b t/a && mv t/c t/b && "
	    "touch -d @1000 t");
	update(&staging);
	assert_text(&staging, "a/x/f", "two");
	assert_text(&staging, "b/x/f", "one");
	assert_copy_is(&staging, "t");
}

static void
what_was_just_written_is_copied_again(void **state)
{
	CLEANUP(staging_free) struct staging staging = { 0 };

	(void)state;
	NEEDS_CHANGE_TIMES();
	packer_must("mkdir t && printf old >t/old");
	let_settle();
	packer_must("printf new >t/new");
	copy(&staging, "t");
	update(&staging);
	assert_int_equal(staging.updated.copied, 1);
}

/* A file of two pages, mapped, in a directory. */
static char *
map_file(const char *dir)
{
	char path[64], *map;
	int fd;

	(void)snprintf(path, sizeof path, "%s/f", dir);
	fd = open(path, O_RDWR | O_CREAT, 0644);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 8192), 0);
	map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(map != MAP_FAILED);
	assert_int_equal(close(fd), 0);
	return map;
}

/* The first change of a page sets the ctime, further ones do not until it was
 * written out. */
static void
a_change_through_mapped_memory_is_seen(void **state)
{
	CLEANUP(staging_free) struct staging staging = { 0 };
	char *map;

	(void)state;
	packer_must("mkdir t");
	map = map_file("t");
	memcpy(map, "first ", 6);
	let_settle();
	copy(&staging, "t");
	memcpy(map, "second", 6);
	let_settle();
	update(&staging);
	assert_copy_is(&staging, "t");
	memcpy(map, "third ", 6);
	assert_int_equal(munmap(map, 8192), 0);
	update(&staging);
	assert_copy_is(&staging, "t");
}

/* On file systems whose ctimes tell nothing, everything is copied again. */
static void
mapped_memory_of_a_tmpfs_is_never_trusted(void **state)
{
	CLEANUP(staging_free) struct staging staging = { 0 };
	char name[] = SHM "/vbackup-test-XXXXXX";
	char *map;

	(void)state;
	if (!has_other_file_system())
		skip();
	assert_non_null(mkdtemp(name));
	map = map_file(name);
	memcpy(map, "before", 6);
	let_settle();
	copy(&staging, name);
	assert_text(&staging, "f", "before");
	memcpy(map, "after!", 6);
	assert_int_equal(munmap(map, 8192), 0);
	update(&staging);
	packer_must("rm -r %s", name);
	assert_text(&staging, "f", "after!");
}

static void
hard_links_are_grouped_as_they_are_now(void **state)
{
	CLEANUP(staging_free) struct staging staging = { 0 };

	(void)state;
	NEEDS_CHANGE_TIMES();
	packer_must("mkdir -p t/d && cd t && echo broken >b1 && ln b1 d/b2 && "
	    "echo added >a1 && ln a1 a2 && echo kept >k1 && ln k1 d/k2 && "
	    "echo replaced >r1 && ln r1 d/r2 && echo joined >j1 && "
	    "echo joined >j2");
	let_settle();
	copy(&staging, "t");
	assert_copy_is(&staging, "t");
	packer_must("cd t && cp -p b1 b && mv b b1 && ln a1 d/a3 && "
	    "echo replacem >r && mv r r1 && ln -f r1 d/r2 && ln -f j1 j2 && "
	    "rm d/k2 && ln k1 d/k2");
	update(&staging);
	assert_copy_is(&staging, "t");
	/* b1 and b2, a, k, r, j: each once, however many names. */
	assert_int_equal(staging.updated.copied, 6);
}

static void
unchanged_hard_links_are_left_alone(void **state)
{
	CLEANUP(staging_free) struct staging staging = { 0 };

	(void)state;
	NEEDS_CHANGE_TIMES();
	packer_must("mkdir -p t/d && echo f >t/f && ln t/f t/d/f && "
	    "ln t/f t/d/g && ln -s x t/s && ln t/s t/d/s");
	let_settle();
	copy(&staging, "t");
	assert_int_equal(staging.copied.copied, 2);
	packer_must("stat -c '%%n %%z' $(find .vbackup-stage.* | sort) >a");
	update(&staging);
	assert_int_equal(staging.updated.copied, 0);
	packer_must("stat -c '%%n %%z' $(find .vbackup-stage.* | sort) | "
	    "cmp - a");
}

static void
hard_links_lead_from_one_source_to_another(void **state)
{
	CLEANUP(staging_free) struct staging staging = { 0 };
	struct stat a, b;
	size_t first;

	(void)state;
	packer_must("mkdir one two && echo f >one/f && ln one/f two/f");
	copy(&staging, "one");
	first = staging.index;
	must(&staging, try_copy(&staging, "two"));
	must(&staging, stage_update(staging.stage, first, &staging.updated,
	    &staging.err));
	update(&staging);
	assert_int_equal(stat(in_copy(&staging, "f"), &b), 0);
	staging.index = first;
	assert_int_equal(stat(in_copy(&staging, "f"), &a), 0);
	assert_int_equal(a.st_ino, b.st_ino);
	assert_int_equal(a.st_nlink, 2);
}

/* The same inode is not the same file: it may have been used again. */
static void
a_hard_link_is_not_joined_to_an_older_state(void **state)
{
	CLEANUP(staging_free) struct staging staging = { 0 };

	(void)state;
	packer_must("mkdir one two && printf old >one/f && ln one/f two/f");
	let_settle();
	copy(&staging, "one");
	packer_must("printf new >two/f");
	let_settle();
	must(&staging, try_copy(&staging, "two"));
	assert_text(&staging, "f", "new");
}

static void
holes_stay_holes(void **state)
{
	CLEANUP(staging_free) struct staging staging = { 0 };
	struct stat st;

	(void)state;
	packer_must("mkdir t && truncate -s 100M t/f && "
	    "echo middle | dd of=t/f bs=1M seek=50 conv=notrunc status=none");
	copy(&staging, "t");
	assert_int_equal(stat(in_copy(&staging, "f"), &st), 0);
	assert_true(st.st_blocks * 512 < 1 << 20);
	packer_must("echo other | dd of=t/f bs=1M seek=70 conv=notrunc "
	    "status=none");
	update(&staging);
	assert_int_equal(stat(in_copy(&staging, "f"), &st), 0);
	assert_true(st.st_blocks * 512 < 1 << 20);
	assert_copy_is(&staging, "t");
}

static void
types_change_into_each_other(void **state)
{
	CLEANUP(staging_free) struct staging staging = { 0 };

	(void)state;
	packer_must("mkdir -p t/dir/sub t/dir2/sub && echo a >t/dir/sub/f && "
	    "echo b >t/file && ln -s x t/link && mkfifo t/fifo && "
	    "echo c >t/dir2/sub/f");
	let_settle();
	copy(&staging, "t");
	packer_must("cd t && rm -r dir dir2 file link fifo && echo d >dir && "
	    "ln -s / dir2 && mkdir -p file/sub && echo e >file/sub/f && "
	    "mkdir link && echo f >fifo");
	update(&staging);
	assert_copy_is(&staging, "t");
	packer_must("cd t && rm dir && mkdir dir && rm -r file && "
	    "mkfifo file && mkdir -p dir/sub && echo again >dir/sub/f");
	update(&staging);
	assert_copy_is(&staging, "t");
}

static void
an_inherited_acl_is_not_kept(void **state)
{
	/* user::rwx, user:1000:rwx, group::r-x, mask::rwx, other::r-x */
	static const unsigned char acl[] = { 2, 0, 0, 0, 1, 0, 7, 0, 255, 255,
		255, 255, 2, 0, 7, 0, 0xe8, 3, 0, 0, 4, 0, 5, 0, 255, 255, 255,
		255, 16, 0, 7, 0, 255, 255, 255, 255, 32, 0, 5, 0, 255, 255,
		255, 255 };
	CLEANUP(staging_free) struct staging staging = { 0 };

	(void)state;
	packer_must("mkdir t && touch t/f");
	if (setxattr("t", "system.posix_acl_default", acl, sizeof acl, 0) < 0)
		skip();
	copy(&staging, "t");
	packer_must("mkdir x && touch x/new && mv x/new t && mv x t/dir");
	update(&staging);
	assert_events(&staging, NULL, 0);
	assert_copy_is(&staging, "t");
}

static void
a_source_may_be_one_file_or_a_link(void **state)
{
	CLEANUP(staging_free) struct staging staging = { 0 };

	(void)state;
	packer_must("printf one >f && ln -s f link && mkdir d");
	copy(&staging, "link");
	packer_must("printf other >f");
	update(&staging);
	assert_int_equal(symlink(stage_path(staging.stage, 0), "copy0"), 0);
	packer_prints("cat copy0", "other");
	must(&staging, try_copy(&staging, "f"));
	assert_int_equal(staging.copied.entries, 1);
	packer_must("rm f && mkdir f && printf more >f/g");
	update(&staging);
	assert_text(&staging, "g", "more");
	packer_must("rm -r f && printf file >f");
	update(&staging);
	assert_int_equal(symlink(stage_path(staging.stage, 1), "copy1"), 0);
	packer_prints("cat copy1", "file");
}

static void
a_root_that_is_not_there_is_an_error(void **state)
{
	CLEANUP(staging_free) struct staging staging = { 0 };

	(void)state;
	packer_must("mkdir t");
	must(&staging, try_new(&staging));
	assert_int_equal(try_copy(&staging, "gone"), -1);
	assert_int_equal(staging.err.kind, ERR_SOURCE);
	assert_string_equal(staging.err.msg,
	    "cannot read 'gone': No such file or directory");
	must(&staging, try_copy(&staging, "t"));
	packer_must("rmdir t");
	assert_int_equal(try_update(&staging), -1);
	assert_int_equal(staging.err.kind, ERR_SOURCE);
}

static void
a_socket_or_a_store_as_the_root_is_not_staged(void **state)
{
	CLEANUP(strlist_free) struct strlist stores = STRLIST_INIT;
	CLEANUP(staging_free) struct staging staging = { .settings.left_out =
		&stores };
	static const char *const events[] = { "LEFT_OUT store: keeps" };

	(void)state;
	packer_must("mkdir store && python3 -c '"
	    "import socket as s; s.socket(s.AF_UNIX).bind(\"socket\")'");
	assert_int_equal(strlist_add(&stores, "store", &staging.err), 0);
	copy(&staging, "socket");
	assert_string_equal(stage_path(staging.stage, staging.index),
	    "socket");
	must(&staging, try_copy(&staging, "store"));
	update(&staging);
	assert_string_equal(stage_path(staging.stage, staging.index),
	    "store");
	assert_events(&staging, events, 1);
}

static void
what_an_archive_leaves_out_is_not_copied(void **state)
{
	CLEANUP(strlist_free) struct strlist stores = STRLIST_INIT;
	CLEANUP(strlist_free) struct strlist globs = STRLIST_INIT;
	CLEANUP(staging_free) struct staging staging = { .settings = {
		.directory = "t/staging", .left_out = &stores,
		.exclude = &globs, .exclude_regexp = "/c[a-z]che$" } };
	static const char *const events[] = { "LEFT_OUT t/store: keeps" };

	(void)state;
	packer_must("mkdir -p t/store t/staging t/cache t/logs/x.log && "
	    "touch t/store/a t/cache/a t/logs/b.log t/kept "
	    "t/.vbackup-partial-1234");
	assert_int_equal(strlist_add(&stores, "t/store", &staging.err), 0);
	assert_int_equal(strlist_add(&globs, "*.log", &staging.err), 0);
	copy(&staging, "t");
	assert_int_equal(staging.copied.excluded, 3);
	update(&staging);
	assert_events(&staging, events, 1);
	packer_prints("cd t/staging/.vbackup-stage.*/0 && find . | sort",
	    ".\n./kept\n./logs\n./staging\n");
}

static void
what_may_not_be_read_is_told_and_left_out(void **state)
{
	static const char *const events[] = {
		"UNREADABLE t/dir: Permission denied",
		"UNREADABLE t/file: Permission denied",
	};
	CLEANUP(staging_free) struct staging staging = { .settings.directory =
		"staging" };
	const char *swap;

	(void)state;
	NEEDS_ROOT();
	packer_must("chmod 755 . && mkdir -m 777 staging && mkdir -p t/dir/d "
	    "t/open && touch t/file t/dir/f t/open/f && "
	    "chown -R 65534:65534 t");
	let_settle();
	become(NOBODY);
	copy(&staging, "t");
	assert_copy_is(&staging, "t");
	assert_int_equal(chmod("t/dir", 0), 0);
	assert_int_equal(chmod("t/file", 0), 0);
	update(&staging);
	if (staging.events.n == 2 &&
	    strstr(staging.events.v[0], "t/file") != NULL) {
		swap = staging.events.v[0];
		staging.events.v[0] = staging.events.v[1];
		staging.events.v[1] = (char *)(uintptr_t)swap;
	}
	assert_events(&staging, events, 2);
	assert_int_equal(access(in_copy(&staging, "dir"), F_OK), -1);
	assert_int_equal(access(in_copy(&staging, "file"), F_OK), -1);
	assert_int_equal(access(in_copy(&staging, "open/f"), F_OK), 0);
	stage_free(staging.stage);
	staging.stage = NULL;
	become(0);
	packer_prints("ls -A staging", "");
}

/* The same modes without the power to ignore them. */
static void
directories_that_forbid_it_are_updated_by_their_owner(void **state)
{
	CLEANUP(staging_free) struct staging staging = { .settings.directory =
		"staging" };

	(void)state;
	NEEDS_ROOT();
	packer_must("chmod 755 . && mkdir -m 777 staging && "
	    "mkdir -p t/a/b/c && echo old >t/a/b/c/f && ln t/a/b/c/f t/a/g && "
	    "chmod 0555 t/a t/a/b t/a/b/c && chown -R 65534:65534 t");
	let_settle();
	become(NOBODY);
	copy(&staging, "t");
	assert_copy_is(&staging, "t");
	become(0);
	packer_must("cd t/a/b/c && echo new >f && echo x >x && "
	    "chmod 500 . && chown 65534:65534 x");
	become(NOBODY);
	update(&staging);
	assert_events(&staging, NULL, 0);
	assert_copy_is(&staging, "t");
	stage_free(staging.stage);
	staging.stage = NULL;
	become(0);
	packer_prints("ls -A staging", "");
}

static void
what_is_not_kept_is_told_each_time(void **state)
{
	static const char *const events[] = {
		"UNREADABLE t/f: owner cannot be staged: Operation not" };
	CLEANUP(staging_free) struct staging staging = { .settings.directory =
		"staging" };
	int i;

	(void)state;
	NEEDS_ROOT();
	packer_must("chmod 755 . && mkdir -m 777 staging && mkdir t && "
	    "echo f >t/f && chown 65534:65534 t");
	let_settle();
	become(NOBODY);
	copy(&staging, "t");
	for (i = 0; i < 2; i++) {
		update(&staging);
		assert_events(&staging, events, 1);
		assert_text(&staging, "f", "f\n");
	}
	stage_free(staging.stage);
	staging.stage = NULL;
	become(0);
}

static void
an_attribute_that_does_not_fit_is_told(void **state)
{
	static const char *const events[] = {
		"UNREADABLE t/f: attribute trusted.x cannot be staged: " };
	CLEANUP(staging_free) struct staging staging = { 0 };
	char name[] = SHM "/vbackup-test-XXXXXX", path[64];
	static char big[30000];

	(void)state;
	NEEDS_ROOT();
	packer_must("touch probe");
	/* ext4 takes 4 KiB in all. */
	if (!has_other_file_system() ||
	    setxattr("probe", "trusted.x", big, sizeof big, 0) == 0)
		skip();
	assert_non_null(mkdtemp(name));
	(void)snprintf(path, sizeof path, "%s/f", name);
	packer_must("echo f >%s", path);
	if (setxattr(path, "trusted.x", big, sizeof big, 0) < 0)
		skip();
	must(&staging, try_new(&staging));
	must(&staging, stage_copy(staging.stage, name, "t", &staging.index,
	    &staging.copied, &staging.err));
	update(&staging);
	packer_must("rm -r %s", name);
	assert_events(&staging, events, 1);
	assert_text(&staging, "f", "f\n");
}

static void
nothing_is_left_and_nothing_else_is_touched(void **state)
{
	CLEANUP(staging_free) struct staging staging = { 0 };
	struct str path = STR_INIT;
	size_t i;

	(void)state;
	packer_must("mkdir -p keep/sub && echo keep >keep/sub/f && mkdir t && "
	    "ln -s ../keep t/l && ln -s $PWD/keep/sub t/m && "
	    "mkdir -p t/0/1 && chmod 0 t/0/1 t/0");
	str_add(&path, "t");
	for (i = 0; i < 50; i++)
		str_add(&path, "/0123456789012345678901234567890123456789");
	packer_must("mkdir -p %s", path.s);
	str_free(&path);
	copy(&staging, "t");
	stage_free(staging.stage);
	staging.stage = NULL;
	packer_prints("ls -A; cat keep/sub/f", "keep\nt\nkeep\n");
}

static void
a_sweep_takes_what_the_dead_left(void **state)
{
	CLEANUP(staging_free) struct staging staging = { 0 };

	(void)state;
	NEEDS_ROOT();
	packer_must("mkdir -p t s/.vbackup-stage.dead/0/d && "
	    "ln -s /etc s/.vbackup-stage.dead/0/l && "
	    "touch s/.vbackup-stage.dead/0/d/f s/.vbackup-stage.file s/other "
	    "&& mkdir s/.vbackup-stage.foreign && "
	    "chown 65534 s/.vbackup-stage.foreign && "
	    "ln -s ../t s/.vbackup-stage.link");
	staging.settings.directory = "s";
	copy(&staging, "t");
	must(&staging, stage_sweep("s", &staging.err));
	update(&staging);
	stage_free(staging.stage);
	staging.stage = NULL;
	packer_prints("ls -A s; ls -d t", ".vbackup-stage.file\n"
	    ".vbackup-stage.foreign\n.vbackup-stage.link\nother\nt\n");
	assert_int_equal(stage_sweep("gone", &staging.err), -1);
}

/* Runs a check in a process of its own, for what cannot be undone; 0 is good,
 * 77 cannot be done here, other numbers tell what was wrong. */
static void
in_a_child(int (*check)(void))
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(check());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int
interrupt(void)
{
	struct staging staging = { 0 };

	if (intr_install(&staging.err) < 0 || try_new(&staging) < 0 ||
	    try_copy(&staging, "t") < 0)
		return 1;
	(void)raise(SIGTERM);
	if (try_update(&staging) == 0 || staging.err.kind != ERR_INTERRUPTED)
		return 2;
	if (try_copy(&staging, "t") == 0 ||
	    staging.err.kind != ERR_INTERRUPTED)
		return 3;
	staging_free(&staging);
	return 0;
}

static void
a_signal_ends_it_but_not_its_removal(void **state)
{
	(void)state;
	packer_must("mkdir t && touch t/f");
	in_a_child(interrupt);
	packer_prints("ls -A", "t\n");
}

/* In a mount namespace of our own. */
static bool
mount_small(const char *options)
{
	return unshare(CLONE_NEWNS) == 0 &&
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	    mount("small", "small", "tmpfs", 0, options) == 0;
}

static int
fill_disk(void)
{
	struct staging staging = { .settings.directory = "small" };

	if (!mount_small("size=2m"))
		return 77;
	if (try_new(&staging) < 0)
		return 1;
	if (try_copy(&staging, "t") == 0 || staging.err.kind != ERR_NOSPACE)
		return 2;
	/* What did not fit is gone, and nothing of it is taken for staged. */
	if (truncate("t/large", 0) < 0 || try_copy(&staging, "t") < 0)
		return 3;
	if (staging.copied.copied != 51)
		return 4;
	if (system("head -c 3000000 /dev/zero | tr '\\0' x >t/large") != 0 ||
	    try_update(&staging) == 0 || staging.err.kind != ERR_NOSPACE)
		return 5;
	/* Whatever the update has done before, the next one does it all. */
	if (truncate("t/large", 0) < 0 || try_update(&staging) < 0 ||
	    staging.updated.copied != 51)
		return 6;
	assert_copy_is(&staging, "t");
	staging_free(&staging);
	return 0;
}

static void
a_full_disk_is_told_as_such(void **state)
{
	(void)state;
	NEEDS_ROOT();
	packer_must("mkdir small t && yes | head -c 3000000 >t/large && "
	    "cd t && touch $(seq 50)");
	let_settle();
	in_a_child(fill_disk);
}

/* The table of what is staged meets the end of the disk before its file does:
 * no SIGBUS. */
static int
fill_disk_with_the_table(void)
{
	struct staging staging = { .settings.directory = "small" };

	if (!mount_small("size=500k,nr_inodes=0"))
		return 77;
	if (try_new(&staging) < 0)
		return 1;
	if (try_copy(&staging, "t") == 0 || staging.err.kind != ERR_NOSPACE)
		return 2;
	staging_free(&staging);
	return 0;
}

static void
a_table_that_does_not_fit_is_an_error(void **state)
{
	(void)state;
	NEEDS_ROOT();
	packer_must("mkdir small t && cd t && "
	    "seq -f 'f%%05g' 10000 | xargs touch");
	in_a_child(fill_disk_with_the_table);
}

static int
run_out_of_descriptors(void)
{
	static const struct rlimit limit = { 30, 30 };
	struct staging staging = { 0 };

	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 1;
	if (try_new(&staging) < 0 || try_copy(&staging, "t") < 0 ||
	    try_update(&staging) < 0)
		return 2;
	if (staging.events.n != 2 || strstr(staging.events.v[0],
	    ": Too many open files") == NULL)
		return 3;
	if (staging.updated.entries < 20)
		return 4;
	staging_free(&staging);
	return 0;
}

static void
a_tree_deeper_than_descriptors_loses_only_its_depth(void **state)
{
	(void)state;
	packer_must("for t in t/a t/b; do mkdir -p $t/$(seq -s / 100); done");
	in_a_child(run_out_of_descriptors);
}

static void
walk_colliding(struct stage_walk *walk, bool updating)
{
	struct err err = ERR_INIT;

	/* With this key the hash of a path is its last byte. */
	walk->table.key = 0;
	if (stage_walk_source(walk, 0, "t", "t", updating, &err) < 0)
		fail_msg("%s", err.msg);
}

static void
colliding_records_lose_nothing(void **state)
{
	CLEANUP(exclude_freep) struct exclude *exclude = NULL;
	CLEANUP(cleanup_close) int root = -1;
	CLEANUP(stage_walk_close) struct stage_walk walk = { 0 };
	struct err err = ERR_INIT;

	(void)state;
	packer_must("mkdir s t && cd t && for d in a1 b1 a2/a1 a2/b2; do "
	    "mkdir -p $d; for f in x1 y1 x2 y2; do echo $d/$f >$d/$f; done; "
	    "done");
	let_settle();
	root = open("s", O_RDONLY | O_DIRECTORY);
	assert_true(root >= 0);
	assert_int_equal(exclude_new(NULL, NULL, &exclude, &err), 0);
	walk.root = root;
	walk.exclude = exclude;
	assert_int_equal(stage_walk_open(&walk, &err), 0);
	walk_colliding(&walk, false);
	packer_must("diff -r t s/0");
	packer_must("cd t && mv a1 c && mv b1 a1 && mv c b1 && mv a2/b2 a2/c1 "
	    "&& mkdir d1 && echo new >d1/x1 && rm b1/x2 && mkdir b1/x2 && "
	    "echo new >b1/x2/y2");
	walk_colliding(&walk, true);
	/* A name that is gone may stay. */
	packer_prints("diff -r t s/0 | grep -v '^Only in s/0'; true", "");
}

static void
a_table_finds_what_was_put(void **state)
{
	CLEANUP(stage_table_close) struct stage_table table =
		STAGE_TABLE_NONE;
	struct stat st = { .st_mode = S_IFREG, .st_size = 7 };
	CLEANUP(cleanup_close) int dirfd = open(".", O_RDONLY | O_DIRECTORY);
	struct err err = ERR_INIT;
	char name[32];
	unsigned i;

	(void)state;
	assert_int_equal(stage_table_open(&table, dirfd, &err), 0);
	for (i = 0; i < 50000; i++) {
		struct stage_record record;

		(void)snprintf(name, sizeof name, "name %u", i);
		st.st_ino = i;
		record = stage_record_of(stage_table_hash(&table, 0, name),
		    &st, i % 2 == 0, 1);
		assert_int_equal(stage_table_put(&table, &record, &err), 0);
	}
	for (i = 0; i < 60000; i++) {
		const struct stage_record *record;

		(void)snprintf(name, sizeof name, "%u", i);
		record = stage_table_find(&table, stage_table_hash(&table,
		    stage_table_hash(&table, 0, "name "), name));
		assert_true((record == NULL) == (i >= 50000));
		if (record == NULL)
			continue;
		st.st_ino = i;
		assert_true(stage_record_same(record, &st));
		st.st_ino = i + 1;
		assert_false(stage_record_same(record, &st));
		assert_int_equal(record->kind & STAGE_DIRTY, i % 2 == 0);
	}
	packer_prints("ls -A", "");
}

static void
an_age_of_a_second_is_enough_and_the_future_is_fresh(void **state)
{
	static const struct { time_t s; long ns; bool fresh; } cases[] = {
		{ 98, 999999999, false }, { 99, 4, false }, { 99, 5, true },
		{ 99, 6, true }, { 100, 5, true }, { 100, 6, true },
		{ 3600, 0, true }, { 0, 0, false }, { -1, 999999999, false },
	};
	const struct timespec now = { 100, 5 };
	struct stat st = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < LENGTH(cases); i++) {
		st.st_ctim.tv_sec = cases[i].s;
		st.st_ctim.tv_nsec = cases[i].ns;
		assert_int_equal(stage_entry_is_fresh(&st, &now),
		    cases[i].fresh);
	}
}

int
main(void)
{
#define TEST(function) \
	cmocka_unit_test_setup_teardown(function, packer_setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_nasty_tree_is_copied_whole_and_only_once),
		TEST(a_nasty_tree_that_is_new_is_copied_again_into_itself),
		TEST(another_file_system_gets_the_same_copy),
		TEST(any_sequence_of_changes_is_followed),
		TEST(a_source_may_change_while_it_is_copied),
		TEST(a_rewrite_that_hides_behind_size_and_time_is_seen),
		TEST(two_directories_that_were_swapped_are_seen),
		TEST(what_was_just_written_is_copied_again),
		TEST(a_change_through_mapped_memory_is_seen),
		TEST(mapped_memory_of_a_tmpfs_is_never_trusted),
		TEST(hard_links_are_grouped_as_they_are_now),
		TEST(unchanged_hard_links_are_left_alone),
		TEST(hard_links_lead_from_one_source_to_another),
		TEST(a_hard_link_is_not_joined_to_an_older_state),
		TEST(holes_stay_holes),
		TEST(types_change_into_each_other),
		TEST(an_inherited_acl_is_not_kept),
		TEST(a_source_may_be_one_file_or_a_link),
		TEST(a_root_that_is_not_there_is_an_error),
		TEST(a_socket_or_a_store_as_the_root_is_not_staged),
		TEST(what_an_archive_leaves_out_is_not_copied),
		TEST(what_may_not_be_read_is_told_and_left_out),
		TEST(directories_that_forbid_it_are_updated_by_their_owner),
		TEST(what_is_not_kept_is_told_each_time),
		TEST(an_attribute_that_does_not_fit_is_told),
		TEST(nothing_is_left_and_nothing_else_is_touched),
		TEST(a_sweep_takes_what_the_dead_left),
		TEST(a_signal_ends_it_but_not_its_removal),
		TEST(a_full_disk_is_told_as_such),
		TEST(a_table_that_does_not_fit_is_an_error),
		TEST(a_tree_deeper_than_descriptors_loses_only_its_depth),
		TEST(colliding_records_lose_nothing),
		TEST(a_table_finds_what_was_put),
		TEST(an_age_of_a_second_is_enough_and_the_future_is_fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
