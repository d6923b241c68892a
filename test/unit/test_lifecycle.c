#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/intr.h"
#include "lib/base/lines.h"
#include "lib/base/log.h"
#include "lib/docker/engine_exec.h"
#include "lib/docker/lifecycle.h"

/* An engine that keeps a record of what it was asked for: for each command
 * "ID:word word;", and what else the last one was given. A command does what
 * its words say: "fail" has the status 3, "refuse" and "stall" do not come to
 * an end, "signal" sends us one; "say X" prints X. */
static struct record {
	struct str commands;
	char env[200];
	char user[64];
	double timeout_s;
} record;

static int
print(const struct engine_exec *exec, const char *text, struct err *err)
{
	size_t n = strlen(text), half = n / 2;

	if (exec->output(exec->cookie, text, half, err) < 0)
		return -1;
	return exec->output(exec->cookie, text + half, n - half, err);
}

int
engine_exec_run(struct engine *engine, const char *id,
    const struct engine_exec *exec, int *ret_status, struct err *err)
{
	const char *const *p;

	(void)engine;
	str_addf(&record.commands, "%s:", id);
	for (p = exec->argv; *p != NULL; p++)
		str_addf(&record.commands, "%s%s", *p, p[1] ? " " : ";");
	(void)snprintf(record.env, sizeof record.env, "%s",
	    exec->env != NULL && exec->env[0] != NULL ? exec->env[0] : "");
	assert_true(record.env[0] == '\0' || exec->env[1] == NULL);
	(void)snprintf(record.user, sizeof record.user, "%s",
	    exec->user != NULL ? exec->user : "-");
	record.timeout_s = exec->timeout_s;
	for (p = exec->argv; *p != NULL; p++) {
		if (strcmp(*p, "say") == 0 && print(exec, *++p, err) < 0)
			return -1;
		if (strcmp(*p, "refuse") == 0)
			return err_set(err, ERR_REFUSED, "not running");
		if (strcmp(*p, "stall") == 0)
			return err_set(err, ERR_TIMEOUT, "took too long");
		if (strcmp(*p, "signal") == 0)
			(void)raise(SIGTERM);
		if (strcmp(*p, "fail") == 0)
			*ret_status = 3;
	}
	return 0;
}

#define MOST 8

static struct world {		/* containers, and what was found in them */
	struct container v[MOST];
	const struct container *pointers[MOST];
	size_t n;
	struct lifecycle commands;
	struct strlist problems;
	struct strlist warnings;
	struct strlist failures;
} world;

/* Labels: "name=value", NULL-terminated. */
static struct container *
add(const char *name, const char *const *labels)
{
	struct container *c = &world.v[world.n];
	struct err err = ERR_INIT;

	assert_true(world.n < MOST);
	*c = (struct container){ .running = true };
	assert_int_equal(str_dup(name, &c->name, &err), 0);
	assert_int_equal(str_format(&c->id, &err, "id-%s", name), 0);
	for (; *labels != NULL; labels++) {
		CLEANUP(cleanup_free) char *key = strdup(*labels);
		char *value = strchr(key, '=');

		*value++ = '\0';
		assert_int_equal(strmap_add(&c->labels, key, value, &err), 0);
	}
	world.pointers[world.n++] = c;
	return c;
}

#define LABELS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define OLD "docker-volume-backup."
#define NEW "vbackup."

static void
find(const char *exec_label)
{
	struct err err = ERR_INIT;

	assert_int_equal(lifecycle_find(world.pointers, world.n, exec_label,
	    &world.commands, &world.problems, &world.warnings, &err), 0);
}

static void
note_failure(void *cookie, const char *message)
{
	struct err err = ERR_INIT;

	assert_int_equal(strlist_add(cookie, message, &err), 0);
}

static int
run_phase(enum lifecycle_phase phase, bool post, struct err *err)
{
	struct lifecycle_settings settings = {
		.archive_path = "/backups/a.tar", .timeout_s = 7,
		.failed = note_failure, .cookie = &world.failures,
	};

	return lifecycle_run(&world.commands, &settings, phase, post, err);
}

static void
run_well(enum lifecycle_phase phase, bool post)
{
	struct err err = ERR_INIT;

	assert_int_equal(run_phase(phase, post, &err), 0);
}

static int
begin(void **state)
{
	(void)state;
	str_add(&record.commands, "");
	return 0;
}

