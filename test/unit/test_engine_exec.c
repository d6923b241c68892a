#define _GNU_SOURCE
#include "lib/docker/engine_exec.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/intr.h"
#include "lib/docker/engine_frames.h"
#include "test/unit/engine_peer.h"

#define HEAD "HTTP/1.1 200 OK\r\nContent-Type: "			\
	"application/vnd.docker.raw-stream\r\n\r\n"
/* What a command prints, until the connection is closed. */
#define PRINTS(bytes)							\
	.answer = HEAD bytes, .answer_len = sizeof (HEAD bytes) - 1,	\
	.then = PEER_CLOSE
#define OUT3 "\1\0\0\0\0\0\0\3"
#define ERR2 "\2\0\0\0\0\0\0\2"

#define CREATE .request = "POST /v1.41/containers/" ID "/exec"
#define CMD(more) "{\"AttachStdout\":true,\"AttachStderr\":true,"	\
	"\"Tty\":false,\"Cmd\":[\"sh\",\"-c\",\"a \\\"b\\\"\"]" more "}"
#define MADE ANSWER("201 Created", "{\"Id\":\"e1\"}")
#define START .request = "POST /v1.41/exec/e1/start",			\
	.body = "{\"Detach\":false,\"Tty\":false}"
#define LOOK .request = "GET /v1.41/exec/e1/json"
#define ENDED(status)							\
	OK("{\"Running\":false,\"Pid\":7,\"ExitCode\":" status "}")

static const char *const argv[] = { "sh", "-c", "a \"b\"", NULL };
static const char *const env[] = { "A=1", "B=", NULL };

struct heard {
	struct str text;
	bool fails;
	bool raises;
};

static int
hear(void *cookie, const void *bytes, size_t n, struct err *err)
{
	struct heard *heard = cookie;

	str_addn(&heard->text, bytes, n);
	if (heard->raises)
		assert_int_equal(raise(SIGTERM), 0);
	return heard->fails ? err_set(err, ERR_NOSPACE, "mine") : 0;
}

#define MAX_STEPS 5

static const struct {
	struct engine_exec exec;
	enum err_kind kind;
	const char *needle;
	int status;
	const char *heard;
	struct peer_step steps[MAX_STEPS];
} rows[] = {
	{ { .argv = argv }, ERR_NONE, NULL, 3, "outouer", {
	  { CREATE, .body = CMD(""), MADE },
	  { START, PRINTS(OUT3 "out" OUT3 "ou" "e" "\2\0\0\0\0\0\0\0"
	  "\2\0\0\0\0\0\0\1" "r") }, { LOOK, ENDED("3") } } },
	{ { .argv = argv, .env = env, .user = "db:db" }, ERR_NONE, NULL, 0,
	  "", { { CREATE, .body = CMD(",\"Env\":[\"A=1\",\"B=\"],"
	  "\"User\":\"db:db\""), MADE },
	  { START, PRINTS("") }, { LOOK, ENDED("0") } } },
	/* It may close its output, and go on. */
	{ { .argv = argv, .timeout_s = 60 }, ERR_NONE, NULL, 7, "", {
	  { CREATE, .body = CMD(""), MADE }, { START, PRINTS("") },
	  { LOOK, OK("{\"Running\":true,\"ExitCode\":null}") },
	  { LOOK, ENDED("7") } } },
	/* Podman of some versions tells no Pid. */
	{ { .argv = argv }, ERR_NONE, NULL, 127, "", {
	  { CREATE, .body = CMD(""), MADE }, { START, PRINTS("") },
	  { LOOK, OK("{\"Running\":false,\"ExitCode\":127}") } } },

	{ { .argv = argv }, ERR_NOTFOUND, "POST /containers/ID/exec", 0, "", {
	  { CREATE, .body = CMD(""), GONE } } },
	{ { .argv = argv }, ERR_REFUSED, "is not running", 0, "", {
	  { CREATE, .body = CMD(""), ANSWER("409 Conflict",
	  "{\"message\":\"Container x is not running\"}") } } },
	{ { .argv = argv }, ERR_PROTOCOL, "exec: Id", 0, "", {
	  { CREATE, .body = CMD(""), ANSWER("201 Created", "{}") } } },
	{ { .argv = argv }, ERR_REFUSED, "POST /exec/ID/start: no", 0, "", {
	  { CREATE, .body = CMD(""), MADE },
	  { START, ANSWER("500 E", "{\"message\":\"no\"}") } } },
	/* The Engine says so as if the command had said it. */
	{ { .argv = argv }, ERR_REFUSED, "cannot start the command: out", 0,
	  "out\r\n", { { CREATE, .body = CMD(""), MADE },
	  { START, PRINTS("\1\0\0\0\0\0\0\5" "out\r\n") },
	  { LOOK, OK("{\"Running\":false,\"Pid\":0,\"ExitCode\":127}") } } },

	{ { .argv = argv }, ERR_PROTOCOL, "no frame", 0, "", {
	  { CREATE, .body = CMD(""), MADE },
	  { START, PRINTS("hello, world") } } },
	{ { .argv = argv }, ERR_PROTOCOL, "cut off", 0, "ou", {
	  { CREATE, .body = CMD(""), MADE },
	  { START, PRINTS(OUT3 "ou") } } },
	{ { .argv = argv }, ERR_PROTOCOL, "cut off", 0, "", {
	  { CREATE, .body = CMD(""), MADE },
	  { START, PRINTS("\1\0\0") } } },
	{ { .argv = argv }, ERR_PROTOCOL, "ExitCode", 0, "", {
	  { CREATE, .body = CMD(""), MADE }, { START, PRINTS("") },
	  { LOOK, OK("{\"Running\":false,\"ExitCode\":null}") } } },
	{ { .argv = argv }, ERR_PROTOCOL, "ExitCode", 0, "", {
	  { CREATE, .body = CMD(""), MADE }, { START, PRINTS("") },
	  { LOOK, OK("{\"Running\":false,\"ExitCode\":1e10}") } } },
	{ { .argv = argv }, ERR_PROTOCOL, "Running", 0, "", {
	  { CREATE, .body = CMD(""), MADE }, { START, PRINTS("") },
	  { LOOK, OK("{}") } } },

	{ { .argv = argv, .timeout_s = 0.3 }, ERR_TIMEOUT,
	  "did not end within 300ms (it may still run", 0, "out", {
	  { CREATE, .body = CMD(""), MADE },
	  { START, .answer = HEAD OUT3 "out",
	  .answer_len = sizeof (HEAD OUT3 "out") - 1,
	  .then = PEER_STALL } } },
};

