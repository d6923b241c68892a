#define _GNU_SOURCE
#include "lib/docker/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/http.h"
#include "lib/docker/engine_json.h"
#include "test/unit/engine_peer.h"

static void
the_lower_of_both_versions_is_put_into_the_path(void **state)
{
	static const struct peer_step rows[][2] = {
		{ PONG("1.41"), { .request = "GET /v1.41/volumes",
		  ANSWER("200 OK", "{\"Volumes\":null}") } },
		{ PONG("1.24"), { .request = "GET /v1.24/volumes",
		  ANSWER("200 OK", "{\"Volumes\":null}") } },
		{ PONG("1.52"), { .request = "GET /v1.47/volumes",
		  ANSWER("200 OK", "{\"Volumes\":null}") } },
		{ PONG("2.0"), { .request = "GET /v1.47/volumes",
		  ANSWER("200 OK", "{\"Volumes\":null}") } },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct peer *peer = peer_start_unix(rows[i], 2);
		struct engine *engine = open_engine(peer);
		struct volume_list list = VOLUME_LIST_INIT;
		struct err err = ERR_INIT;

		assert_int_equal(engine_volumes(engine, &list, &err), 0);
		assert_int_equal(list.n, 0);
		volume_list_free(&list);
		finish(engine, peer);
	}
}

static void
a_configured_version_is_used_even_if_ping_is_refused(void **state)
{
	static const struct peer_step rows[][2] = {
		{ PONG("1.41"), { .request = "GET /v1.30/volumes",
		  ANSWER("200 OK", "{\"Volumes\":[]}") } },
		{ { .request = "GET /_ping", ANSWER("403 Forbidden", "") },
		  { .request = "GET /v1.30/volumes",
		  ANSWER("200 OK", "{\"Volumes\":[]}") } },
	};
	static const char *const versions[] = { "1.30", "v1.30" };
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct peer *peer = peer_start_unix(rows[i], 2);
		struct volume_list list = VOLUME_LIST_INIT;
		struct engine *engine = NULL;
		struct err err = ERR_INIT;

		assert_int_equal(open_unix(peer, versions[i], &engine, &err),
		    0);
		assert_int_equal(engine_volumes(engine, &list, &err), 0);
		volume_list_free(&list);
		finish(engine, peer);
	}
}