static int
end(void **state)
{
	size_t i;

	(void)state;
	lifecycle_free(&world.commands);
	for (i = 0; i < world.n; i++) {
		free(world.v[i].id);
		free(world.v[i].name);
		strmap_free(&world.v[i].labels);
	}
	strlist_free(&world.problems);
	strlist_free(&world.warnings);
	strlist_free(&world.failures);
	world = (struct world){ .n = 0 };
	str_free(&record.commands);
	record = (struct record){ .timeout_s = 0 };
	return 0;
}

static void
commands_are_sorted_by_phase_and_name(void **state)
{
	static const char *const expected[] = { OLD "archive-pre",
		NEW "archive-pre", NEW "archive-post", OLD "process-pre",
		OLD "process-post", OLD "copy-pre", NEW "copy-post",
		OLD "prune-pre", OLD "prune-post" };
	size_t i;

	(void)state;
	add("b", LABELS(OLD "prune-post=x", NEW "archive-post=x",
	    NEW "archive-pre=x", OLD "process-post=x", OLD "process-pre=x",
	    NEW "copy-post=x", OLD "copy-pre=x", OLD "prune-pre=x"));
	add("a", LABELS(OLD "archive-pre=x"));
	add("c", LABELS(OLD "archive-prE=x", NEW "copy-before=x",
	    OLD "archive-pre.user=x", NEW "prune-pre.user=x",
	    "archive-pre=x"));
	find(NULL);
	assert_int_equal(world.problems.n, 0);
	assert_int_equal(world.warnings.n, 0);
	assert_int_equal(world.commands.n, 9);
	for (i = 0; i < 9; i++)
		assert_string_equal(world.commands.v[i].label, expected[i]);
	assert_string_equal(world.commands.v[0].container->name, "a");
	assert_true(lifecycle_any(&world.commands, LIFECYCLE_ARCHIVE));
	assert_true(lifecycle_any(&world.commands, LIFECYCLE_PRUNE));
}

static void
where_there_is_no_command_there_is_none(void **state)
{
	(void)state;
	find(NULL);
	assert_int_equal(world.commands.n, 0);
	add("a", LABELS(OLD "stop-during-backup=true"));
	lifecycle_free(&world.commands);
	find("x");
	assert_int_equal(world.commands.n, 0);
	assert_false(lifecycle_any(&world.commands, LIFECYCLE_ARCHIVE));
	run_well(LIFECYCLE_ARCHIVE, false);
	run_well(LIFECYCLE_ARCHIVE, true);
	assert_string_equal(record.commands.s, "");
}

static void
only_who_runs_can_run_a_command_and_each_once(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	add("stopped", LABELS(OLD "copy-pre=''"))->running = false;
	add("paused", LABELS(OLD "copy-pre=''"))->paused = true;
	add("on", LABELS(OLD "copy-pre=x"));
	world.pointers[3] = world.pointers[2];
	assert_int_equal(lifecycle_find(world.pointers, 4, NULL,
	    &world.commands, &world.problems, &world.warnings, &err), 0);
	assert_int_equal(world.problems.n, 0);
	run_well(LIFECYCLE_COPY, false);
	assert_string_equal(record.commands.s, "id-on:x;");
}

static void
the_same_label_under_both_prefixes_is_a_problem(void **state)
{
	(void)state;
	add("a", LABELS(OLD "copy-pre=x", NEW "copy-pre=x"));
	add("b", LABELS(OLD "copy-pre=x", OLD "copy-pre.user=u",
	    NEW "copy-pre.user=v"));
	/* Of different meaning, or looked at by nobody. */
	add("c", LABELS(OLD "copy-pre=x", NEW "copy-post=x",
	    NEW "copy-pre.user=u", NEW "prune-pre.user=u",
	    OLD "prune-pre.user=u", NEW "exec-label=e", OLD "exec-label=e"));
	find(NULL);
	assert_int_equal(world.problems.n, 2);
	assert_string_equal(world.problems.v[0], "container 'a': labels "
	    OLD "copy-pre and " NEW "copy-pre mean the same (take one away)");
	assert_string_equal(world.problems.v[1], "container 'b': labels "
	    OLD "copy-pre.user and " NEW "copy-pre.user mean the same (take "
	    "one away)");
	lifecycle_free(&world.commands);
	strlist_free(&world.problems);
	find("e");	/* now the group counts; a and b are in none */
	assert_int_equal(world.problems.n, 1);
	assert_string_equal(world.problems.v[0], "container 'c': labels "
	    OLD "exec-label and " NEW "exec-label mean the same (take one "
	    "away)");
}

