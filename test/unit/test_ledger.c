#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <signal.h>
#include <sys/resource.h>
#include <time.h>

#include "lib/base/intr.h"
#include "lib/base/str.h"
#include "lib/run/ledger.h"
#include "lib/run/lock.h"
#include "test/unit/kill_at.h"
#include "test/unit/scratch.h"

#define FILE_NAME "lock"
#define FIRST_LINE "1234           \n"

static struct scratch scratch;
static int lock_fd = -1;

/* --- an Engine of the test's own, in place of undo_apply ------------------ */

static char applied[4096];	/* "start a, start b, " */
static int countdown;		/* "later" fails so often */
static int down;		/* "stopping" goes down after the first look */

int __wrap_undo_apply(struct engine *engine, const struct undo *undo,
    struct err *err);

int
__wrap_undo_apply(struct engine *engine, const struct undo *undo,
    struct err *err)
{
	size_t used = strlen(applied);

	(void)engine;
	if (used < sizeof applied - 64)
		(void)snprintf(applied + used, sizeof applied - used,
		    "%s %s, ", undo_text(undo->kind), undo->id);
	if (strcmp(undo->id, "bad") == 0 ||
	    (strcmp(undo->id, "later") == 0 && countdown-- > 0))
		return err_set(err, ERR_REFUSED, "cannot start '%s'",
		    undo->name);
	if (strcmp(undo->id, "gone") == 0)
		return err_set(err, ERR_NOTFOUND, "no '%s'", undo->name);
	if (strcmp(undo->id, "stopping") == 0)
		down = down < 0 ? 1 : 0;
	return 0;
}

/* --- the file ------------------------------------------------------------ */

static int
open_scratch(void **state)
{
	(void)state;
	scratch_new(&scratch);
	lock_fd = open(scratch_path(&scratch, FILE_NAME),
	    O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	return lock_fd < 0 ? -1 : 0;
}

static int
close_scratch(void **state)
{
	(void)state;
	(void)close(lock_fd);
	scratch_free(&scratch);
	return 0;
}

/* In place: lock_fd stays. */
static void
put(const char *bytes, size_t n)
{
	assert_int_equal(ftruncate(lock_fd, 0), 0);
	assert_int_equal(pwrite(lock_fd, bytes, n, 0), n);
}

/* The caller frees. */
static char *
content(void)
{
	char *text = strdup(scratch_read(&scratch, FILE_NAME));

	assert_non_null(text);
	return text;
}

static int
reset(void **state)
{
	(void)state;
	applied[0] = '\0';
	countdown = 0;
	down = 0;
	put(FIRST_LINE, strlen(FIRST_LINE));
	return 0;
}

/* So long ago that nothing can be under way any more. */
static void
make_old(void)
{
	const struct timespec times[2] = { { .tv_sec = 1000000 },
		{ .tv_sec = 1000000 } };

	assert_int_equal(futimens(lock_fd, times), 0);
}

static struct undo
entry(enum undo_kind kind, const char *id)
{
	return (struct undo){ kind, (char *)(uintptr_t)id,
		(char *)(uintptr_t)id, 3 };
}

static void
note(enum undo_kind kind, const char *id)
{
	const struct undo undo = entry(kind, id);
	struct err err = ERR_INIT;

	if (ledger_note(lock_fd, &undo, &err) < 0)
		fail_msg("%s", err.msg);
}

/* "start a, scale b, " */
static const char *
listed(void)
{
	static char text[4096];
	struct ledger ledger = LEDGER_INIT;
	struct err err = ERR_INIT;
	size_t i, used = 0;

	if (ledger_read(lock_fd, &ledger, &err) < 0)
		fail_msg("%s", err.msg);
	text[0] = '\0';
	for (i = 0; i < ledger.n; i++)
		used += (size_t)snprintf(text + used, sizeof text - used,
		    "%s %s, ", undo_text(ledger.v[i].kind), ledger.v[i].id);
	ledger_free(&ledger);
	return text;
}

static void
what_is_noted_is_read_in_order_and_whole(void **state)
{
	static const struct undo entries[] = {
		{ UNDO_START, (char *)(uintptr_t)"4f5e", (char *)(uintptr_t)
		  "db", 0 },
		{ UNDO_UNPAUSE, (char *)(uintptr_t)"aa", (char *)(uintptr_t)
		  "a \"b\" \\ c", 0 },
		{ UNDO_SCALE, (char *)(uintptr_t)"bb", (char *)(uintptr_t)
		  "web\nnewline", 4294967296ULL },
		{ UNDO_FORCE, (char *)(uintptr_t)"cc", (char *)(uintptr_t)
		  "\xc3\xa4\xe2\x82\xac", 0 },
		{ UNDO_UNCONSTRAIN, (char *)(uintptr_t)"dd",
		  (char *)(uintptr_t)"{}", 0 },
	};
	const size_t n = sizeof entries / sizeof entries[0];
	struct ledger ledger = LEDGER_INIT;
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < n; i++)
		assert_int_equal(ledger_note(lock_fd, &entries[i], &err), 0);
	assert_int_equal(lseek(lock_fd, 3, SEEK_SET), 3);
	assert_int_equal(ledger_read(lock_fd, &ledger, &err), 0);
	assert_int_equal(lseek(lock_fd, 0, SEEK_CUR), 3);
	assert_int_equal(ledger.n, n);
	for (i = 0; i < n; i++) {
		assert_int_equal(ledger.v[i].kind, entries[i].kind);
		assert_string_equal(ledger.v[i].id, entries[i].id);
		assert_string_equal(ledger.v[i].name, entries[i].name);
		if (entries[i].kind == UNDO_SCALE)
			assert_true(ledger.v[i].replicas ==
			    entries[i].replicas);
	}
	ledger_free(&ledger);
	ledger_free(&ledger);
	assert_int_equal(strncmp(scratch_read(&scratch, FILE_NAME),
	    FIRST_LINE "{", strlen(FIRST_LINE) + 1), 0);
}

