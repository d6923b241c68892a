#define _GNU_SOURCE
#include "lib/docker/engine_tasks.h"

#include <stdlib.h>
#include <string.h>

#include "lib/docker/engine_json_swarm.h"
#include "test/unit/engine_peer.h"

#define T(slot, node, second, state, desired, failure)			\
	"{\"ID\":\"t\",\"Slot\":" slot ",\"NodeID\":\"" node "\","	\
	"\"CreatedAt\":\"2026-11-21T03:00:" second "Z\",\"Status\":{"	\
	"\"State\":\"" state "\",\"Err\":\"" failure "\"},"		\
	"\"DesiredState\":\"" desired "\"}"

static const struct {
	const char *body;
	bool lingers;
	struct service_tasks tasks;	/* with the node "down" being so */
} rows[] = {
	{ "[]", false, { 0, 0, 0, 0, "" } },
	{ "[" T("1", "n", "01", "running", "running", "") "]", false,
	  { 1, 1, 1, 0, "" } },
	/* Asked to go, and not gone: on its way, and not running for us. */
	{ "[" T("1", "n", "01", "running", "shutdown", "") "]", true,
	  { 1, 0, 0, 0, "" } },
	{ "[" T("1", "n", "01", "running", "remove", "") "]", true,
	  { 1, 0, 0, 0, "" } },
	{ "[" T("1", "n", "01", "starting", "shutdown", "") "]", true,
	  { 1, 0, 0, 0, "" } },
	{ "[" T("1", "n", "01", "assigned", "shutdown", "") "]", true,
	  { 1, 0, 0, 0, "" } },
	/* Nobody has it yet, and nobody wants it any more. */
	{ "[" T("1", "", "01", "pending", "shutdown", "") ","
	  T("2", "", "01", "new", "remove", "") "]", false,
	  { 0, 0, 0, 0, "" } },
	{ "[" T("1", "", "01", "pending", "running", "no suitable node") ","
	  T("2", "", "01", "new", "running", "") "]", false,
	  { 2, 0, 2, 0, "no suitable node" } },
	/* A restart that waits. */
	{ "[" T("1", "n", "01", "complete", "shutdown", "") ","
	  T("1", "n", "02", "ready", "ready", "") "]", false,
	  { 1, 0, 0, 0, "" } },
	/* Over, one way or the other. */
	{ "[" T("1", "n", "01", "shutdown", "shutdown", "") ","
	  T("2", "n", "01", "orphaned", "shutdown", "") ","
	  T("3", "n", "01", "remove", "remove", "") "]", false,
	  { 0, 0, 0, 0, "" } },
	{ "[" T("1", "n", "01", "complete", "shutdown", "") ","
	  T("2", "n", "01", "failed", "shutdown", "x") ","
	  T("3", "n", "01", "rejected", "shutdown", "") "]", false,
	  { 0, 0, 0, 3, "x" } },
	/* History does not count, in any order; a slot's newest does. */
	{ "[" T("1", "n", "09", "running", "running", "") ","
	  T("1", "n", "01", "failed", "shutdown", "old") "]", false,
	  { 1, 1, 1, 0, "" } },
	{ "[" T("1", "n", "01", "failed", "shutdown", "old") ","
	  T("1", "n", "09", "shutdown", "shutdown", "") "]", false,
	  { 0, 0, 0, 0, "old" } },
	{ "[" T("1", "n", "01.1", "failed", "shutdown", "a") ","
	  T("1", "n", "01", "failed", "shutdown", "b") ","
	  T("1", "n", "01.12", "failed", "shutdown", "c") "]", false,
	  { 0, 0, 0, 1, "c" } },
	{ "[" T("1", "n", "05", "failed", "shutdown", "older") ","
	  T("2", "n", "06", "failed", "shutdown", "newer") ","
	  T("3", "n", "07", "running", "running", "") "]", false,
	  { 1, 1, 1, 2, "newer" } },
	/* A global service has no slots: a node has one task. */
	{ "[" T("0", "a", "01", "failed", "shutdown", "") ","
	  T("0", "b", "02", "running", "running", "") ","
	  T("0", "a", "03", "running", "running", "") "]", false,
	  { 2, 2, 2, 0, "" } },
	{ "[" T("0", "a", "01", "failed", "shutdown", "") ","
	  T("0", "b", "02", "running", "running", "") "]", false,
	  { 1, 1, 1, 1, "" } },
	/* Nobody can say what runs on a node that is down. */
	{ "[" T("1", "down", "01", "running", "shutdown", "") ","
	  T("1", "n", "02", "running", "running", "") "]", true,
	  { 1, 1, 1, 0, "" } },
	{ "[" T("1", "n", "01", "failed", "running", "x") "]", false,
	  { 0, 0, 1, 0, "x" } },
	/* A state that we do not know is neither over nor running. */
	{ "[" T("1", "n", "01", "dreaming", "running", "") "]", false,
	  { 1, 0, 1, 0, "" } },
};

