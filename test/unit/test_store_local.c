#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "lib/base/file.h"
#include "lib/store/store.h"
#include "test/unit/scratch.h"

static struct scratch scratch;

static int
make_scratch(void **state)
{
	(void)state;
	scratch_new(&scratch);
	return 0;
}

static int
remove_scratch(void **state)
{
	(void)state;
	scratch_free(&scratch);
	return 0;
}

static struct store *
store_with(const char *owner, unsigned mode)
{
	struct store_local_settings settings = { scratch.dir, owner, mode };
	struct err err = ERR_INIT;
	struct store *store = NULL;

	if (store_local_new(&settings, &store, &err) < 0)
		fail_msg("%s", err.msg);
	return store;
}

static int
put_text(struct store *store, const char *name, enum store_put_mode mode,
    const char *text, uint64_t bytes, struct err *err)
{
	CLEANUP(tempfile_abort) struct tempfile spool = TEMPFILE_NONE;

	assert_int_equal(store_spool(store, &spool, err), 0);
	assert_int_equal(file_write_fd(spool.fd, "it", text, strlen(text),
	    err), 0);
	return store_publish(store, name, mode, &spool, bytes, err);
}

static int
count_entries(void)
{
	char command[128];
	FILE *pipe;
	int n = -1;

	(void)snprintf(command, sizeof command, "ls -A '%s' | wc -l",
	    scratch.dir);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	assert_int_equal(fscanf(pipe, "%d", &n), 1);
	(void)pclose(pipe);
	return n;
}

