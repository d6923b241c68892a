#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "lib/base/intr.h"
#include "lib/run/guardian.h"
#include "lib/run/ledger.h"
#include "lib/run/lock.h"
#include "test/unit/peer.h"
#include "test/unit/scratch.h"

#define PONG_THEN(what) { .request = "GET /_ping", .answer = PEER_ANSWER( \
    "200 OK", "Api-Version: 1.41\r\n", "2", "OK"), .then = what }
#define PONG PONG_THEN(PEER_KEEP)
#define BUSY { .request = "GET /_ping", .answer = PEER_ANSWER(		\
    "503 Starting", "", "0", ""), .then = PEER_CLOSE }

static struct scratch scratch;
static struct guardian guardian = GUARDIAN_NONE;	/* of the run */
static char host[128];		/* of the run: where its Engine is */
static bool ask_the_engine;	/* in place of writing down what is undone */

/* Relative to the scratch directory, where all of us are. */
static void
append(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		abort();
	(void)close(fd);
}

int __wrap_undo_apply(struct engine *engine, const struct undo *undo,
    struct err *err);
int __real_undo_apply(struct engine *engine, const struct undo *undo,
    struct err *err);

int
__wrap_undo_apply(struct engine *engine, const struct undo *undo,
    struct err *err)
{
	if (ask_the_engine)
		return __real_undo_apply(engine, undo, err);
	while (strcmp(undo->id, "wait") == 0 && access("go", F_OK) < 0)
		(void)usleep(10000);
	if (strcmp(undo->id, "bad") == 0)
		return err_set(err, ERR_REFUSED, "cannot start 'bad'");
	append("applied", undo->id);
	append("applied", " ");
	return 0;
}

/* --- a run --------------------------------------------------------------- */

/* The run is forked before the Engine's thread is there: after a fork among
 * threads not even malloc is safe, under sanitizers. */
struct scene {
	const char *const *ids;		/* what it stops, NULL-terminated */
	double retry_s;
	/* What it does besides, in its process; NULL: nothing. */
	void (*before)(void);		/* the guardian is started */
	void (*after)(void);		/* all is noted */
	/* Filled by start_run. */
	pid_t run;
	pid_t guardian;
	struct peer *engine;	/* or NULL */
};

/* So long ago that nothing can be under way any more. */
static void
make_old(int fd)
{
	const struct timespec times[2] = { { .tv_sec = 1000000 },
		{ .tv_sec = 1000000 } };

	assert_int_equal(futimens(fd, times), 0);
}

static void
note_all(int fd, const char *const *ids, struct err *err)
{
	for (; *ids != NULL; ids++) {
		char *id = (char *)(uintptr_t)*ids;
		const struct undo undo = { UNDO_START, id, id, 0 };

		if (ledger_note(fd, &undo, err) < 0)
			_exit(50);
	}
	make_old(fd);
}

/* Hears where the Engine is, tells the guardian's id when all is noted, and
 * waits to die. */
static _Noreturn void
run(const struct scene *scene, int heard, int told)
{
	const struct engine_settings docker = { .host = host };
	struct lock lock = LOCK_NONE;
	struct err err = ERR_INIT;

	if (read(heard, host, sizeof host) != sizeof host)
		_exit(53);
	if (scene->before != NULL)
		scene->before();
	if (lock_take(&lock, scratch.dir, 0, &err) < 0 ||
	    guardian_start(&guardian, lock.fd, &docker, scene->retry_s,
	    &err) < 0)
		_exit(51);
	note_all(lock.fd, scene->ids, &err);
	if (scene->after != NULL)
		scene->after();
	if (write(told, &guardian.pid, sizeof guardian.pid) < 0)
		_exit(52);
	for (;;)
		(void)pause();
}

static void
start_engine(struct scene *scene, const struct peer_step *steps, size_t n,
    char ret[sizeof host])
{
	memset(ret, 0, sizeof host);
	if (n != 0)
		scene->engine = peer_start_unix(steps, n);
	(void)snprintf(ret, sizeof host, "unix://%s", n != 0 ?
	    scene->engine->socket_path : "/nonexistent");
}

