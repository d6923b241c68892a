#define _GNU_SOURCE
#include "lib/docker/engine_archive.h"

#include <stdlib.h>
#include <string.h>

#include "lib/docker/engine_json_helper.h"
#include "test/unit/engine_peer.h"

#define ARCHIVE .request = "GET /v1.41/containers/" ID			\
	"/archive?path=%2Fa%20b%2F%3F"

struct taken {
	struct str bytes;
	bool fails;
};

static int
take(void *cookie, const void *bytes, size_t n, struct err *err)
{
	struct taken *taken = cookie;

	str_addn(&taken->bytes, bytes, n);
	return taken->fails ? err_set(err, ERR_NOSPACE, "mine") : 0;
}

static void
an_archive_comes_as_it_is_or_not_at_all(void **state)
{
	static const struct {
		enum err_kind kind;
		const char *needle;
		const char *bytes;
		bool fails;
		struct peer_step steps[2];
	} rows[] = {
		{ ERR_NONE, NULL, "tar", false, { PONG("1.41"), { ARCHIVE,
		  .answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked"
		  "\r\n\r\n2\r\nta\r\n1\r\nr\r\n0\r\n\r\n" } } },
		{ ERR_NOSPACE, "mine", "tar", true, { PONG("1.41"),
		  { ARCHIVE, OK("tar") } } },
		/* Cut off: not the end of an archive. */
		{ ERR_PROTOCOL, "GET /containers/ID/archive", "ta", false, {
		  PONG("1.41"), { ARCHIVE,
		  .answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked"
		  "\r\n\r\n2\r\nta\r\n1\r\n", .then = PEER_CLOSE } } },
		{ ERR_NOTFOUND, "archive: No such container", "", false, {
		  PONG("1.41"), { ARCHIVE, GONE } } },
		{ ERR_NOTFOUND, "Could not find the file", "", false, {
		  PONG("1.41"), { ARCHIVE, ANSWER("404 Not Found",
		  "{\"message\":\"Could not find the file /a in container "
		  "x\"}") } } },
		{ ERR_REFUSED, "page not found", "", false, { PONG("1.41"),
		  { ARCHIVE, ANSWER("404 Not Found",
		  "{\"message\":\"page not found\"}") } } },
		{ ERR_REFUSED, "cannot mount", "", false, { PONG("1.41"),
		  { ARCHIVE, ANSWER("500 E",
		  "{\"message\":\"cannot mount\"}") } } },
		/* Of a success there is only one. */
		{ ERR_REFUSED, "status 204", "", false, { PONG("1.41"),
		  { ARCHIVE, ANSWER("204 No Content", "") } } },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct peer *peer = peer_start_unix(rows[i].steps, 2);
		struct engine *engine = open_engine(peer);
		struct taken taken = { STR_INIT, rows[i].fails };
		struct err err = ERR_INIT;
		int rc = engine_archive(engine, ID, "/a b/?", take, &taken,
		    &err);

		assert_outcome(i, rc, &err, rows[i].kind, rows[i].needle);
		if (rows[i].fails)
			assert_string_equal(err.msg, "mine");
		str_add(&taken.bytes, "");
		assert_string_equal(taken.bytes.s, rows[i].bytes);
		str_free(&taken.bytes);
		finish(engine, peer);
	}
}

