#define _GNU_SOURCE
#include "lib/docker/quiesce.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/intr.h"
#include "test/unit/peer.h"

#define MOST 8

struct made {			/* containers from a table's rows */
	struct container v[MOST];
	const struct container *pointers[MOST];
	size_t n;
};

static void
add_label(struct container *container, const char *key, const char *value)
{
	struct err err = ERR_INIT;

	if (value != NULL)
		assert_int_equal(strmap_add(&container->labels, key, value,
		    &err), 0);
}

static void
add(struct made *made, const char *name, const char *project,
    const char *service, const char *depends_on)
{
	struct container *container = &made->v[made->n];

	assert_true(made->n < MOST);
	*container = (struct container){ .running = true };
	container->id = strdup(name);
	container->name = strdup(name);
	add_label(container, "com.docker.compose.project", project);
	add_label(container, "com.docker.compose.service", service);
	add_label(container, "com.docker.compose.depends_on", depends_on);
	made->pointers[made->n++] = container;
}

static void
made_free(struct made *made)
{
	size_t i;

	for (i = 0; i < made->n; i++) {
		free(made->v[i].id);
		free(made->v[i].name);
		strmap_free(&made->v[i].labels);
	}
	made->n = 0;
}

static void
assert_order(const struct made *made, const char *expected)
{
	CLEANUP(str_free) struct str order = STR_INIT;
	struct quiesce quiesce;
	struct err err = ERR_INIT;
	size_t i;

	assert_int_equal(quiesce_init(NULL, made->pointers, made->n, &quiesce,
	    &err), 0);
	str_add(&order, "");
	for (i = 0; i < quiesce.n; i++) {
		str_addf(&order, "%s%s", i != 0 ? " " : "",
		    quiesce.units[i].container->name);
		assert_false(quiesce.units[i].touched);
	}
	assert_string_equal(order.s, expected);
	quiesce_free(&quiesce);
}

static void
dependents_stop_before_what_they_depend_on(void **state)
{
	static const struct {
		struct {
			const char *name, *project, *service, *depends_on;
		} containers[MOST];
		const char *order;
	} rows[] = {
		{ { { NULL, NULL, NULL, NULL } }, "" },
		{ { { "c", NULL, NULL, NULL }, { "a", NULL, NULL, NULL },
		    { "b", NULL, NULL, NULL } }, "a b c" },
		{ { { "a-db", "p", "db", NULL },
		    { "z-web", "p", "web", "db:service_healthy:false" } },
		  "z-web a-db" },
		{ { { "a", "p", "db", "" }, { "b", "p", "cache", "db" },
		    { "c", "p", "web", "db,cache" } }, "c b a" },
		{ { { "a", "p", "db", NULL }, { "b", "p", "cache", NULL },
		    { "c", "p", "web", "db:service_healthy:false,"
		    "cache:service_started:true" } }, "c a b" },
		/* another project, no project, an unknown service, itself */
		{ { { "a", "p", "db", NULL }, { "b", "q", "web", "db" } },
		  "a b" },
		{ { { "a", NULL, "db", NULL }, { "b", NULL, "web", "db" } },
		  "a b" },
		{ { { "a", "p", "db", "no,db,, :x" } }, "a" },
		{ { { "a", "p", "db", NULL }, { "b", "p", "web", "d,dbx" } },
		  "a b" },
		/* a scaled service, on both sides */
		{ { { "db-1", "p", "db", NULL }, { "db-2", "p", "db", NULL },
		    { "web-1", "p", "web", "db" },
		    { "web-2", "p", "web", "db" } }, "web-1 web-2 db-1 db-2" },
		/* cycles: alone; with one above and one below it */
		{ { { "b", "p", "b", "a" }, { "a", "p", "a", "b" } }, "a b" },
		{ { { "c", "p", "c", "a" }, { "b", "p", "b", "c" },
		    { "a", "p", "a", "b" } }, "a b c" },
		{ { { "a-base", "p", "base", NULL },
		    { "b", "p", "b", "c,base" }, { "c", "p", "c", "b" },
		    { "z-top", "p", "top", "c" } }, "z-top b c a-base" },
	};
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct made made = { .n = 0 };

		for (j = 0; j < MOST && rows[i].containers[j].name != NULL; j++)
			add(&made, rows[i].containers[j].name,
			    rows[i].containers[j].project,
			    rows[i].containers[j].service,
			    rows[i].containers[j].depends_on);
		assert_order(&made, rows[i].order);
		made_free(&made);
	}
}

