#define _GNU_SOURCE
#include "lib/docker/engine_swarm.h"

#include <stdlib.h>
#include <string.h>

#include "lib/docker/engine_json_swarm.h"
#include "test/unit/engine_peer.h"

#define SERVICE(version, replicas)					\
	"{\"ID\":\"s\",\"Version\":{\"Index\":" version "},\"Spec\":"	\
	SPEC(replicas) "}"
#define SPEC(replicas)							\
	"{\"Name\":\"web\",\"TaskTemplate\":{\"ForceUpdate\":1},"	\
	"\"Mode\":{\"Replicated\":{\"Replicas\":" replicas "}}}"
#define READ .request = "GET /v1.41/services/s"
#define WRITE(version)							\
	.request = "POST /v1.41/services/s/update?version=" version,	\
	.header = "Content-Type: application/json"
#define CONFLICT(status) ANSWER(status, "{\"message\":\"rpc error: code = " \
	"Unknown desc = update out of sequence\"}")

static int
scale_to_0(struct engine *engine, struct err *err)
{
	bool done = false;
	int rc = engine_service_scale(engine, "s", 3, 0, &done, err);

	assert_true(rc < 0 || done);
	return rc;
}

/* For what is a success, and changes nothing. */
static int
do_not_scale_to_0(struct engine *engine, struct err *err)
{
	bool done = true;
	int rc = engine_service_scale(engine, "s", 3, 0, &done, err);

	assert_true(rc < 0 || !done);
	return rc;
}

static int
count_3(struct engine *engine, struct err *err)
{
	unsigned long long count = 99;
	int rc = engine_service_count(engine, "s", &count, err);

	assert_int_equal(count, rc < 0 ? 99 : 3);
	return rc;
}

static int
unscale_to_3(struct engine *engine, struct err *err)
{
	return engine_service_unscale(engine, "s", 3, err);
}

static int
force(struct engine *engine, struct err *err)
{
	return engine_service_force(engine, "s", err);
}

static int
constrain(struct engine *engine, struct err *err)
{
	return engine_service_constrain(engine, "s", "node.id==x", true, err);
}

static int
unconstrain(struct engine *engine, struct err *err)
{
	return engine_service_constrain(engine, "s", "node.id==x", false,
	    err);
}

#define MAX_STEPS 5