static void
tasks_are_counted(void **state)
{
	struct strlist down = STRLIST_INIT;
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	assert_int_equal(strlist_add(&down, "down", &err), 0);
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct service_tasks *want = &rows[i].tasks;
		struct task_list list = TASK_LIST_INIT;
		struct service_tasks got;

		if (engine_json_tasks(rows[i].body, strlen(rows[i].body),
		    &list, &err) < 0)
			fail_msg("row %zu: %s", i, err.msg);
		assert_int_equal(task_list_lingers(&list), rows[i].lingers);
		task_list_count(&list, &down, &got);
		if (got.active != want->active ||
		    got.running != want->running ||
		    got.wanted != want->wanted || got.ended != want->ended ||
		    strcmp(got.failure, want->failure) != 0)
			fail_msg("row %zu: %zu %zu %zu %zu '%s'", i,
			    got.active, got.running, got.wanted, got.ended,
			    got.failure);
		task_list_free(&list);
	}
	strlist_free(&down);
}

static void
a_malformed_list_of_tasks_is_refused(void **state)
{
	static const struct {
		const char *body;
		const char *needle;
	} bad[] = {
		{ "", "not JSON" }, { "{}", "not an array" },
		{ "[1]", "GET /tasks" }, { "[{}]", "Status.State" },
		{ "[{\"Slot\":-1}]", "Slot" },
		{ "[{\"Slot\":1e300}]", "Slot" },
		{ "[{\"NodeID\":1}]", "NodeID" },
		{ "[{\"Status\":{\"State\":\"\"}}]", "Status.State" },
		{ "[{\"Status\":{\"State\":\"new\"}}]", "DesiredState" },
		{ "[{\"Status\":{\"State\":\"new\",\"Err\":[]}}]", "Err" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct task_list list = TASK_LIST_INIT;
		struct err err = ERR_INIT;
		int rc = engine_json_tasks(bad[i].body, strlen(bad[i].body),
		    &list, &err);

		assert_outcome(i, rc, &err, ERR_PROTOCOL, bad[i].needle);
		assert_null(list.v);
	}
}

static void
nodes_that_are_down_are_found(void **state)
{
	static const char body[] = "[{\"ID\":\"a\",\"Status\":{\"State\":"
	    "\"ready\"}},{\"ID\":\"b\",\"Status\":{\"State\":\"down\"}},"
	    "{\"ID\":\"c\",\"Status\":{\"State\":\"unknown\"}},"
	    "{\"ID\":\"d\"}]";
	static const char *const bad[] = {
		"", "{}", "[1]", "[{}]",
		"[{\"ID\":\"a\",\"Status\":{\"State\":1}}]"
	};
	struct strlist down = STRLIST_INIT;
	struct err err = ERR_INIT;
	size_t i;

	(void)state;
	assert_int_equal(engine_json_down_nodes(body, sizeof body - 1, &down,
	    &err), 0);
	assert_int_equal(down.n, 1);
	assert_string_equal(down.v[0], "b");
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(engine_json_down_nodes(bad[i],
		    strlen(bad[i]), &down, &err), -1);
		assert_message(&err, ERR_PROTOCOL, "GET /nodes");
	}
	strlist_free(&down);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tasks_are_counted),
		cmocka_unit_test(a_malformed_list_of_tasks_is_refused),
		cmocka_unit_test(nodes_that_are_down_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