static size_t
count(const char *bytes, size_t n, char wanted)
{
	size_t i, found = 0;

	for (i = 0; i < n; i++)
		found += bytes[i] == wanted;
	return found;
}

/* Whatever part of the file has reached the disk. */
static void
a_file_that_was_cut_anywhere_keeps_its_whole_entries(void **state)
{
	static const char *const expected[] = { "", "start a, ",
		"start a, scale b, ", "start a, scale b, force c, " };
	CLEANUP(cleanup_free) char *whole = NULL;
	char wanted[128];
	size_t len, i;

	(void)state;
	note(UNDO_START, "a");
	note(UNDO_SCALE, "b");
	note(UNDO_FORCE, "c");
	whole = content();
	len = strlen(whole);
	for (i = 0; i <= len; i++) {
		size_t lines = count(whole, i, '\n');
		const char *before = expected[lines > 0 ? lines - 1 : 0];

		put(whole, i);
		assert_string_equal(listed(), before);
		note(UNDO_UNPAUSE, "new");
		(void)snprintf(wanted, sizeof wanted, "%sunpause new, ",
		    before);
		assert_string_equal(listed(), wanted);
		note(UNDO_UNPAUSE, "newer");
		(void)strcat(wanted, "unpause newer, ");
		assert_string_equal(listed(), wanted);
	}
}

/* A file system may give back zeros where it had not written yet. */
static void
zeros_at_the_end_are_no_entry(void **state)
{
	static const char zeros[300];
	off_t end;

	(void)state;
	note(UNDO_START, "a");
	end = lseek(lock_fd, 0, SEEK_END);
	assert_int_equal(pwrite(lock_fd, zeros, sizeof zeros, end),
	    sizeof zeros);
	assert_string_equal(listed(), "start a, ");
	note(UNDO_START, "b");
	assert_string_equal(listed(), "start a, start b, ");
}