static const struct {
	int (*function)(struct engine *engine, struct err *err);
	enum err_kind kind;
	const char *needle;
	struct peer_step steps[MAX_STEPS];
} changes[] = {
	{ scale_to_0, ERR_NONE, NULL, { { READ, OK(SERVICE("7", "3")) },
	  { WRITE("7"), .body = SPEC("0"), OK("{\"Warnings\":null}") } } },
	{ do_not_scale_to_0, ERR_NONE, NULL, {
	  { READ, OK(SERVICE("7", "0")) } } },
	{ do_not_scale_to_0, ERR_NONE, NULL, {
	  { READ, OK(SERVICE("7", "5")) } } },
	{ count_3, ERR_NONE, NULL, { { READ, OK(SERVICE("7", "3")) } } },
	{ count_3, ERR_REFUSED, "not a replicated one", { { READ,
	  OK("{\"Version\":{\"Index\":8},\"Spec\":{\"TaskTemplate\":{},"
	  "\"Mode\":{\"Global\":{}}}}") } } },
	{ count_3, ERR_NOTFOUND, "GET /services/ID", { { READ,
	  ANSWER("404 Not Found",
	  "{\"message\":\"service s not found\"}") } } },
	{ unscale_to_3, ERR_NONE, NULL, { { READ, OK(SERVICE("7", "0")) },
	  { WRITE("7"), .body = SPEC("3"), OK("") } } },
	{ unscale_to_3, ERR_NONE, NULL, { { READ, OK(SERVICE("7", "2")) } } },
	{ constrain, ERR_NONE, NULL, { { READ, OK(SERVICE("7", "1")) },
	  { WRITE("7"), .body = "{\"Name\":\"web\",\"TaskTemplate\":{"
	  "\"ForceUpdate\":1,\"Placement\":{\"Constraints\":["
	  "\"node.id==x\"]}},\"Mode\":{\"Replicated\":{\"Replicas\":1}}}",
	  OK("") } } },
	{ unconstrain, ERR_NONE, NULL, { { READ, OK(SERVICE("7", "1")) } } },

	/* Somebody else was faster: what he wrote stays. */
	{ scale_to_0, ERR_NONE, NULL, { { READ, OK(SERVICE("7", "3")) },
	  { WRITE("7"), .body = SPEC("0"), CONFLICT("500 E") },
	  { READ, OK(SERVICE("9", "3")) },
	  { WRITE("9"), .body = SPEC("0"), OK("") } } },
	{ do_not_scale_to_0, ERR_NONE, NULL, {
	  { READ, OK(SERVICE("7", "3")) },
	  { WRITE("7"), .body = SPEC("0"), CONFLICT("500 E") },
	  { READ, OK(SERVICE("9", "4")) } } },
	/* A 0 may be of that very write, which libcurl has sent twice. */
	{ scale_to_0, ERR_NONE, NULL, { { READ, OK(SERVICE("7", "3")) },
	  { WRITE("7"), .body = SPEC("0"), CONFLICT("400 E") },
	  { READ, OK(SERVICE("9", "0")) } } },
	{ unscale_to_3, ERR_NONE, NULL, { { READ, OK(SERVICE("7", "0")) },
	  { WRITE("7"), .body = SPEC("3"), CONFLICT("409 E") },
	  { READ, OK(SERVICE("9", "5")) } } },
	{ unscale_to_3, ERR_NONE, NULL, { { READ, OK(SERVICE("7", "0")) },
	  { WRITE("7"), .body = SPEC("3"), CONFLICT("503 E") },
	  { READ, OK(SERVICE("9", "0")) },
	  { WRITE("9"), .body = SPEC("3"), OK("") } } },

	/* No answer: it is looked at what came of it. */
	{ scale_to_0, ERR_NONE, NULL, { { READ, OK(SERVICE("7", "3")) },
	  { WRITE("7"), .body = SPEC("0"), .then = PEER_CLOSE },
	  { READ, OK(SERVICE("8", "0")) } } },
	{ scale_to_0, ERR_PROTOCOL, "POST /services/ID/update", {
	  { READ, OK(SERVICE("7", "3")) },
	  { WRITE("7"), .body = SPEC("0"), .then = PEER_CLOSE },
	  { READ, OK(SERVICE("7", "3")) } } },
	{ do_not_scale_to_0, ERR_NONE, NULL, {
	  { READ, OK(SERVICE("7", "3")) },
	  { WRITE("7"), .body = SPEC("0"), .then = PEER_CLOSE },
	  { READ, OK(SERVICE("8", "5")) } } },
	{ scale_to_0, ERR_PROTOCOL, "POST /services/ID/update", {
	  { READ, OK(SERVICE("7", "3")) },
	  { WRITE("7"), .body = SPEC("0"), .then = PEER_CLOSE },
	  { READ, ANSWER("404 Not Found",
	  "{\"message\":\"service s not found\"}") } } },
	{ scale_to_0, ERR_NONE, NULL, { { READ, OK(SERVICE("7", "3")) },
	  { WRITE("7"), .body = SPEC("0"), ANSWER("504 Late", "") },
	  { READ, OK(SERVICE("8", "0")) } } },
	{ scale_to_0, ERR_TIMEOUT, "status 504", {
	  { READ, OK(SERVICE("7", "3")) },
	  { WRITE("7"), .body = SPEC("0"), ANSWER("504 Late", "") },
	  { READ, OK(SERVICE("7", "3")) } } },
	{ scale_to_0, ERR_TIMEOUT, "DeadlineExceeded", {
	  { READ, OK(SERVICE("7", "3")) },
	  { WRITE("7"), .body = SPEC("0"), ANSWER("500 E", "{\"message\":"
	  "\"rpc error: code = DeadlineExceeded desc = context deadline "
	  "exceeded\"}") }, { READ, OK(SERVICE("7", "3")) } } },
	/* ForceUpdate is 1, and this asks for 2, not for one more again. */
	{ force, ERR_NONE, NULL, { { READ, OK(SERVICE("7", "3")) },
	  { WRITE("7"), .body = "{\"Name\":\"web\",\"TaskTemplate\":{"
	  "\"ForceUpdate\":2},\"Mode\":{\"Replicated\":{\"Replicas\":3}}}",
	  .then = PEER_CLOSE },
	  { READ, OK("{\"Version\":{\"Index\":8},\"Spec\":{"
	  "\"TaskTemplate\":{\"ForceUpdate\":2}}}") } } },

	/* A no is a no: nothing more is asked. */
	{ scale_to_0, ERR_REFUSED, "POST /services/ID/update: bad", {
	  { READ, OK(SERVICE("7", "3")) },
	  { WRITE("7"), .body = SPEC("0"),
	  ANSWER("500 E", "{\"message\":\"bad\"}") } } },
	{ scale_to_0, ERR_NOTFOUND, "update: service s not found", {
	  { READ, OK(SERVICE("7", "3")) },
	  { WRITE("7"), .body = SPEC("0"), ANSWER("404 Not Found",
	  "{\"message\":\"service s not found\"}") } } },
	{ scale_to_0, ERR_NOTFOUND, "GET /services/ID", {
	  { READ, ANSWER("404 Not Found",
	  "{\"message\":\"service s not found\"}") } } },
	{ scale_to_0, ERR_REFUSED, "page not found", {
	  { READ, ANSWER("404 Not Found",
	  "{\"message\":\"page not found\"}") } } },
	{ scale_to_0, ERR_REFUSED, "proxy", {
	  { READ, ANSWER("403 Forbidden", "") } } },
	{ scale_to_0, ERR_PROTOCOL, "not JSON", { { READ, OK("{") } } },
};