static void
what_is_no_engine_is_not_opened(void **state)
{
	static const struct {
		struct peer_step step;
		enum err_kind kind;
		const char *needle;
	} rows[] = {
		{ { .request = "GET /_ping", ANSWER("200 OK", "<html>") },
		  ERR_PROTOCOL, "Api-Version" },
		{ PONG("x"), ERR_PROTOCOL, "Api-Version is 'x'" },
		{ PONG("1.41x"), ERR_PROTOCOL, "Api-Version" },
		{ PONG("-1.41"), ERR_PROTOCOL, "Api-Version" },
		{ PONG("1."), ERR_PROTOCOL, "Api-Version" },
		{ PONG("1.23"), ERR_PROTOCOL, "too old" },
		{ { .request = "GET /_ping",
		  ANSWER("403 Forbidden", "{\"message\":\"not you\"}") },
		  ERR_REFUSED, "GET /_ping: not you (status 403)" },
		{ { .request = "GET /_ping", ANSWER("502 Bad", "\r\nx") },
		  ERR_TIMEOUT, "no message (status 502)" },
		{ { .request = "GET /_ping", .answer = "\r\r\n\n",
		  .then = PEER_CLOSE }, ERR_PROTOCOL, "no Docker Engine" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct peer *peer = peer_start_unix(&rows[i].step, 1);
		struct engine *engine = NULL;
		struct err err = ERR_INIT;

		assert_int_equal(open_unix(peer, NULL, &engine, &err), -1);
		assert_null(engine);
		assert_message(&err, rows[i].kind, rows[i].needle);
		finish(engine, peer);
	}
}

static void
a_host_that_cannot_be_used_is_a_configuration_error(void **state)
{
	static const char long_path[] = "unix:///aaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aaaaaaaaaaaaaaaaaaaaaa";
	static const struct {
		struct engine_settings settings;
		const char *needle;
	} rows[] = {
		{ { .host = "ssh://u@h" }, "ssh is not supported" },
		{ { .host = "npipe:////./pipe/x" }, "only unix://" },
		{ { .host = "fd://" }, "only unix://" },
		{ { .host = "/var/run/docker.sock" }, "neither" },
		{ { .host = "unix://" }, "begins with /" },
		{ { .host = "unix://relative" }, "begins with /" },
		{ { .host = long_path }, "too long" },
		{ { .host = "tcp://" }, "NAME:PORT" },
		{ { .host = "tcp://:2375" }, "NAME:PORT" },
		{ { .host = "tcp://h:0" }, "port" },
		{ { .host = "tcp://h:65536" }, "port" },
		{ { .host = "tcp://h:1x" }, "port" },
		{ { .host = "tcp://h:" }, "port" },
		{ { .host = "tcp://h/path:1" }, "NAME:PORT" },
		{ { .host = "tcp://u@h:1" }, "NAME:PORT" },
		{ { .host = "tcp://::1:2375" }, "NAME:PORT" },
		{ { .host = "tcp://h:1", .tls_verify = "1",
		  .cert_path = "/nonexistent" }, "/nonexistent/ca.pem" },
		{ { .host = "tcp://h:1", .cert_path = "/nonexistent" },
		  "/nonexistent/ca.pem" },
		{ { .host = "unix:///x", .api_version = "1" }, "'1'" },
		{ { .host = "unix:///x", .api_version = "latest" },
		  "'latest'" },
		{ { .host = "unix:///x", .api_version = "1.41/../x" },
		  "1.41/../x" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct engine *engine = NULL;
		struct err err = ERR_INIT;

		assert_int_equal(engine_open(&rows[i].settings, &engine, &err),
		    -1);
		assert_message(&err, ERR_CONFIG, rows[i].needle);
	}
}

static void
nobody_at_the_address_is_unreachable(void **state)
{
	static const struct engine_settings rows[] = {
		{ .host = "unix:///nonexistent/s" },
		{ .host = "tcp://127.0.0.1:1" },
		{ .host = "http://[::1]:1/" },
		{ .host = "https://127.0.0.1:1", .tls_verify = "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct engine *engine = NULL;
		struct err err = ERR_INIT;

		assert_int_equal(engine_open(&rows[i], &engine, &err), -1);
		assert_message(&err, ERR_UNREACHABLE, "cannot connect to");
	}
}

static void
remove_certs(const char *dir)
{
	static const char *const names[] = { "ca.pem", "cert.pem", "key.pem" };
	char path[128];
	size_t i;

	for (i = 0; i < 3; i++) {
		(void)snprintf(path, sizeof path, "%s/%s", dir, names[i]);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(dir), 0);
}

static void
tcp_is_spoken_without_and_with_tls(void **state)
{
	static const struct peer_step steps[] = { PONG("1.41") };
	char dir[] = "/tmp/vbackup-certs.XXXXXX", host[64];
	struct engine_settings settings = { .host = host };
	static const struct {
		bool tls;
		const char *verify;
		bool certs;
	} rows[] = {
		{ false, "", false }, { true, "1", true }, { true, "", true },
	};
	size_t i;

	(void)state;
	assert_non_null(mkdtemp(dir));
	peer_tls_certs(dir);
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct peer *peer = rows[i].tls ?
		    peer_start_tls(dir, steps, 1) : peer_start_tcp(steps, 1);
		struct engine *engine = NULL;
		struct err err = ERR_INIT;

		(void)snprintf(host, sizeof host, "tcp://127.0.0.1:%d",
		    peer->port);
		settings.tls_verify = rows[i].verify;
		settings.cert_path = rows[i].certs ? dir : NULL;
		if (engine_open(&settings, &engine, &err) < 0)
			fail_msg("row %zu: %s", i, err.msg);
		engine_free(engine);
		peer_finish(peer);
		if (rows[i].tls)
			peer_tls_free(peer);
		else
			peer_free(peer);
	}
	remove_certs(dir);
}

static void
a_server_that_tls_does_not_trust_is_not_spoken_to(void **state)
{
	static const struct peer_step steps[] = { PONG("1.41") };
	char theirs[] = "/tmp/vbackup-certs.XXXXXX", host[64];
	char ours[] = "/tmp/vbackup-certs.XXXXXX";
	struct engine_settings settings = {
		.host = host, .tls_verify = "1", .cert_path = ours
	};
	struct engine *engine = NULL;
	struct err err = ERR_INIT;
	struct peer *peer;

	(void)state;
	assert_non_null(mkdtemp(theirs));
	assert_non_null(mkdtemp(ours));
	peer_tls_certs(theirs);
	peer_tls_certs(ours);
	peer = peer_start_tls(theirs, steps, 0);
	(void)snprintf(host, sizeof host, "tcp://127.0.0.1:%d", peer->port);
	assert_int_equal(engine_open(&settings, &engine, &err), -1);
	assert_message(&err, ERR_UNTRUSTED, "certificate");
	peer_finish(peer);
	peer_tls_free(peer);
	remove_certs(ours);
	remove_certs(theirs);
}

static const char two_containers[] = "[{\"Id\":\"" ID "\",\"Names\":["
    "\"/web/db\",\"/db\"],\"Image\":\"postgres:16\",\"State\":\"paused\","
    "\"Labels\":{\"vbackup.stop\":\"true\",\"\":\"\"},\"Mounts\":["
    "{\"Type\":\"volume\",\"Name\":\"pg\",\"Source\":\"/v/pg/_data\","
    "\"Destination\":\"/data\",\"Driver\":\"local\",\"Mode\":\"z\"},"
    "{\"Type\":\"bind\",\"Source\":\"/etc\",\"Destination\":\"/e\"},"
    "{\"Type\":\"tmpfs\",\"Destination\":\"/t\"}],\"Unknown\":[{}]},"
    "{\"Id\":\"0123456789abcdef\",\"Names\":null,\"State\":\"exited\","
    "\"Labels\":null}]\n";

static void
containers_are_decoded_and_sorted(void **state)
{
	static const struct peer_step steps[] = { PONG("1.41"),
		{ .request = "GET /v1.41/containers/json?all=1",
		  .header = "Host: localhost",
		  ANSWER("200 OK", "[{\"Id\":\"1\",\"Names\":[\"/a\"],"
		  "\"Image\":\"i\",\"State\":\"restarting\"}]") } };
	struct container_list list = CONTAINER_LIST_INIT;
	struct err err = ERR_INIT;
	struct peer *peer;
	struct engine *engine;

	(void)state;
	assert_int_equal(engine_json_containers(two_containers,
	    sizeof two_containers - 1, &list, &err), 0);
	assert_int_equal(list.n, 2);
	assert_string_equal(list.v[0].name, "0123456789ab");
	assert_false(list.v[0].running);
	assert_string_equal(list.v[0].image, "");
	assert_int_equal(list.v[0].n_mounts, 0);
	assert_string_equal(list.v[1].id, ID);
	assert_string_equal(list.v[1].name, "db");
	assert_true(list.v[1].running && list.v[1].paused);
	assert_string_equal(strmap_get(&list.v[1].labels, "vbackup.stop"),
	    "true");
	assert_int_equal(list.v[1].n_mounts, 3);
	assert_string_equal(list.v[1].mounts[0].name, "pg");
	assert_string_equal(list.v[1].mounts[0].driver, "local");
	assert_string_equal(list.v[1].mounts[1].type, "bind");
	assert_string_equal(list.v[1].mounts[1].name, "");
	assert_string_equal(list.v[1].mounts[2].source, "");
	assert_string_equal(list.v[1].mounts[2].destination, "/t");
	container_list_free(&list);

	peer = peer_start_unix(STEPS(steps));
	engine = open_engine(peer);
	assert_int_equal(engine_containers(engine, &list, &err), 0);
	assert_int_equal(list.n, 1);
	assert_true(list.v[0].running);
	assert_false(list.v[0].paused);
	container_list_free(&list);
	finish(engine, peer);
}

static void
volumes_are_decoded_and_sorted(void **state)
{
	static const char body[] = "{\"Volumes\":[{\"Name\":\"z\","
	    "\"Driver\":\"local\",\"Mountpoint\":\"/v/z\",\"Labels\":null,"
	    "\"Options\":{\"type\":\"nfs\"},\"Scope\":\"local\"},"
	    "{\"Name\":\"a\",\"Labels\":{\"k\":\"v\"}}],\"Warnings\":null}";
	struct volume_list list = VOLUME_LIST_INIT;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(engine_json_volumes(body, sizeof body - 1, &list,
	    &err), 0);
	assert_int_equal(list.n, 2);
	assert_string_equal(list.v[0].name, "a");
	assert_string_equal(list.v[0].driver, "");
	assert_string_equal(strmap_get(&list.v[0].labels, "k"), "v");
	assert_string_equal(list.v[1].mountpoint, "/v/z");
	assert_string_equal(strmap_get(&list.v[1].options, "type"), "nfs");
	volume_list_free(&list);
}

static void
a_malformed_answer_names_endpoint_and_field(void **state)
{
	static const struct {
		const char *body;
		const char *needle;
	} containers[] = {
		{ "", "GET /containers/json: it is not JSON" },
		{ "[", "not JSON" }, { "[]]", "not JSON" },
		{ "{}", "is not an array" }, { "null", "is not an array" },
		{ "[1]", "is not an object" }, { "[{}]", "Id" },
		{ "[{\"Id\":1}]", "Id is not a text" },
		{ "[{\"Id\":\"\"}]", "Id" }, { "[{\"Id\":\"x\"}]", "State" },
		{ "[{\"id\":\"x\"}]", "Id" },
		{ "[{\"Id\":\"x\",\"State\":{}}]", "State is not" },
		{ "[{\"Id\":\"x\",\"Names\":\"x\"}]", "Names" },
		{ "[{\"Id\":\"x\",\"Names\":[[]]}]", "Names" },
		{ "[{\"Id\":\"x\",\"State\":\"x\",\"Labels\":[]}]",
		  "Labels is not an object" },
		{ "[{\"Id\":\"x\",\"State\":\"x\",\"Labels\":{\"a\":1}}]",
		  "Labels has a value" },
		{ "[{\"Id\":\"x\",\"State\":\"x\",\"Mounts\":{}}]", "Mounts" },
		{ "[{\"Id\":\"x\",\"State\":\"x\",\"Mounts\":[0]}]", "Mounts" },
		{ "[{\"Id\":\"x\",\"State\":\"x\",\"Mounts\":[{}]}]",
		  "Mounts[].Destination" },
		{ "[{\"Id\":\"x\",\"State\":\"x\",\"Mounts\":[{\"Type\":1}]}]",
		  "Mounts[].Type" },
	}, volumes[] = {
		{ "[]", "GET /volumes: (whole)" }, { "{}", "Volumes is not" },
		{ "{\"Volumes\":{}}", "Volumes" },
		{ "{\"Volumes\":[null]}", "Volumes" },
		{ "{\"Volumes\":[{}]}", "Volumes[].Name" },
		{ "{\"Volumes\":[{\"Name\":\"a\",\"Options\":{\"o\":[]}}]}",
		  "Options" },
	};
	struct container_list container_list = CONTAINER_LIST_INIT;
	struct volume_list volume_list = VOLUME_LIST_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof containers / sizeof containers[0]; i++) {
		struct err err = ERR_INIT;

		assert_int_equal(engine_json_containers(containers[i].body,
		    strlen(containers[i].body), &container_list, &err), -1);
		assert_message(&err, ERR_PROTOCOL, containers[i].needle);
	}
	for (i = 0; i < sizeof volumes / sizeof volumes[0]; i++) {
		struct err err = ERR_INIT;

		assert_int_equal(engine_json_volumes(volumes[i].body,
		    strlen(volumes[i].body), &volume_list, &err), -1);
		assert_message(&err, ERR_PROTOCOL, volumes[i].needle);
	}
}

static void
labels_without_end_are_refused_quickly(void **state)
{
	CLEANUP(str_free) struct str body = STR_INIT;
	struct container_list list = CONTAINER_LIST_INIT;
	struct err err = ERR_INIT;
	double begun_s = clock_mono_s();
	unsigned i;

	(void)state;
	str_add(&body, "[{\"Id\":\"x\",\"State\":\"x\",\"Labels\":{\"a\":\"\"");
	for (i = 0; i < 200000; i++)
		str_addf(&body, ",\"%u\":\"\"", i);
	str_add(&body, "}}]");
	assert_int_equal(engine_json_containers(body.s, body.len, &list, &err),
	    -1);
	assert_message(&err, ERR_PROTOCOL, "Labels is too long");
	assert_true(clock_mono_s() - begun_s < 30);
}

static void
lists_fail_with_the_engines_own_words(void **state)
{
	static const struct peer_step steps[] = { PONG("1.41"),
		{ .request = "GET /v1.41/containers/json?all=1",
		  ANSWER("500 E", "{\"message\":\"disk on fire\\nx\"}") },
		{ .request = "GET /v1.41/volumes", ANSWER("403 Forbidden",
		  "<html>") },
		{ .request = "GET /v1.41/volumes", ANSWER("404 Not Found",
		  "{\"message\":\"page not found\"}") },
		{ .request = "GET /v1.41/volumes", ANSWER("204 No", "") },
		{ .request = "GET /v1.41/volumes", ANSWER("200 OK", "{") },
		{ .request = "GET /v1.41/volumes",
		  .answer = PEER_ANSWER("200 OK", "", "90", "{\"Vol"),
		  .then = PEER_CLOSE },
	};
	struct peer *peer = peer_start_unix(STEPS(steps));
	struct engine *engine = open_engine(peer);
	struct container_list containers = CONTAINER_LIST_INIT;
	struct volume_list volumes = VOLUME_LIST_INIT;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(engine_containers(engine, &containers, &err), -1);
	assert_message(&err, ERR_REFUSED,
	    "GET /containers/json: disk on fire (status 500)");
	assert_int_equal(engine_volumes(engine, &volumes, &err), -1);
	assert_message(&err, ERR_REFUSED, "proxy");
	assert_int_equal(engine_volumes(engine, &volumes, &err), -1);
	assert_message(&err, ERR_REFUSED, "page not found");
	assert_int_equal(engine_volumes(engine, &volumes, &err), -1);
	assert_message(&err, ERR_REFUSED, "status 204");
	assert_int_equal(engine_volumes(engine, &volumes, &err), -1);
	assert_message(&err, ERR_PROTOCOL, "GET /volumes: it is not JSON");
	assert_int_equal(engine_volumes(engine, &volumes, &err), -1);
	assert_message(&err, ERR_PROTOCOL, "GET /volumes: ");
	finish(engine, peer);
}

#define INSPECT "GET /v1.41/containers/" ID "/json"
#define STOP "POST /v1.41/containers/" ID "/stop"
#define START "POST /v1.41/containers/" ID "/start"
#define PAUSE "POST /v1.41/containers/" ID "/pause"
#define UNPAUSE "POST /v1.41/containers/" ID "/unpause"
#define UNCHANGED .answer = "HTTP/1.1 304 Not Modified\r\n\r\n"

int __real_http_call(struct http *http, const struct http_request *request,
    struct http_response *ret, struct err *err);
int __wrap_http_call(struct http *http, const struct http_request *request,
    struct http_response *ret, struct err *err);

static double last_timeout_s;	/* of the last call */

int
__wrap_http_call(struct http *http, const struct http_request *request,
    struct http_response *ret, struct err *err)
{
	last_timeout_s = request->timeout_s;
	return __real_http_call(http, request, ret, err);
}

static int
stop_as_it_wants(struct engine *engine, const char *id, struct err *err)
{
	return engine_stop(engine, id, -1, err);
}

static int
stop_in_12s(struct engine *engine, const char *id, struct err *err)
{
	return engine_stop(engine, id, 11.2, err);
}

static int
stop_at_once(struct engine *engine, const char *id, struct err *err)
{
	return engine_stop(engine, id, 0, err);
}

static const struct {
	int (*function)(struct engine *engine, const char *id,
	    struct err *err);
	enum err_kind kind;
	struct peer_step steps[3];
} changes[] = {
	{ stop_as_it_wants, ERR_NONE, { { .request = INSPECT,
	  OK("{\"Config\":{\"StopTimeout\":30}}") },
	  { .request = STOP, .header = "Content-Length: 0",
	  ANSWER("204 No Content", "") } } },
	{ stop_as_it_wants, ERR_NONE, { { .request = INSPECT,
	  ANSWER("403 Forbidden", "") },
	  { .request = STOP, UNCHANGED } } },
	{ stop_as_it_wants, ERR_REFUSED, { { .request = INSPECT, OK("{}") },
	  { .request = STOP, ANSWER("500 No",
	  "{\"message\":\"cannot\"}") } } },
	{ stop_as_it_wants, ERR_NOTFOUND, { { .request = INSPECT, OK("{}") },
	  { .request = STOP, GONE } } },
	{ stop_as_it_wants, ERR_NOTFOUND, { { .request = INSPECT, GONE } } },
	{ stop_as_it_wants, ERR_PROTOCOL, { { .request = INSPECT,
	  OK("[") } } },
	{ stop_as_it_wants, ERR_PROTOCOL, { { .request = INSPECT,
	  OK("{\"Config\":{\"StopTimeout\":\"1\"}}") } } },
	{ stop_as_it_wants, ERR_PROTOCOL, { { .request = INSPECT,
	  .then = PEER_CLOSE }, { .request = INSPECT,
	  .then = PEER_CLOSE } } },
	{ stop_in_12s, ERR_NONE, { { .request = STOP "?t=12",
	  ANSWER("204 No Content", "") } } },
	{ stop_in_12s, ERR_TIMEOUT, { { .request = STOP "?t=12",
	  ANSWER("504 Gateway Timeout", "") } } },
	{ stop_at_once, ERR_NONE, { { .request = STOP "?t=0", UNCHANGED } } },
	{ engine_start, ERR_NONE, { { .request = START,
	  .header = "Content-Length: 0", ANSWER("204 No Content", "") } } },
	{ engine_start, ERR_NONE, { { .request = START, UNCHANGED } } },
	{ engine_start, ERR_NOTFOUND, { { .request = START, GONE } } },
	{ engine_start, ERR_NOTFOUND, { { .request = START,
	  ANSWER("404 Not Found", "{\"cause\":\"no such container\","
	  "\"message\":\"no container with name or ID \\\"x\\\" found: "
	  "no such container\",\"response\":404}") } } },
	{ engine_start, ERR_REFUSED, { { .request = START,
	  ANSWER("404 Not Found",
	  "{\"message\":\"network 1 not found\"}") } } },
	{ engine_start, ERR_REFUSED, { { .request = START,
	  ANSWER("404 Not Found",
	  "{\"message\":\"service x not found\"}") } } },
	/* libcurl asks again where a kept connection went silently. */
	{ engine_start, ERR_PROTOCOL, { { .request = START,
	  .then = PEER_CLOSE }, { .request = START, .then = PEER_CLOSE } } },
	{ engine_pause, ERR_NONE, { { .request = PAUSE,
	  .header = "Content-Length: 0", ANSWER("204 No Content", "") } } },
	{ engine_pause, ERR_NONE, { { .request = PAUSE,
	  ANSWER("409 Conflict", "{\"message\":\"already\"}") },
	  { .request = INSPECT,
	  OK("{\"State\":{\"Running\":false,\"Paused\":true}}") } } },
	{ engine_pause, ERR_REFUSED, { { .request = PAUSE,
	  ANSWER("409 Conflict", "{\"message\":\"not running\"}") },
	  { .request = INSPECT,
	  OK("{\"State\":{\"Running\":false,\"Paused\":false}}") } } },
	{ engine_pause, ERR_REFUSED, { { .request = PAUSE,
	  ANSWER("500 E", "") }, { .request = INSPECT,
	  ANSWER("403 Forbidden", "") } } },
	{ engine_pause, ERR_NOTFOUND, { { .request = PAUSE, GONE } } },
	{ engine_pause, ERR_TIMEOUT, { { .request = PAUSE,
	  ANSWER("502 Bad Gateway", "") } } },
	{ engine_unpause, ERR_NONE, { { .request = UNPAUSE,
	  ANSWER("204 No Content", "") } } },
	{ engine_unpause, ERR_NONE, { { .request = UNPAUSE,
	  ANSWER("500 E", "{\"message\":\"is not paused\"}") },
	  { .request = INSPECT, OK("{\"State\":{\"Running\":true}}") } } },
	{ engine_unpause, ERR_REFUSED, { { .request = UNPAUSE,
	  ANSWER("500 E", "{\"message\":\"freezer\"}") },
	  { .request = INSPECT,
	  OK("{\"State\":{\"Running\":true,\"Paused\":true}}") } } },
};

static void
changes_of_state_have_their_outcomes(void **state)
{
	struct peer_step steps[4] = { PONG("1.41") };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		struct engine *engine;
		struct err err = ERR_INIT;
		struct peer *peer;
		int rc;

		memcpy(steps + 1, changes[i].steps, sizeof changes[i].steps);
		peer = peer_start_unix(steps, count_steps(steps, 4));
		engine = open_engine(peer);
		rc = changes[i].function(engine, ID, &err);
		assert_outcome(i, rc, &err, changes[i].kind, NULL);
		finish(engine, peer);
	}
}