static void
only_running_ones_are_taken_and_each_once(void **state)
{
	struct made made = { .n = 0 };

	(void)state;
	add(&made, "off", NULL, NULL, NULL);
	add(&made, "on", NULL, NULL, NULL);
	made.v[0].running = false;
	made.pointers[made.n] = &made.v[1];
	made.v[made.n] = (struct container){ .id = NULL };
	made.n++;
	assert_order(&made, "on");
	made_free(&made);
}

static void
a_label_with_the_value_selects(void **state)
{
	static const struct {
		const char *key, *value, *wanted;
		bool selects;
	} rows[] = {
		{ "vbackup.stop", "true", "true", true },
		{ "docker-volume-backup.stop-during-backup", "true", "true",
		  true },
		{ "vbackup.stop", "nightly", "nightly", true },
		{ "vbackup.stop", "nightly", "true", false },
		{ "vbackup.stop", "", "true", false },
		{ "vbackup.stopp", "true", "true", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct made made = { .n = 0 };

		add(&made, "a", NULL, NULL, NULL);
		add_label(&made.v[0], rows[i].key, rows[i].value);
		assert_int_equal(quiesce_selects(&made.v[0], rows[i].wanted),
		    rows[i].selects);
		made_free(&made);
	}
}

/* What follows talks to a peer; a's dependent is b: stop b a, start a b. */
#define ANSWER(status, body) .answer = "HTTP/1.1 " status		\
    "\r\nConnection: close\r\n\r\n" body, .then = PEER_CLOSE
#define PONG { .request = "GET /_ping", .answer = PEER_ANSWER("200 OK",	\
    "Api-Version: 1.41\r\n", "2", "OK") }
#define STATE(id, running)						\
	{ .request = "GET /v1.41/containers/" id "/json",		\
	  ANSWER("200 OK", "{\"State\":{\"Running\":" running "}}") }
#define INSPECT(id) { .request = "GET /v1.41/containers/" id "/json",	\
    ANSWER("200 OK", "{}") }
#define STOP(id) { .request = "POST /v1.41/containers/" id "/stop",	\
    ANSWER("204 No Content", "") }
#define START(id) { .request = "POST /v1.41/containers/" id "/start",	\
    ANSWER("204 No Content", "") }
#define START_BAD(id, status, body) {					\
    .request = "POST /v1.41/containers/" id "/start",			\
    ANSWER(status, "{\"message\":\"" body "\"}") }

struct scene {
	struct peer *peer;
	struct engine *engine;
	struct made made;
	struct quiesce quiesce;
};

static void
open_scene(struct scene *scene, struct peer *peer)
{
	char host[128];
	struct engine_settings settings = { .host = host };
	struct err err = ERR_INIT;

	*scene = (struct scene){ .peer = peer };
	(void)snprintf(host, sizeof host, "unix://%s", peer->socket_path);
	if (engine_open(&settings, &scene->engine, &err) < 0)
		fail_msg("%s", err.msg);
	add(&scene->made, "a", "p", "db", NULL);
	add(&scene->made, "b", "p", "web", "db");
	assert_int_equal(quiesce_init(scene->engine, scene->made.pointers,
	    scene->made.n, &scene->quiesce, &err), 0);
}

static void
close_scene(struct scene *scene)
{
	quiesce_free(&scene->quiesce);
	made_free(&scene->made);
	engine_free(scene->engine);
	peer_finish(scene->peer);
	peer_free(scene->peer);
}

static void
all_stop_and_start_again_once(void **state)
{
	static const struct peer_step steps[] = { PONG,
		INSPECT("b"), STOP("b"), INSPECT("a"), STOP("a"),
		START("a"), START("b") };
	struct scene scene;
	struct err err = ERR_INIT;
	struct quiesce *quiesce = &scene.quiesce;
	double window_s;

	(void)state;
	open_scene(&scene, peer_start_unix(STEPS(steps)));
	assert_int_equal(quiesce_begin(quiesce, &err), 0);
	assert_true(quiesce->units[0].touched && quiesce->units[1].touched);
	assert_int_equal(quiesce_resume(quiesce, 60), 0);
	window_s = quiesce->window_s;
	assert_true(window_s > 0);
	assert_true(quiesce->units[1].window_s > 0);
	assert_true(quiesce->units[0].window_s >= quiesce->units[1].window_s);
	assert_true(window_s >= quiesce->units[0].window_s);
	assert_int_equal(quiesce_resume(quiesce, 60), 0);
	assert_true(quiesce->window_s >= window_s &&
	    quiesce->window_s <= window_s);
	close_scene(&scene);
}