static void
a_service_is_read_and_written_back(void **state)
{
	struct peer_step steps[MAX_STEPS + 1] = { PONG("1.41") };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		struct engine *engine;
		struct err err = ERR_INIT;
		struct peer *peer;
		int rc;

		memcpy(steps + 1, changes[i].steps, sizeof changes[i].steps);
		peer = peer_start_unix(steps, count_steps(steps,
		    MAX_STEPS + 1));
		engine = open_engine(peer);
		rc = changes[i].function(engine, &err);
		assert_outcome(i, rc, &err, changes[i].kind,
		    changes[i].needle);
		finish(engine, peer);
	}
}

/* In an older version of the API it leaves fields out, and then takes that for
 * a wish to have them removed. */
static void
a_service_is_spoken_of_in_the_engines_newest_version(void **state)
{
	static const struct peer_step steps[] = { PONG("1.53"),
		{ .request = "GET /v1.53/services/s", OK(SERVICE("7", "3")) },
		{ .request = "POST /v1.53/services/s/update?version=7",
		  .body = SPEC("0"), OK("") },
		{ .request = "GET /v1.47/services", OK("[]") },
		PONG("1.41"),
		{ .request = "GET /v1.41/services/s", OK(SERVICE("7", "0")) },
		{ .request = "GET /_ping", ANSWER("403 Forbidden", "") },
		{ .request = "GET /v1.30/services/s", OK(SERVICE("7", "0")) },
	};
	struct peer *peer = peer_start_unix(STEPS(steps));
	struct engine *engine = open_engine(peer);
	struct service_list list = SERVICE_LIST_INIT;
	struct err err = ERR_INIT;
	bool done;

	(void)state;
	assert_int_equal(engine_service_scale(engine, "s", 3, 0, &done, &err),
	    0);
	assert_int_equal(engine_services(engine, &list, &err), 0);
	service_list_free(&list);
	engine_free(engine);
	assert_int_equal(open_unix(peer, "1.30", &engine, &err), 0);
	assert_int_equal(engine_service_scale(engine, "s", 3, 0, &done, &err),
	    0);
	engine_free(engine);
	assert_int_equal(open_unix(peer, "1.30", &engine, &err), 0);
	assert_int_equal(engine_service_scale(engine, "s", 3, 0, &done, &err),
	    0);
	finish(engine, peer);
}