/* With an Engine of these steps; 0: none. A run that ends before it has told
 * leaves scene->guardian at 0. */
static void
start_run(struct scene *scene, const struct peer_step *steps, size_t n)
{
	char path[sizeof host];
	int hears[2], tells[2];

	assert_int_equal(pipe2(hears, O_CLOEXEC), 0);
	assert_int_equal(pipe2(tells, O_CLOEXEC), 0);
	scene->run = fork();
	assert_true(scene->run >= 0);
	if (scene->run == 0)
		run(scene, hears[0], tells[1]);
	(void)close(hears[0]);
	(void)close(tells[1]);
	start_engine(scene, steps, n, path);
	assert_int_equal(write(hears[1], path, sizeof path), sizeof path);
	(void)!read(tells[0], &scene->guardian, sizeof scene->guardian);
	(void)close(hears[1]);
	(void)close(tells[0]);
}

static void
end_engine(struct scene *scene)
{
	if (scene->engine == NULL)
		return;
	peer_finish(scene->engine);
	peer_free(scene->engine);
}

static void
kill_and_wait(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* We are the subreaper: an orphaned guardian is our child. */
static int
exit_of(pid_t pid)
{
	int status = 0;

	assert_true(waitpid(pid, &status, 0) > 0);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static const char *
applied(void)
{
	return access("applied", F_OK) == 0 ? scratch_read(&scratch,
	    "applied") : "";
}

/* The lock is free, and so many entries are left. */
static void
assert_left(size_t n)
{
	struct ledger ledger = LEDGER_INIT;
	struct lock lock = LOCK_NONE;
	struct err err = ERR_INIT;

	if (lock_take(&lock, scratch.dir, 0, &err) < 0 ||
	    ledger_read(lock.fd, &ledger, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(ledger.n, n);
	ledger_free(&ledger);
	lock_release(&lock);
}

/* --- tests --------------------------------------------------------------- */

static const char *const two[] = { "a", "b", NULL };
static const struct peer_step pong[] = { PONG };

static void
a_killed_run_is_settled_whatever_it_had_stopped(void **state)
{
	static const char *const ids[] = { "a", "b", "c", NULL };
	static const char *const expected[] = { "c b a ", "c b ", "c ", "" };
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++) {
		struct scene scene = { .ids = ids + i, .retry_s = 30 };

		(void)unlink("applied");
		start_run(&scene, pong, i < 3);
		assert_string_equal(applied(), "");
		kill_and_wait(scene.run);
		assert_int_equal(exit_of(scene.guardian), 0);
		assert_string_equal(applied(), expected[i]);
		assert_left(0);
		end_engine(&scene);
	}
}

static void
it_asks_the_engine_itself(void **state)
{
	static const struct peer_step steps[] = { PONG,
		{ .request = "POST /v1.41/containers/b/start",
		  .answer = "HTTP/1.1 204 No Content\r\n\r\n" },
		{ .request = "POST /v1.41/containers/a/start",
		  .answer = "HTTP/1.1 304 Not Modified\r\n\r\n" } };
	struct scene scene = { .ids = two, .retry_s = 30 };

	(void)state;
	ask_the_engine = true;
	start_run(&scene, STEPS(steps));
	kill_and_wait(scene.run);
	assert_int_equal(exit_of(scene.guardian), 0);
	ask_the_engine = false;
	assert_left(0);
	end_engine(&scene);
}

static void
it_logs_what_it_does(void **state)
{
	static const char *const lines[] = {
		" error   the run died: starting what it had stopped\n",
		" warning brought back: start 'b'\n",
		" warning brought back: start 'a'\n",
	};
	struct scene scene = { .ids = two, .retry_s = 30 };
	int before = dup(STDERR_FILENO);
	int fd = open("log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	const char *log;
	size_t i;

	(void)state;
	assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	start_run(&scene, STEPS(pong));
	assert_int_equal(dup2(before, STDERR_FILENO), STDERR_FILENO);
	(void)close(before);
	(void)close(fd);
	kill_and_wait(scene.run);
	assert_int_equal(exit_of(scene.guardian), 0);
	log = scratch_read(&scratch, "log");
	for (i = 0; i < 3; i++) {
		const char *end = strchr(log, '\n');

		assert_non_null(end);
		assert_true(end - log > (long)strlen(lines[i]));
		assert_int_equal(strncmp(end + 1 - strlen(lines[i]), lines[i],
		    strlen(lines[i])), 0);
		log = end + 1;
	}
	assert_string_equal(log, "");
	end_engine(&scene);
}

static void
say_atexit(void)
{
	append("applied", "atexit ");
}

static void
dismiss_and_exit(void)
{
	pid_t pid = guardian.pid;

	guardian_dismiss(&guardian);
	if (guardian.pid != -1 || guardian.pipe != -1 || kill(pid, 0) == 0)
		_exit(60);
	guardian_dismiss(&guardian);
	_exit(7);
}

static void
exit_in_the_middle(void)
{
	(void)atexit(say_atexit);
	_exit(7);
}

static void
register_atexit(void)
{
	(void)atexit(say_atexit);
}

static void
one_that_is_dismissed_leaves_the_ledger_alone(void **state)
{
	struct scene scene = { .ids = two,
		.retry_s = 30, .before = register_atexit,
		.after = dismiss_and_exit };

	(void)state;
	start_run(&scene, NULL, 0);
	assert_int_equal(exit_of(scene.run), 7);
	assert_int_equal(waitpid(-1, NULL, 0), -1);
	assert_string_equal(applied(), "");
	assert_left(2);
}

static void
an_exit_without_dismissing_it_is_a_death(void **state)
{
	struct scene scene = { .ids = two, .retry_s = 30,
		.before = register_atexit, .after = exit_in_the_middle };

	(void)state;
	start_run(&scene, STEPS(pong));
	assert_int_equal(exit_of(scene.run), 7);
	assert_int_equal(exit_of(-1), 0);
	assert_string_equal(applied(), "b a ");
	assert_left(0);
	end_engine(&scene);
}

static void
kill_the_guardian(void)
{
	(void)kill(guardian.pid, SIGKILL);
}

static void
kill_then_dismiss(void)
{
	(void)signal(SIGPIPE, SIG_DFL);
	kill_the_guardian();
	(void)usleep(10000);
	dismiss_and_exit();
}

static void
to_dismiss_one_that_was_killed_is_no_error(void **state)
{
	struct scene scene = { .ids = two,
		.retry_s = 30, .after = kill_then_dismiss };

	(void)state;
	start_run(&scene, NULL, 0);
	assert_int_equal(exit_of(scene.run), 7);
	assert_left(2);
}

static void
when_both_are_killed_a_later_run_settles(void **state)
{
	struct scene scene = { .ids = two,
		.retry_s = 30, .after = kill_the_guardian };
	struct lock lock = LOCK_NONE;
	struct err err = ERR_INIT;
	size_t n = 0;

	(void)state;
	start_run(&scene, NULL, 0);
	kill_and_wait(scene.run);
	assert_int_equal(waitpid(scene.guardian, NULL, 0), scene.guardian);
	assert_string_equal(applied(), "");
	assert_int_equal(lock_take(&lock, scratch.dir, 0, &err), 0);
	assert_int_equal(ledger_settle(lock.fd, NULL, 30, &n, &err), 0);
	lock_release(&lock);
	assert_int_equal(n, 2);
	assert_string_equal(applied(), "b a ");
	assert_left(0);
}

static void
be_a_group(void)
{
	(void)setpgid(0, 0);
}

static void
no_signal_that_means_the_run_ends_it(void **state)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE,
		SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGTSTP };
	struct scene scene = { .ids = two, .retry_s = 30,
		.before = be_a_group };
	size_t i;

	(void)state;
	start_run(&scene, STEPS(pong));
	assert_int_not_equal(getsid(scene.guardian), getsid(scene.run));
	for (i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		assert_int_equal(kill(scene.guardian, numbers[i]), 0);
	/* The whole group, as a terminal or a shell would. */
	assert_int_equal(kill(-scene.run, SIGKILL), 0);
	assert_int_equal(waitpid(scene.run, NULL, 0), scene.run);
	for (i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		(void)kill(scene.guardian, numbers[i]);
	assert_int_equal(exit_of(scene.guardian), 0);
	assert_string_equal(applied(), "b a ");
	end_engine(&scene);
}

static void
open_this_and_that(void)
{
	int fd = open("/dev/zero", O_RDONLY);	/* without O_CLOEXEC */

	(void)dup2(fd, 100);
	(void)dup2(fd, STDIN_FILENO);
}

static void
assert_descriptors(pid_t pid)
{
	char dir[64], path[sizeof dir + 256], target[256];
	DIR *entries;
	const struct dirent *one;
	int n = 0;

	(void)snprintf(dir, sizeof dir, "/proc/%d/fd", (int)pid);
	entries = opendir(dir);
	assert_non_null(entries);
	while ((one = readdir(entries)) != NULL) {
		ssize_t len;

		if (one->d_name[0] == '.')
			continue;
		n++;
		(void)snprintf(path, sizeof path, "%s/%s", dir, one->d_name);
		len = readlink(path, target, sizeof target - 1);
		assert_true(len > 0);
		target[len] = '\0';
		if (atoi(one->d_name) <= STDOUT_FILENO)
			assert_string_equal(target, "/dev/null");
		else if (atoi(one->d_name) > STDERR_FILENO)
			assert_true(str_starts(target, "socket:") ||
			    str_ends(target, "/vbackup.lock"));
	}
	assert_int_equal(n, 5);
	(void)closedir(entries);
}

static void
read_proc(pid_t pid, const char *name, char *ret, size_t size)
{
	char path[64];
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	n = read(fd, ret, size - 1);
	assert_true(n >= 0);
	ret[n] = '\0';
	(void)close(fd);
}

static bool
may_evade_the_oom_killer(void)
{
	int status = 1;
	pid_t pid = fork();

	if (pid == 0) {
		int fd = open("/proc/self/oom_score_adj", O_WRONLY);

		_exit(write(fd, "-1000", 5) != 5);
	}
	return waitpid(pid, &status, 0) == pid && status == 0;
}

static void
it_holds_nothing_but_lock_pipe_and_stderr(void **state)
{
	struct scene scene = { .ids = two,
		.retry_s = 0, .before = open_this_and_that };
	char text[64];

	(void)state;
	start_run(&scene, NULL, 0);
	assert_descriptors(scene.guardian);
	read_proc(scene.guardian, "comm", text, sizeof text);
	assert_string_equal(text, "vbackup-guard\n");
	read_proc(scene.guardian, "oom_score_adj", text, sizeof text);
	if (may_evade_the_oom_killer())
		assert_string_equal(text, "-1000\n");
	kill_and_wait(scene.run);
	assert_int_equal(exit_of(scene.guardian), 1);
}

static void
an_engine_that_is_away_for_a_while_is_awaited(void **state)
{
	static const struct peer_step steps[] = { BUSY, BUSY, PONG };
	struct scene scene = { .ids = two, .retry_s = 60 };

	(void)state;
	start_run(&scene, STEPS(steps));
	kill_and_wait(scene.run);
	assert_int_equal(exit_of(scene.guardian), 0);
	assert_string_equal(applied(), "b a ");
	assert_left(0);
	end_engine(&scene);
}

static void
what_it_cannot_settle_stays_for_the_next(void **state)
{
	static const char *const ids[] = { "a", "bad", "b", NULL };
	struct scene scene = { .ids = ids,
		.retry_s = 0.3 };

	(void)state;
	start_run(&scene, NULL, 0);
	kill_and_wait(scene.run);
	assert_int_equal(exit_of(scene.guardian), 1);
	assert_string_equal(applied(), "");
	assert_left(3);
	assert_int_equal(unlink("vbackup.lock"), 0);
	scene.retry_s = 0;
	start_run(&scene, STEPS(pong));
	kill_and_wait(scene.run);
	assert_int_equal(exit_of(scene.guardian), 1);
	assert_string_equal(applied(), "b a ");
	assert_left(1);	/* only what is not back */
	end_engine(&scene);
}

static void
it_keeps_the_lock_until_it_has_settled(void **state)
{
	static const char *const ids[] = { "a", "wait", "b", NULL };
	struct scene scene = { .ids = ids, .retry_s = 30 };
	struct lock lock = LOCK_NONE;
	struct err err = ERR_INIT;
	char owner[32];

	(void)state;
	start_run(&scene, STEPS(pong));
	kill_and_wait(scene.run);
	while (strcmp(applied(), "b ") != 0)
		(void)usleep(10000);
	assert_int_equal(lock_take(&lock, scratch.dir, 0, &err), -1);
	assert_int_equal(err.kind, ERR_LOCKED);
	(void)snprintf(owner, sizeof owner, "(process %d)",
	    (int)scene.guardian);
	assert_non_null(strstr(err.msg, owner));
	append("go", "");
	assert_int_equal(lock_take(&lock, scratch.dir, 60, &err), 0);
	lock_release(&lock);
	assert_int_equal(exit_of(scene.guardian), 0);
	assert_string_equal(applied(), "b wait a ");
	end_engine(&scene);
}

/* A pipe that is full, and whose reader is there and does not read. */
static void
fill_stderr(void)
{
	static const char bytes[4096];
	int ends[2];

	if (pipe(ends) < 0 || fcntl(ends[1], F_SETFL, O_NONBLOCK) < 0)
		_exit(61);
	while (write(ends[1], bytes, sizeof bytes) > 0)
		;
	if (fcntl(ends[1], F_SETFL, 0) < 0 ||
	    dup2(ends[1], STDERR_FILENO) < 0)
		_exit(62);
}

static void
fill_stderr_and_hold_it(void)
{
	char text[32];
	pid_t reader;

	fill_stderr();
	reader = fork();
	if (reader == 0)
		for (;;)
			(void)pause();
	(void)snprintf(text, sizeof text, "%d", (int)reader);
	append("child", text);
}

static void
nobody_reads_what_it_logs_and_it_goes_on(void **state)
{
	struct scene scene = { .ids = two, .retry_s = 30,
		.before = fill_stderr_and_hold_it };

	(void)state;
	start_run(&scene, STEPS(pong));
	kill_and_wait(scene.run);
	assert_int_equal(exit_of(scene.guardian), 0);
	assert_string_equal(applied(), "b a ");
	kill_and_wait(atoi(scratch_read(&scratch, "child")));
	end_engine(&scene);
}

static void
spawn_a_program(void)
{
	char name[] = "sleep", time[] = "1000", pid_text[32];
	char *argv[] = { name, time, NULL };
	pid_t pid;

	if (posix_spawnp(&pid, name, NULL, NULL, argv, environ) != 0)
		_exit(63);
	(void)snprintf(pid_text, sizeof pid_text, "%d", (int)pid);
	append("child", pid_text);
}

static void
a_program_that_outlives_the_run_does_not_hide_its_death(void **state)
{
	struct scene scene = { .ids = two, .retry_s = 30,
		.after = spawn_a_program };

	(void)state;
	start_run(&scene, STEPS(pong));
	kill_and_wait(scene.run);
	assert_int_equal(exit_of(scene.guardian), 0);
	assert_string_equal(applied(), "b a ");
	assert_left(0);
	kill_and_wait(atoi(scratch_read(&scratch, "child")));
	end_engine(&scene);
}

static void
talk_to_the_engine(void)
{
	const struct engine_settings docker = { .host = host };
	struct engine *engine = NULL;
	struct err err = ERR_INIT;

	if (engine_open(&docker, &engine, &err) < 0)
		_exit(64);
}

static void
a_run_that_has_talked_before_is_settled_by_a_connection_of_its_own(
    void **state)
{
	/* The run's connection stays open until the run is dead. */
	static const struct peer_step steps[] = { PONG, PONG };
	struct scene scene = { .ids = two, .retry_s = 30,
		.before = talk_to_the_engine };

	(void)state;
	start_run(&scene, STEPS(steps));
	kill_and_wait(scene.run);
	assert_int_equal(exit_of(scene.guardian), 0);
	assert_string_equal(applied(), "b a ");
	end_engine(&scene);
}

static int
start_after_a_signal(void)
{
	const struct engine_settings docker = { .host = NULL };
	struct guardian ours = GUARDIAN_NONE;
	struct err err = ERR_INIT;

	if (intr_install(&err) < 0 || raise(SIGTERM) != 0)
		return 1;
	if (guardian_start(&ours, STDIN_FILENO, &docker, 1, &err) == 0 ||
	    err.kind != ERR_INTERRUPTED)
		return 2;
	guardian_dismiss(&ours);
	return waitpid(-1, NULL, 0) == -1 && ours.pid == -1 ? 0 : 3;
}

static void
after_a_signal_none_is_started(void **state)
{
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(start_after_a_signal());
	assert_int_equal(exit_of(pid), 0);
}

static void
signal_the_guardian_then_keep_flag(void)
{
	struct err err = ERR_INIT;

	if (intr_install(&err) < 0)
		_exit(65);
}

static void
interrupt_ourselves(void)
{
	(void)raise(SIGINT);
}

static void
a_signal_to_the_run_before_its_death_is_not_the_guardians(void **state)
{
	struct scene scene = { .ids = two, .retry_s = 30,
		.before = signal_the_guardian_then_keep_flag,
		.after = interrupt_ourselves };

	(void)state;
	start_run(&scene, STEPS(pong));
	assert_int_equal(kill(scene.guardian, SIGINT), 0);
	kill_and_wait(scene.run);
	assert_int_equal(exit_of(scene.guardian), 0);
	assert_string_equal(applied(), "b a ");
	end_engine(&scene);
}

/* --- */

static int
make_scratch(void **state)
{
	(void)state;
	scratch_new(&scratch);
	return chdir(scratch.dir);
}

static int
remove_scratch(void **state)
{
	(void)state;
	scratch_free(&scratch);
	return 0;
}

#define TEST(name)							\
	cmocka_unit_test_setup_teardown(name, make_scratch, remove_scratch)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_killed_run_is_settled_whatever_it_had_stopped),
		TEST(it_asks_the_engine_itself),
		TEST(it_logs_what_it_does),
		TEST(one_that_is_dismissed_leaves_the_ledger_alone),
		TEST(an_exit_without_dismissing_it_is_a_death),
		TEST(to_dismiss_one_that_was_killed_is_no_error),
		TEST(when_both_are_killed_a_later_run_settles),
		TEST(no_signal_that_means_the_run_ends_it),
		TEST(it_holds_nothing_but_lock_pipe_and_stderr),
		TEST(an_engine_that_is_away_for_a_while_is_awaited),
		TEST(what_it_cannot_settle_stays_for_the_next),
		TEST(it_keeps_the_lock_until_it_has_settled),
		TEST(nobody_reads_what_it_logs_and_it_goes_on),
		TEST(a_program_that_outlives_the_run_does_not_hide_its_death),
		TEST(
	a_run_that_has_talked_before_is_settled_by_a_connection_of_its_own),
		TEST(after_a_signal_none_is_started),
		TEST(a_signal_to_the_run_before_its_death_is_not_the_guardians),
	};

	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