static void
a_note_that_does_not_fit_leaves_nothing(void **state)
{
	const struct undo undo = entry(UNDO_START, "does-not-fit");
	CLEANUP(str_free) struct str line = STR_INIT;
	CLEANUP(cleanup_free) char *before_it = NULL;
	struct rlimit before, limit;
	size_t i, used;

	(void)state;
	note(UNDO_START, "a");
	before_it = content();
	used = strlen(before_it);
	undo_format(&line, &undo);
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	for (i = 0; i < line.len; i++) {
		struct err err = ERR_INIT;
		int rc;

		limit = before;
		limit.rlim_cur = used + i;
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
		rc = ledger_note(lock_fd, &undo, &err);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
		assert_int_equal(rc, -1);
		assert_non_null(strstr(err.msg, "cannot write the ledger"));
		assert_string_equal(scratch_read(&scratch, FILE_NAME),
		    before_it);
	}
	note(UNDO_START, "b");
	assert_string_equal(listed(), "start a, start b, ");
}

static int
note_one(void *data)
{
	const struct undo undo = entry(UNDO_START, data);
	struct err err = ERR_INIT;

	return ledger_note(lock_fd, &undo, &err) < 0;
}

static void
a_note_that_is_killed_anywhere_is_whole_or_not_there(void **state)
{
	static char id[] = "b";
	bool killed = true, there = false;
	int stop;

	(void)state;
	if (!kill_at_works())
		skip();
	for (stop = 0; killed; stop++) {
		put(FIRST_LINE, strlen(FIRST_LINE));
		note(UNDO_START, "a");
		killed = kill_at(note_one, id, stop);
		if (strcmp(listed(), "start a, start b, ") == 0)
			there = true;
		else
			assert_string_equal(listed(), "start a, ");
		note(UNDO_START, "c");
		assert_string_equal(listed(), there ?
		    "start a, start b, start c, " : "start a, start c, ");
	}
	assert_true(there);
	assert_true(stop > 5);
}

static int
clear(void *data)
{
	struct err err = ERR_INIT;

	(void)data;
	return ledger_clear(lock_fd, &err) < 0;
}

static void
to_clear_keeps_the_first_line_alone(void **state)
{
	(void)state;
	assert_int_equal(clear(NULL), 0);
	assert_string_equal(scratch_read(&scratch, FILE_NAME), FIRST_LINE);
	note(UNDO_START, "a");
	note(UNDO_START, "b");
	assert_int_equal(clear(NULL), 0);
	assert_string_equal(scratch_read(&scratch, FILE_NAME), FIRST_LINE);
	put("12\n{}\n{\"cut", 11);
	assert_int_equal(clear(NULL), 0);
	assert_string_equal(scratch_read(&scratch, FILE_NAME), "12\n");
	put("", 0);
	assert_int_equal(clear(NULL), 0);
	assert_string_equal(listed(), "");
	assert_string_equal(scratch_read(&scratch, FILE_NAME), "");
}

static void
a_note_in_a_file_without_a_first_line_makes_one(void **state)
{
	char line[64];

	(void)state;
	put("", 0);
	note(UNDO_START, "a");
	(void)snprintf(line, sizeof line, "%-15ld\n{", (long)getpid());
	assert_int_equal(strncmp(scratch_read(&scratch, FILE_NAME), line,
	    LOCK_LINE_BYTES + 1), 0);
	assert_string_equal(listed(), "start a, ");
}

/* To a file, what is logged between. */
static int
stderr_to_file(void)
{
	int before = dup(STDERR_FILENO);
	int fd = open(scratch_path(&scratch, "log"),
	    O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);

	assert_true(before >= 0 && fd >= 0);
	assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	(void)close(fd);
	return before;
}

static void
stderr_back(int before)
{
	assert_int_equal(dup2(before, STDERR_FILENO), STDERR_FILENO);
	(void)close(before);
}

