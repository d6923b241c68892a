/* How sealing ends when something else does, and what others can see. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <time.h>

#include "lib/base/clock.h"
#include "lib/base/intr.h"
#include "test/unit/sealer.h"

#define MIB ((size_t)1 << 20)
#define SECRET "pass phrase Qx7 #"

static const struct seal_settings secret = { .passphrase = SECRET };

static struct seal *
new_seal(void)
{
	struct seal *seal = NULL;
	struct err err = ERR_INIT;

	if (seal_new(&secret, &seal, &err) < 0)
		fail_msg("seal_new: %s", err.msg);
	return seal;
}

/* Until gpg runs, and all pipes and channels are as full as they get. */
static pid_t
wait_for_gpg(void)
{
	double began_s = clock_mono_s();
	pid_t pid = 0;

	while (sealer_gpgs(&pid) == 0 && clock_mono_s() - began_s <
	    SEALER_HANG_S)
		(void)usleep(10000);
	(void)usleep(700000);	/* it derives the key before it reads */
	assert_int_equal(sealer_gpgs(&pid), 1);
	return pid;
}

static void
assert_cut_off(struct sealer_line *line, double began_s)
{
	sealer_end(line);
	assert_true(clock_mono_s() - began_s < SEALER_HANG_S);
	assert_int_equal(line->rc, -1);
	assert_int_equal(line->err.kind, ERR_STREAM);
}