static void
a_command_has_its_outcomes(void **state)
{
	struct peer_step steps[MAX_STEPS + 1] = { PONG("1.41") };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct heard heard = { .text = STR_INIT };
		struct engine_exec exec = rows[i].exec;
		struct engine *engine;
		struct err err = ERR_INIT;
		struct peer *peer;
		int rc, status = -99;

		exec.output = hear;
		exec.cookie = &heard;
		memcpy(steps + 1, rows[i].steps, sizeof rows[i].steps);
		peer = peer_start_unix(steps, count_steps(steps,
		    MAX_STEPS + 1));
		engine = open_engine(peer);
		rc = engine_exec_run(engine, ID, &exec, &status, &err);
		assert_outcome(i, rc, &err, rows[i].kind, rows[i].needle);
		assert_int_equal(status, rc == 0 ? rows[i].status : -99);
		str_add(&heard.text, "");
		assert_string_equal(heard.text.s, rows[i].heard);
		str_free(&heard.text);
		finish(engine, peer);
	}
}

static void
one_that_goes_on_in_silence_has_its_deadline_too(void **state)
{
	static struct peer_step steps[40] = { PONG("1.41"),
		{ CREATE, .body = CMD(""), MADE }, { START, PRINTS("") } };
	static const struct peer_step look = {
		LOOK, OK("{\"Running\":true,\"ExitCode\":null}")
	};
	const struct engine_exec exec = { .argv = argv, .timeout_s = 0.2 };
	struct engine *engine;
	struct err err = ERR_INIT;
	struct peer *peer;
	size_t i;
	int status;

	(void)state;
	for (i = 3; i < 40; i++)
		steps[i] = look;
	peer = peer_start_unix(steps, 40);
	engine = open_engine(peer);
	assert_int_equal(engine_exec_run(engine, ID, &exec, &status, &err),
	    -1);
	assert_message(&err, ERR_TIMEOUT, "did not end within 200ms");
	assert_true(peer->done >= 4);
	peer->n_steps = peer->done;	/* how often it looked is its affair */
	finish(engine, peer);
}

static void
what_output_says_comes_out_unchanged(void **state)
{
	static const struct peer_step steps[] = { PONG("1.41"),
		{ CREATE, .body = CMD(""), MADE },
		{ START, PRINTS(OUT3 "out" ERR2 "er") } };
	struct peer *peer = peer_start_unix(STEPS(steps));
	struct engine *engine = open_engine(peer);
	struct heard heard = { .text = STR_INIT, .fails = true };
	const struct engine_exec exec = {
		.argv = argv, .output = hear, .cookie = &heard
	};
	struct err err = ERR_INIT;
	int status;

	(void)state;
	assert_int_equal(engine_exec_run(engine, ID, &exec, &status, &err),
	    -1);
	assert_int_equal(err.kind, ERR_NOSPACE);
	assert_string_equal(err.msg, "mine");
	str_free(&heard.text);
	finish(engine, peer);
}