static void
what_cannot_be_understood_is_logged_and_left_out(void **state)
{
	static const char garbage[] = "garbage \x01\n\n{\"undo\":7}\n\0\n";
	const char *log;
	int before;

	(void)state;
	note(UNDO_START, "a");
	assert_int_equal(pwrite(lock_fd, garbage, sizeof garbage - 1,
	    lseek(lock_fd, 0, SEEK_END)), sizeof garbage - 1);
	before = stderr_to_file();
	note(UNDO_START, "b");
	assert_string_equal(listed(), "start a, start b, ");
	stderr_back(before);
	log = scratch_read(&scratch, "log");
	assert_int_equal(count(log, strlen(log), '\n'), 3);
	assert_non_null(strstr(log, "garbage \\x01"));
	assert_non_null(strstr(log, "{\"undo\":7}"));
}

static void
a_file_of_absurd_size_is_an_error_and_stays(void **state)
{
	const struct undo undo = entry(UNDO_START, "a");
	struct ledger ledger = LEDGER_INIT;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(ftruncate(lock_fd, (off_t)1 << 40), 0);
	assert_int_equal(ledger_read(lock_fd, &ledger, &err), -1);
	assert_int_equal(ledger_note(lock_fd, &undo, &err), -1);
	assert_int_equal(ledger_clear(lock_fd, &err), -1);
	assert_int_equal(lseek(lock_fd, 0, SEEK_END), (off_t)1 << 40);
}

/* --- settling ------------------------------------------------------------ */

static void
settling_undoes_the_newest_first_and_clears(void **state)
{
	struct err err = ERR_INIT;
	size_t n = 99;

	(void)state;
	note(UNDO_START, "a");
	note(UNDO_SCALE, "b");
	note(UNDO_FORCE, "c");
	make_old();
	assert_int_equal(ledger_settle(lock_fd, NULL, 60, &n, &err), 0);
	assert_int_equal(n, 3);
	assert_string_equal(applied, "force c, scale b, start a, ");
	assert_string_equal(scratch_read(&scratch, FILE_NAME), FIRST_LINE);
	assert_int_equal(ledger_settle(lock_fd, NULL, 60, &n, &err), 0);
	assert_int_equal(n, 0);
	assert_string_equal(applied, "force c, scale b, start a, ");
}

static void
one_that_fails_keeps_no_other_down_and_the_ledger(void **state)
{
	CLEANUP(cleanup_free) char *before_it = NULL;
	struct err err = ERR_INIT;
	size_t n = 99;

	(void)state;
	note(UNDO_START, "a");
	note(UNDO_START, "bad");
	note(UNDO_START, "b");
	make_old();
	before_it = content();
	assert_int_equal(ledger_settle(lock_fd, NULL, 0, &n, &err), -1);
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_string_equal(err.msg, "cannot start 'bad'");
	assert_string_equal(applied, "start b, start bad, start a, ");
	/* Only that one is left, behind what was there. */
	assert_int_equal(strncmp(scratch_read(&scratch, FILE_NAME), before_it,
	    strlen(before_it)), 0);
	assert_string_equal(listed(), "start bad, ");
	note(UNDO_START, "a");
	assert_string_equal(listed(), "start bad, start a, ");
}

static void
of_several_that_fail_all_are_told(void **state)
{
	struct err err = ERR_INIT;
	size_t n;
	int before;

	(void)state;
	countdown = 1;
	note(UNDO_START, "later");
	note(UNDO_START, "bad");
	before = stderr_to_file();
	assert_int_equal(ledger_settle(lock_fd, NULL, 0, &n, &err), -1);
	stderr_back(before);
	assert_string_equal(err.msg, "cannot start 'bad'");
	assert_non_null(strstr(scratch_read(&scratch, "log"),
	    "error   cannot start 'later'"));
}

static void
what_fails_is_tried_again(void **state)
{
	struct err err = ERR_INIT;
	size_t n;

	(void)state;
	countdown = 2;
	note(UNDO_FORCE, "a");
	note(UNDO_START, "later");
	make_old();
	assert_int_equal(ledger_settle(lock_fd, NULL, 60, &n, &err), 0);
	assert_int_equal(countdown, -1);
	assert_string_equal(listed(), "");
	/* A service is forced once. */
	assert_null(strstr(strstr(applied, "force a") + 1, "force a"));
}

