#define _GNU_SOURCE
#include "lib/docker/undo.h"

#include <stdlib.h>
#include <string.h>

#include "test/unit/engine_peer.h"

static const struct {
	struct undo undo;
	const char *line;
} lines[] = {
	{ { UNDO_START, (char []){ "c1" }, (char []){ "db" }, 0 },
	  "{\"undo\":\"start\",\"id\":\"c1\",\"name\":\"db\"}" },
	{ { UNDO_UNPAUSE, (char []){ "c1" }, (char []){ "d\"b\n\\" }, 0 },
	  "{\"undo\":\"unpause\",\"id\":\"c1\",\"name\":\"d\\\"b\\n\\\\\"}" },
	{ { UNDO_SCALE, (char []){ "s1" }, (char []){ "web" }, 3 },
	  "{\"undo\":\"scale\",\"id\":\"s1\",\"name\":\"web\","
	  "\"replicas\":3}" },
	{ { UNDO_SCALE, (char []){ "s1" }, (char []){ "web" },
	  9007199254740992 }, "{\"undo\":\"scale\",\"id\":\"s1\",\"name\":"
	  "\"web\",\"replicas\":9007199254740992}" },
	{ { UNDO_FORCE, (char []){ "s1" }, (char []){ "web" }, 0 },
	  "{\"undo\":\"force\",\"id\":\"s1\",\"name\":\"web\"}" },
	{ { UNDO_UNCONSTRAIN, (char []){ "s1" }, (char []){ "" }, 0 },
	  "{\"undo\":\"unconstrain\",\"id\":\"s1\",\"name\":\"\"}" },
};

static void
an_entry_is_one_line_and_comes_back_from_it(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		CLEANUP(undo_free) struct undo undo = UNDO_INIT;
		CLEANUP(str_free) struct str text = STR_INIT;
		struct err err = ERR_INIT;

		undo_format(&text, &lines[i].undo);
		assert_false(text.failed);
		assert_int_equal(text.s[text.len - 1], '\n');
		text.s[text.len - 1] = '\0';
		assert_string_equal(text.s, lines[i].line);
		/* No NUL is needed behind it: the ledger has newlines. */
		text.s[text.len - 1] = '\n';
		if (undo_parse(text.s, text.len - 1, &undo, &err) < 0)
			fail_msg("row %zu: %s", i, err.msg);
		assert_int_equal(undo.kind, lines[i].undo.kind);
		assert_string_equal(undo.id, lines[i].undo.id);
		assert_string_equal(undo.name, lines[i].undo.name);
		assert_true(undo.replicas == lines[i].undo.replicas);
	}
}

static void
what_is_no_entry_is_not_taken_for_one(void **state)
{
	static const char nul[] = "{\"undo\":\"start\",\"id\":\"a\"}\0x";
	static const char *const bad[] = {
		"", "x", "{}", "[]", "{\"undo\":\"start\"}",
		"{\"undo\":\"start\",\"id\":\"\"}",
		"{\"undo\":\"start\",\"id\":1}",
		"{\"undo\":\"begin\",\"id\":\"a\"}", "{\"id\":\"a\"}",
		"{\"undo\":\"start\",\"id\":\"a\"",
		"{\"undo\":\"start\",\"id\":\"a\"}}",
		"{\"undo\":\"start\",\"id\":\"a\",\"name\":[]}",
		"{\"undo\":\"scale\",\"id\":\"a\",\"name\":\"b\"}",
		"{\"undo\":\"scale\",\"id\":\"a\",\"replicas\":-1}",
		"{\"undo\":\"scale\",\"id\":\"a\",\"replicas\":1e300}",
		"{\"undo\":\"scale\",\"id\":\"a\",\"replicas\":\"3\"}",
		"{\"undo\":\"scale\",\"id\":\"a\",\"replicas\":null}",
	};
	struct undo undo = UNDO_INIT;
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		int rc = undo_parse(bad[i], strlen(bad[i]), &undo, &err);

		assert_outcome(i, rc, &err, ERR_PROTOCOL, bad[i]);
		assert_null(undo.id);
	}
	assert_int_equal(undo_parse(nul, sizeof nul - 1, &undo, &err), -1);
	assert_int_equal(err.kind, ERR_PROTOCOL);
}

static void
every_kind_has_a_name_of_its_own(void **state)
{
	int a, b;

	(void)state;
	for (a = UNDO_START; a <= UNDO_UNCONSTRAIN; a++)
		for (b = UNDO_START; b <= UNDO_UNCONSTRAIN; b++)
			assert_int_equal(strcmp(undo_text((enum undo_kind)a),
			    undo_text((enum undo_kind)b)) == 0, a == b);
}

#define SERVICE(task, replicas)						\
	"{\"Version\":{\"Index\":7},\"Spec\":" SPEC(task, replicas) "}"
#define SPEC(task, replicas) "{\"TaskTemplate\":" task ",\"Mode\":{"	\
	"\"Replicated\":{\"Replicas\":" replicas "}}}"
#define READ .request = "GET /v1.41/services/s1"
#define WRITE .request = "POST /v1.41/services/s1/update?version=7"
#define TASKS .request = "GET /v1.41/tasks?filters="			\
	"%7B%22service%22%3A%5B%22s1%22%5D%7D"
