#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "test/unit/toy_scene.h"

static void
big_scene(void)
{
	struct toy_container *made;

	scene_new();
	made = scene_stop("db", "db", NULL);
	made->health = HEALTH_HEALTHY;
	made->starting = 2;
	scene_stop("cache", "cache", NULL);
	scene_stop("web", "web",
	    "db:service_healthy:false,cache:service_started:true");
	scene_pause("files");
	made = scene_stop("off", NULL, NULL);
	made->running = made->container.running = false;
	made = scene_stop("frozen", NULL, NULL);
	made->paused = made->container.paused = true;
	scene_stop("worker", NULL, NULL);
	scene.targets[scene.n_targets - 1].no_restart = true;
	toy_service("swarm", 3, 0)->slow_s = 0.7;
	scene_task("swarm.1", "swarm");
	scene_task("swarm.2", "swarm");
	scene_scale("api", 2)->slow_s = 0.7;
	toy.services[1].sets[0] = 3;
	toy.services[1].n_sets = 1;
	/* stopped since the inventory was taken */
	scene_stop("ended", NULL, NULL)->running = false;
	scene_empty("log", 2)->slow_s = 0.7;
}

/* Each deed has its note before it, and nothing else of it before the note. */
static void
check_notes(const char *what)
{
	static const char *const rows[][2] = {
		{ "note start db\n", "stop db" },
		{ "note start cache\n", "stop cache" },
		{ "note start web\n", "stop web" },
		{ "note unpause files\n", "pause files" },
		{ "note force swarm\n", "tasks swarm" },
		{ "note force swarm\n", "stop swarm.1" },
		{ "note force swarm\n", "stop swarm.2" },
		{ "note scale(2) api\n", "scale(0) api" },
		{ "note unconstrain log\n", "constrain log" },
		{ "note unconstrain log\n", "tasks log" },
	};
	size_t i;

	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const char *deed = strstr(toy.journal.s, rows[i][1]);
		const char *note = strstr(toy.journal.s, rows[i][0]);

		while (deed != NULL && deed != toy.journal.s &&
		    deed[-1] != '\n')
			deed = strstr(deed + 1, rows[i][1]);
		if (deed != NULL && (note == NULL || note > deed))
			fail_msg("%s: no note before '%s' in\n%s", what,
			    rows[i][1], toy.journal.s);
	}
}

/* Was it only a proxy that kept a container's state from us? */
static bool
only_a_state_failed(void)
{
	const char *p = strstr(toy.journal.s, " FAILS\n");

	while (p != NULL && p != toy.journal.s && p[-1] != '\n')
		p--;
	return p != NULL && toy.fail_kind == ERR_REFUSED &&
	    str_starts(p, "state ");
}

/* What was not touched is as it was, whatever became of its service. */
static bool
is_as_it_was(const struct quiesce_unit *unit)
{
	const struct toy_container *container =
	    (const void *)unit->target.container;

	return container->running ==
	    (strcmp(container->container.name, "ended") != 0);
}

/* All that ran runs, or is known not to; all that did not run does not. */
static void
check_world(const char *what)
{
	size_t i, failed = 0;

	toy_settle();
	for (i = 0; i < scene.quiesce.n; i++) {
		const struct quiesce_unit *unit = &scene.quiesce.units[i];
		bool up = !unit->touched && unit->target.container != NULL ?
		    is_as_it_was(unit) : toy_is_up(&unit->target);

		failed += unit->failed;
		if (unit->target.no_restart ? unit->window_s > 0 :
		    !up && !unit->failed)
			fail_msg("%s: %s is down, and nobody knows\n%s", what,
			    unit->target.container != NULL ?
			    unit->target.container->name :
			    unit->target.service->name, toy.journal.s);
		if (unit->failed && unit->err.msg[0] == '\0')
			fail_msg("%s: failed without a cause", what);
	}
	assert_int_equal(quiesce_resume(&scene.quiesce, 60), failed);
	assert_false(toy.containers[4].running);
	assert_true(toy.containers[5].paused);
	assert_int_equal(scene_count("undo start off"), 0);
	assert_int_equal(scene_count("undo unpause frozen"), 0);
	assert_int_equal(scene_count("undo start worker"), 0);
	assert_int_equal(scene_count("undo start ended"),
	    scene_count("state ended FAILS") != 0 && only_a_state_failed());
	check_notes(what);
}