static void
what_does_not_exist_any_more_is_settled(void **state)
{
	struct err err = ERR_INIT;
	const char *log;
	size_t n = 99;
	int before;

	(void)state;
	countdown = 2;
	note(UNDO_START, "later");
	note(UNDO_START, "gone");
	make_old();
	before = stderr_to_file();
	assert_int_equal(ledger_settle(lock_fd, NULL, 60, &n, &err), 0);
	stderr_back(before);
	assert_int_equal(n, 2);
	assert_string_equal(applied,
	    "start gone, start later, start later, start later, ");
	assert_string_equal(listed(), "");
	log = scratch_read(&scratch, "log");
	assert_int_equal(count(log, strlen(log), '\n'), 2);
	assert_non_null(strstr(log, "warning no 'gone'"));
	assert_non_null(strstr(log, "start 'later'"));
}

static void
a_stop_that_was_under_way_is_undone_when_it_has_come(void **state)
{
	struct err err = ERR_INIT;
	size_t n;

	(void)state;
	down = -1;
	note(UNDO_FORCE, "once");
	note(UNDO_START, "stopping");
	assert_int_equal(ledger_settle(lock_fd, NULL, 0.8, &n, &err), 0);
	assert_int_equal(down, 0);
	assert_null(strstr(strstr(applied, "force once") + 1, "force once"));
	assert_string_equal(listed(), "");
}

static void
who_takes_the_lock_later_need_not_look_twice(void **state)
{
	struct err err = ERR_INIT;
	size_t n;

	(void)state;
	note(UNDO_START, "a");
	make_old();
	assert_int_equal(lock_sign(lock_fd, &err), 0);
	assert_int_equal(ledger_settle(lock_fd, NULL, 60, &n, &err), 0);
	assert_string_equal(applied, "start a, ");
}

static int
settle_after_a_signal(void)
{
	struct err err = ERR_INIT;
	size_t n;

	countdown = 2;
	note(UNDO_START, "later");
	make_old();
	if (intr_install(&err) < 0 || raise(SIGTERM) != 0 ||
	    intr_signal() != SIGTERM)
		return 1;
	return ledger_settle(lock_fd, NULL, 60, &n, &err) < 0 ? 2 : 0;
}

static void
a_signal_does_not_end_it(void **state)
{
	pid_t pid = fork();
	int status = 0;

	(void)state;
	if (pid == 0)
		_exit(settle_after_a_signal());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_string_equal(listed(), "");
}

#define TEST(name) cmocka_unit_test_setup(name, reset)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(what_is_noted_is_read_in_order_and_whole),
		TEST(a_file_that_was_cut_anywhere_keeps_its_whole_entries),
		TEST(zeros_at_the_end_are_no_entry),
		TEST(a_note_that_does_not_fit_leaves_nothing),
		TEST(a_note_that_is_killed_anywhere_is_whole_or_not_there),
		TEST(to_clear_keeps_the_first_line_alone),
		TEST(a_note_in_a_file_without_a_first_line_makes_one),
		TEST(what_cannot_be_understood_is_logged_and_left_out),
		TEST(a_file_of_absurd_size_is_an_error_and_stays),
		TEST(settling_undoes_the_newest_first_and_clears),
		TEST(one_that_fails_keeps_no_other_down_and_the_ledger),
		TEST(of_several_that_fail_all_are_told),
		TEST(what_fails_is_tried_again),
		TEST(what_does_not_exist_any_more_is_settled),
		TEST(a_stop_that_was_under_way_is_undone_when_it_has_come),
		TEST(who_takes_the_lock_later_need_not_look_twice),
		TEST(a_signal_does_not_end_it),
	};

	return cmocka_run_group_tests(tests, open_scratch, close_scratch);
}