static void
a_command_that_is_empty_is_a_problem(void **state)
{
	(void)state;
	add("a", LABELS(OLD "copy-pre=", OLD "copy-pre.user=u"));
	add("b", LABELS(OLD "copy-pre= \n", OLD "prune-pre=x"));
	find(NULL);
	assert_int_equal(world.problems.n, 2);
	assert_string_equal(world.problems.v[0], "container 'a': label "
	    OLD "copy-pre: it names no command");
	assert_string_equal(world.problems.v[1], "container 'b': label "
	    OLD "copy-pre: it names no command");
	assert_int_equal(world.commands.n, 1);
}

static void
early_names_are_warned_of_and_give_way(void **state)
{
	(void)state;
	add("a", LABELS(OLD "exec-pre=early", NEW "archive-pre=say now",
	    NEW "exec-post=late"));
	find(NULL);
	assert_int_equal(world.problems.n, 0);
	assert_int_equal(world.warnings.n, 2);
	assert_string_equal(world.warnings.v[0], "container 'a': label "
	    OLD "exec-pre is an early name of " NEW "archive-pre, which stands "
	    "beside it: only the latter's command is run");
	assert_string_equal(world.warnings.v[1], "container 'a': label "
	    NEW "exec-post is an early name of " NEW "archive-post");
	run_well(LIFECYCLE_ARCHIVE, false);
	run_well(LIFECYCLE_ARCHIVE, true);
	assert_string_equal(record.commands.s, "id-a:say now;id-a:late;");
}

static void
exec_label_chooses_but_not_among_early_names(void **state)
{
	(void)state;
	add("a", LABELS(OLD "copy-pre=a", OLD "exec-label=me"));
	add("b", LABELS(OLD "copy-pre=b", NEW "exec-label=me too",
	    OLD "exec-pre=early-b", OLD "archive-pre=b"));
	add("c", LABELS(OLD "copy-pre=", OLD "exec-pre=early-c"));
	add("d", LABELS(NEW "copy-pre=d", NEW "exec-label=me",
	    OLD "exec-pre=early-d", OLD "archive-pre=d"));
	find("me");
	assert_int_equal(world.problems.n, 0);	/* c's is not for us */
	run_well(LIFECYCLE_ARCHIVE, false);
	run_well(LIFECYCLE_COPY, false);
	assert_string_equal(record.commands.s, "id-b:early-b;id-c:early-c;"
	    "id-d:d;id-a:a;id-d:d;");
	lifecycle_free(&world.commands);
	str_free(&record.commands);
	find(NULL);	/* then all do, those of groups too */
	assert_int_equal(world.problems.n, 1);
	run_well(LIFECYCLE_COPY, false);
	assert_string_equal(record.commands.s, "id-a:a;id-b:b;id-d:d;");
}

static void
the_engine_gets_words_user_path_and_timeout(void **state)
{
	struct lifecycle_settings settings = { .failed = note_failure };
	struct err err = ERR_INIT;

	(void)state;
	add("a", LABELS(NEW "archive-post=a 'b c'", OLD "copy-pre=a | b",
	    OLD "copy-pre.user=postgres", OLD "prune-pre=x",
	    OLD "prune-pre.user=", OLD "exec-pre=x",
	    OLD "exec-pre.user=nobody", NEW "archive-pre.user=me"));
	find(NULL);
	run_well(LIFECYCLE_ARCHIVE, false);
	assert_string_equal(record.user, "me");
	run_well(LIFECYCLE_ARCHIVE, true);
	assert_string_equal(record.env,
	    "COMMAND_RUNTIME_ARCHIVE_FILEPATH=/backups/a.tar");
	assert_string_equal(record.user, "-");
	assert_true(record.timeout_s == 7);
	run_well(LIFECYCLE_COPY, false);
	assert_string_equal(record.user, "postgres");
	assert_int_equal(lifecycle_run(&world.commands, &settings,
	    LIFECYCLE_PRUNE, false, &err), 0);
	assert_string_equal(record.user, "-");
	assert_string_equal(record.env, "");
	assert_string_equal(record.commands.s,
	    "id-a:x;id-a:a b c;id-a:sh -c a | b;id-a:x;");
}