static void
one_failing_call_leaves_nothing_down(void **state)
{
	static const struct {
		enum err_kind kind;
		enum toy_effect effect;
		const char *name;
	} rows[] = {
		{ ERR_REFUSED, TOY_NONE, "refused" },
		{ ERR_REFUSED, TOY_DONE, "refused but done" },
		{ ERR_NOTFOUND, TOY_NONE, "not found" },
		{ ERR_TIMEOUT, TOY_NONE, "timeout, not done" },
		{ ERR_TIMEOUT, TOY_DONE, "timeout, done" },
		{ ERR_TIMEOUT, TOY_LATE, "timeout, done later" },
		{ ERR_UNREACHABLE, TOY_NONE, "unreachable" },
		{ ERR_PROTOCOL, TOY_DONE, "protocol" },
		{ ERR_NOMEM, TOY_NONE, "no memory" },
	};
	struct err err;
	size_t row, k, in_begin;
	char what[64];

	(void)state;
	for (row = 0; row < sizeof rows / sizeof rows[0]; row++)
		for (k = 1; ; k++) {
			int rc;

			big_scene();
			toy.fail_first = toy.fail_last = k;
			toy.fail_kind = rows[row].kind;
			toy.fail_effect = rows[row].effect;
			(void)snprintf(what, sizeof what, "call %zu %s", k,
			    rows[row].name);
			rc = scene_begin(&err);
			in_begin = toy.failed;
			if ((rc < 0) != (in_begin != 0 &&
			    !only_a_state_failed()))
				fail_msg("%s: begin gave %d\n%s", what, rc,
				    toy.journal.s);
			if (rc < 0 && err.kind != rows[row].kind)
				fail_msg("%s: %s", what, err.msg);
			/* It is made good by trying again, but for what is
			 * said not to exist. */
			if (quiesce_resume(&scene.quiesce, 60) != 0 &&
			    rows[row].kind != ERR_NOTFOUND)
				fail_msg("%s: not all is back\n%s", what,
				    toy.journal.s);
			check_world(what);
			if (toy.failed == 0)
				break;
		}
	assert_true(k > 30);
	scene_end();
}

static void
an_engine_that_dies_for_good_leaves_nothing_unknown(void **state)
{
	struct err err;
	size_t k, touched, i, failed;
	char what[64];

	(void)state;
	for (k = 1; ; k++) {
		big_scene();
		toy.fail_first = k;
		toy.fail_last = (size_t)-1;
		toy.fail_kind = ERR_UNREACHABLE;
		(void)snprintf(what, sizeof what, "dead from call %zu", k);
		(void)scene_begin(&err);
		failed = quiesce_resume(&scene.quiesce, 60);
		for (i = touched = 0; i < scene.quiesce.n; i++)
			touched += scene.quiesce.units[i].touched &&
			    !scene.quiesce.units[i].target.no_restart;
		assert_true(failed <= touched);
		if (k == 2)
			assert_int_equal(failed, 0);
		check_world(what);
		if (toy.failed == 0)
			break;
	}
	scene_end();
}

/* It restarts in the middle: all that it was asked meanwhile fails. */
static void
an_engine_that_is_away_for_a_while_leaves_nothing_down(void **state)
{
	struct err err;
	size_t k;
	char what[64];

	(void)state;
	for (k = 1; ; k++) {
		big_scene();
		toy.fail_first = k;
		toy.fail_last = k + 7;
		toy.fail_kind = ERR_UNREACHABLE;
		(void)snprintf(what, sizeof what, "away at call %zu", k);
		(void)scene_begin(&err);
		if (quiesce_resume(&scene.quiesce, 60) != 0)
			fail_msg("%s: not all is back\n%s", what,
			    toy.journal.s);
		check_world(what);
		if (toy.failed == 0)
			break;
	}
	scene_end();
}

static size_t
lines_after_signal(void)
{
	const char *p = strstr(toy.journal.s, "SIGNAL\n") + 7;
	size_t n = 0;

	for (; *p != '\0'; p++)
		n += *p == '\n';
	return n;
}

static void
a_signal_ends_begin_after_the_deed_under_way_but_not_resume(void **state)
{
	struct err err;
	size_t k;
	char what[64];
	int rc;

	(void)state;
	for (k = 1; ; k++) {
		big_scene();
		toy.signal_after = k;
		(void)snprintf(what, sizeof what, "signal after %zu", k);
		rc = scene_begin(&err);
		if (toy.signalled) {
			assert_int_equal(rc, -1);
			assert_int_equal(err.kind, ERR_INTERRUPTED);
			/* What was noted is still done, and no more. */
			if (lines_after_signal() > 2)
				fail_msg("%s: goes on\n%s", what,
				    toy.journal.s);
		} else {
			assert_int_equal(rc, 0);
		}
		if (quiesce_resume(&scene.quiesce, 60) != 0)
			fail_msg("%s: not all is back\n%s", what,
			    toy.journal.s);
		check_world(what);
		if (!toy.signalled)
			break;
	}
	assert_true(k > 30);
	scene_end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_failing_call_leaves_nothing_down),
		cmocka_unit_test(
		    an_engine_that_dies_for_good_leaves_nothing_unknown),
		cmocka_unit_test(
		    an_engine_that_is_away_for_a_while_leaves_nothing_down),
		cmocka_unit_test(
	    a_signal_ends_begin_after_the_deed_under_way_but_not_resume),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