static void
an_archive_is_put_with_its_mode(void **state)
{
	CLEANUP(store_freep) struct store *store = store_with(NULL, 0640);
	struct err err = ERR_INIT;
	struct stat st;
	bool has = true;

	(void)state;
	assert_memory_equal(store_label(store), "local '/tmp/", 12);
	assert_int_equal(store_check(store, 1000, &err), 0);
	assert_int_equal(store_has(store, "a", &has, &err), 0);
	assert_false(has);
	assert_int_equal(put_text(store, "a", STORE_NEW, "text", 4, &err), 0);
	assert_int_equal(store_has(store, "a", &has, &err), 0);
	assert_true(has);
	assert_string_equal(scratch_read(&scratch, "a"), "text");
	assert_int_equal(stat(scratch_path(&scratch, "a"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(count_entries(), 1);
}

static void
a_new_archive_never_replaces_one_and_replace_does(void **state)
{
	CLEANUP(store_freep) struct store *store = store_with(NULL, 0600);
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(put_text(store, "a", STORE_NEW, "1", 1, &err), 0);
	assert_int_equal(put_text(store, "a", STORE_NEW, "2", 1, &err), -1);
	assert_int_equal(err.kind, ERR_EXISTS);
	assert_non_null(strstr(err.msg, store_label(store)));
	assert_string_equal(scratch_read(&scratch, "a"), "1");
	assert_int_equal(put_text(store, "a", STORE_REPLACE, "3", 1, &err),
	    0);
	assert_string_equal(scratch_read(&scratch, "a"), "3");
	assert_int_equal(count_entries(), 1);
}

static void
an_archive_of_another_size_is_not_published(void **state)
{
	CLEANUP(store_freep) struct store *store = store_with(NULL, 0600);
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(put_text(store, "a", STORE_NEW, "text", 5, &err),
	    -1);
	assert_non_null(strstr(err.msg, "has 4 bytes instead of 5"));
	assert_int_equal(count_entries(), 0);
}

static void
a_file_of_another_directory_is_not_taken_over(void **state)
{
	CLEANUP(store_freep) struct store *store = store_with(NULL, 0600);
	CLEANUP(tempfile_abort) struct tempfile spool = TEMPFILE_NONE;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(tempfile_open(&spool, "/tmp", &err), 0);
	assert_int_equal(store_publish(store, "a", STORE_NEW, &spool, 0,
	    &err), -1);
	assert_int_equal(count_entries(), 0);
}

/* --- an archive that is being made --------------------------------------- */

/* What a thread appends to, and what is known of its reader. */
struct archive {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	const char *bytes;
	size_t n;
	size_t have;
	size_t step;		/* appended at a time */
	bool ended;
	enum err_kind failed;	/* how it ended; ERR_NONE: good */
	uint64_t released;
	uint64_t window_bytes;
	struct store_stream stream;
};

static int
archive_wait(void *cookie, uint64_t upto, uint64_t *ret_have, bool *ret_end,
    struct err *err)
{
	struct archive *a = cookie;
	enum err_kind failed;

	pthread_mutex_lock(&a->mutex);
	while (!a->ended && a->have < upto)
		pthread_cond_wait(&a->changed, &a->mutex);
	*ret_have = a->have;
	*ret_end = a->ended;
	failed = a->failed;
	pthread_mutex_unlock(&a->mutex);
	return failed != ERR_NONE ? err_set(err, failed, "it broke") : 0;
}

static int
archive_read(void *cookie, uint64_t offset, void *bytes, size_t n,
    struct err *err)
{
	struct archive *a = cookie;

	(void)err;
	pthread_mutex_lock(&a->mutex);
	assert_true(offset >= a->released && offset + n <= a->have);
	pthread_mutex_unlock(&a->mutex);
	memcpy(bytes, a->bytes + offset, n);
	return 0;
}

static void
archive_release(void *cookie, uint64_t before)
{
	struct archive *a = cookie;

	pthread_mutex_lock(&a->mutex);
	assert_true(before >= a->released && before <= a->have);
	a->released = before;
	pthread_cond_broadcast(&a->changed);
	pthread_mutex_unlock(&a->mutex);
}

/* All of it is there already. */
static void
ready(struct archive *a, const char *bytes, size_t n, uint64_t window_bytes)
{
	*a = (struct archive){ .bytes = bytes, .n = n, .have = n,
		.ended = true, .window_bytes = window_bytes,
		.stream = { archive_wait, archive_read, archive_release,
		window_bytes, a } };
	pthread_mutex_init(&a->mutex, NULL);
	pthread_cond_init(&a->changed, NULL);
}

static void *
make_archive(void *cookie)
{
	struct archive *a = cookie;

	pthread_mutex_lock(&a->mutex);
	while (a->have < a->n) {
		size_t more = a->n - a->have < a->step ? a->n - a->have :
		    a->step;

		if (a->have + more - a->released > a->window_bytes) {
			pthread_cond_wait(&a->changed, &a->mutex);
			continue;
		}
		a->have += more;
		pthread_cond_broadcast(&a->changed);
		pthread_mutex_unlock(&a->mutex);
		(void)sched_yield();
		pthread_mutex_lock(&a->mutex);
	}
	a->ended = true;
	pthread_cond_broadcast(&a->changed);
	pthread_mutex_unlock(&a->mutex);
	return NULL;
}

/* Puts n bytes that a thread makes, step at a time. *a->failed is set. */
static int
put_stream(struct store *store, const char *name, enum store_put_mode mode,
    struct archive *a, struct err *err)
{
	pthread_t thread;
	int rc;

	assert_int_equal(pthread_create(&thread, NULL, make_archive, a), 0);
	rc = store_put(store, name, mode, &a->stream, err);
	/* Who is not read any more must not wait for that. */
	archive_release(a, a->released);
	pthread_mutex_lock(&a->mutex);
	a->window_bytes = UINT64_MAX;
	pthread_cond_broadcast(&a->changed);
	pthread_mutex_unlock(&a->mutex);
	assert_int_equal(pthread_join(thread, NULL), 0);
	return rc;
}

static void
an_archive_is_put_while_it_is_made(void **state)
{
	static const struct {
		size_t n;
		size_t step;
		uint64_t window_bytes;
	} cases[] = {
		{ 0, 1, UINT64_MAX },
		{ 1, 1, UINT64_MAX },
		{ 1 << 20, 4096, UINT64_MAX },
		{ (1 << 20) + 1, 1 << 20, UINT64_MAX },
		{ 20000000, 70001, UINT64_MAX },
		{ 3000000, 4096, 65536 },
		{ 3000000, 1 << 20, 2 << 20 },
	};
	CLEANUP(store_freep) struct store *store = store_with(NULL, 0640);
	static char bytes[20000000];
	struct stat st;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bytes; i++)
		bytes[i] = (char)(i * 2654435761U >> 13);
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CLEANUP(cleanup_free) char *got = NULL;
		struct err err = ERR_INIT;
		struct archive a;
		size_t n;

		ready(&a, bytes, cases[i].n, cases[i].window_bytes);
		a.have = 0;
		a.ended = false;
		a.step = cases[i].step;
		if (put_stream(store, "a", STORE_REPLACE, &a, &err) < 0)
			fail_msg("%s", err.msg);
		assert_int_equal(file_read(scratch_path(&scratch, "a"),
		    sizeof bytes, &got, &n, &err), 0);
		assert_int_equal(n, cases[i].n);
		assert_true(memcmp(got, bytes, n) == 0);
		assert_int_equal(a.released, n);
		assert_int_equal(stat(scratch_path(&scratch, "a"), &st), 0);
		assert_int_equal(st.st_mode & 07777, 0640);
		assert_int_equal(count_entries(), 1);
	}
}

static void
a_stream_that_fails_leaves_nothing(void **state)
{
	static const enum err_kind kinds[] = { ERR_STREAM, ERR_INTERRUPTED };
	CLEANUP(store_freep) struct store *store = store_with(NULL, 0600);
	static char bytes[3 << 20];
	size_t i;

	(void)state;
	scratch_write(&scratch, "old", "x", 1);
	for (i = 0; i < 4; i++) {
		struct err err = ERR_INIT;
		struct archive a;

		ready(&a, bytes, sizeof bytes, UINT64_MAX);
		/* At once, or only when everything has been copied. */
		a.failed = kinds[i % 2];
		a.have = i < 2 ? sizeof bytes : 0;
		a.ended = i < 2;
		a.step = 1 << 20;
		assert_int_equal(put_stream(store, "old", STORE_REPLACE, &a,
		    &err), -1);
		assert_int_equal(err.kind, kinds[i % 2]);
		assert_string_equal(scratch_read(&scratch, "old"), "x");
		assert_int_equal(count_entries(), 1);
	}
}

static void
a_name_that_is_taken_is_not_put_again(void **state)
{
	CLEANUP(store_freep) struct store *store = store_with(NULL, 0600);
	struct err err = ERR_INIT;
	struct archive a;

	(void)state;
	ready(&a, "new", 3, UINT64_MAX);
	assert_int_equal(store_put(store, "a", STORE_NEW, &a.stream, &err), 0);
	ready(&a, "newer", 5, UINT64_MAX);
	assert_int_equal(store_put(store, "a", STORE_NEW, &a.stream, &err),
	    -1);
	assert_int_equal(err.kind, ERR_EXISTS);
	assert_int_equal(a.released, 0);	/* nothing was read for it */
	assert_string_equal(scratch_read(&scratch, "a"), "new");
	assert_int_equal(store_put(store, "a", STORE_REPLACE, &a.stream,
	    &err), 0);
	assert_string_equal(scratch_read(&scratch, "a"), "newer");
	assert_int_equal(count_entries(), 1);
}

static void
files_are_listed_and_nothing_else(void **state)
{
	CLEANUP(store_freep) struct store *store = store_with(NULL, 0600);
	CLEANUP(store_list_free) struct store_list list = STORE_LIST_INIT;
	const struct timespec times[2] = { { 5, 0 }, { 1700000000, 9 } };
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(store_list(store, &list, &err), 0);
	assert_int_equal(list.n, 0);
	scratch_write(&scratch, "b", "12", 2);
	scratch_write(&scratch, "a c", "1", 1);
	scratch_write(&scratch, "Z", "", 0);
	scratch_write(&scratch, ".hidden", "1", 1);
	scratch_write(&scratch, TEMPFILE_PREFIX "1", "1", 1);
	assert_int_equal(mkdir(scratch_path(&scratch, "dir"), 0755), 0);
	scratch_write(&scratch, "dir/b", "1", 1);
	assert_int_equal(symlink("b", scratch_path(&scratch, "link")), 0);
	assert_int_equal(mkfifo(scratch_path(&scratch, "fifo"), 0600), 0);
	assert_int_equal(utimensat(AT_FDCWD, scratch_path(&scratch, "b"),
	    times, 0), 0);
	assert_int_equal(store_list(store, &list, &err), 0);
	assert_int_equal(list.n, 3);
	assert_string_equal(list.v[0].name, "Z");
	assert_string_equal(list.v[1].name, "a c");
	assert_string_equal(list.v[2].name, "b");
	assert_int_equal(list.v[2].bytes, 2);
	assert_int_equal(list.v[2].modified, 1700000000);
}

static void
what_is_named_is_removed_and_failures_are_told(void **state)
{
	CLEANUP(store_freep) struct store *store = store_with(NULL, 0600);
	CLEANUP(strlist_free) struct strlist names = STRLIST_INIT;
	CLEANUP(strlist_free) struct strlist failed = STRLIST_INIT;
	static const char *const remove[] = { "a", "gone", "dir", "sub/c", "",
		"b" };
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	scratch_write(&scratch, "a", "", 0);
	scratch_write(&scratch, "b", "", 0);
	scratch_write(&scratch, "stays", "", 0);
	assert_int_equal(mkdir(scratch_path(&scratch, "dir"), 0755), 0);
	assert_int_equal(mkdir(scratch_path(&scratch, "sub"), 0755), 0);
	scratch_write(&scratch, "sub/c", "", 0);
	for (i = 0; i < sizeof remove / sizeof remove[0]; i++)
		assert_int_equal(strlist_add(&names, remove[i], &err), 0);
	assert_int_equal(store_remove(store, &names, &failed, &err), 0);
	assert_int_equal(failed.n, 3);
	assert_string_equal(failed.v[0], "'dir': Is a directory");
	assert_memory_equal(failed.v[1], "'sub/c': ", 9);
	assert_memory_equal(failed.v[2], "'': ", 4);
	assert_false(scratch_has(&scratch, "a"));
	assert_false(scratch_has(&scratch, "b"));
	assert_true(scratch_has(&scratch, "sub/c"));
	assert_true(scratch_has(&scratch, "stays"));
}

static void
a_small_document_is_put_and_replaced(void **state)
{
	CLEANUP(store_freep) struct store *store = store_with(NULL, 0644);
	struct err err = ERR_INIT;
	char *text = NULL;
	struct stat st;
	size_t n = 0;

	(void)state;
	assert_int_equal(store_put_small(store, "m", "one", 3, &err), 0);
	assert_int_equal(store_put_small(store, "m", "two2", 4, &err), 0);
	assert_int_equal(store_get_small(store, "m", 4, &text, &n, &err), 0);
	assert_int_equal(n, 4);
	assert_string_equal(text, "two2");
	free(text);
	assert_int_equal(store_get_small(store, "m", 3, &text, &n, &err), -1);
	assert_int_equal(store_get_small(store, "none", 3, &text, &n, &err),
	    -1);
	assert_int_equal(err.kind, ERR_NOTFOUND);
	assert_string_equal(scratch_read(&scratch, "m"), "two2");
	assert_int_equal(stat(scratch_path(&scratch, "m"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(count_entries(), 1);
}

static void
the_link_leads_to_the_latest(void **state)
{
	CLEANUP(store_freep) struct store *store = store_with(NULL, 0600);
	struct err err = ERR_INIT;
	char target[64];
	ssize_t n;
	int i;

	(void)state;
	/* What a dead run left of a link does not stop the next one. */
	assert_int_equal(symlink("x", scratch_path(&scratch,
	    TEMPFILE_PREFIX "link-latest")), 0);
	for (i = 0; i < 2; i++) {
		const char *name = i == 0 ? "one" : "two";

		assert_int_equal(store_link_latest(store, "latest", name,
		    &err), 0);
		n = readlink(scratch_path(&scratch, "latest"), target,
		    sizeof target - 1);
		assert_int_equal(n, 3);
		assert_memory_equal(target, name, 3);
	}
	assert_int_equal(count_entries(), 1);
}

static void
what_is_no_link_is_not_replaced_by_one(void **state)
{
	static const struct {
		const char *link;
		enum err_kind kind;
	} cases[] = {
		{ "file", ERR_EXISTS },
		{ "dir", ERR_EXISTS },
		{ ".", ERR_EXISTS },
		{ "", ERR_CONFIG },
		{ "a/b", ERR_CONFIG },
	};
	CLEANUP(store_freep) struct store *store = store_with(NULL, 0600);
	size_t i;

	(void)state;
	scratch_write(&scratch, "file", "x", 1);
	assert_int_equal(mkdir(scratch_path(&scratch, "dir"), 0755), 0);
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct err err = ERR_INIT;

		assert_int_equal(store_link_latest(store, cases[i].link,
		    "file", &err), -1);
		assert_int_equal(err.kind, cases[i].kind);
	}
	assert_string_equal(scratch_read(&scratch, "file"), "x");
	assert_int_equal(count_entries(), 2);
}

static bool
nothing_is_ours(void *cookie, const char *name)
{
	(void)cookie;
	(void)name;
	return false;
}

static void
sweep_removes_what_dead_runs_left(void **state)
{
	CLEANUP(store_freep) struct store *store = store_with(NULL, 0600);
	CLEANUP(tempfile_abort) struct tempfile held = TEMPFILE_NONE;
	struct err err = ERR_INIT;
	size_t n = 7;

	(void)state;
	scratch_write(&scratch, TEMPFILE_PREFIX "0123", "x", 1);
	scratch_write(&scratch, "foreign", "x", 1);
	assert_int_equal(store_spool(store, &held, &err), 0);
	assert_int_equal(store_check(store, 0, &err), 0);
	assert_true(scratch_has(&scratch, TEMPFILE_PREFIX "0123"));
	assert_int_equal(store_sweep(store, nothing_is_ours, NULL, &n, &err),
	    0);
	assert_int_equal(n, 1);
	assert_false(scratch_has(&scratch, TEMPFILE_PREFIX "0123"));
	assert_true(scratch_has(&scratch, "foreign"));
	assert_true(scratch_has(&scratch, held.name));
	assert_int_equal(count_entries(), 2);
	assert_int_equal(store_sweep(store, nothing_is_ours, NULL, &n, &err),
	    0);
	assert_int_equal(n, 0);
}

static void
check_says_how_much_room_is_missing(void **state)
{
	CLEANUP(store_freep) struct store *store = store_with(NULL, 0600);
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(store_check(store, UINT64_C(4) << 60, &err), -1);
	assert_int_equal(err.kind, ERR_NOSPACE);
	assert_non_null(strstr(err.msg, "': needs about 4.0 EiB, has "));
}

static void
a_directory_that_goes_away_is_noticed(void **state)
{
	CLEANUP(store_freep) struct store *store = store_with(NULL, 0600);
	CLEANUP(tempfile_abort) struct tempfile spool = TEMPFILE_NONE;
	struct strlist names = STRLIST_INIT, failed = STRLIST_INIT;
	struct store_list list = STORE_LIST_INIT;
	struct err err = ERR_INIT;
	size_t n;

	(void)state;
	assert_int_equal(rmdir(scratch.dir), 0);
	assert_int_equal(store_check(store, 0, &err), -1);
	assert_int_equal(err.kind, ERR_NOTFOUND);
	assert_int_equal(store_spool(store, &spool, &err), -1);
	assert_int_equal(store_put_small(store, "m", "x", 1, &err), -1);
	assert_int_equal(store_link_latest(store, "l", "m", &err), -1);
	assert_int_equal(store_sweep(store, nothing_is_ours, NULL, &n, &err),
	    -1);
	assert_int_equal(store_list(store, &list, &err), -1);
	assert_int_equal(store_remove(store, &names, &failed, &err), -1);
	assert_non_null(strstr(err.msg, store_label(store)));
}

static int
check_as_nobody(void)
{
	CLEANUP(store_freep) struct store *store = store_with(NULL, 0600);
	struct err err = ERR_INIT;

	if (setgid(65534) < 0 || setuid(65534) < 0)
		return 1;
	if (store_check(store, 0, &err) == 0)
		return 2;
	return strstr(err.msg, "Permission denied") != NULL ? 0 : 3;
}

static void
check_really_tries_to_write(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(scratch.dir, 0755), 0);
	pid = fork();
	if (pid == 0)
		_exit(check_as_nobody());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void
owners_are_users_and_groups_by_name_or_number(void **state)
{
	static const struct {
		const char *owner;
		unsigned uid;
		unsigned gid;
	} cases[] = {
		{ NULL, 0, 0 },
		{ "daemon", 1, 0 },
		{ "daemon:daemon", 1, 1 },
		{ ":daemon", 0, 1 },
		{ "1234", 1234, 0 },
		{ "1234:5678", 1234, 5678 },
		{ ":5678", 0, 5678 },
		{ "root:1", 0, 1 },
	};
	struct err err = ERR_INIT;
	struct stat st;
	size_t i;

	(void)state;
	if (geteuid() != 0)
		skip();
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CLEANUP(store_freep) struct store *store =
		    store_with(cases[i].owner, 04750);

		assert_int_equal(store_check(store, 0, &err), 0);
		assert_int_equal(put_text(store, "a", STORE_REPLACE, "x", 1,
		    &err), 0);
		assert_int_equal(stat(scratch_path(&scratch, "a"), &st), 0);
		assert_int_equal(st.st_uid, cases[i].uid);
		assert_int_equal(st.st_gid, cases[i].gid);
		/* chown clears bits: the mode must come after it. */
		assert_int_equal(st.st_mode & 07777, 04750);
	}
}

static void
settings_that_cannot_be_are_refused(void **state)
{
	static const struct {
		const char *path;
		const char *owner;
		const char *message;
	} cases[] = {
		{ "/nonexistent/x", NULL, "no such directory" },
		{ "/dev/null", NULL, "no such directory" },
		{ "/tmp", "no-such-user", "unknown user 'no-such-user'" },
		{ "/tmp", ":no-such-group", "unknown group 'no-such-group'" },
		{ "/tmp", "root:no-such-group", "unknown group" },
		{ "/tmp", "", "unknown user ''" },
		{ "/tmp", "root:", "unknown group ''" },
		{ "/tmp", ":", "unknown group ''" },
		{ "/tmp", "-1", "unknown user '-1'" },
		{ "/tmp", "4294967295", "unknown user" },
		{ "/tmp", "99999999999999999999999", "unknown user" },
		{ "/tmp", "12x", "unknown user" },
		{ "/tmp", "1:2:3", "unknown group '2:3'" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct store_local_settings settings = {
			cases[i].path, cases[i].owner, 0600
		};
		struct err err = ERR_INIT;
		struct store *store = NULL;

		assert_int_equal(store_local_new(&settings, &store, &err),
		    -1);
		assert_int_equal(err.kind, ERR_CONFIG);
		assert_non_null(strstr(err.msg, cases[i].message));
		assert_null(store);
	}
	store_free(NULL);
}

/* On a disk of 1 MiB; the caller mounts and unmounts it. */
static void
fill_disk(void)
{
	CLEANUP(store_freep) struct store *store = store_with(NULL, 0600);
	CLEANUP(tempfile_abort) struct tempfile spool = TEMPFILE_NONE;
	static char bytes[2 << 20];
	struct err err = ERR_INIT;
	struct archive archive;

	assert_int_equal(store_check(store, 1 << 10, &err), 0);
	assert_int_equal(store_check(store, 2 << 20, &err), -1);
	assert_int_equal(err.kind, ERR_NOSPACE);
	assert_non_null(strstr(err.msg,
	    "needs about 2.0 MiB, has 1.0 MiB"));
	assert_int_equal(store_spool(store, &spool, &err), 0);
	assert_int_equal(file_write_fd(spool.fd, "it", bytes, sizeof bytes,
	    &err), -1);
	assert_int_equal(err.kind, ERR_NOSPACE);
	assert_int_equal(store_put_small(store, "m", bytes, 4096, &err), -1);
	assert_int_equal(err.kind, ERR_NOSPACE);
	tempfile_abort(&spool);
	assert_int_equal(count_entries(), 0);
	assert_int_equal(store_put_small(store, "m", bytes, 4096, &err), 0);
	ready(&archive, bytes, sizeof bytes, UINT64_MAX);
	assert_int_equal(store_put(store, "a", STORE_NEW, &archive.stream,
	    &err), -1);
	assert_int_equal(err.kind, ERR_NOSPACE);
	assert_int_equal(count_entries(), 1);
}

static void
a_full_disk_is_told_apart_and_nothing_is_left_on_it(void **state)
{
	(void)state;
	if (geteuid() != 0 ||
	    mount("none", scratch.dir, "tmpfs", 0, "size=1m") < 0)
		skip();
	fill_disk();
	assert_int_equal(umount2(scratch.dir, MNT_DETACH), 0);
}

int
main(void)
{
#define TEST(name)							\
	cmocka_unit_test_setup_teardown(name, make_scratch, remove_scratch)
	static const struct CMUnitTest tests[] = {
		TEST(an_archive_is_put_with_its_mode),
		TEST(a_new_archive_never_replaces_one_and_replace_does),
		TEST(an_archive_of_another_size_is_not_published),
		TEST(a_file_of_another_directory_is_not_taken_over),
		TEST(an_archive_is_put_while_it_is_made),
		TEST(a_stream_that_fails_leaves_nothing),
		TEST(a_name_that_is_taken_is_not_put_again),
		TEST(files_are_listed_and_nothing_else),
		TEST(what_is_named_is_removed_and_failures_are_told),
		TEST(a_small_document_is_put_and_replaced),
		TEST(the_link_leads_to_the_latest),
		TEST(what_is_no_link_is_not_replaced_by_one),
		TEST(sweep_removes_what_dead_runs_left),
		TEST(check_says_how_much_room_is_missing),
		TEST(a_directory_that_goes_away_is_noticed),
		TEST(check_really_tries_to_write),
		TEST(owners_are_users_and_groups_by_name_or_number),
		TEST(settings_that_cannot_be_are_refused),
		TEST(a_full_disk_is_told_apart_and_nothing_is_left_on_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