static void
the_first_failure_ends_those_before(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	add("a", LABELS(OLD "archive-pre=x", OLD "archive-post=undo a"));
	add("db", LABELS(OLD "archive-pre=say 'one\nwhy\n\n' fail",
	    OLD "archive-post=undo db"));
	add("e", LABELS(OLD "archive-pre=x", OLD "archive-post=undo e"));
	add("f", LABELS(OLD "archive-post=tidy f"));
	find(NULL);
	assert_int_equal(run_phase(LIFECYCLE_ARCHIVE, false, &err), -1);
	assert_int_equal(err.kind, ERR_SYSTEM);
	assert_string_equal(err.msg, "command of container 'db' (label "
	    OLD "archive-pre) failed with status 3: why");
	assert_string_equal(record.commands.s,
	    "id-a:x;id-db:say one\nwhy\n\n fail;");
	assert_int_equal(world.failures.n, 0);
	/* What was begun is undone, also where it failed; no more than once. */
	str_free(&record.commands);
	run_well(LIFECYCLE_ARCHIVE, true);
	assert_string_equal(record.commands.s,
	    "id-a:undo a;id-db:undo db;id-f:tidy f;");
	str_free(&record.commands);
	run_well(LIFECYCLE_ARCHIVE, true);
	assert_string_equal(record.commands.s, "id-f:tidy f;");
}

static void
one_that_cannot_be_run_has_begun_too(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	add("a", LABELS(NEW "copy-pre=say hm refuse", NEW "copy-post=undo"));
	find(NULL);
	assert_int_equal(run_phase(LIFECYCLE_COPY, false, &err), -1);
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_string_equal(err.msg, "command of container 'a' (label "
	    NEW "copy-pre): not running: hm");
	run_well(LIFECYCLE_COPY, true);
	assert_string_equal(record.commands.s,
	    "id-a:say hm refuse;id-a:undo;");
}

static void
a_phase_does_not_count_for_another(void **state)
{
	(void)state;
	add("a", LABELS(OLD "archive-pre=x", OLD "copy-post=tidy",
	    OLD "prune-pre=x", OLD "prune-post=undo"));
	add("b", LABELS(OLD "copy-post=tidy", OLD "prune-pre=x"));
	find(NULL);
	run_well(LIFECYCLE_ARCHIVE, false);
	run_well(LIFECYCLE_COPY, true);		/* has none before it */
	run_well(LIFECYCLE_PRUNE, true);	/* was not begun */
	assert_string_equal(record.commands.s,
	    "id-a:x;id-a:tidy;id-b:tidy;");
}

static void
all_after_a_phase_run_and_failures_are_told(void **state)
{
	(void)state;
	add("a", LABELS(OLD "prune-post=say x fail"));
	add("b", LABELS(OLD "prune-post=stall"));
	add("c", LABELS(OLD "prune-post=refuse"));
	add("d", LABELS(OLD "prune-post=x"));
	find(NULL);
	run_well(LIFECYCLE_PRUNE, true);
	assert_string_equal(record.commands.s,
	    "id-a:say x fail;id-b:stall;id-c:refuse;id-d:x;");
	assert_int_equal(world.failures.n, 3);
	assert_string_equal(world.failures.v[0], "command of container 'a' "
	    "(label " OLD "prune-post) failed with status 3: x");
	assert_string_equal(world.failures.v[1], "command of container 'b' "
	    "(label " OLD "prune-post): took too long");
	assert_string_equal(world.failures.v[2], "command of container 'c' "
	    "(label " OLD "prune-post): not running");
}

/* The handlers are for the whole process: one of its own, that returns the
 * number of the line that went wrong, or 0. */
#define EXPECT(condition)						\
	do {								\
		if (!(condition))					\
			return __LINE__ % 255 + 1;			\
	} while (0)

static int
interrupted(void)
{
	struct err err = ERR_INIT;

	EXPECT(intr_install(&err) == 0);
	EXPECT(run_phase(LIFECYCLE_ARCHIVE, false, &err) == -1);
	EXPECT(err.kind == ERR_INTERRUPTED);
	EXPECT(strcmp(record.commands.s, "id-a:signal;") == 0);
	EXPECT(run_phase(LIFECYCLE_ARCHIVE, true, &err) == 0);
	EXPECT(strcmp(record.commands.s,
	    "id-a:signal;id-a:undo a;id-c:tidy;") == 0);
	EXPECT(world.failures.n == 0);
	return 0;
}