static void
services_are_decoded_and_sorted(void **state)
{
	static const char body[] = "[{\"ID\":\"2\",\"Spec\":{\"Name\":\"z\","
	    "\"Labels\":{\"a\":\"b\"},\"Mode\":{\"Replicated\":{\"Replicas\":"
	    "3}},\"TaskTemplate\":{\"RestartPolicy\":{\"Condition\":"
	    "\"on-failure\"},\"ContainerSpec\":{\"Mounts\":[{\"Type\":"
	    "\"volume\",\"Source\":\"v\",\"Target\":\"/v\",\"VolumeOptions\":{"
	    "\"DriverConfig\":{\"Name\":\"nfs\"}}},{\"Type\":\"bind\","
	    "\"Source\":\"/s\",\"Target\":\"/b\"},{\"Type\":\"volume\","
	    "\"Target\":\"/anonymous\"}]}}}},"
	    "{\"ID\":\"1\",\"Spec\":{\"Name\":\"g\",\"Mode\":{\"Global\":{}},"
	    "\"TaskTemplate\":{\"RestartPolicy\":{\"Condition\":\"any\"}}}},"
	    "{\"ID\":\"3\",\"Spec\":{\"Name\":\"j\",\"Mode\":{"
	    "\"ReplicatedJob\":{}}}},"
	    "{\"ID\":\"4\",\"Spec\":{\"Name\":\"r\",\"Mode\":{\"Replicated\":"
	    "{}},\"TaskTemplate\":{\"RestartPolicy\":{\"Condition\":"
	    "\"none\"}}}}]";
	struct service_list list = SERVICE_LIST_INIT;
	const struct service *z;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(engine_json_services(body, sizeof body - 1, &list,
	    &err), 0);
	assert_int_equal(list.n, 4);
	assert_string_equal(list.v[0].name, "g");
	assert_int_equal(list.v[0].mode, SERVICE_GLOBAL);
	assert_true(list.v[0].restarts_any);
	assert_int_equal(list.v[1].mode, SERVICE_JOB);
	assert_true(list.v[1].restarts_any);
	assert_int_equal(list.v[2].mode, SERVICE_REPLICATED);
	assert_int_equal(list.v[2].replicas, 1);
	assert_false(list.v[2].restarts_any);
	z = &list.v[3];
	assert_string_equal(z->id, "2");
	assert_int_equal(z->replicas, 3);
	assert_false(z->restarts_any);
	assert_string_equal(strmap_get(&z->labels, "a"), "b");
	assert_int_equal(z->n_mounts, 3);
	assert_string_equal(z->mounts[0].name, "v");
	assert_string_equal(z->mounts[0].source, "");
	assert_string_equal(z->mounts[0].destination, "/v");
	assert_string_equal(z->mounts[0].driver, "nfs");
	assert_string_equal(z->mounts[1].source, "/s");
	assert_string_equal(z->mounts[1].name, "");
	assert_string_equal(z->mounts[1].driver, "");
	assert_string_equal(z->mounts[2].name, "");
	service_list_free(&list);
}