static void
a_failing_stop_ends_begin_and_resume_starts_what_was_touched(void **state)
{
	static const struct peer_step steps[] = { PONG, INSPECT("b"),
		{ .request = "POST /v1.41/containers/b/stop",
		  ANSWER("500 No", "{\"message\":\"stuck\"}") },
		STATE("b", "false"), START("b") };
	struct scene scene;
	struct err err = ERR_INIT;

	(void)state;
	open_scene(&scene, peer_start_unix(STEPS(steps)));
	assert_int_equal(quiesce_begin(&scene.quiesce, &err), -1);
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_non_null(strstr(err.msg, "cannot stop container 'b'"));
	assert_non_null(strstr(err.msg, "stuck"));
	assert_true(scene.quiesce.units[0].touched);
	assert_false(scene.quiesce.units[1].touched);
	assert_int_equal(quiesce_resume(&scene.quiesce, 5), 0);
	close_scene(&scene);
}

static void
what_was_refused_to_stop_and_still_runs_is_left_alone(void **state)
{
	static const struct peer_step steps[] = { PONG, INSPECT("b"),
		{ .request = "POST /v1.41/containers/b/stop",
		  ANSWER("500 No", "{\"message\":\"stuck\"}") },
		STATE("b", "true") };
	struct scene scene;
	struct err err = ERR_INIT;

	(void)state;
	open_scene(&scene, peer_start_unix(STEPS(steps)));
	assert_int_equal(quiesce_begin(&scene.quiesce, &err), -1);
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_int_equal(quiesce_resume(&scene.quiesce, 5), 0);
	close_scene(&scene);
}

static void
a_stop_without_an_answer_is_awaited_before_the_start(void **state)
{
	static const struct peer_step steps[] = { PONG, INSPECT("b"),
		{ .request = "POST /v1.41/containers/b/stop",
		  ANSWER("504 Gateway Time-out", "too slow") },
		STATE("b", "true"), STATE("b", "true"), STATE("b", "false"),
		START("b") };
	struct scene scene;
	struct err err = ERR_INIT;

	(void)state;
	open_scene(&scene, peer_start_unix(STEPS(steps)));
	assert_int_equal(quiesce_begin(&scene.quiesce, &err), -1);
	assert_int_equal(err.kind, ERR_TIMEOUT);
	assert_true(scene.quiesce.units[0].uncertain);
	assert_int_equal(quiesce_resume(&scene.quiesce, 30), 0);
	assert_false(scene.quiesce.units[0].failed);
	close_scene(&scene);
}

static void
a_start_is_tried_again_while_the_others_run(void **state)
{
	static const struct peer_step steps[] = { PONG,
		INSPECT("b"), STOP("b"), INSPECT("a"), STOP("a"),
		START_BAD("a", "500 No", "busy"), START("b"),
		START_BAD("a", "404 Not Found", "network x not found"),
		START("a") };
	struct scene scene;
	struct err err = ERR_INIT;

	(void)state;
	open_scene(&scene, peer_start_unix(STEPS(steps)));
	assert_int_equal(quiesce_begin(&scene.quiesce, &err), 0);
	assert_int_equal(quiesce_resume(&scene.quiesce, 10), 0);
	assert_false(scene.quiesce.units[1].failed);
	assert_true(scene.quiesce.units[1].window_s >
	    scene.quiesce.units[0].window_s);
	close_scene(&scene);
}

static void
a_start_that_never_works_is_given_up_in_time(void **state)
{
	static const struct peer_step steps[] = { PONG,
		INSPECT("b"), STOP("b"), INSPECT("a"), STOP("a"),
		START("a"), START_BAD("b", "500 No", "port is taken"),
		START_BAD("b", "500 No", "port is taken"),
		START_BAD("b", "500 No", "port is taken") };
	struct scene scene;
	struct err err = ERR_INIT;
	double begun_s;

	(void)state;
	open_scene(&scene, peer_start_unix(STEPS(steps)));
	assert_int_equal(quiesce_begin(&scene.quiesce, &err), 0);
	begun_s = clock_mono_s();
	/* at 0, 0.25 and 0.5 s */
	assert_int_equal(quiesce_resume(&scene.quiesce, 0.5), 1);
	assert_true(clock_mono_s() - begun_s < 2);
	assert_true(scene.quiesce.units[0].failed);
	assert_int_equal(scene.quiesce.units[0].err.kind, ERR_REFUSED);
	assert_non_null(strstr(scene.quiesce.units[0].err.msg,
	    "cannot start container 'b'"));
	assert_non_null(strstr(scene.quiesce.units[0].err.msg,
	    "port is taken"));
	assert_true(scene.quiesce.window_s >= 0.5);
	assert_int_equal(quiesce_resume(&scene.quiesce, 0.5), 1);
	close_scene(&scene);
}