static void
a_signal_ends_those_before_but_not_those_after(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	add("a", LABELS(OLD "archive-pre=signal", OLD "archive-post=undo a"));
	add("b", LABELS(OLD "archive-pre=x", OLD "archive-post=undo b"));
	add("c", LABELS(OLD "archive-post=tidy"));
	find(NULL);
	pid = fork();
	if (pid == 0)
		_exit(interrupted());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* What the log has of one phase, at this level; caller frees. */
static char *
logged(enum log_level level, bool forward)
{
	struct lifecycle_settings settings = { .forward_output = forward };
	struct log_settings loud = { .level = level };
	struct log_settings usual = { .level = LOG_LEVEL_INFO };
	CLEANUP(cleanup_close) int fd = memfd_create("log", MFD_CLOEXEC);
	CLEANUP(cleanup_close) int real = dup(STDERR_FILENO);
	struct err err = ERR_INIT;
	char *text = NULL;
	size_t n;

	(void)fflush(stderr);
	assert_true(dup2(fd, STDERR_FILENO) >= 0);
	log_setup(&loud);
	assert_int_equal(lifecycle_run(&world.commands, &settings,
	    LIFECYCLE_COPY, false, &err), 0);
	log_setup(&usual);
	assert_true(dup2(real, STDERR_FILENO) >= 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(file_read_fd(fd, "log", 100000, &text, &n, &err), 0);
	return text;
}

static void
output_is_logged_line_by_line_and_without_secrets(void **state)
{
	CLEANUP(cleanup_free) char *quiet = NULL;
	CLEANUP(cleanup_free) char *forwarded = NULL;
	CLEANUP(cleanup_free) char *debug = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(log_secret("hunter22", &err), 0);
	add("db", LABELS(OLD "copy-pre=say 'one\n\033[31mpass hunter22\n"
	    "rest'"));
	find(NULL);
	quiet = logged(LOG_LEVEL_INFO, false);
	assert_non_null(strstr(quiet, "info    container 'db': running the "
	    "command of label " OLD "copy-pre\n"));
	assert_null(strstr(quiet, "one"));
	forwarded = logged(LOG_LEVEL_INFO, true);
	assert_non_null(strstr(forwarded, "info    container 'db': one\n"));
	assert_non_null(strstr(forwarded,
	    "info    container 'db': \\x1b[31mpass ***\n"));
	assert_non_null(strstr(forwarded, "info    container 'db': rest\n"));
	debug = logged(LOG_LEVEL_DEBUG, false);
	assert_non_null(strstr(debug, "debug   container 'db': one\n"));
	assert_null(strstr(debug, "hunter22"));
	log_close();
}

static void
a_line_without_end_is_cut(void **state)
{
	CLEANUP(str_free) struct str label = STR_INIT;
	CLEANUP(cleanup_free) char *text = NULL;
	size_t i;

	(void)state;
	str_add(&label, OLD "copy-pre=say ");
	for (i = 0; i < 2 * LINES_BYTES_MAX; i++)
		str_add(&label, "x");
	add("db", LABELS(label.s));
	find(NULL);
	text = logged(LOG_LEVEL_INFO, true);
	assert_non_null(strstr(text, "xxx" LINES_MARK "\n"));
	assert_true(strlen(text) < LINES_BYTES_MAX + 300);
}

#define LIFECYCLE_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		LIFECYCLE_TEST(commands_are_sorted_by_phase_and_name),
		LIFECYCLE_TEST(where_there_is_no_command_there_is_none),
		LIFECYCLE_TEST(only_who_runs_can_run_a_command_and_each_once),
		LIFECYCLE_TEST(the_same_label_under_both_prefixes_is_a_problem),
		LIFECYCLE_TEST(a_command_that_is_empty_is_a_problem),
		LIFECYCLE_TEST(early_names_are_warned_of_and_give_way),
		LIFECYCLE_TEST(exec_label_chooses_but_not_among_early_names),
		LIFECYCLE_TEST(the_engine_gets_words_user_path_and_timeout),
		LIFECYCLE_TEST(the_first_failure_ends_those_before),
		LIFECYCLE_TEST(one_that_cannot_be_run_has_begun_too),
		LIFECYCLE_TEST(a_phase_does_not_count_for_another),
		LIFECYCLE_TEST(all_after_a_phase_run_and_failures_are_told),
		LIFECYCLE_TEST(a_signal_ends_those_before_but_not_those_after),
		LIFECYCLE_TEST(
		    output_is_logged_line_by_line_and_without_secrets),
		LIFECYCLE_TEST(a_line_without_end_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