#define TASK(slot, state, desired) "{\"Slot\":" slot ",\"Status\":{"	\
	"\"State\":\"" state "\"},\"DesiredState\":\"" desired "\"}"
#define FORCE { READ, OK(SERVICE("{\"ForceUpdate\":4}", "2")) },	\
	{ WRITE, .body = SPEC("{\"ForceUpdate\":5}", "2"), OK("") }
#define LINE(kind) "{\"undo\":\"" kind "\",\"id\":\"s1\",\"name\":\"web\"," \
	"\"replicas\":3}"
#define MAX_STEPS 4

static const struct {
	const char *line;
	enum err_kind kind;
	const char *needle;
	struct peer_step steps[MAX_STEPS];
} rows[] = {
	{ LINE("start"), ERR_NONE, NULL, {
	  { .request = "POST /v1.41/containers/s1/start",
	  ANSWER("204 No Content", "") } } },
	{ LINE("start"), ERR_NOTFOUND, "cannot start container 'web': ", {
	  { .request = "POST /v1.41/containers/s1/start", GONE } } },
	{ LINE("start"), ERR_TIMEOUT, "cannot start container 'web': ", {
	  { .request = "POST /v1.41/containers/s1/start",
	  ANSWER("504 Late", "") } } },
	{ "{\"undo\":\"start\",\"id\":\"s1\"}", ERR_REFUSED,
	  "cannot start container 's1': ", {
	  { .request = "POST /v1.41/containers/s1/start",
	  ANSWER("500 E", "") } } },
	{ LINE("unpause"), ERR_NONE, NULL, {
	  { .request = "POST /v1.41/containers/s1/unpause",
	  ANSWER("204 No Content", "") } } },
	{ LINE("unpause"), ERR_NOTFOUND, "cannot unpause container 'web'", {
	  { .request = "POST /v1.41/containers/s1/unpause", GONE } } },

	{ LINE("scale"), ERR_NONE, NULL, {
	  { READ, OK(SERVICE("{}", "0")) },
	  { WRITE, .body = SPEC("{}", "3"), OK("") } } },
	/* Somebody has said meanwhile how many there should be. */
	{ LINE("scale"), ERR_NONE, NULL, { { READ, OK(SERVICE("{}", "1")) } } },
	{ LINE("scale"), ERR_NOTFOUND, "cannot scale up service 'web': ", {
	  { READ, ANSWER("404 Not Found",
	  "{\"message\":\"service s1 not found\"}") } } },

	{ LINE("force"), ERR_NONE, NULL, { { TASKS, OK("["
	  TASK("1", "running", "running") ","
	  TASK("2", "running", "running") "]") } } },
	{ LINE("force"), ERR_NONE, NULL, { { TASKS, OK("["
	  TASK("1", "running", "running") ","
	  TASK("2", "starting", "running") "]") }, FORCE } },
	{ LINE("force"), ERR_NONE, NULL, { { TASKS, OK("[]") }, FORCE } },
	{ LINE("force"), ERR_NONE, NULL, { { TASKS, OK("["
	  TASK("1", "complete", "shutdown") "]") }, FORCE } },
	/* All that are wanted run, but Swarm has given one up. */
	{ LINE("force"), ERR_NONE, NULL, { { TASKS, OK("["
	  TASK("1", "failed", "shutdown") ","
	  TASK("2", "running", "running") "]") }, FORCE } },
	{ LINE("force"), ERR_NOTFOUND, "the tasks of service 'web'", {
	  { TASKS, ANSWER("404 Not Found",
	  "{\"message\":\"service s1 not found\"}") } } },

	{ LINE("unconstrain"), ERR_NONE, NULL, { { READ, OK(SERVICE(
	  "{\"Placement\":{\"Constraints\":[\"a\",\"" UNDO_CONSTRAINT
	  "\"]}}", "2")) }, { WRITE, .body = SPEC("{\"Placement\":{"
	  "\"Constraints\":[\"a\"]}}", "2"), OK("") } } },
	{ LINE("unconstrain"), ERR_NONE, NULL, {
	  { READ, OK(SERVICE("{}", "2")) } } },
};

static void
what_was_brought_to_rest_is_brought_back(void **state)
{
	struct peer_step steps[MAX_STEPS + 1] = { PONG("1.41") };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		CLEANUP(undo_free) struct undo undo = UNDO_INIT;
		struct engine *engine;
		struct err err = ERR_INIT;
		struct peer *peer;
		int rc;

		assert_int_equal(undo_parse(rows[i].line,
		    strlen(rows[i].line), &undo, &err), 0);
		memcpy(steps + 1, rows[i].steps, sizeof rows[i].steps);
		peer = peer_start_unix(steps, count_steps(steps,
		    MAX_STEPS + 1));
		engine = open_engine(peer);
		rc = undo_apply(engine, &undo, &err);
		assert_outcome(i, rc, &err, rows[i].kind, rows[i].needle);
		finish(engine, peer);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_entry_is_one_line_and_comes_back_from_it),
		cmocka_unit_test(what_is_no_entry_is_not_taken_for_one),
		cmocka_unit_test(every_kind_has_a_name_of_its_own),
		cmocka_unit_test(what_was_brought_to_rest_is_brought_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