static void
nobody_has_to_listen(void **state)
{
	static const struct peer_step steps[] = { PONG("1.41"),
		{ CREATE, .body = CMD(""), MADE },
		{ START, PRINTS(OUT3 "out") }, { LOOK, ENDED("0") } };
	struct peer *peer = peer_start_unix(STEPS(steps));
	struct engine *engine = open_engine(peer);
	const struct engine_exec exec = { .argv = argv };
	struct err err = ERR_INIT;
	int status = -1;

	(void)state;
	assert_int_equal(engine_exec_run(engine, ID, &exec, &status, &err),
	    0);
	assert_int_equal(status, 0);
	finish(engine, peer);
}

static void
frames_may_come_in_pieces_of_any_size(void **state)
{
	static const char before[] = OUT3 "out" "\2\0\0\0\0\0\0\0" ERR2 "er"
	    "\1\0\0\0\0\0\1\4";	/* 260 bytes */
	static const char after[] = OUT3 "end";
	const size_t n_before = sizeof before - 1;
	const size_t n = n_before + 260 + sizeof after - 1;
	char bytes[512];
	size_t piece, at, step;

	(void)state;
	memcpy(bytes, before, n_before);
	memset(bytes + n_before, 'x', 260);
	memcpy(bytes + n_before + 260, after, sizeof after - 1);
	for (piece = 1; piece <= n; piece++) {
		struct heard heard = { .text = STR_INIT };
		struct frames frames = { .output = hear, .cookie = &heard };
		struct err err = ERR_INIT;

		for (at = 0; at < n; at += step) {
			step = n - at < piece ? n - at : piece;
			assert_int_equal(frames_feed(&frames, bytes + at,
			    step, &err), 0);
		}
		assert_true(frames_whole(&frames));
		assert_int_equal(heard.text.len, 3 + 2 + 260 + 3);
		assert_memory_equal(heard.text.s, "outerxxx", 8);
		assert_memory_equal(heard.text.s + 262, "xxxend", 6);
		str_free(&heard.text);
	}
}

static void
what_is_no_frame_is_refused(void **state)
{
	static const char *const heads[] = {
		"\4\0\0\0\0\0\0\1x", "\1\1\0\0\0\0\0\1x", "\1\0\1\0\0\0\0\1x",
		"\1\0\0\1\0\0\0\1x", "\377\0\0\0\0\0\0\1x",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof heads / sizeof heads[0]; i++) {
		struct heard heard = { .text = STR_INIT };
		struct frames frames = { .output = hear, .cookie = &heard };
		struct err err = ERR_INIT;

		assert_int_equal(frames_feed(&frames, heads[i], 9, &err), -1);
		assert_message(&err, ERR_PROTOCOL, "no frame begins with");
		assert_int_equal(heard.text.len, 0);
	}
}

/* Both in one: what came before must not be looked at again, and engine_open
 * itself is ended by a signal. */
static void
a_signal_ends_it_but_not_what_runs_after_it(void **state)
{
	static const struct peer_step steps[] = { PONG("1.41"),
		{ CREATE, .body = CMD(""), MADE },
		{ START, .answer = HEAD OUT3 "out",
		  .answer_len = sizeof (HEAD OUT3 "out") - 1,
		  .then = PEER_STALL },
		{ CREATE, .body = CMD(""), MADE },
		{ START, PRINTS(OUT3 "out"), .delay_s = 0.3 },
		{ LOOK, OK("{\"Running\":true,\"ExitCode\":null}") },
		{ LOOK, ENDED("5") } };
	struct peer *peer = peer_start_unix(STEPS(steps));
	struct engine *engine = open_engine(peer);
	struct heard heard = { .text = STR_INIT, .raises = true };
	struct engine_exec exec = {
		.argv = argv, .output = hear, .cookie = &heard
	};
	struct err err = ERR_INIT;
	int status;

	(void)state;
	assert_int_equal(intr_install(&err), 0);
	assert_int_equal(engine_exec_run(engine, ID, &exec, &status, &err),
	    -1);
	assert_message(&err, ERR_INTERRUPTED, "POST /exec/ID/start");
	exec.output = NULL;
	if (engine_exec_run(engine, ID, &exec, &status, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(status, 5);
	str_free(&heard.text);
	finish(engine, peer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_command_has_its_outcomes),
		cmocka_unit_test(
		    one_that_goes_on_in_silence_has_its_deadline_too),
		cmocka_unit_test(what_output_says_comes_out_unchanged),
		cmocka_unit_test(nobody_has_to_listen),
		cmocka_unit_test(frames_may_come_in_pieces_of_any_size),
		cmocka_unit_test(what_is_no_frame_is_refused),
		/* The last one: a signal cannot be taken back. */
		cmocka_unit_test(a_signal_ends_it_but_not_what_runs_after_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