static void
a_malformed_list_of_services_is_refused(void **state)
{
	static const struct {
		const char *body;
		const char *needle;
	} bad[] = {
		{ "", "GET /services: it is not JSON" }, { "{}", "array" },
		{ "[1]", "object" }, { "[{}]", "ID" },
		{ "[{\"ID\":\"1\"}]", "Spec.Name" },
		{ "[{\"ID\":\"1\",\"Spec\":{\"Name\":\"n\",\"Labels\":[]}}]",
		  "Spec.Labels" },
		{ "[{\"ID\":\"1\",\"Spec\":{\"Name\":\"n\",\"Mode\":{"
		  "\"Replicated\":{\"Replicas\":-1}}}}]", "Replicas" },
		{ "[{\"ID\":\"1\",\"Spec\":{\"Name\":\"n\",\"Mode\":{"
		  "\"Replicated\":{\"Replicas\":1e300}}}}]", "Replicas" },
		{ "[{\"ID\":\"1\",\"Spec\":{\"Name\":\"n\",\"TaskTemplate\":{"
		  "\"RestartPolicy\":{\"Condition\":1}}}}]", "Condition" },
		{ "[{\"ID\":\"1\",\"Spec\":{\"Name\":\"n\",\"TaskTemplate\":{"
		  "\"ContainerSpec\":{\"Mounts\":{}}}}}]", "Mounts" },
		{ "[{\"ID\":\"1\",\"Spec\":{\"Name\":\"n\",\"TaskTemplate\":{"
		  "\"ContainerSpec\":{\"Mounts\":[{}]}}}}]", "Target" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct service_list list = SERVICE_LIST_INIT;
		struct err err = ERR_INIT;
		int rc = engine_json_services(bad[i].body,
		    strlen(bad[i].body), &list, &err);

		assert_outcome(i, rc, &err, ERR_PROTOCOL, bad[i].needle);
		assert_null(list.v);
	}
}

static void
only_a_manager_of_an_active_swarm_is_one(void **state)
{
	static const struct {
		bool manager;
		enum err_kind kind;
		struct peer_step steps[2];
	} rows[] = {
#define INFO .request = "GET /v1.41/info"
		{ true, ERR_NONE, { PONG("1.41"), { INFO, OK("{\"Swarm\":{"
		  "\"LocalNodeState\":\"active\",\"ControlAvailable\":true}}")
		  } } },
		{ false, ERR_NONE, { PONG("1.41"), { INFO, OK("{\"Swarm\":{"
		  "\"LocalNodeState\":\"active\",\"ControlAvailable\":false}}"
		  ) } } },
		{ false, ERR_NONE, { PONG("1.41"), { INFO, OK("{\"Swarm\":{"
		  "\"LocalNodeState\":\"locked\",\"ControlAvailable\":true}}")
		  } } },
		{ false, ERR_NONE, { PONG("1.41"), { INFO, OK("{}") } } },
		{ false, ERR_NONE, { PONG("1.41"), { INFO,
		  ANSWER("403 Forbidden", "") } } },
		{ false, ERR_TIMEOUT, { PONG("1.41"), { INFO,
		  ANSWER("502 Bad Gateway", "") } } },
		{ false, ERR_PROTOCOL, { PONG("1.41"), { INFO, OK("") } } },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct peer *peer = peer_start_unix(rows[i].steps, 2);
		struct engine *engine = open_engine(peer);
		bool manager = !rows[i].manager;
		struct err err = ERR_INIT;
		int rc = engine_is_manager(engine, &manager, &err);

		assert_outcome(i, rc, &err, rows[i].kind, NULL);
		if (rc == 0)
			assert_int_equal(manager, rows[i].manager);
		finish(engine, peer);
	}
}

#define TASKS .request = "GET /v1.41/tasks?filters="			\
	"%7B%22service%22%3A%5B%22s%22%5D%7D"
#define NODES .request = "GET /v1.41/nodes"
#define TASK(node, state, desired) "{\"Slot\":1,\"NodeID\":\"" node	\
	"\",\"Status\":{\"State\":\"" state "\"},\"DesiredState\":\"" desired \
	"\"}"

static void
nodes_are_asked_for_only_where_it_matters(void **state)
{
	static const struct {
		enum err_kind kind;
		size_t active;
		struct peer_step steps[3];
	} rows[] = {
		{ ERR_NONE, 1, { PONG("1.41"), { TASKS, OK("["
		  TASK("n", "running", "running") ","
		  TASK("m", "shutdown", "shutdown") "]") } } },
		{ ERR_NONE, 1, { PONG("1.41"), { TASKS, OK("["
		  TASK("n", "running", "shutdown") "]") },
		  { NODES, OK("[{\"ID\":\"n\",\"Status\":{\"State\":"
		  "\"ready\"}}]") } } },
		{ ERR_NONE, 0, { PONG("1.41"), { TASKS, OK("["
		  TASK("n", "running", "shutdown") "]") },
		  { NODES, OK("[{\"ID\":\"n\",\"Status\":{\"State\":"
		  "\"down\"}}]") } } },
		/* A proxy keeps it from us: nothing is known to be down. */
		{ ERR_NONE, 1, { PONG("1.41"), { TASKS, OK("["
		  TASK("n", "running", "shutdown") "]") },
		  { NODES, ANSWER("403 Forbidden", "") } } },
		{ ERR_TIMEOUT, 0, { PONG("1.41"), { TASKS, OK("["
		  TASK("n", "running", "shutdown") "]") },
		  { NODES, ANSWER("504 Late", "") } } },
		{ ERR_NOTFOUND, 0, { PONG("1.41"), { TASKS,
		  ANSWER("404 Not Found",
		  "{\"message\":\"service s not found\"}") } } },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct peer *peer = peer_start_unix(rows[i].steps,
		    count_steps(rows[i].steps, 3));
		struct engine *engine = open_engine(peer);
		struct service_tasks tasks = { .active = 99 };
		struct err err = ERR_INIT;
		int rc = engine_service_tasks(engine, "s", &tasks, &err);

		assert_outcome(i, rc, &err, rows[i].kind, NULL);
		if (rc == 0)
			assert_int_equal(tasks.active, rows[i].active);
		finish(engine, peer);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_service_is_read_and_written_back),
		cmocka_unit_test(
		    a_service_is_spoken_of_in_the_engines_newest_version),
		cmocka_unit_test(services_are_decoded_and_sorted),
		cmocka_unit_test(a_malformed_list_of_services_is_refused),
		cmocka_unit_test(only_a_manager_of_an_active_swarm_is_one),
		cmocka_unit_test(nodes_are_asked_for_only_where_it_matters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