static void
a_containers_state_is_decoded(void **state)
{
	static const struct {
		const char *body;
		struct container_state state;
	} rows[] = {
		{ "{\"State\":{\"Running\":true}}",
		  { true, false, HEALTH_NONE, false } },
		{ "{\"State\":{\"Running\":false},\"HostConfig\":{"
		  "\"AutoRemove\":true}}",
		  { false, false, HEALTH_NONE, true } },
		{ "{\"State\":{\"Running\":false,\"Paused\":true}}",
		  { true, true, HEALTH_NONE, false } },
		{ "{\"State\":{\"Running\":false,\"Restarting\":true}}",
		  { true, false, HEALTH_NONE, false } },
		{ "{\"State\":{\"Running\":true,\"Health\":null}}",
		  { true, false, HEALTH_NONE, false } },
		{ "{\"State\":{\"Running\":true,\"Health\":{\"Status\":"
		  "\"none\"}}}", { true, false, HEALTH_NONE, false } },
		{ "{\"State\":{\"Running\":true,\"Health\":{\"Status\":"
		  "\"starting\"}}}",
		  { true, false, HEALTH_STARTING, false } },
		{ "{\"State\":{\"Running\":true,\"Health\":{\"Status\":"
		  "\"healthy\"}}}", { true, false, HEALTH_HEALTHY, false } },
		{ "{\"State\":{\"Running\":true,\"Health\":{\"Status\":"
		  "\"unhealthy\"}}}",
		  { true, false, HEALTH_UNHEALTHY, false } },
		{ "{\"State\":{\"Running\":true,\"Health\":{\"Status\":"
		  "\"rather well\"}}}",
		  { true, false, HEALTH_STARTING, false } },
	};
	static const char *const bad[] = {
		"", "[]", "{}", "{\"State\":[]}", "{\"State\":{}}",
		"{\"State\":{\"Running\":1}}",
		"{\"State\":{\"Running\":true,\"Health\":{\"Status\":1}}}",
	};
	struct container_state got;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct err err = ERR_INIT;

		assert_int_equal(engine_json_state(rows[i].body,
		    strlen(rows[i].body), &got, &err), 0);
		assert_int_equal(got.running, rows[i].state.running);
		assert_int_equal(got.paused, rows[i].state.paused);
		assert_int_equal(got.health, rows[i].state.health);
		assert_int_equal(got.auto_remove, rows[i].state.auto_remove);
	}
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct err err = ERR_INIT;

		assert_int_equal(engine_json_state(bad[i], strlen(bad[i]),
		    &got, &err), -1);
		assert_message(&err, ERR_PROTOCOL, "GET /containers/ID/json");
	}
}