/* Whichever side is cancelled, whichever side is stalled. */
static void
a_cancel_from_either_side_ends_it_at_once(void **state)
{
	static const struct {
		bool stall_in, stall_out, cancel_in;
	} cases[] = {
		{ true, false, true }, { true, false, false },
		{ false, true, true }, { false, true, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct seal *seal = new_seal();
		struct sealer_line line = { .seal = seal,
			.n = cases[i].stall_in ? MIB : 64 * MIB,
			.stall_in = cases[i].stall_in,
			.stall_out = cases[i].stall_out };
		double began_s;

		sealer_begin(&line);
		(void)wait_for_gpg();
		began_s = clock_mono_s();
		chan_cancel(cases[i].cancel_in ? line.in : line.out);
		assert_cut_off(&line, began_s);
		seal_free(seal);
		sealer_assert_clean();
	}
}

static void
a_cancel_before_it_begins_ends_it(void **state)
{
	struct seal *seal = new_seal();
	CLEANUP(chan_freep) struct chan *in = NULL;
	CLEANUP(chan_freep) struct chan *out = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(chan_new(MIB, 2, &in, &err), 0);
	assert_int_equal(chan_new(MIB, 2, &out, &err), 0);
	chan_cancel(out);
	assert_int_equal(seal_stage(seal, in, out, &err), -1);
	assert_int_equal(err.kind, ERR_STREAM);
	seal_free(seal);
	sealer_assert_clean();
}

/* The seal is as good as before: the next archive is right, whenever the one
 * before was cut off, and whatever of it still runs. */
static void
after_a_cancel_the_next_archive_is_whole(void **state)
{
	struct seal *seal = new_seal();
	useconds_t pause;

	(void)state;
	scratch_write(&sealer_scratch, "secret", SECRET, strlen(SECRET));
	sealer_pattern("wanted", MIB);
	for (pause = 0; pause < 30000; pause += 3000) {
		struct sealer_line cut = { .seal = seal, .n = MIB,
			.stall_in = true };
		struct sealer_line next = { .seal = seal, .n = MIB };

		sealer_begin(&cut);
		(void)usleep(pause);
		chan_cancel(cut.in);
		sealer_end(&cut);
		sealer_begin(&next);
		sealer_end(&next);
		assert_int_equal(next.rc, 0);
		sealer_assert_clean();
		(void)sealer_shell("gpg -q --homedir alice --batch "
		    "--pinentry-mode loopback --passphrase-file secret "
		    "-d out >got 2>log && cmp got wanted");
	}
	seal_free(seal);
}

/* gpgme itself would call both a success. */
static void
a_gpg_that_is_killed_is_a_failure(void **state)
{
	static const struct {
		bool stall_in, stall_out;
		size_t n;
	} cases[] = {
		{ true, false, MIB },
		{ false, true, 64 * MIB },
		/* All is read, the last bytes are on their way. */
		{ false, true, 3 * MIB },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct seal *seal = new_seal();
		struct sealer_line line = { .seal = seal, .n = cases[i].n,
			.stall_in = cases[i].stall_in,
			.stall_out = cases[i].stall_out };
		const void *block;
		struct err err = ERR_INIT;
		size_t n;

		sealer_begin(&line);
		assert_int_equal(kill(wait_for_gpg(), SIGKILL), 0);
		if (line.stall_in)
			assert_int_equal(chan_finish(line.in, &err), 0);
		while (line.stall_out &&
		    chan_read(line.out, &block, &n, &err) == 0)
			assert_int_not_equal(n, 0);
		sealer_end(&line);
		assert_int_equal(line.rc, -1);
		assert_int_equal(line.err.kind, ERR_SYSTEM);
		assert_non_null(strstr(line.err.msg, "gpg ended too early"));
		seal_free(seal);
		sealer_assert_clean();
	}
}

static void
assert_without_secret(pid_t pid, const char *name)
{
	char path[64], text[65536];
	CLEANUP(cleanup_close) int fd = -1;
	ssize_t n;

	(void)snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	n = read(fd, text, sizeof text);
	assert_true(n > 0);
	assert_null(memmem(text, (size_t)n, SECRET, strlen(SECRET)));
}

static void
nobody_sees_the_passphrase(void **state)
{
	struct seal *seal = new_seal();
	struct sealer_line line = { .seal = seal, .n = 64 * MIB,
		.stall_out = true };
	pid_t pid;

	(void)state;
	sealer_begin(&line);
	pid = wait_for_gpg();
	assert_without_secret(pid, "cmdline");
	assert_without_secret(pid, "environ");
	assert_string_equal(sealer_shell("stat -c '%%a %%U' run/*"),
	    sealer_shell("echo 700 $(id -un)"));
	/* Named pipes are left out: this one is empty, and would block. */
	(void)sealer_shell("! grep -rqF 'Qx7' run --devices=skip");
	chan_cancel(line.out);
	sealer_end(&line);
	seal_free(seal);
	sealer_assert_clean();
}

/* --- signals -------------------------------------------------------------- */

/* A process of its own, and leader of its group, that seals an endless stream.
 * Ends as vbackup would: 0 when that was orderly. */
static void
be_vbackup(void)
{
	struct sealer_line line = { .n = MIB, .stall_in = true };
	struct err err = ERR_INIT;

	if (setpgid(0, 0) < 0 || intr_install(&err) < 0)
		_exit(10);
	line.seal = new_seal();
	sealer_begin(&line);
	while (!intr_sleep(60))
		;
	chan_cancel(line.in);
	sealer_end(&line);
	seal_free(line.seal);
	_exit(line.rc == -1 ? 0 : 11);
}

static pid_t
start_vbackup(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		be_vbackup();
	(void)wait_for_gpg();
	(void)wait_for_gpg();	/* not the trial's, which has ended by now */
	return pid;
}

static void
a_signal_to_the_whole_group_ends_it_in_order(void **state)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	size_t i;
	int status;

	(void)state;
	for (i = 0; i < sizeof signals / sizeof signals[0]; i++) {
		pid_t pid = start_vbackup();

		assert_int_equal(kill(-pid, signals[i]), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
		sealer_assert_clean();
	}
}

static void
make_older(const char *path)
{
	struct timespec times[2] = { { .tv_sec = time(NULL) - 120 },
		{ .tv_sec = time(NULL) - 120 } };

	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* gpg ends by itself; the next run removes the directory. */
static void
what_a_killed_run_leaves_is_removed_by_the_next(void **state)
{
	pid_t pid = start_vbackup();
	double began_s = clock_mono_s();
	char path[512];
	int status;

	(void)state;
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	while (sealer_gpgs(NULL) != 0 && clock_mono_s() - began_s <
	    SEALER_HANG_S)
		(void)usleep(10000);
	assert_int_equal(sealer_gpgs(NULL), 0);
	(void)snprintf(path, sizeof path, "%s", sealer_shell("echo run/*"));
	assert_int_equal(access(path, F_OK), 0);
	seal_free(new_seal());
	sealer_assert_clean();
}

static void
what_is_in_use_or_foreign_is_not_removed(void **state)
{
	CLEANUP(cleanup_close) int fd = -1;
	char made[64];

	(void)state;
	/* Made by a process that lives, and has not locked it yet. */
	(void)snprintf(made, sizeof made, "run/vbackup-gpg-%ld-x",
	    (long)getpid());
	assert_int_equal(mkdir(made, 0700), 0);
	seal_free(new_seal());
	assert_int_equal(access(made, F_OK), 0);
	make_older(made);
	seal_free(new_seal());
	assert_int_equal(access(made, F_OK), -1);
	(void)sealer_shell("mkdir run/vbackup-gpg-alive run/other "
	    "target && touch target/file run/vbackup-gpg-file && "
	    "ln -s ../target run/vbackup-gpg-link");
	fd = open("run/vbackup-gpg-alive", O_RDONLY | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	make_older("run/vbackup-gpg-alive");
	make_older("run/other");
	make_older("run/vbackup-gpg-file");
	make_older("target");
	seal_free(new_seal());
	assert_string_equal(sealer_shell("ls -A run target | tr '\\n' ' '"),
	    "run: other vbackup-gpg-alive vbackup-gpg-file vbackup-gpg-link  "
	    "target: file ");
	(void)sealer_shell("rm -r run && mkdir -m 700 run");
}

static void
without_a_runtime_directory_another_place_is_found(void **state)
{
	static const char *const values[] = { "relative", "/nonexistent", "" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof values / sizeof values[0]; i++) {
		assert_int_equal(setenv("XDG_RUNTIME_DIR", values[i], 1), 0);
		seal_free(new_seal());
	}
	assert_int_equal(unsetenv("XDG_RUNTIME_DIR"), 0);
	seal_free(new_seal());
	assert_int_equal(setenv("XDG_RUNTIME_DIR", scratch_path(
	    &sealer_scratch, "run"), 1), 0);
	sealer_assert_clean();
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cancel_from_either_side_ends_it_at_once),
		cmocka_unit_test(a_cancel_before_it_begins_ends_it),
		cmocka_unit_test(after_a_cancel_the_next_archive_is_whole),
		cmocka_unit_test(a_gpg_that_is_killed_is_a_failure),
		cmocka_unit_test(nobody_sees_the_passphrase),
		cmocka_unit_test(a_signal_to_the_whole_group_ends_it_in_order),
		cmocka_unit_test(
		    what_a_killed_run_leaves_is_removed_by_the_next),
		cmocka_unit_test(what_is_in_use_or_foreign_is_not_removed),
		cmocka_unit_test(
		    without_a_runtime_directory_another_place_is_found),
	};

	return cmocka_run_group_tests(tests, sealer_setup, sealer_teardown);
}