static void
a_container_that_vanished_is_given_up_at_once(void **state)
{
	static const struct peer_step steps[] = { PONG,
		INSPECT("b"), STOP("b"), INSPECT("a"), STOP("a"),
		START_BAD("a", "404 Not Found", "No such container: a"),
		START("b") };
	struct scene scene;
	struct err err = ERR_INIT;
	double begun_s;

	(void)state;
	open_scene(&scene, peer_start_unix(STEPS(steps)));
	assert_int_equal(quiesce_begin(&scene.quiesce, &err), 0);
	begun_s = clock_mono_s();
	assert_int_equal(quiesce_resume(&scene.quiesce, 60), 1);
	assert_true(clock_mono_s() - begun_s < 2);
	assert_int_equal(scene.quiesce.units[1].err.kind, ERR_NOTFOUND);
	close_scene(&scene);
}

static void
without_a_retry_a_start_is_tried_once(void **state)
{
	static const struct peer_step steps[] = { PONG,
		INSPECT("b"), STOP("b"), INSPECT("a"), STOP("a"),
		START_BAD("a", "500 No", "x"), START("b") };
	struct scene scene;
	struct err err = ERR_INIT;

	(void)state;
	open_scene(&scene, peer_start_unix(STEPS(steps)));
	assert_int_equal(quiesce_begin(&scene.quiesce, &err), 0);
	assert_int_equal(quiesce_resume(&scene.quiesce, 0), 1);
	close_scene(&scene);
}

static void
nothing_touched_is_nothing_resumed(void **state)
{
	static const struct peer_step steps[] = { PONG };
	struct scene scene;

	(void)state;
	open_scene(&scene, peer_start_unix(STEPS(steps)));
	assert_int_equal(quiesce_resume(&scene.quiesce, 60), 0);
	assert_int_equal(quiesce_resume(&scene.quiesce, 60), 0);
	close_scene(&scene);
}

/* In a child: the flag of a signal is never taken back. The signal comes
 * while the first stop is waited for. 0 if all is as it should be. */
static int
interrupted_scene(const char *socket_path)
{
	char host[128];
	struct engine_settings settings = { .host = host };
	struct made made = { .n = 0 };
	struct quiesce quiesce;
	struct engine *engine;
	struct err err = ERR_INIT;

	(void)snprintf(host, sizeof host, "unix://%s", socket_path);
	add(&made, "a", "p", "db", NULL);
	add(&made, "b", "p", "web", "db");
	if (intr_install(&err) < 0 ||
	    engine_open(&settings, &engine, &err) < 0 ||
	    quiesce_init(engine, made.pointers, made.n, &quiesce, &err) < 0)
		return 1;
	if (fork() == 0) {
		(void)usleep(200000);
		(void)kill(getppid(), SIGTERM);
		_exit(0);
	}
	if (quiesce_begin(&quiesce, &err) == 0 || err.kind != ERR_INTERRUPTED)
		return 2;
	if (!quiesce.units[0].touched || quiesce.units[1].touched)
		return 3;
	if (quiesce_resume(&quiesce, 10) != 0)
		return 4;
	quiesce_free(&quiesce);
	made_free(&made);
	engine_free(engine);
	return 0;
}

static void
a_signal_ends_begin_after_the_stop_under_way_but_not_resume(void **state)
{
	static const struct peer_step steps[] = { PONG, INSPECT("b"),
		{ .request = "POST /v1.41/containers/b/stop", .delay_s = 0.6,
		  ANSWER("204 No Content", "") },
		START_BAD("b", "500 No", "not yet"), START("b") };
	struct peer *peer = peer_start_unix(STEPS(steps));
	int status = 0;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(interrupted_scene(peer->socket_path));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	peer_finish(peer);
	peer_free(peer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dependents_stop_before_what_they_depend_on),
		cmocka_unit_test(only_running_ones_are_taken_and_each_once),
		cmocka_unit_test(a_label_with_the_value_selects),
		cmocka_unit_test(all_stop_and_start_again_once),
		cmocka_unit_test(
	    a_failing_stop_ends_begin_and_resume_starts_what_was_touched),
		cmocka_unit_test(
		    what_was_refused_to_stop_and_still_runs_is_left_alone),
		cmocka_unit_test(
		    a_stop_without_an_answer_is_awaited_before_the_start),
		cmocka_unit_test(a_start_is_tried_again_while_the_others_run),
		cmocka_unit_test(a_start_that_never_works_is_given_up_in_time),
		cmocka_unit_test(
		    a_container_that_vanished_is_given_up_at_once),
		cmocka_unit_test(without_a_retry_a_start_is_tried_once),
		cmocka_unit_test(nothing_touched_is_nothing_resumed),
		cmocka_unit_test(
	    a_signal_ends_begin_after_the_stop_under_way_but_not_resume),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