static void
an_id_is_one_segment_of_the_path(void **state)
{
	static const struct peer_step steps[] = { PONG("1.41"),
		{ .request = "POST /v1.41/containers/a%2F..%2Fb%3Fx/start",
		  ANSWER("204 No Content", "") } };
	struct peer *peer = peer_start_unix(STEPS(steps));
	struct engine *engine = open_engine(peer);
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(engine_start(engine, "a/../b?x", &err), 0);
	finish(engine, peer);
}

static void
the_stop_timeout_is_the_containers_own(void **state)
{
	static const struct {
		const char *body;
		double timeout_s;
	} rows[] = {
		{ "{}", 10 }, { "{\"Config\":null}", 10 },
		{ "{\"Config\":{}}", 10 }, { "{\"Config\":[]}", 10 },
		{ "{\"Config\":{\"StopTimeout\":null}}", 10 },
		{ "{\"Config\":{\"StopTimeout\":0}}", 0 },
		{ "{\"Config\":{\"StopTimeout\":3600}}", 3600 },
		{ "{\"Config\":{\"StopTimeout\":-1}}", -1 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct err err = ERR_INIT;
		double timeout_s = 99;

		assert_int_equal(engine_json_stop_timeout(rows[i].body,
		    strlen(rows[i].body), &timeout_s, &err), 0);
		assert_true(timeout_s >= rows[i].timeout_s &&
		    timeout_s <= rows[i].timeout_s);
	}
}

static void
a_stop_has_a_deadline_whatever_the_container_wants(void **state)
{
	static const struct {
		double timeout_s;
		double deadline_s;
		struct peer_step steps[3];
	} rows[] = {
#define WANTS(timeout) { PONG("1.41"), { .request = INSPECT,		\
    OK("{\"Config\":{\"StopTimeout\":" timeout "}}") },			\
    { .request = STOP, UNCHANGED } }
#define GIVEN(timeout) { PONG("1.41"), { .request = STOP "?t=" timeout,	\
    UNCHANGED } }
		{ -1, 90, WANTS("30") }, { -1, 3600, WANTS("-1") },
		{ -1, 3600, WANTS("3600") }, { -1, 3600, WANTS("1e300") },
		{ -1, 600, { PONG("1.41"), { .request = INSPECT,
		  ANSWER("403 Forbidden", "") },
		  { .request = STOP, UNCHANGED } } },
		{ 0, 60, GIVEN("0") }, { 12, 72, GIVEN("12") },
		{ 7200, 3600, GIVEN("7200") }, { 1e300, 3600, GIVEN("1000000") },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct peer *peer = peer_start_unix(rows[i].steps,
		    count_steps(rows[i].steps, 3));
		struct engine *engine = open_engine(peer);
		struct err err = ERR_INIT;
		int rc = engine_stop(engine, ID, rows[i].timeout_s, &err);

		assert_outcome(i, rc, &err, ERR_NONE, NULL);
		if (last_timeout_s < rows[i].deadline_s ||
		    last_timeout_s > rows[i].deadline_s)
			fail_msg("row %zu: %g s", i, last_timeout_s);
		finish(engine, peer);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    the_lower_of_both_versions_is_put_into_the_path),
		cmocka_unit_test(
		    a_configured_version_is_used_even_if_ping_is_refused),
		cmocka_unit_test(what_is_no_engine_is_not_opened),
		cmocka_unit_test(
		    a_host_that_cannot_be_used_is_a_configuration_error),
		cmocka_unit_test(nobody_at_the_address_is_unreachable),
		cmocka_unit_test(tcp_is_spoken_without_and_with_tls),
		cmocka_unit_test(
		    a_server_that_tls_does_not_trust_is_not_spoken_to),
		cmocka_unit_test(containers_are_decoded_and_sorted),
		cmocka_unit_test(volumes_are_decoded_and_sorted),
		cmocka_unit_test(a_malformed_answer_names_endpoint_and_field),
		cmocka_unit_test(labels_without_end_are_refused_quickly),
		cmocka_unit_test(lists_fail_with_the_engines_own_words),
		cmocka_unit_test(changes_of_state_have_their_outcomes),
		cmocka_unit_test(a_containers_state_is_decoded),
		cmocka_unit_test(an_id_is_one_segment_of_the_path),
		cmocka_unit_test(the_stop_timeout_is_the_containers_own),
		cmocka_unit_test(
		    a_stop_has_a_deadline_whatever_the_container_wants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
