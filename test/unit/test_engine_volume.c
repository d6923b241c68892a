#define _GNU_SOURCE
#include "lib/docker/engine_volume.h"

#include <stdlib.h>
#include <string.h>

#include "test/unit/engine_peer.h"

#define MADE "{\"Name\":\"db\",\"Driver\":\"local\",\"Mountpoint\":\"/m\","\
	"\"Labels\":{\"a\":\"b\"},\"Options\":null,\"Scope\":\"local\"}"
#define MAKE .request = "POST /v1.41/volumes/create"

static void
add(struct strmap *map, const char *key, const char *value)
{
	struct err err = ERR_INIT;

	assert_int_equal(strmap_add(map, key, value, &err), 0);
}

static void
a_volume_is_made_as_it_was(void **state)
{
	static const struct {
		enum err_kind kind;
		const char *driver;
		const char *needle;
		struct peer_step steps[2];
	} rows[] = {
		{ ERR_NONE, "local", NULL, { PONG("1.41"), { MAKE,
		  .body = "{\"Name\":\"db\",\"Driver\":\"local\","
		  "\"DriverOpts\":{\"type\":\"none\",\"o\":\"bind\"},"
		  "\"Labels\":{\"a\":\"\\\"b\\\"\"}}",
		  ANSWER("201 Created", MADE) } } },
		{ ERR_NONE, NULL, NULL, { PONG("1.41"), { MAKE,
		  .body = "{\"Name\":\"db\"}",
		  ANSWER("201 Created", MADE) } } },
		{ ERR_REFUSED, "", "not found", { PONG("1.41"), { MAKE,
		  .body = "{\"Name\":\"db\"}",
		  ANSWER("404 Not Found",
		  "{\"message\":\"plugin not found\"}") } } },
		{ ERR_PROTOCOL, "", "Name", { PONG("1.41"), { MAKE,
		  .body = "{\"Name\":\"db\"}",
		  ANSWER("201 Created", "{}") } } },
		{ ERR_TIMEOUT, "", NULL, { PONG("1.41"), { MAKE,
		  .body = "{\"Name\":\"db\"}",
		  ANSWER("504 Late", "") } } },
	};
	CLEANUP(strmap_free) struct strmap options = STRMAP_INIT;
	CLEANUP(strmap_free) struct strmap labels = STRMAP_INIT;
	size_t i;

	(void)state;
	add(&options, "type", "none");
	add(&options, "o", "bind");
	add(&labels, "a", "\"b\"");
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct engine_volume_wanted wanted = { "db",
			rows[i].driver, i == 0 ? &options : NULL,
			i == 0 ? &labels : NULL };
		struct peer *peer = peer_start_unix(rows[i].steps, 2);
		struct engine *engine = open_engine(peer);
		struct volume made = { .name = NULL };
		struct err err = ERR_INIT;
		int rc = engine_volume_create(engine, &wanted, &made, &err);

		assert_outcome(i, rc, &err, rows[i].kind, rows[i].needle);
		if (rc == 0) {
			assert_string_equal(made.mountpoint, "/m");
			assert_string_equal(strmap_get(&made.labels, "a"),
			    "b");
		}
		engine_volume_free(&made);
		finish(engine, peer);
	}
}

static void
a_volume_is_removed_unless_somebody_has_it(void **state)
{
#define REMOVE .request = "DELETE /v1.41/volumes/d%20b"
	static const struct {
		enum err_kind kind;
		struct peer_step steps[2];
	} rows[] = {
		{ ERR_NONE, { PONG("1.41"), { REMOVE,
		  ANSWER("204 No Content", "") } } },
		{ ERR_NONE, { PONG("1.41"), { REMOVE,
		  ANSWER("404 Not Found", "{\"message\":\"get d b: no such "
		  "volume\"}") } } },
		{ ERR_REFUSED, { PONG("1.41"), { REMOVE,
		  ANSWER("404 Not Found", "page not found") } } },
		{ ERR_REFUSED, { PONG("1.41"), { REMOVE,
		  ANSWER("409 Conflict", "{\"message\":\"volume is in use\"}")
		  } } },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct peer *peer = peer_start_unix(rows[i].steps, 2);
		struct engine *engine = open_engine(peer);
		struct err err = ERR_INIT;
		int rc = engine_volume_remove(engine, "d b", &err);

		assert_outcome(i, rc, &err, rows[i].kind, NULL);
		finish(engine, peer);
	}
}

/* --- files --------------------------------------------------------------- */

struct giving {
	const char *text;
	bool fails;
};

static int
give(void *cookie, void *bytes, size_t n, size_t *ret_n, struct err *err)
{
	struct giving *giving = cookie;

	if (giving->fails)
		return err_set(err, ERR_SOURCE, "mine: all of it");
	*ret_n = strlen(giving->text) < 2 ? strlen(giving->text) : 2;
	assert_true(*ret_n <= n);
	memcpy(bytes, giving->text, *ret_n);
	giving->text += *ret_n;
	return 0;
}

#define PUT .request = "PUT /v1.41/containers/" ID			\
	"/archive?path=%2Fa%20b&noOverwriteDirNonDir=1"
#define CHUNKS .body = "2\r\nta\r\n1\r\nr\r\n0\r\n\r\n"

static void
a_tar_of_any_length_is_put(void **state)
{
	static const struct {
		enum err_kind kind;
		const char *needle;
		struct peer_step steps[2];
	} rows[] = {
		{ ERR_NONE, NULL, { PONG("1.41"), { PUT, CHUNKS,
		  .header = "Content-Type: application/x-tar", OK("") } } },
		{ ERR_NOTFOUND, "No such container", { PONG("1.41"), { PUT,
		  CHUNKS, GONE } } },
		{ ERR_NOTFOUND, "Could not find", { PONG("1.41"), { PUT,
		  CHUNKS, ANSWER("404 Not Found", "{\"message\":\"Could not "
		  "find the file /a b\"}") } } },
		{ ERR_REFUSED, "no space left", { PONG("1.41"), { PUT, CHUNKS,
		  ANSWER("500 E", "{\"message\":\"no space left on device\"}")
		  } } },
		/* Of a success there is only one. */
		{ ERR_REFUSED, "status 204", { PONG("1.41"), { PUT, CHUNKS,
		  ANSWER("204 No Content", "") } } },
	};
	static const struct peer_step pong[] = { PONG("1.41") };
	struct giving dry = { "tar", true };
	struct err err = ERR_INIT;
	struct engine *engine;
	struct peer *peer;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct giving giving = { "tar", false };
		struct err why = ERR_INIT;
		int rc;

		peer = peer_start_unix(rows[i].steps, 2);
		engine = open_engine(peer);
		rc = engine_put(engine, ID, "/a b", give, &giving, &why);
		assert_outcome(i, rc, &why, rows[i].kind, rows[i].needle);
		finish(engine, peer);
	}
	peer = peer_start_unix(pong, 1);
	engine = open_engine(peer);
	assert_int_equal(engine_put(engine, ID, "/a b", give, &dry, &err), -1);
	assert_int_equal(err.kind, ERR_SOURCE);
	assert_string_equal(err.msg, "mine: all of it");
	finish(engine, peer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_volume_is_made_as_it_was),
		cmocka_unit_test(a_volume_is_removed_unless_somebody_has_it),
		cmocka_unit_test(a_tar_of_any_length_is_put),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
