#define _GNU_SOURCE
#include "lib/docker/engine_exec.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/intr.h"
#include "lib/docker/engine_call.h"
#include "lib/docker/engine_frames.h"
#include "lib/docker/engine_json.h"
#include "lib/docker/engine_json_exec.h"

#define LOOK_S 0.1	/* between two looks at whether it has ended */

/* One command on its way. */
struct going {
	struct engine *engine;
	const struct engine_exec *exec;
	char *id;		/* of the exec, not of the container */
	double end_s;		/* clock_mono_s; 0: no end */
	/* A signal that came before does not end it: what must run after one
	 * is run in the same way. */
	bool interruptible;
	struct frames frames;
	char said[256];		/* the beginning of what it printed */
	size_t said_len;
	bool output_failed;
};

static void
going_free(struct going *going)
{
	cleanup_free(&going->id);
}

/* What output has got. */
static int
hear(void *cookie, const void *bytes, size_t n, struct err *err)
{
	struct going *going = cookie;
	size_t room = sizeof going->said - 1 - going->said_len;

	if (room > n)
		room = n;
	memcpy(going->said + going->said_len, bytes, room);
	going->said_len += room;
	if (going->exec->output == NULL ||
	    going->exec->output(going->exec->cookie, bytes, n, err) == 0)
		return 0;
	going->output_failed = true;
	return -1;
}

static int
feed(void *cookie, const void *bytes, size_t n, struct err *err)
{
	struct going *going = cookie;

	return frames_feed(&going->frames, bytes, n, err);
}

static int
create(struct going *going, const char *container, struct err *err)
{
	const struct engine_endpoint endpoint = {
		.method = "POST", .before = "/containers/", .id = container,
		.after = "/exec"
	};
	CLEANUP(http_response_free) struct http_response response =
	    HTTP_RESPONSE_INIT;
	CLEANUP(cleanup_free) char *body = NULL;

	if (engine_json_exec_request(going->exec, &body, err) < 0 ||
	    engine_post(going->engine, &endpoint, body, &response, err) < 0)
		return -1;
	return engine_json_id(response.body, response.body_len,
	    "POST /containers/ID/exec", &going->id, err);
}

static int
too_late(const struct going *going, struct err *err)
{
	char span[CLOCK_SPAN_BYTES];

	clock_span(going->exec->timeout_s, span);
	return err_set(err, ERR_TIMEOUT, "the command did not end within %s "
	    "(it may still run in the container)", span);
}

/* Starts it; comes back when it has closed its output. */
static int
start(struct going *going, struct err *err)
{
	static const char body[] = "{\"Detach\":false,\"Tty\":false}";
	const struct engine_endpoint endpoint = {
		.method = "POST", .before = "/exec/", .id = going->id,
		.after = "/start"
	};
	const struct http_request request = {
		.body = body, .body_len = sizeof body - 1,
		.timeout_s = going->exec->timeout_s,
		.interruptible = going->interruptible,
		.write = feed, .cookie = going
	};
	CLEANUP(http_response_free) struct http_response response =
	    HTTP_RESPONSE_INIT;

	if (engine_call(going->engine, &endpoint, &request, &response,
	    err) < 0)
		return err->kind == ERR_TIMEOUT && !going->output_failed ?
		    too_late(going, err) : -1;
	if (response.status / 100 != 2)
		return engine_refused(&endpoint, &response, err);
	if (!frames_whole(&going->frames))
		return err_set(err, ERR_PROTOCOL, "malformed answer to "
		    "POST /exec/ID/start: it was cut off");
	return 0;
}

static int
look(struct going *going, struct exec_state *ret, struct err *err)
{
	const struct engine_endpoint endpoint = {
		.method = "GET", .before = "/exec/", .id = going->id,
		.after = "/json"
	};
	CLEANUP(http_response_free) struct http_response response =
	    HTTP_RESPONSE_INIT;

	if (engine_get(going->engine, &endpoint, going->interruptible,
	    &response, err) < 0)
		return -1;
	return engine_json_exec_state(response.body, response.body_len, ret,
	    err);
}

/* A command may close its output, and go on. */
static int
await_end(struct going *going, struct exec_state *ret, struct err *err)
{
	for (;;) {
		if (look(going, ret, err) < 0)
			return -1;
		if (!ret->running)
			return 0;
		if (going->end_s > 0 && clock_mono_s() >= going->end_s)
			return too_late(going, err);
		if (going->interruptible && intr_check(err) < 0)
			return -1;
		engine_wait(LOOK_S);
	}
}

/* The Engine says why it cannot run a command as if the command said so. */
static int
take_status(struct going *going, const struct exec_state *state,
    int *ret_status, struct err *err)
{
	if (!state->ended)
		return err_set(err, ERR_PROTOCOL, "malformed answer to "
		    "GET /exec/ID/json: it does not run, and has no ExitCode");
	if (!state->began && state->status != 0)
		return err_set(err, ERR_REFUSED, "the Engine cannot start "
		    "the command: %.*s", (int)strcspn(going->said, "\r\n"),
		    going->said);
	*ret_status = state->status;
	return 0;
}

int
engine_exec_run(struct engine *engine, const char *id,
    const struct engine_exec *exec, int *ret_status, struct err *err)
{
	CLEANUP(going_free) struct going going = {
		.engine = engine, .exec = exec,
		.interruptible = intr_signal() == 0,
		.frames = { .output = hear }
	};
	struct exec_state state = { .running = false };

	going.frames.cookie = &going;
	if (create(&going, id, err) < 0)
		return -1;
	if (exec->timeout_s > 0)
		going.end_s = clock_mono_s() + exec->timeout_s;
	if (start(&going, err) < 0 || await_end(&going, &state, err) < 0)
		return -1;
	return take_status(&going, &state, ret_status, err);
}