static void
the_smallest_image_is_taken(void **state)
{
	static const struct {
		enum err_kind kind;
		const char *text;	/* identifier, or of the message */
		const char *body;
	} rows[] = {
		{ ERR_NONE, "b", "[{\"Id\":\"a\",\"Size\":9000000000000},"
		  "{\"Id\":\"b\",\"Size\":12},{\"Id\":\"c\",\"Size\":12}]" },
		{ ERR_NOTFOUND, "no image at all", "[]" },
		{ ERR_PROTOCOL, "not JSON", "" },
		{ ERR_PROTOCOL, "not an array", "{}" },
		{ ERR_PROTOCOL, "Size", "[{\"Id\":\"a\"}]" },
		{ ERR_PROTOCOL, "Size", "[1]" },
		{ ERR_PROTOCOL, "Id", "[{\"Size\":1}]" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct err err = ERR_INIT;
		char *id = NULL;
		int rc = engine_json_smallest(rows[i].body,
		    strlen(rows[i].body), &id, &err);

		assert_outcome(i, rc, &err, rows[i].kind, rows[i].text);
		if (rc == 0)
			assert_string_equal(id, rows[i].text);
		free(id);
	}
}

#define MAKE .request = "POST /v1.41/containers/create"
#define IMAGE .request = "GET /v1.41/images/sha256%3Ai/json"
#define BODY(masks) BODY_AS("true", masks)
#define BODY_AS(readonly, masks) "{\"Labels\":{\"vbackup.helper\":\"run\\\"1\"},"	\
	"\"Cmd\":[\"true\"],\"HostConfig\":{\"Mounts\":[{\"Type\":"	\
	"\"volume\",\"Target\":\"/volume\",\"Source\":\"v\","		\
	"\"ReadOnly\":" readonly ",\"VolumeOptions\":{\"NoCopy\":true}}" masks "],"\
	"\"NetworkMode\":\"none\"},\"Image\":\"sha256:i\"}"
#define MASK(path) ",{\"Type\":\"tmpfs\",\"Target\":\"" path "\"}"

/* What the image declares as volumes would be made anew for each helper, and
 * stay behind. */
static void
a_helper_has_the_volume_and_makes_none(void **state)
{
	static const struct {
		enum err_kind kind;
		struct peer_step steps[3];
		bool writable;
	} rows[] = {
		{ ERR_NONE, { PONG("1.41"), { IMAGE, OK("{\"Config\":{"
		  "\"Volumes\":null}}") }, { MAKE, .body = BODY(""),
		  ANSWER("201 Created", "{\"Id\":\"c1\"}") } } },
		{ ERR_NONE, { PONG("1.41"), { IMAGE, OK("{\"Config\":{"
		  "\"Volumes\":{\"/data\":{},\"/volume\":{},\"/volume/x\":{},"
		  "\"/volumes\":{}}}}") },
		  { MAKE, .body = BODY(MASK("/data") MASK("/volumes")),
		  ANSWER("201 Created", "{\"Id\":\"c1\"}") } } },
		{ ERR_NONE, { PONG("1.41"), { IMAGE,
		  ANSWER("403 Forbidden", "") }, { MAKE, .body = BODY(""),
		  ANSWER("201 Created", "{\"Id\":\"c1\"}") } } },
		{ ERR_NONE, { PONG("1.41"), { IMAGE, OK("{}") },
		  { MAKE, .body = BODY_AS("false", ""),
		  ANSWER("201 Created", "{\"Id\":\"c1\"}") } },
		  .writable = true },
		{ ERR_PROTOCOL, { PONG("1.41"), { IMAGE, OK("[") } } },
		{ ERR_TIMEOUT, { PONG("1.41"), { IMAGE,
		  ANSWER("504 Late", "") } } },
		{ ERR_REFUSED, { PONG("1.41"), { IMAGE, OK("{}") },
		  { MAKE, .body = BODY(""), ANSWER("404 Not Found",
		  "{\"message\":\"No such image: i\"}") } } },
		{ ERR_PROTOCOL, { PONG("1.41"), { IMAGE, OK("{}") },
		  { MAKE, .body = BODY(""), ANSWER("201 Created", "{}") } } },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct peer *peer = peer_start_unix(rows[i].steps,
		    count_steps(rows[i].steps, 3));
		struct engine *engine = open_engine(peer);
		struct err err = ERR_INIT;
		char *id = NULL;
		int rc = engine_helper(engine, "sha256:i", "v", "run\"1",
		    rows[i].writable, &id, &err);

		assert_outcome(i, rc, &err, rows[i].kind, NULL);
		if (rc == 0)
			assert_string_equal(id, "c1");
		free(id);
		finish(engine, peer);
	}
}

#define REMOVE(id) .request = "DELETE /v1.41/containers/" id

static void
what_is_not_there_need_not_be_removed(void **state)
{
	static const struct {
		enum err_kind kind;
		struct peer_step steps[2];
	} rows[] = {
		{ ERR_NONE, { PONG("1.41"), { REMOVE(ID),
		  ANSWER("204 No Content", "") } } },
		{ ERR_NONE, { PONG("1.41"), { REMOVE(ID), GONE } } },
		{ ERR_NONE, { PONG("1.41"), { REMOVE(ID),
		  ANSWER("409 Conflict", "{\"message\":\"removal of container "
		  "x is already in progress\"}") } } },
		{ ERR_REFUSED, { PONG("1.41"), { REMOVE(ID),
		  ANSWER("409 Conflict", "{\"message\":\"You cannot remove a "
		  "running container\"}") } } },
		{ ERR_REFUSED, { PONG("1.41"), { REMOVE(ID),
		  ANSWER("404 Not Found", "page not found") } } },
		{ ERR_TIMEOUT, { PONG("1.41"), { REMOVE(ID),
		  ANSWER("504 Late", "") } } },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct peer *peer = peer_start_unix(rows[i].steps, 2);
		struct engine *engine = open_engine(peer);
		struct err err = ERR_INIT;
		int rc = engine_remove(engine, ID, &err);

		assert_outcome(i, rc, &err, rows[i].kind, NULL);
		finish(engine, peer);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_archive_comes_as_it_is_or_not_at_all),
		cmocka_unit_test(the_smallest_image_is_taken),
		cmocka_unit_test(a_helper_has_the_volume_and_makes_none),
		cmocka_unit_test(what_is_not_there_need_not_be_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
